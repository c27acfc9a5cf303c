"""Transfers against real receivers: each object arrives once, and what became of it is told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AbstractUser
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from archive.access import roles_ensure
from archive.models import Study
from archive.storage import Origin
from dicomnet.models import AENode, Transfer, TransferItem, TransferPlan
from dicomnet.send_run import transfer_execute
from dicomnet.sending import transfer_cancel, transfer_plan_start, transfer_retry, transfers_submit
from dicomnet.sending_lane import lane_run
from dicomnet.sending_plan import transfer_plan_execute
from tests import people
from tests.archive.arrivals import receive, study_of
from tests.objects import ct_slice, dataset_bytes
from tests.wire.destinations import Whims, received, receiver, storescp
from tests.wire.printers import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> Path:
    roles_ensure()
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    return settings.DATA_DIR


@pytest.fixture
def omar(transactional_db: None) -> AbstractUser:
    return people.omar_operator()


@pytest.fixture
def keep(transactional_db: None) -> Callable[..., Study]:
    """Take a study of so many CT images in, as a scanner sends it."""

    def keep_study(images: int = 3, **changes: Any) -> Study:
        changes = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), **changes}
        for number in range(1, images + 1):
            outcome = receive(ct_slice(InstanceNumber=number, **changes), origin=Origin("CT1"))
        return study_of(outcome)

    return keep_study


def west(port: int, **changes: Any) -> AENode:
    return AENode.objects.create(ae_title="WEST", host="127.0.0.1", port=port, **changes)


def send(user: AbstractUser, study: Study, node: AENode) -> Transfer:
    [transfer] = transfers_submit(user=user, nodes=[node], studies=[study])
    return transfer


def run(transfer: Transfer) -> Transfer:
    transfer_execute(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    return transfer


def counts(transfer: Transfer) -> tuple[str, int, int, int, int]:
    return transfer.state, transfer.total, transfer.sent, transfer.warned, transfer.failed


def uids(study: Study) -> list[str]:
    items = TransferItem.objects.filter(transfer__study=study)
    return list(items.order_by("id").values_list("sop_instance_uid", flat=True))


def item(transfer: Transfer, uid: str) -> tuple[str, int | None, str]:
    found = transfer.items.get(sop_instance_uid=uid)
    return found.state, found.status, found.reason


# -- what arrives -----------------------------------------------------------------------------------


def test_dcmtk_gets_the_very_data_sets_that_came(
    omar: AbstractUser, keep: Callable[..., Study], tmp_path: Path
) -> None:
    sent = ct_slice(PatientName="Wang^Xiaoming=王^小明", SpecificCharacterSet="ISO_IR 192")
    study = study_of(receive(sent, origin=Origin("CT1")))
    with storescp(tmp_path / "west", "+B") as port:  # bit preserving: the file is what was on the wire
        transfer = run(send(omar, study, west(port)))
    assert counts(transfer) == ("done", 1, 1, 0, 0)
    [path] = (tmp_path / "west").iterdir()
    assert path.read_bytes().endswith(dataset_bytes(sent))
    assert item(transfer, str(sent.SOPInstanceUID)) == ("sent", 0, "")
    assert transfer.items.get().transfer_syntax_uid == ExplicitVRLittleEndian


def test_every_status_is_told_apart(omar: AbstractUser, keep: Callable[..., Study]) -> None:
    study = keep(9)
    whims = Whims(comment="the receiver says so")
    with receiver(whims) as (port, _):
        transfer = send(omar, study, west(port))
        names = uids(study)
        answers = [0x0000, 0xB000, 0xB006, 0xB007, 0x0111, 0xA700, 0xA900, 0xC123, 0x0124]
        whims.statuses = dict(zip(names, answers, strict=True))
        run(transfer)
    assert [item(transfer, uid) for uid in names] == [
        ("sent", 0x0000, ""),
        ("warning", 0xB000, "coerced"),
        ("warning", 0xB006, "elements-discarded"),
        ("warning", 0xB007, "class-mismatch-warned"),
        ("there", 0x0111, "duplicate"),
        ("waiting", 0xA700, "out-of-resources"),
        ("failed", 0xA900, "class-mismatch"),
        ("failed", 0xC123, "cannot-understand"),
        ("failed", 0x0124, "not-authorized"),
    ]
    assert transfer.items.get(sop_instance_uid=names[7]).comment == "the receiver says so"
    # The one for which there was no room goes again: the transfer waits, and says until when.
    assert counts(transfer) == ("waiting", 9, 5, 4, 3)
    assert (transfer.error, transfer.attempts) == ("out-of-resources", 1)
    assert transfer.next_attempt_at is not None
    whims.statuses, whims.got = {}, []
    with receiver(whims, port=port):
        run(transfer)
    assert whims.got == [names[5]]
    assert counts(transfer) == ("failed", 9, 6, 4, 3)


def test_a_receiver_without_room_is_left_alone_for_a_while(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    with receiver(Whims(status=0xA701)) as (port, whims):
        transfer = run(send(omar, keep(10), west(port)))
    assert len(whims.got) == 3
    assert counts(transfer) == ("waiting", 10, 0, 0, 0)


def test_kinds_the_receiver_does_not_take_stay_here_and_the_others_go(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    study = keep(2, StudyInstanceUID="1.2.3")
    keep(1, StudyInstanceUID="1.2.3", SOPClassUID=EnhancedSRStorage)
    with receiver() as (port, whims):
        transfer = run(send(omar, study, west(port)))
    assert counts(transfer) == ("failed", 3, 2, 0, 1)
    assert transfer.items.get(state="failed").reason == "class-not-accepted"
    assert len(whims.got) == 2


def test_an_object_that_was_rejected_meanwhile_is_not_sent(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    study = keep(2)
    with receiver() as (port, whims):
        transfer = send(omar, study, west(port))
        [instance, _other] = [one.instance for one in transfer.items.all()]
        instance.rejected_at = timezone.now()
        instance.save()
        run(transfer)
    assert item(transfer, instance.sop_instance_uid) == ("failed", None, "removed")
    assert len(whims.got) == 1


# -- destinations that are down -------------------------------------------------------------------------


def test_a_dead_destination_is_tried_again_ever_more_slowly(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    transfer = send(omar, keep(2), west(free_port()))
    waits = []
    for _ in range(6):
        run(transfer)
        assert transfer.next_attempt_at is not None
        waits.append(round((transfer.next_attempt_at - timezone.now()).total_seconds(), -1))
    assert waits == [10, 30, 120, 600, 3600, 3600]
    assert (transfer.state, transfer.error, transfer.attempts) == ("waiting", "refused", 6)


def test_the_whole_queue_of_a_dead_destination_waits_with_its_first(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    node = west(free_port())
    first, second = send(omar, keep(1), node), send(omar, keep(1), node)
    run(first)
    second.refresh_from_db()
    assert second.next_attempt_at == first.next_attempt_at
    transfer_retry(user=omar, transfer=second)  # "try now" is for the queue
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.next_attempt_at, second.next_attempt_at) == (None, None)


def test_a_dead_destination_does_not_delay_another(omar: AbstractUser, keep: Callable[..., Study]) -> None:
    """DEAD takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent, receiver() as (port, whims):
        dead = AENode.objects.create(ae_title="DEAD", host="127.0.0.1", port=silent.getsockname()[1])
        waiting, going = send(omar, keep(2), dead), send(omar, keep(2), west(port))
        stop = threading.Event()
        lane = threading.Thread(target=lane_run, kwargs={"worker_id": "w", "stopping": stop.is_set})
        lane.start()
        try:
            deadline = time.monotonic() + 30
            while len(whims.got) < 2 and time.monotonic() < deadline:
                time.sleep(0.02)
            waiting.refresh_from_db()
            assert waiting.state == "sending"  # it is still being waited for
        finally:
            stop.set()
            silent.close()
            lane.join(30)
    going.refresh_from_db()
    assert counts(going) == ("done", 2, 2, 0, 0)


