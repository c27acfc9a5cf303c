"""Storage commitment over real sockets, with pynetdicom's applications at the other end (PS3.4 J)."""

from __future__ import annotations

import contextlib
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from tests.objects import ct_slice, dataset_bytes
from tests.wire.peer import (
    EXPLICIT,
    IMPLICIT,
    Peer,
    command,
    item,
    pdu,
    pdv,
    status_of,
)
from tests.wire.server import ROOT, Scp, environment, folder_copy

PUSH, WELL_KNOWN = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"


class Modality:
    """A device with both ends of storage commitment: it asks, and it listens for results."""

    def __init__(self, title: str = "MODALITY", *, role: bool | None = True, status: int = 0x0000) -> None:
        self.title = title
        self.reports: queue.Queue[tuple[str, int, Dataset, str]] = queue.Queue()
        self.status = status
        self.ae = AE(title)
        self.ae.add_requested_context(CTImageStorage, EXPLICIT)
        self.ae.add_requested_context(StorageCommitmentPushModel, [EXPLICIT, IMPLICIT])
        roles = {} if role is None else {"scu_role": not role, "scp_role": role}
        self.ae.add_supported_context(StorageCommitmentPushModel, IMPLICIT, **roles)
        self.handlers = [(evt.EVT_N_EVENT_REPORT, self._reported)]
        self.server = self.ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=self.handlers)
        self.port = self.server.socket.getsockname()[1]

    def _reported(self, event: Any) -> tuple[int, None]:
        where = "called" if event.assoc.is_acceptor else "calling"
        self.reports.put((where, event.event_type, event.event_information, event.assoc.requestor.ae_title))
        return self.status, None

    @contextmanager
    def association(self, port: int) -> Iterator[Any]:
        opened = self.ae.associate("127.0.0.1", port, ae_title="LIGHTBOX", evt_handlers=self.handlers)
        assert opened.is_established
        yield opened
        opened.release()

    def ask(self, port: int, uid: str, *names: tuple[str, str], stay: float = 0.0) -> int:
        with self.association(port) as opened:
            status, _ = opened.send_n_action(
                request(uid, *names), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
            )
            if stay:
                deadline = time.monotonic() + stay
                while self.reports.empty() and time.monotonic() < deadline:
                    time.sleep(0.01)
            return int(status.Status)

    def stop(self) -> None:
        self.server.shutdown()


def request(uid: str, *names: tuple[str, str]) -> Dataset:
    ds = Dataset()
    ds.TransactionUID = uid
    ds.ReferencedSOPSequence = []
    for sop_class, instance in names:
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = sop_class, instance
        ds.ReferencedSOPSequence.append(reference)
    return ds


def wait(site: Scp, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows, once the lane has got there."""
    return site.wait_query(sql, *values, seconds=40)


def told(ds: Dataset) -> tuple[list[str], list[tuple[str, int]]]:
    return (
        [one.ReferencedSOPInstanceUID for one in ds.get("ReferencedSOPSequence", [])],
        [(one.ReferencedSOPInstanceUID, one.FailureReason) for one in ds.get("FailedSOPSequence", [])],
    )


class Jobs:
    """The lane that reports, as a process of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "runjobs", "--queue", "commit"],
            cwd=ROOT,
            env=environment(data_dir),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):  # it finishes the attempt under way first
            self.process.wait(20)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def site(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scp]:
    """A server with its lane, and a device that has stored three images: 1.2.1, 1.2.2 and 1.2.3."""
    scp = Scp(folder_copy(prepared, tmp_path_factory.mktemp("commitment") / "data"))
    jobs = Jobs(scp.data_dir)
    device = Modality("STORESCU")
    with device.association(scp.port) as opened:
        for number in (1, 2, 3):
            status = opened.send_c_store(stored_object(number))
            assert status.Status == 0x0000
    device.stop()
    yield scp
    jobs.end()
    scp.stop()


