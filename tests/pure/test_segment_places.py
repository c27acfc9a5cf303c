"""Where a segmentation lies over an image: the same place of the patient, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from archive.imaging.segment_places import box_over, coverages_painted
from archive.imaging.segmentation import Coverage, Segment
from archive.imaging.volume import Slice

IMAGE = Slice((10.0, 20.0, 30.0), (1, 0, 0, 0, 1, 0), (0.5, 0.5), 100, 80)


@pytest.mark.parametrize(
    ("changes", "box"),
    [
        ({}, (0, 0, 80, 100)),
        # Cut out: its first pixel lies on column 20, row 8 of the image.
        ({"position": (20.0, 24.0, 30.0), "rows": 10, "columns": 12}, (20, 8, 12, 10)),
        # Twice as coarse: its first pixel covers two by two of the image's.
        (
            {"position": (10.25, 20.25, 30.0), "spacing": (1.0, 1.0), "rows": 50, "columns": 40},
            (0, 0, 80, 100),
        ),
        ({"position": (10.0, 20.0, 30.05)}, (0, 0, 80, 100)),
        ({"position": (10.0, 20.0, 30.2)}, None),
        ({"orientation": (0, 1, 0, 1, 0, 0)}, None),
        ({"orientation": (1, 0, 0, 0, 0, -1)}, None),
        ({"position": ()}, None),
    ],
)
def test_by_the_place_in_the_patient(changes: dict, box: tuple | None) -> None:
    assert box_over(IMAGE, replace(IMAGE, **changes), derived=False) == box


def test_one_made_from_the_image_may_lie_a_little_apart_and_need_not_say_where() -> None:
    assert box_over(IMAGE, replace(IMAGE, position=(10.0, 20.0, 30.4)), derived=True) == (0, 0, 80, 100)
    assert box_over(IMAGE, replace(IMAGE, position=(10.0, 20.0, 31.0)), derived=True) is None
    bare = replace(IMAGE, position=(), orientation=())
    assert box_over(IMAGE, bare, derived=True) == (0, 0, 80, 100)
    assert box_over(IMAGE, replace(bare, rows=99), derived=True) is None


def test_segments_are_painted_half_transparent_later_ones_on_top() -> None:
    red, green = Segment(1, "A", (255, 0, 0)), Segment(2, "B", (0, 255, 0))
    first = np.array([[255, 255], [0, 100]], np.uint8)
    second = np.array([[0, 255], [0, 0]], np.uint8)
    painted = coverages_painted((2, 2), [Coverage(red, first), Coverage(green, second)])
    assert painted.tolist() == [
        [[255, 0, 0, 128], [0, 255, 0, 128]],
        [[0, 0, 0, 0], [255, 0, 0, 50]],
    ]
