"""The P-DATA loop: every way to cut a message into PDVs, PDUs and segments is the same message; what breaks
the rules ends in an A-ABORT that says why, and leaves the server as it was."""

from __future__ import annotations

import struct
import time

import pytest

from tests.objects import ct_slice, dataset_bytes
from tests.wire.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Aborted,
    Closed,
    Peer,
    command,
    echo_command,
    pdu,
    pdv,
    status_of,
)
from tests.wire.server import Scp

CONTEXTS = [(1, CT, [EXPLICIT]), (3, VERIFICATION, [IMPLICIT])]


@pytest.fixture
def peer(shared_scp: Scp) -> Peer:
    return Peer.associated(shared_scp.port, CONTEXTS)


def slice_bytes() -> tuple[str, bytes]:
    ds = ct_slice()
    return str(ds.SOPInstanceUID), dataset_bytes(ds)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 333, 16384, 131066])
def test_fragments_of_any_size(shared_scp: Scp, peer: Peer, size: int) -> None:
    uid, data = slice_bytes()
    request = command(x1000=uid)
    for start in range(0, len(request), size):
        last = 2 if start + size >= len(request) else 0
        peer.send(pdu(4, pdv(1, 1 | last, request[start : start + size])))
    peer.send_data(data, size=size)
    assert peer.read_status() == 0x0000
    assert shared_scp.stored_path(uid).read_bytes().endswith(data)
    peer.release()


def test_a_pdu_cut_at_every_byte(shared_scp: Scp, peer: Peer) -> None:
    uid, data = slice_bytes()
    stream = pdu(4, pdv(1, 3, command(x1000=uid))) + pdu(4, pdv(1, 2, data))
    for byte in range(len(stream)):
        peer.send(stream[byte : byte + 1])
    assert peer.read_status() == 0x0000
    assert shared_scp.stored_path(uid).read_bytes().endswith(data)


def test_everything_in_one_pdu(shared_scp: Scp, peer: Peer) -> None:
    """Command and data set may share a P-DATA-TF, in any number of PDVs (PS3.8 Annex E)."""
    uid, data = slice_bytes()
    request = command(x1000=uid)
    values = pdv(1, 1, request[:10]) + pdv(1, 1, b"") + pdv(1, 3, request[10:])
    values += pdv(1, 0, data[:100]) + pdv(1, 0, b"") + pdv(1, 0, data[100:300]) + pdv(1, 2, data[300:])
    peer.send(pdu(4, values))
    assert peer.read_status() == 0x0000
    assert shared_scp.stored_path(uid).read_bytes().endswith(data)


def test_the_last_fragment_may_be_empty(shared_scp: Scp, peer: Peer) -> None:
    uid, data = slice_bytes()
    peer.send(pdu(4, pdv(1, 3, command(x1000=uid))) + pdu(4, pdv(1, 0, data)) + pdu(4, pdv(1, 2, b"")))
    assert peer.read_status() == 0x0000
    assert shared_scp.stored_path(uid).read_bytes().endswith(data)


def test_messages_sent_ahead_are_answered_in_order(shared_scp: Scp, peer: Peer) -> None:
    stream = b""
    for number in range(1, 6):
        uid, data = slice_bytes()
        stream += pdu(4, pdv(1, 3, command(x0110=number, x1000=uid))) + pdu(4, pdv(1, 2, data))
        stream += pdu(4, pdv(3, 3, echo_command(100 + number)))
    peer.send(stream)
    answered = [struct.unpack("<H", peer.read_response()[0x0120])[0] for _ in range(10)]
    assert answered == [1, 101, 2, 102, 3, 103, 4, 104, 5, 105]


def test_reserved_bits_of_the_control_header_are_not_looked_at(peer: Peer) -> None:
    """PS3.8 E.2."""
    peer.send(pdu(4, pdv(3, 0xFC | 3, echo_command())))
    assert peer.read_status() == 0x0000


