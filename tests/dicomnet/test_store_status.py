"""Each way in which the archive can fail has its status, and none ends the association."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archive.ingest import Outcome, OutcomeUnknown, Result
from archive.storage import Origin, OutOfResources
from dicomnet.contexts import Answered, Rights, Service
from dicomnet.contexts import Result as ContextResult
from dicomnet.dimse.command import command_decoded
from dicomnet.scp import store
from dicomnet.scp.store import store_begin
from dicomnet.scp.tally import Tally
from tests.wire.peer import CT, EXPLICIT, command

pytestmark = pytest.mark.django_db

CONTEXT = Answered(1, CT, EXPLICIT, ContextResult.ACCEPTANCE, Service.STORE)


class FakeStage:
    """A stage that remembers what was done with it."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.fails = fails
        self.written = b""
        self.abandoned = 0

    def write(self, fragment: memoryview) -> None:
        if self.fails:
            raise self.fails
        self.written += bytes(fragment)

    def abandon(self) -> None:
        self.abandoned += 1


def run(
    monkeypatch: pytest.MonkeyPatch,
    *,
    stage: FakeStage | None = None,
    ingest: Callable[..., Outcome] | None = None,
    stage_open: Callable[..., Any] | None = None,
) -> tuple[int, bytes, Tally]:
    """(status, comment, tally) of a store of two fragments."""
    held = stage or FakeStage()
    monkeypatch.setattr(store, "stage_open", stage_open or (lambda **_: held))
    monkeypatch.setattr(store, "instance_ingest", ingest or (lambda **_: Outcome(Result.KEPT)))
    tally = Tally()
    operation = store_begin(
        command_decoded(command()),
        CONTEXT,
        rights=Rights(frozenset(Service)),
        origin=Origin(source="CT1"),
        tally=tally,
    )
    operation.write(memoryview(b"one"))
    operation.write(memoryview(b"two"))
    response = operation.finish()
    assert response is not None
    at = response.index(b"\0\0\0\x09\x02\0\0\0") + 8
    comment = response.partition(b"\0\0\x02\x09")[2][4:].partition(b"\0\0\0\x10")[0]
    return int.from_bytes(response[at : at + 2], "little"), comment.rstrip(), tally


def raising(error: Exception) -> Callable[..., Any]:
    def fail(**_: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("result", [Result.KEPT, Result.DUPLICATE, Result.VARIANT_KEPT, Result.CONFLICT_KEPT])
def test_what_is_kept_is_success(monkeypatch: pytest.MonkeyPatch, result: Result) -> None:
    stage = FakeStage()
    status, comment, tally = run(monkeypatch, stage=stage, ingest=lambda **_: Outcome(result))
    assert (status, comment, tally.stored, tally.failed) == (0x0000, b"", 1, 0)
    assert stage.written == b"onetwo"
    assert tally.received_bytes == 6


def test_quarantine_is_not_success(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Outcome(Result.QUARANTINED, quarantine_id=1, reason="broken-header")
    status, comment, tally = run(monkeypatch, ingest=lambda **_: kept)
    assert (status, comment) == (0xC000, b"Kept in quarantine: broken-header")
    assert tally.counts() == {"quarantined": 1, "received_bytes": 6}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OutOfResources("disk full"), 0xA700),
        (OutcomeUnknown("connection lost in COMMIT"), 0xA700),
        (RuntimeError("a mistake of ours"), 0x0110),
        (MemoryError(), 0x0110),
    ],
)
@pytest.mark.parametrize("where", ["opening", "writing", "ingesting"])
def test_failures(monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, where: str) -> None:
    stage = FakeStage(error if where == "writing" else None)
    answered, comment, tally = run(
        monkeypatch,
        stage=stage,
        stage_open=raising(error) if where == "opening" else None,
        ingest=raising(error) if where == "ingesting" else None,
    )
    assert answered == status
    assert comment
    assert b"mistake" not in comment
    assert tally.counts() == {"failed": 1, "received_bytes": 6}
    assert stage.abandoned == (where == "writing")


def test_what_is_abandoned_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, tally = FakeStage(), Tally()
    monkeypatch.setattr(store, "stage_open", lambda **_: stage)
    operation = store_begin(
        command_decoded(command()),
        CONTEXT,
        rights=Rights(frozenset(Service)),
        origin=Origin(source="CT1"),
        tally=tally,
    )
    operation.write(memoryview(b"one"))
    operation.abandon()
    assert stage.abandoned == 1
    assert tally.counts() == {"incomplete": 1, "received_bytes": 3}
