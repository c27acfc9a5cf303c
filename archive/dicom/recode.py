"""A data set rewritten as explicit or implicit VR little endian (PS3.5 A.1, A.2), element by element.

A walk like the reader's: iterative, bounded, and unmoved by what it does not need to understand. What keeps
its encoding is copied byte for byte. Else values keep their bytes (swapped where they come big endian) and
get new headers; sequences and items then have undefined lengths. Group lengths, which would lie, are
dropped (PS3.5 7.2).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Final

import numpy as np
from pydicom.datadict import dictionary_VR

from archive.dicom.elements import ITEM, ITEM_END, KNOWN, LONG, SEQUENCE_END, UNDEFINED, Cursor, Head
from archive.dicom.source import Source, Unreadable

_COPY_BYTES: Final = 512 << 10
_PIXEL_DATA: Final = 0x7FE00010
_ICON_IMAGE_SEQUENCE: Final = 0x00880200
_SWAPPED: Final = {
    **dict.fromkeys((b"US", b"SS", b"OW", b"AT"), 2),
    **dict.fromkeys((b"UL", b"SL", b"FL", b"OF", b"OL"), 4),
    **dict.fromkeys((b"FD", b"OD", b"SV", b"UV", b"OV"), 8),
}

Changes = Mapping[int, tuple[bytes, bytes]]  # tag -> VR and value, little endian
Pixels = Callable[["Target"], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a data set goes, and in which of the two encodings."""

    out: BinaryIO
    implicit: bool

    def head(self, tag: int, vr: bytes, length: int) -> None:
        """An element's header (PS3.5 7.1). What is too long for its VR becomes UN (6.2.2)."""
        group, element = tag >> 16, tag & 0xFFFF
        if self.implicit:
            self.out.write(struct.pack("<HHL", group, element, length))
            return
        if vr not in KNOWN or (vr not in LONG and length > 0xFFFF):
            vr = b"UN"
        if vr in LONG:
            self.out.write(struct.pack("<HH2sHL", group, element, vr, 0, length))
        else:
            self.out.write(struct.pack("<HH2sH", group, element, vr, length))

    def mark(self, tag: int, length: int = 0) -> None:
        """An item or a delimiter."""
        self.out.write(struct.pack("<HHL", tag >> 16, tag & 0xFFFF, length))


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What to do on the way.

    ``changes`` are elements to write in place of, or besides, those that are there; ``dropped`` are left out.
    ``pixels``, where given, writes the pixel data element whose value ends at ``pixels_end``. ``signed``
    tells US from SS where an implicit element may be either.
    """

    changes: Changes
    dropped: frozenset[int] = frozenset()
    pixels: Pixels | None = None
    pixels_tag: int = _PIXEL_DATA
    pixels_end: int = 0
    signed: bool = False


@dataclass(slots=True)
class _Open:
    """A sequence or an item under way. ``end`` is None when a delimiter ends it."""

    end: int | None
    implicit: bool
    is_item: bool


@dataclass(frozen=True, slots=True)
class Encoded:
    """Where a data set is, and in which encoding."""

    file: BinaryIO
    size: int
    start: int
    implicit: bool
    big_endian: bool


def recode(source: Encoded, to: Target, how: Rewriting) -> None:
    """Write a data set to ``to``. Raises ``Unreadable`` when it cannot be walked to its end."""
    _Recoder(source, to, how).run(source.start)


class _Recoder:
    def __init__(self, source: Encoded, to: Target, how: Rewriting) -> None:
        self.file, self.size, self.to, self.how = source.file, source.size, to, how
        self.implicit, self.big_endian = source.implicit, source.big_endian
        self.cursor = Cursor(Source(self.file, self.size), big_endian=self.big_endian)
        self.verbatim = self.implicit == to.implicit and not self.big_endian
        self.waiting = dict(sorted(how.changes.items()))

    def run(self, position: int) -> None:
        while position < self.size:
            padding = self.cursor.source.bytes_at(position, 8) == bytes(8)  # behind the last element
            found = None if padding else self.cursor.head_at(position, self.implicit)
            if found is None:
                break
            self._changes_before(found[0])
            position = self._element(position, found)
        self._changes_before(1 << 32)

    def _changes_before(self, tag: int) -> None:
        for due in [waiting for waiting in self.waiting if waiting < tag]:
            self._write(due, *self.waiting.pop(due))

    def _write(self, tag: int, vr: bytes, value: bytes) -> None:
        value += (b"\0" if vr in {b"UI", b"OB", b"UN"} else b" ") * (len(value) & 1)
        self.to.head(tag, vr, len(value))
        self.to.out.write(value)

    def _element(self, position: int, found: Head) -> int:
        """One top-level element. Returns where the next one begins."""
        tag, vr, at, length = found
        if self.how.pixels is not None and tag == self.how.pixels_tag:
            self.how.pixels(self.to)
            return self.how.pixels_end
        end = at + length if length != UNDEFINED else self.cursor.skip(at, self.implicit or vr == b"UN")
        if end > self.size:
            raise Unreadable("truncated", f"({tag:08X}) ends behind the file")
        if tag in self.waiting:
            self._write(tag, *self.waiting.pop(tag))
        elif not self._left_out(found, end):
            if self.verbatim:
                self._copy(position, end - position)
            else:
                self._converted(position, end)
        return end

    def _left_out(self, found: Head, end: int) -> bool:
        """Group lengths and what was asked for; stray delimiters; an icon that is itself encapsulated."""
        tag = found[0]
        if tag & 0xFFFF == 0 or tag >> 16 == 0xFFFE or tag in self.how.dropped:
            return True
        return tag == _ICON_IMAGE_SEQUENCE and self._encapsulated_within(found, end)

    def _encapsulated_within(self, found: Head, end: int) -> bool:
        """Whether a sequence holds encapsulated pixels, which no native transfer syntax can (PS3.5 A.4)."""
        position = found[2]
        while position < end:
            head = self.cursor.head_at(position, self.implicit)
            if head is None:
                break
            tag, vr, at, length = head
            if tag == _PIXEL_DATA and length == UNDEFINED:
                return True
            # One level after the other: headers of sequences and items are stepped into.
            into = tag == ITEM or vr == b"SQ" or length == UNDEFINED
            position = at if into else at + length
        return False

    def _copy(self, position: int, length: int, swap: int = 0) -> None:
        self.file.seek(position)
        while length > 0:
            block = self.file.read(min(length, _COPY_BYTES))
            if not block:
                raise Unreadable("truncated", f"the file ends {length} bytes too early")
            length -= len(block)
            self.to.out.write(swapped(block, swap) if swap else block)

    def _converted(self, position: int, end: int) -> None:
        """The element at ``position``, with all that is in it, under new headers."""
        levels: list[_Open] = []
        while True:
            while levels and levels[-1].end is not None and position >= levels[-1].end:
                self._close(levels)
            if position >= end:
                break
            implicit = levels[-1].implicit if levels else self.implicit
            found = self.cursor.head_at(position, implicit)
            if found is None:
                raise Unreadable("truncated", f"ends inside a sequence at byte {position}")
            position = self._step(found, levels, implicit)
        while levels:
            self._close(levels)

    def _close(self, levels: list[_Open]) -> None:
        self.to.mark(ITEM_END if levels.pop().is_item else SEQUENCE_END)

    def _step(self, found: Head, levels: list[_Open], implicit: bool) -> int:
        tag, _, at, length = found
        end = None if length == UNDEFINED else at + length
        if tag == ITEM and levels:
            if levels[-1].is_item:  # its delimiter is missing
                self._close(levels)
            self.to.mark(ITEM, UNDEFINED)
            levels.append(_Open(end, self.cursor.item_implicit(at, implicit), is_item=True))
        elif tag == ITEM_END:
            if levels and levels[-1].is_item:
                self._close(levels)
        elif tag == SEQUENCE_END:
            if levels and levels[-1].is_item:
                self._close(levels)
            if levels:
                self._close(levels)
        else:
            return self._plain(found, levels, implicit)
        return at

    def _plain(self, found: Head, levels: list[_Open], implicit: bool) -> int:
        """A value, or the beginning of a sequence."""
        tag, vr, at, length = found
        vr = vr if not implicit else implicit_vr(tag, self.how.signed)
        if length == UNDEFINED and tag == _PIXEL_DATA:
            raise Unreadable("nested-pixels", "encapsulated pixels inside a sequence")
        if length == UNDEFINED and vr == b"UN" and self.big_endian:
            raise Unreadable("un-sequence", "little endian inside big endian")  # PS3.5 6.2.2
        if length == UNDEFINED or (vr == b"SQ" and length and self._has_items(at, implicit)):
            self.to.head(tag, b"SQ", UNDEFINED)
            end = None if length == UNDEFINED else at + length
            levels.append(_Open(end, implicit or vr == b"UN", is_item=False))
            return at
        if tag & 0xFFFF:
            vr = b"UN" if vr == b"SQ" and length else vr
            self.to.head(tag, vr, length)
            self._copy(at, length, _SWAPPED.get(vr, 0) if self.big_endian else 0)
        return at + length

    def _has_items(self, at: int, implicit: bool) -> bool:
        head = self.cursor.head_at(at, implicit)
        return head is not None and head[0] == ITEM


def swapped(data: bytes, width: int) -> bytes:
    """Words of ``width`` bytes in the other byte order; what is no whole word stays as it is."""
    whole = len(data) // width * width
    return np.frombuffer(data, f">u{width}", whole // width).astype(f"<u{width}").tobytes() + data[whole:]


@lru_cache(maxsize=8192)
def implicit_vr(tag: int, signed: bool) -> bytes:
    """The VR to write for an element that came without (PS3.5 6.2.2, A.1, and PS3.6 for the choices)."""
    if tag >> 16 & 1:
        return b"LO" if 0x10 <= tag & 0xFFFF <= 0xFF else b"UN"
    try:
        name = dictionary_VR(tag)
    except KeyError:
        return b"UN"
    if name == "US or SS":
        return b"SS" if signed else b"US"
    return b"OW" if "OW" in name else name.encode()[:2]
