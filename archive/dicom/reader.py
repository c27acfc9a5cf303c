"""The only place where an object is opened.

``read_header`` is quick, bounded and raises ``Unreadable`` only: everything that arrives goes
through it. ``open_dataset`` gives a pydicom data set to those who need the rest.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydicom import config
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from archive.dicom import encoding
from archive.dicom.elements import KEEP_BYTES, KNOWN, UNDEFINED, Cursor, Item, read_data_set
from archive.dicom.header import Header, Values
from archive.dicom.source import InflatedSource, Source, Unreadable
from archive.dicom.toplevel import read_top_level

__all__ = [
    "Header",
    "Opened",
    "Unreadable",
    "Values",
    "dataset_offset",
    "message_inflated",
    "object_open",
    "open_dataset",
    "read_header",
    "read_message",
    "read_whole",
]

# What values may look like is judged here, not by pydicom's warnings.
config.settings.reading_validation_mode = config.IGNORE

_TRANSFER_SYNTAX_UID: Final = 0x00020010
_MESSAGE_BYTES: Final = 16 << 20  # of an inflated message
_MESSAGE_ITEMS: Final = 65536  # of one sequence: objects that a step made
_WHOLE_BYTES: Final = 32 << 20  # of an object that is read with all its sequences
_TABLE_BYTES: Final = 1 << 20  # of a value in it: lookup tables, points of a drawing


def read_header(path: str | Path | BinaryIO, *, transfer_syntax_uid: str | None = None) -> Header:
    """The top-level elements up to the pixel data.

    ``transfer_syntax_uid`` is what the sender negotiated and beats the meta header. Whatever the
    bytes: raises nothing but ``Unreadable`` (and OSError of the file itself), holds little memory,
    takes time in proportion to the header.
    """
    with _opened(path) as (file, size):
        if size == 0:
            raise Unreadable("empty", "no bytes at all")
        source = Source(file, size)
        start, meta = _read_meta(source)
        syntax = transfer_syntax_uid or meta.uid(_TRANSFER_SYNTAX_UID)
        if start >= size:
            raise Unreadable("truncated-header", "ends before its data set")
        header = Header(size, meta, Values({}, []), syntax, start)
        read_top_level(_cursor(file, source, header), header)
        return header


def read_whole(file: BinaryIO) -> tuple[Header, Values]:
    """A small object's header, and its data set with all its sequences.

    For objects without pixels. Raises ``Unreadable``, also when there are more bytes than such an object
    has, and OSError of the file itself.
    """
    header = read_header(file)
    file.seek(header.dataset_offset)
    data = file.read(_WHOLE_BYTES + 1)
    if len(data) > _WHOLE_BYTES:
        raise Unreadable("too-large", f"more than {_WHOLE_BYTES} bytes")
    syntax = header.transfer_syntax_uid
    return header, read_message(data, transfer_syntax_uid=syntax, keep_bytes=_TABLE_BYTES)


def read_message(
    data: bytes, *, transfer_syntax_uid: str, default_charset: str = "", keep_bytes: int = KEEP_BYTES
) -> Values:
    """A small data set with all its sequences, as it came in a message. Raises ``Unreadable`` only.

    ``default_charset`` is assumed where the data set names none. A value beyond ``keep_bytes`` is left out.
    """
    if not data:
        return Values({}, [], default_charset=default_charset)
    if transfer_syntax_uid in encoding.DEFLATED:
        data, transfer_syntax_uid = message_inflated(data), str(ExplicitVRLittleEndian)
    header = Header(len(data), Values({}, []), Values({}, []), transfer_syntax_uid, 0)
    file = io.BytesIO(data)
    cursor = _cursor(file, Source(file, len(data)), header)
    cursor.keep_bytes = keep_bytes
    elements = read_data_set(cursor, 0, len(data), header.implicit, _MESSAGE_ITEMS)
    return Values(elements, [], big_endian=header.big_endian, default_charset=default_charset)


@dataclass(frozen=True, slots=True)
class Opened:
    """An object whose elements can be walked over: from ``start`` to ``end`` of what ``cursor`` reads.

    ``file`` is what that lies in: the file itself, or the inflated data set.
    """

    header: Header  # its encoding and group 2; no elements
    cursor: Cursor
    file: BinaryIO
    start: int
    end: int


def object_open(file: BinaryIO, *, keep_bytes: int, depth: int) -> Opened:
    """The object ready for a walk over all of it; a deflated one (PS3.5 A.5) is inflated, bounded.

    Raises ``Unreadable`` and OSError of the file itself.
    """
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise Unreadable("empty", "no bytes at all")
    source = Source(file, size)
    start, meta = _read_meta(source)
    if start >= size:
        raise Unreadable("truncated-header", "ends before its data set")
    header = Header(size, meta, Values({}, []), meta.uid(_TRANSFER_SYNTAX_UID), start)
    _cursor(file, source, header)
    if header.deflated:
        file.seek(start)
        try:
            file = _inflated(file)
        except zlib.error as error:
            raise Unreadable("broken-deflate", str(error)) from None
        start, size = 0, file.seek(0, os.SEEK_END)
        source = Source(file, size)
    cursor = Cursor(source, big_endian=header.big_endian, keep_bytes=keep_bytes, depth=depth)
    return Opened(header, cursor, file, start, size)


def message_inflated(data: bytes) -> bytes:
    """A small data set that came deflated (PS3.5 A.5), bounded. Raises ``Unreadable``."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = inflate.decompress(data, _MESSAGE_BYTES)
    except zlib.error as error:
        raise Unreadable("broken-deflate", str(error)) from None
    if inflate.unconsumed_tail:
        raise Unreadable("deflate-limit", f"inflates to more than {_MESSAGE_BYTES} bytes")
    return found


