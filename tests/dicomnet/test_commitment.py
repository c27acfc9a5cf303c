"""Storage commitments as rows: recorded, found out, put off, never lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from archive import custody
from archive.custody import ObjectName, committed_count, objects_commit, objects_examine
from archive.ingest import instance_ingest
from archive.models import Event, Instance, Study
from archive.storage import Origin, stage_open, store
from dicomnet import commitment_run
from dicomnet.commitment import (
    commitment_receive,
    commitment_request,
    commitment_retry,
    commitments_resume,
)
from dicomnet.commitment_datasets import (
    NotReadable,
    NotValid,
    Report,
    Request,
    dataset_decoded,
    dataset_encoded,
    report_dataset,
    report_read,
    request_dataset,
    request_read,
)
from dicomnet.commitment_results import commitment_result_record, commitment_results
from dicomnet.commitment_run import commitments_deliver, pause_before, report_of
from dicomnet.commitment_words import error_words
from dicomnet.models import AENode, Commitment
from dicomnet.scu.client import Failure, NotAssociated
from dicomnet.scu.commitment import Refused
from tests.objects import ct_slice, encoded

pytestmark = pytest.mark.django_db(transaction=True)

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT = "1.2.840.10008.1.2.1"
# A Referenced SOP Sequence in itself, five thousand times
DEEP = b"\x08\x00\x99\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 5000


@pytest.fixture
def node() -> AENode:
    return AENode.objects.create(ae_title="CT1", host="127.0.0.1", port=1, allow_commit=True)


def stored(**changes: Any) -> Instance:
    ds = ct_slice(**changes)
    stage = stage_open(
        sop_class_uid=ds.SOPClassUID, sop_instance_uid=ds.SOPInstanceUID, transfer_syntax_uid=EXPLICIT
    )
    stage.write(encoded(ds))
    instance_ingest(stage=stage, origin=Origin(source="CT1"))
    return Instance.objects.get(sop_instance_uid=ds.SOPInstanceUID)


def name_of(instance: Instance) -> ObjectName:
    return ObjectName(instance.sop_class_uid, instance.sop_instance_uid)


class Peer:
    """Stands where the other end would be: what was said to it, and what it answers."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.requests: list[tuple[str, tuple[ObjectName, ...]]] = []
        self.answer: Exception | None = None
        self.calls = 0

    def report(self, report: Report) -> None:
        self._answer()
        self.reports.append(report)

    def request(self, transaction_uid: str, names: list[ObjectName]) -> None:
        self._answer()
        self.requests.append((transaction_uid, tuple(names)))

    def _answer(self) -> None:
        if self.answer is not None:
            raise self.answer


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Peer:
    there = Peer()

    @contextmanager
    def call(address: Any, **how: Any) -> Iterator[Peer]:
        there.calls += 1
        if isinstance(there.answer, NotAssociated):
            raise there.answer
        yield there

    monkeypatch.setattr(commitment_run, "commitment_call", call)
    return there


def tasks() -> list[tuple[str, list[Any]]]:
    return [(row.queue_name, row.args_kwargs["args"]) for row in DBTaskResult.objects.all()]


# ---------------------------------------------------------------------- custody


def test_only_what_is_whole_and_asked_by_its_own_class_is_vouched_for() -> None:
    good, lost, altered, rejected = (stored() for _ in range(4))
    store().remove(lost.file_key)
    path = store().path(altered.file_key)
    assert path is not None
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # of the same size: only the digest tells
    path.chmod(0o600)
    path.write_bytes(data)
    Instance.objects.filter(pk=rejected.pk).update(rejected_at=timezone.now())
    names = [name_of(one) for one in (good, lost, altered, rejected)]
    names += [ObjectName(MR, good.sop_instance_uid), ObjectName(CT, "1.2.3")]
    verdicts = objects_examine(names=names)
    assert [verdicts[name].value for name in names] == [
        "held", "damaged", "damaged", "unknown", "other-class", "unknown",
    ]  # fmt: skip


