"""C-CANCEL: what is under way is finished, nothing more is begun, and the counts say so (PS3.7 9.3)."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move

from tests.objects import ct_slice, dataset_bytes, encoded
from tests.wire.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    Peer,
    command,
    echo_seconds,
    pdu,
    pdv,
    role_item,
    status_of,
)
from tests.wire.receivers import Received, receiver
from tests.wire.server import Scp, folder_copy

STUDY, SIX = "1.2.3.600", 6
GET, MOVE, FIND = str(Get), str(Move), "1.2.840.10008.5.1.4.1.2.2.1"
MANY = 6_000


@pytest.fixture(scope="module")
def archive(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scp]:
    """A study of six images."""
    scp = Scp(folder_copy(prepared, tmp_path_factory.mktemp("cancel") / "data"))
    scp.node("ASKER", allow_move=1, allow_get=1)
    with Peer.associated(scp.port) as peer:
        for number in range(1, SIX + 1):
            ds = ct_slice(
                StudyInstanceUID=STUDY, SeriesInstanceUID=f"{STUDY}.1", SOPInstanceUID=f"{STUDY}.1.{number}"
            )
            assert status_of(peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)) == 0x0000
        peer.release()
    yield scp
    scp.stop()


def query() -> bytes:
    ds = Dataset()
    ds.QueryRetrieveLevel, ds.StudyInstanceUID = "STUDY", STUDY
    return encoded(ds, IMPLICIT)


def asks(peer: Peer, sop_class: str, field: int, **more: Any) -> None:
    peer.request(1, query(), x0002=sop_class, x0100=field, x0110=5, x1000=None, **more)


def counted(response: dict[int, bytes]) -> dict[str, int]:
    """Remaining, completed, failed, warning: those that are there."""
    names = {0x1020: "remaining", 0x1021: "completed", 0x1022: "failed", 0x1023: "warning"}
    return {name: int.from_bytes(response[tag], "little") for tag, name in names.items() if tag in response}


# ---- C-MOVE


class Gate:
    """A receiver's answer to object number ``at`` waits until the test has said what it had to say."""

    def __init__(self, at: int, *, status: int = 0x0000) -> None:
        self.at, self.status, self.count = at, status, 0
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self, event: Any) -> int:
        self.count += 1
        if self.count != self.at:
            return 0x0000
        self.reached.set()
        assert self.go.wait(30)
        return self.status


@contextmanager
def moving(archive: Scp, gate: Callable[[Any], int]) -> Iterator[tuple[Peer, Received]]:
    with receiver([(CT, [EXPLICIT])], gate) as (port, received):
        archive.node("DEST", port=port)
        try:
            with Peer.associated(archive.port, [(1, MOVE, [IMPLICIT])], calling=b"ASKER") as peer:
                yield peer, received
        finally:
            archive.execute("DELETE FROM dicomnet_aenode WHERE ae_title = 'DEST'")


def last_of(peer: Peer) -> tuple[dict[int, bytes], bytes]:
    while True:
        response, data = peer.read_message()
        if status_of(response) != 0xFF00:
            return response, data


@pytest.mark.parametrize(
    ("status", "counts", "failed"),
    [
        (0x0000, {"remaining": 4, "completed": 2, "failed": 0, "warning": 0}, b""),
        (0xB007, {"remaining": 4, "completed": 1, "failed": 0, "warning": 1}, b""),
        (0xC000, {"remaining": 4, "completed": 1, "failed": 1, "warning": 0}, f"{STUDY}.1.2".encode()),
    ],
)
def test_after_a_cancel_a_move_begins_no_further_sub_operation(
    archive: Scp, status: int, counts: dict[str, int], failed: bytes
) -> None:
    gate = Gate(2, status=status)
    with moving(archive, gate) as (peer, received):
        asks(peer, MOVE, 0x0021, x0600="DEST")
        assert gate.reached.wait(30)
        peer.cancel(1, 5)
        gate.go.set()
        last, data = last_of(peer)
        assert (status_of(last), counted(last)) == (0xFE00, counts)
        assert failed in data
        assert bool(data) == bool(failed)
        assert received.uids == [f"{STUDY}.1.1", f"{STUDY}.1.2"]
        peer.release()
    assert received.uids == [f"{STUDY}.1.1", f"{STUDY}.1.2"]


def test_a_cancel_that_comes_with_the_move_sends_nothing(archive: Scp) -> None:
    with moving(archive, lambda event: 0x0000) as (peer, received):
        request = command(x0002=MOVE, x0100=0x0021, x0110=5, x0600="DEST", x1000=None)
        cancel = command(x0002=None, x0100=0x0FFF, x0110=None, x0120=5, x0700=None, x0800=0x0101, x1000=None)
        peer.send(pdu(4, pdv(1, 3, request)) + pdu(4, pdv(1, 2, query())) + pdu(4, pdv(1, 3, cancel)))
        last, _ = last_of(peer)
        assert (status_of(last), counted(last)["remaining"], counted(last)["completed"]) == (0xFE00, 6, 0)
        peer.release()
    assert received.uids == []


def test_a_cancel_of_something_else_stops_nothing(archive: Scp) -> None:
    gate = Gate(2)
    with moving(archive, gate) as (peer, received):
        asks(peer, MOVE, 0x0021, x0600="DEST")
        assert gate.reached.wait(30)
        peer.cancel(1, 6)
        gate.go.set()
        last, _ = last_of(peer)
        assert (status_of(last), counted(last)) == (0x0000, {"completed": 6, "failed": 0, "warning": 0})
        peer.release()
    assert len(received.uids) == SIX


