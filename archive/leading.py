"""Which studies and patients a query is about, read from the index that has the fewest of them.

One key *leads*: through its index the rows are found, and every other key is only tested on them. Which one
that is does not depend on a database's statistics: a UID before an accession number or a patient ID, those
before a few days, those before the beginning of a name, that before a part of a name, that before a modality.
A part of a name is looked for in the patients, who are fewer than their studies and narrower. What has no
index is a walk through the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.lookups import In

from archive.dicom.attributes import Kept, Level
from archive.dicom.identifier import Query
from archive.dicom.matching import Key, Moments, Span, Texts
from archive.dicom.name_keys import NameKey
from archive.dicom.names import fold
from archive.matchers import TERM_LENGTH, condition, key_condition, name_owners
from archive.models import Patient, PatientTerm, Study, StudyTerm
from archive.query import (
    Unindexed,
    instances_listed,
    modality_sets,
    patients_listed,
    series_listed,
    studies_listed,
)

FEW: Final = 5_000  # so many studies of some days are few

_EXACT: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "AccessionNumber", "PatientID")
_BEGINNINGS: Final = ("PatientID", "PatientName", "AccessionNumber", "StudyID")
_BELOW: Final = (Level.SERIES, Level.INSTANCE)


def keys_of(query: Query, *levels: Level) -> list[Key]:
    """The keys of some levels that rows can have."""
    return [
        key for key in query.keys if key.attribute.level in levels and key.attribute.kept is not Kept.SAID
    ]


def patients_asked(query: Query) -> QuerySet[Patient]:
    """The patients a query is about, of whom something is listed. Names are tested roughly."""
    if keys_of(query, Level.STUDY, *_BELOW):
        return Patient.objects.filter(pk__in=studies_asked(query).values("patient_id"))
    keys = keys_of(query, Level.PATIENT)
    leader = _leader(keys)
    found = patients_listed()
    for key in keys:
        found = found.filter(_patient_condition(key, "", leads=key is leader))
    return found


def studies_asked(query: Query) -> QuerySet[Study]:
    """The listed studies a query is about: with its keys of patient and study. Names are tested roughly.

    Of the keys below the study, those of a query for studies or patients are tested as well, on whatever
    the study holds; of a query for series or instances only what leads to a study.
    """
    keys = keys_of(query, *Level)
    leader = _leader(keys)
    found = studies_listed()
    for key in keys:
        if key.attribute.level is Level.PATIENT:
            found = found.filter(_patient_condition(key, "patient__", leads=key is leader))
        elif key.attribute.level is Level.STUDY:
            found = found.filter(_study_condition(key, leads=key is leader))
    below = [key for key in keys if key.attribute.level in _BELOW]
    if query.level in _BELOW:
        below = [key for key in below if key is leader]
    return found.filter(_below_condition(below, leader)) if below else found


# ---------------------------------------------------------------------- what leads


def _leader(keys: Sequence[Key]) -> Key | None:
    """The key whose index is read."""
    by_keyword = {key.attribute.keyword: key for key in keys}
    for keyword in _EXACT:
        if keyword in by_keyword and _is_exact(by_keyword[keyword]):
            return by_keyword[keyword]
    begun = (by_keyword[keyword] for keyword in _BEGINNINGS if keyword in by_keyword)
    beginning = next((key for key in begun if _owners(key) is not None), by_keyword.get("PatientName"))
    date = by_keyword.get("StudyDate")
    if date is not None and (beginning is None or _is_few(date)):
        return date
    description = by_keyword.get("StudyDescription")
    if description is not None and not _is_exact(description):
        description = None
    return beginning or by_keyword.get("ModalitiesInStudy") or description


def _is_exact(key: Key) -> bool:
    return isinstance(key.match, Texts) and key.match.exact is not None


def _is_few(date: Key) -> bool:
    return studies_listed().filter(_days(date))[: FEW + 1].count() <= FEW


def _days(date: Key) -> Q:
    """The days of a date key as a range of the index of dates."""
    assert isinstance(date.match, Span | Moments)
    span = date.match if isinstance(date.match, Span) else date.match.span
    first, last = span.days
    found = Q(sort_key__gte=first) if first else Q()
    return found & Q(sort_key__lt=f"{int(last) + 1:08d}") if last else found  # no day, but behind the last


def _owners(key: Key) -> Any:
    """The ids of those that have a term with the key's beginning; None when it has no beginning."""
    if isinstance(key.match, NameKey):
        return name_owners(key.match)
    if not isinstance(key.match, Texts) or len(key.match.patterns) != 1:
        return None
    beginning = "".join(fold(key.match.patterns[0].prefix).split())[:TERM_LENGTH]
    if not beginning:
        return None
    if key.attribute.level is Level.PATIENT:
        return PatientTerm.objects.filter(term__begins=beginning).values("patient_id")
    return StudyTerm.objects.filter(term__begins=beginning).values("study_id")


# ---------------------------------------------------------------------- conditions


def _patient_condition(key: Key, prefix: str, *, leads: bool) -> Q:
    if not leads or _is_exact(key):
        return key_condition(key, prefix, leads=leads)
    owners = _owners(key)
    if owners is not None:
        return Q(**{f"{prefix}pk__in": owners}) & key_condition(key, prefix)
    named = key_condition(key)  # a part of a name
    return Q(**{f"{prefix}pk__in": Patient.objects.filter(named).values("pk")}) if prefix else named


def _study_condition(key: Key, *, leads: bool) -> Q:
    keyword = key.attribute.keyword
    if keyword == "ModalitiesInStudy":
        return _modalities_condition(key, leads=leads)
    if key.attribute.kept is Kept.GATHERED:
        inside = instances_listed().filter(series__study=OuterRef("pk"))
        return Q(Exists(inside.filter(condition(F(key.attribute.field), key.match))))
    if not leads:
        return key_condition(key)
    if keyword == "StudyDate":
        return _days(key) & key_condition(key)
    if _is_exact(key) and keyword != "StudyID":
        return key_condition(key, leads=True)
    return Q(pk__in=_owners(key)) & key_condition(key)


def _modalities_condition(key: Key, *, leads: bool) -> Q:
    """One of a study's modalities matches: among the sets of modalities there are, those that hold it."""
    assert isinstance(key.match, Texts)
    sets = [found for found in modality_sets() if any(map(key.match.meets, found.split("\\")))]
    return Q(In(F("modalities") if leads else Unindexed(F("modalities")), sets))


def _below_condition(keys: Sequence[Key], leader: Key | None) -> Q:
    """A series, or an instance in a series, with all of these is in the study (relational queries)."""
    deep = any(key.attribute.level is Level.INSTANCE for key in keys)
    found: QuerySet[Any] = instances_listed() if deep else series_listed()
    for key in keys:
        prefix = "series__" if deep and key.attribute.level is Level.SERIES else ""
        found = found.filter(key_condition(key, prefix, leads=key is leader))
    study = "series__study" if deep else "study"
    if leader in keys:
        return Q(pk__in=found.values(f"{study}_id"))
    return Q(Exists(found.filter(**{study: OuterRef("pk")})))
