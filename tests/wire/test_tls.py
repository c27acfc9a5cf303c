"""DICOM over TLS (PS3.15 B.12, B.13), with DCMTK and Python's ssl at the other end."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import override_settings
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import Verification

from dicomnet.scu.client import Failure, NotAssociated, Patience, association, tcp_check
from dicomnet.scu.client import Peer as Called
from tests.objects import ct_slice, dataset_bytes, part10
from tests.wire.certificates import Pair, authority, signed
from tests.wire.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Peer,
    Rejected,
    associate_rq,
    echo_seconds,
    item,
    status_of,
)
from tests.wire.server import Scp, folder_copy


@dataclass(frozen=True)
class Site:
    scp: Scp
    tls_port: int
    ca: Pair
    server: Pair
    client: Pair
    stranger: Pair  # signed by somebody nobody knows

    def context(self, pair: Pair | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ca.cert))
        if pair:
            context.load_cert_chain(pair.cert, pair.key)
        return context

    def peer(self, pair: Pair | None = None, context: ssl.SSLContext | None = None, **said: bytes) -> Peer:
        peer = Peer(self.tls_port)
        peer.sock = (context or self.context(pair)).wrap_socket(peer.sock, server_hostname="127.0.0.1")
        contexts = [(1, CT, [EXPLICIT]), (3, VERIFICATION, [IMPLICIT])]
        try:
            peer.send(associate_rq(contexts, **said))  # type: ignore[arg-type]
            peer.read_answer()
        except BaseException:
            peer.close()
            raise
        return peer


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    folder = tmp_path_factory.mktemp("certificates")
    ca, other = authority(folder), authority(folder, "Other")
    return {
        "ca": ca,
        "server": signed(folder, ca, "lightbox"),
        "client": signed(folder, ca, "ct1"),
        "stranger": signed(folder, other, "stranger"),
    }


def begin(prepared: Path, folder: Path, pairs: dict[str, Pair], client: str, *more: str) -> Site:
    scp = Scp(
        folder_copy(prepared, folder / "data"), "--tls-port", "0", *more,
        PACS_DICOM_TLS_CERT=str(pairs["server"].cert), PACS_DICOM_TLS_KEY=str(pairs["server"].key),
        PACS_DICOM_TLS_CA=str(pairs["ca"].cert), PACS_DICOM_TLS_CLIENT=client,
    )  # fmt: skip
    found = re.search(r"TLS on port (\d+)", scp.log)
    assert found
    return Site(scp, int(found[1]), pairs["ca"], pairs["server"], pairs["client"], pairs["stranger"])


@pytest.fixture(scope="module")
def site(
    prepared: Path, certificates: dict[str, Pair], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    running = begin(prepared, tmp_path_factory.mktemp("tls"), certificates, "optional")
    yield running
    running.scp.stop()


def dcmtk(tool: str, site: Site, *arguments: str, pair: Pair | None = None) -> int:
    shown = ["+tls", str(pair.key), str(pair.cert)] if pair else ["+tla"]
    return subprocess.run(
        [
            tool, "-aet", tool.upper(), "-aec", "LIGHTBOX", *shown, "+cf", str(site.ca.cert),
            "127.0.0.1", str(site.tls_port), *arguments,
        ],
        capture_output=True, timeout=60, check=False, env=os.environ | {"TCP_NODELAY": "1"},
    ).returncode  # fmt: skip


# ---------------------------------------------------------------------- the profiles


@pytest.mark.parametrize("profile", ["+py", "+px", "+pz"])
def test_dcmtk_echoes_under_each_profile_it_knows(site: Site, profile: str) -> None:
    assert dcmtk("echoscu", site, profile) == 0


def test_dcmtk_stores_over_tls_with_a_certificate_of_its_own(site: Site, tmp_path: Path) -> None:
    files = []
    for number in range(3):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(part10(ct_slice(SOPInstanceUID=f"1.2.77.{number}")))
        files.append(str(path))
    assert dcmtk("storescu", site, *files, pair=site.client) == 0
    assert site.scp.query("SELECT count(*) FROM archive_instance WHERE sop_instance_uid LIKE '1.2.77.%'") == [
        (3,)
    ]


def test_a_large_object_arrives_whole_in_both_versions(site: Site) -> None:
    for number, version in enumerate((ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
        context = site.context()
        context.minimum_version = context.maximum_version = version
        ds = ct_slice(SOPInstanceUID=f"1.2.78.{number}", Rows=2048, Columns=2048)
        ds.PixelData = os.urandom(2048 * 2048 * 2)
        data = dataset_bytes(ds)
        with site.peer(context=context) as peer:
            assert status_of(peer.store(data, uid=ds.SOPInstanceUID, size=100_000)) == 0x0000
            peer.release()
        assert site.scp.stored_path(f"1.2.78.{number}").read_bytes().endswith(data)


@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256"),  # the key is not ephemeral
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES256-SHA384"),  # not authenticated encryption
    ],
)
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_what_the_profiles_forbid_is_not_spoken(site: Site, version: ssl.TLSVersion, ciphers: str) -> None:
    context = site.context()
    context.minimum_version, context.maximum_version = version, version
    context.set_ciphers(ciphers)
    with pytest.raises(ssl.SSLError):
        site.peer(context=context)


# ---------------------------------------------------------------------- certificates


def test_a_certificate_of_a_stranger_is_refused(site: Site) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError, Exception)) as refused:
        site.peer(site.stranger)
    assert not isinstance(refused.value, Rejected)


def test_a_certificate_may_be_required_of_everybody(
    prepared: Path, certificates: dict[str, Pair], tmp_path: Path
) -> None:
    site = begin(prepared, tmp_path, certificates, "required")
    try:
        with site.peer(site.client) as peer:
            assert peer.echo(3) == 0x0000
        with pytest.raises((ssl.SSLError, ConnectionError, Exception)):
            site.peer()
        assert dcmtk("echoscu", site) != 0
        assert dcmtk("echoscu", site, pair=site.client) == 0
    finally:
        site.scp.stop()


def refused(call: Any) -> tuple[int, int, int] | None:
    try:
        with call():
            return None
    except Rejected as error:
        return error.args[0]  # type: ignore[no-any-return]


def reasons(site: Site, title: str, count: int = 1) -> list[str]:
    """Why callers of this title were rejected, as soon as so many reasons are written down."""
    sql = "SELECT reason FROM dicomnet_unknowncaller WHERE ae_title = ? ORDER BY reason"
    deadline = time.monotonic() + 20
    while len(rows := site.scp.query(sql, title)) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return [row[0] for row in rows]


def test_a_node_may_have_to_come_over_tls(site: Site) -> None:
    site.scp.node("ONLYTLS", tls_required=1)
    plain = lambda: Peer.associated(site.scp.port, calling=b"ONLYTLS")  # noqa: E731
    assert refused(plain) == (1, 1, 1)
    assert refused(lambda: site.peer(calling=b"ONLYTLS")) is None
    assert reasons(site, "ONLYTLS") == ["no-tls"]


@pytest.mark.parametrize("by", ["name", "fingerprint"])
def test_a_node_may_have_to_show_its_own_certificate(site: Site, by: str) -> None:
    title = f"CERT{by[:4].upper()}"
    shown = site.client.fingerprint.upper()
    wanted = "ct1" if by == "name" else ":".join(shown[i : i + 2] for i in range(0, 64, 2))
    site.scp.node(title, tls_certificate=wanted)
    calling = title.encode()
    assert refused(lambda: site.peer(site.client, calling=calling)) is None
    assert refused(lambda: site.peer(site.server, calling=calling)) == (1, 1, 1)
    assert refused(lambda: site.peer(calling=calling)) == (1, 1, 1)
    assert refused(lambda: Peer.associated(site.scp.port, calling=calling)) == (1, 1, 1)
    assert reasons(site, title, 2) == ["no-tls", "other-certificate"]


# ---------------------------------------------------------------------- silence and nonsense


def test_silence_on_the_tls_port_costs_no_thread_and_delays_nobody(site: Site) -> None:
    before = sum(worker.num_threads() for worker in site.scp.workers())
    silent = [socket.create_connection(("127.0.0.1", site.tls_port)) for _ in range(100)]
    half = [socket.create_connection(("127.0.0.1", site.tls_port)) for _ in range(100)]
    for sock in half:
        sock.sendall(b"\x16\x03\x01\x02\x00" + bytes(100))  # a ClientHello of 512 bytes, begun
    with site.peer() as peer:
        assert peer.echo(3) == 0x0000
        assert sum(worker.num_threads() for worker in site.scp.workers()) <= before + 2
    assert echo_seconds(site.scp.port) < 5
    for sock in silent + half:
        sock.close()


@pytest.fixture(scope="module")
def hasty(
    prepared: Path, certificates: dict[str, Pair], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A server that waits a second for everything."""
    folder = tmp_path_factory.mktemp("hasty")
    running = begin(prepared, folder, certificates, "off", "--artim", "1", "--idle", "1")
    yield running
    running.scp.stop()


