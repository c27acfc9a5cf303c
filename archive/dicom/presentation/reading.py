"""A presentation state object read into its record. Nothing in it is believed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import BinaryIO, Final, TypeVar

from archive.dicom.header import Values
from archive.dicom.presentation import drawings
from archive.dicom.presentation.records import (
    CLASSES,
    NOT_APPLIED,
    Area,
    Modality,
    Plane,
    PresentationState,
    PresentationUnreadable,
    Reference,
    Shutter,
    SizeMode,
    Table,
    Voi,
)
from archive.dicom.reader import read_whole
from archive.dicom.source import Unreadable
from archive.dicom.tags import tag
from archive.dicom.values import clip

_Pair = TypeVar("_Pair", int, float)
MOST_ITEMS: Final = 10_000
_OVERLAY_GROUPS: Final = range(0x6000, 0x6020, 2)
_ROTATIONS: Final = (0, 90, 180, 270)
_LEFT_OUT: Final = {
    "MaskSubtractionSequence": "mask",
    "CompoundGraphicSequence": "compound-graphics",
    "StructuredDisplayImageBoxSequence": "structured-display",
}


def presentation_read(file: BinaryIO) -> PresentationState:
    """The state in a file. Raises ``PresentationUnreadable``: ``broken``, ``not-a-presentation-state``,
    ``no-references``, or the kind of state that is not applied (``pseudo-color``, ``blending``, ``xa-xrf``).
    """
    try:
        _, values = read_whole(file)
    except Unreadable as error:
        raise PresentationUnreadable("broken", f"{error.code}: {error.detail}") from None
    return presentation_of(values)


def presentation_of(values: Values) -> PresentationState:
    """``presentation_read`` for a data set that was read already."""
    sop_class = values.uid(tag("SOPClassUID"))
    if sop_class not in CLASSES:
        raise PresentationUnreadable("not-a-presentation-state", sop_class)
    if sop_class in NOT_APPLIED:
        raise PresentationUnreadable(NOT_APPLIED[sop_class], sop_class)
    references = _references(values)
    if not references:
        raise PresentationUnreadable("no-references", "its Referenced Series Sequence names no image")
    presentation = next(iter(_items(values, "PresentationLUTSequence")), None)
    planes = tuple(_planes(values))
    shutter = _shutter(values, planes)
    return PresentationState(
        sop_class_uid=sop_class,
        sop_instance_uid=values.uid(tag("SOPInstanceUID")),
        references=references,
        label=clip(values.text(tag("ContentLabel")), 64),
        description=clip(values.text(tag("ContentDescription")), 255),
        creator=clip(values.text(tag("ContentCreatorName")), 255),
        created=_created(values),
        modality=_modality(values),
        vois=tuple(_vois(values)),
        inverse=values.text(tag("PresentationLUTShape")).upper() == "INVERSE",
        presentation_table=_table(presentation) if presentation else None,
        areas=tuple(_areas(values)),
        rotation=_rotation(values),
        flip=values.text(tag("ImageHorizontalFlip")).upper() == "Y",
        layers=tuple(drawings.layers(values)),
        annotations=tuple(_annotations(values)),
        shutter=shutter,
        overlays=tuple(_overlays(values)),
        planes=planes,
        left_out=tuple(_left_out(values, shutter)),
    )


def _items(values: Values, keyword: str) -> list[Values]:
    return values.items(tag(keyword))[:MOST_ITEMS]


def _pair(values: Values, keyword: str) -> tuple[float, float] | None:
    numbers = values.floats(tag(keyword))
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _positive(values: Values, keyword: str) -> tuple[float, float] | None:
    pair = _pair(values, keyword)
    return pair if pair is not None and min(pair) > 0 else None


def _references(values: Values) -> tuple[Reference, ...]:
    """Of Referenced Series Sequence, PS3.3 C.11.11."""
    return tuple(
        reference
        for series in _items(values, "ReferencedSeriesSequence")
        for reference in _images(series, series.uid(tag("SeriesInstanceUID")))
    )


def _images(item: Values, series_instance_uid: str = "") -> tuple[Reference, ...]:
    found = []
    for image in _items(item, "ReferencedImageSequence"):
        uid = image.uid(tag("ReferencedSOPInstanceUID"))
        if uid:
            frames = tuple(image.integers(tag("ReferencedFrameNumber")))
            sop_class = image.uid(tag("ReferencedSOPClassUID"))
            found.append(Reference(uid, frames, sop_class, series_instance_uid))
    return tuple(found)


def _created(values: Values) -> str:
    day = values.text(tag("PresentationCreationDate"))
    time = values.text(tag("PresentationCreationTime")).partition(".")[0]
    whole = day + time
    return whole[:14] if len(day) == 8 and whole.isascii() and whole.isdigit() else ""


def _table(item: Values) -> Table | None:
    """LUT Descriptor and LUT Data of an item, in little-endian order."""
    numbers = values_16(item, "LUTDescriptor")
    data = item.raw(tag("LUTData"))
    if len(numbers) != 3 or not data:
        return None
    if item.big_endian:
        data = data[: len(data) // 2 * 2]
        data = b"".join(data[at + 1 : at + 2] + data[at : at + 1] for at in range(0, len(data), 2))
    return Table((numbers[0], numbers[1], numbers[2]), data, clip(item.text(tag("LUTExplanation"))))


def values_16(item: Values, keyword: str) -> list[int]:
    return [number & 0xFFFF for number in item.integers(tag(keyword))]


def _modality(values: Values) -> Modality:
    item = next(iter(_items(values, "ModalityLUTSequence")), None)
    table = _table(item) if item else None
    slope = values.decimal(tag("RescaleSlope"))
    return Modality(
        slope=slope if slope else 1.0,
        intercept=values.decimal(tag("RescaleIntercept")) or 0.0,
        unit=clip(values.text(tag("RescaleType")), 16),
        table=table,
    )


def _vois(values: Values) -> Iterator[Voi]:
    for item in _items(values, "SoftcopyVOILUTSequence"):
        references = _images(item)
        centers, widths = item.floats(tag("WindowCenter")), item.floats(tag("WindowWidth"))
        table = next((_table(one) for one in _items(item, "VOILUTSequence")), None)
        if table is not None:
            yield Voi(references, table=table, explanation=table.explanation)
        elif centers and widths and widths[0] > 0 and math.isfinite(centers[0]):
            function = item.text(tag("VOILUTFunction")).upper() or "LINEAR"
            explanation = next(iter(item.texts(tag("WindowCenterWidthExplanation"))), "")
            yield Voi(references, centers[0], widths[0], function, clip(explanation))


def _areas(values: Values) -> Iterator[Area]:
    for item in _items(values, "DisplayedAreaSelectionSequence"):
        first = _pair(item, "DisplayedAreaTopLeftHandCorner")
        last = _pair(item, "DisplayedAreaBottomRightHandCorner")
        if first is None or last is None:
            continue
        mode = item.text(tag("PresentationSizeMode")).upper()
        ratio = item.decimal(tag("PresentationPixelMagnificationRatio"))
        yield Area(
            references=_images(item),
            top_left=(int(first[0]), int(first[1])),
            bottom_right=(int(last[0]), int(last[1])),
            mode=SizeMode(mode) if mode in set(SizeMode) else SizeMode.FIT,
            spacing=_positive(item, "PresentationPixelSpacing"),
            aspect=_positive(item, "PresentationPixelAspectRatio"),
            magnification=ratio if ratio is not None and 0 < ratio < 1e4 else None,
        )


def _rotation(values: Values) -> int:
    rotation = (values.integer(tag("ImageRotation")) or 0) % 360
    return rotation if rotation in _ROTATIONS else 0


def _annotations(values: Values) -> Iterator[drawings.Annotation]:
    for item in _items(values, "GraphicAnnotationSequence"):
        yield drawings.annotation(item, _images(item))


def _shutter(values: Values, planes: tuple[Plane, ...]) -> Shutter | None:
    """The shapes together, PS3.3 C.7.6.11, and the bitmap, C.7.6.15, where the state brings its plane."""
    shapes = {text.upper() for text in values.texts(tag("ShutterShape"))}
    edges = [
        values.integer(tag(f"Shutter{side}Edge"))
        for side in ("LeftVertical", "UpperHorizontal", "RightVertical", "LowerHorizontal")
    ]
    # The pairs are row and column (PS3.3 C.7.6.11), the record is column and row.
    center, radius = (
        values.integers(tag("CenterOfCircularShutter")),
        values.integer(tag("RadiusOfCircularShutter")),
    )
    corners = values.integers(tag("VerticesOfThePolygonalShutter"))
    whole = [edge for edge in edges if edge is not None]
    rectangle = (whole[0], whole[1], whole[2], whole[3]) if len(whole) == 4 else None
    circle = (center[1], center[0], radius) if len(center) == 2 and radius else None
    polygon = tuple(zip(corners[1::2], corners[::2], strict=False))
    group = values.integer(tag("ShutterOverlayGroup"))
    bitmap = "BITMAP" in shapes and any(plane.group == group for plane in planes)
    found = Shutter(
        rectangle=rectangle if "RECTANGULAR" in shapes else None,
        circle=circle if "CIRCULAR" in shapes else None,
        polygon=polygon if "POLYGONAL" in shapes and len(polygon) > 2 else (),
        grey=min(max(values.integer(tag("ShutterPresentationValue")) or 0, 0), 0xFFFF),
        colour=drawings.lab_colour(values.integers(tag("ShutterPresentationColorCIELabValue"))),
        overlay_group=group if bitmap else None,
    )
    return found if found.rectangle or found.circle or found.polygon or bitmap else None


def _planes(values: Values) -> Iterator[Plane]:
    """The state's own overlay planes that hold what they say."""
    for group in _OVERLAY_GROUPS:
        rows, columns = (values.integer(group << 16 | element) or 0 for element in (0x0010, 0x0011))
        bits = values.raw(group << 16 | 0x3000)
        if rows <= 0 or columns <= 0 or 8 * len(bits) < rows * columns:
            continue
        if values.big_endian and values.elements[group << 16 | 0x3000][0] == b"OW":
            bits = b"".join(bits[at + 1 : at + 2] + bits[at : at + 1] for at in range(0, len(bits), 2))
        top, left = (*values.integers(group << 16 | 0x0050), 1, 1)[:2]
        region = values.text(group << 16 | 0x0040).upper() == "R"
        yield Plane(group, rows, columns, top - 1, left - 1, bits, region)


def _overlays(values: Values) -> Iterator[tuple[int, str]]:
    """Overlay Activation, PS3.3 C.11.7: the overlay planes to show, and in which layer."""
    for group in _OVERLAY_GROUPS:
        layer = values.text(group << 16 | 0x1001)
        if layer:
            yield group, clip(layer, 16)


def _left_out(values: Values, shutter: Shutter | None) -> Iterator[str]:
    for keyword, name in _LEFT_OUT.items():
        if values.items(tag(keyword)):
            yield name
    bitmap = "BITMAP" in {text.upper() for text in values.texts(tag("ShutterShape"))}
    if bitmap and (shutter is None or shutter.overlay_group is None):
        yield "bitmap-shutter"