def test_a_cancel_during_the_last_sub_operation_is_too_late(archive: Scp) -> None:
    gate = Gate(6)
    with moving(archive, gate) as (peer, received):
        asks(peer, MOVE, 0x0021, x0600="DEST")
        assert gate.reached.wait(30)
        peer.cancel(1, 5)
        gate.go.set()
        last, _ = last_of(peer)
        assert (status_of(last), counted(last)["completed"]) == (0x0000, 6)
        peer.release()
    assert len(received.uids) == SIX


# ---- C-GET


def getter(archive: Scp) -> Peer:
    contexts = [(1, GET, [IMPLICIT]), (3, CT, [EXPLICIT])]
    return Peer.associated(archive.port, contexts, calling=b"ASKER", user=role_item(CT))


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        (0x0000, {"remaining": 3, "completed": 3, "failed": 0, "warning": 0}),
        (0xA700, {"remaining": 3, "completed": 2, "failed": 1, "warning": 0}),
    ],
)
def test_after_a_cancel_a_get_begins_no_further_sub_operation(
    archive: Scp, status: int, counts: dict[str, int]
) -> None:
    """The third request is answered after the cancel; no fourth comes, and the association goes on."""
    with getter(archive) as peer:
        asks(peer, GET, 0x0010)
        stores, last = 0, None
        while last is None:
            message, _ = peer.read_message()
            if message[0x0100] == b"\x01\x00":
                stores += 1
                if stores == 3:
                    peer.cancel(1, 5)
                peer.respond(3, message, status if stores == 3 else 0x0000)
            elif status_of(message) != 0xFF00:
                last = message
        assert (status_of(last), counted(last), stores) == (0xFE00, counts, 3)
        asks(peer, GET, 0x0010)  # and once more, whole
        stores = 0
        while True:
            message, _ = peer.read_message()
            if message[0x0100] == b"\x01\x00":
                stores += 1
                peer.respond(3, message, 0x0000)
            elif status_of(message) != 0xFF00:
                break
        assert (status_of(message), stores) == (0x0000, SIX)
        peer.release()


# ---- C-FIND


@pytest.fixture(scope="module")
def crowded(archive: Scp) -> Scp:
    """Many studies of one image, whose descriptions are long, so that few answers fill a socket."""
    columns = [name for _, name, *_ in archive.query("PRAGMA table_info(archive_study)") if name != "id"]
    own = {"study_instance_uid": "'1.9.' || n", "description": "printf('%.4000c', 'x')"}
    assert set(own) <= set(columns)
    values = [own.get(column, column) for column in columns]
    archive.execute(
        f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {MANY}) "
        f"INSERT INTO archive_study ({', '.join(columns)}) "
        f"SELECT {', '.join(values)} FROM archive_study, many"
    )
    return archive


def on_their_way(peer: Peer, port: int) -> int:
    """Bytes that were sent to a peer and that it has not read, in its socket and in the server's."""
    arrived = struct.unpack("i", fcntl.ioctl(peer.sock, termios.FIONREAD, bytes(4)))[0]
    own = peer.sock.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if (int(local.split(":")[1], 16), int(remote.split(":")[1], 16)) == (port, own):
            return arrived + int(queues.split(":")[0], 16)
    raise AssertionError("the connection is gone")


def test_after_a_cancel_a_find_begins_no_further_answer(crowded: Scp) -> None:
    """A peer that does not read stops the server inside an answer. That one ends; no other comes."""
    ds = Dataset()
    ds.QueryRetrieveLevel, ds.StudyInstanceUID, ds.StudyDescription = "STUDY", "", ""
    with Peer.associated(crowded.port, [(1, FIND, [EXPLICIT])], calling=b"ASKER") as peer:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        peer.request(1, encoded(ds), x0002=FIND, x0100=0x0020, x0110=9, x1000=None)
        held, same = 0, 0
        deadline = time.monotonic() + 30
        while same < 10 and time.monotonic() < deadline:
            time.sleep(0.05)
            now = on_their_way(peer, crowded.port)
            held, same = now, same + 1 if now == held and now else 0
        peer.cancel(1, 9)
        answers, size = 0, 0
        while True:
            response, data = peer.read_message()
            if status_of(response) != 0xFF00:
                break
            answers += 1
            size = max(size, len(data))
        assert status_of(response) == 0xFE00
        # An answer is its data set and a command set of less than 200 bytes, in PDUs of their own.
        assert held // (size + 200) <= answers <= held // size + 2
        assert answers < MANY // 2
        peer.release()
    rows = crowded.wait_query(
        "SELECT detail ->> 'answers' FROM archive_auditevent WHERE actor_name = 'ASKER' "
        "AND detail ->> 'queries' = 1"
    )
    assert rows == [(answers,)]
    assert echo_seconds(crowded.port) < 5


def test_a_cancel_after_the_last_response_is_passed_over(archive: Scp) -> None:
    """The two may cross: it gets no response of its own (PS3.7 9.3.2.3)."""
    with getter(archive) as peer:
        peer.cancel(1, 5)
        peer.request(1, encoded(_nothing(), IMPLICIT), x0002=GET, x0100=0x0010, x0110=6, x1000=None)
        last, _ = peer.read_message()
        assert (status_of(last), last[0x0120]) == (0x0000, b"\x06\x00")
        peer.release()


def _nothing() -> Dataset:
    ds = Dataset()
    ds.QueryRetrieveLevel, ds.StudyInstanceUID = "STUDY", "1.2.3.4.5"
    return ds