def stored_object(number: int) -> Dataset:
    ds = ct_slice(SOPInstanceUID=f"1.2.{number}", StudyInstanceUID="1.3", SeriesInstanceUID="1.4")
    ds.file_meta = Dataset()
    ds.file_meta.TransferSyntaxUID = EXPLICIT
    return ds


@pytest.fixture
def device(site: Scp, request: pytest.FixtureRequest) -> Iterator[Modality]:
    made = Modality(f"M{abs(hash(request.node.name)) % 10**9}")
    site.node(made.title, port=made.port, allow_commit=1)
    yield made
    made.stop()


CT = str(CTImageStorage)
# A Referenced SOP Sequence in itself, a thousand times
DEEP = b"\x08\x00\x99\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 1000


def test_everything_kept_is_reported_as_committed_on_a_new_association(site: Scp, device: Modality) -> None:
    assert device.ask(site.port, "2.25.100", (CT, "1.2.1"), (CT, "1.2.2")) == 0x0000
    where, event_type, ds, requestor = device.reports.get(timeout=40)
    assert (where, event_type, requestor, ds.TransactionUID) == ("called", 1, "LIGHTBOX", "2.25.100")
    assert told(ds) == (["1.2.1", "1.2.2"], [])
    assert ds.RetrieveAETitle == "LIGHTBOX"
    [(state, error)] = wait(
        site,
        "SELECT state, error FROM dicomnet_commitment WHERE transaction_uid = '2.25.100' AND state = 'done'",
    )
    assert (state, error) == ("done", "")
    assert site.query("SELECT count(*) FROM archive_instance WHERE committed_at IS NOT NULL")[0][0] >= 2


def test_what_is_missing_or_of_another_class_is_reported_with_its_reason(site: Scp, device: Modality) -> None:
    device.ask(site.port, "2.25.101", (CT, "1.2.1"), (CT, "1.2.99"), ("1.2.840.10008.5.1.4.1.1.4", "1.2.2"))
    _, event_type, ds, _ = device.reports.get(timeout=40)
    assert event_type == 2
    assert told(ds) == (["1.2.1"], [("1.2.99", 0x0112), ("1.2.2", 0x0119)])


def test_a_file_with_other_bytes_is_not_committed(site: Scp, device: Modality) -> None:
    path = site.stored_path("1.2.3")
    data = bytearray(path.read_bytes())
    data[-1] ^= 0xFF
    path.chmod(0o600)
    path.write_bytes(data)
    device.ask(site.port, "2.25.102", (CT, "1.2.3"))
    _, event_type, ds, _ = device.reports.get(timeout=40)
    assert (event_type, told(ds)) == (2, ([], [("1.2.3", 0x0110)]))


@pytest.mark.parametrize("role", [None, True])
def test_a_device_is_told_whether_it_knows_of_roles_or_not(site: Scp, role: bool | None) -> None:
    device = Modality(f"ROLE{role}", role=role)
    site.node(device.title, port=device.port, allow_commit=1)
    try:
        device.ask(site.port, "2.25.103", (CT, "1.2.1"))
        assert device.reports.get(timeout=40)[1] == 1
    finally:
        device.stop()


def test_a_device_that_refuses_the_role_is_tried_again_later(site: Scp) -> None:
    device = Modality("NOROLE", role=False)
    site.node(device.title, port=device.port, allow_commit=1)
    try:
        device.ask(site.port, "2.25.104", (CT, "1.2.1"))
        [(state, error)] = wait(
            site,
            "SELECT state, error FROM dicomnet_commitment "
            "WHERE transaction_uid = '2.25.104' AND attempts = 1",
        )
        assert (state, error) == ("waiting", "nothing-accepted")
        assert device.reports.empty()
    finally:
        device.stop()


