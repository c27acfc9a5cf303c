"""One page of a search, in the time a person does not notice, however many studies there are.

``study_query`` says what a search means; a database left alone with it reads every study for some searches
and sorts half of them for others. Here each kind of search goes the way that reads little.
"""

from __future__ import annotations

from typing import Final

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.lookups import In

from archive.counting import studies_total
from archive.models import Study
from archive.query import (
    DEFAULT_SORT,
    StudyCriteria,
    Unindexed,
    date_filter,
    modality_sets_of,
    sort_order,
    studies_listed,
    study_filter,
    study_range,
    words_of,
)
from archive.search_matches import matches_search
from archive.search_words import BOUND, Found, page_ids, words_search

__all__ = ["Found", "study_search"]

FEW: Final = 2_000  # so many are sorted at once
SOME: Final = 30_000  # so many are put into a set; no less than BOUND


def study_search(*, criteria: StudyCriteria, sort: str, offset: int, limit: int) -> Found:
    """Return ``limit`` rows of ``study_query(criteria, sort)`` from ``offset`` on, and how many it has."""
    page = slice(offset, offset + limit)
    words = words_of(criteria)
    if words:
        by_words = matches_search if connection.vendor == "sqlite" else words_search
        return by_words(criteria=criteria, words=words, sort=sort, page=page)
    if criteria == StudyCriteria():
        return _everything(sort, page)
    if criteria.modalities and sort == DEFAULT_SORT and not criteria.state:
        return _modalities(criteria, page)
    return _columns(criteria, sort, page)


def _everything(sort: str, page: slice) -> Found:
    """A page of the whole list. What lies behind the middle is read from the end."""
    total = studies_total()
    listed = studies_listed().order_by(*sort_order(sort))
    if page.start <= total // 2:
        return Found(page_ids(listed[page]), total)
    ids = page_ids(listed.reverse()[max(total - page.stop, 0) : max(total - page.start, 0)])
    return Found(ids[::-1], total)


def _modalities(criteria: StudyCriteria, page: slice) -> Found:
    """The newest of some modalities: of each set of modalities that has one in its order, merged."""
    listed = studies_listed().filter(date_filter(criteria)).order_by().values_list("sort_key", "id")
    of_sets = [listed.filter(modalities=found) for found in modality_sets_of(criteria)]
    if not of_sets:
        return Found((), 0)
    merged = of_sets[0].union(*of_sets[1:], all=True) if of_sets[1:] else of_sets[0]
    ids = tuple(pk for _, pk in merged.order_by("-sort_key", "-id")[page])
    return _bounded(ids, study_range(criteria), page)


def _columns(criteria: StudyCriteria, sort: str, page: slice) -> Found:
    """A page of what dates, modalities or a state select: sorted when few, else read in order and tested."""
    selected, inside = studies_listed().filter(study_filter(criteria)), study_range(criteria)
    count = inside[: SOME + 1].count()
    if count <= FEW:
        ids = page_ids(selected.filter(pk__in=page_ids(inside)).order_by(*sort_order(sort)))
        return Found(ids[page], len(ids))
    tested = selected
    if count <= SOME:
        # Rows are not read to be tested: what the order's index tells is looked up in a set.
        tested = selected.filter(In(Unindexed(F("pk")), inside.order_by().values("pk")))
    ids = page_ids(tested.order_by(*sort_order(sort))[page])
    if ids and not criteria.state:
        bounded = count > BOUND
        return Found(ids, max(BOUND, page.start + len(ids)) if bounded else count, more=bounded)
    return _bounded(ids, selected if criteria.state else inside, page)


def _bounded(ids: tuple[int, ...], counted: QuerySet[Study], page: slice) -> Found:
    """A page with a total that is counted to ``BOUND`` only; behind the last page a bound says nothing."""
    if not ids:
        return Found((), counted.order_by().count())
    total = counted[: BOUND + 1].count()
    if total <= BOUND:
        return Found(ids, total)
    return Found(ids, max(BOUND, page.start + len(ids)), more=True)
