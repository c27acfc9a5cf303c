"""What pages, sockets and protocols read. Rejected studies and instances are not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from archive.access import Act, require
from archive.counting import studies_total
from archive.manifest import manifest_of
from archive.models import Instance, QuarantinedObject, Series, Study
from archive.query import DEFAULT_SORT, StudyCriteria, modality_sets, studies_listed
from archive.search import study_search

User = AbstractUser | AnonymousUser
AT_ONCE: Final = 500  # keys in one query
_HELD: Final = (
    "pk",
    "sop_instance_uid",
    "series__study_id",
    "series__modality",
    "number_of_frames",
    "instance_number",
    "transfer_syntax_uid",
)


class NotFound(Http404):
    """No such study or instance, or it was rejected, which looks the same."""


@dataclass(frozen=True, slots=True)
class StudyPage:
    """One page of the list.

    ``total`` is exact unless ``more`` is set: then it is the least there are, shown as "10,000+".
    """

    rows: list[Study]
    total: int
    more: bool
    page: int
    pages: int
    first: int  # number of the first row, 0 when there is none
    last: int


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What sending needs of an instance: its names, and where its bytes lie."""

    pk: int
    series_id: int
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    file_key: str


@dataclass(frozen=True, slots=True)
class HeldObject:
    """What a reference to an instance leads to."""

    pk: int
    sop_instance_uid: str
    study_id: int
    modality: str
    number_of_frames: int
    instance_number: int | None
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class ArchiveCounts:
    studies: int
    conflicts: int
    quarantined: int