def deaf(server: socket.socket, heard: queue.Queue[tuple[bytes, bytes]]) -> None:
    """Accept the class but not our role in it (PS3.7 D.3.3.4); keep what was asked and what came then."""
    connection, _ = server.accept()
    with connection:
        asked = connection.recv(1 << 16)
        accepted = item(0x21, bytes([1, 0, 0, 0]) + item(0x40, IMPLICIT.encode()))
        role = item(0x54, len(PUSH).to_bytes(2, "big") + PUSH.encode() + b"\x00\x00")
        user = item(0x50, item(0x51, b"\0\0\x40\0") + item(0x52, b"1.2.3.4") + role)
        head = b"\0\1\0\0" + b"DEAF".ljust(16) + b"LIGHTBOX".ljust(16) + bytes(32)
        connection.sendall(pdu(2, head + item(0x10, b"1.2.840.10008.3.1.1.1") + accepted + user))
        heard.put((asked, connection.recv(1 << 16)))


def test_a_device_that_takes_the_class_and_refuses_the_role_is_told_nothing(site: Scp) -> None:
    heard: queue.Queue[tuple[bytes, bytes]] = queue.Queue()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=deaf, args=(server, heard))
        thread.start()
        site.node("DEAF", port=server.getsockname()[1], allow_commit=1)
        with Peer.associated(site.port, [(1, PUSH, [EXPLICIT])], calling=b"DEAF") as peer:
            asked, data = action("2.25.106", "1.2.1")
            peer.send(pdu(4, pdv(1, 3, asked)) + pdu(4, pdv(1, 2, data)))
            assert status_of(peer.read_response()) == 0x0000
            peer.release()
        request, then = heard.get(timeout=40)
        thread.join()
    assert item(0x54, len(PUSH).to_bytes(2, "big") + PUSH.encode() + b"\x00\x01") in request
    assert then[:1] in (b"\x05", b"\x07")  # a release or an abort, and no P-DATA
    rows = wait(
        site,
        "SELECT state, error FROM dicomnet_commitment WHERE transaction_uid = '2.25.106' AND attempts = 1",
    )
    assert rows == [("waiting", "role-refused")]


def test_a_device_that_answers_with_a_failure_is_tried_again_later(site: Scp, device: Modality) -> None:
    device.status = 0x0110
    device.ask(site.port, "2.25.105", (CT, "1.2.1"))
    device.reports.get(timeout=40)
    [(state, error, detail)] = wait(
        site,
        "SELECT state, error, error_detail FROM dicomnet_commitment "
        "WHERE transaction_uid = '2.25.105' AND attempts = 1",
    )
    assert (state, error, detail) == ("waiting", "refused", '{"status": "0110"}')


# ---------------------------------------------------------------------- on the same association


def test_a_node_set_so_hears_the_result_on_its_own_association(site: Scp) -> None:
    device = Modality("SAME")
    site.node(device.title, port=device.port, allow_commit=1, commit_same_association=1)
    try:
        assert device.ask(site.port, "2.25.110", (CT, "1.2.1"), stay=20) == 0x0000
        where, event_type, ds, _ = device.reports.get(timeout=1)
        assert (where, event_type, told(ds)) == ("calling", 1, (["1.2.1"], []))
        assert wait(
            site, "SELECT 1 FROM dicomnet_commitment WHERE transaction_uid = '2.25.110' AND state = 'done'"
        )
        assert device.reports.empty()  # and not on a second one
    finally:
        device.stop()


ROLES = item(0x54, len(PUSH).to_bytes(2, "big") + PUSH.encode() + b"\x01\x01")


def action(uid: str, instance: str, **changes: Any) -> tuple[bytes, bytes]:
    values = {"x0002": None, "x0003": PUSH, "x0100": 0x0130, "x0700": None, "x1000": None}
    asked = command(**(values | {"x1001": WELL_KNOWN, "x1008": 1} | changes))
    return asked, dataset_bytes(request(uid, (CT, instance)))