def test_a_client_hello_alone_is_given_the_artim_time(hasty: Site) -> None:
    hello = ssl.MemoryBIO()
    client = ssl._create_unverified_context().wrap_bio(ssl.MemoryBIO(), hello)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with socket.create_connection(("127.0.0.1", hasty.tls_port), 20) as sock:
        sock.sendall(hello.read())
        while sock.recv(65536):  # its answer, and then the end
            pass


def test_a_handshake_without_a_request_is_given_the_artim_time(hasty: Site) -> None:
    sock = socket.create_connection(("127.0.0.1", hasty.tls_port), 20)
    with hasty.context().wrap_socket(sock, server_hostname="127.0.0.1") as shaken:
        assert shaken.recv(1) == b""


@pytest.mark.parametrize("data", [b"\x01\0\0\0\0\xff", b"GET / HTTP/1.1", b"\x16\x03\x01\x00\x05hello"])
def test_what_is_no_tls_is_shown_out(site: Site, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", site.tls_port), 20) as sock:
        sock.sendall(data)
        with_alert = b""
        while piece := sock.recv(4096):
            with_alert += piece
        assert b"\x07\0\0\0" not in with_alert  # no A-ABORT in the clear
    assert echo_seconds(site.scp.port) < 5


def test_an_idle_association_ends_under_tls_as_without(hasty: Site) -> None:
    with hasty.peer() as peer:
        assert peer.echo(3) == 0x0000
        assert peer.sock.recv(1) == b"\x07"  # A-ABORT after a second of silence


def test_a_server_that_stops_says_so_under_tls(site: Site, certificates: dict[str, Pair]) -> None:
    with site.peer() as peer:
        assert peer.echo(3) == 0x0000
        for worker in site.scp.workers():
            worker.terminate()  # others take their place
        assert peer.sock.recv(1) == b"\x07"


def test_a_peer_that_dies_in_the_middle_leaves_nothing(site: Site) -> None:
    with site.peer() as peer:
        peer.send(associate_rq([])[:3])
        peer.reset()
    assert site.scp.wait_query(
        "SELECT 1 FROM archive_auditevent WHERE action = 'association' AND detail LIKE '%\"tls\": true%'"
    )
    assert echo_seconds(site.scp.port) < 5


# ---------------------------------------------------------------------- when we call


PATIENCE = Patience(connect=5, answer=5, network=5)


@pytest.fixture
def device(site: Site) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A device that speaks TLS only, wants certificates, and shows the client's: port, what it was shown."""
    shown: list[dict[str, Any]] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.client.cert, site.client.key)
    context.load_verify_locations(site.ca.cert)
    context.verify_mode = ssl.CERT_REQUIRED
    ae = AE("CT1")
    ae.add_supported_context(Verification)

    def opened(event: Any) -> None:
        shown.append(event.assoc.dul.socket.socket.getpeercert())

    server = ae.start_server(
        ("127.0.0.1", 0), block=False, ssl_context=context, evt_handlers=[(evt.EVT_CONN_OPEN, opened)]
    )
    ours = {
        "PACS_DICOM_TLS_CERT": site.server.cert,
        "PACS_DICOM_TLS_KEY": site.server.key,
        "PACS_DICOM_TLS_CA": site.ca.cert,
    }
    with override_settings(**ours):
        yield server.socket.getsockname()[1], shown
    server.shutdown()


