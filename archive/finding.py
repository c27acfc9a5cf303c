"""What a query finds (PS3.4 C.4.1.3): one answer for each entity of its level, in pages, newest first.

No page is large and none waits for the others, so the first answers leave at once and the memory needed
does not grow with what is found. Between two pages nothing is open in the database: a peer that reads
slowly holds nothing up. Rejected studies and instances are not there.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from archive.dicom.attributes import Attribute, Kept, Level
from archive.dicom.identifier import Query
from archive.dicom.matching import Texts, names_in
from archive.dicom.names import PersonName
from archive.leading import keys_of, patients_asked, studies_asked
from archive.matchers import key_condition
from archive.models import SeriesRequest
from archive.query import instances_listed, patients_listed, series_listed, studies_listed

Answer = dict[int, "str | list[Answer]"]
"""Values by tag, several joined by backslashes; the items of a sequence."""

_FIRST: Final = 50  # rows read at once, at the beginning, so that somebody who waits sees something
_ROWS: Final = 400  # and later
_IDS: Final = 100_000  # ids kept in memory at once
_STUDIES: Final = {Level.SERIES: 100, Level.INSTANCE: 20}  # whose series and instances are listed at once

# The way from a row of one level up to the others.
_WAYS: Final[Mapping[Level, Mapping[Level, str]]] = {
    Level.PATIENT: {Level.PATIENT: ""},
    Level.STUDY: {Level.PATIENT: "patient__", Level.STUDY: ""},
    Level.SERIES: {Level.PATIENT: "study__patient__", Level.STUDY: "study__", Level.SERIES: ""},
    Level.INSTANCE: {
        Level.PATIENT: "series__study__patient__",
        Level.STUDY: "series__study__",
        Level.SERIES: "series__",
        Level.INSTANCE: "",
    },
}
_NAME: Final = ("name_alphabetic", "name_ideographic", "name_phonetic")


def entities_find(*, query: Query, said: Mapping[str, str]) -> Iterator[list[Answer]]:
    """Find what a query asks for; pages may be empty while nothing is found.

    ``said`` is what the archive says of itself: ``ae_title`` and ``availability``. Raises
    ``DatabaseError`` while it runs.
    """
    for key in query.keys:
        if key.attribute.kept is Kept.SAID:
            assert isinstance(key.match, Texts)
            if not key.match.meets(said[key.attribute.field]):
                return
    finding = _Finding(query, said)
    for ids in finding.pages():
        yield finding.answers(ids)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as it was read: values by path."""

    values: Mapping[str, Any]
    way: Mapping[Level, str]

    def of(self, level: Level, field: str) -> Any:
        return self.values[self.way[level] + field]


