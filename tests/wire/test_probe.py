"""The connection test against peers that work, and against each way in which one does not."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import HTJ2KLossless, NuclearMedicineImageStorage, VideoEndoscopicImageStorage
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import BasicGrayscalePrintManagementMeta, CTImageStorage, Verification

from dicomnet.familiar import (
    COMMON_CLASSES,
    COMMON_SYNTAXES,
    FURTHER_SYNTAXES,
    MATRIX_SYNTAXES,
    SERVICES_ASKED,
    STORAGE_ASKED,
    further_pairs,
)
from dicomnet.scu.client import Failure, NotAssociated, Patience, Peer, association, tcp_check
from dicomnet.scu.probe import Step, probe
from dicomnet.scu.probe_words import line_of
from tests.wire.peer import EXPLICIT, IMPLICIT, pdu
from tests.wire.server import Scp

QUICK = Patience(connect=2, answer=1, network=1)
REFUSED_PORT_HINT = "Start the device's DICOM service, or correct the port."


def steps(port: int, *, host: str = "127.0.0.1", printer: bool = False) -> list[Step]:
    return list(probe(Peer("PEER", host, port), calling="LIGHTBOX", printer=printer, patience=QUICK))


def told(taken: list[Step]) -> list[tuple[str, str, str]]:
    return [(step.name, step.code, step.outcome.value) for step in taken]


@contextmanager
def listener(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A peer that does one thing with each connection that says something."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            with sock:
                if sock.recv(65536):
                    answer(sock)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@contextmanager
def pynetdicom_peer(contexts: dict[Any, list[str]], **handlers: Callable[..., Any]) -> Iterator[int]:
    ae = AE("PEER")
    for uid, syntaxes in contexts.items():
        ae.add_supported_context(uid, syntaxes)
    bound = [(getattr(evt, name), handler) for name, handler in handlers.items()]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=bound)
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


def test_our_own_scp_passes(shared_scp: Scp) -> None:
    shared_scp.node("LIGHTBOX")
    taken = list(probe(Peer("LIGHTBOX", "localhost", shared_scp.port), calling="LIGHTBOX", patience=QUICK))
    assert told(taken) == [
        ("tcp", "connected", "ok"),
        ("association", "accepted", "ok"),
        ("echo", "echoed", "ok"),
        ("contexts", "takes", "ok"),
    ]
    matrix = taken[-1].accepted
    for uid in STORAGE_ASKED:
        assert set(matrix[str(uid)].values()) == {True}
    for uid in COMMON_CLASSES:
        assert set(matrix[str(uid)]) >= {str(syntax) for syntax in (*COMMON_SYNTAXES, *FURTHER_SYNTAXES)}
    assert {syntax for row in matrix.values() for syntax in row} == {str(uid) for uid in MATRIX_SYNTAXES}
    for uid in SERVICES_ASKED:
        assert set(matrix[str(uid)].values()) <= {False, True}
    assert taken[2].status == "0000"
    assert line_of(taken[0].to_dict()).sentence == f"localhost:{shared_scp.port} answers."


def test_dcmtk_s_storescp(tmp_path: Path) -> None:
    """It takes native syntaxes only, unless told otherwise."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    storescp = shutil.which("storescp")
    assert storescp
    process = subprocess.Popen([storescp, "-q", "--ignore", str(port)], cwd=tmp_path)
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                tcp_check(Peer("PEER", "127.0.0.1", port))
                break
            except NotAssociated:
                time.sleep(0.05)
        done = list(probe(Peer("PEER", "127.0.0.1", port), calling="LIGHTBOX"))
    finally:
        process.terminate()
        process.wait(10)
    assert [step.code for step in done] == ["connected", "accepted", "echoed", "takes"]
    ct = done[-1].accepted[str(CTImageStorage)]
    assert [uid for uid, accepted in ct.items() if accepted] == [IMPLICIT, EXPLICIT]


def test_a_name_that_does_not_resolve() -> None:
    taken = steps(104, host="no-such-host.invalid")
    assert told(taken) == [("tcp", "name-not-resolved", "failed")]
    line = line_of(taken[0].to_dict())
    assert line.sentence == "The name “no-such-host.invalid” is not known."
    assert line.advice == "Correct the host, or give its IP address."


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    taken = steps(port)
    assert told(taken) == [("tcp", "refused", "failed")]
    line = line_of(taken[0].to_dict())
    assert line.sentence == f"127.0.0.1 is there, but nothing listens on port {port}."
    assert line.advice == REFUSED_PORT_HINT


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def unanswered(*_: Any) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", unanswered)
    assert told(steps(104)) == [("tcp", "timeout", "failed")]


def test_no_way_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_route(*_: Any) -> None:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket, "create_connection", no_route)
    assert told(steps(104)) == [("tcp", "unreachable", "failed")]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"\x01\x01\x03", "rejected-calling"),
        (b"\x01\x01\x07", "rejected-called"),
        (b"\x02\x03\x02", "rejected-limit"),
        (b"\x02\x03\x01", "rejected-limit"),
        (b"\x01\x01\x01", "rejected"),
        (b"\x01\x02\x02", "rejected"),
    ],
)
def test_rejections_are_told_apart(answer: bytes, code: str) -> None:
    with listener(lambda sock: sock.sendall(pdu(3, b"\0" + answer))) as port:
        taken = steps(port)
    assert told(taken) == [("tcp", "connected", "ok"), ("association", code, "failed")]
    assert line_of(taken[1].to_dict()).advice


def test_an_abort() -> None:
    with listener(lambda sock: sock.sendall(pdu(7, bytes([0, 0, 2, 1])))) as port:
        assert told(steps(port))[1] == ("association", "aborted", "failed")


def test_a_connection_closed_without_a_word() -> None:
    with listener(lambda sock: None) as port:
        assert told(steps(port))[1] == ("association", "closed", "failed")


def test_a_peer_that_says_nothing() -> None:
    with listener(lambda sock: time.sleep(3)) as port:
        taken = steps(port)
    assert told(taken)[1] == ("association", "no-answer", "failed")
    assert line_of(taken[1].to_dict()).sentence == "It connects, but does not answer within 1 s."


def test_something_that_is_not_dicom() -> None:
    def web(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        time.sleep(0.2)

    with listener(web) as port:
        assert told(steps(port))[1][2] == "failed"


def test_a_peer_that_takes_nothing() -> None:
    with pynetdicom_peer({"1.2.840.10008.5.1.4.1.1.481.9": [EXPLICIT]}) as port:
        assert told(steps(port))[1:] == [("association", "nothing-accepted", "failed")]


def test_a_peer_without_echo() -> None:
    with pynetdicom_peer({CTImageStorage: [EXPLICIT]}) as port:
        taken = steps(port)
    assert told(taken)[1:] == [
        ("association", "accepted", "ok"),
        ("echo", "echo-not-accepted", "warning"),
        ("contexts", "takes", "ok"),
    ]
    assert taken[-1].detail["accepted"] == 1


def test_a_peer_with_nothing_but_echo() -> None:
    with pynetdicom_peer({Verification: [IMPLICIT]}) as port:
        taken = steps(port)
    assert told(taken)[2:] == [("echo", "echoed", "ok"), ("contexts", "nothing-but-echo", "warning")]


def test_an_echo_that_fails() -> None:
    with pynetdicom_peer({Verification: [IMPLICIT]}, EVT_C_ECHO=lambda event: 0x0122) as port:
        taken = steps(port)
    assert (taken[2].code, taken[2].status, taken[2].outcome) == ("echo-status", "0122", "failed")


def test_an_echo_without_an_answer() -> None:
    def never(event: Any) -> int:
        time.sleep(2)
        return 0

    with pynetdicom_peer({Verification: [IMPLICIT]}, EVT_C_ECHO=never) as port:
        taken = steps(port)
    assert (taken[2].code, taken[2].outcome) == ("no-answer", "failed")


def test_printers_are_asked_for_film() -> None:
    with pynetdicom_peer({Verification: [IMPLICIT], BasicGrayscalePrintManagementMeta: [IMPLICIT]}) as port:
        taken = steps(port, printer=True)
    assert told(taken)[3] == ("contexts", "takes", "ok")
    assert taken[3].accepted[str(BasicGrayscalePrintManagementMeta)] == {IMPLICIT: True, EXPLICIT: False}
    with pynetdicom_peer({Verification: [IMPLICIT], CTImageStorage: [IMPLICIT]}) as port:
        assert told(steps(port, printer=True))[3] == ("contexts", "no-greyscale-print", "failed")


def test_at_most_128_contexts_are_proposed() -> None:
    asked: list[bytes] = []

    def note(sock: socket.socket) -> None:
        sock.sendall(pdu(7, bytes(4)))

    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):
            sock, _ = server.accept()
            head = sock.recv(6, socket.MSG_WAITALL)
            if head:
                asked.append(sock.recv(struct.unpack(">BxL", head)[1], socket.MSG_WAITALL))
                note(sock)
            sock.close()

    thread = threading.Thread(target=serve)
    thread.start()
    steps(server.getsockname()[1])
    thread.join(10)
    server.close()
    assert 100 < asked[0].count(b"\x30\0\0") <= 128
    assert max(len(pairs) for pairs in further_pairs()) <= 128


def test_what_one_association_has_no_room_for_is_asked_on_others() -> None:
    syntaxes = {Verification: [IMPLICIT], NuclearMedicineImageStorage: [HTJ2KLossless]}
    opened: list[int] = []
    with pynetdicom_peer(syntaxes, EVT_ACCEPTED=lambda event: opened.append(1)) as port:
        taken = steps(port)
    row = taken[-1].accepted[str(NuclearMedicineImageStorage)]
    assert [uid for uid, accepted in row.items() if accepted] == [str(HTJ2KLossless)]
    # What nothing is accepted of is answered all the same.
    assert set(taken[-1].accepted[str(VideoEndoscopicImageStorage)].values()) == {False}
    assert len(opened) == 1 + len(list(further_pairs()))


def test_a_peer_that_lets_us_in_once_leaves_the_rest_unknown() -> None:
    def close_the_door(event: Any) -> None:
        event.assoc.ae.require_calling_aet = ["SOMEBODY_ELSE"]

    with pynetdicom_peer({Verification: [IMPLICIT]}, EVT_ACCEPTED=close_the_door) as port:
        taken = steps(port)
    assert told(taken)[1:3] == [("association", "accepted", "ok"), ("echo", "echoed", "ok")]
    assert str(NuclearMedicineImageStorage) not in taken[-1].accepted


def test_a_body_that_fails_aborts(shared_scp: Scp) -> None:
    """The peer is not left waiting for a release."""
    peer = Peer("LIGHTBOX", "127.0.0.1", shared_scp.port)
    with (
        pytest.raises(ZeroDivisionError),
        association(peer, [build_context(Verification)], calling="ECHOSCU"),
    ):
        raise ZeroDivisionError
    assert shared_scp.wait_query(
        "SELECT 1 FROM archive_auditevent WHERE actor_name = 'ECHOSCU' AND detail LIKE '%aborted%'"
    )


def test_failures_carry_their_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        pytest.raises(NotAssociated) as caught,
        association(Peer("X", "127.0.0.1", port), [build_context(Verification)], calling="X", patience=QUICK),
    ):
        pass
    assert caught.value.failure is Failure.REFUSED
