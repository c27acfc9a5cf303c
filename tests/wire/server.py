"""`manage.py runscp` as a process of its own, on a data folder of its own, at a port of its own."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
READY = re.compile(r"(\S+) listening on (\S+):(\d+) \((\d+) process(?:es)?\)")
NODES = ("STORESCU", "ECHOSCU", "DCMSEND", "PYNETDICOM")


def environment(data_dir: Path, **changes: str) -> dict[str, str]:
    """The environment of a site that has configured nothing but its data folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PACS_") and k != "DATABASE_URL"}
    settings = os.environ.get("PACS_TEST_SCP_SETTINGS", "tests.wire.scp_settings")
    return kept | {
        "DJANGO_SETTINGS_MODULE": settings,
        "PACS_DATA_DIR": str(data_dir),
        "PACS_TIME_ZONE": "UTC",
        "DATABASE_URL": "",
        **changes,
    }


def manage(
    data_dir: Path, *arguments: str, check: bool = True, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of `manage.py` to its end."""
    run = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data_dir, **changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not check or run.returncode == 0, run.stderr
    return run


def folder_prepare(data_dir: Path) -> None:
    """An empty archive that knows the nodes in ``NODES``, all on this host."""
    data_dir.mkdir(parents=True)
    manage(data_dir, "migrate", "--run-syncdb", "-v0")
    with sqlite3.connect(data_dir / "pacs.sqlite3") as database:
        for title in NODES:
            node_insert(database, title)


def node_insert(database: sqlite3.Connection, title: str, **changes: Any) -> None:
    """An AE node as the admin would make it, without its form."""
    row = {
        "ae_title": title, "host": "127.0.0.1", "port": 11119, "description": "", "active": 1,
        "allow_echo": 1, "allow_store": 1, "allow_find": 1, "allow_move": 0, "allow_get": 0,
        "allow_worklist": 0, "allow_mpps": 0, "allow_commit": 0, "allow_print": 0, "check_host": 1,
        "accept_private_classes": 0, "default_charset": "", "default_issuer": "",
        "fuzzy_names": 0, "worklist_charset": "", "worklist_name_form": "kept", "worklist_own_only": 0,
        "tls_required": 0, "tls_call": 0, "tls_certificate": "",
        "user_identity": "", "max_associations": None, "ask_commitment": 0, "commit_same_association": 0,
        "created_at": "2026-01-01 00:00:00", "updated_at": "2026-01-01 00:00:00",
    } | changes  # fmt: skip
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    database.execute(f"INSERT INTO dicomnet_aenode ({names}) VALUES ({marks})", list(row.values()))


class Scp:
    """A running server. Unpacks as ``port, data_dir``."""

    def __init__(self, data_dir: Path, *arguments: str, log_path: Path | None = None, **changes: str) -> None:
        self.data_dir = data_dir
        self.log_path = log_path or data_dir.parent / f"{data_dir.name}.log"
        with self.log_path.open("ab") as log:
            offset = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-u", "manage.py", "runscp", "--port", "0", *arguments],
                cwd=ROOT,
                env=environment(data_dir, **changes),
                stdout=log,
                stderr=log,
            )
        self.port = self._wait_ready(offset)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.port, self.data_dir))

    def _wait_ready(self, offset: int) -> int:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            text = self.log_path.read_text(errors="replace")[offset:]
            if found := READY.search(text):
                return int(found[3])
            if self.process.poll() is not None:
                raise AssertionError(f"runscp stopped: {text}")
            time.sleep(0.02)
        raise AssertionError(f"runscp did not become ready: {text}")

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def memory(self) -> int:
        """Bytes the workers hold for themselves (not shared with each other)."""
        return sum(worker.memory_full_info().uss for worker in self.workers())

    def descriptors(self) -> int:
        return sum(p.num_fds() for p in [psutil.Process(self.process.pid), *self.workers()])

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Look into the database with nobody's ORM between."""
        with closing(sqlite3.connect(f"file:{self.data_dir}/pacs.sqlite3?mode=ro", uri=True)) as database:
            return database.execute(sql, parameters).fetchall()

    def execute(self, sql: str, *parameters: Any) -> None:
        with sqlite3.connect(self.data_dir / "pacs.sqlite3", timeout=30) as database:
            database.execute(sql, parameters)

    def node(self, title: str, **changes: Any) -> None:
        with sqlite3.connect(self.data_dir / "pacs.sqlite3", timeout=30) as database:
            node_insert(database, title, **changes)

    def wait_query(self, sql: str, *parameters: Any, seconds: float = 10) -> list[tuple[Any, ...]]:
        """The rows, as soon as there are any: what is written after the answer takes a moment."""
        deadline = time.monotonic() + seconds
        while not (rows := self.query(sql, *parameters)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return rows

    def stored_path(self, sop_instance_uid: str) -> Path:
        """The file of an instance (the first that came under its UID)."""
        [(key,)] = self.query(
            "SELECT file_key FROM archive_instance WHERE sop_instance_uid = ?", sop_instance_uid
        )
        return self.data_dir / "store" / key

    def stored_paths(self, sop_instance_uid: str, transfer_syntax_uid: str) -> list[Path]:
        """The files of everything that came under this UID in this syntax."""
        rows = self.query(
            "SELECT file_key FROM archive_instance WHERE sop_instance_uid = ?1 AND transfer_syntax_uid = ?2 "
            "UNION SELECT v.file_key FROM archive_instancevariant v JOIN archive_instance i "
            "ON i.id = v.instance_id WHERE i.sop_instance_uid = ?1 AND v.transfer_syntax_uid = ?2",
            sop_instance_uid,
            transfer_syntax_uid,
        )
        return [self.data_dir / "store" / key for (key,) in rows]

    def stored_digests(self) -> set[str]:
        """sha256 of the data set of every file that is kept, indexed or in quarantine."""
        files = (self.data_dir / "store").glob("[oq]*/*/*.dcm")
        return {hashlib.sha256(dataset_of(path.read_bytes())).hexdigest() for path in files}

    def stop(self) -> int:
        """TERM, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


def dataset_of(part10: bytes) -> bytes:
    """What follows the file meta information of a file that the archive made (PS3.10 7.1)."""
    assert part10[128:132] == b"DICM"
    assert part10[132:140] == b"\x02\x00\x00\x00UL\x04\x00"
    return part10[144 + int.from_bytes(part10[140:144], "little") :]


def folder_copy(template: Path, target: Path) -> Path:
    shutil.copytree(template, target)
    return target
