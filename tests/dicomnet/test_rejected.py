"""A flood of rejected callers does not fill the database, and no caller goes unnoticed."""

from __future__ import annotations

import time
from unittest.mock import Mock

import pytest
from django.db import DatabaseError

from archive.models import AuditEvent
from dicomnet.callers import CallerReason
from dicomnet.dimse.negotiation import Rejection, proposal_read
from dicomnet.models import Association, UnknownCaller
from dicomnet.scp import rejected
from dicomnet.scp.guard import TurnedAway
from dicomnet.scp.rejected import NEW_A_MINUTE, REPEAT_SECONDS, RejectedCallers
from tests.wire.peer import CT, EXPLICIT, associate_rq

pytestmark = pytest.mark.django_db

AWAY = TurnedAway(Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED, CallerReason.UNKNOWN_TITLE)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def call(callers: RejectedCallers, title: str = "X", address: str = "10.0.0.1") -> None:
    pdu = associate_rq([(1, CT, [EXPLICIT])], calling=title.encode("latin-1"))
    callers.record(proposal_read(pdu), address, AWAY)


def test_the_first_call_is_written_at_once(clock: list[float]) -> None:
    call(RejectedCallers())
    row = UnknownCaller.objects.get()
    assert (row.ae_title, row.host, row.reason, row.calls) == ("X", "10.0.0.1", "unknown-title", 1)
    event = AuditEvent.objects.get()
    assert (event.actor_name, event.source, event.success) == ("X", "10.0.0.1", False)
    assert event.detail == {"end": "rejected", "why": "unknown-title", "calls": 1, "called": "LIGHTBOX"}


def test_repeated_calls_are_written_together(clock: list[float]) -> None:
    callers = RejectedCallers()
    for _ in range(100):
        call(callers)
    assert UnknownCaller.objects.get().calls == 1
    clock[0] += REPEAT_SECONDS
    call(callers)
    assert UnknownCaller.objects.get().calls == 101
    assert list(AuditEvent.objects.order_by("id").values_list("detail__calls", flat=True)) == [1, 100]


def test_new_callers_are_so_many_a_minute(clock: list[float]) -> None:
    callers = RejectedCallers()
    for number in range(200):
        call(callers, f"X{number}")
    assert UnknownCaller.objects.count() == NEW_A_MINUTE
    clock[0] += 30
    for number in range(200):
        call(callers, f"Y{number}")
    assert UnknownCaller.objects.filter(ae_title__startswith="Y").count() == NEW_A_MINUTE / 2


def test_a_refusal_of_the_protocol_is_audited_and_no_caller(clock: list[float]) -> None:
    pdu = associate_rq([(1, CT, [EXPLICIT])], version=2)
    RejectedCallers().record(
        proposal_read(pdu), "10.0.0.1", TurnedAway(Rejection.PROTOCOL_VERSION_NOT_SUPPORTED)
    )
    assert not UnknownCaller.objects.exists()
    assert AuditEvent.objects.get().detail["why"] == "protocol_version_not_supported"


@pytest.mark.parametrize(("title", "shown"), [("", ""), ("a\nb", "a?b"), ("<b>", "<b>"), ("é", "é")])
def test_titles_are_shown_as_they_can_be(clock: list[float], title: str, shown: str) -> None:
    call(RejectedCallers(), title)
    assert UnknownCaller.objects.get().ae_title == shown
    assert AuditEvent.objects.get().actor_name == (shown or "(no title)")


def test_a_row_that_was_rolled_back_is_not_added_to(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = RejectedCallers()
    with monkeypatch.context() as broken:
        broken.setattr(rejected, "audit_record", Mock(side_effect=DatabaseError("the disk is full")))
        call(callers)
    call(callers, "Y")  # gets the number of the row that was rolled back
    clock[0] += REPEAT_SECONDS
    call(callers)
    assert list(Association.objects.order_by("id").values_list("peer", "calls")) == [("Y", 1), ("X", 1)]
