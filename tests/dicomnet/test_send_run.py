"""Runs of transfers without a network: what an answer means, who holds a transfer, when it is given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from archive.models import Study
from archive.selectors import objects_of
from dicomnet import send_run
from dicomnet.models import AENode, Commitment, Transfer
from dicomnet.scu.client import Failure, NotAssociated
from dicomnet.scu.storing import LOST, Outgoing, Sent
from dicomnet.send_outcome import verdict_of
from dicomnet.send_run import transfer_execute, transfers_recover
from dicomnet.send_sentences import OBJECTS
from dicomnet.sending import transfer_create
from tests.films import film_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(db: None) -> Study:
    return film_study(3)


@pytest.fixture
def transfer(study: Study) -> Transfer:
    node = AENode.objects.create(ae_title="WEST", host="h", port=104)
    return transfer_create(node=node, study=study, objects=objects_of(study=study))


def answering(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
    """Script the receiver: a status or a reason for each object, or what is raised."""

    def scripted(*, objects: list[Outgoing], **_how: Any) -> Iterator[Sent]:
        for one, said in zip(objects, answers, strict=False):
            if isinstance(said, Exception):
                raise said
            status = said if isinstance(said, int) else None
            yield Sent(one.sop_instance_uid, status, "" if status is not None else said)

    monkeypatch.setattr(send_run, "objects_send", scripted)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (0x0000, "sent", ""),
        (0xB000, "warning", "coerced"),
        (0xB123, "warning", "warned"),
        (0x0107, "warning", "warned"),
        (0x0111, "there", "duplicate"),
        (0xA700, "waiting", "out-of-resources"),
        (0xA7FF, "waiting", "out-of-resources"),
        (0x0213, "waiting", "out-of-resources"),
        (0xA900, "failed", "class-mismatch"),
        (0xC000, "failed", "cannot-understand"),
        (0x0110, "failed", "processing-failure"),
        (0x0122, "failed", "class-not-supported"),
        (0x0124, "failed", "not-authorized"),
        (0x1234, "failed", "refused"),
    ],
)
def test_a_status_says_what_became_of_an_object(status: int, state: str, reason: str) -> None:
    verdict = verdict_of(Sent("1.2", status))
    assert (verdict.state, verdict.reason) == (state, reason)
    assert not reason or reason in OBJECTS


@pytest.mark.parametrize(
    "reason",
    ["class-not-accepted", "syntax-not-accepted", "cannot-transcode", "file-missing", "file-unreadable"],
)
def test_what_another_attempt_cannot_mend_is_final_and_has_words(reason: str) -> None:
    assert verdict_of(Sent("1.2", None, reason)).state == "failed"
    assert reason in OBJECTS


def test_only_the_object_in_flight_is_blamed_for_a_break(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, 0, LOST, LOST)
    transfer_execute(transfer_id=transfer.pk)
    assert list(transfer.items.values_list("state", "attempts")) == [
        ("sent", 1),
        ("waiting", 1),
        ("waiting", 0),
    ]


def test_what_arrived_begins_the_waiting_anew(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, NotAssociated(Failure.TIMEOUT))
    for attempts in (1, 2):
        transfer_execute(transfer_id=transfer.pk)
        transfer.refresh_from_db()
        assert transfer.attempts == attempts
    answering(monkeypatch, 0, LOST)
    transfer_execute(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    assert (transfer.attempts, transfer.sent) == (1, 1)


def test_a_destination_that_is_gone_for_a_week_is_given_up(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, NotAssociated(Failure.TIMEOUT))
    transfer_execute(transfer_id=transfer.pk)
    Transfer.objects.update(trying_since=timezone.now() - timedelta(days=8))
    transfer_execute(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    assert (transfer.state, transfer.error) == ("failed", "timeout")


def test_a_run_that_lost_the_transfer_writes_nothing(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_over(**_how: Any) -> Iterator[Sent]:
        Transfer.objects.update(run=99)
        yield Sent(transfer.items.all()[0].sop_instance_uid, 0)

    monkeypatch.setattr(send_run, "objects_send", taken_over)
    transfer_execute(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    assert (transfer.state, transfer.run, transfer.sent) == ("sending", 99, 0)


def test_something_unexpected_puts_the_transfer_off(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, 0, ValueError("broken"))
    transfer_execute(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    assert (transfer.state, transfer.error, transfer.sent) == ("waiting", "internal", 1)
    assert transfer.next_attempt_at is not None


def test_what_a_dead_worker_had_in_hand_waits_again(transfer: Transfer) -> None:
    Transfer.objects.update(state="sending", worker="gone.send.1.x", started_at=timezone.now())
    assert transfers_recover(worker_id="me") == 0  # of another host: it is given an hour
    Transfer.objects.update(started_at=timezone.now() - timedelta(hours=2))
    assert transfers_recover(worker_id="me") == 1


def test_what_this_worker_could_not_give_back_waits_again(transfer: Transfer) -> None:
    Transfer.objects.update(state="sending", worker="me", started_at=timezone.now())
    assert transfers_recover(worker_id="me") == 1
    transfer.refresh_from_db()
    assert transfer.state == "waiting"


def test_a_transfer_whose_node_was_deleted_ends(transfer: Transfer) -> None:
    AENode.objects.all().delete()
    transfers_recover()
    transfer.refresh_from_db()
    assert (transfer.state, transfer.error) == ("failed", "no-node")


def test_a_node_that_is_to_be_asked_is_asked_for_what_arrived(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Storage commitment after sending (PS3.4 J.3.2): once all is over, for what is there."""
    AENode.objects.filter(ae_title="WEST").update(ask_commitment=True)
    answering(monkeypatch, 0, 0xA900, LOST)
    transfer_execute(transfer_id=transfer.pk)
    assert not Commitment.objects.exists()
    answering(monkeypatch, 0xB000)
    transfer_execute(transfer_id=transfer.pk)
    [commitment] = Commitment.objects.all()
    assert (commitment.direction, commitment.node.ae_title) == ("asked", "WEST")
    arrived = transfer.items.filter(state__in=["sent", "warning"]).values_list("sop_instance_uid", flat=True)
    asked = commitment.objects_named.values_list("sop_class_uid", "sop_instance_uid")
    assert sorted(asked) == sorted(("1.2.840.10008.5.1.4.1.1.2", uid) for uid in arrived)
    assert len(asked) == 2


def test_a_node_that_is_not_to_be_asked_is_not(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 0, 0, 0)
    transfer_execute(transfer_id=transfer.pk)
    assert not Commitment.objects.exists()
