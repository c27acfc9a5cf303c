"""Presentation states: read, and applied to greys, layout and drawings. Literal values throughout."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from archive.dicom.presentation.drawings import lab_colour, lab_of
from archive.dicom.presentation.reading import presentation_read
from archive.dicom.presentation.records import (
    Graphic,
    PresentationState,
    PresentationUnreadable,
    Shape,
    Shutter,
    SizeMode,
    Units,
)
from archive.imaging.annotate import (
    Caption,
    Line,
    area_of,
    line_of,
    marks_of,
    presented_picture,
    turned,
)
from archive.imaging.params import PresentationLook, View, Window
from archive.imaging.pipeline import picture, raster_read
from archive.imaging.presenting import covered, look_of
from archive.imaging.source import pixel_handle, source_read
from dicomnet.film.layout import Cell, LayoutError
from tests.objects import ct_slice, item, part10, presentation_state, referenced

pytestmark = pytest.mark.pure


def read(ds: Dataset) -> PresentationState:
    return presentation_read(io.BytesIO(part10(ds)))


def shown(image: Dataset, state: PresentationState | None = None, frame: int = 1, **view: Any) -> np.ndarray:
    """Display values of a frame of the image, under the state."""
    file = io.BytesIO(part10(image))
    source = source_read(file)
    raster = raster_read(source, pixel_handle(source, file), frame - 1)
    look = look_of(state, str(image.SOPInstanceUID), frame) if state else None
    return picture(raster, source.greyscale(frame - 1), View(presentation=look, **view))[0]


def window(center: float, width: float, *references: Dataset, **more: Any) -> Dataset:
    found = item(WindowCenter=center, WindowWidth=width, **more)
    if references:
        found.ReferencedImageSequence = list(references)
    return found


RAMP = {"PixelRepresentation": 0, "BitsStored": 8, "BitsAllocated": 16, "HighBit": 7}
"""16 x 16, values 0..255 in reading order."""


# --- reading ---


def test_who_made_it_and_of_what_it_speaks() -> None:
    image = ct_slice()
    state = read(
        presentation_state(
            image, SpecificCharacterSet="ISO_IR 192", ContentDescription="左肺", ContentCreatorName="王^芳"
        )
    )
    assert (state.label, state.description, state.creator, state.created) == (
        "LABEL",
        "左肺",
        "王^芳",
        "20261123081500",
    )
    assert state.speaks_of(str(image.SOPInstanceUID), 1)
    assert state.speaks_of(str(image.SOPInstanceUID), 7)
    assert not state.speaks_of("1.2.3", 1)


def test_frames_that_are_not_named_are_not_meant() -> None:
    image = ct_slice()
    ds = presentation_state(image)
    ds.ReferencedSeriesSequence[0].ReferencedImageSequence = [referenced(image, 2, 3)]
    state = read(ds)
    assert [state.speaks_of(str(image.SOPInstanceUID), frame) for frame in (1, 2, 3, 4)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ReferencedSeriesSequence": []}, "no-references"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "not-a-presentation-state"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.11.3"}, "pseudo-color"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.11.4"}, "blending"),
    ],
)
def test_what_cannot_be_applied_has_a_name(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(PresentationUnreadable) as error:
        read(presentation_state(ct_slice(), **changes))
    assert error.value.code == code


def test_bytes_that_are_no_object_have_a_name() -> None:
    whole = part10(presentation_state(ct_slice()))
    for data in (b"", b"nonsense" * 100, whole[:400]):
        with pytest.raises(PresentationUnreadable) as error:
            presentation_read(io.BytesIO(data))
        assert error.value.code in {"broken", "no-references"}


def test_what_is_not_done_is_said() -> None:
    ds = presentation_state(
        ct_slice(), ShutterShape="BITMAP", MaskSubtractionSequence=[item(MaskOperation="NONE")]
    )
    assert read(ds).left_out == ("mask", "bitmap-shutter")


def planed(ds: Dataset, group: int, mask: np.ndarray, origin: tuple[int, int] = (1, 1)) -> Dataset:
    """``ds`` with an overlay plane."""
    rows, columns = mask.shape
    ds.add_new(group << 16 | 0x10, "US", rows)
    ds.add_new(group << 16 | 0x11, "US", columns)
    ds.add_new(group << 16 | 0x40, "CS", "G")
    ds.add_new(group << 16 | 0x50, "SS", list(origin))
    ds.add_new(group << 16 | 0x100, "US", 1)
    ds.add_new(group << 16 | 0x102, "US", 0)
    bits = np.packbits(mask.ravel(), bitorder="little").tobytes()
    ds.add_new(group << 16 | 0x3000, "OW", bits + bytes(len(bits) % 2))
    return ds


def marked(*places: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((16, 16), np.bool_)
    for place in places:
        mask[place] = True
    return mask


def test_a_bitmap_shutter_covers_what_its_plane_marks() -> None:
    image = ct_slice(**RAMP, PixelData=np.full(256, 255, "<u2").tobytes())
    state = presentation_state(
        image, ShutterShape="BITMAP", ShutterOverlayGroup=0x6002, ShutterPresentationValue=0x8080
    )
    found = read(planed(state, 0x6002, marked((3, 4), (9, 0))))
    greys = shown(image, found)
    assert found.left_out == ()
    assert [tuple(place) for place in np.argwhere(greys == 128).tolist()] == [(3, 4), (9, 0)]
    assert int((greys == 255).sum()) == 254


def test_overlay_planes_are_shown_where_a_state_activates_them() -> None:
    """Two of the image, of which one is activated, and one of the state's own, two pixels to the right."""
    image = planed(ct_slice(**RAMP, PixelData=bytes(512)), 0x6000, marked((1, 1)))
    planed(image, 0x6002, marked((2, 2)))
    state = presentation_state(image)
    planed(state, 0x6004, marked((5, 5))[:, :14], (1, 3))
    for group in (0x6002, 0x6004):
        state.add_new(group << 16 | 0x1001, "CS", "DRAWN")
    greys = shown(image, read(state))
    assert [tuple(place) for place in np.argwhere(greys == 255).tolist()] == [(2, 2), (5, 7)]


