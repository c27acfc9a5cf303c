"""Receivers of what we send: DCMTK's storescp, and one of pynetdicom's that does as it is told."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pynetdicom import AE, evt


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, "the receiver has stopped"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("the receiver does not listen")


@contextmanager
def running(command: Sequence[str], port: int, **changes: Any) -> Iterator[int]:
    """A server of DCMTK's, ended by its own process id."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **changes)
    try:
        wait_listening(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def storescp(folder: Path, *options: str) -> Iterator[int]:
    """DCMTK's receiver; the files below ``folder`` hold the data sets as they were received."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with running(["storescp", "-B", "-od", str(folder), *options, str(port)], port):
        yield port


@dataclass
class Received:
    """What a ``receiver`` got: (SOP Instance UID, transfer syntax, data set as it came), and requests."""

    objects: list[tuple[str, str, bytes]] = field(default_factory=list)
    originators: list[tuple[str, int]] = field(default_factory=list)
    priorities: list[int] = field(default_factory=list)
    associations: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def uids(self) -> list[str]:
        return [uid for uid, _, _ in self.objects]


@contextmanager
def receiver(
    contexts: Sequence[tuple[str, Sequence[str]]], answer: Callable[[Any], int] = lambda event: 0x0000
) -> Iterator[tuple[int, Received]]:
    """A receiver for these (class, syntaxes), which answers what ``answer`` says."""
    received = Received()

    def on_store(event: Any) -> int:
        request = event.request
        with received.lock:
            received.objects.append(
                (
                    str(request.AffectedSOPInstanceUID),
                    str(event.context.transfer_syntax),
                    request.DataSet.getvalue(),
                )
            )
            received.originators.append(
                (request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID)
            )
            received.priorities.append(request.Priority)
        return answer(event)

    def on_accepted(event: Any) -> None:
        received.associations += 1

    ae = AE("DEST")
    for sop_class, syntaxes in contexts:
        ae.add_supported_context(sop_class, list(syntaxes))
    server = ae.start_server(
        ("127.0.0.1", 0),
        block=False,
        evt_handlers=[(evt.EVT_C_STORE, on_store), (evt.EVT_ACCEPTED, on_accepted)],
    )
    try:
        yield server.server_address[1], received
    finally:
        server.shutdown()
