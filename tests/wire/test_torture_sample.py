"""A short sample of `make torture`: the same rounds, smaller and fewer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.conftest import new_site
from tests.torture.crowds import echo_among
from tests.torture.full_disk import disk_fill
from tests.torture.fuzzing import fuzz
from tests.torture.large_objects import large_stores
from tests.torture.loopdisk import NoDisk
from tests.torture.nesting import nested_store
from tests.torture.power_rounds import power_rounds
from tests.torture.reading import read_for
from tests.wire.peer import echo_seconds
from tests.wire.server import Scp


def lacking(reason: NoDisk) -> None:
    """A disk of one's own needs root and a kernel that lets us; where it has to be there, it is a failure."""
    (pytest.fail if os.environ.get("PACS_TEST_STRICT") == "1" else pytest.skip)(str(reason))


@pytest.mark.timeout(600)
def test_a_power_cut_loses_nothing_acknowledged(prepared: Path, tmp_path: Path) -> None:
    try:
        cuts = power_rounds(prepared, tmp_path / "power", rounds=1, count=80, megabytes=128)
    except NoDisk as reason:
        lacking(reason)
    else:
        assert cuts.wrong == []
        assert cuts.acknowledged > 0


@pytest.mark.timeout(600)
def test_a_full_disk_loses_nothing_and_recovers(prepared: Path, tmp_path: Path) -> None:
    try:
        filled = disk_fill(prepared, tmp_path / "full", megabytes=48, image_bytes=1 << 20)
    except NoDisk as reason:
        lacking(reason)
    else:
        assert (filled.statuses, filled.missing, filled.afterwards) == ({0xA700}, [], 0x0000)
        assert filled.notice == "The disk is nearly full"
        assert filled.fsck[0] == 0, filled.fsck[1]


@pytest.mark.timeout(300)
def test_eight_people_read_without_a_fault(tmp_path: Path) -> None:
    with new_site(tmp_path / "site") as site:
        soak = read_for(site, clients=8, seconds=12)
    assert soak.wrong == []
    assert soak.log == ""
    assert soak.pictures > 100
    assert soak.grown < 50 << 20


@pytest.mark.timeout(300)
def test_the_rest_of_the_torture_in_small(scp: Scp) -> None:
    """Deep nesting, crowds, mutated PDUs and large objects, one after the other on one server."""
    workers = [worker.pid for worker in scp.workers()]
    for closed in (True, False):
        assert nested_store(scp.port, depth=20_000, closed=closed)[0] == 0xC000
    for kind in ("slow", "stuck"):  # silent and idle ones: see test_hostile
        echo = echo_among(scp.port, kind, 50)
        assert echo.ok, str(echo)
    held = large_stores(scp, objects=4, size=32 << 20)
    assert set(held.statuses) <= {0x0000, 0xA700}
    assert held.most < 600 << 20
    fuzzed = fuzz(scp, pdus=1500)
    assert (fuzzed.same_workers, fuzzed.tracebacks, fuzzed.descriptors) == (True, 0, 0)
    assert fuzzed.grown < 10 << 20
    assert [worker.pid for worker in scp.workers()] == workers
    assert echo_seconds(scp.port) < 5
