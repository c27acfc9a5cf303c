"""Painting bodies into arrays: soft-edged shapes, tubes, smooth random fields. Positions in mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.floating[Any]]
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plane:
    """A regular grid at one height: columns along x, rows along y."""

    xs: Array
    ys: Array

    @classmethod
    def square(cls, pixels: int, field_of_view: float) -> Plane:
        """``pixels`` by ``pixels`` around the origin."""
        at = (np.arange(pixels, dtype=np.float32) - (pixels - 1) / 2) * (field_of_view / pixels)
        return cls(at, at)

    def part(self, left: float, right: float, front: float, back: float) -> tuple[Plane, tuple[slice, slice]]:
        """The part of the grid within these borders, and where it lies: (rows, columns)."""
        columns = _window(self.xs, left, right, self.step)
        rows = _window(self.ys, front, back, float(self.ys[1] - self.ys[0]))
        return Plane(self.xs[columns], self.ys[rows]), (rows, columns)

    @property
    def step(self) -> float:
        return float(self.xs[1] - self.xs[0])

    @property
    def x(self) -> Array:
        return self.xs[None, :]

    @property
    def y(self) -> Array:
        return self.ys[:, None]


def soft(distance: Array, edge: float) -> Array:
    """1 inside, 0 outside, a ramp of ``edge`` mm between; ``distance`` is negative inside."""
    mask = distance * np.float32(-1 / edge)
    mask += np.float32(0.5)
    np.maximum(mask, 0, out=mask)
    np.minimum(mask, 1, out=mask)
    return mask


def blend(image: Array, mask: Array, value: float | Array) -> None:
    """Paint ``value`` over ``image`` where ``mask`` is 1."""
    image += mask * (value - image)


def ellipse(x: Array, y: Array, a: float, b: float, square: float = 0.0) -> Array:
    """About the distance to an ellipse around the origin, negative inside; ``square`` bulges its corners."""
    u, v = (x / np.float32(a)) ** 2, (y / np.float32(b)) ** 2
    r = np.sqrt(u + v)
    if square:
        r += np.float32(square) * (np.sqrt(np.sqrt(u * u + v * v)) - r)
    return (r - 1) * np.float32(min(a, b))


@dataclass(slots=True)
class Tubes:
    """Straight pieces of pipe: from ``start`` to ``end`` with a radius at each, as arrays."""

    start: Array
    end: Array
    radius: Array  # (n, 2)

    @classmethod
    def along(cls, points: Sequence[Point], radii: Sequence[float]) -> Tubes:
        """One pipe through ``points``."""
        at = np.asarray(points, np.float32)
        wide = np.asarray(radii, np.float32)
        return cls(at[:-1], at[1:], np.stack([wide[:-1], wide[1:]], 1))

    @classmethod
    def joined(cls, many: Sequence[Tubes]) -> Tubes:
        return cls(
            np.concatenate([tubes.start for tubes in many]),
            np.concatenate([tubes.end for tubes in many]),
            np.concatenate([tubes.radius for tubes in many]),
        )

    def thinner(self, by: float) -> Tubes:
        """The bore of pipes with walls ``by`` mm thick."""
        return Tubes(self.start, self.end, np.maximum(self.radius - np.float32(by), 0.2))

    def cutting(self, z: float, least: float) -> npt.NDArray[np.intp]:
        """Which pieces reach the height ``z``; those thinner than ``least`` could not be seen."""
        reach = self.radius.max(1)
        low = np.minimum(self.start[:, 2], self.end[:, 2]) - reach
        high = np.maximum(self.start[:, 2], self.end[:, 2]) + reach
        return np.flatnonzero((low <= z) & (z <= high) & (reach > least))

    def box(self, index: int, margin: float) -> tuple[float, float, float, float]:
        """Left, right, front and back of one piece."""
        a, b = self.start[index], self.end[index]
        reach = float(self.radius[index].max()) + margin
        left, right = sorted((float(a[0]), float(b[0])))
        front, back = sorted((float(a[1]), float(b[1])))
        return left - reach, right + reach, front - reach, back + reach

    def distance(self, index: int, x: Array, y: Array, z: float) -> Array:
        """How far places are from the wall of one piece, negative inside."""
        a, r = self.start[index], self.radius[index]
        dx, dy, dz = x - a[0], y - a[1], np.float32(z - a[2])
        along = self.end[index] - a
        t = np.clip((dx * along[0] + dy * along[1] + dz * along[2]) / (float(along @ along) + 1e-6), 0, 1)
        off = (dx - t * along[0]) ** 2 + (dy - t * along[1]) ** 2 + (dz - t * along[2]) ** 2
        return np.asarray(np.sqrt(off) - (r[0] + t * (r[1] - r[0])), np.float32)


@dataclass(frozen=True, slots=True)
class Canvas:
    """An image of what lies at height ``z`` on a plane; painting changes ``image`` in place."""

    image: Array
    plane: Plane
    z: float
    edge: float  # mm over which borders are soft

    @property
    def x(self) -> Array:
        return self.plane.x

    @property
    def y(self) -> Array:
        return self.plane.y

    def part(self, left: float, right: float, front: float, back: float) -> Canvas:
        """The part within these borders: the same image, seen through a window."""
        plane, window = self.plane.part(left, right, front, back)
        return Canvas(self.image[window], plane, self.z, self.edge)

    def fill(self, distance: Array, value: float | Array, softer: float = 1.0) -> None:
        """Paint ``value`` where ``distance`` is negative."""
        blend(self.image, soft(distance, self.edge * softer), value)

    def ellipsoid(self, center: Point, axes: Point, turn: float = 0.0) -> Array | None:
        """The cut of an ellipsoid turned by ``turn`` radians about z; None above and below it."""
        height = (self.z - center[2]) / axes[2]
        if abs(height) >= 1:
            return None
        shrink = float(np.sqrt(1 - height * height))
        dx, dy = self.x - center[0], self.y - center[1]
        c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        return ellipse(c * dx + s * dy, c * dy - s * dx, axes[0] * shrink, axes[1] * shrink)

    def tubes(self, tubes: Tubes, value: float, inside: Array | None = None) -> None:
        """Paint the cut of each pipe, over what is darker only (air: over everything).

        ``inside`` is a mask that lets them be seen.
        """
        plane = self.plane
        row_step = float(plane.ys[1] - plane.ys[0])
        for index in tubes.cutting(self.z, 0.45 * plane.step):
            left, right, front, back = tubes.box(index, plane.step)
            rows = _window(plane.ys, front, back, row_step)
            columns = _window(plane.xs, left, right, plane.step)
            if columns.start >= columns.stop or rows.start >= rows.stop:
                continue
            distance = tubes.distance(index, plane.xs[columns][None, :], plane.ys[rows][:, None], self.z)
            mask = soft(distance, plane.step)
            if inside is not None:
                mask = mask * inside[rows, columns]
            target = self.image[rows, columns]
            target += mask * np.maximum(value - target, 0) if value > 0 else mask * (value - target)


def _window(at: Array, low: float, high: float, step: float) -> slice:
    first = int((low - float(at[0])) / step)
    last = int((high - float(at[0])) / step) + 2
    return slice(max(first, 0), min(max(last, 0), len(at)))


_SMOOTH: Final = np.array([1, 4, 6, 4, 1], np.float32) / 16


def smooth(image: Array, times: int = 1) -> Array:
    """A small Gaussian blur (sigma 1 pixel each time)."""
    for _ in range(times):
        for axis in (0, 1):
            padded = np.pad(image, [(2, 2) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
            size = image.shape[axis]
            image = sum(
                weight * (padded[k : k + size] if axis == 0 else padded[:, k : k + size])
                for k, weight in enumerate(_SMOOTH)
            )
    return image


def resized(image: Array, height: int, width: int) -> Array:
    """Bicubic interpolation to another size."""
    picture = Image.fromarray(image.astype(np.float32), mode="F")
    return np.array(picture.resize((width, height), Image.Resampling.BICUBIC), np.float32)


def field(rng: np.random.Generator, height: int, width: int, cells: int, octaves: int = 3) -> Array:
    """A smooth random field, mean 0, deviation about 1: ``cells`` blobs across, then finer ones."""
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for octave in range(octaves):
        across = cells << octave
        down = max(2, round(across * height / width))
        coarse = rng.standard_normal((down + 3, across + 3), dtype=np.float32)
        total += np.float32(weight) * resized(coarse, height, width)
        weight *= 0.5
    return total / np.float32(total.std() + 1e-6)
