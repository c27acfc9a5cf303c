"""How what waits in ``Commitment`` is said to its node: results we owe, requests of ours (PS3.4 J.3).

For each node in turn: read back what it asked about, then one association for all results and one for all
requests. The first attempt is made at once, later ones ever more rarely over a week; as soon as the node
answers again, everything that waits for it goes out. Every step is a row before the next one begins, and
each may be taken twice: a device hears the same result again rather than never.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone

from archive.custody import Custody, ObjectName, objects_commit, objects_examine
from archive.events import event_record
from dicomnet.commitment_datasets import Report
from dicomnet.commitment_results import commitment_result_record
from dicomnet.models import AENode, Commitment, CommitmentObject
from dicomnet.scu.client import NotAssociated, peer_of
from dicomnet.scu.commitment import PATIENCE, CommitmentCall, Refused, commitment_call
from dicomnet.scu.noted import diary_outgoing
from dicomnet.status import Status

log = logging.getLogger("lightbox.commit")

Direction, State = Commitment.Direction, Commitment.State
TRY_FOR: Final = timedelta(days=7)
KEPT_FOR: Final = timedelta(days=90)
CLAIM: Final = timedelta(seconds=120)  # longer than one message and its answer take
STORE_PATIENCE: Final = timedelta(hours=1)  # for a store that does not answer
TURN_SECONDS: Final = 3.0  # of reading back, before another node has its turn
MOST_IN_ONE_ASSOCIATION: Final = 200
LINGER_SECONDS: Final = 10.0  # for an answer on the association of the request
_AT_ONCE: Final = 20  # objects read back between two looks at the clock
Detail = Mapping[str, Any]
_PAUSES: Final = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600)  # seconds before the next attempt
_REASONS: Final = {
    Custody.HELD: 0,
    Custody.UNKNOWN: Status.NO_SUCH_SOP_INSTANCE,
    Custody.OTHER_CLASS: Status.CLASS_INSTANCE_CONFLICT,
    Custody.DAMAGED: Status.PROCESSING_FAILURE,
    Custody.UNREADABLE: Status.PROCESSING_FAILURE,
}


def pause_before(attempts: int) -> timedelta:
    """How long to wait after so many attempts that failed."""
    return timedelta(seconds=_PAUSES[min(max(attempts, 1), len(_PAUSES)) - 1])


def commitments_deliver(*, node_id: int) -> datetime | None:
    """Say what is due to a node. Returns when to come back, None when nothing waits for it any more."""
    node = AENode.objects.filter(pk=node_id).first()
    if node is None:
        _orphans_end()
        return None
    _ends(node)
    waiting = node.commitments.filter(state=State.WAITING)
    if _free(waiting).filter(due_at__lte=timezone.now()).exists():
        if not _all_examined(waiting):
            return timezone.now()
        for direction in Direction:
            _say(node, direction)
    return _next_due(node, waiting)


def _free(rows: QuerySet[Commitment]) -> QuerySet[Commitment]:
    return rows.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=timezone.now()))


def _next_due(node: AENode, waiting: QuerySet[Commitment]) -> datetime | None:
    """When the first of those that wait may be said: its time has come, and nobody else is at it. Or when the
    first answer has not come for too long."""
    free = _free(waiting).aggregate(at=Min("due_at"))["at"]
    claimed = waiting.filter(claimed_until__gt=timezone.now()).aggregate(at=Min("claimed_until"))["at"]
    asked = node.commitments.filter(state=State.AWAITED).aggregate(at=Min("created_at"))["at"]
    ends = asked + TRY_FOR if asked else None
    return min((at for at in (free, claimed, ends) if at is not None), default=None)


def _ends(node: AENode) -> None:
    """What is not awaited any longer, and what nobody needs to remember any longer."""
    now = timezone.now()
    silent = node.commitments.filter(state=State.AWAITED, created_at__lte=now - TRY_FOR)
    for pk in list(silent.values_list("pk", flat=True)):
        with transaction.atomic():
            if silent.filter(pk=pk).update(state=State.GAVE_UP, error="no-result", finished_at=now):
                event_record(topic="commitment", key=str(pk))
    old = node.commitments.filter(state__in=(State.DONE, State.GAVE_UP), finished_at__lte=now - KEPT_FOR)
    node.commitments.filter(pk__in=list(old.values_list("pk", flat=True)[:_AT_ONCE])).delete()


def _orphans_end() -> None:
    """The node is gone: there is nobody to say anything to."""
    waiting = Commitment.objects.filter(node__isnull=True, state__in=(State.WAITING, State.AWAITED))
    waiting.update(state=State.GAVE_UP, error="node-gone", finished_at=timezone.now())


# ---------------------------------------------------------------------- what we can vouch for


def _all_examined(waiting: QuerySet[Commitment]) -> bool:
    """Examine what was asked of us for a while; whether nothing is left. Progress is kept."""
    turn_ends = time.monotonic() + TURN_SECONDS
    for commitment in _free(waiting).filter(direction=Direction.RECEIVED).order_by("due_at", "id"):
        if not commitment_examine(commitment, until=turn_ends):
            return False
    return True


def commitment_examine(commitment: Commitment, *, until: float) -> bool:
    """Find out the result of a request, for as long as ``until`` (monotonic); whether it is all known.

    A store that does not answer is given time: the request is put off, and counts as dealt with here.
    """
    unknown = commitment.objects_named.filter(failure_reason__isnull=True)
    if commitment.duplicate:
        unknown.update(failure_reason=Status.DUPLICATE_TRANSACTION_UID)
    while objects := list(unknown.order_by("id")[:_AT_ONCE]):
        if time.monotonic() > until:
            return False
        verdicts = objects_examine(
            names=[ObjectName(one.sop_class_uid, one.sop_instance_uid) for one in objects]
        )
        waited = timezone.now() - commitment.created_at
        if Custody.UNREADABLE in verdicts.values() and waited < STORE_PATIENCE:
            put_off([commitment], "store-unreadable", {})
            return True
        with transaction.atomic():
            objects_commit(verdicts=verdicts)
            for one in objects:
                verdict = verdicts[ObjectName(one.sop_class_uid, one.sop_instance_uid)]
                one.failure_reason = int(_REASONS[verdict])
            CommitmentObject.objects.bulk_update(objects, ["failure_reason"])
    return True


def report_of(commitment: Commitment) -> Report | None:
    """The result as it is told; None while some of it is not known."""
    committed: list[ObjectName] = []
    failed: list[tuple[ObjectName, int]] = []
    for one in commitment.objects_named.order_by("id").iterator():
        name = ObjectName(one.sop_class_uid, one.sop_instance_uid)
        if one.failure_reason is None:
            return None
        if one.failure_reason == 0:
            committed.append(name)
        else:
            failed.append((name, one.failure_reason))
    return Report(commitment.transaction_uid, tuple(committed), tuple(failed))


# ---------------------------------------------------------------------- saying it


def _say(node: AENode, direction: str) -> None:
    """Say everything of one direction on one association, if something is due: what is due first."""
    now = timezone.now()
    mine = _free(node.commitments.filter(state=State.WAITING, direction=direction)).order_by("due_at", "id")
    due = list(mine.filter(due_at__lte=now)[:MOST_IN_ONE_ASSOCIATION])
    if not due:
        return
    if not node.active:
        put_off(due, "node-inactive", {})
        return
    queue = deque([*due, *mine.filter(due_at__gt=now)[:MOST_IN_ONE_ASSOCIATION]])
    try:
        peer = peer_of(node)
        with (
            diary_outgoing(peer=peer, calling=settings.PACS_AE_TITLE, node=node) as entry,
            commitment_call(
                peer,
                entry=entry,
                as_provider=direction == Direction.RECEIVED,
                take=lambda report: commitment_result_record(report=report) is not None,
                linger=LINGER_SECONDS if node.commit_same_association else 0.0,
            ) as call,
        ):
            while queue:
                _say_one(call, queue[0])
                queue.popleft()
    except NotAssociated as error:
        log.warning("%s: no storage commitment now: %s", node.ae_title, error)
        _interrupted(queue, due, error.failure.value, _detail(node, error))
    except Exception:
        log.exception("storage commitment with %s failed", node.ae_title)
        _interrupted(queue, due, "unexpected", {})


def _detail(node: AENode, error: NotAssociated) -> Detail:
    """What goes into the sentence about a failure (``dicomnet.scu.probe_words``)."""
    return {
        "host": node.host,
        "port": node.port,
        "called": node.ae_title,
        "calling": settings.PACS_AE_TITLE,
        "seconds": f"{PATIENCE.answer:g}",
        "said": error.detail,
    }


def _interrupted(left: Iterable[Commitment], due: Collection[Commitment], error: str, detail: Detail) -> None:
    """Put off what was due; what was not waits for its time as before."""
    put_off([row for row in left if row in due], error, detail)
    early = [row.pk for row in left if row not in due]
    Commitment.objects.filter(pk__in=early, state=State.WAITING).update(claimed_until=None)


def _claim(row: Commitment) -> bool:
    """Whether this one is ours to say for a while."""
    until = timezone.now() + CLAIM
    mine = _free(Commitment.objects.filter(pk=row.pk, state=State.WAITING))
    return bool(mine.update(claimed_until=until))


def _say_one(call: CommitmentCall, row: Commitment) -> None:
    """Say one thing and write down that it was heard. Raises ``NotAssociated``."""
    if row.direction == Direction.RECEIVED:
        report = report_of(row)
        if report is None or not _claim(row):
            return
    elif not _claim(row):
        return
    try:
        if row.direction == Direction.RECEIVED:
            assert report is not None
            call.report(report)
        else:
            names = row.objects_named.order_by("id").values_list("sop_class_uid", "sop_instance_uid")
            call.request(row.transaction_uid, [ObjectName(*name) for name in names])
    except Refused as refused:
        put_off([row], "refused", {"status": f"{refused.status:04X}"})
    else:
        heard(row)


@transaction.atomic
def heard(row: Commitment) -> None:
    """The node has heard it: a result is done with, a request of ours awaits its answer.

    The answer may have come before the response to the request: then it stays.
    """
    done = row.direction == Direction.RECEIVED
    Commitment.objects.filter(pk=row.pk, state=State.WAITING).update(
        state=State.DONE if done else State.AWAITED,
        finished_at=timezone.now() if done else None,
        attempts=F("attempts") + 1,
        claimed_until=None,
        error="",
        error_detail={},
    )
    event_record(topic="commitment", key=str(row.pk))


def put_off(rows: Iterable[Commitment], error: str, detail: Detail) -> None:
    """It was not heard: note why, and when to try again; after a week, not again by ourselves."""
    for row in rows:
        now = timezone.now()
        over = now - row.created_at >= TRY_FOR
        with transaction.atomic():
            Commitment.objects.filter(pk=row.pk, state=State.WAITING).update(
                state=State.GAVE_UP if over else State.WAITING,
                finished_at=now if over else None,
                attempts=F("attempts") + 1,
                due_at=now + pause_before(row.attempts + 1),
                claimed_until=None,
                error=error,
                error_detail=detail,
            )
            event_record(topic="commitment", key=str(row.pk))
