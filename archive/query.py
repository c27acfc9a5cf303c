"""What a search asks, as data, and what it means, as one QuerySet.

``study_query`` is the meaning: plain, complete, and right for exports and checks of any size.
``archive.search`` finds one page of the same rows in the time a person does not notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db import connection
from django.db.models import CharField, Exists, F, Func, Lookup, OuterRef, Q, QuerySet, TextField
from django.db.models.expressions import OrderBy
from django.db.models.lookups import In
from django.utils import timezone

from archive.models import Instance, Patient, PatientTerm, Series, Study, StudyTerm
from archive.terms import WORD_MARK, query_words

RECEIVING_FOR: Final = timedelta(seconds=60)  # a study that got an image this lately may get more


_MODALITY_SETS: Final = """
    WITH RECURSIVE found(value) AS (
        SELECT MIN(modalities) FROM archive_study WHERE rejected_at IS NULL
        UNION ALL
        SELECT (SELECT MIN(modalities) FROM archive_study WHERE rejected_at IS NULL AND modalities > value)
        FROM found WHERE value IS NOT NULL
    )
    SELECT value FROM found WHERE value IS NOT NULL
"""


class State(StrEnum):
    """What the list says of a study."""

    COMPLETE = "complete"
    RECEIVING = "receiving"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class StudyCriteria:
    """A search. Everything given must hold; of several modalities, one.

    ``text`` and ``description`` are words, each the beginning of a term. ``patient_id`` and ``accession``
    are beginnings, in any case. Dates are YYYYMMDD or YYYY-MM-DD, both ends included.
    """

    text: str = ""
    patient_id: str = ""
    accession: str = ""
    date_from: str = ""
    date_to: str = ""
    modalities: tuple[str, ...] = ()
    description: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A folded beginning of a term and where that term may be."""

    text: str
    of_patient: bool = True
    of_study: bool = True


@CharField.register_lookup
class Begins(Lookup[Any]):
    """``term__begins="wan"``: a range of the index on every database.

    LIKE is no range on SQLite (it ignores case), nor on PostgreSQL unless the collation is C; there the
    operators of ``varchar_pattern_ops`` compare bytes.
    """

    lookup_name = "begins"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        least, greater = ("~>=~", "~<~") if connection.vendor == "postgresql" else (">=", "<")
        column, params = self.process_lhs(compiler, connection)
        text = str(self.rhs)
        return f"({column} {least} %s AND {column} {greater} %s)", (*params, text, *params, _after(text))


@TextField.register_lookup
class HasWord(Lookup[Any]):
    """``patient_words__has_word="wan"``: whether a term in a text of terms begins so (``archive.terms``)."""

    lookup_name = "has_word"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        function = "strpos" if connection.vendor == "postgresql" else "instr"
        column, params = self.process_lhs(compiler, connection)
        return f"({function}({column}, %s) > 0)", (*params, f"{WORD_MARK}{self.rhs}")


def _after(text: str) -> str:
    """The first string behind all that begin with ``text``, in order of code points (and of UTF-8)."""
    following = ord(text[-1]) + 1
    if following == 0xD800:  # surrogates are no characters
        following = 0xE000
    return text[:-1] + chr(min(following, 0x10FFFF))


def words_of(criteria: StudyCriteria) -> tuple[Word, ...]:
    """Return every word a study must have, from the box and from the fields that have terms."""
    words = [Word(text) for text in query_words(criteria.text)]
    words += [Word(text, of_study=False) for text in query_words(criteria.patient_id)[:1]]
    words += [Word(text, of_patient=False) for text in query_words(criteria.accession)[:1]]
    words += [Word(text, of_patient=False) for text in query_words(criteria.description)]
    return tuple(dict.fromkeys(words))


def word_filter(word: Word) -> Q:
    """Return the condition that a study, or its patient, has a term that begins with this word."""
    condition = Q()
    if word.of_patient:
        condition |= Q(
            Exists(PatientTerm.objects.filter(patient=OuterRef("patient_id"), term__begins=word.text))
        )
    if word.of_study:
        condition |= Q(Exists(StudyTerm.objects.filter(study=OuterRef("pk"), term__begins=word.text)))
    return condition


def date_filter(criteria: StudyCriteria) -> Q:
    """Return the condition on the study's date; a study without one counts by its arrival."""
    condition = Q()
    if first := _day(criteria.date_from):
        condition &= Q(sort_key__gte=f"{first:%Y%m%d}")
    if last := _day(criteria.date_to):
        following = last + timedelta(days=1) if last < date.max else last
        condition &= Q(sort_key__lt=f"{following:%Y%m%d}")
    return condition


class Unindexed(Func):
    """A column in a condition that SQLite shall test, not seek: the order has an index that serves better."""

    template = "%(expressions)s"
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **extra)


