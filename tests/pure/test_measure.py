"""Measuring in stored pixels: literal numbers, and numpy on the same mask."""

from __future__ import annotations

import math

import numpy as np
import pytest

from archive.imaging.measure import (
    Statistics,
    angle,
    cobb,
    ellipse_area,
    ellipse_mask,
    length,
    rectangle_area,
    rectangle_mask,
    statistics,
)


def test_a_length_counts_columns_and_rows_in_their_own_size() -> None:
    assert length((1, 1), (4, 5)) == 5
    assert length((0, 0), (10, 0), (2.0, 0.5)) == 5  # ten columns of half a millimetre
    assert length((0, 0), (0, 10), (2.0, 0.5)) == 20  # ten rows of two
    assert length((0, 0), (6, 2), (2.0, 0.5)) == 5


@pytest.mark.parametrize(
    ("first", "second", "degrees"),
    [
        (((0, 0), (1, 0)), ((0, 0), (0, 1)), 90),
        (((0, 0), (1, 0)), ((0, 0), (1, 1)), 45),
        (((0, 0), (1, 0)), ((0, 0), (-1, 0)), 180),
        (((0, 0), (1, 0)), ((0, 0), (-1, -1)), 135),
    ],
)
def test_an_angle_lies_between_0_and_180(first: tuple, second: tuple, degrees: float) -> None:  # type: ignore[type-arg]
    assert angle(first, second) == pytest.approx(degrees)


def test_an_angle_on_oblong_pixels_is_that_of_the_patient() -> None:
    # One column of 1 mm and one row of sqrt(3) mm: 60 degrees, not 45.
    assert angle(((0, 0), (1, 0)), ((0, 0), (1, 1)), (math.sqrt(3), 1)) == pytest.approx(60)


def test_an_arm_without_length_has_no_angle() -> None:
    assert angle(((0, 0), (0, 0)), ((0, 0), (1, 1))) is None


def test_a_cobb_angle_does_not_depend_on_how_its_lines_were_drawn() -> None:
    upper, lower = ((0, 10), (100, 0)), ((0, 50), (100, 70))
    expected = math.degrees(math.atan2(10, 100) + math.atan2(20, 100))
    for one in (upper, upper[::-1]):
        for other in (lower, lower[::-1]):
            assert cobb(one, other) == pytest.approx(expected)


def test_a_pixel_is_in_a_rectangle_when_its_middle_is() -> None:
    mask = rectangle_mask((4, 5), (0.6, 0.4), (3.5, 2.6))
    assert mask.astype(int).tolist() == [
        [0, 1, 1, 0, 0],  # the middle of column 3 lies on the right edge: not inside
        [0, 1, 1, 0, 0],
        [0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0],
    ]


def test_rectangles_side_by_side_share_no_pixel_and_leave_none_out() -> None:
    left, right = rectangle_mask((4, 4), (0, 0), (1.5, 4)), rectangle_mask((4, 4), (4, 4), (1.5, 0))
    assert not (left & right).any()
    assert (left | right).all()


def test_a_pixel_is_in_an_ellipse_when_its_middle_is() -> None:
    assert ellipse_mask((5, 7), (0, 0), (7, 5)).astype(int).tolist() == [
        [0, 1, 1, 1, 1, 1, 0],  # (2 / 3.5)² + (2 / 2.5)² = 0.97
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 1],
        [0, 1, 1, 1, 1, 1, 0],
    ]
    assert not ellipse_mask((5, 7), (2, 2), (2, 4)).any()  # without width


def test_statistics_are_literal_and_those_of_numpy() -> None:
    values = np.array([[2, 4, 4], [4, 5, 5], [7, 9, 100]], "<i2")
    mask = np.ones((3, 3), dtype=bool)
    mask[2, 2] = False
    assert statistics(values, mask) == Statistics(count=8, mean=5.0, deviation=2.0, low=2.0, high=9.0)
    noise = np.random.default_rng(4).integers(-1024, 3071, (64, 80)).astype("<i2")
    inside = ellipse_mask((64, 80), (70.2, 3.1), (11.7, 60.4))
    found = statistics(noise, inside)
    assert found is not None
    assert found.count == inside.sum()
    assert found.mean == noise[inside].mean(dtype=np.float64)
    assert found.deviation == noise[inside].astype(np.float64).std()
    assert (found.low, found.high) == (noise[inside].min(), noise[inside].max())


def test_nothing_inside_has_no_statistics() -> None:
    assert statistics(np.ones((4, 4)), rectangle_mask((4, 4), (1.1, 1.1), (1.4, 1.4))) is None


def test_areas_are_those_of_what_was_drawn() -> None:
    assert rectangle_area((4, 6), (1, 1), (2.0, 0.5)) == 15
    assert ellipse_area((0, 0), (4, 2)) == pytest.approx(2 * math.pi)
