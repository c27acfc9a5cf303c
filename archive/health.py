"""Is the archive well? Heartbeats of its processes, the database, the disk: what `/healthz` and the
status line of every page tell."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

HEARTBEAT_SECONDS = 1.0
SILENT_AFTER_SECONDS = 6.0
LOW_DISK_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Health:
    """``ok`` is False when somebody should act; ``disk_free`` in bytes, ``disk_used`` from 0 to 1."""

    scp: bool
    jobs: bool
    database: bool
    disk: bool
    disk_free: int
    disk_used: float

    @property
    def ok(self) -> bool:
        return self.scp and self.jobs and self.database and self.disk


def _heartbeat_path(name: str) -> Path:
    return Path(settings.DATA_DIR) / "alive" / name


def heartbeat_touch(*, name: str) -> None:
    """Say that the process called ``name`` is alive now. On a disk that takes nothing it goes unheard."""
    path = _heartbeat_path(name)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def heartbeats_forget() -> None:
    """Forget who was alive when the archive last ran: who starts it waits for each process anew."""
    for path in _heartbeat_path("").glob("*"):
        with contextlib.suppress(OSError):
            path.unlink()


def heartbeat_start(*, name: str) -> threading.Event:
    """Touch the heartbeat from a thread until the returned event is set."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.is_set():
            heartbeat_touch(name=name)
            stop.wait(HEARTBEAT_SECONDS)

    threading.Thread(target=beat, name=f"heartbeat-{name}", daemon=True).start()
    return stop


def heartbeat_alive(*, name: str) -> bool:
    """True when the process called ``name`` was heard of in the last seconds."""
    try:
        return time.time() - _heartbeat_path(name).stat().st_mtime < SILENT_AFTER_SECONDS
    except FileNotFoundError:
        return False


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def health_now() -> Health:
    """Look once. Never raises; costs three file look-ups and one query."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    return Health(
        scp=heartbeat_alive(name="scp"),
        jobs=heartbeat_alive(name="jobs"),
        database=_database_answers(),
        disk=usage.free > LOW_DISK_BYTES and os.access(settings.DATA_DIR, os.W_OK),
        disk_free=usage.free,
        disk_used=usage.used / usage.total,
    )
