"""The diary's rows: written at the end, now and then while an association lasts, and pruned.

A row of a running association names the process that writes it. Each such process holds a lock on a file
(``archive.jobs.WorkerMark``) for as long as it lives, so that rows of a killed one can be told apart and
closed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from archive.jobs import WorkerMark, mark_alive, worker_marks_sweep
from dicomnet.diary.entry import End, Entry, Outcome
from dicomnet.models import AENode, Association

LANE: Final = "diary"
STRANGER_HOURS: Final = 24.0  # a running row of another machine is believed for so long
_PRUNED_AT_ONCE: Final = 2000
_PRUNED_A_TURN: Final = 50

_mark: tuple[int, WorkerMark] | None = None


def process_mark() -> str:
    """The name of this process in the diary. Made when it is first asked for, again after a fork."""
    global _mark  # noqa: PLW0603  a process has one name
    if _mark is None or _mark[0] != os.getpid():
        _mark = os.getpid(), WorkerMark(LANE)
    return _mark[1].worker_id


def process_leave() -> None:
    """This process writes no more."""
    global _mark  # noqa: PLW0603
    if _mark is not None and _mark[0] == os.getpid():
        _mark[1].close()
        _mark = None


def entry_write(*, entry: Entry) -> int:
    """Write an entry as it is now, a new row or the one it has; returns its key.

    At the end of an association call ``entry_close`` first, then this in the transaction of its audit row.
    """
    values = entry.values()
    values["process"] = "" if entry.end is not None else process_mark()
    if entry.pk is None or not Association.objects.filter(pk=entry.pk).update(**values):
        entry.pk = Association.objects.create(**values).pk
    return entry.pk


def entry_close(*, entry: Entry, end: End, reason: str = "", detail: str = "") -> None:
    """The association has ended: from now on only the caller writes its row.

    Waits for another thread that is writing it. Not to be called inside a transaction: the two would wait
    for each other.
    """
    with entry.lock:
        entry.over(end, reason=reason, detail=detail)


def running_write(*, entries: Iterable[Entry]) -> int:
    """Write those of the running associations that are due; returns how many."""
    now = time.monotonic()
    written = 0
    for entry in entries:
        if not entry.due(now):
            continue
        with entry.lock:
            if entry.end is None:
                entry_write(entry=entry)
                written += 1
    return written


def killed_close() -> int:
    """Close the rows of associations whose process died with them; returns how many."""
    closed = 0
    running = Association.objects.filter(outcome=Outcome.RUNNING)
    for process in running.order_by().values_list("process", flat=True).distinct():
        alive = mark_alive(process)
        rows = running.filter(process=process)
        if alive is None:  # another machine's
            rows = rows.filter(began__lt=timezone.now() - timedelta(hours=STRANGER_HOURS))
        if not alive:
            closed += rows.update(
                outcome=Outcome.BROKEN, end=End.KILLED, reason="killed", ended=timezone.now(), process=""
            )
    worker_marks_sweep(LANE)
    return closed


def refused_write(*, entry: Entry, calls: int, again: int | None = None) -> int:
    """Write somebody who was not let in; or add the calls to the row ``again``, if it is still there."""
    row = Association.objects.filter(pk=again).first() if again is not None else None
    if row is not None:
        row.calls += calls
        row.ended = timezone.now()
        row.seconds = round((row.ended - row.began).total_seconds(), 3)
        row.save(update_fields=["calls", "ended", "seconds"])
        return row.pk
    node = AENode.objects.filter(ae_title=entry.peer).only("id").first() if entry.peer else None
    entry.node_id = node.pk if node else None
    pk = entry_write(entry=entry)
    if calls > 1:
        Association.objects.filter(pk=pk).update(calls=calls)
    return pk


def diary_prune() -> int:
    """Remove what is older than the site keeps; returns how many rows. In small bites: nobody waits long."""
    before = timezone.now() - timedelta(days=settings.PACS_DIARY_DAYS)
    removed = 0
    for _turn in range(_PRUNED_A_TURN):
        old = Association.objects.filter(began__lt=before).order_by("began")
        some = list(old.values_list("pk", flat=True)[:_PRUNED_AT_ONCE])
        if not some:
            break
        removed += Association.objects.filter(pk__in=some).delete()[0]
    return removed


def diary_keep() -> None:
    """Housekeeping: rows of dead processes are closed, old rows go."""
    killed_close()
    diary_prune()