INVALID, UNEXPECTED, UNKNOWN_PDU, UNEXPECTED_PDU = (2, 6), (2, 5), (2, 1), (2, 2)


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        pytest.param(struct.pack(">BxL", 4, 0xFFFFFFFF), INVALID, id="a PDU of 4 GB"),
        pytest.param(struct.pack(">BxL", 4, 131073), INVALID, id="a PDU longer than we said"),
        pytest.param(pdu(4, b""), INVALID, id="a PDU without PDV"),
        pytest.param(pdu(4, b"\0\0\0"), INVALID, id="a PDU that ends in a PDV header"),
        pytest.param(pdu(4, struct.pack(">LBB", 0, 1, 3)), INVALID, id="a PDV of no length"),
        pytest.param(pdu(4, struct.pack(">LBB", 1, 1, 3)), INVALID, id="a PDV of one byte"),
        pytest.param(pdu(4, struct.pack(">LBB", 99, 1, 3) + b"x"), INVALID, id="a PDV longer than its PDU"),
        pytest.param(pdu(4, struct.pack(">LBB", 0xFFFFFFFF, 1, 3)), INVALID, id="a PDV of 4 GB"),
        pytest.param(pdu(4, pdv(5, 3, echo_command())), INVALID, id="a context that was not proposed"),
        pytest.param(pdu(4, pdv(0, 3, echo_command())), INVALID, id="context 0"),
        pytest.param(pdu(4, pdv(1, 2, b"data")), UNEXPECTED, id="data without a command"),
        pytest.param(
            pdu(4, pdv(1, 3, command()) + pdv(3, 2, b"data")), UNEXPECTED, id="data on another context"
        ),
        pytest.param(pdu(4, pdv(1, 3, command()) * 2), UNEXPECTED, id="a command instead of data"),
        pytest.param(
            pdu(4, pdv(1, 3, command()) + pdv(1, 0, b"data") + pdv(3, 3, echo_command())),
            UNEXPECTED,
            id="an echo inside a store",
        ),
        pytest.param(
            pdu(4, pdv(1, 1, command()[:9]) + pdv(3, 3, b"")), UNEXPECTED, id="half a command, then another"
        ),
        pytest.param(
            pdu(4, pdv(1, 1, command()[:9]) + pdv(1, 2, b"")), UNEXPECTED, id="half a command, then data"
        ),
        pytest.param(pdu(4, pdv(1, 3, b"junk")), INVALID, id="a command set that is none"),
        pytest.param(pdu(4, pdv(1, 3, b"")), INVALID, id="an empty command set"),
        pytest.param(pdu(4, pdv(1, 1, bytes(60000))) * 2, INVALID, id="a command set without end"),
        pytest.param(
            pdu(4, pdv(1, 3, command(x0100=0x8001, x0120=1, x0900=0))),
            UNEXPECTED,
            id="a response to nothing",
        ),
        pytest.param(pdu(1, bytes(68)), UNEXPECTED_PDU, id="a second A-ASSOCIATE-RQ"),
        pytest.param(pdu(2, bytes(68)), UNEXPECTED_PDU, id="an A-ASSOCIATE-AC"),
        pytest.param(pdu(6, bytes(4)), UNEXPECTED_PDU, id="an A-RELEASE-RP"),
        pytest.param(pdu(99, bytes(4)), UNKNOWN_PDU, id="a PDU of type 99"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", UNKNOWN_PDU, id="HTTP"),
        pytest.param(pdu(5, bytes(400)), INVALID, id="an A-RELEASE-RQ with more"),
    ],
)
def test_what_breaks_the_rules_is_aborted(
    shared_scp: Scp, peer: Peer, stream: bytes, said: tuple[int, int]
) -> None:
    peer.send(stream)
    with pytest.raises(Aborted) as caught:
        peer.read_pdu()
    assert caught.value.args[0] == said
    assert peer.end() == b""
    assert leftovers(shared_scp) == []


def leftovers(scp: Scp) -> list[str]:
    """Stages of objects that never became whole, and were not thrown away in a while."""
    deadline = time.monotonic() + 20
    while found := [path.name for path in (scp.data_dir / "store").rglob("*.part")]:
        if time.monotonic() > deadline:
            return found
        time.sleep(0.02)  # the peer may have its answer before the stage is gone
    return []


def test_release_in_the_middle_of_an_object_keeps_nothing(shared_scp: Scp, peer: Peer) -> None:
    uid, data = slice_bytes()
    peer.send(pdu(4, pdv(1, 3, command(x1000=uid)) + pdv(1, 0, data[:100])))
    peer.release()
    assert shared_scp.query("SELECT 1 FROM archive_instance WHERE sop_instance_uid = ?", uid) == []
    assert leftovers(shared_scp) == []


@pytest.mark.parametrize("how", ["close", "reset", "abort"])
def test_a_peer_that_dies_in_the_middle_of_an_object(shared_scp: Scp, peer: Peer, how: str) -> None:
    uid, data = slice_bytes()
    peer.send(pdu(4, pdv(1, 3, command(x1000=uid)) + pdv(1, 0, data[:100])))
    if how == "abort":
        peer.send(pdu(7, bytes(4)))
        assert peer.end() == b""
    else:
        getattr(peer, how)()
    end = {"close": "lost", "reset": "lost", "abort": "aborted"}[how]
    found = shared_scp.wait_query(
        "SELECT json_extract(detail, '$.incomplete') FROM archive_auditevent WHERE action = 'association'"
        " AND json_extract(detail, '$.end') = ? AND json_extract(detail, '$.incomplete') = 1",
        end,
    )
    assert found
    assert shared_scp.query("SELECT 1 FROM archive_instance WHERE sop_instance_uid = ?", uid) == []
    assert leftovers(shared_scp) == []


def test_release_and_abort_end_the_connection(shared_scp: Scp) -> None:
    with Peer.associated(shared_scp.port, CONTEXTS) as peer:
        peer.release()
    with Peer.associated(shared_scp.port, CONTEXTS) as peer:
        peer.send(pdu(7, bytes(4)))
        assert peer.end() == b""
        with pytest.raises(Closed):
            peer.read(1)


def test_a_store_after_many_on_one_association(shared_scp: Scp, peer: Peer) -> None:
    sent = {}
    for _ in range(30):
        uid, data = slice_bytes()
        assert status_of(peer.store(data, uid=uid)) == 0x0000
        sent[uid] = data
    for uid, data in sent.items():
        assert shared_scp.stored_path(uid).read_bytes().endswith(data)
