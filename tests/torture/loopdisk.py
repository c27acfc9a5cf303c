"""A small disk of one's own: ext4 on a loop mount, which can lose its power and be full. Needs root."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

# linux/fs.h, fs/ext4/ext4.h: _IOR('X', 125, __u32); stop at once, and do not write the journal out before.
_SHUTDOWN, _NO_LOG_FLUSH = 0x8004587D, 0x2
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


class NoDisk(Exception):
    """This machine does not let us have one; the message says why."""


def _run(*command: str) -> None:
    program = shutil.which(command[0], path=_PATH)
    if program is None:
        raise NoDisk(f"{command[0]} is not installed")
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDisk(f"{' '.join(command)}: {done.stderr.strip()}")


class LoopDisk:
    """``path`` is where it is mounted. Raises ``NoDisk`` when it cannot be made."""

    def __init__(self, folder: Path, *, megabytes: int) -> None:
        if os.geteuid() != 0:
            raise NoDisk("mounting needs root")
        folder.mkdir(parents=True, exist_ok=True)
        self._image, self.path = folder / "disk.img", folder / "disk"
        self.path.mkdir()
        with self._image.open("wb") as file:
            file.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", str(self._image))
        self._mounted = False
        self.mount()

    def mount(self) -> None:
        """Mount it; after a cut ext4 replays what its journal holds."""
        _run("mount", "-o", "loop", str(self._image), str(self.path))
        self._mounted = True

    def unmount(self) -> None:
        """Take it away: what still holds a file of it is given a moment to end."""
        deadline = time.monotonic() + 30
        while self._mounted:
            try:
                _run("umount", str(self.path))
            except NoDisk:
                if time.monotonic() > deadline:
                    _run("umount", "--lazy", str(self.path))  # so that it is not left behind
                    raise
                time.sleep(0.2)
            else:
                self._mounted = False

    def cut(self) -> None:
        """The power goes: nothing is written from now on, and what only memory held is lost."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        except OSError as error:
            raise NoDisk(f"this kernel does not shut ext4 down: {error}") from None
        finally:
            os.close(fd)

    def flush(self) -> None:
        """Write out what is on it by now: what a site has had for a day."""
        _run("sync", "--file-system", str(self.path))

    @property
    def free(self) -> int:
        return shutil.disk_usage(self.path).free

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unmount()
