"""The outbox: what happened, recorded where it happened, and how a process follows it.

An event is a topic and a key and carries no state: who follows re-reads what the key names. Topics:
``study`` (study pk), ``quarantine``, ``job`` (print job pk), ``probe`` (pk), ``printer`` (pk),
``caller``, ``worklist`` (scheduled step pk), ``performed`` (performed step pk), ``transfer`` (pk),
``transfer-plan`` (pk), ``remote`` (query pk), ``retrieval`` (pk), ``commitment`` (pk).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db.models import Max, Q
from django.utils import timezone

from archive.models import Event
from archive.statements import row_insert

OVERLAP_SECONDS: Final = 60.0  # longer than any transaction that records an event takes to commit
MOST_AT_ONCE: Final = 5000
MOST_GAPS: Final = 500


def event_record(*, topic: str, key: str) -> None:
    """Record an event. Call it in the transaction of the change it tells of: both are there, or neither."""
    row_insert(Event, topic=topic, key=key, created_at=timezone.now(), routed_at=None)


class EventTail:
    """Follows the outbox from now on.

    On PostgreSQL a row with a smaller id can appear after one with a larger id, because ids are given
    before the commit. So an id that was skipped is asked for again for a while (``overlap`` seconds). No
    event is missed whose transaction took less than that from insert to commit; none is reported twice.
    """

    def __init__(
        self, *, overlap: float = OVERLAP_SECONDS, position: tuple[int, Iterable[int]] | None = None
    ) -> None:
        """Begin now, or where another tail has been (its ``position``)."""
        self._last: int
        self._overlap = overlap
        self._skipped: dict[int, float] = {}  # id -> when we noticed that it is missing
        if position is not None:
            self._last, skipped = position
            self._notice(skipped)
            return
        self._last = Event.objects.aggregate(newest=Max("id"))["newest"] or 0
        first = max(1, self._last - MOST_GAPS)
        there = set(Event.objects.filter(id__gte=first).values_list("id", flat=True))
        self._notice(number for number in range(first, self._last) if number not in there)

    @property
    def position(self) -> tuple[int, list[int]]:
        """How far it has read, and the ids before that which are still asked for."""
        return self._last, list(self._skipped)

    def poll(self) -> list[tuple[str, str]]:
        """Return what happened since the last poll: each (topic, key) once, in order of its first event."""
        wanted = Q(id__gt=self._last)
        if self._skipped:
            wanted |= Q(id__in=list(self._skipped))
        rows = Event.objects.filter(wanted).order_by("id").values_list("id", "topic", "key")[:MOST_AT_ONCE]
        fresh: dict[tuple[str, str], None] = {}
        for number, topic, key in rows:
            fresh[topic, key] = None
            if number > self._last:
                self._notice(range(max(self._last + 1, number - MOST_GAPS), number))
                self._last = number
            else:
                self._skipped.pop(number, None)
        self._forget()
        return list(fresh)

    def _notice(self, numbers: Iterable[int]) -> None:
        now = time.monotonic()
        for number in numbers:
            self._skipped[number] = now
        while len(self._skipped) > MOST_GAPS:
            del self._skipped[next(iter(self._skipped))]

    def _forget(self) -> None:
        """Rolled back ids never come: stop asking for them after a while."""
        until = time.monotonic() - self._overlap
        self._skipped = {number: at for number, at in self._skipped.items() if at > until}


def events_prune(*, before: datetime) -> int:
    """Remove events older than ``before``; return how many. Followers live in seconds, not days."""
    return Event.objects.filter(created_at__lt=before).delete()[0]
