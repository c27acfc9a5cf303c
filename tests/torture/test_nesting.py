"""Sequences nested 20,000 deep are kept, refused or quarantined quickly; the server stays as it was."""

from __future__ import annotations

import pytest

from tests.torture.nesting import nested_store
from tests.wire.peer import echo_seconds
from tests.wire.server import Scp


@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting_harms_nobody(scp: Scp, closed: bool) -> None:
    workers = [worker.pid for worker in scp.workers()]
    for depth in (100, 900, 12_000, 20_000, 200_000):
        status, seconds = nested_store(scp.port, depth=depth, closed=closed)
        print(f"nested {depth} deep, {'closed' if closed else 'open'}: {status:04X} in {seconds:.2f} s")
        assert status in (0x0000, 0xA700, 0xC000)
        assert seconds < 10
        if depth > 1000:
            assert status == 0xC000
    assert [worker.pid for worker in scp.workers()] == workers
    assert "Traceback" not in scp.log
    assert echo_seconds(scp.port) < 5
