"""The slices of a series as one volume: whether they make one, and where its values lie in the patient. Pure.

Axes of a volume are (slice, row, column): along the normal of the slices, down a column, along a row.
Places are millimetres in the patient (PS3.3 C.7.6.2.1.1), and those of pixels are of their middles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from archive.imaging.greyscale import Greyscale
from archive.imaging.raster import Raster

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

FEWEST: Final = 8  # slices
_CLOSE: Final = 1e-3  # direction cosines, and shares of a spacing, that count as equal
_SAME_PLACE: Final = 0.01  # mm
_SHIFT: Final = 0.5  # pixels by which slices may lie beside each other over the whole stack
_GAP: Final = 1.75  # a step this much longer than both beside it misses a slice
_FAR: Final = 3.0  # and so does one this much longer than most


class Unfit(Exception):
    """These slices make no volume; ``code`` says why."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a frame lies: Image Position, Image Orientation and Pixel Spacing (down a column, along a
    row)."""

    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    rows: int
    columns: int


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The shape of a volume.

    ``origin`` is the middle of the first pixel of the lowest slice, ``axes`` the unit vectors of the volume's
    axes, ``spacing`` mm a pixel (down, along), ``depths`` how far each slice lies along the normal, rising
    from 0. ``order``: the slices as they were given, lowest first.
    """

    origin: Floats
    axes: Floats  # (3, 3): normal, down, along
    spacing: tuple[float, float]
    depths: Floats
    rows: int
    columns: int
    order: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.order), self.rows, self.columns

    @property
    def nbytes(self) -> int:
        return len(self.order) * self.rows * self.columns * 2

    def middles(self, axis: int) -> Floats:
        """How far along an axis the middles of its values lie, in mm from the first."""
        if axis == 0:
            return self.depths
        return np.arange(self.shape[axis], dtype=np.float64) * self.spacing[axis - 1]


def grid_of(slices: Sequence[Slice]) -> Grid:
    """The grid of slices that are parallel, equal and straight behind one another, evenly spaced or not.

    Raises ``Unfit``: ``few``, ``no-position``, ``sizes``, ``orientation``, ``tilted``, ``same-place``,
    ``gap``.
    """
    if len(slices) < FEWEST:
        raise Unfit("few", f"{len(slices)} slices")
    if any(len(s.position) != 3 or len(s.orientation) != 6 or len(s.spacing) != 2 for s in slices):
        raise Unfit("no-position")
    first = slices[0]
    spacing = (float(first.spacing[0]), float(first.spacing[1]))
    if min(spacing) <= 0 or min(first.rows, first.columns) < 2:
        raise Unfit("sizes", f"{first.rows} x {first.columns} of {spacing}")
    for other in slices:
        same = (other.rows, other.columns) == (first.rows, first.columns)
        if not same or not np.allclose(other.spacing, spacing, rtol=_CLOSE, atol=0):
            raise Unfit("sizes", f"{other.rows} x {other.columns} of {other.spacing}")
    axes = _axes(slices)
    positions = np.array([one.position for one in slices], np.float64)
    if not np.isfinite(positions).all():
        raise Unfit("no-position")
    places = (positions - positions[0]) @ axes.T  # along the normal, down, along
    shift = np.ptp(places[:, 1:], axis=0) / spacing
    if shift.max() > _SHIFT:
        raise Unfit("tilted", f"{shift.max():.1f} pixels")
    order = np.argsort(places[:, 0], kind="stable")
    depths = places[order, 0] - places[order[0], 0]
    _steps_check(np.diff(depths))
    return Grid(positions[order[0]], axes, spacing, depths, first.rows, first.columns, tuple(order.tolist()))


def _axes(slices: Sequence[Slice]) -> Floats:
    """Normal, down and along, of all slices alike."""
    orientations = np.array([one.orientation for one in slices], np.float64)
    if not np.isfinite(orientations).all():
        raise Unfit("no-position")
    if np.abs(orientations - orientations[0]).max() > _CLOSE:
        raise Unfit("orientation")
    along, down = orientations[0][:3], orientations[0][3:]
    lengths = np.linalg.norm(along), np.linalg.norm(down)
    if max(abs(length - 1) for length in lengths) > 0.01 or abs(along @ down) > 0.01:
        raise Unfit("no-position", "rows and columns at no right angle")
    along = along / lengths[0]
    down = down - (down @ along) * along
    down = down / np.linalg.norm(down)
    return np.array([np.cross(along, down), down, along])


def _steps_check(steps: Floats) -> None:
    """No two slices in one place, and none missing between two."""
    if steps.min() <= _SAME_PLACE:
        raise Unfit("same-place")
    usual = float(np.median(steps))
    padded = [steps[1], *steps, steps[-2]]
    for (before, step), (_, after) in pairwise(pairwise(padded)):
        if step > _GAP * max(before, after) or step > _FAR * usual:
            raise Unfit("gap", f"{step:.2f} mm beside {usual:.2f} mm")


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Stored values as ``Raster`` has them: uint16 ``steps`` above ``low``, axes as ``grid`` says."""

    steps: npt.NDArray[np.uint16]
    grid: Grid
    greyscale: Greyscale
    low: int
    span: int
    stored_range: tuple[float, float]
    complete: bool = True  # false: a file ends inside a slice


class VolumeBuilder:
    """Puts slices together, in any order. In memory for the volume and one slice."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._steps = np.empty(grid.shape, np.uint16)
        self._lows = np.zeros(len(grid.order), np.int64)
        self._ranges: list[tuple[float, float]] = []
        self._greyscales: dict[int, Greyscale] = {}
        self._complete = True

    def put(self, place: int, raster: Raster, greyscale: Greyscale) -> None:
        """The slice at a place of the grid. Raises ``Unfit``: ``colour``, ``values``, ``sizes``."""
        if raster.colour:
            raise Unfit("colour")
        if not raster.indexed or greyscale.modality_lut is not None:
            raise Unfit("values", "not whole numbers of 16 bits that are rescaled")
        if raster.pixels.shape != self._steps.shape[1:]:
            raise Unfit("sizes", f"{raster.pixels.shape}")
        for other in self._greyscales.values():
            if _meaning(other) != _meaning(greyscale):
                raise Unfit("values", f"{_meaning(other)} beside {_meaning(greyscale)}")
            break
        self._steps[place] = raster.pixels
        self._lows[place] = raster.low
        self._greyscales[place] = greyscale
        self._ranges.append(raster.stored_range)
        self._complete = self._complete and raster.complete

    def volume(self) -> Volume:
        """The whole. Its greys, and the window it is first shown in, are those of the middle slice."""
        low = int(self._lows.min())
        span = int(max(int(steps.max()) + int(at) for steps, at in zip(self._steps, self._lows, strict=True)))
        span -= low
        if span > 0xFFFF:
            raise Unfit("values", f"a range of {span}")
        for steps, at in zip(self._steps, self._lows, strict=True):
            if at != low:
                np.add(steps, np.uint16(at - low), out=steps)
        ends = min(one[0] for one in self._ranges), max(one[1] for one in self._ranges)
        greyscale = self._greyscales[len(self._grid.order) // 2]
        return Volume(self._steps, self._grid, greyscale, low, span, ends, self._complete)


def _meaning(greyscale: Greyscale) -> tuple[Any, ...]:
    return greyscale.slope, greyscale.intercept, greyscale.unit, greyscale.inverse
