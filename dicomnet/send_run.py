"""Run a transfer: what is still to go goes, what became of each object is a row as soon as it is known.

A run can be ended at any moment, by ``kill -9`` too. What arrived is in its row, so the next run goes on
behind it; the few objects whose answers were not written yet go once more, which a receiver does not
mind, and are counted once. The rows keep two runs of one transfer apart: each has a number, and writes
only while that number is the transfer's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from archive.custody import ObjectName
from archive.dicom.values import clip
from archive.events import event_record
from archive.jobs import worker_alive
from archive.selectors import objects_by_key
from dicomnet.commitment import commitment_request
from dicomnet.models import Transfer, TransferItem
from dicomnet.scu.client import NotAssociated, Patience, peer_of
from dicomnet.scu.noted import diary_outgoing
from dicomnet.scu.storing import LOST, Outgoing, Sent, objects_send
from dicomnet.send_outcome import ARRIVED, GIVE_UP_AFTER, MOST_BREAKS, Verdict, back_off, no_room, verdict_of
from dicomnet.sending_plan import outgoing_of

log = logging.getLogger(__name__)

WRITE_AT: Final = 8  # answers that wait to be written, at most: what a kill makes us send again
WRITE_SECONDS: Final = 0.4
NO_ROOM_MOST: Final = 3  # after so many in a row the receiver is left alone for a while
ItemState = TransferItem.State


_running: Final[set[int]] = set()  # transfers that a thread of this process has in hand


class TakenOver(Exception):
    """Another run holds the transfer, or it is no longer there."""


def transfer_execute(
    *,
    transfer_id: int,
    worker_id: str = "",
    stopping: Callable[[], bool] = lambda: False,
    patience: Patience = Patience(),  # noqa: B008  frozen
) -> None:
    """Send what is left of a waiting transfer; returns with it in a state that says what became of it.

    ``stopping`` ends it between two objects; the rest then waits for the next run. A transfer that somebody
    else took, or that is over, is left alone.
    """
    transfer = _transfer_take(transfer_id, worker_id)
    if transfer is None:
        return
    ledger = Ledger(transfer, stopping)
    _running.add(transfer.pk)
    try:
        failure, detail = _objects_send(transfer, ledger, patience)
        _transfer_settle(transfer, ledger, failure, detail)
    except TakenOver:
        log.info("transfer %s: another run holds it", transfer.pk)
    except Exception:
        log.exception("transfer %s: unexpected", transfer.pk)
        _transfer_settle(transfer, ledger, "internal", "")
    finally:
        _running.discard(transfer.pk)


def transfers_recover(*, worker_id: str = "") -> int:
    """Let transfers wait again that nobody has in hand any more; return how many.

    Their worker died, or it is this one (``worker_id``) and the database was away when they should have
    been given back. Those whose node is gone are ended.
    """
    recovered = 0
    for pk in Transfer.objects.filter(state=Transfer.State.WAITING, node=None).values_list("pk", flat=True):
        transfer_execute(transfer_id=pk)  # it finds that out
    for transfer in Transfer.objects.filter(state=Transfer.State.SENDING):
        since = transfer.started_at or transfer.created_at
        if transfer.worker == worker_id and transfer.pk not in _running:
            log.warning("transfer %s was not given back", transfer.pk)
        elif worker_alive(worker_id=transfer.worker, since=since):
            continue
        with transaction.atomic():
            same = Transfer.objects.filter(pk=transfer.pk, run=transfer.run, state=Transfer.State.SENDING)
            recovered += same.update(state=Transfer.State.WAITING, worker="")
            event_record(topic="transfer", key=str(transfer.pk))
    return recovered


def _objects_send(transfer: Transfer, ledger: Ledger, patience: Patience) -> tuple[str, str]:
    """Send; return why not everything could be tried, if so: a reason and its detail."""
    node = transfer.node
    if node is None:
        return "no-node", ""
    objects = ledger.outgoing()
    if not objects:
        return "", ""
    peer, calling = peer_of(node), settings.PACS_AE_TITLE
    answers = objects_send(
        peer=peer,
        objects=objects,
        calling=calling,
        noted=partial(diary_outgoing, peer=peer, calling=calling, node=node),
        patience=patience,
        stopping=ledger.stopping,
    )
    try:
        for sent in answers:
            ledger.note(sent)
    except NotAssociated as error:
        return error.failure.value, error.detail
    finally:
        ledger.write()
    return ledger.trouble, ""


class Ledger:
    """What is still to go in one run, and what became of it: written a few at a time."""

    def __init__(self, transfer: Transfer, stopping: Callable[[], bool]) -> None:
        self._transfer = transfer
        self._stop = stopping
        self._items: dict[str, TransferItem] = {}
        self._answers: list[tuple[TransferItem, Sent, Verdict]] = []
        self._written = time.monotonic()
        self._no_room = 0
        self.arrived = 0
        self.cancelled = transfer.cancel_requested
        self.trouble = ""  # the last reason for which something has to be tried again

    def outgoing(self) -> list[Outgoing]:
        """What waits, the least troublesome first; what was removed meanwhile is noted as such."""
        waiting = list(self._transfer.items.filter(state=ItemState.WAITING).order_by("attempts", "id"))
        stored = objects_by_key(keys=[item.instance_id for item in waiting if item.instance_id])
        objects = []
        for item in waiting:
            found = stored.get(item.instance_id or 0)
            if found is None:
                self._add(item, Sent(item.sop_instance_uid, None, "removed"))
                continue
            self._items[item.sop_instance_uid] = item
            objects.append(outgoing_of(found))
        self.write()
        return objects

    def stopping(self) -> bool:
        return self.cancelled or self._no_room >= NO_ROOM_MOST or self._stop()

    def note(self, sent: Sent) -> None:
        """Take an answer; it is written with the next few."""
        item = self._items.get(sent.sop_instance_uid)
        if item is None or (sent.reason == LOST and self.trouble == LOST):
            return  # behind the object at which the connection broke nothing was tried
        self._no_room = self._no_room + 1 if sent.status is not None and no_room(sent.status) else 0
        self._add(item, sent)
        if len(self._answers) >= WRITE_AT or time.monotonic() - self._written >= WRITE_SECONDS:
            self.write()

    def _add(self, item: TransferItem, sent: Sent) -> None:
        verdict = verdict_of(sent)
        item.attempts += 1
        if verdict.state == ItemState.WAITING:
            self.trouble = verdict.reason
            if sent.status is None and item.attempts >= MOST_BREAKS:
                verdict = Verdict(ItemState.FAILED, "breaks-off")
        self.arrived += verdict.state in ARRIVED
        self._answers.append((item, sent, verdict))

    def write(self) -> None:
        """Write what is known: items, counts and one event in one transaction. Raises ``TakenOver``."""
        self._written = time.monotonic()
        if not self._answers:
            return
        answers, self._answers = self._answers, []
        with transaction.atomic():
            held = Transfer.objects.select_for_update().filter(
                pk=self._transfer.pk, run=self._transfer.run, state=Transfer.State.SENDING
            )
            row = held.values("cancel_requested").first()
            if row is None:
                raise TakenOver
            self.cancelled = row["cancel_requested"]
            fresh = [verdict for item, sent, verdict in answers if _item_write(item, sent, verdict)]
            held.update(
                sent=F("sent") + sum(verdict.state in ARRIVED for verdict in fresh),
                warned=F("warned")
                + sum(verdict.state in (ItemState.WARNING, ItemState.THERE) for verdict in fresh),
                failed=F("failed") + sum(verdict.state == ItemState.FAILED for verdict in fresh),
            )
            event_record(topic="transfer", key=str(self._transfer.pk))


def _item_write(item: TransferItem, sent: Sent, verdict: Verdict) -> bool:
    """Write what became of an object; False when its row has left the queue before: it counts once."""
    moved = TransferItem.objects.filter(pk=item.pk, state=ItemState.WAITING).update(
        state=verdict.state,
        status=sent.status,
        reason=verdict.reason[:64],
        comment=clip(sent.comment, 255),
        transfer_syntax_uid=sent.transfer_syntax_uid[:64],
        attempts=item.attempts,
        sent_at=timezone.now() if verdict.state in ARRIVED else None,
    )
    return moved == 1


def _transfer_take(transfer_id: int, worker_id: str) -> Transfer | None:
    """Take a waiting transfer for this run; None when there is none, or another run was quicker."""
    with transaction.atomic():
        transfer = Transfer.objects.select_related("node").filter(pk=transfer_id).first()
        if transfer is None or transfer.state != Transfer.State.WAITING:
            return None
        now = timezone.now()
        taken = Transfer.objects.filter(
            pk=transfer.pk, run=transfer.run, state=Transfer.State.WAITING
        ).update(state=Transfer.State.SENDING, run=F("run") + 1, worker=worker_id, started_at=now)
        if taken != 1:
            return None
        transfer.run += 1
        transfer.state = Transfer.State.SENDING
        event_record(topic="transfer", key=str(transfer.pk))
    return transfer


def _transfer_settle(transfer: Transfer, ledger: Ledger, failure: str, detail: str) -> None:
    """The run is over: done, or waiting for the next attempt, or stopped."""
    now = timezone.now()
    with transaction.atomic():
        held = Transfer.objects.select_for_update().filter(
            pk=transfer.pk, run=transfer.run, state=Transfer.State.SENDING
        )
        row = held.first()
        if row is None:
            return
        left = row.items.filter(state=ItemState.WAITING).exists()
        changes: dict[str, object] = {"worker": "", "error": failure, "error_detail": detail[:255]}
        if not left:
            state = Transfer.State.FAILED if row.failed else Transfer.State.DONE
            changes |= {"state": state, "finished_at": now, "error": "", "error_detail": "", "attempts": 0}
            _commitment_ask(transfer)
        elif row.cancel_requested:
            changes |= {"state": Transfer.State.CANCELLED, "finished_at": now, "cancel_requested": False}
        elif failure == "no-node":
            changes |= {"state": Transfer.State.FAILED, "finished_at": now}
        elif failure:
            changes |= _put_off(row, ledger, now)
        else:  # told to stop: the rest goes as soon as somebody works again
            changes |= {"state": Transfer.State.WAITING, "next_attempt_at": None}
        held.update(**changes)
        event_record(topic="transfer", key=str(transfer.pk))


def _commitment_ask(transfer: Transfer) -> None:
    """Ask a node that is to be asked whether it keeps what arrived there (PS3.4 J.3.2)."""
    node = transfer.node
    if node is None or not node.ask_commitment:
        return
    arrived = transfer.items.filter(state__in=ARRIVED, instance__isnull=False)
    names = [
        ObjectName(*row)
        for row in arrived.order_by("id").values_list("instance__sop_class_uid", "sop_instance_uid")
    ]
    if names:
        commitment_request(node=node, names=names)


def _put_off(row: Transfer, ledger: Ledger, now: datetime) -> dict[str, object]:
    """When to try again; the node's whole queue waits with it, so that a dead node is called once a round."""
    attempts = 1 if ledger.arrived else row.attempts + 1
    if attempts > 1 and now - row.trying_since > GIVE_UP_AFTER:
        return {"state": Transfer.State.FAILED, "finished_at": now, "attempts": attempts}
    when = now + back_off(attempts)
    queue = Transfer.objects.filter(node_id=row.node_id, state=Transfer.State.WAITING).exclude(pk=row.pk)
    due = queue.filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=when))
    for pk in list(due.values_list("pk", flat=True)):
        event_record(topic="transfer", key=str(pk))
    due.update(next_attempt_at=when)
    return {"state": Transfer.State.WAITING, "next_attempt_at": when, "attempts": attempts}
