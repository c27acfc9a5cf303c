"""A presentation state written as an object that others can show (PS3.3 A.33.1 and A.33.2)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from PIL import ImageCms
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from archive.dicom.made import Made, Subject, data_set_begun, made_of
from archive.dicom.presentation.drawings import lab_of
from archive.dicom.presentation.records import (
    GREYSCALE,
    Annotation,
    Area,
    Graphic,
    Layer,
    Modality,
    Point,
    PresentationState,
    Reference,
    Shutter,
    SizeMode,
    Table,
    Text,
    Voi,
)
from archive.dicom.values import clip

_SERIES_NUMBER: Final = 9001
_SERIES_DESCRIPTION: Final = "Presentation states"
_NOT_IN_CS: Final = re.compile(r"[^A-Z0-9 _]+")


def content_label(name: str) -> str:
    """The name as Content Label can hold it (a CS of 16 characters); what it cannot is in the description."""
    return _NOT_IN_CS.sub("_", name.upper()).strip(" _")[:16].strip(" _") or "PRESENTATION"


def presentation_written(state: PresentationState, subject: Subject, *, now: datetime) -> Made:
    """The object, with UIDs of its own in a series of its own; the state's own UID is not used."""
    ds = data_set_begun(
        subject,
        sop_class_uid=state.sop_class_uid,
        modality="PR",
        series_number=_SERIES_NUMBER,
        description=_SERIES_DESCRIPTION,
        now=now,
    )
    ds.ContentLabel = content_label(state.label)
    ds.ContentDescription = clip(state.description, 64)
    ds.PresentationCreationDate, ds.PresentationCreationTime = f"{now:%Y%m%d}", f"{now:%H%M%S}"
    ds.ContentCreatorName = state.creator
    ds.ReferencedSeriesSequence = Items(_series(state.references))
    ds.DisplayedAreaSelectionSequence = Items([_area(area) for area in state.areas])
    if state.rotation or state.flip:
        ds.ImageHorizontalFlip, ds.ImageRotation = "Y" if state.flip else "N", state.rotation
    if state.shutter is not None:
        _shutter(ds, state.shutter)
    if state.annotations:
        ds.GraphicAnnotationSequence = Items([_annotation(one) for one in state.annotations])
        ds.GraphicLayerSequence = Items([_layer(one, place) for place, one in enumerate(state.layers, 1)])
    if state.sop_class_uid == GREYSCALE:
        _greys(ds, state)
    else:
        ds.ICCProfile = _srgb()
        ds.ColorSpace = "SRGB"
    return made_of(ds)


def _series(references: Iterable[Reference]) -> list[Dataset]:
    by_series: dict[str, list[Reference]] = defaultdict(list)
    for one in references:
        by_series[one.series_instance_uid].append(one)
    found = []
    for uid, images in by_series.items():
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedImageSequence = _images(images)
        found.append(item)
    return found


def _images(references: Iterable[Reference]) -> Items:
    return Items([_image(one) for one in references])


def _image(reference: Reference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    if reference.frames:
        item.ReferencedFrameNumber = list(reference.frames)
    return item


def _referring(references: Sequence[Reference]) -> Dataset:
    item = Dataset()
    if references:
        item.ReferencedImageSequence = _images(references)
    return item


def _greys(ds: Dataset, state: PresentationState) -> None:
    """Modality LUT, Softcopy VOI LUT and Softcopy Presentation LUT modules."""
    _modality(ds, state.modality)
    if state.vois:
        ds.SoftcopyVOILUTSequence = Items([_voi(voi) for voi in state.vois])
    if state.presentation_table is not None:
        ds.PresentationLUTSequence = Items([_table(state.presentation_table)])
    else:
        ds.PresentationLUTShape = "INVERSE" if state.inverse else "IDENTITY"


def _modality(ds: Dataset, modality: Modality) -> None:
    if modality.table is not None:
        item = _table(modality.table)
        item.ModalityLUTType = clip(modality.unit, 16) or "US"
        ds.ModalityLUTSequence = Items([item])
        return
    ds.RescaleIntercept, ds.RescaleSlope = _decimal(modality.intercept), _decimal(modality.slope)
    ds.RescaleType = clip(modality.unit, 16) or "US"


def _voi(voi: Voi) -> Dataset:
    item = _referring(voi.references)
    if voi.table is not None:
        item.VOILUTSequence = Items([_table(voi.table)])
        return item
    item.WindowCenter, item.WindowWidth = _decimal(voi.center), _decimal(voi.width)
    if voi.function != "LINEAR":
        item.VOILUTFunction = voi.function
    if voi.explanation:
        item.WindowCenterWidthExplanation = clip(voi.explanation, 64)
    return item


def _table(table: Table) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [number & 0xFFFF for number in table.descriptor])
    if table.explanation:
        item.LUTExplanation = clip(table.explanation, 64)
    item.add_new("LUTData", "OW", table.data + bytes(len(table.data) % 2))
    return item


