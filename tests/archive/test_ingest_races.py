"""Several associations at once: threads that share a commit, and processes that share a database."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction

from archive import committing
from archive.committing import CommitUnknown, NotCommitted, commit
from archive.ingest import Result
from archive.models import Event, Instance, Patient, Series, Study
from tests.archive.arrivals import files_of_store, receive
from tests.objects import ct_slice

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run each in a thread of its own, all let go together; return what each returned or raised."""
    gate = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(number: int, work: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[number] = work()
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_object_sent_by_several_at_once_is_kept_once(data_dir: Path) -> None:
    for _ in range(10):
        ds = ct_slice()
        outcomes = at_once(*[lambda ds=ds: receive(ds)] * 4)
        kinds = sorted(outcome.kind for outcome in outcomes)
        assert kinds == [Result.DUPLICATE] * 3 + [Result.KEPT]
    assert Instance.objects.count() == 10
    assert len(files_of_store(data_dir)) == 10


def test_two_different_objects_under_one_uid_at_once_are_both_kept(data_dir: Path) -> None:
    for _ in range(10):
        ds = ct_slice()
        other = ct_slice(
            **{e: ds[e].value for e in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")}
        )
        other.ImageComments = "not the same"
        outcomes = at_once(lambda ds=ds: receive(ds), lambda other=other: receive(other))
        assert sorted(outcome.kind for outcome in outcomes) == [Result.CONFLICT_KEPT, Result.KEPT]
    assert len(files_of_store(data_dir)) == 20


def test_many_of_one_new_study_at_once_make_one_study(data_dir: Path) -> None:
    first = ct_slice()
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    outcomes = at_once(*[lambda: receive(ct_slice(**same))] * 12)
    assert [outcome.kind for outcome in outcomes] == [Result.KEPT] * 12
    assert (Patient.objects.count(), Study.objects.count(), Series.objects.count()) == (1, 1, 1)
    assert (Study.objects.get().number_of_instances, Series.objects.get().number_of_instances) == (12, 12)


def test_two_people_under_one_id_at_once_are_kept_apart(data_dir: Path) -> None:
    outcomes = at_once(
        lambda: receive(ct_slice(PatientName="Doe^Jane")),
        lambda: receive(ct_slice(PatientName="Roe^John", PatientBirthDate="19501231")),
    )
    assert sorted(outcome.kind for outcome in outcomes) == [Result.CONFLICT_KEPT, Result.KEPT]
    assert sorted(Patient.objects.values_list("person", "conflict")) == [(0, True), (1, True)]


def test_waiting_threads_share_a_commit(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    lead = committing._lead

    def counting(batch: list[Any]) -> None:
        batches.append(len(batch))
        lead(batch)

    monkeypatch.setattr(committing, "_lead", counting)
    holding, go = threading.Event(), threading.Event()

    def slow() -> str:
        holding.set()
        go.wait(20)
        return "slow"

    def quick(number: int) -> int:
        Event.objects.create(topic="study", key=str(number))
        return number

    def release() -> None:
        while len(committing._queue) < 5:
            threading.Event().wait(0.01)
        go.set()

    def behind(number: int) -> int:
        holding.wait(20)
        return commit(lambda: quick(number))

    results = at_once(lambda: commit(slow), *[lambda n=n: behind(n) for n in range(5)], release)
    assert results[:6] == ["slow", 0, 1, 2, 3, 4]
    assert sorted(batches) == [1, 5]
    assert Event.objects.count() == 5


def test_one_that_fails_does_not_fail_those_who_share_its_commit(data_dir: Path) -> None:
    holding, go = threading.Event(), threading.Event()

    def slow() -> None:
        holding.set()
        go.wait(20)

    def bad() -> None:
        Event.objects.create(topic="study", key="bad")
        raise ValueError("mine alone")

    def behind(work: Callable[[], Any]) -> Any:
        holding.wait(20)
        return commit(work)

    def release() -> None:
        while len(committing._queue) < 3:
            threading.Event().wait(0.01)
        go.set()

    results = at_once(
        lambda: commit(slow),
        lambda: behind(lambda: Event.objects.create(topic="study", key="a").key),
        lambda: behind(bad),
        lambda: behind(lambda: Event.objects.create(topic="study", key="b").key),
        release,
    )
    assert (results[1], results[3]) == ("a", "b")
    assert isinstance(results[2], ValueError)
    assert sorted(Event.objects.values_list("key", flat=True)) == ["a", "b"]


def test_transaction_marked_for_rollback_is_never_taken_for_a_commit(data_dir: Path) -> None:
    def spoilt() -> str:
        Event.objects.create(topic="study", key="x")
        transaction.set_rollback(True)
        return "written"

    with pytest.raises(NotCommitted):
        commit(spoilt)
    assert Event.objects.count() == 0


def test_nobody_waits_for_ever_when_the_leader_is_torn_away(data_dir: Path) -> None:
    def torn() -> None:
        raise SystemExit

    waiting = committing._Waiting(lambda: "never run", ())
    with pytest.raises(SystemExit):
        committing._lead([committing._Waiting(torn, ()), waiting])
    assert isinstance(waiting.error, CommitUnknown)


PROCESS = """
import sys, django
django.setup()
from django.conf import settings
from django.db import connections
from pathlib import Path
settings.DATA_DIR = Path(sys.argv[1])
connections["default"].settings_dict["NAME"] = sys.argv[2]
from tests.archive.arrivals import receive
from tests.objects import ct_slice
sys.stdin.readline()
for number in range(10):
    same = ct_slice(SOPInstanceUID=f"1.2.3.{number}", StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.9")
    own = ct_slice(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.9")
    print(receive(same).kind, receive(own).kind)
"""


def test_processes_that_share_the_database_count_right(data_dir: Path) -> None:
    name = str(connection.settings_dict["NAME"])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(data_dir), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    kinds = " ".join(process.communicate(timeout=100)[0] for process in processes).split()
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert kinds.count("kept") == 40
    assert kinds.count("duplicate") == 20
    study = Study.objects.get()
    assert (study.number_of_instances, Series.objects.get().number_of_instances) == (40, 40)
    assert len(files_of_store(data_dir)) == 40
