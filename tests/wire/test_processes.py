"""The processes of `runscp`: they share the port, come back when they die, and all stop."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
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
    associate_rq,
    command,
    echo_command,
    echo_seconds,
    pdu,
    pdv,
)
from tests.wire.server import ROOT, Scp, environment, manage

CONTEXTS = [(1, CT, [EXPLICIT]), (3, VERIFICATION, [IMPLICIT])]


def test_associations_are_dealt_to_the_processes_evenly(start: Callable[..., Scp]) -> None:
    scp = start("--processes", "3")
    assert "(3 processes)" in scp.log
    held = [Peer.associated(scp.port, CONTEXTS) for _ in range(6)]
    # Itself, its diary, two associations.
    assert sorted(worker.num_threads() for worker in scp.workers()) == [4, 4, 4]
    for peer in held:
        assert peer.echo(3) == 0x0000
        peer.close()


def test_a_connection_is_not_lost_with_a_worker_that_never_came_to_it(start: Callable[..., Scp]) -> None:
    """It is stopped, given two connections, one of them with more than a request on it, and killed."""
    scp = start("--processes", "1")
    before = scp.descriptors()
    (worker,) = scp.workers()
    worker.suspend()
    with Peer(scp.port) as patient, Peer(scp.port) as hasty:
        patient.send(associate_rq(CONTEXTS))
        hasty.send(associate_rq(CONTEXTS) + pdu(4, pdv(3, 3, echo_command())))
        time.sleep(0.3)  # so that both are handed over; were they not, nothing would be lost anyway
        worker.kill()
        for peer in (patient, hasty):
            peer.read_answer()
        assert hasty.read_status() == 0x0000
        assert patient.echo(3) == 0x0000
        patient.release()
        hasty.release()
    deadline = time.monotonic() + 10
    while scp.descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert scp.descriptors() <= before


def test_a_worker_that_dies_is_replaced(scp: Scp) -> None:
    before = {worker.pid for worker in scp.workers()}
    held = [Peer.associated(scp.port, CONTEXTS) for _ in range(2)]
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        now = {worker.pid for worker in scp.workers() if worker.status() != psutil.STATUS_ZOMBIE}
        if len(now) == 2 and victim not in now:
            break
        time.sleep(0.02)
    assert len(now) == 2
    assert len(now & before) == 1
    for _ in range(4):
        assert echo_seconds(scp.port) < 5
    alive = 0
    for peer in held:
        with contextlib.suppress(Closed, ConnectionError):
            alive += peer.echo(3) == 0x0000
    assert alive == 1


def test_whoever_comes_while_no_worker_lives_is_served_by_the_next(scp: Scp) -> None:
    workers = scp.workers()
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(map(lives, workers)) and time.monotonic() < deadline:
        time.sleep(0.001)
    assert echo_seconds(scp.port) < 10


def lives(process: psutil.Process) -> bool:
    """Whether anything of it does: the channel of a killed worker is open until its last thread is gone."""
    try:
        threads = len(os.listdir(f"/proc/{process.pid}/task"))
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or threads > 1)
    except (FileNotFoundError, psutil.NoSuchProcess):
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_process(scp: Scp, number: signal.Signals) -> None:
    held = [Peer.associated(scp.port, CONTEXTS) for _ in range(4)]
    quiet = [socket.create_connection(("127.0.0.1", scp.port)) for _ in range(4)]
    everyone = [psutil.Process(scp.process.pid), *scp.workers()]
    began = time.monotonic()
    scp.process.send_signal(number)
    assert scp.process.wait(10) == 0
    assert time.monotonic() - began < 5
    assert not any(process.is_running() for process in everyone)
    for peer in held:
        with pytest.raises(Aborted) as caught:
            peer.read_pdu()
        assert caught.value.args[0] == (0, 0)
    for sock in quiet:
        sock.close()


def test_a_store_under_way_is_finished_before_the_stop(scp: Scp) -> None:
    ds = ct_slice()
    data = dataset_bytes(ds)
    peer = Peer.associated(scp.port, CONTEXTS)
    assert peer.echo(3) == 0x0000
    peer.send(pdu(4, pdv(1, 3, command(x1000=ds.SOPInstanceUID)) + pdv(1, 0, data[:100])))
    time.sleep(0.2)
    scp.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    peer.send(pdu(4, pdv(1, 2, data[100:])))
    assert peer.read_status() == 0x0000
    with pytest.raises(Aborted):
        peer.read_pdu()
    assert scp.process.wait(10) == 0
    assert scp.stored_path(ds.SOPInstanceUID).read_bytes().endswith(data)


def test_the_workers_go_when_the_parent_is_killed(scp: Scp) -> None:
    workers = scp.workers()
    scp.process.kill()
    scp.process.wait()
    _gone, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


def test_a_port_in_use_is_one_sentence(prepared: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = manage(prepared, "runscp", "--port", str(port), check=False)
    assert run.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use." in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_an_empty_data_folder_says_what_to_do(tmp_path: Path) -> None:
    run = manage(tmp_path / "data", "runscp", check=False)
    assert run.returncode == 1
    assert "Run “manage.py migrate” first." in run.stderr
    assert "Traceback" not in run.stderr


def test_the_title_and_the_address_are_the_environment_s(prepared: Path, start: Callable[..., Scp]) -> None:
    scp = start(PACS_AE_TITLE="RADIOLOGY", PACS_DICOM_HOST="0.0.0.0")
    assert f"RADIOLOGY listening on 0.0.0.0:{scp.port} (2 processes)" in scp.log
    with Peer.associated(scp.port, CONTEXTS, called=b"RADIOLOGY") as peer:
        assert peer.echo(3) == 0x0000


def test_both_families_at_once(start: Callable[..., Scp]) -> None:
    scp = start(PACS_DICOM_HOST="::")
    assert f"LIGHTBOX listening on [::]:{scp.port} (2 processes)" in scp.log
    assert echo_seconds(scp.port) < 5  # over IPv4: the node's 127.0.0.1 is ::ffff:127.0.0.1 here


def test_the_health_page_hears_of_it(scp: Scp) -> None:
    beat = scp.data_dir / "alive" / "scp"
    deadline = time.monotonic() + 20
    while not beat.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    first = beat.stat().st_mtime
    while beat.stat().st_mtime == first and time.monotonic() < deadline:
        time.sleep(0.05)
    assert beat.stat().st_mtime > first


def test_the_ready_line_comes_when_it_is_true(prepared: Path, tmp_path: Path) -> None:
    """Whoever reads the line may connect at once."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "runscp", "--port", "0", "--processes", "1"],
        cwd=ROOT,
        env=environment(prepared),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = int(line.split(":")[1].split()[0])
        assert line == f"LIGHTBOX listening on 127.0.0.1:{port} (1 process)\n"
        assert echo_seconds(port) < 5
    finally:
        process.terminate()
        process.wait(10)
