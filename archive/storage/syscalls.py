"""The system calls on which the archive's promise hangs, in one place.

Everything that makes an object durable goes through these functions, so that a test can make each of
them fail and watch what is left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


def create(path: str) -> int:
    """Create a file that must not exist yet; return its descriptor. What is written goes to its end."""
    return os.open(path, _NEW_FILE, 0o640)


def write(fd: int, data: memoryview) -> None:
    """Write all of ``data``: a short write is continued."""
    while data:
        data = data[os.write(fd, data) :]


def fsync(fd: int) -> None:
    """Flush a file's bytes and its size to the disk."""
    os.fsync(fd)


def fdatasync_file(path: str) -> None:
    """Flush a file that somebody else of this process writes: its bytes, and its size where that changed.

    Not the time of its last change, which would cost a commit of the file system's journal.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)


def fsync_directory(path: str) -> None:
    """Flush the entries of a directory: without it a power cut can undo a rename."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def rename(source: str, target: str) -> None:
    os.rename(source, target)


def make_directory(path: str) -> None:
    """Make one directory; that it is there already is fine."""
    try:
        os.mkdir(path, 0o750)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def unlink(path: str) -> None:
    """Remove a file; that it is gone already is fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def try_lock(fd: int) -> bool:
    """Take the advisory lock of an open file without waiting. The kernel frees it with the process."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
