"""Orthanc as a process of its own: another archive, driven over its REST interface."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.wire.receivers import free_port

ORTHANC = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
WORKLISTS = Path("/usr/share/orthanc/plugins/libModalityWorklists.so")


class Orthanc:
    """A running Orthanc on an empty folder, with files flushed before it answers."""

    def __init__(self, folder: Path, *, title: str = "ORTHANC", **changes: Any) -> None:
        assert ORTHANC is not None
        self.title = title
        self.port, self._http = free_port(), free_port()
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "SyncStorageArea": True,
            "StorageCompression": False,
            "DicomAet": title,
            "DicomPort": self.port,
            "HttpPort": self._http,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "DicomThreadsCount": 8,
            "MaximumPduLength": 131072,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": [],
            **changes,
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self._log = folder / "orthanc.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [ORTHANC, str(folder / "orthanc.json")],
                stdout=log,
                stderr=log,
                env={**os.environ, "TCP_NODELAY": "1"},
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.images()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(self._log.read_text()[-1000:])

    def rest(self, path: str, body: bytes | dict[str, Any] | None = None) -> Any:
        """GET, or POST when there is a body; the answer, read as JSON where it is that."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        asked = urllib.request.Request(f"http://127.0.0.1:{self._http}{path}", data=data)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            said = answer.read()
        try:
            return json.loads(said)
        except ValueError:
            return said

    def images(self) -> int:
        return int(self.rest("/statistics")["CountInstances"])

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
