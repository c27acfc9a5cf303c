"""Objects from folders, ZIP files and DICOM media: found, and opened one after the other.

Nothing is ever unpacked to a name that comes out of an archive, and an archive may not grow beyond bounds:
what it holds is read as a stream, straight into the store's staging.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from archive.dicom.values import clip

MOST_MEMBERS: Final = 1_000_000
# A blank image packs 1:1000, a whole examination hardly 1:20.
MOST_RATIO: Final = 100
ALWAYS_ALLOWED: Final = 2 << 30
_ZIP_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class SourceRefused(Exception):
    """Something cannot be opened as a source of objects; ``reason`` is a slug, ``detail`` says more."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one member of a ZIP file, that may be an object. ``named``: given on the command line."""

    label: str
    path: Path
    member: zipfile.ZipInfo | None = None
    archive: Archive | None = None
    named: bool = False

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open for reading once, front to back. Raises ``SourceRefused`` and ``OSError``, also while
        reading.
        """
        if self.member is None or self.archive is None:
            with self.path.open("rb") as file:
                yield file
            return
        with _broken_archive_refused():
            packed = self.archive.file.open(self.member)
        with packed:
            yield cast(BinaryIO, _Metered(packed, self.archive))

    @property
    def is_dicomdir(self) -> bool:
        """Whether this is the index of a medium, by its name (PS3.10 8.6): it may be larger than we look."""
        name = self.member.filename.rpartition("/")[2] if self.member else self.path.name
        return name.upper() == "DICOMDIR"


@dataclass(slots=True)
class Archive:
    """An open ZIP file and how much may still come out of it."""

    file: zipfile.ZipFile
    allowance: int


@contextmanager
def _broken_archive_refused() -> Iterator[None]:
    try:
        yield
    except _ZIP_BROKEN as error:
        raise SourceRefused("broken-archive", clip(str(error), 200)) from error


class _Metered(RawIOBase):
    """Counts what comes out of an archive, and stops it at the allowance."""

    def __init__(self, packed: IO[bytes], archive: Archive) -> None:
        self._packed = packed
        self._archive = archive

    def read(self, size: int = -1) -> bytes:
        with _broken_archive_refused():
            data = self._packed.read(size)
        self._archive.allowance -= len(data)
        if self._archive.allowance < 0:
            raise SourceRefused("archive-bomb", "unpacks to more than an examination ever does")
        return data


Found = Source | tuple[str, SourceRefused]


def sources_find(paths: list[Path]) -> Iterator[Found]:
    """Everything below these paths that may be an object, in order of name; also what cannot be opened.

    Folders are walked, symbolic links to folders are not followed; a path to a DICOMDIR stands for its
    folder (the files of a medium lie below it, PS3.10 8.6). Devices, pipes and sockets are passed over.
    """
    for path in paths:
        if path.name.upper() == "DICOMDIR" and path.is_file():
            path = path.parent  # noqa: PLW2901  the medium is meant
        if path.is_dir():
            yield from _folder(path)
        elif path.exists():
            yield from _file(path, named=True)
        else:
            yield str(path), SourceRefused("no-such-file")


def _folder(root: Path) -> Iterator[Found]:
    refused: list[tuple[str, SourceRefused]] = []

    def unreadable(error: OSError) -> None:
        refused.append((str(error.filename), SourceRefused("cannot-be-read", error.strerror or "")))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        folders.sort()
        for name in sorted(names):
            yield from _file(Path(folder, name), named=False)
        yield from refused
        refused.clear()
    yield from refused


def _file(path: Path, *, named: bool) -> Iterator[Found]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
    except OSError as error:
        yield str(path), SourceRefused("cannot-be-read", error.strerror or str(error))
        return
    if packed:
        yield from _members(path)
    else:
        yield Source(str(path), path, named=named)


def _members(path: Path) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(path) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            if len(members) > MOST_MEMBERS:
                raise SourceRefused("archive-bomb", f"{len(members)} members")
            archive = Archive(packed, max(ALWAYS_ALLOWED, MOST_RATIO * path.stat().st_size))
            for member in members:
                label = f"{path}!{clip(member.filename)}"
                if member.flag_bits & 1:
                    yield label, SourceRefused("encrypted")
                elif archive.allowance < member.file_size:
                    yield label, SourceRefused("archive-bomb", f"says it unpacks to {member.file_size} bytes")
                else:
                    yield Source(label, path, member, archive)
    except SourceRefused as refusal:
        yield str(path), refusal
    except (*_ZIP_BROKEN, OSError) as error:
        yield str(path), SourceRefused("broken-archive", clip(str(error), 200))
