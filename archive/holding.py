"""The quarantine's way in: what cannot be indexed is kept, with the reason."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from archive.committing import commit
from archive.dicom.values import clip
from archive.events import event_record
from archive.models import QuarantinedObject
from archive.outcome import FiledObject, Outcome, Result
from archive.storage import store

_State = QuarantinedObject.State


def hold_locks(file_digest: str) -> tuple[str, ...]:
    return (f"quarantine:{file_digest}",)


def hold_again(*, file_digest: str, file_size: int, reason: str, detail: str) -> Outcome | None:
    """Count a further arrival of a file that is held already; None when it is not, or its file is lost.

    The reason is the newest: a later version may see another one.
    """
    item = QuarantinedObject.objects.filter(file_digest=file_digest, state=_State.HELD).first()
    if item is None or store().size(item.file_key) != file_size:
        return None

    def work() -> int:
        changed = QuarantinedObject.objects.filter(pk=item.pk, state=_State.HELD).update(
            attempts=F("attempts") + 1,
            updated_at=timezone.now(),
            reason=clip(reason, 64),
            detail=clip(detail, 1024),
        )
        event_record(topic="quarantine", key=str(item.pk))
        return changed

    if not commit(work, locks=hold_locks(file_digest)):
        return None
    return Outcome(Result.QUARANTINED, quarantine_id=item.pk, reason=reason, detail=detail)


def quarantine_hold(*, filed: FiledObject, reason: str, detail: str, **announced: str) -> Outcome:
    """Write the row of a file that lies in its place but cannot be indexed. One row for equal files.

    ``announced``: the UIDs the sender gave. Raises what ``commit`` raises.
    """
    return commit(
        lambda: hold_write(filed=filed, reason=reason, detail=detail, **announced),
        locks=hold_locks(filed.file_digest),
    )


def hold_write(
    *,
    filed: FiledObject,
    reason: str,
    detail: str,
    sop_class_uid: str = "",
    sop_instance_uid: str = "",
    transfer_syntax_uid: str = "",
) -> Outcome:
    """``quarantine_hold`` for a caller that is in a transaction."""
    item = QuarantinedObject.objects.filter(file_digest=filed.file_digest).first()
    if item is None:
        item = QuarantinedObject(file_digest=filed.file_digest, attempts=0)
    if item.state != _State.HELD or item.pk is None or store().size(item.file_key) != item.file_size:
        item.state, item.file_key, item.file_size = _State.HELD, filed.key, filed.size
    item.attempts += 1
    item.reason, item.detail = clip(reason, 64), clip(detail, 1024)
    item.sop_class_uid = clip(sop_class_uid, 64)
    item.sop_instance_uid = clip(sop_instance_uid, 64)
    item.transfer_syntax_uid = clip(transfer_syntax_uid, 64)
    item.source = clip(filed.source, 64)
    item.save()
    event_record(topic="quarantine", key=str(item.pk))
    return Outcome(Result.QUARANTINED, quarantine_id=item.pk, reason=reason, detail=detail)