class _Finding:
    """A query under way."""

    def __init__(self, query: Query, said: Mapping[str, str]) -> None:
        self.query, self.said = query, said
        self.way = _WAYS[query.level]
        self.names = [
            (attribute, match) for attribute, match in names_in(query.keys) if attribute.level in self.way
        ]
        self.wanted = [attribute for attribute in query.wanted if attribute.level in self.way]
        self.below = [attribute for attribute in query.wanted if attribute.level not in self.way]
        self.paths = tuple(dict.fromkeys(self._paths()))

    def _paths(self) -> Iterator[str]:
        yield from (way + "pk" for way in self.way.values())
        for attribute in self.wanted:
            if attribute.kept is Kept.COLUMN:
                yield self.way[attribute.level] + attribute.field
            elif attribute.kept is Kept.FACT:
                yield self.way[attribute.level] + "facts"
        for attribute, _ in self.names:
            fields = _NAME if attribute.keyword == "PatientName" else (attribute.field,)
            yield from (self.way[attribute.level] + field for field in fields)

    # ------------------------------------------------------------------ which rows

    def pages(self) -> Iterator[Sequence[int]]:
        """The ids of the rows of the level, a page at a time."""
        level = self.query.level
        if level is Level.PATIENT:
            yield from _pages(_ids(patients_asked(self.query)))
        elif level is Level.STUDY:
            yield from _pages(_ids(studies_asked(self.query)))
        else:
            for studies in _chunks(_ids(studies_asked(self.query)), _STUDIES[level], _STUDIES[level]):
                yield from _pages(iter(self._inside(studies)))

    def _inside(self, studies: Sequence[int]) -> Sequence[int]:
        """The ids of the series or instances of some studies."""
        if self.query.level is Level.SERIES:
            found: QuerySet[Any] = series_listed().filter(study_id__in=studies)
            order: tuple[str, ...] = ("study_id", "series_number", "pk")
        else:
            found = instances_listed().filter(series__study_id__in=studies)
            order = ("series__study_id", "series_id", "instance_number", "pk")
        inside = instances_listed().filter(series=OuterRef("pk"))  # below the series, when relational
        for key in keys_of(self.query, Level.SERIES, Level.INSTANCE):
            if key.attribute.level in self.way:
                found = found.filter(key_condition(key, self.way[key.attribute.level]))
            else:
                inside = inside.filter(key_condition(key))
                found = found.filter(Exists(inside))
        return array("q", found.order_by(*order).values_list("pk", flat=True))

    # ------------------------------------------------------------------ what they say

    def answers(self, ids: Sequence[int]) -> list[Answer]:
        """The answers of a page of rows, in order; a row that has gone meanwhile is left out."""
        rows = self._listed().filter(pk__in=ids).values_list(*self.paths)
        by_id = {
            row[self.paths.index("pk")]: _Row(dict(zip(self.paths, row, strict=True)), self.way)
            for row in rows
        }
        found = [by_id[pk] for pk in ids if pk in by_id]
        found = [row for row in found if self._names_meet(row)]
        if not found:
            return []
        readers = [(attribute.tag, self._reader(attribute, found)) for attribute in self.wanted]
        empty: Answer = dict.fromkeys((attribute.tag for attribute in self.below), "")
        return [empty | {tag: read(row) for tag, read in readers} for row in found]

    def _listed(self) -> QuerySet[Any]:
        listed: Mapping[Level, Callable[[], QuerySet[Any]]] = {
            Level.PATIENT: patients_listed,
            Level.STUDY: studies_listed,
            Level.SERIES: series_listed,
            Level.INSTANCE: instances_listed,
        }
        return listed[self.query.level]()

    def _names_meet(self, row: _Row) -> bool:
        """Names are compared here, exactly: what the database has let pass is a little too much."""
        for attribute, match in self.names:
            if attribute.keyword == "PatientName":
                name = PersonName(*(row.of(attribute.level, field) for field in _NAME))
            else:
                name = PersonName.parse(row.of(attribute.level, attribute.field))
            if not match.meets(name):
                return False
        return True

    def _reader(self, attribute: Attribute, rows: Sequence[_Row]) -> Callable[[_Row], str | list[Answer]]:
        """A function from row to value, with whatever has to be counted for all rows counted."""
        level, field = attribute.level, attribute.field
        if attribute.kept is Kept.SAID:
            value = self.said[field]
            return lambda row: value
        if attribute.kept is Kept.FACT:
            return lambda row: _text(row.of(level, "facts").get(field))
        if attribute.kept is Kept.COLUMN:
            path = self.way[level] + field
            none = (0, None) if attribute.keyword == "NumberOfFrames" else (None,)  # 0: no pixel data
            return lambda row: "" if row.values[path] in none else str(row.values[path])
        pks = {row.of(level, "pk") for row in rows}
        found: Mapping[int, str | list[Answer]]
        if attribute.kept is Kept.COUNTED:
            found = _counted(field, pks)
        elif attribute.kept is Kept.GATHERED:
            found = _classes(pks)
        else:
            found = _requests(pks, self.query.items_wanted[attribute.tag])
        nothing: str | list[Answer] = [] if attribute.kept is Kept.ITEMS else ""
        return lambda row: found.get(row.of(level, "pk"), nothing)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\\".join(map(str, value))
    return "" if value is None else str(value)


# ---------------------------------------------------------------------- ids in pages


def _ids(found: QuerySet[Any]) -> Iterator[int]:
    """The ids of what is found, the newest first.

    All at once when they are few enough, in whatever order they are found: an order and a limit would
    tempt a database to walk through everything for a few. More than that are walked through in order.
    """
    ids = array("q", found.order_by().values_list("pk", flat=True)[: _IDS + 1])
    if len(ids) <= _IDS:
        yield from sorted(ids, reverse=True)
        return
    del ids
    ordered = found.order_by("-pk").values_list("pk", flat=True)
    page = array("q", ordered[:_IDS])
    while page:
        yield from page
        page = array("q", ordered.filter(pk__lt=page[-1])[:_IDS])


def _pages(ids: Iterator[int]) -> Iterator[Sequence[int]]:
    return _chunks(ids, _FIRST, _ROWS)


def _chunks(ids: Iterator[int], first: int, size: int) -> Iterator[Sequence[int]]:
    page = list(islice(ids, first))
    while page:
        yield page
        page = list(islice(ids, size))


# ---------------------------------------------------------------------- counted and gathered


def _counted(what: str, patients: set[int]) -> dict[int, str | list[Answer]]:
    """How many studies, series or instances are there of each patient."""
    counts = {
        "studies": Count("pk"),
        "series": Sum("number_of_series"),
        "instances": Sum("number_of_instances"),
    }
    rows = studies_listed().filter(patient_id__in=patients).order_by().values("patient_id")
    return {pk: str(n) for pk, n in rows.annotate(n=counts[what]).values_list("patient_id", "n")}


def _classes(studies: set[int]) -> dict[int, str | list[Answer]]:
    """The SOP classes in each study, sorted."""
    rows = instances_listed().filter(series__study_id__in=studies).order_by()
    found: dict[int, set[str]] = {}
    for study, uid in rows.values_list("series__study_id", "sop_class_uid").distinct():
        found.setdefault(study, set()).add(uid)
    return {study: "\\".join(sorted(uids)) for study, uids in found.items()}


def _requests(series: set[int], wanted: Sequence[Attribute]) -> dict[int, str | list[Answer]]:
    """The items of Request Attributes Sequence of each series."""
    found: dict[int, list[Answer]] = {}
    for request in SeriesRequest.objects.filter(series_id__in=series).order_by("pk"):
        item: Answer = {attribute.tag: getattr(request, attribute.field) for attribute in wanted}
        found.setdefault(request.series_id, []).append(item)
    return dict(found)
