"""A row of the diary as its page tells it: a story, what happened line by line, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from dicomnet.contexts import Result
from dicomnet.diary.context_words import refusal_steps, refusal_words
from dicomnet.diary.entry import End, Run
from dicomnet.diary.figures import number, took
from dicomnet.diary.operation_words import operation_words
from dicomnet.diary.reasons import Reason, Step, reason_of
from dicomnet.diary.statuses import status_steps
from dicomnet.diary.story import headline_of, second_of
from dicomnet.labels import class_label, syntax_label
from dicomnet.models import Association

MOST_NOTES: Final = 4
MOST_STEPS: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A moment of the association. ``notes`` want a look, ``aside`` does not; ``tone`` is "" or "bad"."""

    at: str
    text: str
    operation: str
    took: str = ""
    notes: tuple[str, ...] = ()
    tone: str = ""
    aside: str = ""


@dataclass(frozen=True, slots=True)
class ContextLine:
    """A presentation context: what was proposed, and the syntax that was accepted or why none was."""

    name: str
    uid: str
    syntaxes: tuple[str, ...]
    accepted: str
    refused: str


@dataclass(frozen=True, slots=True)
class Page:
    headline: str
    second: str
    lines: tuple[Line, ...]
    steps: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str, bool], ...]  # name, value, whether it is written as machines write it
    contexts: tuple[ContextLine, ...]


def page_of(row: Association) -> Page:
    """Everything there is to say about an association, in the current language."""
    runs = [Run.unpacked(run) for run in row.operations]
    contexts = contexts_of(row)
    reason = reason_of(end=row.end, reason=row.reason)
    named = _named(row)
    return Page(
        headline=headline_of(row, runs, accepted=any(c.accepted for c in contexts)) % named,
        second=second_of(row, runs),
        lines=tuple(_lines(row, runs, contexts, reason)),
        steps=tuple(
            (str(head) % named, str(body) % named) for head, body in _steps(row, runs, contexts, reason)
        ),
        facts=tuple(_facts(row, contexts)),
        contexts=contexts,
    )


def contexts_of(row: Association) -> tuple[ContextLine, ...]:
    """Unpack what ``entry.contexts_packed`` wrote."""
    syntaxes = [syntax_label(uid) for uid in row.contexts.get("s", ())]
    lines = []
    for uid, indices, result, *rest in row.contexts.get("c", ()):
        taken = result == Result.ACCEPTANCE and bool(rest)
        why = str(rest[0]) if rest and not taken else ""
        lines.append(
            ContextLine(
                name=class_label(uid),
                uid=uid,
                syntaxes=tuple(syntaxes[index] for index in indices),
                accepted=syntaxes[rest[0]] if taken else "",
                refused="" if taken else refusal_words(result, why, outgoing=row.direction == "out"),
            )
        )
    return tuple(lines)


def summary_of(row: Association) -> str:
    """The operations of a row in one short line, for lists."""
    counts: dict[str, int] = {}
    for run in row.operations:
        counts[run["k"]] = counts.get(run["k"], 0) + run.get("n", 0)
    return ", ".join(f"{kind} {number(count)}" if count > 1 else kind for kind, count in counts.items())


def _clock(at: float) -> str:
    return f"{timezone.localtime(datetime.fromtimestamp(at, UTC)):%H:%M:%S.%f}"[:-3]


def _named(row: Association) -> Mapping[str, str]:
    """What sentences may name."""
    return {
        "peer": row.peer or row.address,
        "own": row.own,
        "ours": settings.PACS_AE_TITLE,
        "address": row.address,
        "port": str(row.port or ""),
    }


def _lines(
    row: Association, runs: list[Run], contexts: tuple[ContextLine, ...], reason: Reason
) -> Iterable[Line]:
    began = row.began.timestamp()
    outgoing = row.direction == Association.Direction.OUTGOING
    yield Line(_clock(began), _call_words(row, outgoing=outgoing), "A-ASSOCIATE-RQ" if row.peer else "")
    if contexts and any(context.accepted for context in contexts):
        yield _agreed(row, contexts, began, outgoing=outgoing)
    for run in runs:
        yield _run_line(run, running=not row.end)
    if row.end:
        at = row.ended.timestamp() if row.ended else began + row.seconds
        well = row.end in (End.RELEASED, End.STOPPED)
        notes = (row.detail,) if row.detail else ()
        operation = _END_OPERATIONS.get(row.end, "")
        yield Line(_clock(at), str(reason.told), operation, took(row.seconds), notes, "" if well else "bad")


def _call_words(row: Association, *, outgoing: bool) -> str:
    if outgoing:
        return _("We called %(peer)s at %(address)s, port %(port)s, as %(own)s") % _named(row)
    if not row.peer:
        return _("Connected from %(address)s") % _named(row)
    return _("Called us from %(address)s, as %(peer)s for %(own)s") % _named(row)


