"""Storage commitments as rows: asked of us, asked by us, tried again (PS3.4 J).

What is still to be said to a node is a row, and a task of the lane ``commit`` that goes with it; see
``dicomnet.commitment_run`` for how it is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from pydicom.uid import generate_uid

from archive.custody import ObjectName
from archive.events import event_record
from dicomnet.jobs import commitment_enqueue
from dicomnet.models import AENode, Commitment, CommitmentObject

Direction, State = Commitment.Direction, Commitment.State
MOST_IN_ONE: Final = 1000  # objects of one request of ours
_AT_ONCE: Final = 500


@transaction.atomic
def commitment_receive(
    *, node: AENode, transaction_uid: str, names: Sequence[ObjectName], hold_seconds: float = 0.0
) -> Commitment:
    """Record a request of a node, and queue its result. Both are there, or neither.

    The same request again, as from a device that did not hear our answer, is examined and answered anew.
    Other objects under a Transaction UID of the node's are recorded as what they are: a duplicate UID. With
    ``hold_seconds`` the caller says the result itself: nobody else does within that time.
    """
    names = list(dict.fromkeys(names))
    commitment = _repeated(node, transaction_uid, names)
    now = timezone.now()
    until = now + timedelta(seconds=hold_seconds) if hold_seconds else None
    if commitment is None:
        known = node.commitments.filter(direction=Direction.RECEIVED, transaction_uid=transaction_uid)
        commitment = Commitment.objects.create(
            direction=Direction.RECEIVED,
            node=node,
            ae_title=node.ae_title,
            transaction_uid=transaction_uid,
            duplicate=known.exists(),
            claimed_until=until,
        )
        _objects_create(commitment, names)
    else:
        commitment.objects_named.update(failure_reason=None)
        commitment.state, commitment.attempts, commitment.due_at = State.WAITING, 0, now
        commitment.claimed_until, commitment.finished_at = until, None
        commitment.error, commitment.error_detail = "", {}
        commitment.save()
    event_record(topic="commitment", key=str(commitment.pk))
    commitment_enqueue(node.pk, after=until)
    return commitment


def _repeated(node: AENode, transaction_uid: str, names: Sequence[ObjectName]) -> Commitment | None:
    """The transaction this request repeats: of the same UID, node and objects."""
    for known in node.commitments.filter(direction=Direction.RECEIVED, transaction_uid=transaction_uid):
        rows = known.objects_named.values_list("sop_class_uid", "sop_instance_uid")
        if {ObjectName(*row) for row in rows} == set(names):
            return known
    return None


def _objects_create(commitment: Commitment, names: Iterable[ObjectName]) -> None:
    CommitmentObject.objects.bulk_create(
        (
            CommitmentObject(
                commitment=commitment,
                sop_class_uid=name.sop_class_uid,
                sop_instance_uid=name.sop_instance_uid,
            )
            for name in names
        ),
        batch_size=_AT_ONCE,
    )


@transaction.atomic
def commitment_request(*, node: AENode, names: Sequence[ObjectName]) -> list[Commitment]:
    """Queue the question whether a node has taken charge of these objects.

    Follow it by the event topic ``commitment``. Many objects make several transactions. What became of each
    object is said by ``dicomnet.commitment_results``.
    """
    names = list(dict.fromkeys(names))
    asked = []
    for start in range(0, len(names), MOST_IN_ONE):
        commitment = Commitment.objects.create(
            direction=Direction.ASKED,
            node=node,
            ae_title=node.ae_title,
            transaction_uid=generate_uid(),
        )
        _objects_create(commitment, names[start : start + MOST_IN_ONE])
        event_record(topic="commitment", key=str(commitment.pk))
        asked.append(commitment)
    if asked:
        commitment_enqueue(node.pk)
    return asked


@transaction.atomic
def commitment_hand_over(*, commitment: Commitment) -> None:
    """Give a claimed transaction back to the lane: whoever held it does not say it."""
    Commitment.objects.filter(pk=commitment.pk, state=State.WAITING).update(claimed_until=None)
    if commitment.node_id is not None:
        commitment_enqueue(commitment.node_id)


@transaction.atomic
def commitment_retry(*, commitment: Commitment) -> bool:
    """Say it to the node now instead of later, also when we gave up; whether there is anything to say.

    A request of ours whose answer never came is asked again under a Transaction UID of its own (PS3.4 J.3.2).
    """
    row = Commitment.objects.select_for_update(of=("self",)).select_related("node").get(pk=commitment.pk)
    if row.node is None or row.state == State.DONE or row.error == "asked-again":
        return False
    if row.state == State.AWAITED or row.error == "no-result":
        _ask_again(row, row.node)
    else:
        row.state, row.due_at, row.finished_at = State.WAITING, timezone.now(), None
        row.save(update_fields=["state", "due_at", "finished_at"])
        commitment_enqueue(row.node.pk)
    event_record(topic="commitment", key=str(row.pk))
    return True


def _ask_again(row: Commitment, node: AENode) -> None:
    names = [
        ObjectName(*found)
        for found in row.objects_named.filter(failure_reason__isnull=True).values_list(
            "sop_class_uid", "sop_instance_uid"
        )
    ]
    commitment_request(node=node, names=names)
    row.state, row.error, row.finished_at = State.GAVE_UP, "asked-again", timezone.now()
    row.save(update_fields=["state", "error", "finished_at"])


def commitments_resume() -> None:
    """See that whatever waits has a task: called when the server starts, should one ever have been lost."""
    waiting = Commitment.objects.filter(state=State.WAITING, node__isnull=False)
    for node_id in waiting.order_by().values_list("node_id", flat=True).distinct():
        commitment_enqueue(node_id, once=True)
