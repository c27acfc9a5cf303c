"""Background jobs: which lanes there are, and what becomes of a job whose worker was killed.

A job is a row that commits with what it belongs to (django-tasks-db). A worker that dies leaves its row
RUNNING; nobody would take it again. Every worker holds a lock on a file of its own for as long as it
lives, so a later one can tell a job that is being done from one that was left behind.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from archive.events import events_prune
from archive.removal import removals_finish

log = structlog.get_logger(__name__)

# Lane and how often it looks for work, in seconds. Somebody waits for an interactive job.
LANES: Final = {"default": 0.5, "interactive": 0.1, "print": 0.5, "commit": 0.5}
MOST_ATTEMPTS: Final = 3
STRANGER_HOURS: Final = 1.0  # a worker we know nothing of is given this long for a job
EVENTS_KEPT: Final = timedelta(days=1)


class WorkerLost(Exception):
    """The worker died with the job, again and again."""


class WorkerMark:
    """A worker's name, and the lock that says it is alive. The kernel frees the lock with the process."""

    def __init__(self, lane: str) -> None:
        self.worker_id = f"{socket.gethostname()[:20]}.{lane}.{os.getpid()}.{secrets.token_hex(4)}"
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / self.worker_id
        unseen = folder / f".{self.worker_id}"  # a mark without its lock would pass for a dead worker's
        self._fd = os.open(unseen, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        unseen.rename(self._path)

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._fd)


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "workers"


def jobs_recover(queues: Iterable[str]) -> int:
    """Put back every job of these queues whose worker is dead; return how many.

    A job that has lost its worker three times is failed instead: it may be what kills them. Safe to call from
    several processes at once: each row changes only from the very state that was looked at.
    """
    recovered = 0
    for job in DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING, queue_name__in=list(queues)):
        if _worker_alive(job):
            continue
        same = DBTaskResult.objects.filter(
            pk=job.pk, status=TaskResultStatus.RUNNING, started_at=job.started_at
        )
        if len(job.worker_ids) >= MOST_ATTEMPTS:
            same.update(
                status=TaskResultStatus.FAILED,
                finished_at=timezone.now(),
                exception_class_path=f"{WorkerLost.__module__}.{WorkerLost.__qualname__}",
                traceback=f"The worker died {len(job.worker_ids)} times while it did this.",
            )
            log.error("a job lost its worker too often", job=str(job.pk), task=job.task_path)
        elif same.update(status=TaskResultStatus.READY, started_at=None):
            log.warning("a job lost its worker and is queued again", job=str(job.pk), task=job.task_path)
            recovered += 1
    return recovered


def _worker_alive(job: DBTaskResult[Any, Any]) -> bool:
    worker_id = job.worker_ids[-1] if job.worker_ids else ""
    return worker_alive(worker_id=worker_id, since=job.started_at or job.enqueued_at)


def worker_alive(*, worker_id: str, since: datetime) -> bool:
    """Say whether the worker that took something up at ``since`` still lives.

    One of another host cannot be asked: it is taken to live for an hour.
    """
    alive = mark_alive(worker_id)
    return bool(timezone.now() - since < timedelta(hours=STRANGER_HOURS)) if alive is None else alive


def mark_alive(worker_id: str) -> bool | None:
    """Whether the worker with this mark lives; None for one of another machine, of which we know nothing."""
    host, _, rest = worker_id.partition(".")
    if rest.count(".") != 2 or host != socket.gethostname()[:20]:
        return None
    try:
        fd = os.open(_folder() / worker_id, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    (_folder() / worker_id).unlink(missing_ok=True)
    return False


def worker_marks_sweep(lane: str) -> None:
    """Remove the marks that dead workers of a lane of this machine left."""
    for path in _folder().glob(f"{socket.gethostname()[:20]}.{lane}.*"):
        mark_alive(path.name)


def housekeeping_run() -> None:
    """What has to be done now and then: old events go, files whose rows were deleted, and what the rooms
    above have to do (``PACS_HOUSEKEEPING`` of the settings names it)."""
    events_prune(before=timezone.now() - EVENTS_KEPT)
    removals_finish()
    for chore in settings.PACS_HOUSEKEEPING:
        import_string(chore)()
