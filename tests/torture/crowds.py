"""Connections that say nothing, little, or nothing more: how long the next echo takes among them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.wire.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Peer,
    associate_rq,
    command,
    echo_seconds,
    pdu,
    pdv,
)

CONTEXTS = [(1, CT, [EXPLICIT]), (3, VERIFICATION, [IMPLICIT])]
MOST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Echo:
    """The median time of an echo among ``count`` of a kind, and of one without them, in seconds."""

    kind: str
    count: int
    among: float
    quiet: float

    def __str__(self) -> str:
        return (
            f"{self.count} {self.kind}: echo {1000 * self.among:.1f} ms, "
            f"{self.among / self.quiet:.1f} times that without ({1000 * self.quiet:.1f} ms)"
        )

    @property
    def ok(self) -> bool:
        """Within 100 ms; on a machine that needs such a time for a quiet one, within three times that."""
        return self.among < max(MOST_SECONDS, 3 * self.quiet)


def echo_median(port: int, times: int = 9) -> float:
    return sorted(echo_seconds(port) for _ in range(times))[times // 2]


def _silent(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 20)


def _idle(port: int) -> Peer:
    return Peer.associated(port, CONTEXTS)


def _halfway(port: int) -> Peer:
    """In the middle of an object: its command and the first bytes of its data set, and no more."""
    peer = Peer.associated(port, CONTEXTS)
    peer.send(pdu(4, pdv(1, 3, command())) + pdu(4, pdv(1, 0, bytes(16000)))[:8000])
    return peer


@contextmanager
def _drop_by_drop(socks: list[socket.socket]) -> Iterator[None]:
    """Each says a byte of its request now and then."""
    over = threading.Event()
    request = associate_rq(CONTEXTS)

    def say() -> None:
        for byte in request[:-1]:
            for sock in socks:
                with contextlib.suppress(OSError):
                    sock.send(bytes([byte]))
            if over.wait(0.05):
                return

    thread = threading.Thread(target=say)
    thread.start()
    yield
    over.set()
    thread.join()


KINDS: dict[str, Callable[[int], socket.socket | Peer]] = {
    "silent": _silent,
    "slow": _silent,
    "idle": _idle,
    "stuck": _halfway,
}


def echo_among(port: int, kind: str, count: int) -> Echo:
    """Open so many connections of a kind, and measure."""
    quiet = echo_median(port)
    with ExitStack() as held:
        crowd = [KINDS[kind](port) for _ in range(count)]
        for one in crowd:
            held.callback(one.close)
        if kind == "slow":
            held.enter_context(_drop_by_drop([one for one in crowd if isinstance(one, socket.socket)]))
        return Echo(kind, count, echo_median(port), quiet)