def study_page(
    *,
    user: User,
    criteria: StudyCriteria,
    sort: str = DEFAULT_SORT,
    page: int = 1,
    page_size: int = 50,
) -> StudyPage:
    """Return one page of the studies a person may see, patients with them.

    A page beyond the last is the last. Raises ``PermissionDenied`` for a person without a role.
    """
    require(user=user, act=Act.VIEW)
    page = max(page, 1)
    found = study_search(criteria=criteria, sort=sort, offset=(page - 1) * page_size, limit=page_size)
    if not found.ids and page > 1 and not found.more:
        page = max(-(-found.total // page_size), 1)
        found = study_search(criteria=criteria, sort=sort, offset=(page - 1) * page_size, limit=page_size)
    listed = studies_listed().select_related("patient").defer("patient_words", "study_words")
    by_id = listed.in_bulk(list(found.ids))
    rows = [by_id[pk] for pk in found.ids if pk in by_id]
    first = (page - 1) * page_size + 1 if rows else 0
    return StudyPage(
        rows=rows,
        total=found.total,
        more=found.more,
        page=page,
        pages=max(-(-found.total // page_size), 1),
        first=first,
        last=first + len(rows) - 1 if rows else 0,
    )


def study_for(*, user: User, pk: int) -> Study:
    """Return a study a person may view, with its patient.

    Raises ``NotFound`` when it is unknown or rejected, ``PermissionDenied`` when the person may view none.
    """
    require(user=user, act=Act.VIEW)
    study = studies_listed().select_related("patient").filter(pk=pk).first()
    if study is None:
        raise NotFound(_("There is no such study here, or it was removed."))
    return study


def studies_by_uid(*, user: User, uids: Collection[str]) -> dict[str, Study]:
    """Return the studies with these UIDs that are there, the first of each. Raises as ``study_for``."""
    require(user=user, act=Act.VIEW)
    found = studies_listed().filter(study_instance_uid__in=uids).order_by("-branch")
    return {study.study_instance_uid: study for study in found}


def studies_by_key(*, keys: Iterable[int]) -> list[Study]:
    """Return the studies with these primary keys that are there, with their patients, in the order asked."""
    wanted = list(keys)
    found = studies_listed().select_related("patient").in_bulk(wanted)
    return [found[pk] for pk in dict.fromkeys(wanted) if pk in found]


def instance_for(*, user: User, pk: int) -> Instance:
    """Return an instance a person may view, with its series, study and patient. Raises as ``study_for``."""
    require(user=user, act=Act.VIEW)
    instance = (
        Instance.objects.select_related("series__study__patient")
        .filter(pk=pk, rejected_at__isnull=True, series__study__rejected_at__isnull=True)
        .first()
    )
    if instance is None:
        raise NotFound(_("There is no such image here, or it was removed."))
    return instance


def series_of(*, study: Study) -> list[Series]:
    """Return the series of a study by number, those without one last; empty ones are not there."""
    shown = Instance.objects.filter(series=OuterRef("pk"), rejected_at__isnull=True)
    return sorted(
        Series.objects.filter(Exists(shown), study=study),
        key=lambda series: (series.series_number is None, series.series_number or 0, series.pk),
    )


def instances_of(*, series: Series) -> list[Instance]:
    """Return the instances of a series by number, those without one last."""
    found = Instance.objects.filter(series=series, rejected_at__isnull=True)
    return sorted(
        found,
        key=lambda instance: (
            instance.instance_number is None,
            instance.instance_number or 0,
            instance.sop_instance_uid,
        ),
    )


def objects_of(*, study: Study, series: Collection[int] = ()) -> list[StoredObject]:
    """Return the objects of a study, or of these series of it, in order of series and number."""
    found = _shown().filter(series__study=study)
    if series:
        found = found.filter(series_id__in=series)
    return _stored(found.order_by("series__series_number", "series_id", "instance_number", "pk"))


def objects_by_key(*, keys: Iterable[int]) -> dict[int, StoredObject]:
    """Return the objects with these primary keys; one that was removed or rejected is not among them."""
    wanted, found = list(keys), {}
    for start in range(0, len(wanted), AT_ONCE):
        for stored in _stored(_shown().filter(pk__in=wanted[start : start + AT_ONCE])):
            found[stored.pk] = stored
    return found


def instances_of_class(*, study: Study, sop_class_uids: Collection[str]) -> list[Instance]:
    """Return the objects of these classes in a study, the latest arrival first."""
    found = Instance.objects.filter(
        series__study=study, rejected_at__isnull=True, sop_class_uid__in=sop_class_uids
    )
    return list(found.order_by("-created_at", "-pk"))


def instances_by_uid(*, study: Study, uids: Collection[str]) -> dict[str, Instance]:
    """Return the instances of a study with these UIDs, with their series."""
    wanted = list(dict.fromkeys(uids))
    found: dict[str, Instance] = {}
    for start in range(0, len(wanted), AT_ONCE):
        some = Instance.objects.filter(
            series__study=study,
            rejected_at__isnull=True,
            sop_instance_uid__in=wanted[start : start + AT_ONCE],
        )
        found |= {one.sop_instance_uid: one for one in some.select_related("series")}
    return found


def objects_by_uid(*, user: User, uids: Iterable[str]) -> dict[str, HeldObject]:
    """Return what is held of these SOP Instance UIDs, whatever study it is in. Raises as ``study_for``."""
    require(user=user, act=Act.VIEW)
    wanted, found = sorted(uids), {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = _shown().filter(sop_instance_uid__in=wanted[start : start + AT_ONCE])
        for row in rows.values_list(*_HELD):
            held = HeldObject(*row)
            found[held.sop_instance_uid] = held
    return found


def _shown() -> QuerySet[Instance]:
    return Instance.objects.filter(rejected_at__isnull=True, series__study__rejected_at__isnull=True)


def _stored(found: QuerySet[Instance]) -> list[StoredObject]:
    return [StoredObject(*row) for row in found.values_list(*StoredObject.__slots__)]


def priors_of(*, study: Study, limit: int = 50) -> list[Study]:
    """Return the person's other studies, newest first."""
    found = studies_listed().filter(patient_id=study.patient_id).exclude(pk=study.pk)
    return list(found.select_related("patient").order_by("-sort_key", "-id")[:limit])


def study_manifest(*, study: Study) -> dict[str, Any]:
    """Return what a viewer needs of a study before its first frame; see ``archive.manifest``."""
    return manifest_of(study=study, series=series_of(study=study))


def modalities_present() -> list[str]:
    """Return the modalities there are studies of, sorted."""
    return sorted({modality for found in modality_sets() for modality in found.split("\\") if modality})


def archive_counts() -> ArchiveCounts:
    """Return how much there is, and what waits for somebody to look at it."""
    return ArchiveCounts(
        studies=studies_total(),
        conflicts=studies_listed().filter(conflict=True).count(),
        quarantined=QuarantinedObject.objects.filter(state=QuarantinedObject.State.HELD).count(),
    )
