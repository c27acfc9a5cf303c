"""The identifier of a query (PS3.4 C.4.1.1.3): level, keys, and what is to be returned.

Levels are those of an information model (C.6.1, C.6.2, C.6.3). Without relational queries every level
above that of the query names one entity by its unique key (C.4.1.2.2.1), and what belongs to levels below
is not supported. Further keys of the levels above are matched and returned all the same: peers ask so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from archive.dicom.attributes import BY_TAG, Attribute, Kept, Level, attributes_of
from archive.dicom.header import Header, Values
from archive.dicom.matching import (
    BadKey,
    Items,
    Key,
    Match,
    Open,
    Span,
    Texts,
    is_range,
    match_of,
    moments_of,
)
from archive.dicom.tags import tag

PATIENT_ROOT: Final = (Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE)
STUDY_ROOT: Final = (Level.STUDY, Level.SERIES, Level.INSTANCE)
PATIENT_STUDY_ONLY: Final = (Level.PATIENT, Level.STUDY)

_LEVEL: Final = tag("QueryRetrieveLevel")
_CHARSET: Final = tag("SpecificCharacterSet")
# They say how the others are to be read, and are no keys themselves (C.2.2.2, C.4.1.1.3.1).
_CONTEXT: Final = frozenset({_LEVEL, _CHARSET, tag("TimezoneOffsetFromUTC"), tag("QueryRetrieveView")})
_PAIRS: Final = (
    (tag("StudyDate"), tag("StudyTime")),
    (tag("SeriesDate"), tag("SeriesTime")),
    (tag("ContentDate"), tag("ContentTime")),
    (tag("AcquisitionDate"), tag("AcquisitionTime")),
)
_UNIQUE: Final = {level: attributes_of(level)[0] for level in Level}
_DEPTH: Final = tuple(Level)


@dataclass(frozen=True, slots=True)
class Mode:
    """What was negotiated (PS3.4 C.5.1.1), or is set for the node."""

    relational: bool = False
    combined: bool = False  # date and time as one range
    fuzzy: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query as the index can answer it.

    ``keys`` have a value to match. ``wanted`` are all attributes to return, the keys among them;
    ``items_wanted`` which attributes of their items. ``unsupported`` are the tags that are answered empty.
    ``complete`` says that everything asked for is supported.
    """

    level: Level
    keys: tuple[Key, ...]
    wanted: tuple[Attribute, ...]
    items_wanted: dict[int, tuple[Attribute, ...]]
    unsupported: tuple[int, ...]
    complete: bool


class Mismatch(Exception):
    """An identifier that does not fit its information model. ``tag`` is the offending element."""

    def __init__(self, tag: int, comment: str) -> None:
        super().__init__(comment)
        self.tag = tag
        self.comment = comment


class Unclear(Mismatch):
    """An identifier that fits, with a value that means nothing."""


def query_read(header: Header, *, levels: Sequence[Level], mode: Mode) -> Query:
    """Read an identifier for the model with these levels. Raises ``Mismatch``, ``Unclear``; nothing else."""
    level = _level(header.values, levels)
    reading = _Reading(header.values, level, mode)
    for found in sorted({*header.values.elements, *header.sequences}):
        if found not in _CONTEXT and found >> 16 >= 0x0008 and found & 0xFFFF:
            reading.take(found)
    query = reading.query()
    if not mode.relational:
        _hierarchy(query, levels)
    return query


def _level(values: Values, levels: Sequence[Level]) -> Level:
    text = values.text(_LEVEL).strip().upper()
    named = next((level for level in levels if level.value == text), None)
    if named is None:
        allowed = ", ".join(level.value for level in levels)
        said = "is missing" if not text else "is not of this information model"
        raise Mismatch(_LEVEL, f"Query/Retrieve Level {said}: {allowed}")
    return named


