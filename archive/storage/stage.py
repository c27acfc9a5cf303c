"""An arriving object: written through to a temporary file while it is hashed."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import io
import os
import secrets
from types import TracebackType
from typing import BinaryIO, Self, cast

from archive.storage import syscalls
from archive.storage.errors import OutOfResources

_SUFFIX = ".part"


class Stage:
    """One object on its way in. Memory does not grow with the object: every write goes to the file.

    ``head`` is what the archive itself puts before the data set (preamble and file meta information); a file
    that is taken over verbatim has none. After ``seal`` the bytes are on the disk, and ``file_digest`` and
    ``size`` are those of the whole file. A stage that is not placed must be abandoned: use it as a context
    manager, or leave it to ``instance_ingest``.

    Every method raises ``OutOfResources``, with the temporary file removed, when the system refuses.
    """

    def __init__(
        self,
        *,
        directory: str,
        head: bytes = b"",
        sop_class_uid: str = "",
        sop_instance_uid: str = "",
        transfer_syntax_uid: str = "",
        source_ae: str = "",
    ) -> None:
        self.sop_class_uid = sop_class_uid
        self.sop_instance_uid = sop_instance_uid
        self.transfer_syntax_uid = transfer_syntax_uid
        self.source_ae = source_ae
        self.head_size = len(head)
        self.size = 0
        self._file_hash = hashlib.sha256()
        self._dataset_hash = hashlib.sha256()
        self._fd = -1
        self._sealed = False
        self.path: str | None = None
        try:
            self.path, self._fd = _create(directory)
            self._put(memoryview(head))
        except OSError as error:
            raise self._failed(error) from error

    @property
    def verbatim(self) -> bool:
        """True when the file is kept as it was found, its own group 2 included."""
        return self.head_size == 0

    @property
    def file_digest(self) -> str:
        """sha256 of the whole file so far, in hexadecimal."""
        return self._file_hash.hexdigest()

    @property
    def dataset_digest(self) -> str:
        """sha256 of what was written after ``head``, in hexadecimal."""
        return self._dataset_hash.hexdigest()

    def write(self, buffer: bytes | bytearray | memoryview) -> None:
        """Append bytes of the data set, as sent."""
        view = memoryview(buffer).cast("B")
        try:
            self._put(view)
        except OSError as error:
            raise self._failed(error) from error
        self._dataset_hash.update(view)

    def _put(self, view: memoryview) -> None:
        syscalls.write(self._fd, view)
        self._file_hash.update(view)
        self.size += len(view)

    def open(self) -> BinaryIO:
        """What was written so far, for reading: unbuffered, and good until the stage is let go of."""
        if self.path is None:
            raise ValueError("the stage is closed")
        file = io.FileIO(self._fd, "rb", closefd=False)
        file.seek(0)
        return cast(BinaryIO, file)

    def seal(self) -> str:
        """Flush the file to the disk and return its path. Further calls change nothing."""
        if self.path is None:
            raise ValueError("the stage is closed")
        if not self._sealed:
            try:
                syscalls.fsync(self._fd)
            except OSError as error:
                raise self._failed(error) from error
            self._sealed = True
        return self.path

    def release(self) -> None:
        """The file has a place now: let go of it without removing anything."""
        self.path = None
        self._close()

    def abandon(self) -> None:
        """Remove the temporary file. May be called at any time, any number of times."""
        path, self.path = self.path, None
        if path is not None:
            with contextlib.suppress(OSError):  # swept when a later process finds nobody holds its lock
                syscalls.unlink(path)
        self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(
                OSError
            ):  # the bytes are flushed or the file is gone: nothing depends on it
                os.close(fd)

    def _failed(self, error: OSError) -> OutOfResources:
        self.abandon()
        return OutOfResources(f"the object cannot be staged: {error.strerror or error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()


def _create(directory: str) -> tuple[str, int]:
    """Make a temporary file and hold its lock, so that ``sweep`` leaves it alone while we live."""
    while True:
        path = f"{directory}/{os.getpid()}-{secrets.token_hex(8)}{_SUFFIX}"
        fd = syscalls.create(path)
        # A sweep may have taken the lock, or the file, between the two calls: then make another.
        if syscalls.try_lock(fd) and os.fstat(fd).st_nlink:
            return path, fd
        os.close(fd)


def sweep(directory: str) -> int:
    """Remove temporary files whose process is gone; return how many. Nothing in them was acknowledged."""
    swept = 0
    for path in glob.iglob(f"{glob.escape(directory)}/*{_SUFFIX}"):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            if syscalls.try_lock(fd):
                syscalls.unlink(path)
                swept += 1
        finally:
            os.close(fd)
    return swept
