"""Ten stores of a gigabyte at once: under 600 MB for the whole server, or A700, and never a crash."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.torture.large_objects import large_stores
from tests.wire.peer import echo_seconds
from tests.wire.server import Scp

GIGABYTE = int(os.environ.get("PACS_TORTURE_LARGE", str(1 << 30)))
OBJECTS = 10


def test_ten_large_stores_take_little_memory(scp: Scp, tmp_path: Path) -> None:
    if shutil.disk_usage(tmp_path).free < (OBJECTS + 2) * GIGABYTE:
        pytest.fail("there is no room here for ten objects of a gigabyte")
    workers = [worker.pid for worker in scp.workers()]
    held = large_stores(scp, objects=OBJECTS, size=GIGABYTE)
    print(f"{OBJECTS} stores of {GIGABYTE >> 20} MB: {held}")
    assert len(held.statuses) == OBJECTS
    assert set(held.statuses) <= {0x0000, 0xA700}
    assert held.most < 600 << 20
    assert [worker.pid for worker in scp.workers()] == workers
    assert echo_seconds(scp.port) < 5
    shutil.rmtree(scp.data_dir / "store")
