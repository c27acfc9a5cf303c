"""kill -9 of every SCP process at random moments of a 1,000 image transfer: nothing acknowledged is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.torture.kill_rounds import fsck_says, kill_round
from tests.wire.server import Scp, folder_copy

ROUNDS = int(os.environ.get("PACS_TORTURE_ROUNDS", "50"))


def test_every_acknowledged_instance_survives_kill_9(
    start: Callable[..., Scp],
    prepared: Path,
    tmp_path: Path,
) -> None:
    data_dir = folder_copy(prepared, tmp_path / "killed")
    acknowledged = 0
    for seed in range(ROUNDS):
        found = kill_round(start(data_dir=data_dir), count=1000, associations=4, seed=seed)
        assert (found.lost, found.altered, found.doubled) == ([], [], []), f"round {seed}"
        acknowledged += len(found.acknowledged)
    assert acknowledged > ROUNDS
    status, words = fsck_says(data_dir)
    assert status == 0, words
