"""An association as the diary knows it, in memory: what it will write, without touching the database.

Operations are counted in runs: one for each kind, class and status, whatever their order, so that an entry
stays small however long the association is. Neither names nor IDs nor UIDs of patients, studies or objects
come in here: a command's class is taken, its instance is not.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from dicomnet.contexts import Answered, Proposed, Result, Service, service_of
from dicomnet.dimse.command import Field
from dicomnet.status import Category, category

FIRST_WRITE_SECONDS: Final = 2.0  # from then on one sees it while it runs
REWRITE_SECONDS: Final = 10.0
MOST_RUNS: Final = 64
MIXED: Final = ""  # the class of what no longer got a run of its own
_UID = re.compile(r"\d+(\.\d+){3,}")
_KINDS: Final = {field.value: field.name.removesuffix("_RQ").replace("_", "-") for field in Field}


class End(StrEnum):
    """How an association came to its end; the first six are those of the conversation."""

    RELEASED = "released"
    ABORTED = "aborted"
    LOST = "lost"
    SILENT = "silent"
    MALFORMED = "malformed"
    STOPPED = "stopped"
    REJECTED = "rejected"
    FAILED = "failed"  # it never came about
    BROKEN_OFF = "broken-off"  # by us, in the middle
    KILLED = "killed"


class Outcome(StrEnum):
    """``Association.Outcome``, where there are no models."""

    RUNNING = "running"
    WELL = "well"
    PROBLEMS = "problems"
    BROKEN = "broken"
    REJECTED = "rejected"
    UNREACHED = "unreached"


def kind_of(command_field: int) -> str:
    """C-STORE for 0x0001, and so on; the number itself for a field that nobody defined."""
    return _KINDS.get(command_field & 0x7FFF, f"{command_field:04X}")


@dataclass(slots=True)
class Run:
    """Operations of one kind, class and status. ``status`` is None for one that came to no end.

    ``first`` and ``last`` are when the first one began and the last one ended. ``pending`` counts the
    answers before the last one (matches, progress); ``done``, ``failed`` and ``warned`` are the last
    response's counts of sub-operations. ``comment`` is ours, and the first that was given.
    """

    kind: str
    sop_class: str
    status: int | None
    first: float
    last: float
    count: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    size: int = 0
    pending: int = 0
    done: int = 0
    failed: int = 0
    warned: int = 0
    comment: str = ""

    @property
    def trouble(self) -> bool:
        """Whether somebody did not get what they asked for."""
        if self.status is None:
            return True
        kind = category(self.status)
        return kind is Category.FAILURE or (
            kind is Category.WARNING and self.kind in ("C-MOVE", "C-GET") and self.failed > 0
        )

    def packed(self) -> dict[str, Any]:
        """As a row keeps it: short names, nothing that is zero."""
        status = None if self.status is None else f"{self.status:04X}"
        values = {
            "k": self.kind, "c": self.sop_class, "n": self.count, "b": self.size, "p": self.pending,
            "d": self.done, "x": self.failed, "w": self.warned, "m": self.comment,
            "t": round(self.seconds, 4), "s": round(self.slowest, 4),
        }  # fmt: skip
        kept = {name: value for name, value in values.items() if value}
        return kept | {"r": status, "f": round(self.first, 3), "l": round(self.last, 3)}

    @classmethod
    def unpacked(cls, row: Mapping[str, Any]) -> Run:
        """Read back what ``packed`` wrote."""
        return cls(
            kind=row["k"], sop_class=row.get("c", ""), status=None if row["r"] is None else int(row["r"], 16),
            first=row["f"], last=row["l"], count=row.get("n", 0), seconds=row.get("t", 0.0),
            slowest=row.get("s", 0.0), size=row.get("b", 0), pending=row.get("p", 0), done=row.get("d", 0),
            failed=row.get("x", 0), warned=row.get("w", 0), comment=row.get("m", ""),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request that has no last answer yet; ``size`` tells how much of its data has come."""

    kind: str
    sop_class: str
    began: float
    size: Callable[[], int]


