"""Where the frames of an object lie in its file, and one frame's bytes without the others.

An index is made once for a file and holds offsets only. It knows native pixel data (PS3.5 8.1.1, also
frames of single bits that do not end on a byte) and encapsulated pixel data (PS3.5 A.4) with a Basic or
Extended Offset Table, an empty one or none, and frames in several fragments.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

ITEM = b"\xfe\xff\x00\xe0"
SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0"
_UNDEFINED = 0xFFFFFFFF
_MAX_FRAGMENTS = 1_000_000
# What a frame starts with: JPEG family, JPEG 2000 codestream, JP2 and JPEG XL boxes.
_FRAME_STARTS = (
    b"\xff\xd8\xff",
    b"\xff\x4f\xff\x51",
    b"\x00\x00\x00\x0cjP",
    b"\x00\x00\x00\x0cJXL",
    b"\xff\x0a",
)


class FrameUnreadable(Exception):
    """The file does not hold the frame that was asked for."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FrameBytes:
    """One frame as stored. ``bit_offset``: where its first bit lies in the first byte (1-bit frames only).

    ``complete`` is false when the file ends inside the frame.
    """

    data: bytes
    encapsulated: bool
    bit_offset: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class NativeIndex:
    """Frames of equal size side by side. ``end`` is where the value, or a cut-off file, ends."""

    offset: int
    end: int
    frame_bits: int
    frames: int
    word_aligned: bool = False  # big endian OW with samples below 16 bits: bytes are swapped in pairs

    nbytes = 64

    def read(self, handle: BinaryIO, frame: int) -> FrameBytes:
        """Bytes of the frame (0-based); fewer than declared when the file ends before."""
        _check_number(frame, self.frames)
        first = self.frame_bits * frame
        start, bit = divmod(first, 8)
        stop = (first + self.frame_bits + 7) // 8
        skip = start & 1 if self.word_aligned else 0
        if self.word_aligned:
            stop += stop & 1
        begin = self.offset + start - skip
        data = _read_at(handle, begin, min(self.offset + stop, self.end) - begin)
        complete = begin + len(data) >= self.offset + (first + self.frame_bits + 7) // 8
        if self.word_aligned:
            data = _swap_pairs(data)
        return FrameBytes(data[skip:], encapsulated=False, bit_offset=bit, complete=complete)


@dataclass(frozen=True, slots=True)
class EncapsulatedIndex:
    """Each frame as the fragments (offset, length) it is made of."""

    starts: array[int]  # of each frame, in ``offsets``; one more than there are frames
    offsets: array[int]
    lengths: array[int]
    cut_off: bool  # the file ends inside the last fragment
    trims: array[int] = field(default_factory=lambda: array("Q"))  # Extended Offset Table lengths

    @property
    def frames(self) -> int:
        return len(self.starts) - 1

    @property
    def nbytes(self) -> int:
        return 8 * (len(self.starts) + 2 * len(self.offsets))

    def read(self, handle: BinaryIO, frame: int) -> FrameBytes:
        """The codestream of the frame (0-based), its fragments joined."""
        _check_number(frame, self.frames)
        parts = range(self.starts[frame], self.starts[frame + 1])
        data = b"".join(_read_at(handle, self.offsets[i], self.lengths[i]) for i in parts)
        if self.trims:
            data = data[: self.trims[frame]]
        complete = not (self.cut_off and self.starts[frame + 1] == len(self.offsets))
        return FrameBytes(data, encapsulated=True, complete=complete)


FrameIndex = NativeIndex | EncapsulatedIndex


def native_index(
    handle: BinaryIO, *, offset: int, length: int, frame_bits: int, frames: int, word_aligned: bool = False
) -> NativeIndex:
    """Index of native pixel data whose value starts at ``offset``; ``length`` may lie, the file does not."""
    end = min(offset + length, _size(handle))
    return NativeIndex(offset, end, frame_bits, frames, word_aligned)


