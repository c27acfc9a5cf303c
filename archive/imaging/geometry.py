"""Sizes, resampling and orientation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]
Size = tuple[int, int]  # width, height

_DOUBLE = np.dtype(np.float64)
_BAND = 8  # results worked out together
_PRODUCT = 200_000  # above that BLAS spreads a product over threads, which wait for each other


def fitted_size(columns: int, rows: int, aspect: tuple[float, float], box: Size | None) -> Size:
    """(width, height) of the whole frame inside ``box``: never larger, square pixels.

    ``aspect`` is the (vertical, horizontal) size of a pixel, PS3.3 C.7.6.3.1.7. Oblong pixels are made square
    by averaging along the side that has more of them: nothing is invented.
    """
    vertical, horizontal = aspect
    width, height = float(columns), float(rows)
    if vertical > horizontal:
        width = columns * horizontal / vertical
    elif horizontal > vertical:
        height = rows * vertical / horizontal
    if box is not None:
        factor = min(1.0, box[0] / width, box[1] / height)
        width, height = width * factor, height * factor
    return max(1, round(width)), max(1, round(height))


def pixel_aspect(
    ratio: Sequence[float] | None = None, spacing: Sequence[float] | None = None
) -> tuple[float, float]:
    """(vertical, horizontal) from Pixel Aspect Ratio, else a spacing (row, column); else (1, 1)."""
    for pair in (ratio, spacing):
        if pair is not None and len(pair) == 2:
            vertical, horizontal = float(pair[0]), float(pair[1])
            if vertical > 0 and horizontal > 0 and 1 / 64 <= vertical / horizontal <= 64:
                # Spacings that differ in the fourth digit only are rounding, not shape.
                return (1.0, 1.0) if abs(vertical / horizontal - 1) < 1e-3 else (vertical, horizontal)
    return 1.0, 1.0


def facts_aspect(facts: Mapping[str, Any]) -> tuple[float, float]:
    """The same by display facts. What an ultrasound region measures is no shape of the picture's pixels."""
    spacing = None if facts.get("spacing_basis") == "region" else facts.get("pixel_spacing")
    return pixel_aspect(facts.get("aspect"), spacing)


def area_averaged(pixels: Array, size: Size) -> Array:
    """Made smaller: each pixel is the mean of the area it covers, stored pixels at its edge counting in part.

    Any dtype, RGB as well. Integers are rounded once, at the end; NaN and infinity stay with the pixels that
    cover them. BLAS does the sums, one axis after the other, and other threads run meanwhile.
    """
    rows, columns = pixels.shape[:2]
    width, height = min(size[0], columns), min(size[1], rows)
    if (width, height) == (columns, rows):
        return pixels
    if pixels.dtype.kind == "f":
        return _float_means(pixels, width, height)
    # Sums of up to 16 bits are right to a hundredth of a step in 32 bits, and take half the time.
    means = _means(pixels, width, height, np.dtype(np.float32 if pixels.dtype.itemsize <= 2 else np.float64))
    np.rint(means, out=means)
    return means.astype(pixels.dtype)


def _float_means(pixels: Array, width: int, height: int) -> Array:
    finite = np.isfinite(pixels)
    if finite.all():
        return _means(pixels, width, height, _DOUBLE).astype(pixels.dtype)
    means = _means(np.where(finite, pixels, 0), width, height, _DOUBLE)
    for wrong, value in (
        (pixels == np.inf, np.inf),
        (pixels == -np.inf, -np.inf),
        (np.isnan(pixels), np.nan),
    ):
        touched = _means(wrong, width, height, _DOUBLE) > 0
        means[touched] = np.where(np.isfinite(means[touched]), value, np.nan)
    return means.astype(pixels.dtype)


def _means(pixels: Array, width: int, height: int, dtype: np.dtype[Any]) -> Array:
    """Unrounded: rows first, which lie side by side in memory, then columns."""
    rows, columns, depth = (*pixels.shape, 1)[:3]
    flat = pixels.reshape(rows, columns * depth)
    upright = np.empty((height, columns * depth), dtype)
    for band in _bands(rows, height, 1, dtype):
        covered = flat[band.first : band.last].astype(dtype)
        step = band.tile
        for left in range(0, columns * depth, step):
            part = covered[:, left : left + step]
            np.matmul(band.weights, part, out=upright[band.to : band.to_end, left : left + step])
    means = np.empty((height, width * depth), dtype)
    bands = _bands(columns, width, depth, dtype)
    step = bands[0].tile
    for top in range(0, height, step):
        for band in bands:
            part = upright[top : top + step, band.first : band.last]
            np.matmul(part, band.weights.T, out=means[top : top + step, band.to : band.to_end])
    return means.reshape((height, width, *pixels.shape[2:]))


@dataclass(frozen=True, slots=True)
class _Band:
    """Some neighbouring results ``to``..``to_end`` as sums over the stored ``first``..``last``."""

    to: int
    to_end: int
    first: int
    last: int
    weights: Array

    @property
    def tile(self) -> int:
        """So many lines at once that a product stays in the cache, and in the thread it is asked for in."""
        return max(64, _PRODUCT // self.weights.size)


@lru_cache(16)
def _bands(stored: int, shown: int, depth: int, dtype: np.dtype[Any]) -> tuple[_Band, ...]:
    """How ``shown`` results share ``stored`` lines of ``depth`` samples: weights by the length in common."""
    bands = []
    for to in range(0, shown, _BAND):
        to_end = min(shown, to + _BAND)
        first, last = to * stored // shown, -(-to_end * stored // shown)
        # In units of which a stored line has ``shown`` and a result ``stored``: whole numbers, no drift.
        begin, line = np.arange(to, to_end)[:, None] * stored, np.arange(first, last) * shown
        common = np.minimum(begin + stored, line + shown) - np.maximum(begin, line)
        weights = np.kron(np.maximum(common, 0) / stored, np.eye(depth)).astype(dtype)
        bands.append(_Band(to * depth, to_end * depth, first * depth, last * depth, weights))
    return tuple(bands)


def enlarged(pixels: Array, size: Size) -> Array:
    """Made larger for paper: bilinear, in the depth of the pixels. Never used for the screen."""
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    image = Image.fromarray(pixels.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return _rounded(np.asarray(image), pixels)


def _rounded(values: Array, like: Array) -> Array:
    result: Array = np.rint(values).astype(like.dtype)
    return result


def direction_letters(vector: Sequence[float]) -> str:
    """Where a direction in the patient points: L/R, P/A, H/F, the strongest first, PS3.3 C.7.6.1.1.1."""
    letters = (("L", "R"), ("P", "A"), ("H", "F"))
    parts = [(abs(v), pair[0] if v > 0 else pair[1]) for v, pair in zip(vector, letters, strict=True)]
    parts = [part for part in parts if part[0] > 1e-2]
    return "".join(letter for _, letter in sorted(parts, key=lambda part: -part[0]))


def edge_letters(
    orientation: Sequence[float] | None, patient_orientation: Sequence[str] | None = None
) -> dict[str, str]:
    """Letters for the ``left``, ``right``, ``top``, ``bottom`` edge of the picture; empty if unknown."""
    if orientation is not None and len(orientation) == 6:
        right, bottom = direction_letters(orientation[:3]), direction_letters(orientation[3:])
    elif patient_orientation is not None and len(patient_orientation) == 2:
        right, bottom = patient_orientation
    else:
        right = bottom = ""
    opposite = str.maketrans("LRPAHF", "RLAPFH")
    return {
        "left": right.translate(opposite),
        "right": right,
        "top": bottom.translate(opposite),
        "bottom": bottom,
    }
