"""Pictures as files: PNG exact, JPEG close."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from archive.imaging.encode import encoded
from archive.imaging.params import JPEG, PNG, Encoding, EncodingFormat

RAMP = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
COLOUR = np.stack([RAMP, RAMP[:, ::-1], np.full_like(RAMP, 90)], axis=2)


@pytest.mark.parametrize("pixels", [RAMP, COLOUR, RAMP[::-1, ::-1], RAMP[:1, :1]])
def test_png_gives_back_the_same_pixels(pixels: np.ndarray) -> None:
    read = Image.open(io.BytesIO(encoded(pixels, PNG)))
    assert read.format == "PNG"
    np.testing.assert_array_equal(np.asarray(read), pixels)


@pytest.mark.parametrize("pixels", [RAMP, COLOUR])
def test_jpeg_is_close(pixels: np.ndarray) -> None:
    read = Image.open(io.BytesIO(encoded(pixels, JPEG)))
    assert read.format == "JPEG"
    assert np.abs(np.asarray(read).astype(int) - pixels).mean() < 2


def test_quality_is_paid_for_in_bytes() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    low, high = (len(encoded(noise, Encoding(EncodingFormat.JPEG, quality))) for quality in (30, 95))
    assert low < high / 2


def test_what_an_encoding_says_of_itself() -> None:
    assert (JPEG.media_type, JPEG.lossy) == ("image/jpeg", True)
    assert (PNG.media_type, PNG.lossy) == ("image/png", False)
