"""Run a retrieval: the node is asked, objects come in as by any C-STORE, counts are rows as they are told.

A run can be ended at any moment: the next one asks for the whole study again, and what came before is
recognised as it comes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from archive.audit import audit_received
from archive.events import event_record
from archive.jobs import worker_alive
from archive.storage import Origin
from dicomnet.contexts import Answered, Rights, Service
from dicomnet.dimse.command import Command
from dicomnet.models import AENode, Retrieval
from dicomnet.scp.store import store_begin
from dicomnet.scp.tally import Tally
from dicomnet.scu.client import NotAssociated, peer_of
from dicomnet.scu.noted import diary_outgoing
from dicomnet.scu.retrieve import Arriving, Progress, study_get, study_move
from dicomnet.status import Category, category

log = logging.getLogger(__name__)
WRITE_SECONDS: Final = 0.4
_RIGHTS: Final = Rights(frozenset({Service.STORE}))
State = Retrieval.State
_running: Final[set[int]] = set()  # retrievals that a thread of this process has in hand


class TakenOver(Exception):
    """Another run holds the retrieval, or it is no longer there."""


def retrieval_execute(
    *, retrieval_id: int, worker_id: str = "", stopping: Callable[[], bool] = lambda: False
) -> None:
    """Fetch a waiting retrieval's study; returns with it in a state that says what became of it."""
    retrieval = _take(retrieval_id, worker_id)
    if retrieval is None:
        return
    run = _Run(retrieval, stopping)
    _running.add(retrieval.pk)
    try:
        run.follow()
    except NotAssociated as error:
        run.end(State.FAILED, error.failure.value, error.detail)
    except TakenOver:
        log.info("retrieval %s: another run holds it", retrieval.pk)
    except Exception:
        log.exception("retrieval %s: unexpected", retrieval.pk)
        run.end(State.FAILED, "internal", "")
    finally:
        _running.discard(retrieval.pk)
        run.audit()


def retrievals_recover(*, worker_id: str = "") -> int:
    """Let retrievals wait again that nobody has in hand any more, as ``transfers_recover`` does."""
    recovered = 0
    for row in Retrieval.objects.filter(state=State.RUNNING):
        dropped = row.worker == worker_id and row.pk not in _running
        if dropped or not worker_alive(worker_id=row.worker, since=row.started_at or row.created_at):
            same = Retrieval.objects.filter(pk=row.pk, run=row.run, state=State.RUNNING)
            recovered += same.update(state=State.WAITING, worker="")
    return recovered


class _Run:
    """One run: it writes only while it holds the retrieval."""

    def __init__(self, retrieval: Retrieval, stopping: Callable[[], bool]) -> None:
        self._retrieval = retrieval
        self._stop = stopping
        self._tally = Tally()
        self._cancelled = False
        self._written = 0.0

    def follow(self) -> None:
        """Ask, follow the counts to the last response, and say how it ended."""
        node = self._retrieval.node
        if node is None:
            self.end(State.FAILED, "no-node", "")
            return
        last: Progress | None = None
        for progress in self._progress(node):
            last = progress
            if progress.final or time.monotonic() - self._written >= WRITE_SECONDS:
                self._write(progress)
        self._close(last)

    def _progress(self, node: AENode) -> Iterator[Progress]:
        peer, uid = peer_of(node), self._retrieval.study_instance_uid
        calling = settings.PACS_AE_TITLE
        noted = partial(diary_outgoing, peer=peer, calling=calling, node=node)
        if node.retrieve_by == AENode.RetrieveBy.MOVE:
            return study_move(
                peer=peer, study_instance_uid=uid, calling=calling, stopping=self._stopping, noted=noted
            )
        origin = Origin(node.ae_title, node.host, node.default_charset, node.default_issuer)

        def store(command: Command, context: Answered) -> Arriving:
            return store_begin(command, context, rights=_RIGHTS, origin=origin, tally=self._tally)

        return study_get(
            peer=peer,
            study_instance_uid=uid,
            sop_classes=self._retrieval.sop_classes,
            calling=calling,
            store=store,
            stopping=self._stopping,
            noted=noted,
        )

    def _stopping(self) -> bool:
        return self._cancelled or self._stop()

    def _close(self, last: Progress | None) -> None:
        """The last response: all here, some not, or why nothing came (PS3.4 Table C.4-2, C.4-3)."""
        if last is None or last.status is None:
            self.end(State.FAILED, "lost", "")
            return
        kind = category(last.status)
        said = f"{last.status:04X} {last.comment}".strip()
        if kind is Category.CANCEL:
            self.end(State.CANCELLED if self._cancelled else State.WAITING, "", "")
        elif kind is Category.SUCCESS and not last.failed:
            nothing = not last.completed and not last.warning
            self.end(State.FAILED if nothing else State.DONE, "nothing-came" if nothing else "", said)
        elif last.status == 0xA801:
            self.end(State.FAILED, "destination-unknown", said)
        elif kind is Category.WARNING or last.failed:
            self.end(State.FAILED, "some-failed", said)
        else:
            self.end(State.FAILED, "refused-retrieval", said)

    def _write(self, progress: Progress) -> None:
        self._written = time.monotonic()
        with transaction.atomic():
            rows = self._held()
            row = rows.values("cancel_requested").first()
            if row is None:
                raise TakenOver
            self._cancelled = row["cancel_requested"]
            rows.update(
                completed=progress.completed,
                failed=progress.failed,
                warned=progress.warning,
                remaining=progress.remaining,
                status=progress.status,
            )
            event_record(topic="retrieval", key=str(self._retrieval.pk))

    def end(self, state: Retrieval.State, error: str, detail: str) -> None:
        waits = state == State.WAITING  # this process is stopping, not the person
        with transaction.atomic():
            self._held().update(
                state=state,
                worker="",
                error=error,
                error_detail=detail[:255],
                cancel_requested=False,
                finished_at=None if waits else timezone.now(),
            )
            event_record(topic="retrieval", key=str(self._retrieval.pk))

    def audit(self) -> None:
        """What came over our own association; what came by C-MOVE is recorded where it came in."""
        node = self._retrieval.node
        if self._tally.instance_ids and node is not None:
            audit_received(instance_ids=self._tally.instance_ids, actor_name=node.ae_title, source=node.host)

    def _held(self) -> QuerySet[Retrieval]:
        return Retrieval.objects.filter(pk=self._retrieval.pk, run=self._retrieval.run, state=State.RUNNING)


def _take(retrieval_id: int, worker_id: str) -> Retrieval | None:
    """Take a waiting retrieval for this run; None when there is none, or another run was quicker."""
    with transaction.atomic():
        row = Retrieval.objects.select_related("node").filter(pk=retrieval_id).first()
        if row is None or row.state != State.WAITING:
            return None
        same = Retrieval.objects.filter(pk=row.pk, run=row.run, state=State.WAITING)
        taken = same.update(
            state=State.RUNNING, run=F("run") + 1, worker=worker_id, started_at=timezone.now()
        )
        if taken != 1:
            return None
        row.run += 1
        row.state = State.RUNNING
        event_record(topic="retrieval", key=str(row.pk))
    return row
