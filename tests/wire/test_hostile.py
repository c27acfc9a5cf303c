"""Peers that are slow, silent, many, dying or malicious: whoever comes next is answered at once."""

from __future__ import annotations

import random
import resource
import socket
import struct
import time
from collections.abc import Callable

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
    Rejected,
    associate_rq,
    command,
    echo_command,
    echo_seconds,
    pdu,
    pdv,
    status_of,
)
from tests.wire.server import Scp

CONTEXTS = [(1, CT, [EXPLICIT]), (3, VERIFICATION, [IMPLICIT])]
SMALL = pdu(4, pdv(3, 3, echo_command()))


def median_echo(scp: Scp) -> float:
    return sorted(echo_seconds(scp.port) for _ in range(5))[2]


def silent(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def test_silent_connections_delay_nobody(scp: Scp) -> None:
    """Twenty stop other archives for half a minute. Ten times the quiet echo, or a tenth of a second."""
    quiet = median_echo(scp)
    held = [silent(scp.port) for _ in range(300)]
    assert median_echo(scp) < max(0.1, 10 * quiet)
    for sock in held[:150]:
        sock.sendall(associate_rq(CONTEXTS)[:40])  # half a request
    assert median_echo(scp) < max(0.1, 10 * quiet)
    for sock in held:
        sock.close()


def test_idle_associations_delay_nobody(scp: Scp) -> None:
    quiet = median_echo(scp)
    held = [Peer.associated(scp.port, CONTEXTS) for _ in range(300)]
    assert median_echo(scp) < max(0.1, 10 * quiet)
    for peer in held:
        peer.close()


def test_no_descriptor_left_makes_the_oldest_silent_one_go(scp: Scp) -> None:
    resource.prlimit(scp.process.pid, resource.RLIMIT_NOFILE, (50, 50))
    held = [silent(scp.port) for _ in range(150)]
    assert echo_seconds(scp.port) < 5
    assert echo_seconds(scp.port) < 5
    assert held[0].recv(1) == b""
    for sock in held:
        sock.close()


def test_artim_closes_whoever_does_not_ask_in_time(start: Callable[..., Scp]) -> None:
    """The whole request counts: a byte now and then buys no time (PS3.8 9.1.5)."""
    scp = start("--artim", "1.5")
    mute, slow = silent(scp.port), silent(scp.port)
    request = associate_rq(CONTEXTS)
    began = time.monotonic()
    sent = 0
    while time.monotonic() - began < 30:
        try:
            slow.sendall(request[sent : sent + 1])
        except ConnectionError:
            break
        sent += 1
        slow.settimeout(0.1)
        try:
            if slow.recv(1) == b"":
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    assert 0 < sent < len(request)
    assert mute.recv(1) == b""
    assert echo_seconds(scp.port) < 5


def test_an_idle_association_is_aborted(start: Callable[..., Scp]) -> None:
    scp = start("--idle", "1")
    with Peer.associated(scp.port, CONTEXTS) as peer:
        assert peer.echo(3) == 0x0000
        with pytest.raises(Aborted) as caught:
            peer.read_pdu()
        assert caught.value.args[0] == (2, 0)


def test_too_many_associations_are_told_to_come_later(start: Callable[..., Scp]) -> None:
    scp = start("--max-per-host", "3")
    held = [Peer.associated(scp.port, CONTEXTS) for _ in range(3)]
    with pytest.raises(Rejected) as caught:
        Peer.associated(scp.port, CONTEXTS)
    assert caught.value.args[0] == (2, 3, 2)  # transient, presentation, local limit exceeded
    held.pop().release()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            held.append(Peer.associated(scp.port, CONTEXTS))
            break
        except Rejected:
            time.sleep(0.02)
    assert held[-1].echo(3) == 0x0000
    for peer in held:
        peer.close()


@pytest.mark.parametrize(
    ("opening", "said"),
    [
        (b"\x04\0\xff\xff\xff\xff", (2, 2)),  # P-DATA first
        (pdu(5, bytes(4)), (2, 2)),
        (b"GET / HTTP/1.1\r\n\r\n", (2, 1)),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", (2, 1)),  # TLS
        (b"\x01\0\xff\xff\xff\xff" + bytes(100), (2, 6)),  # a request of 4 GB
        (struct.pack(">BxL", 1, (1 << 20) + 1), (2, 6)),
        (pdu(1, bytes(20)), (2, 6)),
        (pdu(1, b"\xff" * 2000), (2, 6)),
    ],
)
def test_what_is_no_request_is_aborted_at_once(
    shared_scp: Scp, opening: bytes, said: tuple[int, int]
) -> None:
    with Peer(shared_scp.port) as peer:
        peer.send(opening)
        with pytest.raises(Aborted) as caught:
            peer.read_pdu()
        assert caught.value.args[0] == said


def test_a_request_of_a_megabyte_is_read(shared_scp: Scp) -> None:
    """As long as it is one: here 16 items of 64 KB that nobody knows."""
    junk = b"".join(struct.pack(">BxH", 0x99, 0xFFF0) + bytes(0xFFF0) for _ in range(15))
    with Peer(shared_scp.port) as peer:
        peer.send(associate_rq(CONTEXTS, after=junk))
        peer.read_answer()
        assert peer.echo(3) == 0x0000


def test_a_peer_that_reads_nothing_harms_nobody(shared_scp: Scp) -> None:
    with Peer.associated(shared_scp.port, CONTEXTS) as peer:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.sock.settimeout(1)
        with pytest.raises((TimeoutError, ConnectionError)):
            peer.send(SMALL * 1_000_000)
        assert echo_seconds(shared_scp.port) < 5
        peer.reset()


def test_peers_that_die_in_the_middle_leave_nothing(scp: Scp) -> None:
    data = dataset_bytes(ct_slice())
    assert echo_seconds(scp.port) < 5
    before = scp.descriptors()
    for number in range(100):
        peer = Peer.associated(scp.port, CONTEXTS)
        peer.send(pdu(4, pdv(1, 3, command(x1000=f"1.2.3.{number}")) + pdv(1, 0, data[: number * 5])))
        peer.reset()
    deadline = time.monotonic() + 20
    while (scp.descriptors() > before or parts(scp)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert parts(scp) == []
    assert scp.descriptors() <= before
    assert scp.query("SELECT count(*) FROM archive_instance") == [(0,)]


def parts(scp: Scp) -> list[str]:
    return [path.name for path in (scp.data_dir / "store").rglob("*.part")]


def conversation(uid: str, data: bytes) -> list[bytes]:
    """What a good peer says after its request, PDU by PDU."""
    half = len(data) // 2
    return [
        SMALL,
        pdu(4, pdv(1, 3, command(x1000=uid))),
        pdu(4, pdv(1, 0, data[:half])),
        pdu(4, pdv(1, 2, data[half:])),
        SMALL,
        pdu(5, bytes(4)),
    ]


def mutated(chance: random.Random, pdus: list[bytes]) -> bytes:
    """The same, with bytes changed, PDUs swapped, dropped, doubled, cut or given wrong lengths."""
    pdus = list(pdus)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(pdus))
        what = chance.randrange(6)
        if what == 0:
            pdus.insert(chance.randrange(len(pdus)), pdus.pop(at))
        elif what == 1 and len(pdus) > 1:
            del pdus[at]
        elif what == 2:
            pdus.insert(at, pdus[at])
        elif what == 3:
            pdus[at] = pdus[at][: chance.randrange(len(pdus[at]) + 1)]
        else:
            changed = bytearray(pdus[at])
            for _ in range(chance.randint(1, 4)):
                if changed:
                    # Where it hurts: the first bytes are types, lengths, contexts and flags.
                    changed[chance.randrange(min(len(changed), 60))] = chance.randrange(256)
            pdus[at] = bytes(changed)
    return b"".join(pdus)


@pytest.mark.timeout(300)
def test_thousands_of_mutated_pdus(scp: Scp) -> None:
    """No crash, no hang, no leak, and the next echo is quick. The requests are mutated in the pure tests."""
    chance = random.Random(20261123)
    data = dataset_bytes(ct_slice())
    assert echo_seconds(scp.port) < 5
    workers = [worker.pid for worker in scp.workers()]
    for number in range(500):  # until each worker has written to the pages it shared with the first
        say_mutated(scp, chance, data, number)
    memory, descriptors = scp.memory(), scp.descriptors()
    for number in range(800):
        say_mutated(scp, chance, data, number)
    assert [worker.pid for worker in scp.workers()] == workers
    assert median_echo(scp) < 1
    deadline = time.monotonic() + 20
    while scp.descriptors() > descriptors and time.monotonic() < deadline:
        time.sleep(0.05)
    assert scp.descriptors() <= descriptors
    while scp.memory() - memory >= 10 << 20 and time.monotonic() < deadline:
        time.sleep(0.5)  # what was under way is let go
    assert scp.memory() - memory < 10 << 20
    assert "Traceback" not in scp.log
    ds = ct_slice()
    with Peer.associated(scp.port, CONTEXTS) as peer:
        assert status_of(peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)) == 0x0000


def say_mutated(scp: Scp, chance: random.Random, data: bytes, number: int) -> None:
    with Peer.associated(scp.port, CONTEXTS) as peer:
        try:
            peer.send(mutated(chance, conversation(f"1.2.3.{number}", data)))
            peer.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        peer.end()


@pytest.mark.timeout(120)
def test_thousands_of_mutated_requests(shared_scp: Scp) -> None:
    chance = random.Random(7)
    whole = associate_rq(CONTEXTS)
    answers: dict[str, int] = {}
    for _ in range(1000):
        request = bytearray(whole)
        for _ in range(chance.randint(1, 5)):
            request[chance.randrange(len(request))] = chance.randrange(256)
        with Peer(shared_scp.port) as peer:
            peer.send(bytes(request))
            peer.sock.shutdown(socket.SHUT_WR)
            try:
                peer.read_answer()
                answer = "accepted"
            except (Aborted, Rejected, Closed) as error:
                answer = type(error).__name__
            answers[answer] = answers.get(answer, 0) + 1
    assert set(answers) >= {"accepted", "Aborted", "Rejected"}
    assert "Traceback" not in shared_scp.log
    assert echo_seconds(shared_scp.port) < 5
