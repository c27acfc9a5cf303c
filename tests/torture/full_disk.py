"""The disk fills up, with large images and with small ones, and is given room again."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.uid import generate_uid

from tests.objects import ct_slice, dataset_bytes
from tests.torture.kill_rounds import fsck_says
from tests.torture.loopdisk import LoopDisk
from tests.wire.peer import Peer, echo_seconds, status_of
from tests.wire.server import ROOT, Scp, dataset_of, environment, folder_copy

BALLAST = 8 << 20  # what is cleared away when the disk is full
_NOTICE = (
    "import django; django.setup(); from archive.health import health_now; "
    "from viewer.statusline import status_sentence; print(status_sentence(health_now()))"
)


@dataclass
class Filled:
    """What became of it. ``statuses`` are those of the images sent to the full disk."""

    acknowledged: dict[str, str] = field(default_factory=dict)  # SOP Instance UID -> digest of the data set
    statuses: set[int] = field(default_factory=set)
    notice: str = ""
    missing: list[str] = field(default_factory=list)
    afterwards: int = -1  # the status of an image sent once there is room, to the server as it was
    fsck: tuple[int, str] = (-1, "")


def disk_fill(prepared: Path, folder: Path, *, megabytes: int, image_bytes: int) -> Filled:
    """Send images of about this size until ten in a row were refused, make room, fill it too, and start anew.

    Raises ``NoDisk``.
    """
    filled = Filled()
    with LoopDisk(folder, megabytes=megabytes) as disk:
        ballast = disk.path / "ballast"
        ballast.write_bytes(bytes(BALLAST))
        data_dir = folder_copy(prepared, disk.path / "data")
        scp = Scp(data_dir, log_path=folder / "scp.log")
        try:
            _send_until_full(scp, image_bytes, filled)
            assert echo_seconds(scp.port) < 5
            filled.notice = _notice(data_dir)
            ballast.unlink()
            filled.afterwards = _stored_at_last(scp, image_bytes, filled)
            _send_until_full(scp, image_bytes, filled)
        finally:
            scp.stop()
        scp = Scp(data_dir, log_path=folder / "scp.log")  # it comes up on a full disk, too
        try:
            _compare(scp, filled)
        finally:
            scp.stop()
        filled.fsck = fsck_says(data_dir)
    return filled


def _image(image_bytes: int, study: str) -> tuple[str, bytes]:
    side = max(16, int((image_bytes // 2) ** 0.5))
    pixels = bytes(2 * side * side)
    ds = ct_slice(StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", Rows=side, Columns=side)
    ds.PixelData = pixels
    return str(ds.SOPInstanceUID), dataset_bytes(ds)


def _send_until_full(scp: Scp, image_bytes: int, filled: Filled) -> None:
    study, refused = generate_uid(), 0
    deadline = time.monotonic() + 1800
    with Peer.associated(scp.port) as peer:
        while refused < 10 and time.monotonic() < deadline:
            uid, data = _image(image_bytes, study)
            status = status_of(peer.store(data, uid=uid, size=65536))
            if status == 0x0000:
                filled.acknowledged[uid] = hashlib.sha256(data).hexdigest()
                refused = 0
            else:
                filled.statuses.add(status)
                refused += 1
        peer.release()


def _notice(data_dir: Path) -> str:
    """What stands above every page, for administrators among others."""
    done = subprocess.run(
        [sys.executable, "-c", _NOTICE], cwd=ROOT, env=environment(data_dir), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout.strip()


def _compare(scp: Scp, filled: Filled) -> None:
    kept = dict(scp.query("SELECT sop_instance_uid, file_key FROM archive_instance"))
    for uid, digest in filled.acknowledged.items():
        path = scp.data_dir / "store" / kept.get(uid, "nowhere")
        if not path.is_file() or hashlib.sha256(dataset_of(path.read_bytes())).hexdigest() != digest:
            filled.missing.append(uid)


def _stored_at_last(scp: Scp, image_bytes: int, filled: Filled) -> int:
    """There is room: the same server takes the next image."""
    uid, data = _image(min(image_bytes, BALLAST // 4), generate_uid())
    with Peer.associated(scp.port) as peer:
        status = status_of(peer.store(data, uid=uid, size=65536))
        peer.release()
    if status == 0x0000:
        filled.acknowledged[uid] = hashlib.sha256(data).hexdigest()
    return status
