"""The outbox: each event once, coalesced, none missed though ids do not commit in order."""

from __future__ import annotations

import threading

import pytest
from django.db import connections, transaction

from archive.events import EventTail, event_record
from archive.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


def test_tail_begins_now_and_tells_each_once() -> None:
    event_record(topic="study", key="1")
    tail = EventTail()
    assert tail.poll() == []
    event_record(topic="study", key="2")
    event_record(topic="probe", key="7")
    assert tail.poll() == [("study", "2"), ("probe", "7")]
    assert tail.poll() == []


def test_many_events_of_one_study_are_told_as_one() -> None:
    tail = EventTail()
    for _ in range(50):
        event_record(topic="study", key="1")
    event_record(topic="study", key="2")
    assert tail.poll() == [("study", "1"), ("study", "2")]


def test_nothing_is_told_of_what_was_rolled_back() -> None:
    tail = EventTail()
    with transaction.atomic():
        event_record(topic="study", key="1")
        transaction.set_rollback(True)
    assert tail.poll() == []


def test_smaller_id_that_commits_later_is_told() -> None:
    tail = EventTail()
    event_record(topic="study", key="first")
    late = Event.objects.latest("id").pk + 1
    Event.objects.create(pk=late + 2, topic="study", key="last")
    assert tail.poll() == [("study", "first"), ("study", "last")]
    Event.objects.create(pk=late, topic="study", key="late")
    assert tail.poll() == [("study", "late")]
    assert tail.poll() == []


def test_gap_from_before_the_tail_began_is_told_too() -> None:
    Event.objects.create(pk=100, topic="study", key="old")
    Event.objects.create(pk=103, topic="study", key="old")
    tail = EventTail()
    Event.objects.create(pk=102, topic="study", key="late")
    assert tail.poll() == [("study", "late")]


def test_id_that_never_comes_is_given_up() -> None:
    tail = EventTail(overlap=0.0)
    Event.objects.create(pk=10, topic="study", key="1")
    assert tail.poll() == [("study", "1")]
    Event.objects.create(pk=5, topic="study", key="far too late")
    assert tail.poll() == []


def test_real_transactions_that_commit_the_other_way_round() -> None:
    if connections["default"].vendor != "postgresql":
        return  # SQLite has one writer: ids commit in order
    tail = EventTail()
    recorded, go = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            event_record(topic="study", key="slow")
            recorded.set()
            go.wait(20)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    recorded.wait(20)
    event_record(topic="study", key="quick")
    assert tail.poll() == [("study", "quick")]
    go.set()
    thread.join()
    assert tail.poll() == [("study", "slow")]
