"""`make run`: get ready, then run web, SCP and jobs together until told to stop.

Everything that can go wrong before the start is one sentence and exit status 1. One INT or TERM
stops every process within five seconds; a process that dies is started again, and one that keeps
dying stops the rest with a sentence.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pacs_site import env, secrets, setup
from pacs_site.ready import services_ready

STOP_SECONDS = 4.0
READY_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1
_COLOURS = {"web": 36, "scp": 35, "jobs": 33}


class CannotStart(Exception):
    """Why nothing was started, in one sentence."""


@dataclass
class Child:
    """One process of ours, with its own process group and its lines prefixed with its name."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: deque[float] = field(default_factory=lambda: deque(maxlen=5))

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  our own commands
            self.command,
            cwd=env.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone; we pass it on in order
            preexec_fn=_die_with_parent,  # noqa: PLW1509  only prctl runs between fork and exec
        )
        self.started.append(time.monotonic())
        assert self.process.stdout is not None
        threading.Thread(target=_prefix, args=(self.name, self.process.stdout), daemon=True).start()

    def dies_often(self) -> bool:
        full = len(self.started) == self.started.maxlen
        return full and self.started[-1] - self.started[0] < 30

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


def _die_with_parent() -> None:
    """Ask the kernel for TERM when the supervisor itself is killed: no orphan keeps a port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _prefix(name: str, stream: IO[bytes]) -> None:
    mark = f"\x1b[{_COLOURS[name]}m{name:>4}\x1b[0m" if sys.stdout.isatty() else f"{name:>4}"
    for line in stream:
        text = line.decode(errors="replace").rstrip()
        if text:
            print(f"{mark} | {text}", flush=True)


def _lock_data_folder(data_dir: Path) -> IO[str]:
    """Hold the data folder for as long as the returned file is open."""
    lock = (data_dir / "supervisor.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise CannotStart(
            f"Lightbox PACS already runs on the data folder {data_dir} (process {lock.read().strip()}). "
            "Stop it first, or give PACS_DATA_DIR another folder."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _check_port(variable: str, host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"{host}:{port} cannot be used: {error.strerror}. "
                f"Stop what listens there, or give {variable} another value."
            ) from None


def _children(settings: env.Environment) -> list[Child]:
    manage = [sys.executable, "-u", str(env.ROOT / "manage.py")]
    return [
        Child(
            "web",
            [
                *[sys.executable, "-u", "-m", "pacs_site.web"],
                *[settings.http_host, str(settings.http_port)],
            ],
        ),
        Child("scp", [*manage, "runscp"]),
        Child("jobs", [*manage, "runjobs"]),
    ]


def _wait_until_ready(settings: env.Environment, children: list[Child], stopping: threading.Event) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and not stopping.is_set():
        if services_ready(settings.http_host, settings.http_port):
            return
        for child in children:
            if child.process is not None and child.process.poll() is not None:
                raise CannotStart(f"{child.name} stopped while starting; its lines above say why.")
        time.sleep(0.05)
    if not stopping.is_set():
        raise CannotStart(f"The services did not answer within {READY_SECONDS:.0f} s; see the lines above.")


def _example_file() -> Path:
    """A small CT that ships with pydicom: there on every machine that got this far."""
    [folder] = importlib.util.find_spec("pydicom").submodule_search_locations  # type: ignore[union-attr,misc]
    return Path(folder) / "data" / "test_files" / "CT_small.dcm"


def _banner(settings: env.Environment, password: str) -> str:
    example = _example_file()
    if example.is_relative_to(env.ROOT):
        example = example.relative_to(env.ROOT)
    login = (
        f"{settings.admin_user} / {password}" if password else f"{settings.admin_user} (password as before)"
    )
    send = f"storescu -aet DEMO -aec {settings.ae_title} {settings.dicom_host} {settings.dicom_port}"
    lines = [
        "",
        "Lightbox PACS is ready",
        f"  open      {settings.public_url}/",
        f"  log in    {login}",
        f"  send      {send} {example}",
        "  stop      Ctrl-C",
        "",
    ]
    return "\n".join(lines)


def _watch(children: list[Child], stopping: threading.Event) -> str:
    """Restart what dies until told to stop; return the reason when one keeps dying."""
    while not stopping.wait(0.2):
        for child in children:
            if child.process is None or child.process.poll() is None:
                continue
            if child.dies_often():
                return f"{child.name} stopped five times within 30 s; its lines above say why."
            print(f"{child.name} stopped (status {child.process.returncode}); starting it again.", flush=True)
            child.signal(signal.SIGKILL)
            child.start()
    return ""


def _stop(children: list[Child]) -> None:
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        if child.process is not None:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
    for child in children:
        if child.process is not None:
            _kill_group(child.process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Whatever is left of the group goes, also grandchildren whose parent went first."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def announced(words: str) -> None:
    """Print at once, into a pipe as well: what is read there waits for the banner."""
    print(words, flush=True)


def run(announce: Callable[[str], None] = announced) -> int:
    """Get ready and run until INT or TERM. Returns the exit status."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        settings = env.read()
        secrets.secret_key(settings.data_dir)
        lock = _lock_data_folder(settings.data_dir)
        _check_port("PACS_HTTP_PORT", settings.http_host, settings.http_port)
        _check_port("PACS_DICOM_PORT", settings.dicom_host, settings.dicom_port)
        password = setup.prepare(settings, announce)
    except (env.ConfigurationError, secrets.DataFolderError, setup.SetupError, CannotStart) as error:
        print(error, file=sys.stderr)
        return 1
    children = _children(settings)
    trouble = ""
    try:
        if not stopping.is_set():
            for child in children:
                child.start()
            _wait_until_ready(settings, children, stopping)
            if not stopping.is_set():
                announce(_banner(settings, password))
                trouble = _watch(children, stopping)
    except CannotStart as error:
        trouble = str(error)
    finally:
        _stop(children)
        lock.close()
    if trouble:
        print(trouble, file=sys.stderr)
        return 1
    announce("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(run())
