"""The database tests against a real PostgreSQL: a private server, made for the run and removed after it.

``python -m tests.postgresql [pytest arguments]``; without a path among them, the tests of every room that
has models. The server listens on the loopback interface at a free port, belongs to nobody else and is
stopped by its process id.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("tests/archive", "tests/dicomnet", "tests/viewer")
START_SECONDS = 60
# What is tested is behaviour; that PostgreSQL survives a power cut is PostgreSQL's own promise.
OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "log_min_messages": "fatal",
    "timezone": "UTC",
}


def program(name: str) -> str:
    """The newest PostgreSQL of this machine. Debian keeps the server's programs out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    where = str(found[-1]) if found else shutil.which(name)
    if where is None:
        sys.exit(f"{name} is not here: install PostgreSQL to run these tests.")
    return where


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server() -> Iterator[str]:
    """Start a PostgreSQL of our own and yield its URL."""
    folder = Path(tempfile.mkdtemp(prefix="lightbox-postgresql-", dir="/tmp"))  # sockets want a short path
    # PostgreSQL refuses to run as root; Debian has an account for it.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    try:
        subprocess.run(
            [
                *[program("initdb"), "--pgdata", str(folder / "data"), "--username", "postgres"],
                *["--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"],
                # Not bytewise, as on most sites: what sorts or compares by accident shows.
                *["--locale-provider", "icu", "--icu-locale", "en-US"],
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
            cwd=folder,
        )
        port = free_port()
        options = {**OPTIONS, "port": str(port), "unix_socket_directories": str(folder)}
        process = subprocess.Popen(
            [program("postgres"), "-D", str(folder / "data"), "-h", "127.0.0.1"]
            + [f"--{name.replace('_', '-')}={value}" for name, value in options.items()],
            user=user,
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(process, port)
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # ends its sessions, then itself
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    ready = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ready, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit("PostgreSQL did not start.")
        time.sleep(0.05)


def main(arguments: list[str]) -> int:
    rooms = [] if any(not argument.startswith("-") and "/" in argument for argument in arguments) else ROOMS
    with server() as url:
        command = [sys.executable, "-m", "pytest", *rooms, "-m", "db", *arguments]
        environment = {**os.environ, "PACS_TEST_DATABASE_URL": url}
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