def test_what_was_vouched_for_is_counted_with_its_study() -> None:
    first = stored()
    second = stored(StudyInstanceUID=first.series.study.study_instance_uid)
    study = first.series.study
    assert committed_count(study=study) == 0
    objects_commit(verdicts=objects_examine(names=[name_of(first), ObjectName(CT, "1.2.3")]))
    assert committed_count(study=study) == 1
    assert Event.objects.filter(topic="study", key=str(study.pk)).count() == 3  # two arrivals, one commitment
    noted = Instance.objects.get(pk=first.pk).committed_at
    objects_commit(verdicts=objects_examine(names=[name_of(first), name_of(second)]))
    assert committed_count(study=study) == 2
    assert Instance.objects.get(pk=first.pk).committed_at == noted
    Instance.objects.filter(pk=first.pk).update(rejected_at=timezone.now())
    assert committed_count(study=study) == 1
    assert Study.objects.count() == 1


# ---------------------------------------------------------------------- asked of us


def test_a_request_is_a_row_with_its_task(node: AENode) -> None:
    names = [ObjectName(CT, "1.1"), ObjectName(CT, "1.2"), ObjectName(CT, "1.1")]
    row = commitment_receive(node=node, transaction_uid="2.25.7", names=names)
    assert (row.direction, row.state, row.ae_title, row.duplicate) == ("received", "waiting", "CT1", False)
    assert [one.sop_instance_uid for one in row.objects_named.all()] == ["1.1", "1.2"]
    assert tasks() == [("commit", [node.pk])]
    assert Event.objects.filter(topic="commitment", key=str(row.pk)).exists()


def test_the_result_names_each_object_once_with_its_reason(node: AENode, peer: Peer) -> None:
    kept = stored()
    names = [name_of(kept), ObjectName(MR, kept.sop_instance_uid), ObjectName(CT, "1.2.3")]
    row = commitment_receive(node=node, transaction_uid="2.25.7", names=names)
    assert commitments_deliver(node_id=node.pk) is None
    assert peer.reports == [
        Report("2.25.7", (names[0],), ((names[1], 0x0119), (names[2], 0x0112))),
    ]
    assert peer.reports[0].event_type == 2
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == ("done", 1, "")
    assert row.finished_at is not None
    assert committed_count(study=kept.series.study) == 1


def test_the_same_request_again_is_answered_again(node: AENode, peer: Peer) -> None:
    missing = ObjectName(CT, "1.2.3")
    first = commitment_receive(node=node, transaction_uid="2.25.7", names=[missing])
    commitments_deliver(node_id=node.pk)
    again = commitment_receive(node=node, transaction_uid="2.25.7", names=[missing])
    assert again.pk == first.pk
    commitments_deliver(node_id=node.pk)
    assert peer.reports == [Report("2.25.7", (), ((missing, 0x0112),))] * 2


def test_other_objects_under_a_known_transaction_uid_are_not_committed(node: AENode, peer: Peer) -> None:
    kept, other = name_of(stored()), name_of(stored())
    commitment_receive(node=node, transaction_uid="2.25.7", names=[kept])
    commitments_deliver(node_id=node.pk)
    commitment_receive(node=node, transaction_uid="2.25.7", names=[other])
    commitments_deliver(node_id=node.pk)
    assert peer.reports[1] == Report("2.25.7", (), ((other, 0x0131),))


def test_a_node_that_is_away_hears_it_later_and_then_everything_at_once(node: AENode, peer: Peer) -> None:
    peer.answer = NotAssociated(Failure.REFUSED, "no")
    first = commitment_receive(node=node, transaction_uid="2.25.1", names=[ObjectName(CT, "1.1")])
    due = commitments_deliver(node_id=node.pk)
    first.refresh_from_db()
    assert due == first.due_at
    assert (first.state, first.attempts, first.error) == ("waiting", 1, "refused")
    assert timedelta(seconds=50) < first.due_at - timezone.now() <= timedelta(seconds=60)
    assert commitments_deliver(node_id=node.pk) == due  # not before its time
    assert peer.calls == 1
    peer.answer = None
    commitment_receive(node=node, transaction_uid="2.25.2", names=[ObjectName(CT, "1.2")])
    assert commitments_deliver(node_id=node.pk) is None
    assert [report.transaction_uid for report in peer.reports] == ["2.25.2", "2.25.1"]
    assert peer.calls == 2


