"""What the diary learns of an association on a wire of our own: requests and answers, no objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get

from dicomnet.contexts import Answered
from dicomnet.diary.entry import End, Entry
from dicomnet.dimse.command import Command, response_encoded
from dicomnet.scu import query
from dicomnet.scu.client import NotAssociated, Peer
from dicomnet.scu.query import Criteria, studies_find
from dicomnet.scu.retrieve import study_get
from dicomnet.scu.storing import objects_send
from dicomnet.status import Status
from tests.objects import ct_slice
from tests.wire.peer import CT, EXPLICIT, IMPLICIT
from tests.wire.receivers import receiver
from tests.wire.test_storing import kept

WEST = "WEST"


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def noted(entry: Entry) -> Callable[[], AbstractContextManager[Entry]]:
    """As ``diary_outgoing`` does it, without a database."""

    @contextmanager
    def noting() -> Iterator[Entry]:
        try:
            yield entry
        except BaseException:
            entry.over(End.BROKEN_OFF)
            raise
        entry.over(End.RELEASED)

    return noting


def an_entry() -> Entry:
    return Entry(outgoing=True, peer=WEST, own="US", address="127.0.0.1")


def operations(entry: Entry) -> list[dict[str, Any]]:
    """Of each run: kind, class, status, and the counts; without times."""
    return [
        {name: value for name, value in run.items() if name not in "tsfl"}
        for run in entry.values()["operations"]
    ]


def test_sent_objects_are_counted_by_their_status() -> None:
    statuses = {"1.7.1": 0x0000, "1.7.2": 0xB007, "1.7.3": 0x0000, "1.7.4": 0xA700}
    entry = an_entry()
    with receiver([(CT, [EXPLICIT])], lambda e: statuses[str(e.request.AffectedSOPInstanceUID)]) as (port, _):
        sent = list(
            objects_send(
                peer=Peer(WEST, "127.0.0.1", port),
                objects=[kept(uid) for uid in statuses],
                calling="US",
                noted=noted(entry),
            )
        )
    assert [one.status for one in sent] == list(statuses.values())
    assert operations(entry) == [
        {"k": "C-STORE", "c": CT, "n": 2, "r": "0000"},
        {"k": "C-STORE", "c": CT, "n": 1, "r": "B007"},
        {"k": "C-STORE", "c": CT, "n": 1, "r": "A700"},
    ]
    values = entry.values()
    assert (values["end"], values["outcome"]) == ("released", "problems")
    assert values["implementation"].startswith("PYNETDICOM")
    assert values["contexts"]["c"] == [[CT, [0], 0, 0], [CT, [1], 4, ""]]
    assert "1.7." not in json.dumps([values["operations"], values["contexts"], values["detail"]])


def test_an_object_under_way_when_the_peer_aborts_stays_in_sight() -> None:
    entry = an_entry()
    with receiver([(CT, [EXPLICIT])], lambda event: event.assoc.abort() or 0x0000) as (port, _):
        sent = list(
            objects_send(
                peer=Peer(WEST, "127.0.0.1", port),
                objects=[kept("1.7.1"), kept("1.7.2")],
                calling="US",
                noted=noted(entry),
            )
        )
    assert [one.reason for one in sent] == ["lost", "lost"]
    assert operations(entry) == [{"k": "C-STORE", "c": CT, "n": 1, "r": None}]
    assert (entry.outcome, entry.reason) == ("broken", "broken-off-midway")


@contextmanager
def archive(model: str, event: Any, answer: Callable[[Any], Iterator[Any]]) -> Iterator[Peer]:
    """Another archive, that answers one model's requests so."""
    ae = AE(WEST)
    ae.add_supported_context(model, IMPLICIT)
    ae.add_supported_context(CT, EXPLICIT, scu_role=True, scp_role=True)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(event, answer)])
    try:
        yield Peer(WEST, "127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()


def test_what_comes_by_a_get_is_part_of_it_and_no_operation_of_ours() -> None:
    def answer(event: Any) -> Iterator[Any]:
        yield 3
        for number in (1, 2, 3):
            ds = ct_slice(SOPInstanceUID=f"1.7.{number}")
            ds.file_meta = Dataset()
            ds.file_meta.TransferSyntaxUID = EXPLICIT
            yield 0xFF00, ds

    class Arriving:
        def __init__(self, command: Command, status: int) -> None:
            self.command, self.status = command, status

        def write(self, fragment: memoryview) -> None:
            pass

        def finish(self) -> bytes:
            return response_encoded(self.command, self.status)

        def abandon(self) -> None:
            pass

    def store(command: Command, context: Answered) -> Arriving:
        refused = command.sop_instance_uid == "1.7.2"
        return Arriving(command, Status.CANNOT_UNDERSTAND if refused else Status.SUCCESS)

    entry = an_entry()
    with archive(Get, evt.EVT_C_GET, answer) as peer:
        progress = list(
            study_get(
                peer=peer, study_instance_uid="1.7", sop_classes=[CT], calling="US", store=store,
                stopping=lambda: False, noted=noted(entry),
            )
        )  # fmt: skip
    assert progress[-1].status == 0xB000
    assert operations(entry) == [
        {"k": "C-GET", "c": str(Get), "n": 1, "r": "B000", "p": 3, "d": 2, "x": 1},
    ]
    assert entry.outcome == "problems"


def test_answers_are_counted_with_their_query_and_a_cancel_is_no_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(query, "MOST_STUDIES", 2)

    def answer(event: Any) -> Iterator[Any]:
        for number in (1, 2, 3, 4):
            ds = Dataset()
            ds.QueryRetrieveLevel, ds.StudyInstanceUID, ds.PatientName = "STUDY", f"1.7.{number}", "Doe^Jane"
            yield 0xFF00, ds

    entry = an_entry()
    with archive(Find, evt.EVT_C_FIND, answer) as peer:
        found = studies_find(peer=peer, criteria=Criteria(), calling="US", noted=noted(entry))
    assert (len(found.studies), found.more) == (2, True)
    assert [run["k"] for run in operations(entry)] == ["C-FIND"]
    assert "Jane" not in json.dumps(entry.values()["operations"])

    entry = an_entry()
    monkeypatch.setattr(query, "MOST_STUDIES", 10)
    with archive(Find, evt.EVT_C_FIND, answer) as peer:
        studies_find(peer=peer, criteria=Criteria(), calling="US", noted=noted(entry))
    assert operations(entry) == [{"k": "C-FIND", "c": str(Find), "n": 1, "r": "0000", "p": 4}]
    assert (entry.outcome, entry.reason) == ("well", "released")


def test_who_accepts_nothing_has_its_contexts_noted_as_refused() -> None:
    entry = an_entry()
    with archive(Get, evt.EVT_C_GET, lambda event: iter([0])) as peer, suppress(NotAssociated):
        studies_find(peer=peer, criteria=Criteria(), calling="US", noted=noted(entry))
    assert entry.values()["contexts"]["c"] == [[str(Find), [0, 1], 3, ""]]
    assert operations(entry) == []
