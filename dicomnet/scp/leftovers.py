"""What an association leaves behind when it is over: its diary entry and its rows of the audit trail.

When they cannot be written, because the disk is full or the database is away, they are kept in memory and
written when there is room again. They are not worth refusing images for, and not to be lost either.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, transaction

from archive.audit import audit_received, audit_record
from archive.models import AuditEvent
from dicomnet.diary.entry import Entry
from dicomnet.diary.writing import entry_write

log = logging.getLogger("lightbox.scp")

_MOST_KEPT: Final = 2000  # a few kilobytes each
_CANNOT: Final = (DatabaseError, InterfaceError, OSError)


@dataclass(frozen=True, slots=True)
class Leftover:
    """Of one association. ``instance_ids`` are those received that no row of the trail tells of yet."""

    entry: Entry | None
    instance_ids: tuple[int, ...]
    actor_name: str
    address: str
    success: bool
    detail: dict[str, Any]
    since: float = field(default_factory=time.monotonic)

    def write(self) -> None:
        """Write everything, or nothing. Raises what the database raises."""
        before = self.entry.pk if self.entry is not None else None
        late = round(time.monotonic() - self.since)
        try:
            with transaction.atomic():
                if self.entry is not None:
                    entry_write(entry=self.entry)
                audit_received(
                    instance_ids=self.instance_ids, actor_name=self.actor_name, source=self.address
                )
                audit_record(
                    action=AuditEvent.Action.ASSOCIATION,
                    actor_name=self.actor_name,
                    source=self.address,
                    object=self.actor_name,
                    success=self.success,
                    detail=self.detail | ({"late_seconds": late} if late else {}),
                )
        except BaseException:
            if self.entry is not None:
                self.entry.pk = before  # a key that was rolled back is given to somebody else
            raise


class Leftovers:
    """Writes them, and keeps what cannot be written. One for a process, safe to share between threads."""

    def __init__(self, *, most: int = _MOST_KEPT) -> None:
        self._kept: deque[Leftover] = deque()
        self._most = most
        self._lock = threading.Lock()
        self._settling = threading.Lock()

    def write(self, left: Leftover) -> None:
        """Write it now, or keep it for ``settle``."""
        try:
            left.write()
        except _CANNOT as error:
            log.error("the end of an association with %s waits to be written: %s", left.actor_name, error)
            with self._lock:
                self._kept.append(left)
                if len(self._kept) > self._most:
                    lost = self._kept.popleft()
                    log.error("the end of an association with %s is lost: too many wait", lost.actor_name)

    def settle(self) -> int:
        """Write what was kept, the oldest first, until one cannot be written; returns how many still wait.

        That one goes to the end: should only it be unwritable, it holds nobody up.
        """
        with self._settling:
            while True:
                with self._lock:
                    if not self._kept:
                        return 0
                    left = self._kept.popleft()
                try:
                    left.write()
                except _CANNOT:
                    with self._lock:
                        self._kept.append(left)
                        return len(self._kept)
                log.info("the end of an association with %s is written now", left.actor_name)
