"""`make run`: get ready, then run web, SCP and jobs together until told to stop.

Everything that can go wrong before the start is one sentence and exit status 1. One INT or TERM
stops every process within five seconds; a process that dies is started again, and one that keeps
dying stops the rest with a sentence.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from pacs_site import env, secrets, setup
from pacs_site.processes import Child, Errand, Scribe, module_run
from pacs_site.ready import services_ready

SERVICES = ("web", "scp", "jobs")
STOP_SECONDS = 4.0
READY_SECONDS = 60.0
LINES_SECONDS = 0.5  # for the last lines of what was stopped


class CannotStart(Exception):
    """Why nothing was started, in one sentence."""


def _lock_data_folder(data_dir: Path) -> IO[str]:
    """Hold the data folder for as long as the returned file is open; what we start does not hold it."""
    lock = (data_dir / "supervisor.lock").open("a+")
    os.register_at_fork(after_in_child=lock.close)
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


def _prepare(settings: env.Environment, announce: Callable[[str], None], stopping: threading.Event) -> str:
    """Set up in a process of its own, so that this one stays fit to be forked: without a connection, without
    threads. Meanwhile load what the services share."""
    if stopping.is_set():
        return ""
    errand = Errand("setup", partial(_prepared, settings, announce))
    answer: str | setup.SetupError | None = None
    errand.start()
    try:
        setup.services_load()
        answer = errand.answer(stopping.is_set)
    except EOFError:
        raise CannotStart("Getting ready came to no end; the lines above say why.") from None
    finally:
        if answer is None:
            errand.child.signal(signal.SIGTERM)
        errand.child.end(time.monotonic() + STOP_SECONDS)
    if isinstance(answer, setup.SetupError):
        raise answer
    return answer or ""


def _prepared(settings: env.Environment, announce: Callable[[str], None]) -> str | setup.SetupError:
    try:
        return setup.prepare(settings, announce)
    except setup.SetupError as error:
        return error


def _services(settings: env.Environment, scribe: Scribe) -> list[Child]:
    commands = (
        ("pacs_site.web", settings.http_host, str(settings.http_port)),
        ("manage", "runscp"),
        ("manage", "runjobs"),
    )
    return [
        Child(name, partial(_serve, scribe, name, *command))
        for name, command in zip(SERVICES, commands, strict=True)
    ]


def _serve(scribe: Scribe, name: str, module: str, *arguments: str) -> None:
    scribe.take(name)
    module_run(env.ROOT, module, *arguments)


def _wait_until_ready(settings: env.Environment, children: list[Child], stopping: threading.Event) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and not stopping.is_set():
        if services_ready(settings.http_host, settings.http_port):
            return
        for child in children:
            if child.status() is not None:
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


def _watch(services: list[Child], scribe: Scribe, stopping: threading.Event) -> str:
    """Restart what dies until told to stop; return the reason when one keeps dying."""
    while not stopping.wait(0.2):
        for child in (scribe.child, *services):
            status = child.status()
            if status is None:
                continue
            if child.dies_often():
                return f"{child.name} stopped five times within 30 s; its lines above say why."
            if not child.may_start():
                continue
            print(f"{child.name} stopped (status {status}); starting it again.", flush=True)
            child.start()
    return ""


def _stop(services: list[Child], scribe: Scribe) -> None:
    for child in services:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in services:
        child.end(deadline)
    scribe.end(time.monotonic() + LINES_SECONDS)


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
        setup.django_load()
        password = _prepare(settings, announce, stopping)
    except (env.ConfigurationError, secrets.DataFolderError, setup.SetupError, CannotStart) as error:
        print(error, file=sys.stderr)
        return 1
    scribe = Scribe(SERVICES)
    services = _services(settings, scribe)
    trouble, told = "", not password
    try:
        if not stopping.is_set():
            for child in (scribe.child, *services):
                child.start()
            _wait_until_ready(settings, services, stopping)
            if not stopping.is_set():
                announce(_banner(settings, password))
                told = True
                trouble = _watch(services, scribe, stopping)
    except CannotStart as error:
        trouble = str(error)
    finally:
        _stop(services, scribe)
        lock.close()
    if not told:  # nobody can ask for it again
        announce(f"The first administrator was made: {settings.admin_user} / {password}")
    if trouble:
        print(trouble, file=sys.stderr)
        return 1
    announce("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(run())
