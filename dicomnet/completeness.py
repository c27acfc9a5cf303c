"""Is a study whole? What modalities say they made, against what is here.

Complete: every reported step is over and all it made has arrived. Partial: something it made is not here.
Performing: a step still goes on. Unknown, which is said of most archives' studies: nobody has reported.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Final

from django.db.models import Count

from archive.models import Study
from archive.query import instances_listed
from dicomnet.models import PerformedInstance, PerformedReference, PerformedStep


class Whole(StrEnum):
    COMPLETE = "complete"
    PARTIAL = "partial"
    PERFORMING = "performing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Completeness:
    """``performed`` are the objects its steps reported, ``received`` those of them that are here."""

    state: Whole
    performed: int = 0
    received: int = 0

    @property
    def missing(self) -> int:
        return self.performed - self.received


UNKNOWN: Final = Completeness(Whole.UNKNOWN)
_AT_ONCE: Final = 500  # UIDs in one query
_REMEMBERED: Final = 5000
_Key = tuple[int, datetime, int, tuple[tuple[int, datetime], ...]]
_known: OrderedDict[_Key, Completeness] = OrderedDict()
_lock: Final = Lock()


def completeness_of(*, studies: Collection[Study]) -> dict[int, Completeness]:
    """Return how whole each of these studies is, by its key.

    Counted anew only when images came or went, or a report did.
    """
    steps = _steps_by_study({study.study_instance_uid for study in studies})
    return {study.pk: _completeness(study, steps.get(study.study_instance_uid, [])) for study in studies}


def _steps_by_study(uids: Collection[str]) -> dict[str, list[PerformedStep]]:
    found: dict[str, list[PerformedStep]] = defaultdict(list)
    references = PerformedReference.objects.filter(study_instance_uid__in=uids).select_related("performed")
    for reference in references.order_by("performed_id"):
        steps = found[reference.study_instance_uid]
        if reference.performed not in steps:
            steps.append(reference.performed)
    return found


def _completeness(study: Study, steps: list[PerformedStep]) -> Completeness:
    if not steps:
        return UNKNOWN
    reports = tuple((step.pk, step.updated_at) for step in steps)
    key = (study.pk, study.updated_at, study.number_of_instances, reports)
    with _lock:
        if (known := _known.get(key)) is not None:
            return known
    found = _counted(study, steps)
    with _lock:
        _known[key] = found
        while len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return found


def _counted(study: Study, steps: list[PerformedStep]) -> Completeness:
    made = set(
        PerformedInstance.objects.filter(performed__in=steps).values_list("sop_instance_uid", flat=True)
    )
    here, elsewhere = _where(made, study)
    performed = len(made) - elsewhere  # a step may serve several studies: what went to another is its own
    if any(step.state == PerformedStep.State.IN_PROGRESS for step in steps):
        state = Whole.PERFORMING
    elif here < performed:
        state = Whole.PARTIAL
    else:
        state = Whole.COMPLETE if performed else Whole.UNKNOWN
    return Completeness(state, performed, here)


def _where(made: Iterable[str], study: Study) -> tuple[int, int]:
    """How many of these objects are in the study, and how many in another one."""
    uids, here, elsewhere = sorted(made), 0, 0
    for start in range(0, len(uids), _AT_ONCE):
        rows = instances_listed().filter(sop_instance_uid__in=uids[start : start + _AT_ONCE])
        for row in rows.values("series__study__study_instance_uid").annotate(count=Count("id")).order_by():
            if row["series__study__study_instance_uid"] == study.study_instance_uid:
                here += row["count"]
            else:
                elsewhere += row["count"]
    return here, elsewhere


def performed_counts(*, step: PerformedStep) -> tuple[int, int]:
    """How many objects a step reported, and how many of them are here."""
    uids = sorted(step.instances.values_list("sop_instance_uid", flat=True))
    received = sum(
        instances_listed().filter(sop_instance_uid__in=uids[start : start + _AT_ONCE]).count()
        for start in range(0, len(uids), _AT_ONCE)
    )
    return len(uids), received