def test_layers_are_drawn_in_their_order_and_colour() -> None:
    image = ct_slice()
    line = item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=2,
        GraphicData=[1.0, 2.0, 3.0, 4.0],
        GraphicType="POLYLINE",
        GraphicFilled="N",
    )
    text = item(
        UnformattedTextValue="first\r\n<b>second</b>",
        AnchorPointAnnotationUnits="DISPLAY",
        AnchorPoint=[0.5, 0.25],
        AnchorPointVisibility="Y",
    )
    state = read(
        presentation_state(
            image,
            GraphicAnnotationSequence=[
                item(GraphicLayer="OVER", GraphicObjectSequence=[line]),
                item(
                    GraphicLayer="UNDER",
                    TextObjectSequence=[text],
                    ReferencedImageSequence=[referenced(image)],
                ),
            ],
            GraphicLayerSequence=[
                item(
                    GraphicLayer="OVER",
                    GraphicLayerOrder=2,
                    GraphicLayerRecommendedDisplayCIELabValue=lab_of((255, 0, 0)),
                ),
                item(
                    GraphicLayer="UNDER",
                    GraphicLayerOrder=1,
                    GraphicLayerRecommendedDisplayGrayscaleValue=0x8000,
                ),
            ],
        )
    )
    below, above = marks_of(state, str(image.SOPInstanceUID), 1)
    assert isinstance(below, Caption)
    assert (below.text.text, below.colour) == ("first\n<b>second</b>", (127, 127, 127))
    assert (below.text.anchor, below.text.anchor_units, below.text.anchor_visible) == (
        (0.5, 0.25),
        Units.DISPLAY,
        True,
    )
    assert isinstance(above, Line)
    assert (above.points, above.colour) == (((1.0, 2.0), (3.0, 4.0)), (255, 0, 0))
    assert [type(mark) for mark in marks_of(state, "1.2.3", 1)] == [Line]  # the text is not for that image


def test_colours_of_layers_come_back() -> None:
    for colour in ((255, 255, 255), (0, 0, 0), (255, 224, 102), (12, 34, 200)):
        assert lab_colour(lab_of(colour)) == colour
    assert lab_of((255, 255, 255))[0] == 65535


# --- greys ---


