"""kill -9 while images arrive: whatever was acknowledged is there, whole, once."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.objects import ct_slice, dataset_bytes
from tests.wire.peer import Peer, status_of
from tests.wire.server import Scp, dataset_of


def send_until_it_dies(port: int, acknowledged: dict[str, str]) -> None:
    """Store image after image; keep the digest of each that was answered with Success."""
    same = {"StudyInstanceUID": ct_slice().StudyInstanceUID, "SeriesInstanceUID": ct_slice().StudyInstanceUID}
    try:
        with Peer.associated(port) as peer:
            for number in range(10_000):
                ds = ct_slice(**same, InstanceNumber=number)
                data = dataset_bytes(ds)
                if status_of(peer.store(data, uid=ds.SOPInstanceUID)) == 0x0000:
                    acknowledged[str(ds.SOPInstanceUID)] = hashlib.sha256(data).hexdigest()
    except Exception:  # the server was killed: whatever the socket says of it
        return


def kept(scp: Scp) -> dict[str, list[Path]]:
    """SOP Instance UID -> its files, by the index."""
    found: dict[str, list[Path]] = {}
    for uid, key in scp.query("SELECT sop_instance_uid, file_key FROM archive_instance"):
        found.setdefault(uid, []).append(scp.data_dir / "store" / key)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("victims", ["all", "one worker"])
def test_nothing_acknowledged_is_lost(start: Callable[..., Scp], victims: str) -> None:
    chance = random.Random(victims)
    acknowledged: dict[str, str] = {}
    scp = start()
    for round_number in range(3):
        already = len(acknowledged)
        senders = [
            threading.Thread(target=send_until_it_dies, args=(scp.port, acknowledged)) for _ in range(4)
        ]
        for sender in senders:
            sender.start()
        enough, deadline = already + chance.randrange(20, 60), time.monotonic() + 60
        while len(acknowledged) < enough and time.monotonic() < deadline:
            time.sleep(0.001)
        workers = scp.workers()
        if victims == "all":
            for process in [psutil.Process(scp.process.pid), *workers]:
                os.kill(process.pid, signal.SIGKILL)
        else:
            os.kill(chance.choice(workers).pid, signal.SIGKILL)
            time.sleep(0.1)
            scp.stop()
        scp.process.wait()
        psutil.wait_procs(workers, timeout=10)
        for sender in senders:
            sender.join(60)
        assert len(acknowledged) > already, f"round {round_number} sent nothing"
        scp = start(data_dir=scp.data_dir)
        found = kept(scp)
        assert set(acknowledged) <= set(found)
        assert all(len(paths) == 1 for paths in found.values())
        for uid, digest in acknowledged.items():
            assert hashlib.sha256(dataset_of(found[uid][0].read_bytes())).hexdigest() == digest
    with Peer.associated(scp.port) as peer:
        ds = ct_slice()
        assert status_of(peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)) == 0x0000
    assert list((scp.data_dir / "store").rglob("*.part")) == []