def test_a_node_that_cannot_be_reached_leaves_the_lane_to_others(node: AENode, peer: Peer) -> None:
    peer.answer = NotAssociated(Failure.TIMEOUT)
    commitment_receive(node=node, transaction_uid="2.25.1", names=[ObjectName(CT, "1.1")])
    commitments_deliver(node_id=node.pk)
    commitment_receive(node=node, transaction_uid="2.25.2", names=[ObjectName(CT, "1.1")])
    other = AENode.objects.create(ae_title="CT2", host="127.0.0.1", port=1)
    commitment_receive(node=other, transaction_uid="2.25.3", names=[ObjectName(CT, "1.1")])
    assert sorted(tasks()) == [("commit", [node.pk]), ("commit", [other.pk]), ("default", [node.pk])]


@pytest.mark.parametrize("failure", list(Failure))
def test_every_way_not_to_reach_a_node_is_said_in_words(node: AENode, peer: Peer, failure: Failure) -> None:
    peer.answer = NotAssociated(failure, "detail")
    row = commitment_receive(node=node, transaction_uid="2.25.1", names=[ObjectName(CT, "1.1")])
    commitments_deliver(node_id=node.pk)
    row.refresh_from_db()
    sentence, advice = error_words(row)
    assert (row.error, "%(" in sentence + advice) == (failure.value, False)
    assert sentence.endswith(".")
    assert advice.endswith(".")


def test_pauses_grow_to_half_a_day() -> None:
    assert [pause_before(attempt).total_seconds() for attempt in (1, 2, 3, 4, 7, 40)] == [
        60, 300, 900, 3600, 43200, 43200,
    ]  # fmt: skip


def test_after_a_week_a_person_decides(node: AENode, peer: Peer) -> None:
    peer.answer = NotAssociated(Failure.TIMEOUT)
    row = commitment_receive(node=node, transaction_uid="2.25.1", names=[ObjectName(CT, "1.1")])
    Commitment.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=7))
    assert commitments_deliver(node_id=node.pk) is None
    row.refresh_from_db()
    assert (row.state, row.error) == ("gave-up", "timeout")
    peer.answer = None
    assert commitment_retry(commitment=row)
    commitments_deliver(node_id=node.pk)
    row.refresh_from_db()
    assert (row.state, row.error, len(peer.reports)) == ("done", "", 1)
    assert not commitment_retry(commitment=row)


def test_a_refusal_is_kept_with_its_status_and_does_not_hold_up_the_next(
    node: AENode, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        commitment_receive(node=node, transaction_uid=f"2.25.{i}", names=[ObjectName(CT, "1.1")])
        for i in (1, 2)
    ]
    said = peer.report

    def first_refused(report: Report) -> None:
        if report.transaction_uid == "2.25.1":
            raise Refused(0x0110)
        said(report)

    monkeypatch.setattr(peer, "report", first_refused)
    commitments_deliver(node_id=node.pk)
    for row in rows:
        row.refresh_from_db()
    assert [(row.state, row.error, row.error_detail) for row in rows] == [
        ("waiting", "refused", {"status": "0110"}),
        ("done", "", {}),
    ]


def test_what_somebody_else_is_saying_is_left_alone_until_the_claim_ends(node: AENode, peer: Peer) -> None:
    row = commitment_receive(
        node=node, transaction_uid="2.25.1", names=[ObjectName(CT, "1.1")], hold_seconds=30
    )
    assert commitments_deliver(node_id=node.pk) == row.claimed_until
    assert peer.calls == 0
    Commitment.objects.filter(pk=row.pk).update(claimed_until=timezone.now())
    assert commitments_deliver(node_id=node.pk) is None
    assert len(peer.reports) == 1