def test_a_peer_that_goes_on_at_once_is_served_and_told_elsewhere(site: Scp) -> None:
    device = Modality("BUSY")
    site.node(device.title, port=device.port, allow_commit=1, commit_same_association=1)
    try:
        with Peer.associated(site.port, [(1, PUSH, [EXPLICIT])], calling=b"BUSY") as peer:
            asked, data = action("2.25.111", "1.2.1")
            release = pdu(5, bytes(4))
            peer.send(pdu(4, pdv(1, 3, asked)) + pdu(4, pdv(1, 2, data)) + release)
            assert status_of(peer.read_response()) == 0x0000
            assert peer.read_pdu() == (6, bytes(4))
        assert device.reports.get(timeout=40)[0] == "called"
    finally:
        device.stop()


def test_a_report_and_a_request_may_cross(site: Scp) -> None:
    """The peer asks the next thing before it answers our report: both are answered."""
    site.node("CROSS", port=1, allow_commit=1, commit_same_association=1)
    with Peer.associated(site.port, [(1, PUSH, [EXPLICIT])], calling=b"CROSS") as peer:
        asked, data = action("2.25.112", "1.2.1")
        peer.send(pdu(4, pdv(1, 3, asked)) + pdu(4, pdv(1, 2, data)))
        assert status_of(peer.read_response()) == 0x0000
        kind, body = peer.read_pdu()  # our N-EVENT-REPORT-RQ
        assert kind == 4
        message_id = body[body.index(b"\x10\x01\x02\0\0\0") + 6 :][:2]
        wrong, data = action("2.25.113", "1.2.1", x0110=2, x1008=7)
        peer.send(pdu(4, pdv(1, 3, wrong)) + pdu(4, pdv(1, 2, data)))
        answer = command(
            x0002=PUSH, x0100=0x8100, x0110=None, x0120=message_id, x0700=None, x0800=0x0101,
            x0900=0, x1000=WELL_KNOWN,
        )  # fmt: skip
        peer.send(pdu(4, pdv(1, 3, answer)))
        while True:  # what is left of the report's data set, then the answer to the second request
            kind, body = peer.read_pdu()
            assert kind == 4
            if body[5] & 1:
                break
        assert b"\x00\x09\x02\x00\x00\x00\x23\x01" in body
        assert wait(
            site, "SELECT 1 FROM dicomnet_commitment WHERE transaction_uid = '2.25.112' AND state = 'done'"
        )
        peer.release()


# ---------------------------------------------------------------------- requests that cannot stand


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"x1008": 2}, 0x0123),
        ({"x1008": None}, 0x0123),
        ({"x1001": "1.2.3"}, 0x0112),
        ({"x1001": None}, 0x0112),
        ({"x0003": "1.2.840.10008.1.20.2"}, 0x0118),
    ],
)
def test_a_wrong_target_has_a_status_of_its_own(site: Scp, changes: dict[str, Any], status: int) -> None:
    title = f"WRONG{abs(hash(str(changes))) % 10**6}"
    site.node(title, port=1, allow_commit=1)
    with Peer.associated(site.port, [(1, PUSH, [EXPLICIT])], calling=title.encode()) as peer:
        asked, data = action("2.25.120", "1.2.1", **changes)
        peer.send(pdu(4, pdv(1, 3, asked)) + pdu(4, pdv(1, 2, data)))
        assert status_of(peer.read_response()) == status
    assert site.query("SELECT 1 FROM dicomnet_commitment WHERE transaction_uid = '2.25.120'") == []


def test_bytes_that_are_no_request_are_refused_and_the_association_goes_on(site: Scp) -> None:
    site.node("BYTES", port=1, allow_commit=1)
    with Peer.associated(site.port, [(1, PUSH, [EXPLICIT])], calling=b"BYTES") as peer:
        asked, data = action("2.25.121", "1.2.1")
        for body, status in ((DEEP, 0x0110), (b"\xff" * 64, 0x0115), (b"", 0x0115), (data, 0x0000)):
            peer.send(pdu(4, pdv(1, 3, asked)) + pdu(4, pdv(1, 2, body)))
            assert status_of(peer.read_response()) == status
        peer.release()


