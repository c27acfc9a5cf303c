"""One page of a search, in the time a person does not notice, however many studies there are.

``study_query`` says what a search means; a database left alone with it reads every study for some searches
and sorts half of them for others. Here each kind of search goes the way that reads little.
"""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import Any, Final

from django.db.models import QuerySet

from archive.counting import studies_total
from archive.models import Study
from archive.query import (
    DEFAULT_SORT,
    State,
    StudyCriteria,
    date_filter,
    modality_sets_of,
    sort_order,
    state_filter,
    studies_listed,
    study_filter,
    words_of,
)
from archive.search_words import BOUND, Found, page_ids, words_search

__all__ = ["Found", "study_search"]

FEW: Final = 5_000  # so many are sorted at once
MERGED: Final = 1_000  # so deep a page of modalities is merged


def study_search(*, criteria: StudyCriteria, sort: str, offset: int, limit: int) -> Found:
    """Return ``limit`` rows of ``study_query(criteria, sort)`` from ``offset`` on, and how many it has."""
    page = slice(offset, offset + limit)
    words = words_of(criteria)
    if words:
        return words_search(criteria=criteria, words=words, sort=sort, page=page)
    if criteria == StudyCriteria():
        return _everything(sort, page)
    if criteria.modalities and sort == DEFAULT_SORT and not criteria.state and page.stop <= MERGED:
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
    """The newest of some modalities: the newest of each set of modalities that has one, merged."""
    newest: list[Any] = []
    for found in modality_sets_of(criteria):
        of_set = studies_listed().filter(date_filter(criteria), modalities=found)
        newest.append(of_set.order_by("-sort_key", "-id").values_list("sort_key", "id")[: page.stop])
    ids = tuple(pk for _, pk in islice(merge(*newest, reverse=True), page.start, page.stop))
    return _bounded(ids, _by_index(criteria), page)


def _columns(criteria: StudyCriteria, sort: str, page: slice) -> Found:
    """A page of what dates, modalities or a state select: sorted when few, else read in order and tested."""
    selected = studies_listed().filter(study_filter(criteria))
    few = page_ids(_by_index(criteria)[: FEW + 1])
    if len(few) <= FEW:
        ids = page_ids(selected.filter(pk__in=few).order_by(*sort_order(sort)))
        return Found(ids[page], len(ids))
    counted = selected if criteria.state else _by_index(criteria)
    return _bounded(page_ids(selected.order_by(*sort_order(sort))[page]), counted, page)


def _by_index(criteria: StudyCriteria) -> QuerySet[Study]:
    """What one index alone selects, in the order of that index, so that a limit makes it cheap."""
    listed = studies_listed().filter(date_filter(criteria))
    if criteria.state == State.RECEIVING:
        return studies_listed().filter(state_filter(criteria)).order_by("updated_at")
    if criteria.state == State.CONFLICT:
        return listed.filter(state_filter(criteria)).order_by("-sort_key", "-id")
    if criteria.modalities:
        sets = modality_sets_of(criteria)
        return listed.filter(modalities__in=sets).order_by("modalities", "-sort_key", "-id")
    return listed.order_by("-sort_key", "-id")


def _bounded(ids: tuple[int, ...], counted: QuerySet[Study], page: slice) -> Found:
    """A page with a total that is counted to ``BOUND`` only; behind the last page a bound says nothing."""
    if not ids:
        return Found((), counted.order_by().count())
    total = counted[: BOUND + 1].count()
    if total <= BOUND:
        return Found(ids, total)
    return Found(ids, max(BOUND, page.start + len(ids)), more=True)
