"""The audit trail: written here, in the transaction of what it records, and never changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import AbstractUser, AnonymousUser, User
from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone

from archive.dicom.values import clip
from archive.models import AuditEvent, Instance, Study

AT_ONCE: Final = 500  # ids in one query
VIEW_COALESCED: Final = timedelta(minutes=5)


def audit_record(
    *,
    action: AuditEvent.Action,
    actor: AbstractUser | AnonymousUser | None = None,
    actor_name: str = "",
    source: str = "",
    study: Study | None = None,
    study_instance_uid: str = "",
    patient_id: str = "",
    object: str = "",
    success: bool = True,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add one row: who (a user, or an AE title as ``actor_name``) did what, with what, from where.

    Call it inside the transaction of what it records: both are there, or neither. ``study`` fills in the
    study's UID and patient ID.
    """
    known = actor if isinstance(actor, User) and actor.pk else None
    AuditEvent.objects.create(
        action=action,
        actor=known,
        actor_name=clip(actor_name or (known.get_username() if known else "")),
        source=clip(source, 128),
        study_instance_uid=study.study_instance_uid if study else study_instance_uid,
        patient_id=study.patient.patient_id if study else clip(patient_id),
        object=clip(object),
        success=success,
        detail=detail or {},
    )


def audit_study_viewed(*, user: AbstractUser, study: Study, source: str = "") -> bool:
    """Record that a person looked at a study; once for any number of looks within five minutes.

    Returns whether a row was added. The first look counts, so the row says when it began.
    """
    seen = AuditEvent.objects.filter(
        study_instance_uid=study.study_instance_uid,
        action=AuditEvent.Action.STUDY_VIEWED,
        actor_id=user.pk,
        at__gt=timezone.now() - VIEW_COALESCED,
    )
    if seen.exists():
        return False
    audit_record(action=AuditEvent.Action.STUDY_VIEWED, actor=user, source=source, study=study)
    return True


def audit_received(*, instance_ids: Sequence[int], actor_name: str, source: str) -> None:
    """Record, for each study that these instances belong to, that somebody sent so many of them."""
    counts: Counter[int] = Counter()
    for start in range(0, len(instance_ids), AT_ONCE):
        some = instance_ids[start : start + AT_ONCE]
        rows = Instance.objects.filter(id__in=some).values_list("series__study").annotate(images=Count("id"))
        for study_id, images in rows:
            counts[study_id] += images
    for study in Study.objects.select_related("patient").filter(id__in=list(counts)).order_by("id"):
        audit_record(
            action=AuditEvent.Action.RECEIVED,
            actor_name=actor_name,
            source=source,
            study=study,
            detail={"images": counts[study.pk]},
        )


def audit_sent(
    *,
    counts: Mapping[int, tuple[int, int]],
    actor_name: str,
    source: str,
    destination: str,
    operation: str,
) -> None:
    """Record, for each study (``counts`` by its id), how many of its objects were sent and how many failed.

    ``operation`` is the service by which it came about, as ``C-MOVE``.
    """
    for study in Study.objects.select_related("patient").filter(id__in=list(counts)).order_by("id"):
        sent, failed = counts[study.pk]
        audit_record(
            action=AuditEvent.Action.SENT,
            actor_name=actor_name,
            source=source,
            study=study,
            object=destination,
            success=not failed,
            detail={"images": sent, "failed": failed, "operation": operation},
        )


def source_of(request: HttpRequest) -> str:
    """Return the address a request came from. Behind a proxy the server has put the client's here."""
    return str(request.META.get("REMOTE_ADDR", ""))