def test_a_request_without_end_is_told_so_in_the_words_of_its_kind(site: Scp) -> None:
    """0213 for a normalized service (PS3.7 C.5.20), A700 for a composite one (PS3.4 C.4.1.1.4)."""
    site.node("ENDLESS", port=1, allow_commit=1)
    find = "1.2.840.10008.5.1.4.1.2.2.1"
    contexts = [(1, PUSH, [EXPLICIT]), (3, find, [EXPLICIT])]
    with Peer.associated(site.port, contexts, calling=b"ENDLESS") as peer:
        asked, data = action("2.25.122", "1.2.1")
        peer.send(pdu(4, pdv(1, 3, asked)))
        peer.send_data(bytes((4 << 20) + 2), size=65536)
        answer = peer.read_response()
        assert (status_of(answer), answer[0x0902].rstrip()) == (0x0213, b"The data set is too long")
        peer.request(3, bytes((4 << 20) + 2), x0002=find, x0100=0x0020, x1000=None)
        assert status_of(peer.read_response()) == 0xA700
        peer.send(pdu(4, pdv(1, 3, asked)) + pdu(4, pdv(1, 2, data)))
        assert status_of(peer.read_response()) == 0x0000
        peer.release()


def test_a_node_without_the_right_is_not_offered_the_class(site: Scp) -> None:
    site.node("NORIGHT", port=1)
    with Peer.associated(site.port, [(1, PUSH, [EXPLICIT])], calling=b"NORIGHT") as peer:
        assert peer.results == {1: 1}


# ---------------------------------------------------------------------- killed in between


def test_no_report_is_lost_when_everything_is_killed(start: Callable[..., Scp]) -> None:
    """The request is answered, the machine goes down, the device is away at first: it hears all the same."""
    scp = start()
    device = Modality("LATER")
    away = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
    scp.node("LATER", port=away.getsockname()[1], allow_commit=1)
    assert device.ask(scp.port, "2.25.130", (CT, "1.2.1")) == 0x0000
    jobs = Jobs(scp.data_dir)
    away.settimeout(30)
    caller, _ = away.accept()  # the attempt is under way
    scp.process.kill()
    scp.process.wait()
    jobs.end(signal.SIGKILL)
    caller.close()
    away.close()
    scp.execute("UPDATE dicomnet_aenode SET port = ? WHERE ae_title = 'LATER'", device.port)
    scp.execute("UPDATE dicomnet_commitment SET due_at = '2026-01-01', claimed_until = NULL")
    jobs = Jobs(scp.data_dir)
    try:
        _, event_type, ds, _ = device.reports.get(timeout=30)
        assert (event_type, told(ds)) == (2, ([], [("1.2.1", 0x0112)]))
    finally:
        jobs.end()
        device.stop()


# ---------------------------------------------------------------------- asked by us


ASK = (
    "import django; django.setup(); "
    "from archive.custody import ObjectName; from dicomnet.commitment import commitment_request; "
    "from dicomnet.models import AENode; import sys; "
    "row, = commitment_request(node=AENode.objects.get(ae_title=sys.argv[1]), "
    "names=[ObjectName(sys.argv[2], uid) for uid in sys.argv[3:]]); print(row.transaction_uid)"
)


def asked_by_us(scp: Scp, title: str, *uids: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ASK, title, CT, *uids],
        cwd=ROOT, env=environment(scp.data_dir), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


