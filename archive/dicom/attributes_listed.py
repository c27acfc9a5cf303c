"""Every attribute of an object in the order it is stored in, as lines for people.

Names come from PS3.6 and, for private attributes, from what is known of their creators (PS3.5 7.8.1).
Values are read as far as they are shown; pixel data and other bulk are not read at all. The walk does not
recurse, and what breaks off is listed up to there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import BinaryIO, Final

from pydicom.datadict import (
    dictionary_description,
    private_dictionary_description,
    private_dictionary_VR,
)

from archive.dicom.elements import ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, Cursor, Head
from archive.dicom.header import Values
from archive.dicom.reader import Opened, object_open
from archive.dicom.source import Source, Unreadable
from archive.dicom.tags import dictionary_vr
from archive.dicom.value_text import BULK, value_text

MOST: Final = 200_000  # lines of one object
SHOWN_BYTES: Final = 1024  # of a value
_CHARSET: Final = 0x00080005
_ITEM_START: Final = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A line. ``depth`` counts the sequences it lies in; ``item`` is its number when it is an item of one.

    ``length`` is that of the value in bytes, None where it is not stated. ``cut``: ``value`` is only its
    beginning, or nothing of it. ``items`` counts those of a sequence, or the fragments of pixel data.
    """

    depth: int
    tag: int
    vr: str
    name: str
    value: str = ""
    length: int | None = None
    cut: bool = False
    item: int = 0
    items: int | None = None

    @property
    def tag_text(self) -> str:
        """As PS3.6 writes it."""
        return f"({self.tag >> 16:04X},{self.tag & 0xFFFF:04X})"

    @property
    def private(self) -> bool:
        return bool(self.tag >> 16 & 1)


@dataclass(frozen=True, slots=True)
class Listing:
    """``broken``: the code of what ended the walk before the object's end; empty when all is there."""

    lines: list[Attribute]
    broken: str


@dataclass(slots=True)
class _Open:
    """A sequence (``line`` is its place in the list) or an item being walked over."""

    end: int | None
    implicit: bool
    charsets: list[str]
    line: int | None = None
    count: int = 0
    creators: dict[int, str] = field(default_factory=dict)


def attributes_list(file: BinaryIO) -> Listing:
    """List all of an object, group 2 first. Raises ``Unreadable`` when nothing of it can be read."""
    opened = object_open(file, keep_bytes=0, depth=0)
    lines = _meta_lines(opened)
    walk = _Walk(opened, lines)
    try:
        walk.run()
    except Unreadable as reason:
        return Listing(lines, reason.code)
    return Listing(lines, "too-many-elements" if len(lines) >= MOST else "")


def _meta_lines(opened: Opened) -> list[Attribute]:
    """Group 2 is explicit little endian, whatever follows (PS3.10 7.1)."""
    elements = opened.header.meta.elements
    lines = []
    for tag, element in sorted(elements.items()):
        assert isinstance(element, tuple)
        vr, raw = element[0].decode("latin-1"), element[1]
        shown = value_text(vr, raw[:SHOWN_BYTES], [], False)
        lines.append(Attribute(0, tag, vr, _name(tag, ""), shown, len(raw), len(raw) > SHOWN_BYTES))
    return lines


