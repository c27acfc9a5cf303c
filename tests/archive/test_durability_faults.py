"""The disk is full, the disk is broken, the database says no: at each single step, one after the other."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from pydicom.dataset import Dataset

from archive.ingest import OutcomeUnknown, OutOfResources, Result
from archive.models import Event, Instance, Patient, QuarantinedObject, Study
from archive.storage import stage_open_file, syscalls
from archive.storage.stage import sweep
from tests.archive.arrivals import files_of_store, receive
from tests.objects import ct_slice, encoded

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = ("create", "write", "fsync", "fsync_directory", "rename", "make_directory")


class Disk:
    """Counts the calls on which durability hangs and lets one of them fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.fails_at, self.error = -1, 0
        for name in (*STEPS, "unlink"):
            monkeypatch.setattr(syscalls, name, self._watched(name, getattr(syscalls, name)))

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if name != "unlink":
                self.calls.append(name)
                if len(self.calls) - 1 == self.fails_at:
                    raise OSError(self.error, os.strerror(self.error))
            return real(*arguments)

        return call

    def fail(self, at: int, error: int) -> None:
        self.calls.clear()
        self.fails_at, self.error = at, error


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def rows() -> int:
    return sum(model.objects.count() for model in (Instance, Study, Patient, Event, QuarantinedObject))


def broken() -> tuple[Dataset, bytes]:
    """An object that goes to quarantine: its header ends in the middle of the identification."""
    ds = ct_slice()
    return ds, encoded(ds)[:60]


def arrivals() -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "indexed", lambda: receive(ct_slice())

    def quarantined() -> Any:
        ds, data = broken()
        return receive(ds, data=data)

    yield "quarantined", quarantined


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize(("road", "arrive"), list(arrivals()), ids=["indexed", "quarantined"])
def test_any_step_that_fails_leaves_nothing_and_the_next_object_goes_in(
    disk: Disk, data_dir: Path, settings: Any, road: str, arrive: Callable[[], Any], error: int
) -> None:
    arrive()  # in a folder of its own: counts the steps, the making of the store included
    steps = list(disk.calls)
    assert set(steps) == set(STEPS)
    for number, step in enumerate(steps):
        settings.DATA_DIR = data_dir.parent / f"{road}-{error}-{number}"
        settings.DATA_DIR.mkdir()
        before = rows()
        disk.fail(number, error)
        with pytest.raises(OutOfResources):
            arrive()
        assert files_of_store(settings.DATA_DIR) == [], (number, step)
        assert rows() == before, (number, step)
        disk.fail(-1, 0)
        expected = Result.KEPT if road == "indexed" else Result.QUARANTINED
        assert arrive().kind is expected, (number, step)
        assert len(files_of_store(settings.DATA_DIR)) == 1


def test_order_is_file_flushed_then_renamed_then_folder_flushed_then_committed(
    disk: Disk, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(ct_slice())  # the store and its folders are made
    real = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def commit(self: Any) -> None:
        disk.calls.append("commit")
        real(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", commit)
    disk.fail(-1, 0)
    receive(ct_slice())
    order = [call for call in disk.calls if call != "write"]
    assert order == [
        "create",
        "fsync",
        "make_directory",
        "fsync_directory",
        "rename",
        "fsync_directory",
        "commit",
    ]


def test_rolled_back_rows_take_the_file_with_them(data_dir: Path) -> None:
    full = mock.patch("archive.indexing.event_record", side_effect=OperationalError("disk is full"))
    with full, pytest.raises(OutOfResources):
        receive(ct_slice())
    assert (files_of_store(data_dir), rows()) == ([], 0)
    assert receive(ct_slice()).kind is Result.KEPT


def test_database_that_cannot_be_read_refuses_before_anything_is_placed(data_dir: Path) -> None:
    closed = mock.patch("archive.ingest.duplicate_find", side_effect=OperationalError("unable to open"))
    with closed, pytest.raises(OutOfResources):
        receive(ct_slice())
    assert (files_of_store(data_dir), rows()) == ([], 0)


def test_commit_that_fails_without_telling_leaves_the_file_for_fsck(data_dir: Path) -> None:
    ds = ct_slice()
    failing = mock.patch.object(
        BaseDatabaseWrapper, "_commit", side_effect=OperationalError("disk I/O error")
    )
    with failing, pytest.raises(OutcomeUnknown):
        receive(ds)
    assert rows() == 0
    assert len(files_of_store(data_dir)) == 1
    assert receive(ds).kind is Result.KEPT
    assert len(files_of_store(data_dir)) == 2


def test_connection_lost_after_the_commit_is_found_out_and_answered_as_kept(data_dir: Path) -> None:
    real = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def commit_then_lose(self: Any) -> None:
        real(self)
        raise OperationalError("server closed the connection unexpectedly")

    with mock.patch.object(BaseDatabaseWrapper, "_commit", commit_then_lose):
        outcome = receive(ct_slice())
    assert outcome.kind is Result.KEPT
    assert Instance.objects.get().pk == outcome.instance_id
    assert len(files_of_store(data_dir)) == 1


def test_database_file_that_may_not_grow_refuses_and_recovers(data_dir: Path) -> None:
    if connection.vendor != "sqlite":
        return  # a limit of its own that can be set while it runs is SQLite's
    receive(ct_slice())
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    refused = 0
    try:
        while refused < 3:
            try:
                receive(ct_slice(StudyDescription="x" * 900))
            except OutOfResources:
                refused += 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")
    assert refused > 0
    assert len(files_of_store(data_dir)) == Instance.objects.count()
    assert receive(ct_slice()).kind is Result.KEPT


def test_object_the_index_will_not_have_is_kept_in_quarantine(data_dir: Path) -> None:
    with mock.patch("archive.indexing.study_resolve", side_effect=ValueError("a mistake of ours")):
        outcome = receive(ct_slice())
    assert (outcome.kind, outcome.reason) == (Result.QUARANTINED, "not-indexable")
    item = QuarantinedObject.objects.get()
    assert files_of_store(data_dir) == [item.file_key]


def test_writer_that_dies_leaves_a_temporary_file_that_the_next_process_sweeps(data_dir: Path) -> None:
    receive(ct_slice())
    staging = data_dir / "store" / "staging"
    (staging / "999999-dead.part").write_bytes(b"half an object")
    with stage_open_file() as alive:
        assert sweep(str(staging)) == 1
        assert [path.name for path in staging.iterdir()] == [Path(alive.path).name]
