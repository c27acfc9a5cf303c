"""The walk over the top level of a data set: what is kept of it, and what is wrong with it."""

from __future__ import annotations

from struct import Struct
from typing import Final

from archive.dicom.elements import ITEM, KEEP_BYTES, SHORT, UNDEFINED, Cursor, Head, Item, read_items
from archive.dicom.header import Header, PixelData, Values
from archive.dicom.source import Unreadable
from archive.dicom.tags import tag

# Sequences whose items are kept, and how many of them: the others are passed over.
KEPT_SEQUENCES: Final = {
    tag("SequenceOfUltrasoundRegions"): 16,
    tag("ViewCodeSequence"): 1,
    tag("RequestAttributesSequence"): 8,
    tag("SharedFunctionalGroupsSequence"): 1,
    tag("PerFrameFunctionalGroupsSequence"): 1,  # the first frame
}
_PIXELS: Final = frozenset({tag("FloatPixelData"), tag("DoubleFloatPixelData"), tag("PixelData")})
_FIRST_PIXELS: Final = min(_PIXELS)
_PIXEL_GROUP: Final = 0x7FE0
_IDENTIFIED: Final = 0x00210000  # behind group 0020 the header has said who and what it is
_KEPT_ELEMENTS: Final = 20_000
_KEPT_BYTES: Final = 32 << 20


def read_top_level(cursor: Cursor, header: Header) -> None:
    """Fill ``header`` with the elements before the pixel data.

    Raises ``Unreadable`` when the object cannot be identified; what is broken behind its
    identification is a warning.
    """
    walk = _Walk(cursor, header)
    try:
        walk.run()
    except Unreadable as reason:
        if walk.tag < _IDENTIFIED or reason.code == "too-many-elements":
            raise
        header.warn("truncated" if reason.code.startswith("truncated") else reason.code)
    if cursor.odd_vr:
        header.warn("wrong-vr")
    header.values = Values(walk.elements, [], big_endian=header.big_endian)


class _Walk:
    """Where the walk is, and what it has kept."""

    def __init__(self, cursor: Cursor, header: Header) -> None:
        self.cursor = cursor
        self.source = cursor.source
        self.header = header
        self.implicit = header.implicit
        self.elements: Item = {}
        self.tag = 0
        self.position = header.dataset_offset
        self.kept = 0
        order = ">" if header.big_endian else "<"
        self.unpack = Struct(order + ("HHI" if header.implicit else "HH2sH")).unpack_from

    def run(self) -> None:
        """To the pixel data or the end: the common elements in a quick loop, the others one by one."""
        quick = self._quick_implicit if self.implicit else self._quick_explicit
        while True:
            quick()
            padding = self.source.bytes_at(self.position, 8) == bytes(8)  # a tag of zeros is none
            found = None if padding else self.cursor.head_at(self.position, self.implicit)
            if found is None:
                self._end()
                return
            if found[0] >= _FIRST_PIXELS and self._is_last(found):
                return
            self.position = self._take(found)

    def _quick_explicit(self) -> None:
        """Elements with a 16-bit length that lie in the window. Stops at the first other one."""
        data, base, unpack, elements = self.source.data, self.source.base, self.unpack, self.elements
        index, last = self.position - base, len(data) - 8
        if index < 0:
            return
        tag = self.tag
        while index <= last:
            group, element, vr, length = unpack(data, index)
            end = index + 8 + length
            if vr not in SHORT or end > last or group >= _PIXEL_GROUP:
                break
            tag = group << 16 | element
            elements[tag] = (vr, data[index + 8 : end])
            index = end
        self._account(tag, index)

    def _quick_implicit(self) -> None:
        """The same for implicit VR; sequences to keep and long values are left to ``_take``."""
        data, base, unpack, elements = self.source.data, self.source.base, self.unpack, self.elements
        index, last = self.position - base, len(data) - 8
        if index < 0:
            return
        tag = self.tag
        while index <= last:
            group, element, length = unpack(data, index)
            end = index + 8 + length
            found = group << 16 | element
            if end > last or group >= _PIXEL_GROUP or found in KEPT_SEQUENCES:
                break
            tag = found
            elements[tag] = (b"", data[index + 8 : end])
            index = end
        self._account(tag, index)

    def _account(self, tag: int, index: int) -> None:
        """Move on, and hold memory and time down: a window at a time, which is 32 KB."""
        position = index + self.source.base
        self._keep(position - self.position)
        self.tag, self.position = tag, position

    def _keep(self, length: int) -> None:
        self.kept += length
        if len(self.elements) > _KEPT_ELEMENTS:
            raise Unreadable("too-many-elements", f"more than {_KEPT_ELEMENTS} at the top level")
        if self.kept > _KEPT_BYTES:
            raise Unreadable("too-many-elements", f"more than {_KEPT_BYTES} bytes at the top level")

    def _end(self) -> None:
        """Nothing can follow: fine at the end of the file, or when only padding is left."""
        size = self.source.size
        left = self.source.bytes_at(self.position, 8)
        if left.strip(b"\0 ") or (size is not None and self.position > size):
            raise Unreadable("truncated-header", f"ends in the middle of an element at byte {self.position}")

    def _is_last(self, found: Head) -> bool:
        tag, vr, at, length = found
        if tag in _PIXELS:
            known = None if length == UNDEFINED else length
            self.header.pixel_data = PixelData(tag, vr.decode("latin-1") or "OW", at, known)
            if known is not None and self._beyond(at + known):
                self.header.warn("pixel-data-truncated")
            return True
        return tag >> 16 > _PIXEL_GROUP and tag >> 16 != 0xFFFE

    def _beyond(self, position: int) -> bool:
        return self.source.size is not None and position > self.source.size

    def _take(self, found: Head) -> int:
        """One element of any kind. Returns where the next one begins."""
        tag, vr, at, length = found
        if tag >> 16 == 0xFFFE:
            return self._stray(found)
        if length != UNDEFINED and self._beyond(at + length):
            raise self._too_long(found)
        self.tag = tag
        if tag in KEPT_SEQUENCES and vr in {b"SQ", b"UN", b""}:
            items, end = read_items(self.cursor, found, self.implicit, KEPT_SEQUENCES[tag])
            self.elements[tag] = items
            return end
        if length == UNDEFINED or vr == b"SQ":
            self.header.sequences.add(tag)
        if length == UNDEFINED:
            return self.cursor.skip(at, self.implicit or vr == b"UN")
        if length > KEEP_BYTES:
            if vr != b"SQ":
                self.header.passed_over[tag] = (at, length)
        elif vr != b"SQ":
            raw = self.source.bytes_at(at, length)
            if len(raw) < length:
                raise self._too_long(found)
            self.elements[tag] = (vr, raw)
            self._keep(length)
        return at + length

    def _too_long(self, found: Head) -> Unreadable:
        tag, _, at, length = found
        return Unreadable(
            "declared-length", f"({tag:08X}) declares {length} bytes at byte {at}, the file ends before"
        )

    def _stray(self, found: Head) -> int:
        """A delimiter where no sequence is open: passed over, a stray item with its content."""
        tag, _, at, length = found
        self.header.warn("stray-delimiter")
        if tag != ITEM or length == UNDEFINED:
            return at
        return at + length
