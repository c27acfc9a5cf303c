"""`make run`'s supervisor: what it refuses, what it starts, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

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


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str], list[str]]]:
    variables = environment(tmp_path / "data")
    process = start(variables)
    try:
        yield process, variables, read_until(process, "stop      Ctrl-C")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=20)


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
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def test_banner_says_where_and_how(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    _, variables, lines = running
    banner = "".join(lines)
    assert f"http://127.0.0.1:{variables['PACS_HTTP_PORT']}/" in banner
    assert "admin / " in banner
    assert f"storescu -aet DEMO -aec LIGHTBOX 127.0.0.1 {variables['PACS_DICOM_PORT']}" in banner


def test_second_supervisor_on_the_same_folder_is_refused(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    process, variables, _ = running
    other = start({**variables, "PACS_HTTP_PORT": str(free_port()), "PACS_DICOM_PORT": str(free_port())})
    output, _ = other.communicate(timeout=30)
    assert other.returncode == 1
    assert output.count("\n") == 1
    assert f"already runs on the data folder {variables['PACS_DATA_DIR']} (process {process.pid})" in output


def test_killed_process_is_started_again(
    running: tuple[subprocess.Popen[str], dict[str, str], list[str]],
) -> None:
    process, _, _ = running
    web = next(p for p in psutil.Process(process.pid).children() if "pacs_site.web" in " ".join(p.cmdline()))
    web.kill()
    assert "starting it again" in "".join(read_until(process, "web stopped"))


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
