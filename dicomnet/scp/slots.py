"""How many associations a node has open at once, counted over all processes of the server.

A place is a lock on a file: the kernel gives it back with the process that held it, however that ended.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from django.conf import settings


class Slot:
    """One of a node's places, held until ``close``."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def close(self) -> None:
        os.close(self._fd)


def slot_take(*, node_id: int, places: int) -> Slot | None:
    """A free place of the node's, None when all are taken."""
    folder = Path(settings.DATA_DIR) / "associations"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(places):
        fd = os.open(folder / f"{node_id}.{number}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
        else:
            return Slot(fd)
    return None