def test_a_switched_off_node_is_not_called(omar: AbstractUser, keep: Callable[..., Study]) -> None:
    with receiver() as (port, whims):
        node = west(port)
        transfer = send(omar, keep(1), node)
        AENode.objects.update(active=False)
        call_command("runjobs", "--queue", "send", "--batch")
        assert whims.callers == []
        AENode.objects.update(active=True)
        call_command("runjobs", "--queue", "send", "--batch")
    transfer.refresh_from_db()
    assert counts(transfer) == ("done", 1, 1, 0, 0)


# -- breaks, kills, retries ---------------------------------------------------------------------------


def test_what_arrived_before_the_connection_broke_is_not_sent_again(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    study = keep(6)
    whims = Whims(abort_at=4)
    with receiver(whims) as (port, _):
        transfer = send(omar, study, west(port))
        names = uids(study)
        run(transfer)
        assert counts(transfer) == ("waiting", 6, 3, 0, 0)
        assert (transfer.error, transfer.attempts) == ("lost", 1)
        run(transfer)
    assert counts(transfer) == ("done", 6, 6, 0, 0)
    # The object in flight goes last: should it be what breaks the connection, it holds up nobody.
    assert whims.got == [*names[:4], names[4], names[5], names[3]]


def test_an_object_that_breaks_the_connection_each_time_is_left_out(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    study = keep(2)
    with receiver() as (port, whims):
        transfer = send(omar, study, west(port))
        first, second = uids(study)
        whims.abort_on = first
        for _ in range(5):
            assert run(transfer).state in ("waiting", "failed")
    assert counts(transfer) == ("failed", 2, 1, 0, 1)
    assert item(transfer, first) == ("failed", None, "breaks-off")
    assert whims.got == [first, second, first, first, first, first]


def test_the_rest_is_sent_after_a_retry_and_what_arrived_is_not(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    study = keep(3)
    with receiver() as (port, whims):
        transfer = send(omar, study, west(port))
        names = uids(study)
        whims.statuses = {names[1]: 0xC000}
        assert counts(run(transfer)) == ("failed", 3, 2, 0, 1)
        whims.statuses, whims.got[:] = {}, []
        transfer_retry(user=omar, transfer=transfer)
        assert counts(run(transfer)) == ("done", 3, 3, 0, 0)
        assert whims.got == [names[1]]


def test_a_cancelled_transfer_stops_between_two_objects(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    study = keep(40)
    whims = Whims(seconds=0.05)
    with receiver(whims) as (port, _):
        transfer = send(omar, study, west(port))
        worker = threading.Thread(target=_in_thread, args=(transfer.pk,))
        worker.start()
        while not whims.got:
            time.sleep(0.01)
        transfer_cancel(user=omar, transfer=transfer)
        worker.join(30)
    transfer.refresh_from_db()
    assert transfer.state == "cancelled"
    assert 0 < transfer.sent < 40
    assert transfer.sent == len(whims.got)


def _in_thread(transfer_id: int) -> None:
    try:
        transfer_execute(transfer_id=transfer_id)
    finally:
        connection.close()


RUN = """
import sys, django
django.setup()
from django.conf import settings
from pathlib import Path
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
settings.DATA_DIR = Path(sys.argv[2])
from django.core.management import call_command
call_command("runjobs", "--queue", "send")
"""


def job_process(data_dir: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(connection.settings_dict["NAME"]), str(data_dir)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )


@pytest.fixture
def jobs(data_dir: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        running.append(job_process(data_dir))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(there: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_destination_that_was_down_gets_each_object_once_over_kills_and_restarts(
    omar: AbstractUser, keep: Callable[..., Study], jobs: Callable[[], subprocess.Popen[bytes]]
) -> None:
    port = free_port()
    study = keep(100)
    transfer = send(omar, study, west(port))
    names = uids(study)
    assert run(transfer).attempts == 1  # nobody answers yet
    transfer_retry(user=omar, transfer=transfer)
    whims = Whims(seconds=0.01)
    with receiver(whims, port=port):
        for enough in (30, 60):
            process = jobs()
            wait_for(lambda enough=enough: len(whims.got) >= enough)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        call_command("runjobs", "--queue", "send", "--batch")
    transfer.refresh_from_db()
    assert counts(transfer) == ("done", 100, 100, 0, 0)
    assert set(whims.got) == set(names)
    # What was in flight when the process was killed may go twice: a handful, not the whole.
    assert len(whims.got) - 100 <= 2 * 9
    assert set(transfer.items.values_list("state", flat=True)) == {"sent"}


# -- the dry run --------------------------------------------------------------------------------------


def planned(plan: TransferPlan) -> list[tuple[str, str, str, int]]:
    plan.refresh_from_db()
    return [(group["way"], group["sent_as"], group["reason"], group["count"]) for group in plan.groups]


def test_a_dry_run_says_what_goes_as_is_converted_or_not_at_all(
    omar: AbstractUser, keep: Callable[..., Study]
) -> None:
    study = keep(3, StudyInstanceUID="1.2.3")
    keep(1, StudyInstanceUID="1.2.3", SOPClassUID=EnhancedSRStorage)
    compressed = ct_slice(StudyInstanceUID="1.2.3")
    compressed.file_meta = FileMetaDataset()
    compressed.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    compressed.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    receive(compressed, syntax=RLELossless, origin=Origin("CT1"))
    with receiver(syntaxes=[ExplicitVRLittleEndian]) as (port, whims):
        plan = transfer_plan_start(user=omar, node=west(port), studies=[study])
        transfer_plan_execute(plan_id=plan.pk)
    assert planned(plan) == [
        ("as-is", ExplicitVRLittleEndian, "", 3),
        ("converted", ExplicitVRLittleEndian, "", 1),
        ("refused", "", "class-not-accepted", 1),
    ]
    assert (plan.state, whims.got) == ("done", [])
    assert plan.milliseconds is not None


def test_a_dry_run_of_a_dead_node_says_why(omar: AbstractUser, keep: Callable[..., Study]) -> None:
    plan = transfer_plan_start(user=omar, node=west(free_port()), studies=[keep(1)])
    transfer_plan_execute(plan_id=plan.pk)
    plan.refresh_from_db()
    assert (plan.state, plan.error, plan.groups) == ("failed", "refused", [])


def test_a_converted_image_has_the_same_pixels(omar: AbstractUser, tmp_path: Path) -> None:
    original = ct_slice()
    compressed = ct_slice(SOPInstanceUID=original.SOPInstanceUID)
    compressed.file_meta = FileMetaDataset()
    compressed.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    compressed.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    study = study_of(receive(compressed, syntax=RLELossless, origin=Origin("CT1")))
    with storescp(tmp_path / "west", "+xi") as port:  # implicit VR only
        transfer = run(send(omar, study, west(port)))
    assert counts(transfer) == ("done", 1, 1, 0, 0)
    assert transfer.items.get().transfer_syntax_uid == ImplicitVRLittleEndian
    arrived = received(tmp_path / "west")[str(original.SOPInstanceUID)]
    assert arrived.PixelData == original.PixelData
