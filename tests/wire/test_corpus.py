"""Real, odd and hostile files through C-STORE: a status for each, every byte kept, and an echo afterwards."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydicom.dataset import Dataset
from pynetdicom.sop_class import CompositeInstanceRootRetrieveGet

from tests.objects import ct_slice, dataset_bytes, encoded
from tests.wire.corpus import Sendable, folder
from tests.wire.peer import CT, IMPLICIT, Peer, command, echo_seconds, pdu, pdv, role_item, status_of
from tests.wire.server import Scp, folder_copy

KEPT = (0x0000, 0xC000)
GET = str(CompositeInstanceRootRetrieveGet)
T = TypeVar("T")


def batches(objects: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(objects)
    while batch := list(islice(rest, size)):
        yield batch


def send_all(scp: Scp, objects: Iterable[Sendable]) -> dict[str, int]:
    """Send each once; the status for each."""
    statuses = {}
    for batch in batches(objects, 100):
        asked = dict.fromkeys((thing.sop_class, thing.syntax) for thing in batch)
        # A medium's directory, a worklist item ... have no storage class: they come as CT images.
        asked |= dict.fromkeys((CT, thing.syntax) for thing in batch)
        pairs = list(asked)
        contexts = [(2 * n + 1, sop_class, [syntax]) for n, (sop_class, syntax) in enumerate(pairs)]
        ids = {pair: 2 * n + 1 for n, pair in enumerate(pairs)}
        with Peer.associated(scp.port, contexts) as peer:
            for thing in batch:
                number, sop_class = ids[thing.sop_class, thing.syntax], thing.sop_class
                if number not in peer.accepted:
                    number, sop_class = ids[CT, thing.syntax], CT
                response = peer.store(
                    thing.data, sop_class=sop_class, uid=thing.uid, context_id=number, size=100_000
                )
                statuses[thing.name] = status_of(response)
            peer.release()
    return statuses


@pytest.mark.parametrize("name", ["fuzz", "malformed"])
def test_hostile_files(corpus: Path, shared_scp: Scp, name: str) -> None:
    objects = list(folder(corpus, name))
    statuses = send_all(shared_scp, objects)
    assert len(statuses) == len(objects)
    assert set(statuses.values()) <= set(KEPT)
    digests = shared_scp.stored_digests()
    lost = [thing.name for thing in objects if hashlib.sha256(thing.data).hexdigest() not in digests]
    assert lost == []
    assert "Traceback" not in shared_scp.log
    assert echo_seconds(shared_scp.port) < 5
    held = shared_scp.query("SELECT reason FROM archive_quarantinedobject WHERE reason = ''")
    assert held == []


@dataclass(frozen=True)
class Kept:
    """A server that was sent the whole corpus, and what it answered."""

    scp: Scp
    objects: list[Sendable]
    statuses: dict[str, int]


@pytest.fixture(scope="module")
def kept(corpus: Path, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    scp = Scp(folder_copy(prepared, tmp_path_factory.mktemp("whole") / "data"))
    scp.node("GETSCU", allow_get=1, accept_private_classes=1)
    objects = list(folder(corpus))
    yield Kept(scp, objects, send_all(scp, objects))
    scp.stop()


@pytest.mark.timeout(300)
def test_the_whole_corpus(kept: Kept) -> None:
    scp, objects, statuses = kept.scp, kept.objects, kept.statuses
    assert set(statuses.values()) <= set(KEPT)
    digests = scp.stored_digests()
    lost = [thing.name for thing in objects if hashlib.sha256(thing.data).hexdigest() not in digests]
    assert lost == []
    assert "Traceback" not in scp.log
    assert scp.memory() < 400 << 20


# Of no storage class: a medium's directory, a worklist item. They can be stored, as what they are not.
NOT_STORAGE = {"1.2.840.10008.1.3.10", "1.2.840.10008.5.1.4.31"}


def got(scp: Scp, rows: list[tuple[Any, ...]]) -> dict[str, bytes]:
    """The data sets of these (UID, class, syntax) by C-GET, each syntax in a context of its own."""
    received: dict[str, bytes] = {}
    for batch in batches(rows, 100):
        pairs = list(dict.fromkeys((sop_class, syntax) for _, sop_class, syntax in batch))
        contexts = [(1, GET, [IMPLICIT])]
        contexts += [(2 * n + 3, sop_class, [syntax]) for n, (sop_class, syntax) in enumerate(pairs)]
        ids = {(sop_class, syntax): 2 * n + 3 for n, (sop_class, syntax) in enumerate(pairs)}
        known = {uid: ids[sop_class, syntax] for uid, sop_class, syntax in batch}
        roles = b"".join(role_item(sop_class) for sop_class in dict.fromkeys(c for c, _ in pairs))
        query = Dataset()
        query.QueryRetrieveLevel, query.SOPInstanceUID = "IMAGE", [uid for uid, _, _ in batch]
        with Peer.associated(scp.port, contexts, calling=b"GETSCU", user=roles) as peer:
            peer.request(1, encoded(query, IMPLICIT), x0002=GET, x0100=0x0010, x1000=None)
            while True:
                command, data = peer.read_message()
                if command[0x0100] == b"\1\0":
                    uid = command[0x1000].rstrip(b"\0").decode()
                    received[uid] = data
                    peer.respond(known[uid], command, 0x0000)
                elif command[0x0900] != b"\0\xff":
                    break
            peer.release()
    return received


@pytest.mark.timeout(300)
def test_every_unique_file_comes_back_by_c_get(kept: Kept) -> None:
    times = Counter(thing.uid for thing in kept.objects)
    unique = {thing.uid: thing for thing in kept.objects if times[thing.uid] == 1}
    rows = kept.scp.query("SELECT sop_instance_uid, sop_class_uid, transfer_syntax_uid FROM archive_instance")
    wanted = [row for row in rows if row[0] in unique and row[1] not in NOT_STORAGE]
    received = got(kept.scp, wanted)
    assert len(wanted) > 330
    assert [unique[uid].name for uid, _, _ in wanted if received.get(uid) != unique[uid].data] == []
    assert "Traceback" not in kept.scp.log


def nested(depth: int) -> bytes:
    """A data set that ends in sequences within sequences, of undefined length (PS3.5 7.5)."""
    open_item = bytes.fromhex("0800 4011") + b"SQ\0\0" + b"\xff" * 4 + bytes.fromhex("feff00e0") + b"\xff" * 4
    close_item = bytes.fromhex("feff0de0 00000000 feffdde0 00000000")
    ds = ct_slice()
    head = dataset_bytes(ds)
    at = head.index(struct.pack("<HH", 0x0008, 0x1030))  # Study Description comes before (0008,1140)
    cut = head.index(struct.pack("<HH", 0x0010, 0x0010))
    return head[:at] + head[at:cut] + open_item * depth + close_item * depth + head[cut:]


@pytest.mark.parametrize("depth", [20_000, 200_000])
def test_sequences_nested_deeper_than_any_stack(shared_scp: Scp, depth: int) -> None:
    data = nested(depth)
    with Peer.associated(shared_scp.port) as peer:
        assert status_of(peer.store(data, uid=f"1.2.3.{depth}", size=131066)) in KEPT
        peer.release()
    assert hashlib.sha256(data).hexdigest() in shared_scp.stored_digests()
    assert echo_seconds(shared_scp.port) < 5


def nested_by_length(depth: int) -> bytes:
    """The same with a length for each sequence and item; the innermost item is empty."""
    levels = (
        bytes.fromhex("0800 4011") + b"SQ\0\0" + struct.pack("<L", 20 * left + 8)
        + bytes.fromhex("feff00e0") + struct.pack("<L", 20 * left)
        for left in range(depth - 1, -1, -1)
    )  # fmt: skip
    head = dataset_bytes(ct_slice())
    cut = head.index(struct.pack("<HH", 0x0010, 0x0010))
    return head[:cut] + b"".join(levels) + head[cut:]


def test_sequences_nested_by_length_are_passed_over_and_come_back_as_sent(scp: Scp) -> None:
    """Nobody has to take them apart to say whose image it is: it is kept, found and given back."""
    data, uid = nested_by_length(20_000), "1.2.3.20"
    scp.node("GETSCU", allow_get=1)
    with Peer.associated(scp.port) as peer:
        assert status_of(peer.store(data, uid=uid, size=131066)) == 0x0000
        peer.release()
    [(kept, sop_class, syntax)] = scp.query(
        "SELECT sop_instance_uid, sop_class_uid, transfer_syntax_uid FROM archive_instance"
    )
    assert got(scp, [(kept, sop_class, syntax)]) == {kept: data}
    assert "Traceback" not in scp.log


def test_a_large_object_takes_no_memory(scp: Scp) -> None:
    """300 MB in one data set: the workers grow by less than a twentieth of it."""
    ds = ct_slice()
    data = dataset_bytes(ds)
    at = data.index(struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW"))
    size = 300 << 20
    head = data[:at] + struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, size)
    with Peer.associated(scp.port) as peer:
        assert status_of(peer.store(dataset_bytes(ct_slice()), uid="1.2.3.1")) == 0x0000
        before = scp.memory()
        peer.send(store_begin(ds.SOPInstanceUID))
        chunk = bytes(131066)
        peer.send(piece(head))
        left, most = size, 0
        while left:
            part = chunk[: min(left, len(chunk))]
            left -= len(part)
            peer.send(piece(part, last=not left))
            if left % (1 << 20) < len(chunk):
                most = max(most, scp.memory())
        assert peer.read_status() == 0x0000
        peer.release()
    assert most - before < 16 << 20


def store_begin(uid: str) -> bytes:
    return pdu(4, pdv(1, 3, command(x1000=uid)))


def piece(fragment: bytes, *, last: bool = False) -> bytes:
    return pdu(4, pdv(1, 2 if last else 0, fragment))
