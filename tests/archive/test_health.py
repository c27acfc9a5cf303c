"""`/healthz` and the status line tell the truth."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.test import Client

from archive import health

pytestmark = pytest.mark.django_db


@pytest.fixture
def alive(tmp_path: Path, settings: object) -> Path:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    for name in ("scp", "jobs"):
        health.heartbeat_touch(name=name)
    return tmp_path / "alive"


def test_all_well_is_200_for_anybody(alive: Path, client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert answer.json() == {"web": "ok", "scp": "ok", "jobs": "ok", "database": "ok", "disk": "ok"}


def test_silent_scp_is_503_and_named(alive: Path, client: Client) -> None:
    long_ago = time.time() - 60
    os.utime(alive / "scp", (long_ago, long_ago))
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["scp"] == "failing"
    assert answer.json()["jobs"] == "ok"


def test_jobs_that_never_ran_are_not_alive(alive: Path) -> None:
    (alive / "jobs").unlink()
    assert health.health_now().jobs is False


def test_forgotten_signs_of_life_are_gone_until_the_next(alive: Path) -> None:
    health.heartbeats_forget()
    assert not health.heartbeat_alive(name="scp")
    assert not health.heartbeat_alive(name="jobs")
    health.heartbeat_touch(name="scp")
    assert health.heartbeat_alive(name="scp")


def test_database_that_does_not_answer_is_told(alive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(health.connection, "cursor", refuse)
    assert health.health_now().database is False


def test_little_space_is_not_well(alive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LOW_DISK_BYTES", 1 << 60)
    found = health.health_now()
    assert (found.disk, found.ok) == (False, False)
    assert found.disk_free > 0


def test_heartbeat_beats_until_stopped(tmp_path: Path, settings: object) -> None:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    stop = health.heartbeat_start(name="scp")
    deadline = time.monotonic() + 5
    while not health.heartbeat_alive(name="scp") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert health.heartbeat_alive(name="scp")
    stop.set()


def test_heartbeats_lie_in_the_data_folder() -> None:
    assert health._heartbeat_path("scp") == Path(settings.DATA_DIR) / "alive" / "scp"
