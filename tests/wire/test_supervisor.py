"""`make run`'s supervisor: what it refuses, what it starts, and that nothing is left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from pacs_site.ready import services_ready
from tests.wire.peer import IMPLICIT, VERIFICATION, Peer

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **changes: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "",  # a terminal's line at a time is not what a service manager's pipe gets
        "PACS_DATA_DIR": str(folder),
        "PACS_HTTP_PORT": str(free_port()),
        "PACS_DICOM_PORT": str(free_port()),
        "PACS_PUBLIC_URL": "",
        "DATABASE_URL": "",
        "PACS_DEMO": "0",
        "PACS_UNKNOWN_AE": "accept",
        "DJANGO_SETTINGS_MODULE": "pacs_site.settings",
        **changes,
    }


def start(variables: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pacs_site.supervisor"],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@contextmanager
def started(variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A supervisor that is stopped at the end, also when a test failed."""
    process = start(variables)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=20)


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))


def service(process: subprocess.Popen[str], name: str) -> psutil.Process:
    """The newest process of this name below the supervisor; waits until there is one."""
    while True:
        for child in psutil.Process(process.pid).children():
            if child.name() == f"lightbox-{name}" and is_there(child):
                return child
        time.sleep(0.02)


def is_there(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as a first run leaves it."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    with started(environment(folder)) as process:
        read_until(process, "stop      Ctrl-C")
    return folder


@pytest.fixture
def running(
    prepared: Path, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str], list[str]]]:
    """A later run, ready: the process, its environment, and its lines up to the banner's end."""
    variables = environment(Path(shutil.copytree(prepared, tmp_path / "data")))
    with started(variables) as process:
        yield process, variables, read_until(process, "stop      Ctrl-C")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_stops_everything(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]], number: signal.Signals
) -> None:
    process, _, _ = running
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 5  # web, scp and its processes, jobs and its lanes
    asked = time.monotonic()
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert time.monotonic() - asked < 5  # the promise of the README, not a benchmark
    assert "Stopped." in output
    assert [p for p in family if is_there(p)] == []


def test_first_banner_says_where_and_how(tmp_path: Path) -> None:
    variables = environment(tmp_path / "data")
    with started(variables) as process:
        banner = "".join(read_until(process, "stop      Ctrl-C"))
    assert f"http://127.0.0.1:{variables['PACS_HTTP_PORT']}/" in banner
    assert "admin / " in banner
    assert f"storescu -aet DEMO -aec LIGHTBOX 127.0.0.1 {variables['PACS_DICOM_PORT']}" in banner


