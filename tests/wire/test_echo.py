"""C-ECHO, by peers of three makes."""

from __future__ import annotations

import subprocess

from pynetdicom import build_context
from pynetdicom.sop_class import Verification

from dicomnet.scu.client import Peer as Called
from dicomnet.scu.client import association
from tests.wire.peer import CT, EXPLICIT, IMPLICIT, VERIFICATION, Peer, command, echo_command, pdu, pdv
from tests.wire.server import Scp


def test_dcmtk_hears_success(shared_scp: Scp) -> None:
    run = subprocess.run(
        ["echoscu", "-v", "-aec", "LIGHTBOX", "127.0.0.1", str(shared_scp.port)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0
    assert "Received Echo Response (Success)" in run.stdout + run.stderr


def test_pynetdicom_echoes_again_and_again_on_one_association(shared_scp: Scp) -> None:
    called = Called("LIGHTBOX", "127.0.0.1", shared_scp.port)
    with association(called, [build_context(Verification)], calling="PYNETDICOM") as opened:
        assert [opened.send_c_echo().Status for _ in range(50)] == [0] * 50


def test_the_response_names_what_it_answers(shared_scp: Scp) -> None:
    with Peer.associated(shared_scp.port, [(7, VERIFICATION, [IMPLICIT])]) as peer:
        peer.send(pdu(4, pdv(7, 3, echo_command(message_id=4711))))
        assert peer.read_response() == {
            0x0000: (66).to_bytes(4, "little"),
            0x0002: b"1.2.840.10008.1.1\0",
            0x0100: b"\x30\x80",
            0x0120: (4711).to_bytes(2, "little"),
            0x0800: b"\x01\x01",
            0x0900: b"\0\0",
        }


def test_a_response_fits_the_pdu_length_the_peer_asked_for(shared_scp: Scp) -> None:
    with Peer.associated(shared_scp.port, [(1, VERIFICATION, [IMPLICIT])], max_length=20) as peer:  # type: ignore[arg-type]
        peer.send(pdu(4, pdv(1, 3, echo_command())))
        lengths, last = [], False
        while not last:
            kind, body = peer.read_pdu()
            lengths.append(len(body))
            last = bool(body[5] & 2)
        assert kind == 4
        assert max(lengths) == 20
        assert sum(length - 6 for length in lengths) == 78


def test_an_operation_that_is_not_the_class_s_is_told_so(shared_scp: Scp) -> None:
    """0211, unrecognized operation (PS3.7 C.5.8); the association goes on."""
    contexts = [(1, VERIFICATION, [IMPLICIT]), (3, CT, [EXPLICIT])]
    with Peer.associated(shared_scp.port, contexts) as peer:
        find = command(x0100=0x0020, x1000=None)
        peer.send(pdu(4, pdv(1, 3, find)) + pdu(4, pdv(1, 2, b"\x08\0\x05\0\0\0\0\0")))
        response = peer.read_response()
        assert response[0x0900] == b"\x11\x02"
        assert response[0x0100] == b"\x20\x80"
        peer.send(pdu(4, pdv(3, 3, echo_command())))
        assert peer.read_status() == 0x0211
        assert peer.echo() == 0x0000


def test_a_cancel_of_nothing_is_ignored(shared_scp: Scp) -> None:
    with Peer.associated(shared_scp.port, [(1, VERIFICATION, [IMPLICIT])]) as peer:
        cancel = command(x0002=None, x0100=0x0FFF, x0110=None, x0120=1, x0700=None, x0800=0x0101, x1000=None)
        peer.send(pdu(4, pdv(1, 3, cancel)))
        assert peer.echo() == 0x0000
        peer.release()