def test_a_state_replaces_the_window_and_rescale_of_the_object() -> None:
    image = ct_slice(**RAMP, RescaleIntercept=1000, WindowCenter=1, WindowWidth=1)
    state = read(
        presentation_state(
            image,
            RescaleSlope=2,
            RescaleIntercept=0,
            RescaleType="US",
            SoftcopyVOILUTSequence=[window(100.5, 101)],
        )
    )
    greys = shown(image, state).ravel()
    # LINEAR: value 50 is 0, value 150 is 255; stored values count double.
    assert [int(greys[stored]) for stored in (0, 25, 50, 75, 100)] == [0, 0, 128, 255, 255]


def test_what_the_state_leaves_out_is_an_identity() -> None:
    image = ct_slice(**RAMP, RescaleSlope=3, WindowCenter=5, WindowWidth=2)
    assert shown(image, read(presentation_state(image))).ravel().tolist() == list(range(256))


def test_windows_are_for_the_images_they_name() -> None:
    one, two = ct_slice(**RAMP), ct_slice(**RAMP)
    state = read(
        presentation_state(
            one,
            two,
            SoftcopyVOILUTSequence=[window(64.5, 2, referenced(one)), window(200.5, 2, referenced(two))],
        )
    )
    assert int((shown(one, state) == 255).sum()) == 256 - 65
    assert int((shown(two, state) == 255).sum()) == 256 - 201


def test_black_and_white_are_turned_round_once() -> None:
    """The state ignores Photometric Interpretation (PS3.4 N.2.1)."""
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        image = ct_slice(**RAMP, PhotometricInterpretation=photometric)
        plain, inverse = (
            read(presentation_state(image, PresentationLUTShape=shape)) for shape in ("IDENTITY", "INVERSE")
        )
        assert shown(image, plain).ravel()[[0, 255]].tolist() == [0, 255]
        assert shown(image, inverse).ravel()[[0, 255]].tolist() == [255, 0]
        assert shown(image, inverse, invert=True).ravel()[[0, 255]].tolist() == [0, 255]


def test_tables_are_looked_up_in_turn() -> None:
    """Modality: 255 - value. VOI: the upper half only. Presentation: four steps."""
    image = ct_slice(**RAMP)

    def table(first: int, data: list[int], bits: int) -> Dataset:
        found = item(ModalityLUTType="US")
        found.add_new("LUTDescriptor", "US", [len(data), first, bits])
        found.add_new("LUTData", "OW", np.array(data, "<u2").tobytes())
        return found

    state = read(
        presentation_state(
            image,
            ModalityLUTSequence=[table(0, list(range(255, -1, -1)), 8)],
            SoftcopyVOILUTSequence=[item(VOILUTSequence=[table(128, [2 * n for n in range(128)], 8)])],
            PresentationLUTShape=None,
            PresentationLUTSequence=[table(0, [0, 1000, 2000, 4095], 12)],
        )
    )
    greys = shown(image, state).ravel()
    # stored 0 -> 255 -> 254 -> step 3 of 0..3; stored 64 -> 191 -> 126 -> 1.48 -> 1; stored 127 -> 128 -> 0.
    assert [int(greys[n]) for n in (0, 64, 127, 255)] == [255, 62, 0, 0]


def test_a_window_of_the_persons_own_wins_over_the_states() -> None:
    image = ct_slice(**RAMP)
    state = read(
        presentation_state(image, SoftcopyVOILUTSequence=[window(10, 2)], PresentationLUTShape="INVERSE")
    )
    greys = shown(image, state, window=Window(128, 256)).ravel()
    assert greys[[0, 100, 255]].tolist() == [255, 155, 0]


def test_signed_values_without_a_window_span_what_their_bits_hold() -> None:
    image = ct_slice(
        BitsStored=12, HighBit=11, PixelData=np.repeat([-2048, 2047], 128).astype("<i2").tobytes()
    )
    assert set(shown(image, read(presentation_state(image))).ravel().tolist()) == {0, 255}


# --- shutters and layout ---


def test_shutters_cover_what_lies_outside_all_of_them() -> None:
    image = ct_slice(**RAMP, PixelData=np.full(256, 255, "<u2").tobytes())
    state = read(
        presentation_state(
            image,
            ShutterShape=["RECTANGULAR", "CIRCULAR"],
            ShutterLeftVerticalEdge=3,
            ShutterRightVerticalEdge=14,
            ShutterUpperHorizontalEdge=5,
            ShutterLowerHorizontalEdge=16,
            CenterOfCircularShutter=[8, 6],  # row 8, column 6
            RadiusOfCircularShutter=4,
            ShutterPresentationValue=0x8080,
        )
    )
    greys = shown(image, state)
    row = greys[7].tolist()  # row 8: columns 3 to 10 (2 lies outside the rectangle)
    assert row == [128] * 2 + [255] * 8 + [128] * 6
    assert greys[3].tolist() == [128] * 16  # row 4: inside the circle, above the rectangle
    assert int((greys == 255).sum()) == 47


