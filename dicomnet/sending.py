"""Send services: ask for a transfer, let it be, go on with it, look first what would happen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.db.models import F, Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.access import Act, User, require
from archive.audit import audit_record
from archive.events import event_record
from archive.models import AuditEvent, Study
from archive.selectors import StoredObject, objects_of
from dicomnet.jobs import transfer_plan_run
from dicomnet.models import AENode, RoutingRule, Transfer, TransferItem, TransferPlan
from dicomnet.sheets import patient_label

AT_ONCE = 1000  # rows in one statement

REASONS = {
    "no-node": _("Choose where to send to."),
    "node-off": _("This node is switched off. An administrator can switch it on."),
    "nothing": _("There is nothing to send: the images were removed."),
    "wrong-state": _("The transfer has gone on meanwhile. Look again."),
    "node-gone": _("The node of this transfer is no longer there. Send the study anew."),
}


class SendRefused(ValueError):
    """What was asked cannot be sent so: a slug, and a sentence for the person."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def sentence(self) -> str:
        return str(REASONS[self.code])


def transfers_submit(
    *,
    user: User,
    nodes: Sequence[AENode],
    studies: Sequence[Study],
    series: Collection[int] = (),
    source: str = "",
) -> list[Transfer]:
    """Queue these studies, or these series of them (primary keys), for each of the nodes.

    One transfer a study and node, all in one transaction with its audit rows and events: all of it is there,
    or nothing. What is sent is what the archive has now. Raises ``SendRefused`` with the reason,
    ``PermissionDenied`` for a person who may not send one of the studies.
    """
    if not nodes:
        raise SendRefused("no-node")
    if not all(node.active for node in nodes):
        raise SendRefused("node-off")
    made = []
    with transaction.atomic():
        for study in studies:
            require(user=user, act=Act.SEND, study=study)
            objects = objects_of(study=study, series=series)
            if not objects and not series:
                raise SendRefused("nothing")
            for node in nodes if objects else ():
                made.append(transfer_create(node=node, study=study, objects=objects, user=user))
                _audit(user, made[-1], source, {"images": len(objects)})
        if not made:
            raise SendRefused("nothing")
    return made


def transfer_create(
    *,
    node: AENode,
    study: Study,
    objects: Sequence[StoredObject],
    user: User | None = None,
    rule: RoutingRule | None = None,
    not_before: datetime | None = None,
) -> Transfer:
    """Make a transfer of these objects. Call it in a transaction; the queue takes it up by itself."""
    transfer = Transfer.objects.create(
        node=node,
        destination=node.ae_title,
        study=study,
        patient_label=patient_label(study)[:512],
        requested_by_id=user.pk if user is not None else None,
        rule=rule,
        total=len(objects),
        next_attempt_at=not_before,
    )
    _items_create(transfer, objects)
    event_record(topic="transfer", key=str(transfer.pk))
    return transfer


def transfer_extend(*, transfer: Transfer, objects: Sequence[StoredObject]) -> bool:
    """Put more objects on a transfer; one that had ended goes on. False when a person cancelled it.

    Call it in a transaction. Objects put on while it is being sent go in the run after.
    """
    rows, more = Transfer.objects.filter(pk=transfer.pk), F("total") + len(objects)
    going = rows.filter(state__in=(Transfer.State.WAITING, Transfer.State.SENDING), cancel_requested=False)
    ended = rows.filter(state__in=(Transfer.State.DONE, Transfer.State.FAILED), node__isnull=False)
    if not going.update(total=more) and not ended.update(
        total=more,
        state=Transfer.State.WAITING,
        finished_at=None,
        trying_since=timezone.now(),
        next_attempt_at=put_off_until(node=transfer.node),
    ):
        return False
    _items_create(transfer, objects)
    event_record(topic="transfer", key=str(transfer.pk))
    return True


def put_off_until(*, node: AENode | None) -> datetime | None:
    """When the queue of a node is tried again, if it is waiting for that: who joins it waits as well."""
    now = timezone.now()
    queue = Transfer.objects.filter(node=node, state=Transfer.State.WAITING)
    if queue.filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now)).exists():
        return None
    soonest: datetime | None = queue.aggregate(soonest=Min("next_attempt_at"))["soonest"]
    return soonest


def transfer_cancel(*, user: User, transfer: Transfer, source: str = "") -> None:
    """Let a transfer be. One under way stops before its next object; what arrived has arrived."""
    require(user=user, act=Act.SEND)
    resting = (Transfer.State.WAITING, Transfer.State.FAILED)
    with transaction.atomic():
        rows = Transfer.objects.filter(pk=transfer.pk)
        moved = rows.filter(state__in=resting).update(
            state=Transfer.State.CANCELLED, finished_at=timezone.now()
        )
        if not moved:
            moved = rows.filter(state=Transfer.State.SENDING).update(cancel_requested=True)
        if not moved:
            raise SendRefused("wrong-state")
        _audit(user, transfer, source, {"what": "cancel"})
        event_record(topic="transfer", key=str(transfer.pk))


def transfer_retry(*, user: User, transfer: Transfer, source: str = "") -> None:
    """Go on with a transfer that ended before everything arrived, or try a waiting one at once.

    What the receiver did not take is tried again; what arrived is not. The node's whole queue is tried.
    """
    require(user=user, act=Act.SEND)
    if transfer.node_id is None:
        raise SendRefused("node-gone")
    ended = (Transfer.State.FAILED, Transfer.State.CANCELLED)
    with transaction.atomic():
        rows = Transfer.objects.filter(pk=transfer.pk)
        again = rows.filter(state__in=ended).update(
            state=Transfer.State.WAITING, cancel_requested=False, failed=0, attempts=0, finished_at=None,
            error="", error_detail="", trying_since=timezone.now(),
        )  # fmt: skip
        if again:
            transfer.items.filter(state=TransferItem.State.FAILED).update(
                state=TransferItem.State.WAITING, attempts=0, reason="", comment="", status=None
            )
        elif not rows.filter(state=Transfer.State.WAITING).exists():
            raise SendRefused("wrong-state")
        Transfer.objects.filter(node_id=transfer.node_id, state=Transfer.State.WAITING).update(
            next_attempt_at=None
        )
        _audit(user, transfer, source, {"what": "retry"})
        event_record(topic="transfer", key=str(transfer.pk))


def transfer_plan_start(
    *, user: User, node: AENode, studies: Sequence[Study], series: Collection[int] = ()
) -> TransferPlan:
    """Ask a node what it would take of this; follow the answer by the event topic ``transfer-plan``."""
    for study in studies:
        require(user=user, act=Act.SEND, study=study)
    assert user.pk is not None  # somebody without an account may do nothing
    with transaction.atomic():
        plan = TransferPlan.objects.create(
            node=node,
            requested_by_id=user.pk,
            studies=[study.pk for study in studies],
            series=sorted(series),
        )
        transfer_plan_run.enqueue(plan.pk)
    return plan


def _items_create(transfer: Transfer, objects: Sequence[StoredObject]) -> None:
    rows = (
        TransferItem(transfer=transfer, instance_id=found.pk, sop_instance_uid=found.sop_instance_uid)
        for found in objects
    )
    while batch := list(islice(rows, AT_ONCE)):
        TransferItem.objects.bulk_create(batch)


def _audit(user: User, transfer: Transfer, source: str, detail: dict[str, object]) -> None:
    audit_record(
        action=AuditEvent.Action.SENT,
        actor=user,
        source=source,
        study=transfer.study,
        object=f"{transfer.destination} {transfer.pk}",
        detail=detail,
    )