@dataclass(slots=True)
class Entry:
    """One association. The thread that serves it fills it in; another one may ``snapshot`` it meanwhile."""

    outgoing: bool
    peer: str = ""
    own: str = ""
    address: str = ""
    port: int | None = None
    node_id: int | None = None
    implementation: str = ""
    max_pdu: int = 0
    own_max_pdu: int = 0
    tls: str = ""
    user_identity: str = ""
    contexts: dict[str, Any] = field(default_factory=dict)
    end: End | None = None
    reason: str = ""
    detail: str = ""
    under_way: UnderWay | None = None
    runs: dict[tuple[str, str, int | None], Run] = field(default_factory=dict)
    began: float = field(default_factory=time.time)
    since: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    pk: int | None = None
    written: tuple[int, int] | None = None
    write_at: float = 0.0

    def __post_init__(self) -> None:
        self.write_at = self.since + FIRST_WRITE_SECONDS

    # ---- what happens

    def negotiated(self, proposed: Sequence[Proposed], answered: Iterable[Answered] = ()) -> None:
        """What was proposed, and what became of it."""
        self.contexts = contexts_packed(proposed, answered)

    def operation(
        self,
        kind: str,
        sop_class: str,
        status: int,
        *,
        seconds: float,
        size: int = 0,
        pending: int = 0,
        counts: tuple[int, int, int] = (0, 0, 0),
        comment: str = "",
    ) -> None:
        """Count one finished operation. ``counts`` are sub-operations: completed, failed, with warning."""
        now = time.time()
        run = self._run(kind, sop_class, status, now - seconds)
        run.last = now
        run.count += 1
        run.seconds += seconds
        run.slowest = max(run.slowest, seconds)
        run.size += size
        run.pending += pending
        run.done += counts[0]
        run.failed += counts[1]
        run.warned += counts[2]
        if comment and not run.comment and not _UID.search(comment):
            run.comment = comment[:64]

    def _run(self, kind: str, sop_class: str, status: int, first: float) -> Run:
        found = self.runs.get((kind, sop_class, status))
        if found is None:
            if len(self.runs) >= MOST_RUNS:
                sop_class = MIXED
                found = self.runs.get((kind, sop_class, status))
            if found is None:
                found = self.runs[kind, sop_class, status] = Run(kind, sop_class, status, first, first)
        return found

    def over(self, end: End, *, reason: str = "", detail: str = "") -> None:
        """The association has ended. What was under way stays in sight as an operation without an end."""
        midway = self.under_way is not None and end in (End.ABORTED, End.LOST, End.SILENT, End.BROKEN_OFF)
        self.end, self.detail = end, detail
        self.reason = reason or (f"{end}-midway" if midway else end.value)

    # ---- what is written

    @property
    def outcome(self) -> Outcome:
        """In a word; see ``Association.Outcome``."""
        if self.end is None:
            return Outcome.RUNNING
        if self.end in (End.REJECTED, End.FAILED):
            return Outcome.UNREACHED if self.outgoing else Outcome.REJECTED
        if self.end in (End.MALFORMED, End.KILLED) or self.under_way is not None:
            return Outcome.BROKEN
        if self.end not in (End.RELEASED, End.STOPPED) or any(run.trouble for run in self.runs.values()):
            return Outcome.PROBLEMS
        refused = any(context[2] for context in self.contexts.get("c", ()))
        return Outcome.PROBLEMS if refused and not self.runs else Outcome.WELL

    def due(self, now: float) -> bool:
        """Whether a running association is to be written (again)."""
        return self.end is None and now >= self.write_at and self._mark() != self.written

    def _mark(self) -> tuple[int, int]:
        under_way = self.under_way
        return sum(run.count for run in list(self.runs.values())), under_way.size() if under_way else -1

    def values(self) -> dict[str, Any]:
        """The columns of its row. Safe to call from another thread."""
        self.written = self._mark()
        self.write_at = time.monotonic() + REWRITE_SECONDS
        runs = sorted(self.runs.values(), key=lambda run: run.first)
        under_way = self.under_way
        if under_way is not None:
            now = time.time()
            began = now - (time.monotonic() - under_way.began)
            runs.append(
                Run(
                    under_way.kind,
                    under_way.sop_class,
                    None,
                    began,
                    now,
                    1,
                    now - began,
                    size=under_way.size(),
                )
            )
        seconds = round(time.monotonic() - self.since, 3)
        return {
            "outcome": self.outcome.value,
            "direction": "out" if self.outgoing else "in",
            "node_id": self.node_id,
            "peer": _shown(self.peer, 16),
            "own": _shown(self.own, 16),
            "address": _shown(self.address, 64),
            "port": self.port,
            "began": datetime.fromtimestamp(self.began, UTC),
            "ended": None if self.end is None else datetime.fromtimestamp(self.began + seconds, UTC),
            "seconds": seconds,
            "end": self.end.value if self.end else "",
            "reason": self.reason[:32],
            "detail": _shown(self.detail, 255),
            "implementation": _shown(self.implementation, 96),
            "max_pdu": self.max_pdu,
            "own_max_pdu": self.own_max_pdu,
            "tls": _shown(self.tls, 64),
            "user_identity": _shown(self.user_identity, 64),
            "operations": [run.packed() for run in runs],
            "contexts": self.contexts,
        }


def _shown(text: str, most: int) -> str:
    """What a column can hold and a page can show."""
    return "".join(c if c.isprintable() else "?" for c in text)[:most]


def contexts_packed(proposed: Sequence[Proposed], answered: Iterable[Answered] = ()) -> dict[str, Any]:
    """Contexts as a row keeps them: ``{"s": [syntax, ...], "c": [[class, [index, ...], result, ...], ...]}``.

    Transfer syntaxes are named once and meant by their index. ``result`` is that of PS3.8 Table 9-18, None
    where there was no answer. It is followed by the index of the syntax that was accepted, or by why not:
    the service the node has no right to, or ``private``.
    """
    syntaxes: dict[str, int] = {}
    answers = {answer.context_id: answer for answer in answered}
    packed = []
    for context in proposed:
        indices = [syntaxes.setdefault(uid[:64], len(syntaxes)) for uid in context.transfer_syntaxes]
        answer = answers.get(context.context_id)
        row: list[Any] = [
            context.abstract_syntax[:64],
            indices,
            None if answer is None else int(answer.result),
        ]
        if answer is not None and answer.result is Result.ACCEPTANCE:
            row.append(syntaxes.setdefault(answer.transfer_syntax[:64], len(syntaxes)))
        elif answer is not None:
            row.append(_why_not(answer))
        packed.append(row)
    return {"s": list(syntaxes), "c": packed}


def _why_not(answer: Answered) -> str:
    if answer.result is Result.USER_REJECTION and answer.service is not None:
        return answer.service.value
    private = service_of(answer.abstract_syntax, private_classes=True) is Service.STORE
    return "private" if answer.result is Result.ABSTRACT_SYNTAX_NOT_SUPPORTED and private else ""
