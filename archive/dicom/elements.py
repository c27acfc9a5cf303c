"""Data elements one after the other (PS3.5 7): an iterative walk, never a recursion.

Written for what arrives, not for what should: wrong VRs, wrong lengths, stray delimiters, nesting as
deep as the sender likes. Time is bounded by a count of elements, memory by what callers keep.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from archive.dicom.source import InflatedSource, Source, Unreadable
from archive.dicom.tags import dictionary_vr

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
ITEM_END: Final = 0xFFFEE00D
SEQUENCE_END: Final = 0xFFFEE0DD
KEEP_BYTES: Final = 64 * 1024  # a longer value is passed over
_ELEMENTS: Final = 4_000_000
_DEPTH: Final = 8  # of sequences whose items are kept
_NESTED: Final = 16  # items kept of a sequence inside an item
MOST_OPEN: Final = 2000  # sequences and items inside one another; real objects have a dozen

# PS3.5 table 7.1-2: length in 16 bits; table 7.1-1: two reserved bytes and 32 bits
_SHORT_VRS: Final = b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US"
_LONG_VRS: Final = b"OB OD OF OL OV OW SQ SV UC UN UR UT UV"
SHORT: Final = frozenset(_SHORT_VRS.split())
LONG: Final = frozenset(_LONG_VRS.split())
KNOWN: Final = SHORT | LONG

Element = tuple[bytes, bytes]  # VR as encoded (empty when implicit) and value
Item = dict[int, "Element | list[Item]"]
Head = tuple[int, bytes, int, int]  # tag, VR, position of the value, its length


class Cursor:
    """Reads element headers of a source in one byte order; counts them.

    ``keep_bytes`` and ``depth`` bound what ``read_items`` and ``read_data_set`` keep of it.
    """

    __slots__ = ("_count", "_explicit", "_word", "big_endian", "depth", "keep_bytes", "odd_vr", "source")

    def __init__(
        self,
        source: Source,
        *,
        big_endian: bool = False,
        keep_bytes: int = KEEP_BYTES,
        depth: int = _DEPTH,
    ) -> None:
        self.source = source
        self.big_endian = big_endian
        self.keep_bytes = keep_bytes
        self.depth = depth
        order = ">" if big_endian else "<"
        self._explicit = struct.Struct(order + "HH2sH").unpack_from
        self._word = struct.Struct(order + "I").unpack_from
        self._count = 0
        self.odd_vr = False  # an element without a valid VR was met and understood

    def head_at(self, position: int, implicit: bool) -> Head | None:
        """The element header at ``position``; None where fewer than 8 bytes are left."""
        source = self.source
        index = position - source.base
        if index < 0 or index + 12 > len(source.data):
            source.seek_to(position)
            index = 0
            if len(source.data) < 8:
                return None
        data = source.data
        group, element, vr, short = self._explicit(data, index)
        self._count += 1
        if self._count > _ELEMENTS:
            raise Unreadable("too-many-elements", f"more than {_ELEMENTS}")
        if implicit or group == 0xFFFE:
            return group << 16 | element, b"", position + 8, self._word(data, index + 4)[0]
        if vr in SHORT:
            return group << 16 | element, vr, position + 8, short
        if vr in LONG and index + 12 <= len(data):
            return group << 16 | element, vr, position + 12, self._word(data, index + 8)[0]
        return self._odd(group << 16 | element, vr, position)

    def _odd(self, tag: int, vr: bytes, position: int) -> Head:
        """An explicit element without a VR of the standard: which reading leads on to another one?

        In turn: 16-bit length, 32-bit length (what PS3.5 6.2.2 says of a VR to come), implicit.
        """
        data = self.source.bytes_at(position, 12)
        short = self._explicit(data, 0)[3]
        readings = [(position + 8, short)]
        if len(data) == 12 and short == 0:
            readings.insert(0, (position + 12, self._word(data, 8)[0]))
        readings.append((position + 8, self._word(data, 4)[0]))
        if vr == b"\0\0":
            readings.reverse()
        self.odd_vr = True
        for at, length in readings:
            if self._leads_on(tag, at + length):
                return tag, b"UN" if length != short else vr, at, length
        raise Unreadable("broken-header", f"no value representation at byte {position}, tag {tag:08X}")

    def _leads_on(self, tag: int, position: int) -> bool:
        size = self.source.size
        if size is not None and position >= size:
            return position == size
        start = position - self.source.base
        if isinstance(self.source, InflatedSource):  # cannot look ahead and come back
            data = self.source.data[start : start + 8]
        else:
            data = self.source.bytes_at(position, 8)
        if len(data) < 8:
            return False
        group, element, vr, _ = self._explicit(data, 0)
        if vr in KNOWN:
            return bool(group >= tag >> 16)
        following = group << 16 | element
        return bool(following > tag and (group == 0xFFFE or following - tag < 0x200000))

    def skip(self, position: int, implicit: bool) -> int:
        """Where an undefined-length sequence (or fragments) ends whose header ends at ``position``.

        A delimiter that is missing one level further in is made up for (PS3.5 7.5).
        """
        # One integer per open level: bit 0 implicit, bit 1 an item. A list, so that no depth
        # can overflow anything.
        stack = [int(implicit)]
        while stack:
            found = self.head_at(position, bool(stack[-1] & 1))
            if found is None:
                raise Unreadable("truncated-sequence", f"ends inside a sequence at byte {position}")
            if len(stack) > MOST_OPEN:
                raise Unreadable("too-deep", f"sequences nested deeper than {MOST_OPEN // 2}")
            position = self._step(found, stack)
        return position

    def _step(self, found: Head, stack: list[int]) -> int:
        tag, vr, at, length = found
        if tag == ITEM_END:
            if stack[-1] & 2:
                stack.pop()
            return at
        if tag == SEQUENCE_END:
            while stack.pop() & 2:
                if not stack:
                    break
            return at
        if length != UNDEFINED:
            return at + length
        if tag == ITEM:
            stack.append(int(self.item_implicit(at, bool(stack[-1] & 1))) | 2)
        else:
            stack.append(int(bool(stack[-1] & 1) or vr == b"UN"))
        return at

    def item_implicit(self, position: int, implicit: bool) -> bool:
        """Whether an item is implicit: one of a UN sequence is (PS3.5 6.2.2), if its writer knew."""
        if not implicit:
            return False
        data = self.source.bytes_at(position, 8)
        if len(data) < 8 or data[4:6] not in KNOWN:
            return True
        length: int = self._word(data, 4)[0]
        return length < 0x4141  # two letters read as a length are longer than that


@dataclass(slots=True)
class _Open:
    """A sequence or item being read: ``items`` of a sequence, ``values`` of an item."""

    end: int | None
    implicit: bool
    items: list[Item] | None
    values: Item | None
    room: int
    nested: int = _NESTED  # items kept of each sequence within


def read_items(cursor: Cursor, head: Head, implicit: bool, room: int) -> tuple[list[Item], int]:
    """The first ``room`` items of the sequence with ``head``, and where it ends.

    Nested sequences are kept to a depth of 8, sixteen items each.
    """
    _, vr, at, length = head
    root: list[Item] = []
    implicit = implicit or vr == b"UN"
    end = None if length == UNDEFINED else at + length
    return root, _read(cursor, at, [_Open(end, implicit, root, None, room)])


def read_data_set(
    cursor: Cursor, start: int, end: int, implicit: bool, room: int, *, into: Item | None = None
) -> Item:
    """All elements from ``start`` to ``end``, with up to ``room`` items of each sequence, to a depth of 8.

    ``into`` is filled as they are read: what was read before an ``Unreadable`` is in it.
    """
    root: Item = {} if into is None else into
    if _read(cursor, start, [_Open(end, implicit, None, root, 0, room)]) > end:
        raise Unreadable("declared-length", "an element is longer than its data set")
    return root


def _read(cursor: Cursor, position: int, stack: list[_Open]) -> int:
    """Read until everything that is open has ended; return where that is."""
    while stack:
        top = stack[-1]
        if top.end is not None and position >= top.end:
            stack.pop()
            continue
        found = cursor.head_at(position, top.implicit)
        if found is None:
            raise Unreadable("truncated-sequence", f"ends inside a sequence at byte {position}")
        step = _in_sequence if top.items is not None else _in_item
        position = step(cursor, found, stack)
    return position


def _in_sequence(cursor: Cursor, found: Head, stack: list[_Open]) -> int:
    tag, _, at, length = found
    top = stack[-1]
    assert top.items is not None
    if tag == SEQUENCE_END:
        stack.pop()
        return at
    if tag != ITEM:  # a stray element: pass over it
        return at + length if length != UNDEFINED else cursor.skip(at, top.implicit)
    if len(top.items) >= top.room:
        if top.end is not None:
            return top.end
        if length != UNDEFINED:
            return at + length
        stack.pop()  # the rest is walked over without being kept
        return cursor.skip(at - 8, top.implicit)
    values: Item = {}
    top.items.append(values)
    end = None if length == UNDEFINED else at + length
    stack.append(_Open(end, cursor.item_implicit(at, top.implicit), None, values, 0, top.nested))
    return at


def _in_item(cursor: Cursor, found: Head, stack: list[_Open]) -> int:
    tag, vr, at, length = found
    top = stack[-1]
    assert top.values is not None
    if tag in {ITEM_END, SEQUENCE_END, ITEM}:
        stack.pop()
        return at if tag == ITEM_END else at - 8  # a missing delimiter: the level above deals with it
    if vr == b"SQ" or length == UNDEFINED or (not vr and dictionary_vr(tag) == b"SQ"):
        return _nested(cursor, found, stack)
    if length <= cursor.keep_bytes:
        raw = cursor.source.bytes_at(at, length)
        top.values[tag] = (vr, raw)
    return at + length


def _nested(cursor: Cursor, found: Head, stack: list[_Open]) -> int:
    tag, vr, at, length = found
    top = stack[-1]
    assert top.values is not None
    implicit = top.implicit or vr == b"UN"
    if len(stack) >= 2 * cursor.depth:
        return at + length if length != UNDEFINED else cursor.skip(at, implicit)
    items: list[Item] = []
    top.values[tag] = items
    end = None if length == UNDEFINED else at + length
    stack.append(_Open(end, implicit, items, None, top.nested, top.nested))
    return at
