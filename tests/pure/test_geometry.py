"""Sizes, averaging and orientation letters."""

from __future__ import annotations

import numpy as np
import pytest

from archive.imaging.geometry import (
    area_averaged,
    edge_letters,
    enlarged,
    facts_aspect,
    fitted_size,
    pixel_aspect,
)


@pytest.mark.parametrize(
    ("columns", "rows", "aspect", "box", "size"),
    [
        (512, 512, (1, 1), None, (512, 512)),
        (512, 512, (1, 1), (1024, 1024), (512, 512)),  # never larger
        (2048, 2560, (1, 1), (1024, 1024), (819, 1024)),
        (2048, 2560, (1, 1), (256, 4000), (256, 320)),
        (256, 120, (4, 3), None, (192, 120)),  # pixels higher than wide: fewer columns
        (256, 120, (1, 2), None, (256, 60)),
        (256, 120, (4, 3), (96, 96), (96, 60)),
        (3000, 1, (1, 1), (10, 10), (10, 1)),
    ],
)
def test_the_whole_frame_fits_its_box(
    columns: int, rows: int, aspect: tuple[float, float], box: tuple[int, int] | None, size: tuple[int, int]
) -> None:
    assert fitted_size(columns, rows, aspect, box) == size


@pytest.mark.parametrize(
    ("ratio", "spacing", "aspect"),
    [
        ([4, 3], None, (4, 3)),
        (None, [0.5, 0.25], (0.5, 0.25)),
        ([4, 3], [1, 1], (4, 3)),
        (None, [0.7000001, 0.7], (1, 1)),
        ([0, 3], None, (1, 1)),
        ([1000, 1], None, (1, 1)),
        ([1], [2, 1], (2, 1)),
        (None, None, (1, 1)),
    ],
)
def test_the_shape_of_a_pixel(ratio: object, spacing: object, aspect: tuple[float, float]) -> None:
    assert pixel_aspect(ratio, spacing) == aspect  # type: ignore[arg-type]


def test_the_shape_by_display_facts_is_not_that_of_an_ultrasound_region() -> None:
    assert facts_aspect({"pixel_spacing": [2, 1], "spacing_basis": "pixel"}) == (2, 1)
    assert facts_aspect({"pixel_spacing": [2, 1], "spacing_basis": "region"}) == (1, 1)
    assert facts_aspect({"aspect": [4, 3]}) == (4, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float64])
def test_smaller_means_the_average_of_what_is_covered(dtype: type) -> None:
    pixels = np.array([[0, 2, 10, 10], [4, 6, 10, 30]], dtype)
    small = area_averaged(pixels, (2, 1))
    assert small.dtype == dtype
    assert small.tolist() == [[3, 15]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float64])
def test_a_pixel_that_is_covered_in_part_counts_in_part(dtype: type) -> None:
    """Three pixels under two: each is one and a half wide, the middle one is shared."""
    assert area_averaged(np.array([[0, 30, 90]], dtype), (2, 1)).tolist() == [[10, 70]]
    assert area_averaged(np.array([[0], [30], [90]], dtype), (1, 2)).tolist() == [[10], [70]]


def _integral(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mean over each display pixel by its definition: every stored pixel cut into equal parts."""
    width, height = size
    whole = np.repeat(np.repeat(pixels, height, axis=0), width, axis=1).astype(np.float64)
    rows, columns = pixels.shape[:2]
    return whole.reshape(height, rows, width, columns, *pixels.shape[2:]).mean(axis=(1, 3))


@pytest.mark.parametrize("size", [(7, 5), (31, 29), (16, 10), (1, 1), (32, 3), (13, 30)])
@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(np.uint8, 0, 256), (np.uint16, 0, 65536), (np.int16, -32768, 32768), (np.uint32, 0, 2**32)],
)
def test_the_mean_is_exact_to_its_rounding(size: tuple[int, int], dtype: type, low: int, high: int) -> None:
    random = np.random.default_rng(7)
    for shape in ((30, 32), (30, 32, 3)):
        pixels = random.integers(low, high, shape).astype(dtype)
        error = np.abs(area_averaged(pixels, size) - _integral(pixels, size))
        assert error.max() <= 0.5 + 0.02


def test_floats_are_averaged_as_floats() -> None:
    pixels = np.random.default_rng(7).normal(size=(30, 32))
    np.testing.assert_allclose(area_averaged(pixels, (13, 7)), _integral(pixels, (13, 7)), rtol=1e-12)


def test_what_is_no_number_stays_where_it_is() -> None:
    """A pixel without a value takes from the display pixels that cover it, and from no other."""
    pixels = np.arange(16, dtype=np.float32).reshape(1, 16)
    pixels[0, 4], pixels[0, 9] = np.nan, np.inf
    small = area_averaged(pixels, (8, 1))
    np.testing.assert_array_equal(small, [[0.5, 2.5, np.nan, 6.5, np.inf, 10.5, 12.5, 14.5]])


def test_large_pictures_are_averaged_the_same_everywhere() -> None:
    """The sums are done piece by piece: no seam may show. A ramp stays a ramp, a flat stays flat."""
    ramp = np.broadcast_to(np.arange(0, 4100, 2, dtype=np.uint16), (900, 2050))
    small = area_averaged(ramp, (819, 333))
    expected = np.rint((np.arange(819) + 0.5) * 2050 / 819 * 2 - 1)
    assert np.abs(small.astype(int) - expected).max() <= 1
    assert (small == small[0]).all()
    assert (area_averaged(np.full((2560, 2048), 40_001, np.uint16), (819, 1024)) == 40_001).all()


def test_colour_is_averaged_channel_by_channel() -> None:
    pixels = np.array([[[0, 10, 20], [100, 30, 40]]], np.uint8)
    assert area_averaged(pixels, (1, 1)).tolist() == [[[50, 20, 30]]]


def test_nothing_is_made_larger_by_averaging() -> None:
    pixels = np.zeros((4, 4), np.uint16)
    assert area_averaged(pixels, (9, 9)) is pixels


def test_sixteen_bits_survive_both_directions() -> None:
    pixels = np.full((4, 4), 40_000, np.uint16)
    assert (area_averaged(pixels, (3, 3)) == 40_000).all()
    assert (enlarged(pixels, (9, 7)) == 40_000).all()
    assert enlarged(pixels, (9, 7)).shape == (7, 9)


@pytest.mark.parametrize(
    ("orientation", "edges"),
    [
        ([1, 0, 0, 0, 1, 0], {"left": "R", "right": "L", "top": "A", "bottom": "P"}),  # axial
        ([1, 0, 0, 0, 0, -1], {"left": "R", "right": "L", "top": "H", "bottom": "F"}),  # coronal
        ([0, 1, 0, 0, 0, -1], {"left": "A", "right": "P", "top": "H", "bottom": "F"}),  # sagittal
        ([0.8, 0.6, 0, 0, 0, -1], {"left": "RA", "right": "LP", "top": "H", "bottom": "F"}),
    ],
)
def test_letters_at_the_edges(orientation: list[float], edges: dict[str, str]) -> None:
    assert edge_letters(orientation) == edges


def test_letters_from_patient_orientation_and_none_when_unknown() -> None:
    assert edge_letters(None, ["A", "FR"]) == {"left": "P", "right": "A", "top": "HL", "bottom": "FR"}
    assert edge_letters(None) == {"left": "", "right": "", "top": "", "bottom": ""}