def test_a_circular_shutter_is_round_on_oblong_pixels() -> None:
    """Pixels twice as high as wide are shown at half their columns: as many down as across."""
    shutter = Shutter(circle=(8, 8, 4))  # column, row, radius along a row
    view = View(presentation=PresentationLook(shutter=shutter))
    seen = covered(np.full((16, 8), 255, np.uint8), view, (16, 16), 8) > 0
    assert np.flatnonzero(seen.any(axis=0)).tolist() == [1, 2, 3, 4, 5]
    assert np.flatnonzero(seen.any(axis=1)).tolist() == [5, 6, 7, 8, 9]


def test_a_quarter_turn_is_clockwise_and_the_flip_comes_after() -> None:
    values = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    assert turned(values, 90, flip=False).tolist() == [[4, 1], [5, 2], [6, 3]]
    assert turned(values, 90, flip=True).tolist() == [[1, 4], [2, 5], [3, 6]]
    assert turned(values, 180, flip=False).tolist() == [[6, 5, 4], [3, 2, 1]]
    assert turned(values, 0, flip=True).tolist() == [[3, 2, 1], [6, 5, 4]]


def area(first: list[int], last: list[int], mode: str = "SCALE TO FIT", **more: Any) -> Dataset:
    return item(
        DisplayedAreaTopLeftHandCorner=first,
        DisplayedAreaBottomRightHandCorner=last,
        PresentationSizeMode=mode,
        PresentationPixelAspectRatio=[1, 1],
        **more,
    )


def test_the_displayed_area_is_cut_out_and_turned() -> None:
    image = ct_slice(**RAMP)
    uid = str(image.SOPInstanceUID)
    # Turned by 90 degrees, the lower left corner of the stored area lies at the upper left.
    state = read(
        presentation_state(
            image,
            DisplayedAreaSelectionSequence=[area([3, 5], [6, 4])],
            ImageRotation=90,
            ImageHorizontalFlip="N",
        )
    )
    found = area_of(state, uid, 1)
    assert found is not None
    assert found.box == (2, 3, 6, 5)
    laid = presented_picture(shown(image, state), state, uid, 1, (16, 16))
    # stored rows 4 and 5, columns 3 to 6: 50..53 and 66..69
    assert laid.tolist() == [[66, 50], [67, 51], [68, 52], [69, 53]]


def test_an_area_larger_than_the_frame_has_black_around_it() -> None:
    image = ct_slice(**RAMP, PixelData=np.full(256, 255, "<u2").tobytes())
    state = read(presentation_state(image, DisplayedAreaSelectionSequence=[area([-1, 1], [16, 17])]))
    laid = presented_picture(shown(image, state), state, str(image.SOPInstanceUID), 1, (16, 16))
    assert laid.shape == (17, 18)
    assert laid[0].tolist() == [0, 0] + [255] * 16
    assert laid[16].tolist() == [0] * 18


@pytest.mark.parametrize(
    ("mode", "ratio", "expected"),
    [
        ("MAGNIFY", 2.5, (SizeMode.MAGNIFY, 2.5)),
        ("TRUE SIZE", None, (SizeMode.TRUE_SIZE, None)),
        ("nonsense", None, (SizeMode.FIT, None)),
    ],
)
def test_how_large_it_is_to_be_shown(
    mode: str, ratio: float | None, expected: tuple[SizeMode, float | None]
) -> None:
    more = {"PresentationPixelMagnificationRatio": ratio} if ratio else {}
    state = read(
        presentation_state(ct_slice(), DisplayedAreaSelectionSequence=[area([1, 1], [8, 8], mode, **more)])
    )
    assert (state.areas[0].mode, state.areas[0].magnification) == expected


# --- drawings ---