def modality_filter(criteria: StudyCriteria) -> Q:
    """Return the condition that one of the modalities is among the study's."""
    if not criteria.modalities:
        return Q()
    return Q(In(Unindexed(F("modalities")), modality_sets_of(criteria)))


def modality_sets_of(criteria: StudyCriteria) -> list[str]:
    """Return the values of ``Study.modalities`` that hold one of those asked for."""
    wanted = set(criteria.modalities)
    return [found for found in modality_sets() if wanted & set(found.split("\\"))]


def modality_sets() -> list[str]:
    """Return the distinct values of ``Study.modalities``: some dozens, however many studies there are.

    Jumps from one value to the next in the index; SELECT DISTINCT would read all of it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MODALITY_SETS)
        return [value for (value,) in cursor.fetchall()]


def state_filter(criteria: StudyCriteria) -> Q:
    """Return the condition on the state a list shows."""
    still = Q(updated_at__gt=timezone.now() - RECEIVING_FOR)
    if criteria.state == State.CONFLICT:
        return Q(conflict=True)
    if criteria.state == State.RECEIVING:
        return still & Q(conflict=False)
    if criteria.state == State.COMPLETE:
        return ~still & Q(conflict=False)
    return Q()


def study_filter(criteria: StudyCriteria) -> Q:
    """Return every condition that is not a word."""
    condition = date_filter(criteria) & modality_filter(criteria) & state_filter(criteria)
    if criteria.patient_id:
        condition &= Q(patient__patient_id__istartswith=criteria.patient_id.strip())
    if criteria.accession:
        condition &= Q(accession_number__istartswith=criteria.accession.strip())
    return condition


def studies_listed() -> QuerySet[Study]:
    """Return the studies that are there: rejected ones are not, on any protocol."""
    return Study.objects.filter(rejected_at__isnull=True)


def patients_listed() -> QuerySet[Patient]:
    """Return the patients of whom something is there."""
    return Patient.objects.filter(Exists(studies_listed().filter(patient=OuterRef("pk"))))


def series_listed() -> QuerySet[Series]:
    """Return the series of which something is there."""
    shown = Instance.objects.filter(series=OuterRef("pk"), rejected_at__isnull=True)
    return Series.objects.filter(Exists(shown), study__rejected_at__isnull=True)


def instances_listed() -> QuerySet[Instance]:
    """Return the instances that are there."""
    return Instance.objects.filter(rejected_at__isnull=True, series__study__rejected_at__isnull=True)


def study_range(criteria: StudyCriteria) -> QuerySet[Study]:
    """Return what one index alone selects, in the order of that index, so that a limit makes it cheap.

    Everything a search selects by its columns is in it; more is where ``study_range_exact`` says no.
    """
    listed = studies_listed().filter(date_filter(criteria))
    if criteria.state == State.RECEIVING:
        return studies_listed().filter(state_filter(criteria)).order_by("updated_at")
    if criteria.state == State.CONFLICT:
        return listed.filter(state_filter(criteria)).order_by("-sort_key", "-id")
    if criteria.modalities:
        sets = modality_sets_of(criteria)
        return listed.filter(modalities__in=sets).order_by("modalities", "-sort_key", "-id")
    return listed.order_by("-sort_key", "-id")


def study_range_exact(criteria: StudyCriteria) -> bool:
    """Whether ``study_range`` selects just what the columns of a search do."""
    return not (criteria.state or criteria.patient_id or criteria.accession)


def study_query(criteria: StudyCriteria, sort: str = "-date") -> QuerySet[Study]:
    """Return the studies a search asks for, sorted."""
    found = studies_listed().filter(study_filter(criteria))
    for word in words_of(criteria):
        found = found.filter(word_filter(word))
    return found.order_by(*sort_order(sort))


# What each column of the list sorts by. Ties, and what is equal by nature, go newest first.
_SORTS: Final[Mapping[str, tuple[F, ...]]] = {
    "date": (F("sort_key"), F("id")),
    "name": (F("sort_name"),),
    "id": (F("sort_id"),),
    "modality": (F("modalities"),),
    "images": (F("number_of_instances"), F("id")),
    "description": (F("description"), F("id")),
}
SORTS: Final = tuple(_SORTS)
DEFAULT_SORT: Final = "-date"


def sort_order(sort: str) -> list[OrderBy]:
    """Return ORDER BY for ``date``, ``-name`` and so on; the newest first for what is no column."""
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    if name not in _SORTS:
        name, descending = "date", True
    order = [term.desc() if descending else term.asc() for term in _SORTS[name]]
    if name in {"name", "id", "modality"}:
        order += [F("sort_key").desc(), F("id").desc()]
    return order


def _day(text: str) -> date | None:
    """A day as typed or sent; what is no day asks for nothing."""
    digits = "".join(character for character in text if character.isdigit())
    try:
        return datetime.strptime(digits, "%Y%m%d").date()  # noqa: DTZ007  a day has no zone
    except ValueError:
        return None
