"""Parts made side by side in other processes. Knows no Django: the processes import this and little else."""

from __future__ import annotations

import datetime
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

from archive.demonstration.building import build
from archive.demonstration.cast import Part


def make(work: list[Part], folder: Path, workers: int) -> Iterator[list[Path]]:
    """Files of parts as they become ready; an empty list now and then while none is.

    The processes are spawned: a fork would share database connections. Leaving the iterator early ends them.
    """
    if not work:
        return
    today = datetime.datetime.now(tz=datetime.UTC).astimezone().date()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(work)), mp_context=context) as pool:
        waiting: set[Future[list[str]]] = {pool.submit(make_part, part, today, str(folder)) for part in work}
        try:
            while waiting:
                finished, waiting = wait(waiting, timeout=0.02, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield [Path(name) for name in future.result()]
                if not finished:
                    yield []
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def make_part(part: Part, today: datetime.date, folder: str) -> list[str]:
    """In a process of its own: write the objects of a part, return their files."""
    names = []
    for uid, data in build(part, today):
        path = Path(folder) / f"{uid}.dcm"
        path.write_bytes(data)
        names.append(str(path))
    return names
