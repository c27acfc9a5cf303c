"""Modality, VOI and presentation with the numbers of PS3.3 C.11, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from archive.imaging.greyscale import (
    Chosen,
    Greyscale,
    display_values,
    full_range_window,
    modality_values,
    voi_chosen,
    windowed,
)
from archive.imaging.lut import Lut, lut_parsed, segments_expanded
from archive.imaging.params import Undecodable, View, VoiFunction, Window

EXACT, SIGMOID = VoiFunction.LINEAR_EXACT, VoiFunction.SIGMOID


def shown(values: list[float], window: Window, *, inverse: bool = False, bits: int = 8) -> list[int]:
    return display_values(np.array(values, float), Chosen(window), inverse=inverse, bits=bits).tolist()


def lut(first: int, bits: int, *data: int) -> Lut:
    return Lut(first, bits, np.array(data, np.uint16))


def test_rescale_turns_stored_values_into_hounsfield_units() -> None:
    stored = np.array([0, 1024, 4095])
    assert modality_values(stored, Greyscale(slope=1, intercept=-1024)).tolist() == [-1024, 0, 3071]
    assert modality_values(stored, Greyscale(slope=0.5, intercept=1)).tolist() == [1, 513, 2048.5]


def test_a_modality_lut_takes_its_ends_for_what_lies_outside() -> None:
    greyscale = Greyscale(slope=7, modality_lut=lut(10, 16, 100, 200, 300))
    assert modality_values(np.array([-5, 10, 11, 12, 99]), greyscale).tolist() == [100, 100, 200, 300, 300]


def test_linear_as_in_the_note_of_the_standard() -> None:
    """C.11.2.1.2.1: center 2048, width 4096 over 0..255: 0 is 0, 4095 is 255, half is 127.5."""
    assert windowed(np.array([0.0, 2047.5, 4095.0]), Window(2048, 4096), 255).tolist() == [0, 127.5, 255]
    assert shown([-1, 0, 4095, 4096], Window(2048, 4096)) == [0, 0, 255, 255]


def test_linear_ends_half_a_step_inside_the_width() -> None:
    """C.11.2.1.2.1: center 0, width 100: black up to -50, white above 49."""
    assert shown([-50, -49, 48, 49, 50], Window(0, 100)) == [0, 3, 252, 255, 255]


def test_linear_of_width_one_is_a_threshold() -> None:
    """C.11.2.1.2.1: center 0.5, width 1: x <= 0 is black, x > 0 white."""
    assert shown([-1, 0, 0.001, 1], Window(0.5, 1)) == [0, 0, 255, 255]


def test_linear_exact_uses_the_whole_width() -> None:
    """C.11.2.1.3.2: center 2048, width 4096: 0 is 0, 4096 is 255, 2048 the middle."""
    assert windowed(np.array([0.0, 2048.0, 4096.0]), Window(2048, 4096, EXACT), 255).tolist() == [
        0,
        127.5,
        255,
    ]
    assert shown([-50, -25, 0, 25, 50], Window(0, 100, EXACT)) == [0, 64, 128, 191, 255]


def test_widths_below_one_are_for_fractional_values() -> None:
    """LINEAR is not defined below 1: a PET window of 0.5 is meant as LINEAR_EXACT says."""
    assert shown([0, 0.25, 0.5, 1], Window(0.25, 0.5)) == [0, 128, 255, 255]


def test_sigmoid() -> None:
    """C.11.2.1.3.1: half at the center; 255 / (1 + e) and 255 / (1 + 1/e) a quarter of the width aside."""
    assert shown([0, -25, 25, -1e9, 1e9], Window(0, 100, SIGMOID)) == [128, 69, 186, 0, 255]


def test_a_voi_lut_is_spread_from_its_own_bits() -> None:
    """Ten bits: 1023 is white. Below and above the table its ends hold."""
    chosen = Chosen(None, lut(100, 10, 0, 1023, 512))
    values = display_values(np.array([0.0, 100, 101, 102, 5000]), chosen, inverse=False, bits=8)
    assert values.tolist() == [0, 0, 255, 128, 128]


def test_inverse_turns_the_greys_around() -> None:
    assert shown([0, 1, 2], Window(1.5, 3), inverse=True) == [255, 127, 0]


def test_twelve_bits_for_film_from_the_same_function() -> None:
    values = display_values(
        np.array([0.0, 2047.5, 4095.0]), Chosen(Window(2048, 4096)), inverse=False, bits=12
    )
    assert values.dtype == np.uint16
    assert values.tolist() == [0, 2048, 4095]


def test_the_full_range_goes_from_black_to_white() -> None:
    assert shown([-1000, 500, 2000], full_range_window(-1000, 2000)) == [0, 128, 255]


WINDOWED = Greyscale(windows=(Window(40, 400), Window(300, 1500)), voi_luts=(lut(0, 8, 1), lut(0, 8, 2)))


@pytest.mark.parametrize(
    ("view", "greyscale", "expected"),
    [
        (View(window=Window(1, 2)), WINDOWED, Window(1, 2)),
        (View(), WINDOWED, Window(40, 400)),
        (View(auto=True), WINDOWED, Window(5.5, 11)),
        (View(), Greyscale(), Window(5.5, 11)),
        (View(voi_lut=9), Greyscale(), Window(5.5, 11)),
    ],
)
def test_which_window_holds(view: View, greyscale: Greyscale, expected: Window) -> None:
    assert voi_chosen(view, greyscale, (0, 10)).window == expected


def test_which_lut_holds() -> None:
    assert voi_chosen(View(voi_lut=1), WINDOWED, (0, 10)).lut is WINDOWED.voi_luts[1]
    only_luts = Greyscale(voi_luts=WINDOWED.voi_luts)
    assert voi_chosen(View(), only_luts, (0, 10)).lut is WINDOWED.voi_luts[0]


# Tables as they are written


def test_a_table_of_zero_entries_has_65536() -> None:
    table = lut_parsed((0, 0, 16), np.arange(65536, dtype="<u2").tobytes(), signed=False)
    assert len(table.data) == 65536
    assert table.top == 65535


def test_the_first_value_mapped_is_signed_when_the_pixels_are() -> None:
    data = b"\1\0\2\0"
    assert lut_parsed((2, 64536, 16), data, signed=True).first == -1000
    assert lut_parsed((2, 64536, 16), data, signed=False).first == 64536


def test_eight_bit_tables_come_two_or_one_to_a_word() -> None:
    assert lut_parsed((4, 0, 8), b"\1\2\3\4", signed=False).data.tolist() == [1, 2, 3, 4]
    assert lut_parsed((4, 0, 8), b"\1\0\2\0\3\0\4\0", signed=False).data.tolist() == [1, 2, 3, 4]
    assert lut_parsed((4, 0, 8), b"\2\1\4\3", signed=False, big_endian=True).data.tolist() == [1, 2, 3, 4]


def test_a_table_that_exceeds_its_bits_is_believed() -> None:
    assert lut_parsed((2, 0, 8), b"\xff\x0f\0\0", signed=False).top == 4095


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(Undecodable):
        lut_parsed((4, 0, 16), b"", signed=False)


def words(*values: int) -> bytes:
    return np.array(values, "<u2").tobytes()


def test_segments_discrete_linear_and_indirect() -> None:
    """C.7.9.2: two given values, four steps to 100, and the first segment again by its offset."""
    data = words(0, 2, 10, 20, 1, 4, 100, 2, 1, 0, 0)
    assert segments_expanded(data, wide=True).tolist() == [10, 20, 40, 60, 80, 100, 10, 20]


def test_segments_of_eight_bits() -> None:
    assert segments_expanded(bytes([0, 1, 0, 1, 5, 250]), wide=False).tolist() == [0, 50, 100, 150, 200, 250]


@pytest.mark.parametrize("data", [words(7, 1, 0), words(1, 4, 100), words(0, 1, 5, 2, 2, 3, 0)])
def test_segments_of_no_kind_without_a_start_or_referring_to_themselves_are_refused(data: bytes) -> None:
    with pytest.raises(Undecodable) as caught:
        segments_expanded(data, wide=True)
    assert caught.value.code == "lut"
