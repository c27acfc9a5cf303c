"""Rejected callers are noted, and a flood of them cannot fill the database.

Each (title, host, reason) is written at once the first time, then at most every few seconds with the
number of calls since. New ones come from a bucket of tokens; what does not fit is counted, and said once.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from django.db import DatabaseError, transaction

from archive.audit import audit_record
from archive.models import AuditEvent
from dicomnet.callers import CallerReason, unknown_caller_record
from dicomnet.diary.entry import End, Entry
from dicomnet.diary.writing import refused_write
from dicomnet.dimse.negotiation import Proposal
from dicomnet.scp.guard import TurnedAway

log = logging.getLogger("lightbox.scp")

REPEAT_SECONDS = 5.0
SAME_ROW_SECONDS = 3600.0  # calls of an hour share a row of the diary
NEW_A_MINUTE = 30
_REMEMBERED = 1000


@dataclass(slots=True)
class _Seen:
    written: float
    unwritten: int = 0
    row: int | None = None  # of the diary
    row_since: float = 0.0


class RejectedCallers:
    """What was seen lately. Safe to share between threads."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], _Seen] = {}
        self._tokens = float(NEW_A_MINUTE)
        self._refilled = time.monotonic()
        self._lock = threading.Lock()

    def calls_to_write(self, key: tuple[str, str, str]) -> int:
        """How many calls of this caller to write now; 0: none, they are remembered for the next time."""
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(key)
            if seen is not None:
                seen.unwritten += 1
                if now - seen.written < REPEAT_SECONDS:
                    return 0
                calls, seen.unwritten, seen.written = seen.unwritten, 0, now
                return calls
            self._tokens = min(NEW_A_MINUTE, self._tokens + (now - self._refilled) * NEW_A_MINUTE / 60)
            self._refilled = now
            if self._tokens < 1:
                return 0
            self._tokens -= 1
            if len(self._seen) >= _REMEMBERED:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = _Seen(written=now)
            return 1

    def record(self, proposal: Proposal, address: str, turned_away: TurnedAway) -> None:
        """Note one rejection: the row an administrator can act on, and the audit trail."""
        title = "".join(c if c.isprintable() else "?" for c in proposal.calling_ae_title)
        why = turned_away.reason.value if turned_away.reason else turned_away.rejection.name.lower()
        calls = self.calls_to_write((title, address, why))
        if not calls:
            return
        entry = Entry(
            outgoing=False, peer=title, own=proposal.called_ae_title, address=address,
            implementation=" ".join(filter(None, (proposal.implementation, proposal.implementation_uid))),
            max_pdu=proposal.max_length, user_identity=proposal.user_identity,
        )  # fmt: skip
        entry.negotiated(proposal.contexts)
        entry.over(End.REJECTED, reason=why.replace("_", "-"))
        log.warning("%s %s rejected: %s (calls: %d)", title or "(no title)", address, why, calls)
        try:
            with transaction.atomic():
                self._diary_write((title, address, why), entry, calls)
                if turned_away.reason:
                    unknown_caller_record(
                        ae_title=title, host=address, reason=CallerReason(turned_away.reason), calls=calls
                    )
                audit_record(
                    action=AuditEvent.Action.ASSOCIATION,
                    actor_name=title or "(no title)",
                    source=address,
                    object=title,
                    success=False,
                    detail={
                        "end": "rejected",
                        "why": why,
                        "calls": calls,
                        "called": proposal.called_ae_title,
                    },
                )
        except DatabaseError:
            self._row_forget((title, address, why))
            log.exception("a rejected caller could not be noted")

    def record_stranger(self, *, address: str, reason: str, detail: str = "") -> None:
        """Note somebody who was gone before saying who it was: a row of the diary, under the same limits."""
        key = ("", address, reason)
        calls = self.calls_to_write(key)
        if not calls:
            return
        log.warning("%s: %s (calls: %d)", address, reason, calls)
        entry = Entry(outgoing=False, address=address)
        entry.over(End.REJECTED, reason=reason, detail=detail)
        try:
            with transaction.atomic():
                self._diary_write(key, entry, calls)
        except DatabaseError:
            self._row_forget(key)
            log.exception("a stranger could not be noted")

    def _row_forget(self, key: tuple[str, str, str]) -> None:
        """The row was rolled back: its number is given to somebody else."""
        with self._lock:
            if (seen := self._seen.get(key)) is not None:
                seen.row = None

    def _diary_write(self, key: tuple[str, str, str], entry: Entry, calls: int) -> None:
        """One row an hour for the same caller and reason, with the number of its calls."""
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(key)
        fresh = seen is not None and now - seen.row_since < SAME_ROW_SECONDS
        row = refused_write(entry=entry, calls=calls, again=seen.row if seen is not None and fresh else None)
        if seen is not None and row != seen.row:
            seen.row, seen.row_since = row, now