def dataset_offset(file: BinaryIO) -> int:
    """Where the data set begins: behind preamble and file meta information, as far as there are any.

    Raises ``Unreadable`` and OSError.
    """
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise Unreadable("empty", "no bytes at all")
    return _read_meta(Source(file, size))[0]


@contextlib.contextmanager
def _opened(path: str | Path | BinaryIO) -> Iterator[tuple[BinaryIO, int]]:
    if isinstance(path, str | Path):
        with open(path, "rb", buffering=0) as file:
            yield file, os.fstat(file.fileno()).st_size
    else:
        yield path, path.seek(0, os.SEEK_END)


def _read_meta(source: Source) -> tuple[int, Values]:
    """Where the data set begins, and File Meta Information (PS3.10 7.1) as far as there is any.

    The group length is not believed: elements are read until the group ends.
    """
    position = _meta_position(source)
    cursor = Cursor(source)
    elements: Item = {}
    while source.bytes_at(position, 2) == b"\x02\x00":
        found = cursor.head_at(position, implicit=False)
        if found is None:
            raise Unreadable("truncated-header", "ends inside its meta header")
        tag, vr, at, length = found
        if length == UNDEFINED or at + length > (source.size or 0):
            raise Unreadable("declared-length", f"({tag:08X}) declares {length} bytes, the file is shorter")
        if length <= KEEP_BYTES and len(elements) < 64:
            elements[tag] = (vr, source.bytes_at(at, length))
        position = at + length
    return position, Values(elements, [])


def _meta_position(source: Source) -> int:
    """Behind preamble and prefix; some writers leave out one or both, some objects have no group 2."""
    data = source.bytes_at(0, 144)
    if data[128:132] == b"DICM":
        return 132
    if data[:4] == b"DICM":
        return 4
    if data[132:134] == b"\x02\x00" and data[136:138] in KNOWN and not data[:132].strip(b"\0"):
        return 132
    if data[:2] == b"\x02\x00" and data[4:6] in KNOWN:  # group 2 at once, with or without its length
        return 0
    if encoding.found_at(source, 0, "") is None:
        raise Unreadable("not-dicom", "no DICM prefix and no data set at the start")
    return 0