class _Reading:
    """An identifier being read, key by key."""

    def __init__(self, values: Values, level: Level, mode: Mode) -> None:
        self.values, self.level, self.mode = values, level, mode
        self.keys: dict[int, Key] = {}
        self.wanted: list[Attribute] = []
        self.items_wanted: dict[int, tuple[Attribute, ...]] = {}
        self.unsupported: list[int] = []
        self.complete = True

    def take(self, found: int) -> None:
        attribute = BY_TAG.get(found)
        if attribute is None or not self._within(attribute):
            self.unsupported.append(found)
            self.complete = False
            return
        self.wanted.append(attribute)
        if attribute.kept is Kept.ITEMS:
            self._take_items(attribute)
            return
        text = _text(self.values, attribute)
        if attribute.kept is Kept.COUNTED:
            self.complete = self.complete and not text  # returned, but not matched
            return
        match = self._match(attribute, text)
        if match is not None:
            self.keys[found] = Key(attribute, match)

    def _within(self, attribute: Attribute) -> bool:
        """Whether an attribute can be asked for: of the query's level or above, or of any when relational.

        Names are compared one by one, which cannot be done with those of what lies below.
        """
        if _DEPTH.index(attribute.level) <= _DEPTH.index(self.level):
            return True
        return self.mode.relational and attribute.vr != "PN"

    def _match(self, attribute: Attribute, text: str) -> Match | None:
        try:
            match = match_of(attribute, text, fuzzy=self.mode.fuzzy)
        except BadKey as error:
            raise Unclear(attribute.tag, f"{attribute.keyword} {error.comment}") from None
        return None if isinstance(match, Open) else match

    def _take_items(self, attribute: Attribute) -> None:
        """Sequence matching (C.2.2.2.6): the one item holds keys; without any the whole item is wanted."""
        items = self.values.items(attribute.tag)
        known = {inner.tag: inner for inner in attribute.items}
        keys: list[Key] = []
        wanted: list[Attribute] = []
        for found in sorted(items[0].elements) if items else ():
            inner = known.get(found)
            if inner is None:
                self.complete = self.complete and (not found & 0xFFFF or found in _CONTEXT)
                continue
            wanted.append(inner)
            match = self._match(inner, _text(items[0], inner))
            if match is not None:
                keys.append(Key(inner, match))
        self.items_wanted[attribute.tag] = tuple(wanted or attribute.items)
        if keys:
            self.keys[attribute.tag] = Key(attribute, Items(tuple(keys)))

    def query(self) -> Query:
        if self.mode.combined:
            self._combine()
        return Query(
            self.level,
            tuple(self.keys.values()),
            tuple(self.wanted),
            self.items_wanted,
            tuple(self.unsupported),
            self.complete,
        )

    def _combine(self) -> None:
        """Two ranges of a date and its time become one (C.2.2.2.5, when it was negotiated)."""
        for date_tag, time_tag in _PAIRS:
            date, time = self.keys.get(date_tag), self.keys.get(time_tag)
            if date is None or time is None:
                continue
            if not isinstance(date.match, Span) or not isinstance(time.match, Span):
                continue
            if is_range(self.values.text(date_tag)) and is_range(self.values.text(time_tag)):
                moments = moments_of(date.match, time.attribute, time.match)
                self.keys[date_tag] = Key(date.attribute, moments)
                del self.keys[time_tag]


def _text(values: Values, attribute: Attribute) -> str:
    """The value of a key as text; numbers are binary in some representations, whatever the encoding says."""
    if attribute.vr == "US" and (numbers := values.integers(attribute.tag)):
        return "\\".join(map(str, numbers))
    return values.text(attribute.tag)


def _hierarchy(query: Query, levels: Sequence[Level]) -> None:
    """Each level above has its unique key, with one value (C.4.1.2.2.1)."""
    by_tag = {key.attribute.tag: key for key in query.keys}
    for level in levels:
        if level is query.level:
            return
        unique = _UNIQUE[level]
        key = by_tag.get(unique.tag)
        if key is None:
            raise Mismatch(unique.tag, f"{unique.keyword} is missing: queries here are hierarchical")
        exact = key.match.exact if isinstance(key.match, Texts) else None
        if exact is None or len(exact) != 1:
            raise Mismatch(unique.tag, f"{unique.keyword} needs a single value above the level")
