"""The store on a file system."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from archive.storage import keys, syscalls
from archive.storage.base import StoredFile
from archive.storage.errors import NotStored, OutOfResources
from archive.storage.origin import Origin
from archive.storage.stage import Stage, sweep


class FileStore:
    """Objects as files below one folder, which also holds the temporary files: a rename never copies."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._root = str(
            root
        )  # paths that are made for every object are texts: a Path costs more than a call
        self._durable: set[str] = set()  # folders whose own entry this process has flushed
        self._origins: set[str] = set()
        self._prepared = False

    # ------------------------------------------------------------------ arriving

    def staging(self) -> str:
        """The folder of temporary files; made, and cleared of what dead processes left, at the first call."""
        folder = f"{self._root}/{keys.STAGING}"
        if not self._prepared or not os.path.isdir(folder):
            self._durable.clear()
            try:
                self.root.parent.mkdir(parents=True, exist_ok=True)
                for path in (
                    self._root,
                    folder,
                    *(f"{self._root}/{a}" for a in (keys.OBJECTS, keys.QUARANTINE, keys.ORIGINS)),
                ):
                    self._folder_ensure(path)
                sweep(folder)
            except OSError as error:
                raise OutOfResources(f"the store cannot be used: {error.strerror or error}") from error
            self._prepared = True
        return folder

    def _folder_ensure(self, folder: str) -> None:
        """Make a folder and flush its entry in its parent.

        That the folder exists is not enough: another process may have made it a moment ago and not yet
        flushed the entry. Folders of the store are never removed, so once is enough for this process.
        """
        if folder not in self._durable:
            syscalls.make_directory(folder)
            syscalls.fsync_directory(os.path.dirname(folder))
            self._durable.add(folder)

    def place(self, stage: Stage, key: str) -> None:
        """Move a staged object to its place, durably.

        When this returns, the file's bytes, its name and every folder on the way are on the disk. When it
        raises ``OutOfResources``, nothing is left at the place.
        """
        source, target = stage.seal(), f"{self._root}/{key}"
        folder = os.path.dirname(target)
        try:
            self._folder_ensure(folder)
            self._rename(source, target)
        except OSError as error:
            stage.abandon()
            raise OutOfResources(f"the object cannot be placed: {error.strerror or error}") from error
        try:
            syscalls.fsync_directory(folder)
        except OSError as error:
            stage.release()
            self._remove_quietly(target)
            raise OutOfResources(f"the object cannot be placed: {error.strerror or error}") from error
        stage.release()

    def _rename(self, source: str, target: str) -> None:
        try:
            syscalls.rename(source, target)
        except FileNotFoundError:
            # Somebody removed the folder under us (a restored backup): make it again, once.
            self._durable.discard(os.path.dirname(target))
            self._folder_ensure(os.path.dirname(target))
            syscalls.rename(source, target)

    @staticmethod
    def _flush_entries(folder: str) -> None:
        try:
            syscalls.fsync_directory(folder)
        except OSError as error:
            raise OutOfResources(f"the store cannot be used: {error.strerror or error}") from error

    @staticmethod
    def _remove_quietly(path: str) -> None:
        with contextlib.suppress(OSError):  # nothing names the file: fsck reports it
            syscalls.unlink(path)

    def origin_keep(self, origin: Origin) -> str:
        """Keep an origin beside the objects, durably, and return its token."""
        token = origin.token
        if token not in self._origins:
            folder = f"{self._root}/{keys.ORIGINS}"
            if os.path.exists(f"{folder}/{token}.json"):
                self._flush_entries(folder)  # the process that wrote it may not have come to it yet
            else:
                with Stage(directory=self.staging()) as stage:
                    stage.write(origin.to_bytes())
                    self.place(stage, f"{keys.ORIGINS}/{token}.json")
            self._origins.add(token)
        return token

    def origin_read(self, token: str) -> Origin:
        """Return a kept origin; one that is lost or damaged reads as unknown."""
        try:
            return Origin.from_bytes((self.root / keys.ORIGINS / f"{token}.json").read_bytes())
        except (OSError, ValueError):
            return Origin(source="")

    # ------------------------------------------------------------------ kept

    def path(self, key: str) -> Path | None:
        return self.root / key

    def open(self, key: str) -> BinaryIO:
        """Open a stored file. Raises ``NotStored`` when it is not there, ``OSError`` when it cannot be
        read.
        """
        try:
            return (self.root / key).open("rb")
        except FileNotFoundError as error:
            raise NotStored(key) from error

    def size(self, key: str) -> int | None:
        """The size of a stored file; None when there is none."""
        try:
            return os.stat(f"{self._root}/{key}").st_size
        except FileNotFoundError:
            return None

    def remove(self, key: str) -> None:
        """Remove a file and flush its absence. It may be gone already. Raises ``OSError``."""
        path = f"{self._root}/{key}"
        syscalls.unlink(path)
        folder = os.path.dirname(path)
        if os.path.isdir(folder):
            syscalls.fsync_directory(folder)

    def buckets(self, area: str) -> list[str]:
        """The folders of an area (``objects`` or ``quarantine``), sorted."""
        try:
            with os.scandir(self.root / area) as entries:
                return sorted(
                    f"{area}/{entry.name}" for entry in entries if entry.is_dir(follow_symlinks=False)
                )
        except FileNotFoundError:
            return []

    def files(self, bucket: str) -> Iterator[StoredFile]:
        """Every file of a folder, in no order; also those whose name is not one of ours."""
        with os.scandir(self.root / bucket) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    yield StoredFile(f"{bucket}/{entry.name}", facts.st_size, facts.st_mtime)
