"""System checks: each mistake has its message, a right configuration has none."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection

from archive import checks
from archive.checks import TAG, database_durable, file_system, sqlite_safe, store_usable
from tests.archive.arrivals import receive
from tests.objects import ct_slice

SAFE = {
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


def ids(messages: list[Any]) -> list[str]:
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def test_configuration_as_delivered_is_fine(data_dir: Path) -> None:
    assert run_checks(tags=[TAG]) == []


def test_address_that_names_no_store(data_dir: Path, settings: Any) -> None:
    settings.PACS_STORE_URL = "ftp://host/images"
    assert ids(store_usable(None)) == ["archive.E001"]


def test_folder_that_cannot_be_written(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.os, "access", lambda path, mode: False)
    assert ids(store_usable(None)) == ["archive.E002"]


@pytest.mark.django_db
def test_parts_of_the_store_on_different_file_systems(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(ct_slice())
    assert store_usable(None) == []
    shutil.rmtree(data_dir / "store" / "staging")
    (data_dir / "store" / "staging").symlink_to("/dev/shm")
    assert ids(store_usable(None)) == ["archive.E003"]


def test_disk_nearly_full(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    assert ids(store_usable(None)) == ["archive.W001"]


def configured(monkeypatch: pytest.MonkeyPatch, data_dir: Path, **options: str) -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": options}
    site = SimpleNamespace(DATABASES={"default": database}, DATA_DIR=data_dir)
    monkeypatch.setattr(checks, "settings", site)


def test_sqlite_that_does_not_flush_or_wait(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, data_dir, **SAFE)
    assert sqlite_safe(None) == []
    configured(monkeypatch, data_dir, init_command="PRAGMA synchronous=OFF")
    assert ids(sqlite_safe(None)) == ["archive.E004", "archive.E005"]


def test_sqlite_on_a_network_file_system(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, data_dir, **SAFE)
    monkeypatch.setattr(checks, "file_system", lambda path: "nfs4")
    assert ids(sqlite_safe(None)) == ["archive.W002"]


def test_file_system_is_that_of_the_longest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw\nhost:/x {tmp_path}/far nfs4 rw\n")
    (tmp_path / "far").mkdir()
    assert file_system(tmp_path / "far" / "x", str(mounts)) == "nfs4"
    assert file_system(tmp_path / "farther", str(mounts)) == "ext4"
    assert file_system(tmp_path, str(tmp_path / "no such file")) == ""


@pytest.mark.django_db
def test_database_that_does_not_flush_is_told_when_asked(data_dir: Path) -> None:
    found = ids(database_durable(None, databases=["default"]))
    # The test server of PostgreSQL does not flush, for speed: this is what the warning is about.
    assert found == (["archive.W003"] if connection.vendor == "postgresql" else [])
    assert database_durable(None) == []
