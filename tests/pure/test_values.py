"""Values fit their columns, and what is no value is recognised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.dicom import values


def test_a_text_within_the_limit_is_only_trimmed() -> None:
    assert values.clip("  Thorax p.a. \0") == "Thorax p.a."
    assert values.clip("x" * 255) == "x" * 255


def test_nul_goes_and_other_controls_become_blanks() -> None:
    assert values.clip("AB\0CD") == "ABCD"
    assert values.clip("one\r\ntwo\x07three") == "one two three"


def test_a_longer_text_keeps_its_beginning_and_a_digest_of_the_whole() -> None:
    clipped = values.clip("y" * 256)
    assert len(clipped) == 245
    assert clipped[:181] == "y" * 180 + "…"
    assert clipped[181:] == "80fa903654ca03d13435e8efd5437f158eb7eb7384e6f7128181a95898466429"


@given(st.text(), st.integers(10, 1024))
def test_clipping_fits_is_stable_and_has_no_controls(text: str, limit: int) -> None:
    clipped = values.clip(text, limit)
    assert len(clipped) <= limit
    assert values.clip(clipped, limit) == clipped
    assert not any(ord(ch) < 0x20 for ch in clipped)
    clipped.encode()  # no lone surrogate


def test_distinct_long_texts_stay_distinct() -> None:
    long = "z" * 400
    assert len({values.clip(long + end, limit) for end in "abc" for limit in (16,)}) == 3
    assert values.clip(long + "a") != values.clip(long + "b")


@pytest.mark.parametrize(
    ("sent", "date"),
    [
        ("20261123", "20261123"),
        ("2004.01.19", "20040119"),
        ("2004-01-19", "20040119"),
        ("20261123 ", "20261123"),
        ("20260229", ""),
        ("20261301", ""),
        ("yesterday", ""),
        ("２０２６１１２３", ""),
        ("", ""),
    ],
)
def test_dates(sent: str, date: str) -> None:
    assert values.date(sent) == date


@pytest.mark.parametrize(
    ("sent", "date"),
    [
        ("19700101", "19700101"),
        ("1970", "1970"),
        ("19700000", "19700000"),
        ("197006", "197006"),
        ("0", ""),
        ("unknown", ""),
    ],
)
def test_birth_dates_may_be_partial(sent: str, date: str) -> None:
    assert values.birth_date(sent) == date


@pytest.mark.parametrize(
    ("sent", "time"),
    [
        ("024700", "024700"),
        ("0247", "0247"),
        ("02", "02"),
        ("024700.123456", "024700.123456"),
        ("02:47:00", "024700"),
        ("235960", "235960"),
        ("250000", ""),
        ("noon", ""),
    ],
)
def test_times(sent: str, time: str) -> None:
    assert values.time(sent) == time


@pytest.mark.parametrize(
    ("sent", "uid"),
    [
        ("1.2.840.10008.1.2\0", "1.2.840.10008.1.2"),
        (".1.2.3", ".1.2.3"),
        ("1.2.abc", "1.2.abc"),
        ("1" * 64, "1" * 64),
        ("1" * 65, ""),
        ("1.2 .3", ""),
        ("1.2\\1.3", ""),
        ("", ""),
    ],
)
def test_uids(sent: str, uid: str) -> None:
    assert values.uid(sent) == uid


def test_a_derived_uid_is_always_the_same_and_fits() -> None:
    derived = values.derived_uid("study", "1.2.3")
    assert derived == "2.25.276537384910323206739457126319999243514"
    assert derived != values.derived_uid("series", "1.2.3")
    assert len(derived) <= 64


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("1", 1),
        (" +7 ", 7),
        ("-3", -3),
        ("2.0", 2),
        ("2.5", None),
        ("1e3", 1000),
        ("one", None),
        ("", None),
        ("9" * 30, None),
    ],
)
def test_integers(sent: str, number: int | None) -> None:
    assert values.integer(sent) == number


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("1.5", 1.5),
        ("-.5 ", -0.5),
        ("1e-3", 0.001),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("1,5", None),
    ],
)
def test_decimals_are_finite(sent: str, number: float | None) -> None:
    assert values.decimal(sent) == number


def test_numbers_that_are_not_finite_are_none_at_all() -> None:
    assert values.finite([1, 2.5]) == [1.0, 2.5]
    assert values.finite([1, float("nan")]) == []
