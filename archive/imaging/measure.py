"""Measuring in stored pixels: lengths, angles, areas, and the values inside a region. Pure numbers.

A place is (column, row) in stored pixels: (0, 0) is the outer corner of the first, (0.5, 0.5) its middle
(PS3.3 C.10.5.1.2). A pixel belongs to a region when its middle lies inside it; middles on the very edge of a
rectangle belong to its left and upper side and not to the others, so that two side by side share none;
those on the edge of an ellipse do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the values inside a region. ``deviation`` is that of the population (divided by ``count``)."""

    count: int
    mean: float
    deviation: float
    low: float
    high: float


def length(one: Place, other: Place, spacing: tuple[float, float] = (1.0, 1.0)) -> float:
    """The distance of two places; ``spacing`` is the size of a pixel (down a column, along a row)."""
    return math.hypot((other[0] - one[0]) * spacing[1], (other[1] - one[1]) * spacing[0])


def angle(
    arm: tuple[Place, Place], other: tuple[Place, Place], spacing: tuple[float, float] = (1.0, 1.0)
) -> float | None:
    """Degrees from 0 to 180 between two directions, first place to second; None for one without length."""
    (ax, ay), (bx, by) = _direction(arm, spacing), _direction(other, spacing)
    if (ax, ay) == (0, 0) or (bx, by) == (0, 0):
        return None
    return math.degrees(abs(math.atan2(ax * by - ay * bx, ax * bx + ay * by)))


def cobb(
    line: tuple[Place, Place], other: tuple[Place, Place], spacing: tuple[float, float] = (1.0, 1.0)
) -> float | None:
    """Degrees from 0 to 90 between two lines, whichever way they were drawn."""
    between = angle(line, other, spacing)
    return None if between is None else min(between, 180 - between)


def _direction(arm: tuple[Place, Place], spacing: tuple[float, float]) -> tuple[float, float]:
    (x0, y0), (x1, y1) = arm
    return (x1 - x0) * spacing[1], (y1 - y0) * spacing[0]


def rectangle_mask(shape: tuple[int, int], one: Place, other: Place) -> Mask:
    """The pixels of (rows, columns) whose middles lie in the rectangle between two opposite corners."""
    columns, rows = np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5
    (left, right), (top, bottom) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    across = (columns >= left) & (columns < right)
    down = (rows >= top) & (rows < bottom)
    return np.outer(down, across)


def ellipse_mask(shape: tuple[int, int], one: Place, other: Place) -> Mask:
    """The pixels whose middles lie in the ellipse that fills the rectangle between two opposite corners."""
    columns, rows = np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5
    half_width, half_height = abs(other[0] - one[0]) / 2, abs(other[1] - one[1]) / 2
    if half_width == 0 or half_height == 0:
        return np.zeros(shape, dtype=np.bool_)
    across = ((columns - (one[0] + other[0]) / 2) / half_width) ** 2
    down = ((rows - (one[1] + other[1]) / 2) / half_height) ** 2
    inside: Mask = down[:, None] + across[None, :] < 1
    return inside


def statistics(values: Array, mask: Mask) -> Statistics | None:
    """Of the finite values under the mask, in double precision; None when there are none."""
    chosen = np.asarray(values[mask], dtype=np.float64)
    chosen = chosen[np.isfinite(chosen)]
    if not chosen.size:
        return None
    return Statistics(
        count=int(chosen.size),
        mean=float(chosen.mean()),
        deviation=float(chosen.std()),
        low=float(chosen.min()),
        high=float(chosen.max()),
    )


def rectangle_area(one: Place, other: Place, spacing: tuple[float, float] = (1.0, 1.0)) -> float:
    """Of the drawn rectangle, not of the pixels that count in it."""
    return abs((other[0] - one[0]) * spacing[1] * (other[1] - one[1]) * spacing[0])


def ellipse_area(one: Place, other: Place, spacing: tuple[float, float] = (1.0, 1.0)) -> float:
    """Of the drawn ellipse, not of the pixels that count in it."""
    return rectangle_area(one, other, spacing) * math.pi / 4


def bounds_of(places: Sequence[Place]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    columns, rows = zip(*places, strict=True)
    return min(columns), min(rows), max(columns), max(rows)