def encapsulated_index(
    handle: BinaryIO,
    *,
    offset: int,
    frames: int,
    extended_offsets: bytes = b"",
    extended_lengths: bytes = b"",
) -> EncapsulatedIndex:
    """Index of encapsulated pixel data whose first item (the Basic Offset Table) starts at ``offset``.

    A table that does not fit the fragments is not believed: frames are then told apart by counting, or by
    the markers codestreams start with.
    """
    end = _size(handle)
    fragments = _scan(handle, offset, end)
    table = next(fragments, None)
    if table is None:
        raise FrameUnreadable("no-fragments", "no item at the start of encapsulated pixel data")
    base = table[0] + table[1]
    offsets, lengths = array("Q"), array("Q")
    cut_off = False
    for position, size in fragments:
        offsets.append(position)
        lengths.append(max(0, min(size, end - position)))
        cut_off = position + size > end
    if not offsets:
        raise FrameUnreadable("no-fragments", "encapsulated pixel data without fragments")
    basic = _read_at(handle, table[0], table[1]) if table[1] <= 4 * _MAX_FRAGMENTS else b""
    for width, raw in (("Q", extended_offsets), ("I", basic)):
        starts = _starts_from_table(raw, width, base, offsets, frames)
        if starts:
            trims = _trims(extended_lengths, frames) if width == "Q" else array("Q")
            return EncapsulatedIndex(starts, offsets, lengths, cut_off, trims)
    return EncapsulatedIndex(_starts_from_fragments(handle, offsets, frames), offsets, lengths, cut_off)


def _starts_from_table(
    raw: bytes, width: str, base: int, offsets: Sequence[int], frames: int
) -> array[int] | None:
    """Frame starts as fragment numbers, or nothing when the table does not point at fragments."""
    size = struct.calcsize(width)
    if len(raw) < size * frames or not raw:
        return None
    wanted = struct.unpack_from(f"<{frames}{width}", raw)
    number = {position - 8 - base: i for i, position in enumerate(offsets)}
    starts = array("Q")
    for value in wanted:
        if value not in number or (starts and number[value] <= starts[-1]):
            return None
        starts.append(number[value])
    if starts[0] != 0:
        return None
    starts.append(len(offsets))
    return starts


def _trims(raw: bytes, frames: int) -> array[int]:
    """Extended Offset Table Lengths (7FE0,0002): what of a fragment is codestream, without padding."""
    if len(raw) < 8 * frames:
        return array("Q")
    lengths = array("Q", struct.unpack_from(f"<{frames}Q", raw))
    return lengths if all(lengths) else array("Q")


def _starts_from_fragments(handle: BinaryIO, offsets: Sequence[int], frames: int) -> array[int]:
    """PS3.5 A.4: one frame takes all fragments; as many fragments as frames: one each; else by markers."""
    count = len(offsets)
    if frames == 1:
        return array("Q", (0, count))
    if count <= frames:  # fewer: the later frames are not in the file
        return array("Q", range(count + 1))
    starts = array(
        "Q", (i for i in range(count) if i == 0 or _read_at(handle, offsets[i], 8).startswith(_FRAME_STARTS))
    )
    if len(starts) < frames:
        raise FrameUnreadable("fragments", f"{count} fragments, {frames} frames, {len(starts)} start markers")
    starts = starts[: frames + 1]
    if len(starts) == frames:
        starts.append(count)
    return starts


def _scan(handle: BinaryIO, offset: int, end: int) -> Iterator[tuple[int, int]]:
    """(offset, declared length) of each item; ends at the delimiter, at nonsense, or with the file."""
    for _ in range(_MAX_FRAGMENTS):
        header = _read_at(handle, offset, 8)
        if len(header) < 8 or header[:4] != ITEM:
            return
        length = int.from_bytes(header[4:], "little")
        if length == _UNDEFINED:
            return
        offset += 8
        yield offset, length
        offset += length
        if offset >= end:
            return


def _check_number(frame: int, frames: int) -> None:
    if not 0 <= frame < frames:
        raise FrameUnreadable("no-such-frame", f"frame {frame + 1} of {frames}")


def _read_at(handle: BinaryIO, offset: int, length: int) -> bytes:
    if length <= 0:
        return b""
    handle.seek(offset)
    return handle.read(length)


def _size(handle: BinaryIO) -> int:
    return handle.seek(0, 2)


def _swap_pairs(data: bytes) -> bytes:
    swapped = bytearray(data + b"\0" * (len(data) & 1))
    swapped[0::2], swapped[1::2] = swapped[1::2], swapped[0::2]
    return bytes(swapped)
