"""kill -9 in the middle of a transfer: what was acknowledged, and what is there afterwards."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE

from tests.objects import ct_slice
from tests.wire.server import Scp, manage


@dataclass
class Round:
    """What one round came to. Every list but ``acknowledged`` has to be empty."""

    acknowledged: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def objects_made(count: int) -> list[Dataset]:
    study, series = generate_uid(), generate_uid()
    pixels = random.Random(7).randbytes(128 * 128 * 2)
    made = []
    for number in range(1, count + 1):
        ds = ct_slice(
            StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number, Rows=128, Columns=128
        )
        ds.PixelData = pixels
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.append(ds)
    return made


def objects_send(port: int, found: list[Dataset], acknowledged: list[str]) -> None:
    ae = AE("STORESCU")
    ae.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    ae.dimse_timeout = ae.network_timeout = ae.acse_timeout = 20
    association = ae.associate("127.0.0.1", port, ae_title="LIGHTBOX")
    for ds in found:
        if not association.is_established:
            return
        try:
            status = association.send_c_store(ds)
        except (RuntimeError, ValueError):  # the association ended between two objects
            return
        if status and status.Status == 0:
            acknowledged.append(ds.SOPInstanceUID)
    association.release()


def kill_all(scp: Scp) -> None:
    """Every process of the server at once, parent first, so that nobody can tidy up."""
    parent = psutil.Process(scp.process.pid)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs(family[1:], timeout=10)
    scp.process.wait(10)


def kill_round(scp: Scp, *, count: int, associations: int, seed: int) -> Round:
    """Send ``count`` objects, kill the server while they come, start it again and look what is there."""
    result = Round()
    objects = objects_made(count)
    senders = [
        threading.Thread(target=objects_send, args=(scp.port, objects[n::associations], result.acknowledged))
        for n in range(associations)
    ]
    for sender in senders:
        sender.start()
    enough = random.Random(seed).randrange(1, count * 3 // 4)
    deadline = time.monotonic() + 60
    while len(result.acknowledged) < enough and time.monotonic() < deadline:
        time.sleep(0.001)
    kill_all(scp)
    for sender in senders:
        sender.join(30)
    examine(scp, result)
    return result


def examine(scp: Scp, result: Round) -> None:
    rows = scp.query("SELECT sop_instance_uid, file_key, file_digest FROM archive_instance")
    kept = {uid: (key, digest) for uid, key, digest in rows}
    result.doubled = [uid for uid, times in Counter(uid for uid, *_ in rows).items() if times > 1]
    for uid in result.acknowledged:
        if uid not in kept:
            result.lost.append(uid)
            continue
        key, digest = kept[uid]
        path: Path = scp.data_dir / "store" / key
        if not path.is_file():
            result.lost.append(uid)
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            result.altered.append(uid)


def fsck_says(data_dir: Path) -> tuple[int, str]:
    """Repair what a kill may leave (files whose rows never came), then check; status and words."""
    manage(data_dir, "fsck", "--repair", check=False)
    done = manage(data_dir, "fsck", check=False)
    return done.returncode, done.stdout + done.stderr
