"""Sequences in sequences, deeper than any stack."""

from __future__ import annotations

import time

from tests.objects import ct_slice, dataset_bytes
from tests.wire.peer import Peer, status_of

# Referenced SOP Sequence of undefined length, an item of undefined length, and the same again inside it
_OPEN = b"\x08\x00\x99\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
_SHUT = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"


def nested_store(port: int, *, depth: int, closed: bool) -> tuple[int, float]:
    """Store an object nested so deep, properly closed or not; its status and the seconds it took."""
    ds = ct_slice(PixelData=None)
    data = dataset_bytes(ds) + b""
    # The sequence stands before all of higher groups: the data set is cut at group 0010.
    at = data.index(b"\x10\x00\x10\x00PN")
    body = data[:at] + _OPEN * depth + (_SHUT * depth if closed else b"") + data[at:]
    began = time.monotonic()
    with Peer.associated(port) as peer:
        status = status_of(peer.store(body, uid=ds.SOPInstanceUID, size=65536))
        peer.release()
    return status, time.monotonic() - began
