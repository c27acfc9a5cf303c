"""A ward PC nobody touches locks itself; looking on, without touching, does not keep it open."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from archive.models import AuditEvent
from viewer.idle import ACTIVE_AT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ten_minutes(settings: Any) -> None:
    settings.IDLE_LOCK_SECONDS = 600


def last_touched(client: Client, ago: float) -> None:
    session = client.session
    session[ACTIVE_AT] = time.time() - ago
    session.save()


def test_untouched_page_locks_and_leads_back(as_rita: Client) -> None:
    last_touched(as_rita, ago=601)
    answer = as_rita.get("/?q=wang")
    assert answer.headers["Location"] == "/login/?locked=1&next=%2F%3Fq%3Dwang"
    assert "_auth_user_id" not in as_rita.session


def test_locked_on_the_way_to_the_log_in_keeps_the_page(as_rita: Client) -> None:
    last_touched(as_rita, ago=601)
    answer = as_rita.get("/login/?next=/studies/7/")
    assert answer.headers["Location"] == "/login/?locked=1&next=%2Fstudies%2F7%2F"


def test_lock_page_says_why_it_is_there(client: Client) -> None:
    text = client.get("/login/?locked=1&next=/").content.decode()
    assert "Locked after 10 minutes without use." in text


def test_lock_is_recorded_as_a_log_out(as_rita: Client) -> None:
    last_touched(as_rita, ago=601)
    as_rita.get("/")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_name, event.detail) == ("logout", "rita", {"idle": True})


def test_touch_keeps_the_session_open(as_rita: Client) -> None:
    last_touched(as_rita, ago=590)
    assert as_rita.get("/").status_code == 200
    assert time.time() - as_rita.session[ACTIVE_AT] < 5


def test_polling_does_not_count_as_a_touch(as_rita: Client) -> None:
    last_touched(as_rita, ago=590)
    before = as_rita.session[ACTIVE_AT]
    assert as_rita.get("/status/", headers={"X-Background": "1"}).status_code == 200
    assert as_rita.session[ACTIVE_AT] == before


def test_script_is_told_401_when_locked(as_rita: Client) -> None:
    last_touched(as_rita, ago=601)
    assert as_rita.get("/status/", headers={"X-Background": "1"}).status_code == 401


def test_htmx_is_sent_to_the_page_the_person_was_on(as_rita: Client) -> None:
    last_touched(as_rita, ago=601)
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/?q=li"}
    answer = as_rita.get("/?q=lin", headers=headers)
    assert answer.headers["HX-Redirect"] == "/login/?locked=1&next=%2F%3Fq%3Dli"


def test_form_sent_too_late_leads_back_to_its_page(as_rita: Client) -> None:
    last_touched(as_rita, ago=601)
    answer = as_rita.post(
        "/language/", {"language": "en"}, headers={"Referer": "http://testserver/studies/3/"}
    )
    assert answer.headers["Location"] == "/login/?locked=1&next=%2Fstudies%2F3%2F"


def test_session_tells_the_seconds_left(as_rita: Client) -> None:
    last_touched(as_rita, ago=400)
    left = as_rita.get("/session/", headers={"X-Background": "1"}).json()["seconds"]
    assert 195 <= left <= 200


def test_zero_means_never(as_rita: Client, settings: Any) -> None:
    settings.IDLE_LOCK_SECONDS = 0
    last_touched(as_rita, ago=10**6)
    assert as_rita.get("/").status_code == 200
    assert as_rita.get("/session/").json() == {"seconds": None}
