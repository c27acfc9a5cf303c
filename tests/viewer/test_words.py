"""Names, dates and ages as people read them."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest

from viewer.words import Age, age_between, dicom_date, dicom_minute, marked, name_forms


def named(alphabetic: str = "", ideographic: str = "", phonetic: str = "") -> SimpleNamespace:
    return SimpleNamespace(name_alphabetic=alphabetic, name_ideographic=ideographic, name_phonetic=phonetic)


@pytest.mark.parametrize(
    ("groups", "forms"),
    [
        (("Wang^Xiaoming", "王^小明"), ["王小明", "Wang Xiaoming"]),
        (("Yamada^Tarou", "山田^太郎", "やまだ^たろう"), ["山田太郎", "Yamada Tarou", "やまだ たろう"]),
        (("Müller^Jürgen",), ["Müller, Jürgen"]),
        (("张^伟",), ["张伟"]),
        (("Doe^Jane^Q^Dr",), ["Doe, Jane Q Dr"]),
        (("Doe",), ["Doe"]),
        (("^Jane",), ["Jane"]),
        (("",), []),
        (("王小明", "王^小明"), ["王小明"]),
    ],
)
def test_name_shows_own_script_first_then_latin_then_phonetic(
    groups: tuple[str, ...], forms: list[str]
) -> None:
    assert name_forms(named(*groups)) == forms


@pytest.mark.parametrize(
    ("text", "words", "html"),
    [
        ("Wang Xiaoming", "wang xm", "<mark>Wang</mark> <mark>X</mark>iao<mark>m</mark>ing"),
        ("Wang Xiaoming", "wxm", "<mark>W</mark>ang <mark>X</mark>iao<mark>m</mark>ing"),
        ("Müller, Jürgen", "MULL", "<mark>Müll</mark>er, Jürgen"),
        ("Groß", "gross", "<mark>Groß</mark>"),
        ("王小明", "小", "王<mark>小</mark>明"),
        ("<b>Wang</b>", "wang", "&lt;b&gt;<mark>Wang</mark>&lt;/b&gt;"),
        ("Wang", "li", "Wang"),
        ("Wang", "", "Wang"),
        ("00482913", "0048", "<mark>0048</mark>2913"),
    ],
)
def test_what_a_search_matched_is_marked(text: str, words: str, html: str) -> None:
    assert marked(text, words) == html


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("20261123", date(2026, 11, 23)),
        ("2026.11.23", date(2026, 11, 23)),
        ("20261399", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_dicom_date(value: str, day: date | None) -> None:
    assert dicom_date(value) == day


@pytest.mark.parametrize(
    ("value", "minute"), [("024700.5", "02:47"), ("0247", "02:47"), ("02", ""), ("9999", ""), ("", "")]
)
def test_dicom_time(value: str, minute: str) -> None:
    assert dicom_minute(value) == minute


@pytest.mark.parametrize(
    ("born", "then", "age"),
    [
        (date(1968, 3, 14), date(2026, 3, 13), Age(57, 695, 21183)),
        (date(1968, 3, 14), date(2026, 3, 14), Age(58, 696, 21184)),
        (date(2026, 1, 31), date(2026, 2, 28), Age(0, 0, 28)),
        (date(2026, 1, 1), date(2025, 1, 1), None),
        (None, date(2026, 1, 1), None),
    ],
)
def test_age_counts_birthdays(born: date | None, then: date, age: Age | None) -> None:
    assert age_between(born, then) == age