def test_circles_and_ellipses_become_outlines() -> None:
    circle = line_of(Graphic(Shape.CIRCLE, ((10, 20), (10, 25))), (1, 2, 3))
    assert circle.closed
    assert len(circle.points) == 72
    assert all(abs(np.hypot(x - 10, y - 20) - 5) < 1e-9 for x, y in circle.points)
    ellipse = line_of(Graphic(Shape.ELLIPSE, ((0, 5), (20, 5), (10, 0), (10, 10))), (1, 2, 3))
    assert ellipse.points[0] == (20, 5)
    assert ellipse.points[18] == pytest.approx((10, 10))
    curve = line_of(Graphic(Shape.INTERPOLATED, ((0, 0), (10, 10), (20, 0))), (1, 2, 3))
    assert not curve.closed
    assert curve.points[0] == (0, 0)
    assert curve.points[12] == (10, 10)
    assert curve.points[-1] == (20, 0)
    assert curve.points[6][1] > 5  # round, not straight


def test_lines_and_texts_are_burned_where_they_lie() -> None:
    image = ct_slice(**RAMP, Rows=64, Columns=64, PixelData=np.full(4096, 100, "<u2").tobytes())
    uid = str(image.SOPInstanceUID)
    square = item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=4,
        GraphicData=[10.0, 10.0, 30.0, 10.0, 30.0, 30.0, 10.0, 30.0],
        GraphicType="POLYLINE",
        GraphicFilled="N",
    )
    words = item(
        UnformattedTextValue="王芳",
        BoundingBoxAnnotationUnits="DISPLAY",
        BoundingBoxTopLeftHandCorner=[0.5, 0.75],
        BoundingBoxBottomRightHandCorner=[1.0, 1.0],
        BoundingBoxTextHorizontalJustification="LEFT",
    )
    annotated = item(GraphicLayer="A", GraphicObjectSequence=[square], TextObjectSequence=[words])
    white = item(GraphicLayer="A", GraphicLayerOrder=1, GraphicLayerRecommendedDisplayGrayscaleValue=0xFFFF)
    state = read(
        presentation_state(
            image,
            GraphicAnnotationSequence=[annotated],
            GraphicLayerSequence=[white],
            ImageHorizontalFlip="Y",
            ImageRotation=0,
        )
    )
    laid = presented_picture(np.full((64, 64), 100, np.uint8), state, uid, 1, (64, 64))
    assert laid[10, 40] == 255  # the upper side, flipped: columns 34 to 54
    assert laid[20, 34] == 255
    assert laid[20, 44] == 100
    assert laid[50:64, 32:64].max() > 200  # the words, in the lower right
    assert laid[40:64, 0:30].tolist() == [[100] * 30] * 24
    deep = presented_picture(np.full((64, 64), 1600, np.uint16), state, uid, 1, (64, 64), bits=12)
    assert (deep[10, 40], deep[20, 44]) == (4095, 1600)


def test_a_cell_of_a_film_remembers_its_state() -> None:
    cell = Cell(instance_id=3, frame=2, invert=True, presentation=9)
    assert cell.to_dict() == {"instance": 3, "frame": 2, "invert": True, "presentation": 9}
    assert Cell.from_dict(cell.to_dict()) == cell
    with pytest.raises(LayoutError):
        Cell.from_dict({"instance": 3, "presentation": "9"})


# --- against another implementation ---


def test_greys_and_turns_are_dcmtks(corpus: Path) -> None:
    """The reference draws neither displayed area, nor shutter, nor annotations."""
    compared = []
    for name, entry in json.loads((corpus / "oracle" / "pstates.json").read_text()).items():
        with (corpus / "dicom" / name).open("rb") as file:
            state = presentation_read(file)
        for drawn in entry["images"]:
            if "png" not in drawn:
                continue
            with (corpus / "dicom" / drawn["image"]).open("rb") as file:
                source = source_read(file)
                raster = raster_read(source, pixel_handle(source, file), 0)
            look = replace(look_of(state, state.references[0].sop_instance_uid, 1), shutter=None)
            ours = picture(raster, source.greyscale(0), View(presentation=look))[0]
            ours = turned(ours, state.rotation, flip=state.flip)
            theirs = np.asarray(Image.open(corpus / "oracle" / drawn["png"]))
            assert float(np.abs(ours.astype(int) - theirs.astype(int)).mean()) <= 1.0, name
            compared.append(name)
    assert len(compared) == 4
