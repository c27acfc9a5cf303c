"""What the kernel saw: an object is answered for only when file, name and row are on the disk.

The server and the import run under ``strace``; the order of their system calls is the proof.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.objects import ct_slice, part10
from tests.wire.server import READY, ROOT, environment, folder_copy

CALLS = "mkdir,mkdirat,rename,renameat,renameat2,fsync,fdatasync,unlink,unlinkat,write,sendto,sendmsg"
_LINE = re.compile(r"(?P<pid>\d+)\s+(?:<\.\.\. )?(?P<name>\w+)(?P<rest>.*)")
# (0000,0100) Command Field, US, C-STORE-RSP (PS3.7 E.1)
STORE_RESPONSE = bytes((0, 0, 0, 1, 2, 0, 0, 0, 0x01, 0x80)).decode("latin-1")
_HEX = re.compile(r"(?:\\x[0-9a-f]{2})+")


@dataclass
class Call:
    """One system call; ``began`` and ``ended`` are line numbers of the trace."""

    name: str
    text: str
    began: int
    ended: int


def _plain(run: re.Match[str]) -> str:
    """``-xx`` writes every string in hexadecimal; a line break in one must not end the line."""
    return bytes.fromhex(run[0].replace("\\x", "")).decode("latin-1").replace("\n", "")


def read_trace(path: Path) -> list[Call]:
    """The calls that succeeded, in order of their beginning."""
    calls: list[Call] = []
    open_calls: dict[tuple[str, str], Call] = {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines()):
        match = _LINE.match(_HEX.sub(_plain, line))
        if match is None:
            continue
        key = match["pid"], match["name"]
        if " resumed>" in match["rest"]:
            call = open_calls.pop(key, None)
            if call is not None:
                call.text += match["rest"]
                call.ended = number
        else:
            call = Call(match["name"], match["rest"], number, number)
            calls.append(call)
            if line.endswith("<unfinished ...>"):
                open_calls[key] = call
    return [call for call in calls if " = -1 " not in call.text]


def strace(log: Path, *command: str) -> list[str]:
    return [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-yy",
        "-xx",
        "-s",
        "2000",
        "-o",
        str(log),
        "-e",
        f"trace={CALLS}",
        *command,
    ]


def first(calls: list[Call], after: int, names: str, *parts: str) -> Call:
    for call in calls:
        if call.began > after and call.name in names.split() and all(part in call.text for part in parts):
            return call
    raise AssertionError(f"no {names} with {parts} after line {after}")


def prove(calls: list[Call], answered: Callable[[Call], bool]) -> None:
    """File flushed, renamed to its place, place flushed, row flushed, answered: each after the one before."""
    placed = first(calls, -1, "rename renameat renameat2", "/store/staging/", "/store/objects/")
    staged, target = re.findall(r'"([^"]+)"', placed.text)
    folder = target.rpartition("/")[0]
    flushed = first(calls, -1, "fsync fdatasync", f"<{staged}>")
    written = [call for call in calls if call.name == "write" and f"<{staged}>" in call.text]
    assert written
    assert written[-1].ended < flushed.began
    assert flushed.ended < placed.began
    made = first(calls, -1, "mkdir mkdirat", f'"{folder}"')
    parent = first(calls, made.ended, "fsync", f"<{folder.rpartition('/')[0]}>")
    entry = first(calls, placed.ended, "fsync", f"<{folder}>")
    row = first(calls, entry.ended, "fsync fdatasync", "pacs.sqlite3-wal>")
    answer = next(call for call in calls if answered(call))
    assert parent.ended < placed.began
    assert row.ended < answer.began
    assert not [call for call in calls if call.name.startswith("unlink") and "/store/objects/" in call.text]


@pytest.fixture
def data_dir(prepared: Path, tmp_path: Path) -> Path:
    return folder_copy(prepared, tmp_path / "data")


def test_import_reports_an_object_after_file_name_and_row_are_flushed(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(part10(ct_slice()))
    log = tmp_path / "trace"
    command = [sys.executable, "manage.py", "importdicom", str(tmp_path / "a.dcm")]
    run = subprocess.run(
        strace(log, *command),
        cwd=ROOT,
        env=environment(data_dir),
        capture_output=True,
        check=False,
        timeout=110,
    )
    assert (run.returncode, run.stdout) == (0, b"1 kept\n"), run.stderr
    prove(read_trace(log), lambda call: call.name == "write" and "1 kept" in call.text)


@pytest.fixture
def traced_server(data_dir: Path, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    log, output = tmp_path / "trace", tmp_path / "output"
    with output.open("wb") as stream:
        command = [sys.executable, "-u", "manage.py", "runscp", "--port", "0", "--processes", "1"]
        process = subprocess.Popen(
            strace(log, *command), cwd=ROOT, env=environment(data_dir), stdout=stream, stderr=stream
        )
    try:
        deadline = time.monotonic() + 90
        while (ready := READY.search(output.read_text(errors="replace"))) is None:
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield int(ready[3]), log
    finally:
        for server in psutil.Process(process.pid).children():
            server.terminate()  # strace ends with it; ended itself, it would leave the server running
        process.wait(30)


def test_server_answers_success_after_file_name_and_row_are_flushed(
    traced_server: tuple[int, Path], tmp_path: Path
) -> None:
    port, log = traced_server
    (tmp_path / "a.dcm").write_bytes(part10(ct_slice()))
    subprocess.run(
        ["storescu", "-aet", "STORESCU", "-aec", "LIGHTBOX", "127.0.0.1", str(port), str(tmp_path / "a.dcm")],
        check=True,
        timeout=60,
    )
    prove(
        read_trace(log),
        lambda call: call.name in {"write", "sendto", "sendmsg"} and STORE_RESPONSE in call.text,
    )
