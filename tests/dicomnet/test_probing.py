"""Connection tests as rows: queued on the lane where a person waits, saved and told of step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation
from django_tasks_db.models import DBTaskResult

from archive.models import Event
from dicomnet import probing
from dicomnet.familiar import MATRIX_SYNTAXES
from dicomnet.models import AENode, NodeProbe, Printer
from dicomnet.nodes import node_probe_start
from dicomnet.probing import node_probe_execute
from dicomnet.scu.client import Failure, Peer
from dicomnet.scu.probe import Outcome, Step
from dicomnet.scu.probe_words import _WORDS, line_of, lines_of, matrix_of, summary_of

pytestmark = pytest.mark.django_db

CT, COMMITMENT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.20.1"
ECHO, IMPLICIT, EXPLICIT = "1.2.840.10008.1.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
MATRIX = {
    ECHO: {IMPLICIT: True},
    CT: {str(uid): uid == EXPLICIT for uid in MATRIX_SYNTAXES},
    COMMITMENT: {IMPLICIT: True, EXPLICIT: False},
}
WELL = [
    Step("tcp", "connected", Outcome.OK, 2.0, "", {"host": "h", "port": 104}),
    Step("association", "accepted", Outcome.OK, 11.0, "", {"accepted": 3, "proposed": 10}),
    Step("echo", "echoed", Outcome.OK, 3.0, "0000"),
    Step("contexts", "takes", Outcome.OK, 0.0, "", {"accepted": 2, "asked": 2}, MATRIX),
]


@pytest.fixture
def node() -> AENode:
    return AENode.objects.create(ae_title="CT1", host="h", port=104)


def answering(monkeypatch: pytest.MonkeyPatch, steps: list[Step | Exception]) -> list[Any]:
    """Put scripted steps in the peer's place; returns what was asked."""
    asked: list[Any] = []

    def scripted(peer: Peer, **how: Any) -> Iterator[Step]:
        asked.append((peer, how["calling"], how["printer"]))
        for step in steps:
            if isinstance(step, Exception):
                raise step
            yield step

    monkeypatch.setattr(probing, "probe", scripted)
    return asked


def test_a_test_waits_on_the_interactive_lane(node: AENode) -> None:
    row = node_probe_start(node=node)
    assert (row.state, row.steps, row.ok) == ("waiting", [], None)
    task = DBTaskResult.objects.get()
    assert (task.queue_name, task.args_kwargs["args"]) == ("interactive", [row.pk])
    assert Event.objects.filter(topic="probe", key=str(row.pk)).count() == 1
    with translation.override("en"):
        assert summary_of(row) == "Testing …"


def test_one_target_is_needed(node: AENode) -> None:
    printer = Printer.objects.create(name="F", ae_title="F", host="h", port=104)
    with pytest.raises(ValueError, match="a node or a printer"):
        node_probe_start(node=node, printer=printer)
    with pytest.raises(ValueError, match="a node or a printer"):
        node_probe_start()


def test_steps_are_saved_and_told_of_one_by_one(node: AENode, monkeypatch: pytest.MonkeyPatch) -> None:
    row = node_probe_start(node=node)
    asked = answering(monkeypatch, list(WELL))
    seen: list[int] = []
    saved = probing._step_save

    def watch(probe: NodeProbe, step: Step) -> None:
        saved(probe, step)
        seen.append(len(NodeProbe.objects.get(pk=probe.pk).steps))

    monkeypatch.setattr(probing, "_step_save", watch)
    node_probe_execute(probe_id=row.pk)
    row.refresh_from_db()
    assert asked == [(Peer("CT1", "h", 104), "LIGHTBOX", False)]
    assert seen == [1, 2, 3, 4]
    assert (row.state, row.ok, row.accepted) == ("done", True, MATRIX)
    assert row.finished_at is not None
    # Queued, four steps, done.
    assert Event.objects.filter(topic="probe", key=str(row.pk)).count() == 6


def test_a_failed_step_fails_the_test(node: AENode, monkeypatch: pytest.MonkeyPatch) -> None:
    row = node_probe_start(node=node)
    answering(
        monkeypatch, [Step("tcp", Failure.REFUSED, Outcome.FAILED, 1.0, "", {"host": "h", "port": 104})]
    )
    node_probe_execute(probe_id=row.pk)
    row.refresh_from_db()
    assert (row.state, row.ok) == ("done", False)
    with translation.override("en"):
        assert summary_of(row) == "h is there, but nothing listens on port 104."