class _Walk:
    def __init__(self, opened: Opened, lines: list[Attribute]) -> None:
        self.cursor: Cursor = opened.cursor
        self.source: Source = opened.cursor.source
        self.big_endian = opened.header.big_endian
        self.position = opened.start
        self.end = opened.end
        self.lines = lines
        self.stack = [_Open(opened.end, opened.header.implicit, [])]
        self.depth = 0

    def run(self) -> None:
        while self.stack and len(self.lines) < MOST:
            top = self.stack[-1]
            if top.end is not None and self.position >= top.end:
                self.close()
                continue
            head = self.cursor.head_at(self.position, top.implicit)
            if head is None:
                raise Unreadable("truncated-sequence", f"ends at byte {self.position}")
            if top.line is None:
                self.element(head)
            else:
                self.in_sequence(head)

    def close(self) -> None:
        """The innermost that is open ends here."""
        top = self.stack.pop()
        if top.line is not None:
            self.depth -= 1
            self.lines[top.line] = replace(self.lines[top.line], items=top.count)

    def in_sequence(self, head: Head) -> None:
        tag, _vr, at, length = head
        top = self.stack[-1]
        self.position = at
        if tag == SEQUENCE_END:
            self.close()
        elif tag == ITEM:
            top.count += 1
            self.lines.append(
                Attribute(
                    self.depth, ITEM, "", "", item=top.count, length=None if length == UNDEFINED else length
                )
            )
            end = None if length == UNDEFINED else at + length
            implicit = self.cursor.item_implicit(at, top.implicit)
            self.stack.append(_Open(end, implicit, top.charsets))
        elif length == UNDEFINED:
            raise Unreadable("broken-sequence", f"no item at byte {at - 8}")
        else:  # a stray element: pass over it
            self.position = at + length

    def element(self, head: Head) -> None:
        tag, encoded_vr, at, length = head
        top = self.stack[-1]
        if tag in {ITEM_END, SEQUENCE_END, ITEM}:
            if len(self.stack) > 1:
                self.close()
            # A delimiter that is missing is made up for (PS3.5 7.5): the level above deals with it.
            self.position = at if tag == ITEM_END or len(self.stack) == 1 else at - 8
            return
        creator = _creator(top, tag)
        vr = encoded_vr.decode("latin-1") if encoded_vr else _vr(tag, creator)
        if tag >> 16 == 0x7FE0 and length == UNDEFINED:
            self.fragments(tag, vr, at)
        elif vr == "SQ" or length == UNDEFINED or self.hidden_sequence(vr, at, length):
            self.sequence(tag, vr, creator, head)
        else:
            self.value(tag, vr, creator, at, length)

    def hidden_sequence(self, vr: str, at: int, length: int) -> bool:
        """Whether what is said to be unknown begins as a sequence does (PS3.5 6.2.2)."""
        return vr == "UN" and length >= 8 and self.source.bytes_at(at, 4) in _ITEM_START

    def sequence(self, tag: int, vr: str, creator: str, head: Head) -> None:
        _tag, encoded_vr, at, length = head
        top = self.stack[-1]
        stated = None if length == UNDEFINED else length
        self.lines.append(Attribute(self.depth, tag, "SQ", _name(tag, creator), length=stated, items=0))
        end = None if stated is None else at + stated
        self.stack.append(
            _Open(end, top.implicit or encoded_vr == b"UN", top.charsets, line=len(self.lines) - 1)
        )
        self.depth += 1
        self.position = at

    def value(self, tag: int, vr: str, creator: str, at: int, length: int) -> None:
        top = self.stack[-1]
        there = max(0, min(length, self.end - at))
        bulk = vr in BULK and length > SHOWN_BYTES
        raw = b"" if bulk else self.source.bytes_at(at, min(there, SHOWN_BYTES))
        cut = length > len(raw)
        if cut and vr in {"DS", "IS", "UI"}:
            raw = raw[: raw.rfind(b"\\")] if b"\\" in raw else raw
        if tag == _CHARSET:
            top.charsets = Values({_CHARSET: (b"CS", raw)}, []).charsets
        shown = value_text(vr, raw, top.charsets, self.big_endian)
        if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            top.creators[tag] = shown
        self.lines.append(Attribute(self.depth, tag, vr, _name(tag, creator), shown, length, cut))
        if length > there:
            raise Unreadable("truncated", f"({tag:08X}) declares {length} bytes, {there} are there")
        self.position = at + length

    def fragments(self, tag: int, vr: str, at: int) -> None:
        """Encapsulated pixel data (PS3.5 A.4): counted, not read."""
        count, total = -1, 0  # the first item is the offset table
        while (head := self.cursor.head_at(at, True)) is not None and head[0] == ITEM:
            if head[3] == UNDEFINED or head[2] + head[3] > self.end:
                break
            count, total, at = count + 1, total + head[3], head[2] + head[3]
        whole = head is not None and head[0] == SEQUENCE_END
        self.lines.append(
            Attribute(self.depth, tag, vr, _name(tag, ""), length=total, cut=True, items=max(count, 0))
        )
        if not whole or head is None:
            raise Unreadable("truncated", f"pixel data ends at byte {at}")
        self.position = head[2]


def _creator(top: _Open, tag: int) -> str:
    """Who a private element belongs to: the one who reserved its block in the same data set or item."""
    if not tag >> 16 & 1:
        return ""
    return top.creators.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF, "")


@lru_cache(maxsize=8192)
def _vr(tag: int, creator: str) -> str:
    if tag & 0xFFFF == 0:
        return "UL"
    if tag >> 16 & 1:
        if 0x10 <= tag & 0xFFFF <= 0xFF:
            return "LO"
        try:
            return private_dictionary_VR(tag, creator)[:2] if creator else "UN"
        except KeyError:
            return "UN"
    return dictionary_vr(tag).decode("ascii")


@lru_cache(maxsize=8192)
def _name(tag: int, creator: str) -> str:
    """The attribute's name; empty for one that nobody has named."""
    if tag & 0xFFFF == 0:
        return "Group Length"
    try:
        if not tag >> 16 & 1:
            return dictionary_description(tag)
        if 0x10 <= tag & 0xFFFF <= 0xFF:
            return "Private Creator"
        known = private_dictionary_description(tag, creator) if creator else ""
    except KeyError:
        known = ""
    return f"{known} [{creator}]" if known and creator else f"[{creator}]" if creator else ""
