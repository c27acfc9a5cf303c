"""Objects of a gigabyte, several at once: what the whole server holds in memory meanwhile."""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass

import psutil

from tests.objects import ct_slice, dataset_bytes
from tests.wire.peer import Peer, command, pdu, pdv, status_of
from tests.wire.server import Scp

_PIECE = 128 << 10


@dataclass(frozen=True, slots=True)
class Held:
    statuses: list[int]
    before: int  # bytes (PSS) of all processes of the server
    most: int

    def __str__(self) -> str:
        said = ", ".join(f"{status:04X}" for status in self.statuses)
        return f"{said}: {self.most / 1048576:.0f} MB at most ({self.before / 1048576:.0f} MB before)"


def memory_of(scp: Scp) -> int:
    """What all processes of the server take, shared pages counted once."""
    parent = psutil.Process(scp.process.pid)
    return sum(one.memory_full_info().pss for one in (parent, *parent.children(recursive=True)))


def large_stores(scp: Scp, *, objects: int, size: int) -> Held:
    """Store so many at once, ``size`` bytes of pixels each, and watch the memory."""
    statuses: list[int] = []
    senders = [
        threading.Thread(target=lambda: statuses.append(large_store(scp.port, size))) for _ in range(objects)
    ]
    before = most = memory_of(scp)
    for sender in senders:
        sender.start()
    for sender in senders:
        while sender.is_alive():
            sender.join(0.1)
            most = max(most, memory_of(scp))
    return Held(statuses, before, most)


def large_store(port: int, size: int) -> int:
    """The status of one; -1 when there was none."""
    ds = ct_slice(PixelData=None)
    head = dataset_bytes(ds) + b"\xe0\x7f\x10\x00OW\0\0" + struct.pack("<L", size)
    piece = pdu(4, pdv(1, 0, bytes(_PIECE - 12)))
    whole, rest = divmod(size, _PIECE - 12)
    try:
        with Peer.associated(port) as peer:
            peer.sock.settimeout(600)
            peer.send(pdu(4, pdv(1, 3, command(x1000=ds.SOPInstanceUID))) + pdu(4, pdv(1, 0, head)))
            for _ in range(whole):
                peer.send(piece)
            peer.send(pdu(4, pdv(1, 2, bytes(rest))))
            status = status_of(peer.read_response())
            peer.release()
            return status
    except Exception as error:
        print(f"a store ended: {error!r}")
        return -1