def test_a_warning_does_not(node: AENode, monkeypatch: pytest.MonkeyPatch) -> None:
    row = node_probe_start(node=node)
    answering(monkeypatch, [WELL[0], WELL[1], Step("echo", "echo-not-accepted", Outcome.WARNING), WELL[3]])
    node_probe_execute(probe_id=row.pk)
    row.refresh_from_db()
    assert row.ok
    with translation.override("en"):
        assert summary_of(row) == "It works."


def test_a_test_that_breaks_still_ends(node: AENode, monkeypatch: pytest.MonkeyPatch) -> None:
    row = node_probe_start(node=node)
    answering(monkeypatch, [WELL[0], RuntimeError("a peer nobody thought of")])
    node_probe_execute(probe_id=row.pk)
    row.refresh_from_db()
    assert (row.state, row.ok, row.steps[-1]["code"]) == ("done", False, "unexpected")


def test_a_test_runs_once(node: AENode, monkeypatch: pytest.MonkeyPatch) -> None:
    row = node_probe_start(node=node)
    asked = answering(monkeypatch, list(WELL))
    node_probe_execute(probe_id=row.pk)
    node_probe_execute(probe_id=row.pk)
    node_probe_execute(probe_id=row.pk + 1)
    assert len(asked) == 1


def test_a_printer_is_asked_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    printer = Printer.objects.create(name="Dry imager", ae_title="FILM", host="p", port=104)
    row = node_probe_start(printer=printer)
    asked = answering(monkeypatch, list(WELL))
    node_probe_execute(probe_id=row.pk)
    assert asked == [(Peer("FILM", "p", 104), "LIGHTBOX", True)]


def test_lines_and_matrix_as_shown(node: AENode) -> None:
    row = NodeProbe(node=node, steps=[step.to_dict() for step in WELL], accepted=MATRIX)
    with translation.override("en"):
        assert [(line.name, line.sentence, line.status) for line in lines_of(row)] == [
            ("Connection", "h:104 answers.", ""),
            ("Association", "It accepts 3 of 10 proposals.", ""),
            ("Echo", "It answers.", "0000"),
            ("It accepts", "It takes 2 of 2 kinds of objects and services.", ""),
        ]
        columns, rows = matrix_of(row)
    assert columns == [
        "Implicit LE", "Explicit LE", "JPEG", "JPEG lossless", "JPEG-LS", "JPEG 2000 lossless", "RLE",
        "Deflated", "JPEG 12 bit", "JPEG-LS lossy", "JPEG 2000 lossy", "HTJ2K lossless", "HTJ2K lossy",
        "MPEG-2", "H.264", "HEVC",
    ]  # fmt: skip
    assert [(r.label, r.cells) for r in rows] == [
        ("CT image", (False, True) + (False,) * 14),
        ("Storage commitment", (True, False) + (None,) * 14),
    ]


def test_every_failure_has_its_words() -> None:
    told = {code for _, code in _WORDS}
    assert {failure.value for failure in Failure} <= told
    for (name, code), (sentence, advice) in _WORDS.items():
        detail = {"host": "h", "port": 1, "called": "A", "calling": "B", "said": "", "seconds": 1}
        detail |= {"accepted": 1, "proposed": 2, "asked": 3, "info": "SUPPLY LOW"}
        line = line_of({"name": name, "code": code, "outcome": "failed", "detail": detail})
        assert "%(" not in line.sentence + line.advice
        assert str(sentence)
        assert str(advice) or code in {"connected", "accepted", "echoed", "takes", "normal", "warning"}


def test_what_a_printer_says_of_itself_is_kept_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"status": "WARNING", "info": "SUPPLY LOW"}
    answering(monkeypatch, [*WELL, Step("printer", "warning", Outcome.WARNING, 6.0, "0000", said)])
    printer = Printer.objects.create(name="Dry imager", ae_title="FILM", host="p", port=104)
    row = node_probe_start(printer=printer)
    node_probe_execute(probe_id=row.pk)
    printer.refresh_from_db()
    assert (printer.condition, printer.condition_info) == ("WARNING", "SUPPLY LOW")
    assert printer.condition_at is not None
    assert Event.objects.filter(topic="printer", key=str(printer.pk)).exists()
    row.refresh_from_db()
    assert lines_of(row)[-1].sentence == "It works, but wants a look: film supply low."
