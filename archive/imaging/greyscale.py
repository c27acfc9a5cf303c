"""Stored value to display value, PS3.3 C.11 and PS3.4 N.2: modality, VOI, presentation, in that order.

All three are functions of one value, so they are worked out once for each value that occurs (a table) and
then looked up for each pixel. Floats and wide integers go through the same functions pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.imaging.lut import Lut
from archive.imaging.params import View, VoiFunction, Window

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Greyscale:
    """What an object says of its greys (or one frame of it, when functional groups say it per frame)."""

    slope: float = 1.0
    intercept: float = 0.0
    modality_lut: Lut | None = None
    unit: str = ""
    windows: tuple[Window, ...] = ()
    voi_luts: tuple[Lut, ...] = ()
    inverse: bool = False  # MONOCHROME1: the lowest value is white
    padding: tuple[float, float] | None = None  # stored values that are no image, PS3.3 C.7.5.1.1.2
    declared: tuple[float, float] | None = (
        None  # lowest and highest stored value that Bits Stored has room for
    )
    presentation_lut: Lut | None = None  # PS3.3 C.11.4: from the whole range of VOI values to display values


@dataclass(frozen=True, slots=True)
class Chosen:
    """The VOI transformation a view comes down to."""

    window: Window | None
    lut: Lut | None = None


def modality_values(stored: Array, greyscale: Greyscale) -> Floats:
    """PS3.3 C.11.1: the Modality LUT when there is one, else rescale."""
    if greyscale.modality_lut is not None:
        return _looked_up(stored, greyscale.modality_lut)
    values = stored.astype(np.float64)
    if greyscale.slope != 1.0:
        values *= greyscale.slope
    if greyscale.intercept != 0.0:
        values += greyscale.intercept
    return values


def voi_chosen(view: View, greyscale: Greyscale, full_range: tuple[float, float]) -> Chosen:
    """The view's own window or LUT, else the object's first window, else its first LUT, else everything."""
    if view.window is not None:
        return Chosen(view.window)
    if view.voi_lut is not None and 0 <= view.voi_lut < len(greyscale.voi_luts):
        return Chosen(None, greyscale.voi_luts[view.voi_lut])
    if not view.auto:
        if greyscale.windows:
            return Chosen(greyscale.windows[0])
        if greyscale.voi_luts:
            return Chosen(None, greyscale.voi_luts[0])
    return Chosen(full_range_window(*full_range))


def full_range_window(low: float, high: float) -> Window:
    """The LINEAR window that spreads low..high over all greys."""
    return Window((low + high + 1) / 2, high - low + 1)


def display_values(
    modality: Floats, chosen: Chosen, *, inverse: bool, bits: int, presentation_lut: Lut | None = None
) -> Array:
    """VOI and presentation: 0..2^bits-1, uint8 up to 8 bits and uint16 above."""
    top = (1 << bits) - 1
    if presentation_lut is not None:
        y = _voi_values(modality, chosen, len(presentation_lut.data) - 1)
        np.nan_to_num(y, copy=False)
        y = presentation_lut.data[y.astype(np.int64)].astype(np.float64) * (top / presentation_lut.top)
        np.rint(y, out=y)
    else:
        y = _voi_values(modality, chosen, top)
    if inverse:
        np.subtract(top, y, out=y)
    return y.astype(np.uint8 if bits <= 8 else np.uint16)


def _voi_values(modality: Floats, chosen: Chosen, top: int) -> Floats:
    """The VOI transformation, in whole numbers 0..top."""
    if chosen.lut is not None:
        y = _looked_up(modality, chosen.lut)
        y *= top / chosen.lut.top
    elif chosen.window is not None:
        y = windowed(modality, chosen.window, top)
    else:
        y = modality.copy()
    np.rint(y, out=y)
    np.clip(y, 0, top, out=y)
    return y


def windowed(x: Floats, window: Window, top: float) -> Floats:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3 over 0..top, unrounded."""
    center, width = window.center, window.width
    if window.function is VoiFunction.SIGMOID:
        if width == 0:
            return np.where(x < center, 0.0, float(top))
        exponent = np.clip((x - center) * (-4 / width), -700, 700)
        y: Floats = top / (1 + np.exp(exponent))
        return y
    if window.function is VoiFunction.LINEAR and width >= 1:
        center, width = center - 0.5, width - 1
    # LINEAR below a width of 1 is not defined; objects with fractional values mean what LINEAR_EXACT says.
    if width <= 0:
        return np.where(x <= center, 0.0, float(top))
    y = (x - center) * (top / width)
    y += 0.5 * top
    return y


def _looked_up(values: Array, lut: Lut) -> Floats:
    if values.dtype.kind == "f":
        values = np.nan_to_num(np.rint(values), nan=0.0, posinf=2.0**31, neginf=-(2.0**31))
    index = np.clip(values.astype(np.int64) - lut.first, 0, len(lut.data) - 1)
    return lut.data[index].astype(np.float64)