@pytest.mark.parametrize("certificate", ["", "ct1", "FINGERPRINT"])
def test_a_node_is_called_over_tls_and_shown_our_certificate(
    site: Site, device: tuple[int, list[dict[str, Any]]], certificate: str
) -> None:
    port, shown = device
    wanted = site.client.fingerprint if certificate == "FINGERPRINT" else certificate
    with association(
        Called("CT1", "127.0.0.1", port, True, wanted), [build_context(Verification)], patience=PATIENCE
    ) as opened:
        assert opened.send_c_echo().Status == 0x0000
    assert dict(shown[0]["subject"][0])["commonName"] == "lightbox"


@pytest.mark.parametrize("certificate", ["ct2", "0" * 64])
def test_a_node_with_another_certificate_is_not_talked_to(
    site: Site, device: tuple[int, list[dict[str, Any]]], certificate: str
) -> None:
    peer = Called("CT1", "127.0.0.1", device[0], True, certificate)
    with (
        pytest.raises(NotAssociated) as failed,
        association(peer, [build_context(Verification)], patience=PATIENCE),
    ):
        pass
    assert (failed.value.failure, "another certificate" in failed.value.detail) == (Failure.NO_TLS, True)


def test_a_node_whose_authority_we_do_not_know_is_not_talked_to(
    site: Site, device: tuple[int, list[dict[str, Any]]], certificates: dict[str, Pair]
) -> None:
    others = override_settings(PACS_DICOM_TLS_CA=certificates["stranger"].cert)
    with others, pytest.raises(NotAssociated) as failed:
        tcp_check(Called("CT1", "127.0.0.1", device[0], True), PATIENCE)
    assert failed.value.failure is Failure.NO_TLS


