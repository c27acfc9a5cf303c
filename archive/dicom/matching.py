"""Attribute matching (PS3.4 C.2.2.2): the value of a key, read as what a stored value has to be.

What is compared how: names as ``archive.dicom.name_keys`` says; code strings in upper case; numbers as
numbers, so that ``01`` finds 1; dates and times as spans; everything else character by character. A key
of several values is met by any of them where the value representation allows a list: UIDs (C.2.2.2.2),
and code strings, because modalities are asked for so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from archive.dicom import values
from archive.dicom.attributes import Attribute
from archive.dicom.name_keys import NameKey, name_key
from archive.dicom.wildcards import Pattern, exactly, pattern_of

MOST_CHARACTERS: Final = 1024  # of a single value; no stored one is longer

_WILD: Final = frozenset({"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"})  # C.2.2.2.4
_NUMBERS: Final = frozenset({"IS", "US", "UL", "SS", "SL"})
_RANGE: Final = re.compile(r"\s*([^-]*?)\s*-\s*([^-]*?)\s*")
_DASHED_DATE: Final = re.compile(r"\s*\d{4}-\d{2}-\d{2}\s*")
_DATE: Final = re.compile(r"\d{8}|\d{4}\.\d{2}\.\d{2}|\d{4}-\d{2}-\d{2}")
_PAST_DIGITS: Final = ":"  # the character behind 9: what begins with a time comes before the time and this


class BadKey(Exception):
    """A key whose value is none. ``tag`` is the attribute's."""

    def __init__(self, attribute: Attribute, comment: str) -> None:
        super().__init__(comment)
        self.attribute = attribute
        self.comment = comment