def _cursor(file: BinaryIO, source: Source, header: Header) -> Cursor:
    """A cursor for the encoding that the data set has, whatever it is said to be."""
    start, syntax = header.dataset_offset, header.transfer_syntax_uid
    if syntax in encoding.DEFLATED:
        inflated = InflatedSource(file, start)
        with contextlib.suppress(Unreadable):
            if encoding.found_at(inflated, start, "") is not None:
                header.deflated = True
                return Cursor(inflated)
        source.seek_to(start)
    found = encoding.found_at(source, start, syntax)
    if found is None:
        raise Unreadable("broken-header", f"no data element at byte {start}, where the data set should begin")
    header.implicit, header.big_endian = found
    if syntax and (syntax in encoding.DEFLATED or found != encoding.declared(syntax)):
        header.warn("syntax-mislabelled")
    return Cursor(source, big_endian=header.big_endian)


# Everything that pydicom is known to raise for hostile bytes.
_PYDICOM_ERRORS: Final = (
    InvalidDicomError,
    BytesLengthException,
    struct.error,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    MemoryError,
    zlib.error,
)
_INFLATED_BYTES: Final = 1 << 30
_DEFER_BYTES: Final = 1 << 20


def open_dataset(path: str | Path | BinaryIO, *, stop_before_pixels: bool = False) -> FileDataset:
    """The object as a pydicom data set, in the encoding it really has.

    Raises ``Unreadable``, also for nesting beyond what pydicom can recurse into. Values beyond
    1 MB are read when asked for, if ``path`` is one. ``file_meta.TransferSyntaxUID`` tells how
    the pixel data is encoded.
    """
    header = read_header(path)
    try:
        with _opened(path) as (file, _):
            file.seek(header.dataset_offset)
            source = _inflated(file) if header.deflated else file
            data_set = read_dataset(
                source,
                header.implicit,
                not header.big_endian,
                stop_when=_at_pixels if stop_before_pixels else None,
                defer_size=None if header.deflated else _DEFER_BYTES,
            )
        for stray in [found for found in data_set.keys() if found.group == 0xFFFE]:  # noqa: SIM118
            del data_set[stray]
        name = path if isinstance(path, str | Path) else source
        return FileDataset(name, data_set, None, _file_meta(header), header.implicit, not header.big_endian)
    except RecursionError:
        raise Unreadable("too-deep", "sequences nested deeper than can be taken apart") from None
    except OSError as error:
        if error.errno is not None:  # the file itself; pydicom's own have no number
            raise
        raise Unreadable("broken-data-set", str(error)[:500]) from None
    except _PYDICOM_ERRORS as error:
        raise Unreadable("broken-data-set", f"{type(error).__name__}: {error}"[:500]) from None


def _at_pixels(tag: int, _vr: str | None, _length: int) -> bool:
    return int(tag) >= 0x7FE00008


def _inflated(file: BinaryIO) -> BinaryIO:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflate.decompress(file.read(), _INFLATED_BYTES)
    if inflate.unconsumed_tail:
        raise Unreadable("deflate-limit", f"inflates to more than {_INFLATED_BYTES} bytes")
    return io.BytesIO(data)


def _file_meta(header: Header) -> FileMetaDataset:
    """Group 2 as the rest of the object bears it out, not as a wrong label says."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(header.meta.uid(0x00020002) or header.uid(0x00080016))
    meta.MediaStorageSOPInstanceUID = UID(header.meta.uid(0x00020003) or header.uid(0x00080018))
    encapsulated = header.pixel_data is not None and header.pixel_data.length is None
    syntax: str = header.transfer_syntax_uid
    if not syntax or ("syntax-mislabelled" in header.warnings and not encapsulated):
        syntax = str(ExplicitVRBigEndian if header.big_endian else ExplicitVRLittleEndian)
        syntax = str(ImplicitVRLittleEndian) if header.implicit else syntax
    meta.TransferSyntaxUID = UID(syntax)
    return meta
