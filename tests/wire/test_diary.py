"""What the diary says of associations that really took place, whichever way they ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import build_context

from dicomnet.diary.entry import Entry
from dicomnet.scu.client import Patience, association
from dicomnet.scu.client import Peer as Called
from tests.objects import ct_slice, dataset_bytes, part10
from tests.wire.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Closed,
    Peer,
    Rejected,
    associate_rq,
    command,
    item,
    pdu,
    pdv,
)
from tests.wire.server import Scp

_COLUMNS = (
    "direction, outcome, end, reason, detail, peer, own, address, seconds, calls, implementation, max_pdu, "
    "own_max_pdu, user_identity, operations, contexts, process, node_id, ended"
)


def row(scp: Scp, where: str, *values: Any, seconds: float = 10) -> dict[str, Any]:
    """The only row of the diary like this."""
    sql = f"SELECT {_COLUMNS} FROM dicomnet_association WHERE {where}"
    (found,) = scp.wait_query(sql, *values, seconds=seconds)
    told = dict(zip(_COLUMNS.split(", "), found, strict=True))
    return told | {"operations": json.loads(told["operations"]), "contexts": json.loads(told["contexts"])}


# No row of the trail can be written any more, as on a full disk.
FULL = (
    "CREATE TRIGGER full BEFORE INSERT ON archive_auditevent"
    " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
)


def wait_until(there: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, there
        time.sleep(0.02)


def run(*program: str) -> None:
    subprocess.run(program, check=True, capture_output=True, timeout=60)


def test_an_echo_of_dcmtk(shared_scp: Scp) -> None:
    run("echoscu", "-aet", "ECHOSCU", "-aec", "LIGHTBOX", "127.0.0.1", str(shared_scp.port))
    told = row(shared_scp, "peer = 'ECHOSCU'")
    assert (told["direction"], told["outcome"], told["end"], told["address"]) == (
        "in", "well", "released", "127.0.0.1",
    )  # fmt: skip
    assert told["implementation"].startswith("OFFIS_DCMTK_")
    assert told["contexts"] == {"s": [IMPLICIT], "c": [[VERIFICATION, [0], 0, 0]]}
    (echo,) = told["operations"]
    assert (echo["k"], echo["c"], echo["r"], echo["n"]) == ("C-ECHO", VERIFICATION, "0000", 1)
    assert 0 < echo["t"] < 60
    assert told["node_id"] is not None
    assert told["process"] == ""


def test_a_send_of_dcmtk_without_any_patient_data(shared_scp: Scp, tmp_path: Path) -> None:
    slices = [ct_slice(PatientName="Secret^Name", PatientID="SECRET1") for _ in range(7)]
    for number, one in enumerate(slices):
        (tmp_path / f"{number}.dcm").write_bytes(part10(one))
    program = ["storescu", "-aet", "STORESCU", "-aec", "LIGHTBOX", "127.0.0.1", str(shared_scp.port)]
    run(*program, "+sd", str(tmp_path))
    told = row(shared_scp, "peer = 'STORESCU' AND end = 'released'")
    (store,) = told["operations"]
    assert (store["k"], store["c"], store["r"], store["n"]) == ("C-STORE", CT, "0000", 7)
    assert store["b"] == sum(len(dataset_bytes(one)) for one in slices)
    assert store["s"] <= store["t"]
    [(kept,)] = shared_scp.query("SELECT count(*) FROM archive_instance")
    assert kept >= 7
    everything = json.dumps(told)
    for secret in ("Secret", "SECRET1", *(str(one.SOPInstanceUID) for one in slices)):
        assert secret not in everything
    assert str(slices[0].StudyInstanceUID) not in everything


def test_a_status_that_is_no_success_is_told_with_our_comment(shared_scp: Scp) -> None:
    shared_scp.node("ODD")
    with Peer.associated(shared_scp.port, calling=b"ODD") as peer:
        assert peer.store(b"\0" * 64, uid="1.2.840.99.1")[0x0900] == b"\x00\xc0"
        peer.store(dataset_bytes(ct_slice()), uid="not a uid")
        peer.release()
    told = row(shared_scp, "peer = 'ODD'")
    assert (told["outcome"], told["reason"]) == ("problems", "released")
    assert [(run["r"], run["n"]) for run in told["operations"]] == [("C000", 1), ("0106", 1)]
    assert told["operations"][0]["m"].startswith("Kept in quarantine")
    assert "1.2.840.99.1" not in json.dumps(told)


def test_who_called_and_what_was_refused(shared_scp: Scp) -> None:
    shared_scp.node("ASKED", allow_echo=0)
    contexts = [(1, VERIFICATION, [IMPLICIT]), (3, CT, [EXPLICIT, IMPLICIT]), (5, "1.2.3.4.5", [IMPLICIT])]
    user = item(0x58, b"\2\0\0\5alice\0\6secret") + item(0x55, b"SCANNER_7")
    with Peer.associated(
        shared_scp.port,
        contexts,
        calling=b"ASKED",
        user=user,
        max_length=32768,  # type: ignore[arg-type]
    ) as peer:
        peer.release()
    told = row(shared_scp, "peer = 'ASKED'")
    assert told["contexts"]["c"] == [
        [VERIFICATION, [0], 1, "echo"],
        [CT, [1, 0], 0, 1],
        ["1.2.3.4.5", [0], 3, "private"],
    ]
    assert (told["user_identity"], told["implementation"]) == ("alice", "SCANNER_7 1.2.3.4")
    assert (told["max_pdu"], told["own_max_pdu"]) == (32768, 131072)
    assert (told["outcome"], told["operations"]) == ("problems", [])
    assert "secret" not in json.dumps(told)


def test_a_rejected_caller(shared_scp: Scp) -> None:
    with pytest.raises(Rejected):
        Peer.associated(shared_scp.port, calling=b"NOBODY7")
    told = row(shared_scp, "peer = 'NOBODY7'")
    assert (told["outcome"], told["end"], told["reason"]) == ("rejected", "rejected", "unknown-title")
    assert told["contexts"]["c"] == [[CT, [0], None]]
    with pytest.raises(Rejected):
        Peer.associated(shared_scp.port, calling=b"ECHOSCU", called=b"ARCHIVE7")
    told = row(shared_scp, "own = 'ARCHIVE7'")
    assert (told["reason"], told["peer"], told["node_id"] is not None) == ("called-title", "ECHOSCU", True)


def begun(scp: Scp, title: bytes) -> Peer:
    """A peer in the middle of its second object: 1,000 bytes of it came."""
    scp.node(title.decode())
    peer = Peer.associated(scp.port, calling=title)
    assert peer.store(dataset_bytes(ct_slice()), uid="1.2.3.1")[0x0900] == b"\0\0"
    peer.send(pdu(4, pdv(1, 3, command(x1000="1.2.3.2"))))
    peer.send(pdu(4, pdv(1, 0, bytes(1000))))
    return peer


@pytest.mark.parametrize(
    ("title", "ending", "end", "reason"),
    [
        (b"ABORTING", lambda peer: peer.send(pdu(7, bytes(4))), "aborted", "aborted-midway"),
        (b"DYING", lambda peer: peer.reset(), "lost", "lost-midway"),
        (b"CLOSING", lambda peer: peer.close(), "lost", "lost-midway"),
        (b"BABBLING", lambda peer: peer.send(pdu(9, bytes(4))), "malformed", "malformed"),
        (b"BLOATED", lambda peer: peer.send(b"\4\0\x7f\xff\xff\xff"), "malformed", "pdu-too-long"),
    ],
)
def test_a_peer_that_ends_in_the_middle(
    shared_scp: Scp, title: bytes, ending: Callable[[Peer], None], end: str, reason: str
) -> None:
    with begun(shared_scp, title) as peer:
        ending(peer)
        told = row(shared_scp, "peer = ? AND end != ''", title.decode())
    assert (told["outcome"], told["end"], told["reason"]) == ("broken", end, reason)
    kept, lost = told["operations"]
    assert (kept["r"], kept["n"], lost["r"], lost["k"]) == ("0000", 1, None, "C-STORE")
    assert lost["b"] == 1000
    assert bool(told["detail"]) is (end == "malformed")


def test_a_peer_that_hangs_up_between_objects_lost_nothing(shared_scp: Scp) -> None:
    shared_scp.node("BLUNT")
    with Peer.associated(shared_scp.port, [(1, VERIFICATION, [IMPLICIT])], calling=b"BLUNT") as peer:
        peer.echo()
        peer.send(pdu(7, bytes(4)))
        told = row(shared_scp, "peer = 'BLUNT'")
    assert (told["outcome"], told["end"], told["reason"]) == ("problems", "aborted", "aborted")
    assert [run["r"] for run in told["operations"]] == ["0000"]


def test_what_is_no_association_is_noted(start: Callable[..., Scp]) -> None:
    scp = start("--artim", "1")
    said = {
        "tls-not-offered": b"\x16\x03\x01\x02\x00\x01" + bytes(600),
        "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "not-dicom": b"\x07" + bytes(9),
        "malformed-request": pdu(1, bytes(20)),
        "silent-request": associate_rq([])[:-2],
    }
    peers = [Peer(scp.port) for _ in said]
    for peer, data in zip(peers, said.values(), strict=True):
        peer.send(data)
    for peer in peers:
        peer.end()
        peer.close()
    for reason in said:
        told = row(scp, "peer = '' AND reason = ?", reason)
        assert (told["outcome"], told["address"]) == ("rejected", "127.0.0.1")


def test_silence_before_the_request_and_afterwards(start: Callable[..., Scp]) -> None:
    scp = start("--artim", "0.5", "--idle", "0.5")
    with Peer(scp.port) as silent, Peer.associated(scp.port) as idle:
        silent.end()
        assert idle.end()[:1] == b"\7"
    assert row(scp, "reason = 'silent-request'")["peer"] == ""
    told = row(scp, "peer = 'STORESCU'")
    assert (told["outcome"], told["reason"]) == ("problems", "silent")


def test_too_many_at_once(start: Callable[..., Scp]) -> None:
    scp = start("--max-per-host", "1")
    with Peer.associated(scp.port) as one:
        with pytest.raises(Rejected):
            Peer.associated(scp.port)
        one.release()
    assert row(scp, "reason = 'local-limit'")["address"] == "127.0.0.1"


def test_a_long_association_is_seen_while_it_runs_and_closed_when_its_process_is_killed(
    start: Callable[..., Scp],
) -> None:
    scp = start("--processes", "1")
    with begun(scp, b"LASTING") as peer:
        told = row(scp, "peer = 'LASTING'")
        assert (told["outcome"], told["end"], told["ended"]) == ("running", "", None)
        assert [run["r"] for run in told["operations"]] == ["0000", None]
        (worker,) = scp.workers()
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises((Closed, ConnectionError)):
            peer.read_pdu()
    # Another worker takes its place, and finds what the first one left open.
    told = row(scp, "peer = 'LASTING' AND outcome != 'running'", seconds=20)
    assert (told["outcome"], told["end"], told["reason"]) == ("broken", "killed", "killed")

    with begun(scp, b"ALSO"):
        assert row(scp, "peer = 'ALSO'")["outcome"] == "running"
        for process in [*scp.workers(), scp.process]:
            os.kill(process.pid, signal.SIGKILL)
        scp.process.wait()
    again = start(data_dir=scp.data_dir)
    told = row(again, "peer = 'ALSO' AND outcome != 'running'", seconds=20)
    assert (told["end"], len(told["operations"])) == ("killed", 2)
    assert again.stop() == 0
    assert list((scp.data_dir / "workers").glob("*.diary.*")) == []


def test_a_server_that_stops_says_so(start: Callable[..., Scp]) -> None:
    scp = start()
    with Peer.associated(scp.port) as peer:
        scp.stop()
        peer.end()
    told = row(scp, "peer = 'STORESCU'")
    assert (told["outcome"], told["end"]) == ("well", "stopped") or told["reason"] == "stopped"


# ---------------------------------------------------------------------- what we open


def an_entry(title: str) -> Entry:
    return Entry(outgoing=True, peer="LIGHTBOX", own=title, address="127.0.0.1")


def test_what_we_ask_of_a_peer_is_noted(shared_scp: Scp) -> None:
    entry = an_entry("PYNETDICOM")
    called = Called("LIGHTBOX", "127.0.0.1", shared_scp.port)
    contexts = [build_context(VERIFICATION, [IMPLICIT]), build_context(CT, [EXPLICIT, IMPLICIT])]
    contexts.append(build_context("1.2.840.10008.5.1.4.34.6.1", [IMPLICIT]))
    with association(called, contexts, calling="PYNETDICOM", entry=entry) as opened:
        opened.send_c_echo()
        opened.send_c_echo(msg_id=2)
    values = entry.values()
    assert (values["outcome"], values["end"], values["own_max_pdu"] > 0) == ("well", "released", True)
    assert values["max_pdu"] == 131072
    assert values["implementation"].startswith("LIGHTBOX")
    assert values["contexts"] == {
        "s": [IMPLICIT, EXPLICIT],
        "c": [[VERIFICATION, [0], 0, 0], [CT, [1, 0], 0, 1], ["1.2.840.10008.5.1.4.34.6.1", [0], 3, ""]],
    }
    (echo,) = values["operations"]
    assert (echo["k"], echo["r"], echo["n"]) == ("C-ECHO", "0000", 2)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(pdu(7, bytes(4)), "aborted-midway"), (b"", "lost-midway"), (None, "broken-off-midway")],
)
def test_a_peer_that_breaks_off_is_noted(answer: bytes | None, reason: str) -> None:
    entry = an_entry("PYNETDICOM")
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()
        thread = threading.Thread(target=rude, args=(server, answer, over))
        thread.start()
        called = Called("RUDE", "127.0.0.1", server.getsockname()[1])
        contexts = [build_context(VERIFICATION, [IMPLICIT])]
        patience = Patience(network=1)
        with association(called, contexts, calling="X", patience=patience, entry=entry) as opened:
            opened.send_c_echo()
        over.set()
        thread.join()
    values = entry.values()
    assert (values["outcome"], values["reason"]) == ("broken", reason)
    assert values["operations"][-1]["r"] is None


def rude(server: socket.socket, answer: bytes | None, over: threading.Event) -> None:
    """Accept one context, take a request, and answer with something else; None: with nothing."""
    connection, _ = server.accept()
    with connection:
        connection.recv(1 << 16)
        accepted = item(0x21, bytes([1, 0, 0, 0]) + item(0x40, IMPLICIT.encode()))
        user = item(0x50, item(0x51, b"\0\0\x40\0") + item(0x52, b"1.2.3.4"))
        head = b"\0\1\0\0" + b"RUDE".ljust(16) + b"X".ljust(16) + bytes(32)
        connection.sendall(pdu(2, head + item(0x10, b"1.2.840.10008.3.1.1.1") + accepted + user))
        connection.recv(1 << 16)
        if answer is None:
            over.wait(30)
        else:
            connection.sendall(answer)


def test_an_end_on_a_full_disk_is_told_of_when_there_is_room(
    start: Callable[..., Scp],
) -> None:
    """Diary and trail wait in memory; nothing of them is there before, everything afterwards, once."""
    scp = start("--processes", "1")
    scp.node("EARLY")
    scp.execute(FULL)
    slices = [ct_slice(StudyInstanceUID="1.2.840.99.7", PatientID="P9") for _ in range(3)]
    with Peer.associated(scp.port, calling=b"EARLY") as peer:
        for one in slices:
            assert peer.store(dataset_bytes(one), uid=one.SOPInstanceUID)[0x0900] == b"\0\0"
        peer.release()
    wait_until(lambda: "waits to be written" in scp.log)
    assert "Traceback" not in scp.log.split("waits to be written")[0]
    assert scp.query("SELECT count(*) FROM archive_auditevent") == [(0,)]
    assert scp.query("SELECT count(*) FROM dicomnet_association WHERE end = 'released'") == [(0,)]
    scp.execute("DROP TRIGGER full")
    told = row(scp, "peer = 'EARLY' AND end = 'released'", seconds=30)
    assert [(run["k"], run["n"]) for run in told["operations"]] == [("C-STORE", 3)]
    rows = scp.query(
        "SELECT action, study_instance_uid, json_extract(detail, '$.images') FROM archive_auditevent"
        " WHERE actor_name = 'EARLY' ORDER BY id"
    )
    assert rows == [("received", "1.2.840.99.7", 3), ("association", "", None)]
    assert scp.query("SELECT count(*) FROM dicomnet_association WHERE peer = 'EARLY'") == [(1,)]


def test_what_waits_to_be_written_is_written_when_the_server_stops(start: Callable[..., Scp]) -> None:
    scp = start("--processes", "1")
    scp.execute(FULL)
    run("echoscu", "-aet", "ECHOSCU", "-aec", "LIGHTBOX", "127.0.0.1", str(scp.port))
    wait_until(lambda: "waits to be written" in scp.log)
    scp.execute("DROP TRIGGER full")
    scp.stop()
    assert scp.query("SELECT count(*) FROM dicomnet_association WHERE peer = 'ECHOSCU'") == [(1,)]
    assert scp.query("SELECT actor_name FROM archive_auditevent") == [("ECHOSCU",)]