class Archive:
    """Another archive: it takes requests for commitment, and reports when and where it is told to."""

    def __init__(self, title: str, *, same: bool = False, refuse: int = 0) -> None:
        self.title, self.same, self.refuse = title, same, refuse
        self.asked: queue.Queue[Dataset] = queue.Queue()
        self.statuses: queue.Queue[int] = queue.Queue()
        self.ae = AE(title)
        self.ae.add_supported_context(StorageCommitmentPushModel)
        self.server = self.ae.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_ACTION, self._action)]
        )
        self.port = self.server.socket.getsockname()[1]

    def _action(self, event: Any) -> tuple[int, None]:
        if self.refuse:
            return self.refuse, None
        ds = event.action_information
        if self.same:
            threading.Thread(target=self._report_on, args=(event.assoc, ds), daemon=True).start()
        self.asked.put(ds)
        return 0x0000, None

    def _report_on(self, opened: Any, ds: Dataset) -> None:
        time.sleep(0.2)
        self.statuses.put(self._send(opened, ds))

    def report(self, port: int, ds: Dataset) -> int:
        client = AE(self.title)
        client.add_requested_context(StorageCommitmentPushModel)
        role = build_role(StorageCommitmentPushModel, scu_role=False, scp_role=True)
        opened = client.associate("127.0.0.1", port, ae_title="LIGHTBOX", ext_neg=[role])
        assert opened.is_established
        assert opened.accepted_contexts[0].as_scp
        status = self._send(opened, ds)
        opened.release()
        return status

    def _send(self, opened: Any, ds: Dataset) -> int:
        """The first object is committed, the others are not."""
        result = Dataset()
        result.TransactionUID = ds.TransactionUID
        result.ReferencedSOPSequence = ds.ReferencedSOPSequence[:1]
        failed = ds.ReferencedSOPSequence[1:]
        for one in failed:
            one.FailureReason = 0x0112
        if failed:
            result.FailedSOPSequence = failed
        status, _ = opened.send_n_event_report(
            result, 2 if failed else 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        return int(status.Status)

    def stop(self) -> None:
        self.server.shutdown()


RESULTS = (
    "SELECT o.sop_instance_uid, o.failure_reason FROM dicomnet_commitmentobject o JOIN dicomnet_commitment c "
    "ON c.id = o.commitment_id WHERE c.transaction_uid = ? AND c.state = 'done' ORDER BY o.id"
)


def test_what_an_archive_answers_later_is_kept_per_object(site: Scp) -> None:
    archive = Archive("ARCHIVE1")
    site.node(archive.title, port=archive.port, allow_commit=1)
    try:
        uid = asked_by_us(site, archive.title, "1.2.1", "1.2.2")
        ds = archive.asked.get(timeout=40)
        assert (ds.TransactionUID, told(ds)) == (uid, (["1.2.1", "1.2.2"], []))
        assert wait(
            site, "SELECT 1 FROM dicomnet_commitment WHERE transaction_uid = ? AND state = 'awaited'", uid
        )
        assert archive.report(site.port, ds) == 0x0000
        assert site.query(RESULTS, uid) == [("1.2.1", 0), ("1.2.2", 0x0112)]
        assert archive.report(site.port, request("2.25.999", (CT, "1.2.1"))) == 0x0115
    finally:
        archive.stop()


def test_an_archive_may_answer_on_the_association_of_the_request(site: Scp) -> None:
    archive = Archive("ARCHIVE2", same=True)
    site.node(archive.title, port=archive.port, allow_commit=1, commit_same_association=1)
    try:
        uid = asked_by_us(site, archive.title, "1.2.1", "1.2.2")
        assert archive.statuses.get(timeout=40) == 0x0000
        assert wait(site, RESULTS, uid) == [("1.2.1", 0), ("1.2.2", 0x0112)]
    finally:
        archive.stop()


def test_an_archive_that_refuses_is_asked_again_later(site: Scp) -> None:
    archive = Archive("ARCHIVE3", refuse=0x0213)
    site.node(archive.title, port=archive.port, allow_commit=1)
    try:
        uid = asked_by_us(site, archive.title, "1.2.1")
        [(state, error, detail)] = wait(
            site,
            "SELECT state, error, error_detail FROM dicomnet_commitment "
            "WHERE transaction_uid = ? AND attempts = 1",
            uid,
        )
        assert (state, error, detail) == ("waiting", "refused", '{"status": "0213"}')
    finally:
        archive.stop()
