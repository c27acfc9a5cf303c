"""Lookup tables as they are written in objects, PS3.3 C.11.1, C.11.2 and C.7.9."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.imaging.params import Undecodable

_MAX_ENTRIES = 65536


@dataclass(frozen=True, slots=True)
class Lut:
    """``data[i]`` is the output for input ``first + i``; inputs outside take the first or last entry."""

    first: int
    bits: int
    data: npt.NDArray[np.uint16]
    explanation: str = ""

    @property
    def top(self) -> int:
        """The highest output the table is scaled to."""
        return int((1 << self.bits) - 1)


def lut_parsed(
    descriptor: tuple[int, int, int],
    data: bytes,
    *,
    signed: bool,
    big_endian: bool = False,
    explanation: str = "",
) -> Lut:
    """A table from its descriptor (entries, first value mapped, bits) and its data as bytes.

    ``signed``: inputs are signed, so is the first value mapped. Zero entries mean 65536. Tables of 8 bits
    come two to a word or one to a word; both are read.
    """
    entries, first, bits = descriptor
    entries = (entries & 0xFFFF) or _MAX_ENTRIES
    first &= 0xFFFF
    if signed and first > 32767:
        first -= 65536
    if bits <= 8 and len(data) < 2 * entries:
        values = np.frombuffer(_words_swapped(data) if big_endian else data, np.uint8).astype(np.uint16)
    else:
        values = np.frombuffer(data[: len(data) // 2 * 2], ">u2" if big_endian else "<u2").astype(np.uint16)
    values = values[:entries]
    if not len(values):
        raise Undecodable("lut", "an empty lookup table")
    return Lut(first, _true_bits(bits, values), values, explanation)


def _true_bits(bits: int, values: npt.NDArray[np.uint16]) -> int:
    """Bits of the outputs: the descriptor's, unless the data need more."""
    needed = int(values.max()).bit_length()
    return max(1, bits if needed <= bits <= 16 else needed)


def _words_swapped(data: bytes) -> bytes:
    return np.frombuffer(data[: len(data) // 2 * 2], "<u2").byteswap().tobytes()


def segments_expanded(data: bytes, *, wide: bool, big_endian: bool = False) -> npt.NDArray[np.uint16]:
    """Segmented palette data to entries, PS3.3 C.7.9.2: discrete, linear and indirect segments."""
    item = "H" if wide else "B"
    order = ">" if big_endian else "<"
    count = len(data) // (2 if wide else 1)
    words = struct.unpack(f"{order}{count}{item}", data[: count * (2 if wide else 1)])
    out: list[int] = []
    _expand(words, 0, None, out, wide=wide, nested=False)
    return np.array(out[:_MAX_ENTRIES], np.uint16)


def _expand(
    words: tuple[int, ...], at: int, segments: int | None, out: list[int], *, wide: bool, nested: bool
) -> None:
    while at + 2 <= len(words) and segments != 0 and len(out) < _MAX_ENTRIES:
        opcode, length = words[at], words[at + 1]
        at += 2
        if opcode == 0:
            out.extend(words[at : at + length])
            at += length
        elif opcode == 1 and at < len(words) and out:
            out.extend(_line(out[-1], words[at], length))
            at += 1
        elif opcode == 2 and not nested:
            size = 2 if wide else 4  # a 32-bit offset, in words or in bytes
            parts: Any = words[at : at + size]
            start = sum(part << (i * (16 if wide else 8)) for i, part in enumerate(parts))
            _expand(words, start, length, out, wide=wide, nested=True)
            at += size
        else:
            raise Undecodable("lut", f"palette segment of kind {opcode}")
        segments = None if segments is None else segments - 1


def _line(start: int, end: int, length: int) -> list[int]:
    """``length`` values behind ``start``, the last of them ``end``."""
    return [round(start + (end - start) * step / length) for step in range(1, length + 1)]
