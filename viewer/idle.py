"""The idle lock: a session nobody touched for a set time ends, on every page and socket.

Only a person counts: pages and forms opened, and keys and pointers, which the page reports. Sockets,
live updates and polls do not.
"""

from __future__ import annotations

import time
from typing import Final

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

ACTIVE_AT: Final = "active_at"
BACKGROUND_HEADER: Final = "X-Background"  # sent by scripts for requests no person made


def seconds_left(session: SessionBase) -> float | None:
    """Return how long this session stays open without a touch; None when it never locks.

    Zero or less: it is locked now.
    """
    if not settings.IDLE_LOCK_SECONDS:
        return None
    touched = session.get(ACTIVE_AT)
    if touched is None:
        return float(settings.IDLE_LOCK_SECONDS)
    return float(touched) + settings.IDLE_LOCK_SECONDS - time.time()


def activity_mark(session: SessionBase) -> None:
    """Note that a person did something now; at most every tenth of the time, for a write costs a flush."""
    now = time.time()
    step = min(60.0, settings.IDLE_LOCK_SECONDS / 10)
    if settings.IDLE_LOCK_SECONDS and now - float(session.get(ACTIVE_AT, 0)) >= step:
        session[ACTIVE_AT] = now
