"""What an administrator does with a quarantined object: try it again, or discard it."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from archive.access import Act, require
from archive.audit import audit_record
from archive.events import event_record
from archive.ingest import stream_ingest
from archive.models import AuditEvent, QuarantinedObject
from archive.outcome import Outcome, Result
from archive.removal import removal_note, removals_finish
from archive.storage import NotStored, file_open, store
from archive.storage.keys import key_parts

_State = QuarantinedObject.State


class QuarantineError(Exception):
    """The item cannot be dealt with; the message says why."""


def quarantine_retry(*, item: QuarantinedObject, by: AbstractUser) -> Outcome:
    """Try to index a held object again, as after an update that reads more.

    When it goes in, the row says ADMITTED and the quarantine's copy goes. When not, it stays held with
    the new reason. Either way the audit trail says who tried. Raises ``PermissionDenied``,
    ``QuarantineError``, and what ``instance_ingest`` raises.
    """
    require(user=by, act=Act.ADMINISTER)
    if item.state != _State.HELD:
        raise QuarantineError("the object is not held any more")
    parts = key_parts(item.file_key)
    origin = store().origin_read(parts.origin if parts else "")
    try:
        with file_open(item.file_key) as source:
            outcome = stream_ingest(source=source, origin=origin)
    except NotStored as error:
        raise QuarantineError("the file is not in the store") from error
    admitted = outcome.kind not in {Result.QUARANTINED, Result.REFUSED}
    with transaction.atomic():
        if admitted:
            item.state = _State.ADMITTED
            item.save(update_fields=["state", "updated_at"])
            removal_note([item.file_key])
            transaction.on_commit(removals_finish)
        _record(item, by, "retried", success=admitted, reason=outcome.reason)
    item.refresh_from_db()
    return outcome


def quarantine_discard(*, item: QuarantinedObject, by: AbstractUser, reason: str) -> None:
    """Give a held object up: the row stays and says DISCARDED, the file goes, the audit trail says who
    and why.

    Raises ``PermissionDenied`` and ``QuarantineError``.
    """
    require(user=by, act=Act.ADMINISTER)
    if not reason.strip():
        raise QuarantineError("say why the object is discarded")
    with transaction.atomic():
        held = QuarantinedObject.objects.filter(pk=item.pk, state=_State.HELD)
        if not held.update(state=_State.DISCARDED):
            raise QuarantineError("the object is not held any more")
        removal_note([item.file_key])
        _record(item, by, "discarded", success=True, reason=reason)
        transaction.on_commit(removals_finish)
    item.refresh_from_db()


def _record(item: QuarantinedObject, by: AbstractUser, what: str, *, success: bool, reason: str) -> None:
    audit_record(
        action=AuditEvent.Action.QUARANTINE,
        actor=by,
        object=str(item),
        success=success,
        detail={"what": what, "reason": reason, "source": item.source, "file_digest": item.file_digest},
    )
    event_record(topic="quarantine", key=str(item.pk))