def test_a_node_without_tls_is_told_apart(site: Site) -> None:
    with pytest.raises(NotAssociated) as failed:
        tcp_check(Called("LIGHTBOX", "127.0.0.1", site.scp.port, True), PATIENCE)
    assert failed.value.failure is Failure.NO_TLS


# ---------------------------------------------------------------------- user identity, limits


def identity(kind: int, name: bytes, passcode: bytes = b"", *, response: bool = False) -> bytes:
    body = bytes([kind, int(response)]) + len(name).to_bytes(2, "big") + name
    return item(0x58, body + len(passcode).to_bytes(2, "big") + passcode)


@pytest.fixture(scope="module")
def user(site: Site) -> None:
    """omar, whose password is lamp-on-the-box-7."""
    row = {
        "username": "omar", "password": PBKDF2PasswordHasher().encode("lamp-on-the-box-7", "salt", 1000),
        "first_name": "", "last_name": "", "email": "", "is_superuser": 0, "is_staff": 0, "is_active": 1,
        "date_joined": "2026-01-01 00:00:00",
    }  # fmt: skip
    marks = ", ".join("?" * len(row))
    site.scp.execute(f"INSERT INTO auth_user ({', '.join(row)}) VALUES ({marks})", *row.values())


def associated(site: Site, title: bytes, user: bytes = b"") -> Any:
    return lambda: Peer.associated(site.scp.port, calling=title, user=user)


def test_a_node_may_need_a_user_and_a_password(site: Site, user: None) -> None:
    site.scp.node("PASS", user_identity="password")
    good, bad = b"lamp-on-the-box-7", b"lamp-on-the-box-8"
    assert refused(associated(site, b"PASS", identity(2, b"omar", good))) is None
    assert refused(associated(site, b"PASS", identity(2, b"omar", bad))) == (1, 1, 1)
    assert refused(associated(site, b"PASS", identity(1, b"omar"))) == (1, 1, 1)
    assert refused(associated(site, b"PASS", identity(3, b"ticket"))) == (1, 1, 1)
    assert refused(associated(site, b"PASS")) == (1, 1, 1)
    assert reasons(site, "PASS", 2) == ["no-user", "user-refused"]
    assert "lamp" not in site.scp.log
    assert site.scp.query("SELECT 1 FROM archive_auditevent WHERE detail LIKE '%lamp%'") == []


def test_a_node_may_need_the_name_of_a_user(site: Site, user: None) -> None:
    site.scp.node("NAME", user_identity="name")
    assert refused(associated(site, b"NAME", identity(1, b"omar"))) is None
    assert refused(associated(site, b"NAME", identity(2, b"omar", b"lamp-on-the-box-7"))) is None
    assert refused(associated(site, b"NAME", identity(1, b"nobody"))) == (1, 1, 1)


def test_a_positive_response_comes_when_it_is_wanted_and_true(site: Site, user: None) -> None:
    def answered(title: bytes, what: bytes) -> list[bytes]:
        with Peer.associated(site.scp.port, calling=title, user=what) as peer:
            return [value for kind, value in peer.user if kind == 0x59]

    site.scp.node("ANSWER", user_identity="name")
    assert answered(b"ANSWER", identity(1, b"omar", response=True)) == [b"\0\0"]
    assert answered(b"ANSWER", identity(1, b"omar")) == []
    assert answered(b"STORESCU", identity(2, b"omar", b"lamp-on-the-box-7", response=True)) == [b"\0\0"]
    assert answered(b"STORESCU", identity(2, b"omar", b"wrong", response=True)) == []
    assert answered(b"STORESCU", identity(4, b"<saml/>", response=True)) == []


def test_a_node_has_as_many_associations_as_it_may(site: Site) -> None:
    site.scp.node("FEW", max_associations=2)
    held = [Peer.associated(site.scp.port, calling=b"FEW") for _ in range(2)]
    assert refused(associated(site, b"FEW")) == (2, 3, 2)  # transient: local limit exceeded
    assert refused(associated(site, b"STORESCU")) is None
    held.pop().release()
    deadline = time.monotonic() + 20
    while refused(associated(site, b"FEW")) is not None:
        assert time.monotonic() < deadline
    for worker in site.scp.workers():  # a worker that dies gives its places back
        worker.kill()
    held.pop().close()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            again = [Peer.associated(site.scp.port, calling=b"FEW") for _ in range(2)]
            break
        except (OSError, Exception):
            time.sleep(0.05)
    for peer in again:
        peer.close()