def test_a_store_that_does_not_answer_is_given_an_hour(
    node: AENode, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = name_of(stored())
    row = commitment_receive(node=node, transaction_uid="2.25.1", names=[kept])

    def broken(key: str) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(custody, "file_open", broken)
    commitments_deliver(node_id=node.pk)
    row.refresh_from_db()
    assert (row.state, row.error, peer.reports) == ("waiting", "store-unreadable", [])
    Commitment.objects.filter(pk=row.pk).update(
        created_at=timezone.now() - timedelta(hours=1), due_at=timezone.now()
    )
    commitments_deliver(node_id=node.pk)
    assert peer.reports == [Report("2.25.1", (), ((kept, 0x0110),))]


def test_reading_back_pauses_for_others_and_keeps_what_it_found(
    node: AENode, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = commitment_receive(
        node=node, transaction_uid="2.25.1", names=[ObjectName(CT, f"1.{i}") for i in range(45)]
    )
    monkeypatch.setattr(commitment_run, "TURN_SECONDS", -1.0)
    assert commitments_deliver(node_id=node.pk) is not None
    assert commitment_run.commitment_examine(row, until=time.monotonic() + 60)
    assert report_of(row) is not None
    assert commitments_deliver(node_id=node.pk) is None
    assert len(peer.reports[0].failed) == 45


def test_a_node_that_is_switched_off_is_not_called(node: AENode, peer: Peer) -> None:
    AENode.objects.update(active=False)
    row = commitment_receive(node=node, transaction_uid="2.25.1", names=[ObjectName(CT, "1.1")])
    commitments_deliver(node_id=node.pk)
    row.refresh_from_db()
    assert (row.state, row.error, peer.calls) == ("waiting", "node-inactive", 0)


def test_a_node_that_is_gone_is_not_waited_for(node: AENode, peer: Peer) -> None:
    row = commitment_receive(node=node, transaction_uid="2.25.1", names=[ObjectName(CT, "1.1")])
    number = node.pk
    node.delete()
    assert commitments_deliver(node_id=number) is None
    row.refresh_from_db()
    assert (row.state, row.error, row.ae_title) == ("gave-up", "node-gone", "CT1")


def test_a_lost_task_is_queued_again_when_the_server_starts(node: AENode) -> None:
    commitment_receive(node=node, transaction_uid="2.25.1", names=[ObjectName(CT, "1.1")])
    commitments_resume()
    assert tasks() == [("commit", [node.pk])]  # it is not lost
    DBTaskResult.objects.all().delete()
    commitments_resume()
    commitments_resume()
    assert tasks() == [("commit", [node.pk])]


# ---------------------------------------------------------------------- asked by us


def test_our_request_awaits_its_answer_and_keeps_it_per_object(node: AENode, peer: Peer) -> None:
    names = [ObjectName(CT, "1.1"), ObjectName(CT, "1.2")]
    (row,) = commitment_request(node=node, names=names)
    assert commitment_results(node=node, sop_instance_uids=["1.1", "1.3"]) == {"1.1": None}
    due = commitments_deliver(node_id=node.pk)
    row.refresh_from_db()
    assert peer.requests == [(row.transaction_uid, tuple(names))]
    assert (row.state, due) == ("awaited", row.created_at + timedelta(days=7))
    report = Report(row.transaction_uid, (names[0],), ((names[1], 0x0112),))
    assert commitment_result_record(report=report) == row
    row.refresh_from_db()
    assert (row.state, row.error) == ("done", "")
    assert commitment_results(node=node, sop_instance_uids=["1.1", "1.2"]) == {"1.1": 0, "1.2": 0x0112}


def test_an_answer_that_is_quicker_than_the_response_stays(
    node: AENode, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = commitment_request(node=node, names=[ObjectName(CT, "1.1")])

    def at_once(transaction_uid: str, names: list[ObjectName]) -> None:
        assert commitment_result_record(report=Report(transaction_uid, tuple(names), ())) is not None

    monkeypatch.setattr(peer, "request", at_once)
    assert commitments_deliver(node_id=node.pk) is None
    row.refresh_from_db()
    assert (row.state, row.finished_at is not None) == ("done", True)


def test_an_answer_to_nothing_we_asked_is_not_taken(node: AENode) -> None:
    commitment_receive(node=node, transaction_uid="2.25.1", names=[ObjectName(CT, "1.1")])
    assert commitment_result_record(report=Report("2.25.1", (ObjectName(CT, "1.1"),), ())) is None


def test_an_answer_that_leaves_out_an_object_says_so(node: AENode) -> None:
    (row,) = commitment_request(node=node, names=[ObjectName(CT, "1.1"), ObjectName(CT, "1.2")])
    commitment_result_record(report=Report(row.transaction_uid, (ObjectName(CT, "1.1"),), ()))
    row.refresh_from_db()
    assert (row.state, row.error) == ("done", "result-incomplete")
    assert commitment_results(node=node, sop_instance_uids=["1.1", "1.2"]) == {"1.1": 0, "1.2": None}


def test_an_answer_that_never_comes_can_be_asked_for_again(node: AENode, peer: Peer) -> None:
    (row,) = commitment_request(node=node, names=[ObjectName(CT, "1.1")])
    commitments_deliver(node_id=node.pk)
    Commitment.objects.update(created_at=timezone.now() - timedelta(days=7))
    commitments_deliver(node_id=node.pk)
    row.refresh_from_db()
    assert (row.state, row.error) == ("gave-up", "no-result")
    assert commitment_retry(commitment=row)
    assert not commitment_retry(commitment=row)
    commitments_deliver(node_id=node.pk)
    assert [names for _, names in peer.requests] == [(ObjectName(CT, "1.1"),)] * 2
    assert len({uid for uid, _ in peer.requests}) == 2
    # The first answer counts as well, should it come after all.
    commitment_result_record(report=Report(row.transaction_uid, (ObjectName(CT, "1.1"),), ()))
    assert commitment_results(node=node, sop_instance_uids=["1.1"]) == {"1.1": 0}


def test_many_objects_make_several_requests(node: AENode) -> None:
    rows = commitment_request(node=node, names=[ObjectName(CT, f"1.{i}") for i in range(1001)])
    assert [row.objects_named.count() for row in rows] == [1000, 1]
    assert commitment_request(node=node, names=[]) == []


# ---------------------------------------------------------------------- data sets


def test_both_data_sets_come_back_as_they_were() -> None:
    names = (ObjectName(CT, "1.1"), ObjectName(MR, "1.2"))
    for syntax in ("1.2.840.10008.1.2", EXPLICIT, "1.2.840.10008.1.2.1.99"):
        request = dataset_decoded(dataset_encoded(request_dataset("2.25.7", names), syntax), syntax)
        assert request_read(request) == Request("2.25.7", names)
        report = Report("2.25.7", names[:1], ((names[1], 0x0131),))
        assert report_read(dataset_decoded(dataset_encoded(report_dataset(report), syntax), syntax)) == report


def test_empty_sequences_are_left_out() -> None:
    everything = report_dataset(Report("2.25.7", (ObjectName(CT, "1.1"),), ()))
    nothing = report_dataset(Report("2.25.7", (), ((ObjectName(CT, "1.1"), 0x0112),)))
    assert ("FailedSOPSequence" in everything, "ReferencedSOPSequence" in nothing) == (False, False)
    assert everything.RetrieveAETitle == "LIGHTBOX"


@pytest.mark.parametrize("what", ["no uid", "empty", "nothing", "no instance", "no class", "not a sequence"])
def test_a_request_that_lacks_something_is_not_valid(what: str) -> None:
    ds = request_dataset("2.25.7", [ObjectName(CT, "1.1")])
    if what == "no uid":
        ds.TransactionUID = ""
    elif what == "empty":
        ds.ReferencedSOPSequence = []
    elif what == "nothing":
        del ds.ReferencedSOPSequence
    elif what == "no instance":
        del ds.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    elif what == "no class":
        ds.ReferencedSOPSequence[0].ReferencedSOPClassUID = ""
    else:
        del ds.ReferencedSOPSequence
        ds.add_new(0x00081199, "LO", "sequence")
    with pytest.raises(NotValid):
        request_read(ds)


@pytest.mark.parametrize("data", [b"", b"\x08\x00", b"\xff" * 40, DEEP])
def test_bytes_that_are_no_request_are_told_apart(data: bytes) -> None:
    with pytest.raises((NotReadable, NotValid)):
        request_read(dataset_decoded(data, EXPLICIT))
