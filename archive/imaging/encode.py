"""Display values to JPEG or PNG. imagecodecs: as quick as it gets, and other threads run meanwhile."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from archive.imaging.params import Encoding, EncodingFormat

_RLE_STRATEGY = (
    3  # run lengths only: three times as quick as matching, and smaller for rows filtered by "sub"
)
_SUB_FILTER = 16


def encoded(pixels: npt.NDArray[Any], encoding: Encoding) -> bytes:
    """uint8 greys (rows, columns) or RGB as a JPEG or a PNG file. PNG gives back the same pixels."""
    pixels = np.ascontiguousarray(pixels, np.uint8)
    if encoding.format is EncodingFormat.JPEG:
        return bytes(imagecodecs.jpeg8_encode(pixels, encoding.quality))
    return bytes(imagecodecs.png_encode(pixels, 1, strategy=_RLE_STRATEGY, filter=_SUB_FILTER))
