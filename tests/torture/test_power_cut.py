"""The power goes while images arrive: ext4 stops without writing its journal, ten times; nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.torture.loopdisk import NoDisk
from tests.torture.power_rounds import power_rounds

ROUNDS = int(os.environ.get("PACS_TORTURE_CUTS", "10"))


def test_every_acknowledged_instance_survives_a_power_cut(prepared: Path, tmp_path: Path) -> None:
    try:
        cuts = power_rounds(prepared, tmp_path / "power", rounds=ROUNDS, count=1000)
    except NoDisk as reason:
        pytest.fail(f"no power can be cut here: {reason}")
    print(f"power cut: {cuts.rounds} rounds, {cuts.acknowledged} acknowledged, wrong: {cuts.wrong or 'none'}")
    assert cuts.wrong == []
    assert cuts.acknowledged > ROUNDS
