"""Background jobs: one that lost its worker is taken up again, one that is being done is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from archive.events import EventTail, event_record
from archive.jobs import WorkerMark, housekeeping_run, jobs_recover
from archive.management.commands import runjobs
from archive.models import Event, FileRemoval
from tests.archive.sample_jobs import hang_the_first_time, note

pytestmark = pytest.mark.django_db(transaction=True)


def running(worker_id: str, *, attempts: int = 1, queue: str = "default") -> DBTaskResult:
    """A job that some worker has claimed."""
    job = DBTaskResult.objects.get(pk=note.using(queue_name=queue).enqueue("/dev/null", "x").id)
    for _ in range(attempts):
        job.claim(worker_id)
    return job


def test_job_of_a_living_worker_is_left_alone_and_of_a_dead_one_queued_again(data_dir: Path) -> None:
    mark = WorkerMark("default")
    job = running(mark.worker_id)
    assert jobs_recover(["default"]) == 0
    mark.close()
    assert jobs_recover(["default"]) == 1
    job.refresh_from_db()
    assert (job.status, job.started_at) == (TaskResultStatus.READY, None)
    assert jobs_recover(["default"]) == 0


def test_other_queues_are_not_touched(data_dir: Path) -> None:
    mark = WorkerMark("print")
    mark.close()
    running(mark.worker_id, queue="print")
    assert jobs_recover(["default", "interactive"]) == 0
    assert jobs_recover(["print"]) == 1


def test_job_that_loses_its_worker_three_times_fails(data_dir: Path) -> None:
    mark = WorkerMark("default")
    mark.close()
    job = running(mark.worker_id, attempts=3)
    assert jobs_recover(["default"]) == 0
    job.refresh_from_db()
    assert (job.status, job.exception_class_path) == (TaskResultStatus.FAILED, "archive.jobs.WorkerLost")


def test_worker_of_another_host_is_given_time(data_dir: Path) -> None:
    job = running("other-host.default.12.abcd0123")
    assert jobs_recover(["default"]) == 0
    DBTaskResult.objects.filter(pk=job.pk).update(started_at=timezone.now() - timedelta(hours=2))
    assert jobs_recover(["default"]) == 1


def test_batch_run_recovers_then_works_everything_off(data_dir: Path, tmp_path: Path) -> None:
    mark = WorkerMark("default")
    mark.close()
    running(mark.worker_id)
    note.enqueue(str(tmp_path / "notes"), "hello")
    call_command("runjobs", "--queue", "default", "--batch")
    assert (tmp_path / "notes").read_text() == "hello\n"
    assert set(DBTaskResult.objects.values_list("status", flat=True)) == {TaskResultStatus.SUCCESSFUL}
    assert list((data_dir / "workers").iterdir()) == []


PROCESS = """
import sys, django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pathlib import Path
settings.DATA_DIR = Path(sys.argv[1])
connections["default"].settings_dict["NAME"] = sys.argv[2]
call_command("runjobs")
"""


def until(condition, what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_killed_lane_comes_back_and_does_its_job_again(data_dir: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    job_id = hang_the_first_time.using(queue_name="print").enqueue(str(mark)).id
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(data_dir), str(connection.settings_dict["NAME"])],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stderr=subprocess.DEVNULL,
    )
    try:
        until(mark.exists, "the print lane takes its job")
        note.using(queue_name="interactive").enqueue(str(tmp_path / "notes"), "meanwhile")
        until((tmp_path / "notes").exists, "another lane goes on")
        worker_id = DBTaskResult.objects.get(pk=job_id).worker_ids[-1]
        os.kill(int(worker_id.split(".")[2]), signal.SIGKILL)
        until(lambda: mark.read_text() == "ran\nran\n", "the job is done again")
        until(
            lambda: DBTaskResult.objects.get(pk=job_id).status == TaskResultStatus.SUCCESSFUL, "and succeeds"
        )
        assert (data_dir / "alive" / "jobs").exists()
    finally:
        process.terminate()
        status = process.wait(20)
    assert status == 0
    until(lambda: not list((data_dir / "workers").glob("*.interactive.*")), "the lanes have gone")


def test_housekeeping_forgets_old_events_and_finishes_removals(data_dir: Path) -> None:
    event_record(topic="study", key="1")
    Event.objects.update(created_at=timezone.now() - timedelta(days=2))
    event_record(topic="study", key="2")
    FileRemoval.objects.create(file_key="objects/000/gone.dcm")
    housekeeping_run()
    assert list(Event.objects.values_list("key", flat=True)) == ["2"]
    assert FileRemoval.objects.count() == 0
    assert EventTail().poll() == []


def test_no_lane_is_started_once_we_are_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    forks: list[str] = []
    monkeypatch.setattr(runjobs.os, "fork", lambda: forks.append("fork") or 4711)
    lanes = runjobs._Lanes(["default"])
    lanes._start("default")
    assert (forks, lanes.running) == (["fork"], {4711: "default"})
    lanes.stopping = True
    lanes._start("print")
    assert (forks, lanes.running) == (["fork"], {4711: "default"})
