"""Names, dates and ages as people read them. Knows no request and no page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString

from archive.dicom.names import fold

_HAN: Final = re.compile(r"[㐀-䶿一-鿿豈-﫿぀-ヿ가-힯\U00020000-\U0003134f]")
_WORD: Final = re.compile(r"[^\W_]+")


class Name:
    """One group of a person name, PS3.5 6.2.1: family^given^middle^prefix^suffix."""

    @staticmethod
    def is_han(text: str) -> bool:
        """True when the text holds hanzi, kana or hangul: scripts written without spaces or commas."""
        return bool(_HAN.search(text))

    @staticmethod
    def show(group: str, *, comma: bool) -> str:
        """Return a group as it is read; ``comma`` parts family from given name, as Western lists do."""
        family, _, rest = group.partition("^")
        others = [part.strip() for part in rest.split("^") if part.strip()]
        family = family.strip()
        if Name.is_han(group):
            given = "".join(others[:1])
            return "".join([family, given]) + "".join(f" {part}" for part in others[1:])
        if not others or not family:
            return " ".join(filter(None, [family, *others]))
        return (", " if comma else " ").join([family, " ".join(others)])


def name_forms(patient: Any) -> list[str]:
    """Return the forms of a patient's name: own script, Latin, phonetic; equal and empty ones once."""
    ideographic, alphabetic = patient.name_ideographic, patient.name_alphabetic
    phonetic = " ".join(part for part in patient.name_phonetic.split("^") if part.strip())
    forms = [
        Name.show(ideographic, comma=False),
        Name.show(alphabetic, comma=not ideographic),
        phonetic,
    ]
    return list(dict.fromkeys(form for form in forms if form.strip()))


def marked(text: str, words: str) -> SafeString:
    """Return a text, escaped, with what the words of a search matched in ``<mark>``."""
    if not words.strip():
        return escape(text)
    spans = sorted(_spans(text, words))
    pieces: list[tuple[str, str]] = []
    at = 0
    for start, stop in spans:
        if stop <= at:
            continue
        first = max(start, at)
        pieces.append((text[at:first], text[first:stop]))
        at = stop
    html = SafeString("")
    for before, inside in pieces:
        html += escape(before) + format_html_join("", "<mark>{}</mark>", [(inside,)])
    return html + escape(text[at:])


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """One character as a search sees it; a page shows the same few again and again."""
    return fold(character) or " "


@lru_cache(maxsize=64)
def _sought(words: str) -> frozenset[str]:
    return frozenset(fold(word) for word in words.split()) - {""}


def _spans(text: str, words: str) -> Iterator[tuple[int, int]]:
    """Where the words of a search are found: a part of the text that begins a word, else its initials."""
    letters = [(char, index) for index, source in enumerate(text) for char in _folded(source)]
    folded = "".join(char for char, _ in letters)
    starts = [found.start() for found in _WORD.finditer(folded)]
    for word in _sought(words):
        han = Name.is_han(word)
        at = folded.find(word) if han else next((s for s in starts if folded.startswith(word, s)), -1)
        if at >= 0:
            yield letters[at][1], letters[at + len(word) - 1][1] + 1
        elif word.isalpha() and not han:
            yield from _initials(folded, letters, starts, word)


def _initials(
    folded: str, letters: list[tuple[str, int]], starts: list[int], word: str
) -> Iterator[tuple[int, int]]:
    """Find "wxm" in "wang xiaoming": from the start of a word, each next letter at its next place."""
    for start in starts:
        places: list[int] = []
        at = start - 1
        for letter in word:
            at = folded.find(letter, at + 1)
            if at < 0 or (not places and at != start):
                break
            places.append(at)
        if len(places) == len(word):
            yield from ((letters[place][1], letters[place][1] + 1) for place in places)
            return


def dicom_date(value: str) -> date | None:
    """Read a DICOM DA (PS3.5 6.2), also the old form with points; None for what is no date."""
    digits = value.replace(".", "").replace("-", "")
    if not re.fullmatch(r"\d{8}", digits):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def dicom_minute(value: str) -> str:
    """Read hours and minutes of a DICOM TM (PS3.5 6.2): "024700.5" is 02:47."""
    digits = value.replace(":", "")
    if not re.match(r"([01]\d|2[0-3])[0-5]\d", digits):
        return ""
    return f"{digits[:2]}:{digits[2:4]}"


@dataclass(frozen=True, slots=True)
class Age:
    """A length of life in whole years, in whole months and in days."""

    years: int
    months: int
    days: int


def age_between(born: date | None, then: date | None) -> Age | None:
    """Return the age at a date; None when either is unknown or the order is impossible."""
    if born is None or then is None or then < born:
        return None
    months = (then.year - born.year) * 12 + then.month - born.month - (then.day < born.day)
    return Age(months // 12, months, (then - born).days)
