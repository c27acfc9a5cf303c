"""The connection test: transport, association, echo, what is accepted. One step after the other, each with
a code that ``probe_words`` puts into a sentence with advice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext
from pynetdicom.sop_class import BasicGrayscalePrintManagementMeta, Verification

from dicomnet.diary.entry import Entry
from dicomnet.familiar import Pair, first_pairs, further_pairs
from dicomnet.scu.client import Failure, NotAssociated, Patience, Peer, association, tcp_check
from dicomnet.scu.print_call import printer_state_get
from dicomnet.status import Status

Noted = Callable[[], AbstractContextManager[Entry | None]]
"""Opens an entry of the diary for each association of a test."""


class Outcome(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


Matrix = dict[str, dict[str, bool]]
"""SOP Class UID -> Transfer Syntax UID -> accepted?"""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the test. ``name`` is tcp, association, echo, contexts or printer; ``status`` four hex
    digits of a DIMSE status, or empty."""

    name: str
    code: str
    outcome: Outcome
    duration_ms: float = 0.0
    status: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    accepted: Matrix = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What a row keeps of it: everything but the matrix, which has a column of its own."""
        kept = asdict(self)
        del kept["accepted"]
        kept["outcome"] = self.outcome.value
        return kept


def _contexts_of(pairs: Sequence[Pair]) -> list[PresentationContext]:
    """One syntax a context, so that each answer is about one pair."""
    return [build_context(uid, syntax) for uid, syntax in pairs]


def _elapsed(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)


def probe(
    peer: Peer,
    *,
    calling: str,
    printer: bool = False,
    patience: Patience = Patience(),  # noqa: B008
    noted: Noted = nullcontext,
) -> Iterator[Step]:
    """Test a peer; each step is yielded when it is over. Steps that make no sense any more are not taken.

    The first association is timed and echoed on. What does not fit into it is asked for on further ones,
    each after the other is released; what those do not answer stays unknown.
    """
    where: dict[str, Any] = {"host": peer.host, "port": peer.port}
    began = time.monotonic()
    try:
        where["address"] = tcp_check(peer, patience)
    except NotAssociated as error:
        with suppress(NotAssociated), noted():
            raise
        yield Step("tcp", error.failure, Outcome.FAILED, _elapsed(began), "", where | {"said": error.detail})
        return
    yield Step("tcp", "connected", Outcome.OK, _elapsed(began), "", where)
    titles = {"called": peer.ae_title, "calling": calling}
    contexts = _contexts_of(first_pairs(printer=printer))
    began = time.monotonic()
    try:
        with (
            noted() as entry,
            association(peer, contexts, calling=calling, patience=patience, entry=entry) as opened,
        ):
            matrix = _matrix(contexts, opened)
            yes = sum(sum(row.values()) for row in matrix.values())
            counted = titles | {"accepted": yes, "proposed": len(contexts)}
            yield Step("association", "accepted", Outcome.OK, _elapsed(began), "", counted)
            yield _echo(opened, matrix, patience)
            if printer:
                yield _contexts(matrix, printer=True)
            if any(matrix.get(BasicGrayscalePrintManagementMeta, {}).values()):
                yield _printer(opened, patience)
            healthy = opened.is_established
    except NotAssociated as error:
        said = titles | {"said": error.detail, "seconds": patience.answer}
        yield Step("association", error.failure, Outcome.FAILED, _elapsed(began), "", said)
        return
    if not printer:
        if healthy:
            _ask_further(peer, matrix, calling=calling, patience=patience, noted=noted)
        yield _contexts(matrix, printer=False)


def _ask_further(peer: Peer, matrix: Matrix, *, calling: str, patience: Patience, noted: Noted) -> None:
    """Fill in what the first association had no room for, until one does not come about."""
    for pairs in further_pairs():
        contexts = _contexts_of(pairs)
        try:
            with (
                noted() as entry,
                association(peer, contexts, calling=calling, patience=patience, entry=entry) as opened,
            ):
                found = _matrix(contexts, opened)
        except NotAssociated as error:
            if error.failure is not Failure.NOTHING_ACCEPTED:
                return
            found = {}
            for abstract, syntax in pairs:
                found.setdefault(str(abstract), {})[str(syntax)] = False
        for uid, row in found.items():
            matrix.setdefault(uid, {}).update(row)


def _echo(opened: Association, matrix: Matrix, patience: Patience) -> Step:
    if not any(matrix[Verification].values()):
        return Step("echo", "echo-not-accepted", Outcome.WARNING)
    began = time.monotonic()
    try:
        answer = opened.send_c_echo()
    except (RuntimeError, ValueError) as error:
        return Step("echo", "aborted", Outcome.FAILED, _elapsed(began), "", {"said": str(error)})
    elapsed = _elapsed(began)
    status = getattr(answer, "Status", None)
    if status is None:
        code = "no-answer" if elapsed >= (patience.network - 0.2) * 1000 else "aborted"
        return Step("echo", code, Outcome.FAILED, elapsed, "", {"seconds": patience.network})
    if status != Status.SUCCESS:
        return Step("echo", "echo-status", Outcome.FAILED, elapsed, f"{status:04X}")
    return Step("echo", "echoed", Outcome.OK, elapsed, "0000")


def _printer(opened: Association, patience: Patience) -> Step:
    """How the printer is (N-GET Printer, PS3.4 H.4.6.2.1); ``detail`` has its Printer Status and Info."""
    if not opened.is_established:
        return Step("printer", "aborted", Outcome.FAILED)
    began = time.monotonic()
    number, word, info = printer_state_get(opened, BasicGrayscalePrintManagementMeta)
    elapsed = _elapsed(began)
    if number is None:
        code = "no-answer" if elapsed >= (patience.network - 0.2) * 1000 else "aborted"
        return Step("printer", code, Outcome.FAILED, elapsed, "", {"seconds": patience.network})
    outcome = {"NORMAL": Outcome.OK, "FAILURE": Outcome.FAILED}.get(word, Outcome.WARNING)
    said = {"status": word, "info": info}
    return Step("printer", word.lower() or "silent", outcome, elapsed, f"{number:04X}", said)


def _matrix(contexts: Sequence[PresentationContext], opened: Association) -> Matrix:
    """Every pair that was asked, and whether it was accepted."""
    accepted = {context.context_id for context in opened.accepted_contexts}
    matrix: Matrix = {}
    # The order of proposal gives the IDs 1, 3, 5 ...
    for number, context in enumerate(contexts):
        row = matrix.setdefault(str(context.abstract_syntax), {})
        row[str(context.transfer_syntax[0])] = 2 * number + 1 in accepted
    return matrix


def _contexts(matrix: Matrix, *, printer: bool) -> Step:
    classes = {uid: row for uid, row in matrix.items() if uid != Verification}
    taken = [uid for uid, row in classes.items() if any(row.values())]
    detail = {"accepted": len(taken), "asked": len(classes)}
    if printer and BasicGrayscalePrintManagementMeta not in taken:
        return Step("contexts", "no-greyscale-print", Outcome.FAILED, 0.0, "", detail, matrix)
    if not taken:
        return Step("contexts", "nothing-but-echo", Outcome.WARNING, 0.0, "", detail, matrix)
    return Step("contexts", "takes", Outcome.OK, 0.0, "", detail, matrix)