def test_later_banner_knows_no_password(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    _, variables, lines = running
    banner = "".join(lines)
    assert f"http://127.0.0.1:{variables['PACS_HTTP_PORT']}/" in banner
    assert "admin (password as before)" in banner


def test_second_supervisor_on_the_same_folder_is_refused(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    process, variables, _ = running
    other = start({**variables, "PACS_HTTP_PORT": str(free_port()), "PACS_DICOM_PORT": str(free_port())})
    output, _ = other.communicate(timeout=30)
    assert other.returncode == 1
    assert output.count("\n") == 1
    assert f"already runs on the data folder {variables['PACS_DATA_DIR']} (process {process.pid})" in output


def test_banner_means_that_all_of_them_answer(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    _, variables, _ = running
    assert services_ready("127.0.0.1", int(variables["PACS_HTTP_PORT"]))
    with Peer.associated(int(variables["PACS_DICOM_PORT"]), [(1, VERIFICATION, [IMPLICIT])]) as peer:
        assert peer.echo(1) == 0x0000


def test_killed_process_is_started_again(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    process, variables, _ = running
    service(process, "web").kill()
    assert "web stopped (status -9); starting it again." in "".join(read_until(process, "web stopped"))
    while not services_ready("127.0.0.1", int(variables["PACS_HTTP_PORT"])):
        time.sleep(0.05)
    assert service(process, "web").is_running()


def test_service_that_keeps_dying_stops_the_rest(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    process, _, _ = running
    family = psutil.Process(process.pid).children(recursive=True)
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children():
                if child.name() == "lightbox-web":
                    child.kill()
        time.sleep(0.02)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert output.count("web stopped (status -9); starting it again.") >= 4
    assert output.splitlines()[-1] == "web stopped five times within 30 s; its lines above say why."
    assert [p for p in family if is_there(p)] == []


def test_killed_log_process_is_started_again_and_the_others_go_on(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    process, _, _ = running
    others = [service(process, name) for name in ("web", "scp", "jobs")]
    service(process, "logs").kill()
    read_until(process, "logs stopped (status -9); starting it again.")
    service(process, "jobs").children()[0].kill()
    assert read_until(process, "a lane of jobs died")[-1].startswith("jobs | ")
    assert [service(process, name) for name in ("web", "scp", "jobs")] == others


def test_what_a_killed_service_left_goes_when_we_stop(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    process, _, _ = running
    scp = service(process, "scp")
    workers = scp.children()
    assert len(workers) == 2
    for worker in workers:
        worker.suspend()  # it cannot finish by itself
    scp.kill()
    read_until(process, "scp stopped (status -9); starting it again.")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert [worker for worker in workers if is_there(worker)] == []


def test_everything_goes_with_a_killed_supervisor(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    process, variables, _ = running
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=20)  # the log process is the last to hold the pipe
    psutil.wait_procs(family, timeout=20)
    assert [p for p in family if is_there(p)] == []
    with (Path(variables["PACS_DATA_DIR"]) / "supervisor.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_one_signal_stops_the_set_up_too(tmp_path: Path) -> None:
    with started(environment(tmp_path / "data", PACS_DEMO="1")) as process:
        read_until(process, "Loading the demonstration studies")
        family = psutil.Process(process.pid).children(recursive=True)
        assert [p.name() for p in psutil.Process(process.pid).children()] == ["lightbox-setup"]
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Stopped." in output
    assert "Lightbox PACS is ready" not in output
    assert [p for p in family if is_there(p)] == []
    assert not (tmp_path / "data" / "demo.loaded").exists()
    assert "administrator" not in output
    with sqlite3.connect(tmp_path / "data" / "pacs.sqlite3") as database:
        people = database.execute("SELECT count(*) FROM auth_user WHERE is_superuser").fetchall()
    assert people == [(0,)]  # made by the next run, which tells the password


def test_signs_of_life_of_an_earlier_run_are_forgotten(prepared: Path, tmp_path: Path) -> None:
    alive = Path(shutil.copytree(prepared, tmp_path / "data")) / "alive"
    (alive / "of-old").touch()
    with started(environment(tmp_path / "data")) as process:
        read_until(process, "stop      Ctrl-C")
        assert sorted(path.name for path in alive.iterdir()) == ["jobs", "scp"]


def test_service_that_cannot_start_says_why_before_we_give_up(tmp_path: Path) -> None:
    (tmp_path / "nonsense.pem").write_text("nonsense")
    pem = str(tmp_path / "nonsense.pem")
    process = start(
        environment(
            tmp_path / "data",
            PACS_DICOM_TLS_PORT=str(free_port()),
            PACS_DICOM_TLS_CERT=pem,
            PACS_DICOM_TLS_KEY=pem,
        )
    )
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in output
    assert " scp | " in output
    assert "(dicomnet.E002)" in output
    *_, password, last = output.splitlines()
    assert last == "scp stopped while starting; its lines above say why."
    assert password.startswith("The first administrator was made: admin / ")  # it is told nowhere else


def refused(variables: dict[str, str]) -> str:
    process = start(variables)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in output
    assert output.count("\n") == 1, output
    return output


@pytest.mark.parametrize("name", ["PACS_HTTP_PORT", "PACS_DICOM_PORT"])
def test_port_in_use_is_one_sentence(tmp_path: Path, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"127.0.0.1:{port} cannot be used: Address already in use" in refused(
            environment(tmp_path / "data", **{name: port})
        )


def test_data_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "Give PACS_DATA_DIR a folder you may write to." in refused(environment(tmp_path / "file" / "data"))


def test_nonsense_in_the_environment_is_one_sentence(tmp_path: Path) -> None:
    assert "PACS_AE_TITLE" in refused(environment(tmp_path / "data", PACS_AE_TITLE="BACK\\SLASH"))


def test_database_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    url = f"postgres://nobody:nothing@127.0.0.1:{free_port()}/none"
    assert "Look at DATABASE_URL" in refused(environment(tmp_path / "data", DATABASE_URL=url))


def test_old_python_is_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "python", f"PYTHON={old}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Lightbox PACS needs Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr
