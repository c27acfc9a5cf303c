"""Sending objects to a peer: as they are, decoded, or not at all; and peers that go away meanwhile."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate

from archive.storage import stage_open, store
from dicomnet.contexts import Answered, Result
from dicomnet.scu import outgoing
from dicomnet.scu.client import Failure, NotAssociated, Patience, Peer
from dicomnet.scu.storing import Outgoing, Plan, Sent, Way, objects_plan, objects_send, plan_of
from tests.objects import ct_slice, encoded, part10
from tests.wire.peer import CT, EXPLICIT, IMPLICIT
from tests.wire.receivers import free_port, receiver

J2K, MPEG4 = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.102"
MR = "1.2.840.10008.5.1.4.1.1.4"


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def kept(uid: str, syntax: str = EXPLICIT, sop_class: str = CT, data: bytes | None = None) -> Outgoing:
    """An object in the store."""
    if data is None:
        ds = ct_slice(SOPInstanceUID=uid, SOPClassUID=sop_class)
        if syntax not in (EXPLICIT, IMPLICIT):
            values = np.frombuffer(ds.PixelData, "<u2").reshape(16, 16)
            ds.PixelData = encapsulate([imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k")])
            ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
        data = encoded(ds, IMPLICIT if syntax == IMPLICIT else EXPLICIT)
    stage = stage_open(sop_class_uid=sop_class, sop_instance_uid=uid, transfer_syntax_uid=syntax)
    stage.write(data)
    key = f"objects/aa/{uid}.dcm"
    store().place(stage, key)
    return Outgoing(sop_class, uid, syntax, key)


def send(port: int, objects: list[Outgoing], **more: Any) -> list[Sent]:
    return list(objects_send(peer=Peer("DEST", "127.0.0.1", port), objects=objects, calling="US", **more))


def told(sent: list[Sent]) -> list[tuple[str, int | None, str]]:
    return [(one.sop_instance_uid, one.status, one.reason) for one in sent]


def test_what_becomes_of_each_is_told_in_order() -> None:
    objects = [kept("1.1"), kept("1.2", J2K), kept("1.3", MPEG4), kept("1.4", sop_class=MR),
               Outgoing(CT, "1.5", EXPLICIT, "objects/aa/none.dcm"), kept("1.6", IMPLICIT),
               kept("1.7", J2K, data=b"\x08\0\5\0CS\x0a\0ISO_IR 100"),
               Outgoing("", "1.8", EXPLICIT, "x")]  # fmt: skip
    with receiver([(CT, [EXPLICIT])]) as (port, received):
        sent = send(port, objects)
    assert told(sent) == [
        ("1.1", 0x0000, ""), ("1.2", 0x0000, ""), ("1.3", None, "cannot-transcode"),
        ("1.4", None, "class-not-accepted"), ("1.5", None, "file-missing"), ("1.6", 0x0000, ""),
        ("1.7", 0x0000, ""), ("1.8", None, "class-not-accepted")]  # fmt: skip
    assert [one.transfer_syntax_uid for one in sent[:3]] == [EXPLICIT, EXPLICIT, ""]
    assert received.uids == ["1.1", "1.2", "1.6", "1.7"]
    assert received.associations == 1


def test_a_file_with_a_head_of_its_own_is_sent_from_behind_it(data_dir: Path) -> None:
    ds = ct_slice(SOPInstanceUID="1.1")
    place = data_dir / "store" / "objects" / "aa"
    place.mkdir(parents=True)
    (place / "own.dcm").write_bytes(part10(ds))
    with receiver([(CT, [EXPLICIT])]) as (port, received):
        send(port, [Outgoing(CT, "1.1", EXPLICIT, "objects/aa/own.dcm")])
    assert received.objects == [("1.1", EXPLICIT, encoded(ds))]


def test_an_object_larger_than_a_batch_arrives_whole() -> None:
    big = np.random.default_rng(3).integers(0, 256, 1_600_000, np.uint8).tobytes()
    data = encoded(ct_slice(SOPInstanceUID="1.1", PixelData=big))
    with receiver([(CT, [EXPLICIT])]) as (port, received):
        send(port, [kept("1.1", data=data)])
    assert received.objects == [("1.1", EXPLICIT, data)]


def test_the_status_and_comment_of_the_receiver_are_told() -> None:
    with receiver([(CT, [EXPLICIT])], lambda event: 0xA700) as (port, _):
        assert told(send(port, [kept("1.1")])) == [("1.1", 0xA700, "")]


def test_objects_without_an_answer_are_lost() -> None:
    def abort_second(event: Any) -> int:
        if event.request.AffectedSOPInstanceUID == "1.2":
            event.assoc.abort()
        return 0x0000

    with receiver([(CT, [EXPLICIT])], abort_second) as (port, _):
        sent = send(port, [kept("1.1"), kept("1.2"), kept("1.3")])
    assert told(sent) == [("1.1", 0x0000, ""), ("1.2", None, "lost"), ("1.3", None, "lost")]


def test_who_stops_hears_nothing_of_the_rest() -> None:
    asked: list[int] = []

    def stopping() -> bool:
        asked.append(1)
        return len(asked) > 2

    with receiver([(CT, [EXPLICIT])]) as (port, received):
        sent = send(port, [kept(f"1.{n}") for n in range(5)], stopping=stopping)
    assert told(sent) == [("1.0", 0x0000, ""), ("1.1", 0x0000, "")]
    assert received.uids == ["1.0", "1.1"]


def test_who_turns_away_releases_the_association() -> None:
    with receiver([(CT, [EXPLICIT])]) as (port, received):
        sending = objects_send(
            peer=Peer("DEST", "127.0.0.1", port), objects=[kept("1.1"), kept("1.2")], calling="US"
        )
        assert next(sending).status == 0x0000
        sending.close()  # type: ignore[attr-defined]
    assert received.uids == ["1.1"]


@contextmanager
def listener(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A host that does something else than DICOM to the one who calls."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            sock, _ = server.accept()
            with sock:
                serve(sock)

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def _read(sock: socket.socket) -> None:
    sock.recv(65536)


def _reject(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.sendall(bytes.fromhex("03000000000400010107"))


def _abort(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.sendall(bytes.fromhex("07000000000400000200"))


def _silent(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def _http(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("serve", "failure"),
    [
        (_read, Failure.CLOSED),
        (_reject, Failure.REJECTED_CALLED),
        (_abort, Failure.ABORTED),
        (_silent, Failure.NO_ANSWER),
        (_http, Failure.ABORTED),
    ],
)
def test_no_association_has_its_reason(serve: Callable[[socket.socket], None], failure: Failure) -> None:
    with listener(serve) as port, pytest.raises(NotAssociated) as caught:
        send(port, [kept("1.1")], patience=Patience(connect=2, answer=0.5, network=2))
    assert caught.value.failure is failure


def test_nobody_listening_is_refused() -> None:
    with pytest.raises(NotAssociated) as caught:
        send(free_port(), [kept("1.1")])
    assert caught.value.failure is Failure.REFUSED


def test_a_dry_run_asks_and_sends_nothing() -> None:
    objects = [kept("1.1"), kept("1.2", J2K), kept("1.3", MPEG4), kept("1.4", sop_class=MR)]
    with receiver([(CT, [IMPLICIT, J2K])]) as (port, received):
        plans = objects_plan(peer=Peer("DEST", "127.0.0.1", port), objects=objects, calling="US")
        found = [(object.sop_instance_uid, plan.way, plan.reason) for object, plan in plans]
    assert found == [
        ("1.1", Way.TRANSCODED, ""),
        ("1.2", Way.AS_IS, ""),
        ("1.3", Way.NOT_AT_ALL, "cannot-transcode"),
        ("1.4", Way.NOT_AT_ALL, "class-not-accepted"),
    ]
    assert received.objects == []


def accepted(*syntaxes: str) -> list[Answered]:
    return [Answered(2 * n + 1, CT, uid, Result.ACCEPTANCE) for n, uid in enumerate(syntaxes)]


@pytest.mark.parametrize(
    ("own", "syntaxes", "way", "sent_as"),
    [
        (J2K, (J2K, EXPLICIT), Way.AS_IS, J2K),
        (J2K, (IMPLICIT, EXPLICIT), Way.TRANSCODED, EXPLICIT),
        (EXPLICIT, (IMPLICIT,), Way.TRANSCODED, IMPLICIT),
        (IMPLICIT, (IMPLICIT, EXPLICIT), Way.AS_IS, IMPLICIT),
    ],
)
def test_plans(own: str, syntaxes: tuple[str, ...], way: Way, sent_as: str) -> None:
    plan = plan_of(accepted(*syntaxes), Outgoing(CT, "1", own, "k"))
    assert plan.way is way
    assert plan.context is not None
    assert plan.context.transfer_syntax == sent_as


def test_a_class_taken_in_another_compression_only_is_a_question_of_syntax() -> None:
    plan = plan_of(accepted(J2K), Outgoing(CT, "1", EXPLICIT, "k"))
    assert plan == Plan(Way.NOT_AT_ALL, reason="syntax-not-accepted")


class _Broken:
    """A file that fails after its first half, as a store over the network may."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, size: int) -> bytes:
        if self._at:
            raise OSError("the store does not answer")
        self._at += size
        return self._data[:size]

    def seek(self, offset: int) -> int:
        self._at = 0
        return offset

    def __enter__(self) -> _Broken:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_a_file_that_breaks_off_is_never_taken_for_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message cannot be ended any more: the association is aborted, and the receiver keeps nothing."""
    bad, later = kept("1.2", data=bytes(1_600_000)), kept("1.3")
    real = outgoing.file_open

    def opened(key: str) -> Any:
        if key != bad.file_key:
            return real(key)
        with real(key) as file:
            return _Broken(file.read())

    monkeypatch.setattr(outgoing, "file_open", opened)
    monkeypatch.setattr(outgoing, "own_dataset_offset", lambda head: 144)
    with receiver([(CT, [EXPLICIT])]) as (port, received):
        sent = send(port, [bad, later])
    assert told(sent) == [("1.2", None, "file-unreadable"), ("1.3", None, "lost")]
    assert received.uids == []
