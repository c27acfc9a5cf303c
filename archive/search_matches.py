"""A page of the studies that have certain words, found by SQLite's index of words.

The index (``archive.models.word_index``) tells the studies that have all the words, and how many, without
reading any. What is left is the order. Of few all are sorted. Of many, the list is read in the order asked
for until the page is full:

- *Peek*: the first rows are read and tested, where they should be enough. Of a common name the newest fifty
  are among the newest few hundred studies.
- *Walk*: no rows are read; each entry of the index of the order is looked up in the set of those that match.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import Any, Final
from unicodedata import category

from django.db import connection
from django.db.models import F, Lookup, Q, QuerySet

from archive.counting import studies_total
from archive.models import Study
from archive.models.word_index import TABLE
from archive.query import (
    StudyCriteria,
    Unindexed,
    Word,
    date_filter,
    sort_order,
    studies_listed,
    study_filter,
    study_range,
    study_range_exact,
)
from archive.search_words import BOUND, Found, page_ids, rounded

FEW: Final = 2_000  # so many are read and sorted
RARE: Final = 600  # matches inside the range of the columns; of more, walking meets enough soon
MANY: Final = 60_000  # matches are counted so far; no less than BOUND
PEEKED: Final = 8_000  # rows that are read, at the most, to fill a page
STRIDE: Final = 1_000
# What it costs to read and test a row, to put a match into a set, to look an entry of an index up in it.
_READ: Final = 4.0
_PUT: Final = 0.18
_LOOK: Final = 0.3
_SPARED: Final = 5_000.0  # so much a peek may cost more: it leaves the set unmade


class Holds(Lookup[Any]):
    """An id is that of a listed study whose words match (FTS5's language)."""

    lookup_name = "holds"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        column, params = self.process_lhs(compiler, connection)
        inside = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s"  # noqa: S608
        return f"({column} IN ({inside}))", (*params, self.rhs)


def matches_search(*, criteria: StudyCriteria, words: Sequence[Word], sort: str, page: slice) -> Found:
    """Return a page of ``study_query(criteria, sort)``; ``words`` are those of the criteria, one at least."""
    match = match_of(words)
    count = match_count(match, MANY) if match else 0
    if not match or not count:
        return Found((), 0)
    search = _Search(criteria=criteria, words=words, match=match, count=count, sort=sort, page=page)
    return search.found()


def match_of(words: Sequence[Word]) -> str:
    """Return words in FTS5's language; nothing when none can match, for no term has control characters."""
    if any(category(character) == "Cc" for word in words for character in word.text):
        return ""
    return " AND ".join(f'{_columns(word)}"{word.text.replace(chr(34), chr(34) * 2)}"*' for word in words)


def _columns(word: Word) -> str:
    if word.of_patient and word.of_study:
        return ""
    return "patient : " if word.of_patient else "study : "


def match_count(match: str, limit: int = -1) -> int:
    """Count the listed studies whose words match, to a limit (-1: to the end)."""
    with connection.cursor() as cursor:
        inside = f"SELECT 1 FROM {TABLE} WHERE {TABLE} MATCH %s LIMIT %s"  # noqa: S608
        cursor.execute(f"SELECT count(*) FROM ({inside})", [match, limit])  # noqa: S608
        return int(cursor.fetchone()[0])


class _Search:
    """One search under way."""

    def __init__(
        self,
        *,
        criteria: StudyCriteria,
        words: Sequence[Word],
        match: str,
        count: int,
        sort: str,
        page: slice,
    ) -> None:
        self.criteria, self.match, self.count, self.page = criteria, match, count, page
        self.sort, self.order = sort, sort_order(sort)
        self.columns = study_filter(criteria)
        self.narrowed = bool(self.columns)
        self.selected = studies_listed().filter(self.columns)
        self.has_words: Q = reduce(and_, map(_has, words))
        self.walked = Q(Holds(Unindexed(F("pk")), match))

    def found(self) -> Found:
        """Go the way that reads little."""
        if self.count <= FEW:
            return self._sorted(self.selected.filter(Holds(F("pk"), self.match)))
        if self.narrowed:
            span = page_ids(study_range(self.criteria)[: FEW + 1])
            if len(span) <= FEW:
                return self._sorted(self.selected.filter(self.has_words, pk__in=span))
        hits = self._peek()
        if len(hits) >= self.page.stop:
            return self._counted(hits[self.page], rounded(len(hits)))
        least = 0
        if self.narrowed:
            both = page_ids(study_range(self.criteria).filter(self.walked)[: RARE + 1])
            if len(both) <= RARE:
                return self._sorted(self.selected.filter(pk__in=both))
            least = RARE if study_range_exact(self.criteria) else 0
        walk = self.selected.filter(self.walked).order_by(*self.order)
        return self._counted(page_ids(walk[self.page]), least)

    def _sorted(self, few: QuerySet[Study]) -> Found:
        ids = page_ids(few.order_by(*self.order))
        return Found(ids[self.page], len(ids))

    def _peek(self) -> tuple[int, ...]:
        """What the first rows of the list have, read in strides for as long as it promises a full page."""
        share = self.count / max(studies_total(), self.count)
        by_date = self.sort in {"date", "-date"}
        dates = date_filter(self.criteria) if by_date else Q()
        needed = self.page.stop / share * (1 if self.columns == dates else 3)
        if self.count < MANY and needed * _READ > self.count * _PUT + needed * _LOOK + _SPARED:
            return ()
        ordered = studies_listed().filter(dates).order_by(*self.order).values("pk")
        hits: tuple[int, ...] = ()
        for start in range(0, PEEKED, STRIDE):
            stride = self.selected.filter(self.has_words, pk__in=ordered[start : start + STRIDE])
            found = page_ids(stride.order_by(*self.order))
            hits = tuple(dict.fromkeys(hits + found))  # what arrives meanwhile moves a row into the next
            if self.page.stop * (start + STRIDE) > len(hits) * PEEKED or len(hits) >= self.page.stop:
                break
        return hits

    def _counted(self, ids: tuple[int, ...], least: int) -> Found:
        """A page with its total: exact, or the least there is."""
        shown = self.page.start + len(ids)
        if not ids:  # behind the last page
            if not self.narrowed:
                return Found((), match_count(self.match))
            return Found((), self.selected.filter(self.walked).order_by().count())
        if len(ids) < self.page.stop - self.page.start:
            return Found(ids, shown)  # the last page
        if not self.narrowed:
            if self.count <= BOUND:
                return Found(ids, self.count)
            return Found(ids, max(BOUND, shown), more=True)
        return Found(ids, max(least, shown), more=True)


def _has(word: Word) -> Q:
    """The condition that a study has a word, tested in its row."""
    sides = [Q(patient_words__has_word=word.text)] if word.of_patient else []
    sides += [Q(study_words__has_word=word.text)] if word.of_study else []
    return reduce(or_, sides)