def _area(area: Area) -> Dataset:
    item = _referring(area.references)
    item.DisplayedAreaTopLeftHandCorner = list(area.top_left)
    item.DisplayedAreaBottomRightHandCorner = list(area.bottom_right)
    item.PresentationSizeMode = area.mode.value
    if area.spacing is not None:
        item.PresentationPixelSpacing = [_decimal(side) for side in area.spacing]
    else:
        vertical, horizontal = area.aspect or (1, 1)
        item.PresentationPixelAspectRatio = [round(side) for side in _whole(vertical, horizontal)]
    if area.mode is SizeMode.MAGNIFY:
        item.PresentationPixelMagnificationRatio = area.magnification or 1.0
    return item


def _whole(vertical: float, horizontal: float) -> tuple[float, float]:
    """The ratio in whole numbers, as IS wants it."""
    if vertical == int(vertical) and horizontal == int(horizontal):
        return vertical, horizontal
    return vertical / horizontal * 10_000, 10_000


def _annotation(one: Annotation) -> Dataset:
    item = _referring(one.references)
    item.GraphicLayer = one.layer
    if one.texts:
        item.TextObjectSequence = Items([_text(text) for text in one.texts])
    if one.graphics:
        item.GraphicObjectSequence = Items([_graphic(graphic) for graphic in one.graphics])
    return item


def _graphic(graphic: Graphic) -> Dataset:
    item = Dataset()
    item.GraphicAnnotationUnits = graphic.units.value
    item.GraphicDimensions, item.NumberOfGraphicPoints = 2, len(graphic.points)
    item.GraphicData = [number for point in graphic.points for number in point]
    item.GraphicType = graphic.shape.value
    item.GraphicFilled = "Y" if graphic.filled else "N"
    return item


def _text(text: Text) -> Dataset:
    item = Dataset()
    item.UnformattedTextValue = text.text[:1024].replace("\n", "\r\n")
    if text.box is not None:
        item.BoundingBoxAnnotationUnits = text.box_units.value
        item.BoundingBoxTopLeftHandCorner = _numbers(text.box[0])
        item.BoundingBoxBottomRightHandCorner = _numbers(text.box[1])
        item.BoundingBoxTextHorizontalJustification = text.justification
    if text.anchor is not None:
        item.AnchorPointAnnotationUnits = text.anchor_units.value
        item.AnchorPoint = _numbers(text.anchor)
        item.AnchorPointVisibility = "Y" if text.anchor_visible else "N"
    return item


def _numbers(point: Point) -> list[float]:
    return [float(number) for number in point]


def _layer(layer: Layer, order: int) -> Dataset:
    item = Dataset()
    item.GraphicLayer, item.GraphicLayerOrder = layer.name, order
    if layer.colour is not None:
        item.GraphicLayerRecommendedDisplayCIELabValue = lab_of(layer.colour)
    if layer.description:
        item.GraphicLayerDescription = clip(layer.description, 64)
    return item


def _shutter(ds: Dataset, shutter: Shutter) -> None:
    shapes = []
    if shutter.rectangle is not None:
        shapes.append("RECTANGULAR")
        ds.ShutterLeftVerticalEdge, ds.ShutterUpperHorizontalEdge = shutter.rectangle[:2]
        ds.ShutterRightVerticalEdge, ds.ShutterLowerHorizontalEdge = shutter.rectangle[2:]
    if shutter.circle is not None:
        column, row, radius = shutter.circle
        shapes.append("CIRCULAR")
        ds.CenterOfCircularShutter, ds.RadiusOfCircularShutter = [row, column], radius
    if shutter.polygon:
        shapes.append("POLYGONAL")
        ds.VerticesOfThePolygonalShutter = [side for x, y in shutter.polygon for side in (y, x)]
    ds.ShutterShape = shapes
    ds.ShutterPresentationValue = shutter.grey
    if shutter.colour is not None:
        ds.ShutterPresentationColorCIELabValue = lab_of(shutter.colour)


def _decimal(value: float) -> str:
    """A DS of at most 16 characters, as exact as they allow (PS3.5 6.2)."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return next(text for digits in range(16, 0, -1) if len(text := f"{value:.{digits}g}") <= 16)


@lru_cache(maxsize=1)
def _srgb() -> Any:
    """Colour states must carry a profile (PS3.3 A.33.2): the one the pictures are shown in."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