@dataclass(frozen=True, slots=True)
class Texts:
    """One of these, each exact or with wildcards."""

    patterns: tuple[Pattern, ...]

    @property
    def exact(self) -> tuple[str, ...] | None:
        """The texts, when none has a wildcard."""
        if all(pattern.is_exact for pattern in self.patterns):
            return tuple(pattern.prefix for pattern in self.patterns)
        return None

    def meets(self, text: str) -> bool:
        return any(pattern.meets(text) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Numbers:
    """One of these whole numbers."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """From ``first`` on and before ``behind``, character by character; an empty end is open.

    ``days`` are the first and the last day that can be, YYYYMMDD or empty, of a date.
    """

    first: str = ""
    behind: str = ""
    days: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Moments:
    """Dates and times as one (C.2.2.2.5): the span of date and time written behind each other."""

    time: Attribute
    span: Span


@dataclass(frozen=True, slots=True)
class Items:
    """At least one item of the sequence meets all of these (C.2.2.2.6)."""

    keys: tuple[Key, ...]


Match = Texts | Numbers | Span | Moments | NameKey | Items


@dataclass(frozen=True, slots=True)
class Key:
    """A key attribute and what its value has to be."""

    attribute: Attribute
    match: Match


class Open(Enum):
    """What a value that asks for everything is read as (C.2.2.2.3)."""

    UNIVERSAL = 0


def match_of(attribute: Attribute, text: str, *, fuzzy: bool = False) -> Match | Open:
    """What ``text``, the decoded value of a key, asks for. Raises ``BadKey``.

    ``fuzzy`` lets names in hanzi be found by pinyin and initials.
    """
    text = text.strip(" \0")
    if len(text) > MOST_CHARACTERS and attribute.vr != "UI":
        raise BadKey(attribute, "is too long")
    if not text or set(text) == {"*"}:
        return Open.UNIVERSAL
    if attribute.vr == "PN":
        return name_key(text, fuzzy=fuzzy) or Open.UNIVERSAL
    if attribute.vr == "DA":
        return date_span(attribute, text)
    if attribute.vr == "TM":
        return time_span(attribute, text)
    if attribute.vr in _NUMBERS:
        return _numbers(attribute, text)
    return _texts(attribute, text)


def _texts(attribute: Attribute, text: str) -> Texts | Open:
    if attribute.vr == "UI":
        uids = (value.strip(" \0\t\r\n") for value in text.split("\\"))
        return Texts(tuple(exactly(uid) for uid in dict.fromkeys(uids) if uid)) if text.strip("\\") else _ALL
    if attribute.vr == "CS":
        codes = [values.clip(code, MOST_CHARACTERS).upper() for code in text.split("\\")]
        codes = [code for code in dict.fromkeys(codes) if code]
        if not codes or any(set(code) == {"*"} for code in codes):
            return _ALL
        return Texts(tuple(pattern_of(code) for code in codes))
    text = values.clip(text, MOST_CHARACTERS)
    if not text:
        return _ALL
    return Texts((pattern_of(text) if attribute.vr in _WILD else exactly(text),))


_ALL: Final = Open.UNIVERSAL


def _numbers(attribute: Attribute, text: str) -> Numbers:
    found = [values.integer(value) for value in text.split("\\") if value.strip()]
    numbers = [number for number in found if number is not None]
    if not numbers or len(numbers) < len(found):
        raise BadKey(attribute, "is no whole number")
    # What no column can hold matches nothing, and must not reach a database as a number.
    return Numbers(tuple(number for number in dict.fromkeys(numbers) if abs(number) < 2**31))


def _ends(text: str) -> tuple[str, str] | None:
    """Both ends of a range, either may be empty; None when it is no range (C.2.2.2.5)."""
    found = _RANGE.fullmatch(text)
    return (found[1], found[2]) if found else None


def date_span(attribute: Attribute, text: str) -> Span:
    """A date or a range of dates; also with the points or dashes of older days. Raises ``BadKey``."""
    ends = None if _DASHED_DATE.fullmatch(text) else _ends(text)
    first, last = ends if ends is not None else (text, text)
    days = (_day(first), _day(last))
    if ends == ("", "") or (first and not days[0]) or (last and not days[1]):
        raise BadKey(attribute, "is neither a date nor a range of dates")
    return Span(days[0], days[1] and days[1] + _PAST_DIGITS, days)


def _day(text: str) -> str:
    return values.date(text) if _DATE.fullmatch(text.strip()) else ""


def time_span(attribute: Attribute, text: str) -> Span:
    """A time or a range of times.

    A time that leaves out seconds or minutes stands for all of its minute or hour, as an end of a range
    and alone.
    """
    ends = _ends(text)
    first, last = ends if ends is not None else (text, text)
    times = (values.time(first), values.time(last))
    if ends == ("", "") or any(
        bool(end) and not time for end, time in zip((first, last), times, strict=True)
    ):
        raise BadKey(attribute, "is neither a time nor a range of times")
    return Span(times[0] and _least(times[0]), times[1] and times[1] + _PAST_DIGITS)


def _least(time: str) -> str:
    """The shortest way to write a time: no stored way of writing it sorts before this one."""
    whole, _, fraction = time.partition(".")
    if fraction := fraction.rstrip("0"):
        return f"{whole}.{fraction}"
    while len(whole) > 2 and whole.endswith("00"):
        whole = whole[:-2]
    return whole


def moments_of(date: Span, time_attribute: Attribute, time: Span) -> Moments:
    """A range of dates and a range of times as one range of moments (C.2.2.2.5)."""
    first_day, last_day = date.days
    first = first_day + time.first if first_day else ""
    behind = last_day + (time.behind or _PAST_DIGITS) if last_day else ""
    return Moments(time_attribute, Span(first, behind, date.days))


def is_range(text: str) -> bool:
    """Whether the value of a date or time key is a range."""
    return not _DASHED_DATE.fullmatch(text) and _ends(text) is not None


def names_in(keys: tuple[Key, ...]) -> Iterator[tuple[Attribute, NameKey]]:
    """The keys that ask for names."""
    for key in keys:
        if isinstance(key.match, NameKey):
            yield key.attribute, key.match
