"""YBR, deep colour and palettes to 8-bit RGB."""

from __future__ import annotations

import numpy as np
import pytest

from archive.imaging.codecs import Samples
from archive.imaging.colour import Palette, grey_from_rgb, palette_rgb, rgb_values, to_8_bits, ybr_to_rgb
from archive.imaging.description import PixelDescription
from archive.imaging.params import Undecodable


def pixel(*values: int) -> np.ndarray:
    return np.array([[values]], np.uint8)


@pytest.mark.parametrize(
    ("ybr", "rgb"),
    [
        ((0, 128, 128), (0, 0, 0)),
        ((255, 128, 128), (255, 255, 255)),
        ((76, 85, 255), (254, 0, 0)),
        ((150, 44, 21), (0, 255, 1)),
        ((29, 255, 107), (0, 0, 254)),
    ],
)
def test_ybr_full(ybr: tuple[int, ...], rgb: tuple[int, ...]) -> None:
    """PS3.3 C.7.6.3.1.2 backwards: primaries come out within rounding."""
    assert tuple(ybr_to_rgb(pixel(*ybr))[0, 0].tolist()) == rgb


def test_ybr_partial_spans_16_to_235() -> None:
    assert ybr_to_rgb(pixel(16, 128, 128), partial=True).tolist() == [[[0, 0, 0]]]
    assert ybr_to_rgb(pixel(235, 128, 128), partial=True).tolist() == [[[255, 255, 255]]]


def test_deep_colour_keeps_its_top_eight_bits() -> None:
    assert to_8_bits(np.array([0, 255, 256, 65535], np.uint16), 16).tolist() == [0, 0, 1, 255]
    assert to_8_bits(np.array([0, 4095], np.uint16), 12).tolist() == [0, 255]
    assert to_8_bits(np.array([2**32 - 1], np.uint32), 32).tolist() == [255]
    assert to_8_bits(np.array([0, 15], np.uint8), 4).tolist() == [0, 255]


def described(photometric: str, samples: int = 3) -> PixelDescription:
    return PixelDescription(1, 1, samples=samples, photometric=photometric, bits_allocated=8, bits_stored=8)


def test_the_codestreams_word_beats_the_label() -> None:
    samples = Samples(pixel(76, 85, 255), 8, rgb=True)
    assert rgb_values(samples, described("YBR_FULL")).tolist() == [[[76, 85, 255]]]
    samples = Samples(pixel(76, 85, 255), 8)
    assert rgb_values(samples, described("YBR_FULL")).tolist() == [[[254, 0, 0]]]
    assert rgb_values(samples, described("YBR_RCT")).tolist() == [[[76, 85, 255]]]


def test_four_samples() -> None:
    argb = Samples(pixel(9, 1, 2, 3), 8)
    assert rgb_values(argb, described("ARGB", 4)).tolist() == [[[1, 2, 3]]]
    cmyk = Samples(pixel(0, 255, 0, 0), 8)
    assert rgb_values(cmyk, described("CMYK", 4)).tolist() == [[[255, 0, 255]]]
    assert rgb_values(argb, described("RGB", 4)).tolist() == [[[9, 1, 2]]]
    with pytest.raises(Undecodable):
        rgb_values(Samples(pixel(1, 2), 8), described("RGB"))


def test_palette_indices_outside_the_table_take_its_ends() -> None:
    palette = Palette(-1, np.array([[1, 1, 1], [2, 2, 2], [3, 3, 3]], np.uint8))
    values = np.array([[-9, -1, 0, 1, 77]], np.int16)
    assert palette_rgb(values, palette)[0, :, 0].tolist() == [1, 1, 2, 3, 3]


def test_grey_of_colour_is_its_luminance() -> None:
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], np.uint8)
    assert grey_from_rgb(rgb).tolist() == [[76, 150, 29, 9]]
