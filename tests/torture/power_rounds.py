"""The power goes in the middle of a transfer: what was acknowledged, and what the disk still has."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.torture.kill_rounds import Round, examine, fsck_says, kill_all, objects_made, objects_send
from tests.torture.loopdisk import LoopDisk
from tests.wire.server import Scp, folder_copy


@dataclass
class Cuts:
    """All rounds together: images acknowledged, and what was found wrong, a line each."""

    rounds: int = 0
    acknowledged: int = 0
    wrong: list[str] | None = None


def power_rounds(
    prepared: Path, folder: Path, *, rounds: int, count: int, associations: int = 4, megabytes: int = 1024
) -> Cuts:
    """As many times: send, cut, mount again, start again, and look. Raises ``NoDisk``."""
    cuts, earlier = Cuts(wrong=[]), []
    with LoopDisk(folder, megabytes=megabytes) as disk:
        data_dir = folder_copy(prepared, disk.path / "data")
        disk.flush()
        for seed in range(rounds):
            found = _round(disk, data_dir, folder / "scp.log", count, associations, seed)
            earlier += found.acknowledged  # and those of earlier rounds are still there
            cuts.rounds += 1
            cuts.acknowledged += len(found.acknowledged)
            scp = Scp(data_dir, log_path=folder / "scp.log")
            try:
                everything = Round(acknowledged=list(earlier))
                examine(scp, everything)
            finally:
                scp.stop()
            for what in ("lost", "altered", "doubled"):
                if uids := getattr(everything, what):
                    cuts.wrong.append(f"round {seed}: {len(uids)} {what}")
        status, words = fsck_says(data_dir)
        if status:
            cuts.wrong.append(words)
    return cuts


def _round(disk: LoopDisk, data_dir: Path, log: Path, count: int, associations: int, seed: int) -> Round:
    scp, found, objects = Scp(data_dir, log_path=log), Round(), objects_made(count)
    senders = [
        threading.Thread(target=objects_send, args=(scp.port, objects[n::associations], found.acknowledged))
        for n in range(associations)
    ]
    for sender in senders:
        sender.start()
    enough, deadline = random.Random(seed).randrange(1, count * 3 // 4), time.monotonic() + 120
    while len(found.acknowledged) < enough and time.monotonic() < deadline:
        time.sleep(0.001)
    # The processes of a machine whose power went answer nobody any more; these live a moment longer, and a
    # flush that began before the cut may seem to succeed after it.
    acknowledged = list(found.acknowledged)
    disk.cut()
    kill_all(scp)
    for sender in senders:
        sender.join(60)
    disk.unmount()
    disk.mount()
    return Round(acknowledged=acknowledged)
