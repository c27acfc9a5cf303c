"""The pages of sending: choose where to, see what would happen, follow a transfer, go on with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from archive.access import roles_ensure
from archive.models import AuditEvent, Event, Series, Study
from dicomnet.models import AENode, Transfer, TransferItem, TransferPlan

pytestmark = pytest.mark.django_db
Keep = Callable[..., Study]
CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.11"
EXPLICIT, J2K = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"


@pytest.fixture
def west(db: None) -> AENode:
    return AENode.objects.create(
        ae_title="PACS_WEST", host="10.0.0.9", port=104, description="West campus archive"
    )


@pytest.fixture
def as_omar(client: Client, omar: AbstractUser) -> Client:
    roles_ensure()
    client.force_login(omar, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def transfer(as_omar: Client, keep: Keep, west: AENode) -> Transfer:
    study = keep(PatientName="Doe^Jane", StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1")
    keep(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1", InstanceNumber=2)
    as_omar.post("/send/", {"study": study.pk, "node": west.pk})
    return Transfer.objects.get()


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_who_may_not_send_is_not_offered_it(as_rita: Client, keep: Keep, west: AENode) -> None:
    study = keep()
    assert "act-send" not in text_of(as_rita, f"/studies/{study.pk}/")
    assert "act-send" not in text_of(as_rita, "/")
    assert as_rita.get(f"/send/?study={study.pk}").status_code == 403
    assert as_rita.post("/send/", {"study": study.pk, "node": west.pk}).status_code == 403
    assert as_rita.post("/send/plan/", {"study": study.pk, "node": west.pk}).status_code == 403
    assert as_rita.get("/transfers/").status_code == 403
    assert not Transfer.objects.exists()


def test_where_to_is_chosen_among_nodes_that_are_on(as_omar: Client, keep: Keep, west: AENode) -> None:
    AENode.objects.create(ae_title="OLD", host="10.0.0.8", port=104, active=False)
    study = keep()
    text = text_of(as_omar, f"/send/?study={study.pk}")
    assert "PACS_WEST" in text
    assert "West campus archive" in text
    assert "OLD" not in text
    assert "Soft 5.0" in text  # the series, to be left out one by one


def test_whole_study_is_queued_with_its_audit_row(
    transfer: Transfer, omar: AbstractUser, west: AENode
) -> None:
    assert (transfer.state, transfer.total, transfer.destination) == ("waiting", 2, "PACS_WEST")
    assert (transfer.node, transfer.requested_by) == (west, omar)
    assert transfer.items.count() == 2
    event = AuditEvent.objects.get(action="sent")
    assert (event.actor, event.study_instance_uid, event.detail) == (omar, "1.2.3", {"images": 2})
    assert Event.objects.filter(topic="transfer", key=str(transfer.pk)).exists()


def test_series_alone_is_queued_when_it_is_chosen(as_omar: Client, keep: Keep, west: AENode) -> None:
    study = keep(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1")
    keep(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.2")
    lung = Series.objects.get(series_instance_uid="1.2.3.2")
    answer = as_omar.post("/send/", {"study": study.pk, "node": west.pk, "series": lung.pk})
    transfer = Transfer.objects.get()
    assert answer.headers["Location"] == f"/transfers/{transfer.pk}/"
    assert [item.instance.series for item in transfer.items.all()] == [lung]


def test_each_study_and_node_makes_a_transfer(as_omar: Client, keep: Keep, west: AENode) -> None:
    east = AENode.objects.create(ae_title="EAST", host="10.0.0.7", port=104)
    studies = [keep(PatientID="P1").pk, keep(PatientID="P2").pk]
    answer = as_omar.post("/send/", {"study": studies, "node": [west.pk, east.pk]}, follow=True)
    assert Transfer.objects.count() == 4
    assert "4 transfers are on their way." in answer.content.decode()


def test_choosing_nobody_is_said_and_keeps_the_choice(as_omar: Client, keep: Keep) -> None:
    study = keep()
    answer = as_omar.post("/send/", {"study": study.pk}, follow=True)
    assert answer.redirect_chain[0][0] == f"/send/?study={study.pk}"
    assert "Choose where to send to." in answer.content.decode()


def test_rejected_study_cannot_be_sent(as_omar: Client, keep: Keep, west: AENode) -> None:
    study = keep()
    Study.objects.update(rejected_at=timezone.now())
    assert as_omar.get(f"/send/?study={study.pk}").status_code == 404
    assert as_omar.post("/send/", {"study": study.pk, "node": west.pk}).status_code == 404


def test_dry_run_is_asked_on_the_lane_where_a_person_waits(as_omar: Client, keep: Keep, west: AENode) -> None:
    answer = as_omar.post("/send/plan/", {"study": keep().pk, "node": west.pk})
    plan = TransferPlan.objects.get()
    task = DBTaskResult.objects.get()
    assert (task.queue_name, task.args_kwargs["args"]) == ("interactive", [plan.pk])
    text = answer.content.decode()
    assert f'data-plan="{plan.pk}"' in text
    assert "Asking" in text


def test_dry_run_is_said_in_words(as_omar: Client, omar: AbstractUser, west: AENode) -> None:
    groups = [
        {"way": "as-is", "sop_class_uid": CT, "transfer_syntax_uid": EXPLICIT, "sent_as": EXPLICIT,
         "reason": "", "count": 1612},
        {"way": "converted", "sop_class_uid": CT, "transfer_syntax_uid": J2K, "sent_as": EXPLICIT,
         "reason": "", "count": 2},
        {"way": "refused", "sop_class_uid": SR, "transfer_syntax_uid": EXPLICIT, "sent_as": "",
         "reason": "class-not-accepted", "count": 1},
    ]  # fmt: skip
    plan = TransferPlan.objects.create(
        node=west, requested_by=omar, state="done", groups=groups, milliseconds=12, finished_at=timezone.now()
    )
    text = text_of(as_omar, f"/send/plan/{plan.pk}/")
    assert "1,612" in text
    assert "CT image, Explicit LE. Sent byte for byte." in text
    assert "CT image, JPEG 2000 lossless to Explicit LE" in text
    assert "Structured report, Explicit LE. The receiver does not take this kind of object." in text
    assert 'data-goes="1614"' in text


def test_dry_run_belongs_to_who_asked(as_omar: Client, ada: AbstractUser, west: AENode) -> None:
    plan = TransferPlan.objects.create(node=west, requested_by=ada)
    assert as_omar.get(f"/send/plan/{plan.pk}/").status_code == 404


def test_dead_node_is_said_before_anything_is_sent(as_omar: Client, omar: AbstractUser, west: AENode) -> None:
    plan = TransferPlan.objects.create(
        node=west, requested_by=omar, state="failed", error="refused", finished_at=timezone.now()
    )
    text = text_of(as_omar, f"/send/plan/{plan.pk}/")
    assert "10.0.0.9 is there, but nothing listens on port 104." in text
    assert "What is sent now waits and is tried again by itself." in text


def test_list_shows_how_far_each_is(as_omar: Client, transfer: Transfer) -> None:
    Transfer.objects.update(state="sending", sent=1)
    text = text_of(as_omar, "/transfers/?part=1")
    assert "1 / 2" in text
    assert "Sending" in text
    assert "<html" not in text


def test_waiting_transfer_says_why_and_until_when(as_omar: Client, transfer: Transfer) -> None:
    when = timezone.now() + timedelta(seconds=120)
    Transfer.objects.update(error="rejected-calling", attempts=3, next_attempt_at=when)
    text = text_of(as_omar, f"/transfers/{transfer.pk}/")
    assert "It does not know us as “LIGHTBOX”." in text
    assert f"3 attempts so far. The next one is at {when:%H:%M:%S}." in text
    assert "Try now" in text


def test_objects_are_shown_with_status_reason_and_comment(as_omar: Client, transfer: Transfer) -> None:
    first, second = transfer.items.all()
    TransferItem.objects.filter(pk=first.pk).update(
        state="failed", status=0xC123, reason="cannot-understand", comment="no such patient", attempts=2
    )
    TransferItem.objects.filter(pk=second.pk).update(
        state="there", status=0x0111, reason="duplicate", sent_at=timezone.now(), attempts=1
    )
    Transfer.objects.update(state="failed", sent=1, warned=1, failed=1)
    text = text_of(as_omar, f"/transfers/{transfer.pk}/")
    assert "C123" in text
    assert "The receiver cannot make sense of it." in text
    assert "no such patient" in text
    assert "0111" in text
    assert "The receiver had it already and kept what it had." in text
    assert "Send the rest" in text
    narrowed = text_of(as_omar, f"/transfers/{transfer.pk}/?show=failed&part=1")
    assert "C123" in narrowed
    assert "0111" not in narrowed


def test_retry_sends_what_did_not_arrive_again(as_omar: Client, transfer: Transfer) -> None:
    first, second = transfer.items.all()
    TransferItem.objects.filter(pk=first.pk).update(state="failed", status=0xC123, attempts=1)
    TransferItem.objects.filter(pk=second.pk).update(state="sent", status=0)
    Transfer.objects.update(state="failed", sent=1, failed=1)
    as_omar.post(f"/transfers/{transfer.pk}/retry/")
    transfer.refresh_from_db()
    assert (transfer.state, transfer.sent, transfer.failed) == ("waiting", 1, 0)
    assert list(transfer.items.values_list("state", flat=True)) == ["waiting", "sent"]


def test_transfer_that_is_done_is_not_retried(as_omar: Client, transfer: Transfer) -> None:
    Transfer.objects.update(state="done")
    answer = as_omar.post(f"/transfers/{transfer.pk}/retry/", follow=True)
    assert "The transfer has gone on meanwhile." in answer.content.decode()


def test_cancel_lets_a_waiting_transfer_be(as_omar: Client, transfer: Transfer) -> None:
    as_omar.post(f"/transfers/{transfer.pk}/cancel/")
    transfer.refresh_from_db()
    assert transfer.state == "cancelled"
    assert AuditEvent.objects.filter(action="sent", detail={"what": "cancel"}).exists()


def test_deleted_node_leaves_its_transfers_readable(
    as_omar: Client, transfer: Transfer, west: AENode
) -> None:
    west.delete()
    assert "PACS_WEST" in text_of(as_omar, f"/transfers/{transfer.pk}/")
    assert "PACS_WEST" in text_of(as_omar, "/transfers/")


def test_nothing_changes_by_looking(as_omar: Client, transfer: Transfer) -> None:
    assert as_omar.get(f"/transfers/{transfer.pk}/retry/").status_code == 405
    assert as_omar.get(f"/transfers/{transfer.pk}/cancel/").status_code == 405
    assert as_omar.get("/send/plan/").status_code == 405


def test_senders_are_protected_from_forged_requests(omar: AbstractUser, transfer: Transfer) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(omar, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post(f"/transfers/{transfer.pk}/cancel/").status_code == 403
    assert strict.post("/send/", {"study": 1, "node": 1}).status_code == 403
