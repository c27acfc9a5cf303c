"""The lane that routes, sends and fetches: a thread for each node that has something due, so that a dead one
delays nobody.

Transfers and retrievals are themselves the queues, one for each node, in the order they were asked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.db import DatabaseError, connections
from django.db.models import Q, QuerySet
from django.utils import timezone

from dicomnet.models import Retrieval, Transfer
from dicomnet.retrieve_run import retrieval_execute, retrievals_recover
from dicomnet.routing import Router
from dicomnet.send_run import transfer_execute, transfers_recover

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 0.25
RECOVER_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 2.0
MOST_THREADS: Final = 32


def lane_run(*, worker_id: str, stopping: Callable[[], bool], batch: bool = False) -> None:
    """Work the queues until told to stop; with ``batch`` until nothing is due."""
    lane, router = _Lane(worker_id, stopping), Router()
    recovered = -RECOVER_SECONDS
    while not stopping():
        try:
            if time.monotonic() - recovered >= RECOVER_SECONDS:
                transfers_recover(worker_id=worker_id)
                retrievals_recover(worker_id=worker_id)
                recovered = time.monotonic()
            busy = router.look()
            busy = lane.look() or busy
        except DatabaseError as error:
            log.warning("the queues cannot be read", error=str(error))
            connections.close_all()
            time.sleep(RETRY_SECONDS)
            continue
        if batch and not busy:
            break
        time.sleep(LOOK_SECONDS)
    lane.join()


@dataclass(frozen=True, slots=True)
class Queue:
    """Rows that wait for a node, and what takes one of them."""

    name: str
    due: Callable[[], QuerySet[Any]]
    execute: Callable[[int, str, Callable[[], bool]], None]


def _transfers_due() -> QuerySet[Any]:
    now = timezone.now()
    return Transfer.objects.filter(
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now),
        node__active=True,
        state=Transfer.State.WAITING,
    )


def _retrievals_due() -> QuerySet[Any]:
    return Retrieval.objects.filter(node__active=True, state=Retrieval.State.WAITING)


QUEUES: Final = (
    Queue(
        "send",
        _transfers_due,
        lambda pk, worker, stop: transfer_execute(transfer_id=pk, worker_id=worker, stopping=stop),
    ),
    Queue(
        "retrieve",
        _retrievals_due,
        lambda pk, worker, stop: retrieval_execute(retrieval_id=pk, worker_id=worker, stopping=stop),
    ),
)


class _Lane:
    def __init__(self, worker_id: str, stopping: Callable[[], bool]) -> None:
        self._worker_id = worker_id
        self._stopping = stopping
        self._threads: dict[tuple[str, int], threading.Thread] = {}

    def look(self) -> bool:
        """Give each queue that has something due a thread; say whether there is anything to do."""
        for key, thread in list(self._threads.items()):
            if not thread.is_alive():
                del self._threads[key]
        waiting = False
        for queue in QUEUES:
            for node_id in queue.due().order_by().values_list("node_id", flat=True).distinct():
                waiting = True
                if (queue.name, node_id) not in self._threads and len(self._threads) < MOST_THREADS:
                    self._start(queue, node_id)
        return waiting or bool(self._threads)

    def join(self) -> None:
        for thread in self._threads.values():
            thread.join()

    def _start(self, queue: Queue, node_id: int) -> None:
        thread = threading.Thread(target=self._work, args=[queue, node_id], name=f"{queue.name}-{node_id}")
        self._threads[queue.name, node_id] = thread
        thread.start()

    def _work(self, queue: Queue, node_id: int) -> None:
        """Work off what is due with one node, one after the other."""
        try:
            while not self._stopping():
                rows = queue.due().filter(node_id=node_id).order_by("id")
                first = rows.values_list("id", flat=True).first()
                if first is None:
                    break
                queue.execute(first, self._worker_id, self._stopping)
        except DatabaseError as error:
            log.warning("a queue has to wait", queue=queue.name, node=node_id, error=str(error))
        finally:
            connections.close_all()
