"""Planes through a volume that no scanner took: axial, coronal, sagittal, one plane or a slab. Pure numbers.

Pixels of a plane are as wide as they are high (mm): as fine as the finer of the slices' own two spacings.
Values between slices are interpolated linearly, by where the slices lie. What is asked for where a slice
lies is that slice, value for value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from archive.imaging.layers import Layers
from archive.imaging.raster import Raster
from archive.imaging.volume import Floats, Grid, Unfit, Volume

Array = npt.NDArray[Any]
_CLOSE: Final = 1e-3
_TINY: Final = 1e-6
_LONGEST: Final = 8192  # pixels of a side, and planes
_SAMPLES: Final = 32  # planes of a slab through a volume that lies askew


class Plane(StrEnum):
    """As the patient stands, not as the series was taken."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


class Slab(StrEnum):
    """What a slab shows of the values in it."""

    MEAN = "mean"
    MIP = "mip"  # the highest
    MINIP = "minip"  # the lowest


@dataclass(frozen=True, slots=True)
class Reformat:
    """What a plane shows: ``thickness`` in mm, 0 for one plane."""

    plane: Plane
    slab: Slab = Slab.MEAN
    thickness: float = 0.0


# To the right of the picture, down, and from one plane to the next, PS3.3 C.7.6.2.1.1: +x is left, +y is
# posterior, +z is head. Axial planes are seen from the feet and begin at the head, coronal ones at the front.
_DIRECTIONS: Final = {
    Plane.AXIAL: ((1, 0, 0), (0, 1, 0), (0, 0, -1)),
    Plane.CORONAL: ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    Plane.SAGITTAL: ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """All parallel planes of one kind through a volume.

    ``corner`` is the middle of the first pixel of the first plane; the others follow at ``offsets`` mm along
    ``forward``. ``steps`` is mm a pixel (down, to the right). ``axes``: where planes lie along the volume,
    its axes (forward, down, right), and ``middles`` where their pixels lie along these; none where they lie
    askew.
    """

    right: Floats
    down: Floats
    forward: Floats
    corner: Floats
    steps: tuple[float, float]
    rows: int
    columns: int
    offsets: Floats
    axes: tuple[int, int, int] | None = None
    middles: tuple[Floats, Floats, Floats] | None = None

    @property
    def orientation(self) -> list[float]:
        """As Image Orientation (Patient)."""
        return [*self.right.tolist(), *self.down.tolist()]

    @property
    def planes(self) -> int:
        return len(self.offsets)


def cut_of(grid: Grid, plane: Plane) -> Cut:
    """The planes of a kind through a volume. Raises ``Unfit("too-large")``."""
    right, down, forward = (np.array(one, np.float64) for one in _DIRECTIONS[plane])
    found = [_axis_along(grid, direction) for direction in (forward, down, right)]
    straight = [one for one in found if one is not None]
    cut = _along(grid, straight) if len(straight) == 3 else _askew(grid, right, down, forward)
    if max(cut.rows, cut.columns, cut.planes) > _LONGEST:
        raise Unfit("too-large", f"{cut.planes} planes of {cut.columns} x {cut.rows}")
    return cut


def _axis_along(grid: Grid, direction: Floats) -> tuple[int, int] | None:
    """The axis of the volume that runs along a direction, and whether with it (1) or against it (-1)."""
    for axis in range(3):
        for sign in (1, -1):
            if np.abs(grid.axes[axis] * sign - direction).max() <= _CLOSE:
                return axis, sign
    return None


def _along(grid: Grid, found: list[tuple[int, int]]) -> Cut:
    """Planes of the volume's own values: nothing is interpolated but between slices, and oblong pixels."""
    (forward_axis, forward_sign), (down_axis, down_sign), (right_axis, right_sign) = found
    step = min(grid.spacing)
    forward = grid.middles(forward_axis)[::forward_sign]
    down, down_step = _sampled(grid, down_axis, down_sign, step)
    right, right_step = _sampled(grid, right_axis, right_sign, step)
    middles = {forward_axis: forward, down_axis: down, right_axis: right}
    corner = grid.origin + sum(grid.axes[axis] * places[0] for axis, places in middles.items())
    return Cut(
        right=grid.axes[right_axis] * right_sign,
        down=grid.axes[down_axis] * down_sign,
        forward=grid.axes[forward_axis] * forward_sign,
        corner=corner,
        steps=(down_step, right_step),
        rows=len(down),
        columns=len(right),
        offsets=np.abs(forward - forward[0]),
        axes=(forward_axis, down_axis, right_axis),
        middles=(forward, down, right),
    )


def _sampled(grid: Grid, axis: int, sign: int, step: float) -> tuple[Floats, float]:
    """Where pixels lie along an axis: on the volume's own where these are as fine, else each ``step``."""
    own = grid.middles(axis)
    if axis > 0 and abs(grid.spacing[axis - 1] / step - 1) < _CLOSE:
        return own[::sign], grid.spacing[axis - 1]
    places = np.arange(int(own[-1] / step + _CLOSE) + 1, dtype=np.float64) * step
    return (places if sign > 0 else own[-1] - places), step


def _askew(grid: Grid, right: Floats, down: Floats, forward: Floats) -> Cut:
    """Planes of the box around a volume that lies askew in the patient."""
    ends = [(0.0, float(grid.middles(axis)[-1])) for axis in range(3)]
    corners = np.array([[a, b, c] for a in ends[0] for b in ends[1] for c in ends[2]]) @ grid.axes
    step = min(grid.spacing)
    low, counts = [], []
    for direction in (right, down, forward):
        places = corners @ direction
        low.append(float(places.min()))
        counts.append(int(np.ptp(places) / step + _CLOSE) + 1)
    corner = grid.origin + right * low[0] + down * low[1] + forward * low[2]
    offsets = np.arange(counts[2], dtype=np.float64) * step
    return Cut(right, down, forward, corner, (step, step), counts[1], counts[0], offsets)


def plane_raster(volume: Volume, cut: Cut, number: int, slab: Slab, thickness: float) -> Raster:
    """Plane ``number`` (0-based), or the slab around it, as stored values; black where the volume is not.

    A slab is of the volume's own planes whose middles lie in it; where the planes lie askew, of planes as far
    apart as their pixels (wider apart in slabs of more than 32). MIP and MinIP are of values as stored, and
    what lies between two slices is interpolated from theirs.
    """
    if cut.axes is not None and cut.middles is not None:
        values = _straight_plane(volume, cut, number, slab, thickness)
        inside = None
    else:
        values, inside = _askew_plane(volume, cut, number, slab, thickness)
    if values.dtype != np.uint16:
        values = np.rint(values).astype(np.uint16)
    outside = None if inside is None or inside.all() else np.where(inside, 0, 255).astype(np.uint8)
    return Raster(
        np.ascontiguousarray(values),
        (cut.columns, cut.rows),
        low=volume.low,
        span=volume.span,
        stored_range=volume.stored_range,
        indexed=True,
        complete=volume.complete,
        layers=None if outside is None else Layers(shut=outside),
    )


def _straight_plane(volume: Volume, cut: Cut, number: int, slab: Slab, thickness: float) -> Array:
    assert cut.axes is not None
    assert cut.middles is not None
    forward, down, right = cut.axes
    place = cut.middles[0][number]
    own = volume.grid.middles(forward)
    first = int(np.searchsorted(own, place - thickness / 2 - _TINY))
    last = int(np.searchsorted(own, place + thickness / 2 + _TINY))
    values = _projected(np.moveaxis(volume.steps, forward, 0)[first:last], own, first, slab)
    if down > right:
        values = values.T
    values = _between(values, volume.grid.middles(down), cut.middles[1])
    return _between(values.T, volume.grid.middles(right), cut.middles[2]).T


def _projected(block: Array, own: Floats, first: int, slab: Slab) -> Array:
    """Planes made one: (planes, ...) to (...)."""
    if len(block) == 1:
        alone: Array = block[0]
        return alone
    if slab is Slab.MIP:
        highest: Array = block.max(axis=0)
        return highest
    if slab is Slab.MINIP:
        lowest: Array = block.min(axis=0)
        return lowest
    # Each counts as much as the part of the way it stands for: half of that to either side.
    edges = np.concatenate((own[:1], (own[1:] + own[:-1]) / 2, own[-1:]))
    weights = np.diff(edges)
    weights[0] *= 2
    weights[-1] *= 2
    weights = weights[first : first + len(block)]
    if np.ptp(weights) <= _CLOSE * weights.max():
        mean: Array = block.sum(axis=0, dtype=np.float32) / np.float32(len(block))
        return mean
    total = np.zeros(block.shape[1:], np.float32)
    for plane, weight in zip(block, weights / weights.sum(), strict=True):
        total += plane * np.float32(weight)
    return total


def _between(values: Array, own: Floats, wanted: Floats) -> Array:
    """Interpolated along the first axis: from values that lie at ``own`` to what lies at ``wanted``."""
    if len(own) == len(wanted) and np.array_equal(own, wanted):
        return values
    if len(own) == len(wanted) and np.array_equal(own[::-1], wanted):
        return values[::-1]
    place = _places(wanted, own)
    low = np.minimum(place.astype(np.intp), len(own) - 2)
    part = (place - low).astype(np.float32)[:, None]
    under = values[low].astype(np.float32)
    between: Array = under + (values[low + 1] - under) * part
    return between


def _places(wanted: Floats, own: Floats) -> Floats:
    """Places in mm as places among the middles ``own``: 1.5 is half way between the second and the third."""
    steps = np.diff(own)
    if np.ptp(steps) <= _TINY * steps[0]:
        even: Floats = np.clip(wanted / ((own[-1] - own[0]) / len(steps)), 0, len(steps))
        return even
    return np.interp(wanted, own, np.arange(len(own)))


def _askew_plane(
    volume: Volume, cut: Cut, number: int, slab: Slab, thickness: float
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """The values, and where there are any."""
    apart = max(cut.steps[0], thickness / _SAMPLES)
    beside = int(thickness / 2 / apart + _TINY)
    shape = cut.rows, cut.columns
    found, count = np.zeros(shape, np.float32), np.zeros(shape, np.uint16)
    for step in range(-beside, beside + 1):
        inside, values = _sampled_plane(volume, cut, cut.offsets[number] + step * apart)
        old = found[inside]
        if slab is Slab.MEAN:
            found[inside] = old + values
        else:
            better = np.maximum(old, values) if slab is Slab.MIP else np.minimum(old, values)
            found[inside] = np.where(count[inside] > 0, better, values)
        count[inside] += 1
    if slab is Slab.MEAN and beside:
        found /= np.maximum(count, 1)
    return found, count > 0


def _sampled_plane(volume: Volume, cut: Cut, offset: float) -> tuple[npt.NDArray[np.bool_], Array]:
    """Which pixels of a plane lie in the volume, and their values, from the eight around each."""
    grid = volume.grid
    start = cut.corner + cut.forward * offset - grid.origin
    down, right = np.arange(cut.rows)[:, None] * cut.steps[0], np.arange(cut.columns) * cut.steps[1]
    ways = [(start @ axis) + (cut.down @ axis) * down + (cut.right @ axis) * right for axis in grid.axes]
    ends = [grid.middles(axis)[-1] for axis in range(3)]
    inside = np.ones((cut.rows, cut.columns), np.bool_)
    for way, end in zip(ways, ends, strict=True):
        inside &= (way >= -_CLOSE) & (way <= end + _CLOSE)
    lows, parts = [], []
    for axis, way in enumerate(ways):
        own = grid.middles(axis)
        place = _places(way[inside], own) if axis == 0 else way[inside] / grid.spacing[axis - 1]
        low = np.clip(place.astype(np.intp), 0, len(own) - 2)
        lows.append(low)
        parts.append(np.clip(place - low, 0, 1).astype(np.float32))
    _, rows, columns = grid.shape
    base = (lows[0] * rows + lows[1]) * columns + lows[2]
    return inside, _eight(volume.steps.reshape(-1), base, (rows * columns, columns, 1), parts)


def _eight(flat: Array, base: Array, strides: tuple[int, int, int], parts: list[Array]) -> Array:
    """Linear between the eight values around each place: along a row, then down, then between slices."""
    of_slices = []
    for slice_way in (0, strides[0]):
        of_rows = []
        for row_way in (0, strides[1]):
            low, high = (
                flat.take(base + (slice_way + row_way + way)).astype(np.float32) for way in (0, strides[2])
            )
            of_rows.append(low + (high - low) * parts[2])
        of_slices.append(of_rows[0] + (of_rows[1] - of_rows[0]) * parts[1])
    values: Array = of_slices[0] + (of_slices[1] - of_slices[0]) * parts[0]
    return values
