"""A decoded frame in the form that is quick to show again and again.

Greyscale values are kept as their distance from the lowest one, so that a window change is one small table
and one look-up, and so that frames can be averaged smaller in 16 bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.imaging.geometry import area_averaged
from archive.imaging.layers import Layers

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Raster:
    """``pixels``: uint16 steps above ``low`` (``indexed``), or stored values as they are, or uint8 RGB.

    ``stored_range`` is that of the whole frame without padding, and ``full_size`` its columns and rows,
    whatever size ``pixels`` has been made.
    """

    pixels: Array
    full_size: tuple[int, int]
    low: int = 0
    span: int = 0  # highest step
    stored_range: tuple[float, float] = (0, 0)
    indexed: bool = False
    complete: bool = True  # false: the file ends inside this frame, the rest of it is filled with zeros
    tint: tuple[int, int, int] | None = None  # the colour in which its greys are shown, of a segment
    layers: Layers | None = None  # what lies over the pixels, at their size

    @property
    def colour(self) -> bool:
        return self.pixels.ndim == 3

    @property
    def nbytes(self) -> int:
        return int(self.pixels.nbytes) + (self.layers.nbytes if self.layers else 0)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def resized(self, size: tuple[int, int]) -> Raster:
        """Averaged to a smaller (width, height); itself when it has that size."""
        if size == self.size:
            return self
        layers = self.layers.resized(size) if self.layers else None
        return replace(self, pixels=area_averaged(self.pixels, size), layers=layers)

    def stored(self) -> Array:
        """The stored values."""
        if not self.indexed:
            return self.pixels
        return self.pixels.astype(np.int64) + self.low


def raster_from(
    values: Array, padding: tuple[float, float] | None, known_range: tuple[float, float] | None = None
) -> Raster:
    """The raster of stored values or RGB; ``padding``: stored values that are not part of the range."""
    size = (values.shape[1], values.shape[0])
    if values.ndim == 3:
        return Raster(values, size)
    if values.dtype.kind == "f":
        return Raster(np.ascontiguousarray(values), size, stored_range=_range(values, padding))
    low, high = int(values.min()), int(values.max())
    if high - low > 0xFFFF:
        return Raster(np.ascontiguousarray(values), size, stored_range=_range(values, padding))
    if values.dtype.itemsize == 1:
        steps = (values.astype(np.int16) - low).astype(np.uint16)
    elif values.dtype.itemsize == 2:
        # Modulo 65536 the difference is right even where 16 signed bits would overflow.
        steps = values.view(np.uint16) - np.uint16(low & 0xFFFF)
    else:
        steps = (values.astype(np.int64) - low).astype(np.uint16)
    stored_range = known_range or _indexed_range(values, low, high, padding)
    return Raster(steps, size, low, high - low, stored_range, indexed=True)


def _indexed_range(
    values: Array, low: int, high: int, padding: tuple[float, float] | None
) -> tuple[float, float]:
    """PS3.3 C.7.5.1.1.2: padding lies at one end of the values, or nowhere."""
    if padding is None or padding[1] < low or padding[0] > high:
        return low, high
    return _range(values, padding)


def _range(values: Array, padding: tuple[float, float] | None) -> tuple[float, float]:
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if padding is not None:
        image = values[(values < padding[0]) | (values > padding[1])]
        values = image if image.size else values
    if not values.size:
        return 0.0, 0.0
    low, high = values.min(), values.max()
    return (int(low), int(high)) if values.dtype.kind != "f" else (float(low), float(high))
