"""Display shutters (PS3.3 C.7.6.11, C.7.6.15): what the modality shut off stays shut on every picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from archive.imaging.params import View
from tests.pure.test_overlays import CROSS, flat, overlay, shown


def shut(ds: Dataset, **attributes: Any) -> Dataset:
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


RECTANGLE = {
    "ShutterShape": "RECTANGULAR",
    "ShutterLeftVerticalEdge": 2,
    "ShutterRightVerticalEdge": 6,
    "ShutterUpperHorizontalEdge": 3,
    "ShutterLowerHorizontalEdge": 5,
}


def test_a_rectangular_shutter_shows_what_lies_within_its_edges() -> None:
    """Edges count columns and rows from 1, and are seen themselves."""
    expected = np.zeros((8, 8))
    expected[2:5, 1:6] = 100
    np.testing.assert_array_equal(shown(shut(flat(100), **RECTANGLE)), expected)


def test_the_shutter_has_its_presentation_value_whatever_is_done_to_the_greys() -> None:
    """A P-value: 32768 of 65535 is 128 of 255."""
    ds = shut(flat(100), **RECTANGLE, ShutterPresentationValue=0x8000)
    assert shown(ds)[0, 0] == 128
    inverted = shown(ds, View(invert=True))
    assert (inverted[0, 0], inverted[3, 3]) == (128, 155)
    assert shown(ds, bits=12)[0, 0] == 2048


def test_the_view_can_open_the_shutter() -> None:
    """A presentation state brings its own, or none."""
    assert (shown(shut(flat(100), **RECTANGLE), View(shutter=False)) == 100).all()


def test_a_circular_shutter() -> None:
    ds = shut(
        flat(100, rows=9, columns=9),
        ShutterShape="CIRCULAR", CenterOfCircularShutter=[5, 4], RadiusOfCircularShutter=2,
    )  # fmt: skip
    expected = np.zeros((9, 9))
    for row, column in np.ndindex(9, 9):
        if (row - 4) ** 2 + (column - 3) ** 2 <= 4:
            expected[row, column] = 100
    np.testing.assert_array_equal(shown(ds), expected)


def test_a_circle_is_round_on_oblong_pixels() -> None:
    """The radius counts along a row; pixels twice as high as wide: half as many rows."""
    ds = shut(
        flat(100, rows=21, columns=21, PixelSpacing=[2, 1]),
        ShutterShape="CIRCULAR", CenterOfCircularShutter=[11, 11], RadiusOfCircularShutter=8,
    )  # fmt: skip
    seen = np.argwhere(shown(ds) == 100)
    assert seen.min(axis=0).tolist() == [6, 2]
    assert seen.max(axis=0).tolist() == [14, 18]


def test_a_polygonal_shutter() -> None:
    """Row and column of each vertex: a triangle with its right angle at the top left."""
    ds = shut(flat(100), ShutterShape="POLYGONAL", VerticesOfThePolygonalShutter=[1, 1, 1, 8, 8, 1])
    values = shown(ds)
    assert (values[np.add.outer(range(8), range(8)) < 7] == 100).all()
    assert (values[np.add.outer(range(8), range(8)) > 7] == 0).all()


def test_shapes_are_combined_to_what_all_of_them_show() -> None:
    ds = shut(
        flat(100), **{**RECTANGLE, "ShutterShape": ["RECTANGULAR", "CIRCULAR"]},
        CenterOfCircularShutter=[4, 2], RadiusOfCircularShutter=1,
    )  # fmt: skip
    assert np.argwhere(shown(ds) == 100).tolist() == [[2, 1], [3, 1], [3, 2], [4, 1]]


def test_a_bitmap_shutter_is_an_overlay_that_shuts_and_is_not_drawn() -> None:
    ds = shut(overlay(flat(100), CROSS), ShutterShape="BITMAP", ShutterOverlayGroup=0x6000)
    ds.ShutterPresentationValue = 0x8000
    np.testing.assert_array_equal(shown(ds), np.where(CROSS, 128, 100))
    np.testing.assert_array_equal(shown(ds, View(overlays=False)), np.where(CROSS, 128, 100))


def test_overlays_are_drawn_over_the_shutter() -> None:
    values = shown(shut(overlay(flat(100), CROSS), **RECTANGLE))
    assert values[1, 4] == 255
    assert values[0, 0] == 0


def test_a_colour_image_is_shut_as_well() -> None:
    ds = flat(SamplesPerPixel=3, PhotometricInterpretation="RGB", BitsAllocated=8, BitsStored=8, HighBit=7)
    ds.PlanarConfiguration = 0
    ds.PixelData = bytes([200, 10, 10]) * 64
    values = shown(shut(ds, **RECTANGLE))
    assert values[0, 0].tolist() == [0, 0, 0]
    assert values[3, 3].tolist() == [200, 10, 10]
    # CIELab of pure red under D50, PS3.3 C.10.7.1.1: L* 54.29, a* 80.81, b* 69.89.
    ds.ShutterPresentationColorCIELabValue = [35579, 53664, 50858]
    red, green, blue = shown(ds)[0, 0].astype(int)
    assert red > 250
    assert max(green, blue) < 6


def test_frames_may_have_shutters_of_their_own() -> None:
    """PS3.3 C.7.6.16.2.16, Frame Display Shutter."""
    ds = flat(100, frames=2)
    frames = []
    for right in (3, 6):
        group, item = Dataset(), Dataset()
        shut(item, **{**RECTANGLE, "ShutterRightVerticalEdge": right})
        group.FrameDisplayShutterSequence = Sequence([item])
        frames.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    assert [(shown(ds, frame=frame) == 100).sum() for frame in (0, 1)] == [6, 15]


def test_the_edge_of_a_reduced_shutter_is_the_mean_of_both_sides() -> None:
    ds = shut(flat(100), **{**RECTANGLE, "ShutterLeftVerticalEdge": 2, "ShutterRightVerticalEdge": 8})
    assert shown(ds, size=(4, 8))[3].tolist() == [50, 100, 100, 100]


@pytest.mark.parametrize(
    "broken",
    [
        {"ShutterShape": "RECTANGULAR"},
        {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [4, 4], "RadiusOfCircularShutter": 0},
        {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 5]},
        {"ShutterShape": "BITMAP", "ShutterOverlayGroup": 0x6000},
        {"ShutterShape": "STAR"},
    ],
)
def test_a_shutter_that_says_nothing_shuts_nothing(broken: dict[str, Any]) -> None:
    assert (shown(shut(flat(100), **broken)) == 100).all()
