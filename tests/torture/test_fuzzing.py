"""A million mutated PDUs."""

from __future__ import annotations

import os

from tests.torture.fuzzing import fuzz
from tests.wire.server import Scp

PDUS = int(os.environ.get("PACS_TORTURE_PDUS", "1000000"))


def test_a_million_mutated_pdus_leave_the_server_as_it_was(scp: Scp) -> None:
    fuzzed = fuzz(scp, pdus=PDUS)
    print(fuzzed)
    assert fuzzed.same_workers
    assert fuzzed.tracebacks == 0
    assert fuzzed.descriptors == 0
    assert fuzzed.grown < 10 << 20
    assert fuzzed.slowest < max(0.1, 3 * fuzzed.quiet)
