"""Has the archive taken charge of an object? What Storage Commitment (PS3.4 J) asks.

Vouched for is only what was read back a moment ago: indexed under the class it is asked for, not rejected,
its file in the store and every byte of it as it arrived. Held in quarantine is not enough: nobody would
find it, and somebody may give it up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
from django.db import transaction
from django.utils import timezone

from archive.events import event_record
from archive.models import Instance, Study
from archive.storage import NotStored, file_open, store

log = structlog.get_logger(__name__)
_CHUNK: Final = 1 << 20
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class ObjectName:
    """An object as a reference names it (PS3.3 Table 10-11)."""

    sop_class_uid: str
    sop_instance_uid: str


class Custody(StrEnum):
    """What can be said of an object."""

    HELD = "held"
    UNKNOWN = "unknown"  # not here, or rejected, which looks the same
    OTHER_CLASS = "other-class"
    DAMAGED = "damaged"  # the file is gone, or has other bytes than arrived
    UNREADABLE = "unreadable"  # the store does not answer now


@dataclass(frozen=True, slots=True)
class _Kept:
    pk: int
    sop_class_uid: str
    key: str
    size: int
    digest: str


def objects_examine(*, names: Sequence[ObjectName]) -> dict[ObjectName, Custody]:
    """Read the file of each object and say whether the archive can vouch for it. Changes nothing.

    Takes as long as reading the files takes; holds a megabyte, and no transaction.
    """
    verdicts: dict[ObjectName, Custody] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        kept = _kept([name.sop_instance_uid for name in some])
        for name in some:
            verdicts[name] = _examine(name, kept.get(name.sop_instance_uid))
    return verdicts


def _kept(uids: Sequence[str]) -> dict[str, _Kept]:
    rows = Instance.objects.filter(
        sop_instance_uid__in=uids, rejected_at__isnull=True, series__study__rejected_at__isnull=True
    ).values_list("sop_instance_uid", "pk", "sop_class_uid", "file_key", "file_size", "file_digest")
    return {row[0]: _Kept(*row[1:]) for row in rows}


def _examine(name: ObjectName, kept: _Kept | None) -> Custody:
    if kept is None:
        return Custody.UNKNOWN
    if kept.sop_class_uid != name.sop_class_uid:
        return Custody.OTHER_CLASS
    try:
        whole = store().size(kept.key) == kept.size and _digest(kept.key) == kept.digest
    except NotStored:
        whole = False
    except OSError as error:
        log.error("a file cannot be read back", file=kept.key, error=str(error))
        return Custody.UNREADABLE
    if not whole:
        log.error("a file is not what arrived", file=kept.key, instance=name.sop_instance_uid)
        return Custody.DAMAGED
    return Custody.HELD


def _digest(key: str) -> str:
    digest = hashlib.sha256()
    with file_open(key) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@transaction.atomic
def objects_commit(*, verdicts: Mapping[ObjectName, Custody]) -> None:
    """Note on each instance that was vouched for that it was, the first time; their studies are told of."""
    held = [name.sop_instance_uid for name, verdict in verdicts.items() if verdict is Custody.HELD]
    for start in range(0, len(held), _AT_ONCE):
        fresh = Instance.objects.filter(
            sop_instance_uid__in=held[start : start + _AT_ONCE], committed_at__isnull=True
        )
        studies = sorted(set(fresh.values_list("series__study_id", flat=True)))
        if fresh.update(committed_at=timezone.now()):
            for study_id in studies:
                event_record(topic="study", key=str(study_id))


def instance_committable(*, sop_class_uid: str, sop_instance_uid: str) -> bool:
    """Whether the archive can vouch for the object now."""
    name = ObjectName(sop_class_uid, sop_instance_uid)
    return objects_examine(names=[name])[name] is Custody.HELD


def committed_count(*, study: Study) -> int:
    """How many instances of a study the archive has vouched for at somebody's request."""
    return Instance.objects.filter(
        series__study=study, rejected_at__isnull=True, committed_at__isnull=False
    ).count()
