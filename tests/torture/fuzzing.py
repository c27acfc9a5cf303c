"""Mutated PDUs by the million: no crash, no leak, and the echo stays quick."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.objects import ct_slice, dataset_bytes
from tests.torture.crowds import echo_median
from tests.wire.server import Scp
from tests.wire.test_hostile import conversation, say_mutated

_WARM = 400  # conversations before anything is measured: what is loaded at first use is no leak
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Fuzzed:
    pdus: int
    grown: int  # bytes of memory
    descriptors: int  # more than before
    slowest: float  # median echo, the worst of those measured meanwhile, in seconds
    quiet: float  # and before
    same_workers: bool
    tracebacks: int

    def __str__(self) -> str:
        return (
            f"{self.pdus} PDUs: {self.grown / 1048576:.1f} MB grown, {self.descriptors} descriptors, echo at "
            f"most {1000 * self.slowest:.1f} ms ({1000 * self.quiet:.1f} ms before)"
        )


def fuzz(scp: Scp, *, pdus: int, seed: int = 20261123) -> Fuzzed:
    """Conversations of which one to three PDUs each are mutated, until so many PDUs were sent."""
    data = dataset_bytes(ct_slice())
    each = len(conversation("1.2.3", data))
    quiet = echo_median(scp.port)
    workers = [worker.pid for worker in scp.workers()]

    def say(number: int) -> None:
        say_mutated(scp, random.Random(seed + number), data, number)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(say, range(_WARM)))
        memory, descriptors = scp.memory(), scp.descriptors()
        slowest, turn, said = 0.0, max(1, pdus // each // 20), 0
        while said * each < pdus:
            list(pool.map(say, range(_WARM + said, _WARM + said + turn)))
            said += turn
            slowest = max(slowest, echo_median(scp.port))
    deadline = time.monotonic() + 30
    while scp.descriptors() > descriptors and time.monotonic() < deadline:
        time.sleep(0.1)
    return Fuzzed(
        said * each,
        scp.memory() - memory,
        max(0, scp.descriptors() - descriptors),
        slowest,
        quiet,
        [worker.pid for worker in scp.workers()] == workers,
        scp.log.count("Traceback"),
    )
