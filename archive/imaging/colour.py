"""Colour to 8-bit RGB: YBR, 16-bit colour and palettes, PS3.3 C.7.6.3.1.2 and C.7.9."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.imaging.codecs import Samples
from archive.imaging.description import PixelDescription
from archive.imaging.params import Undecodable

Array = npt.NDArray[Any]
Rgb = npt.NDArray[np.uint8]

# Rows give R, G, B from Y, CB - 128, CR - 128.
_FULL = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)
# From Y - 16, CB - 128, CR - 128 in the ranges 16..235 and 16..240.
_PARTIAL = _FULL * np.array([255 / 219, 255 / 224, 255 / 224], np.float32)
# IEC 61966-2-1, adapted to D50 after Bradford, as ICC profiles have it.
_D50 = np.array([0.9642, 1.0, 0.8249])
_SRGB_FROM_D50 = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
_STRIP = 64  # rows converted at a time: the float copy stays small


@dataclass(frozen=True, slots=True)
class Palette:
    """A Palette Color Lookup Table: ``table`` (entries, 3) for the stored values from ``first`` on."""

    first: int
    table: Rgb


def rgb_values(samples: Samples, description: PixelDescription) -> Array:
    """Three samples a pixel as RGB, YBR made 8 bits. The codestream's word on its colour beats the label."""
    values = _three(samples.values, description.photometric)
    label = description.photometric
    if samples.rgb is True or (samples.rgb is None and not label.startswith("YBR")):
        return np.ascontiguousarray(values)
    if label in ("YBR_RCT", "YBR_ICT"):  # JPEG 2000 gives these back as RGB
        return np.ascontiguousarray(values)
    return ybr_to_rgb(to_8_bits(values, samples.precision), partial=label.startswith("YBR_PARTIAL"))


def to_8_bits(values: Array, bits: int) -> Rgb:
    """The top eight of ``bits``; fewer than eight are spread over the range."""
    if values.dtype.kind == "i":
        values = values.view(f"u{values.dtype.itemsize}")
    if bits > 8:
        return np.right_shift(values, bits - 8).astype(np.uint8)
    if bits < 8:
        return (values.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)
    return values.astype(np.uint8, copy=False)


def ybr_to_rgb(values: Rgb, *, partial: bool = False) -> Rgb:
    """YBR_FULL or YBR_PARTIAL to RGB, PS3.3 C.7.6.3.1.2 (ITU-R BT.601)."""
    matrix = _PARTIAL if partial else _FULL
    offset = np.array([16 if partial else 0, 128, 128], np.float32)
    rgb = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _STRIP):
        strip = (values[top : top + _STRIP].astype(np.float32) - offset) @ matrix.T
        np.rint(strip, out=strip)
        np.clip(strip, 0, 255, out=strip)
        rgb[top : top + _STRIP] = strip.astype(np.uint8)
    return rgb


def lab_rgb(lab: tuple[float, float, float]) -> tuple[int, int, int]:
    """A colour written as CIELab in 16 bits a component (PS3.3 C.10.7.1.1, white point D50) as sRGB."""
    lightness, a, b = lab[0] / 655.35, lab[1] / 257 - 128, lab[2] / 257 - 128
    y = (lightness + 16) / 116
    relative = np.array([y + a / 500, y, y - b / 200])
    cubed = relative**3
    xyz = np.where(cubed > 216 / 24389, cubed, (116 * relative - 16) * 27 / 24389) * _D50
    linear = np.clip(_SRGB_FROM_D50 @ xyz, 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (int(value) for value in np.rint(255 * rgb))
    return red, green, blue


def palette_rgb(values: Array, palette: Palette) -> Rgb:
    """Indices to colours; what lies outside the table takes its first or last entry, PS3.3 C.7.6.3.1.5."""
    index = np.clip(values.astype(np.int64) - palette.first, 0, len(palette.table) - 1)
    rgb: Rgb = np.take(palette.table, index, axis=0)
    return rgb


def tinted(grey: Rgb, colour: tuple[int, int, int]) -> Rgb:
    """Greys from black to a colour instead of to white."""
    steps = np.arange(256, dtype=np.float64)[:, None] * (np.array(colour) / 255)
    rgb: Rgb = np.take(np.rint(steps).astype(np.uint8), grey, axis=0)
    return rgb


def grey_from_rgb(rgb: Rgb) -> Rgb:
    """Luminance of BT.601, for paper without colour."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    grey: Rgb = np.rint(rgb.astype(np.float32) @ weights).astype(np.uint8)
    return grey


def _three(values: Array, photometric: str) -> Array:
    count = values.shape[2]
    if count == 3:
        return values
    if count == 4 and photometric == "ARGB":  # retired: the first sample is opacity
        return values[:, :, 1:]
    if count == 4 and photometric == "CMYK":  # retired
        ink = values.astype(np.uint16)
        top = np.iinfo(values.dtype).max
        return ((top - ink[:, :, :3]) * (top - ink[:, :, 3:]) // top).astype(values.dtype)
    if count == 4:  # RGB and an alpha channel that DICOM does not know
        return values[:, :, :3]
    raise Undecodable("samples", f"{count} samples per pixel")