def _agreed(row: Association, contexts: tuple[ContextLine, ...], began: float, *, outgoing: bool) -> Line:
    counts = {"taken": sum(bool(c.accepted) for c in contexts), "asked": len(contexts)}
    if outgoing:
        text = _("It took %(taken)s of %(asked)s contexts") % counts
    else:
        text = _("We took %(taken)s of %(asked)s contexts") % counts
    refused: dict[str, list[str]] = {}
    for context in contexts:
        if not context.accepted:
            refused.setdefault(context.refused, []).append(context.name)
    notes = []
    for why, called in refused.items():
        names = list(dict.fromkeys(called))
        told = ", ".join(names[:MOST_NOTES])
        more = len(names) - MOST_NOTES
        if more > 0:
            told = _("%(names)s and %(count)s more") % {"names": told, "count": more}
        notes.append(_("Refused %(names)s: %(why)s") % {"names": told, "why": why})
    return Line(_clock(began), text, "A-ASSOCIATE-AC", "", tuple(notes[:MOST_NOTES]), "")


_END_OPERATIONS: Final[Mapping[str, str]] = {
    End.RELEASED: "A-RELEASE",
    End.ABORTED: "A-ABORT",
    End.SILENT: "A-ABORT",
    End.MALFORMED: "A-ABORT",
    End.STOPPED: "A-ABORT",
    End.BROKEN_OFF: "A-ABORT",
}


def _run_line(run: Run, *, running: bool) -> Line:
    code = "" if run.status is None else f" {run.status:04X}"
    times = f" × {number(run.count)}" if run.count > 1 else ""
    notes = (run.comment,) if run.comment else ()
    aside = _("the slowest took %(time)s") % {"time": took(run.slowest)} if run.count > 1 else ""
    tone = "bad" if run.trouble and not (running and run.status is None) else ""
    return Line(
        _clock(run.first), operation_words(run, running=running), f"{run.kind}{code}{times}",
        took(run.seconds), notes, tone, aside,
    )  # fmt: skip


def _steps(
    row: Association, runs: list[Run], contexts: tuple[ContextLine, ...], reason: Reason
) -> Iterable[Step]:
    """What to do, the most pressing first, nothing twice."""
    outgoing = row.direction == Association.Direction.OUTGOING
    found: list[Step] = list(reason.steps)
    for run in runs:
        if run.trouble and run.status is not None:
            found += status_steps(kind=run.kind, status=run.status, outgoing=outgoing)
    if row.outcome != Association.Outcome.WELL or any(c.refused for c in contexts):
        for _uid, _indices, result, *rest in row.contexts.get("c", ()):
            if result:
                found += refusal_steps(result, str(rest[0]) if rest else "", outgoing=outgoing)
    heads: dict[str, Step] = {}
    for step in found:
        heads.setdefault(str(step[0]), step)
    return list(heads.values())[:MOST_STEPS]


def _facts(row: Association, contexts: tuple[ContextLine, ...]) -> Iterable[tuple[str, str, bool]]:
    yield _("AE node"), str(row.node) if row.node else _("none"), bool(row.node)
    yield _("Address"), f"{row.address}:{row.port}" if row.port else row.address, True
    yield _("Their software"), row.implementation, True
    if row.own_max_pdu:
        theirs = number(row.max_pdu) if row.max_pdu else _("no limit")
        sizes = {"theirs": theirs, "ours": number(row.own_max_pdu)}
        yield _("Largest PDU"), _("%(theirs)s theirs, %(ours)s ours") % sizes, False
    if contexts:
        counts = {"asked": len(contexts), "taken": sum(bool(c.accepted) for c in contexts)}
        yield _("Contexts"), _("%(asked)s asked, %(taken)s taken") % counts, False
    yield "TLS", row.tls or _("no"), False
    yield _("User identity"), row.user_identity, True
    yield _("Detail"), row.detail, True
    yield _("Patient data"), _("Not kept in the diary"), False
    until = timezone.localtime(row.began + timedelta(days=settings.PACS_DIARY_DAYS))
    yield _("Kept until"), f"{until:%Y-%m-%d}", False


def described(row: Association, page: Page) -> str:
    """The page as plain text, in English or whatever the current language is, to give to a vendor."""
    lines: list[Any] = [
        f"{settings.PACS_NAME}: {row.pk} {timezone.localtime(row.began):%Y-%m-%d %H:%M:%S %z}"
    ]
    lines += [page.headline, page.second, ""]
    for line in page.lines:
        lines.append(f"{line.at}  {line.text}  {line.operation}  {line.took}")
        lines += [f"              {note}" for note in line.notes]
    lines.append("")
    lines += [f"{name}: {value}" for name, value, _mono in page.facts if value]
    lines.append("")
    for context in page.contexts:
        lines.append(
            f"{context.uid}  {', '.join(context.syntaxes)}  ->  {context.accepted or context.refused}"
        )
    return "\n".join(str(line) for line in lines).strip()
