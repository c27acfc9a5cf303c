"""What was read of an object, with typed access by tag."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from archive.dicom import charset, values
from archive.dicom.elements import Element, Item
from archive.dicom.tags import dictionary_vr, tag

_FORMATS: Final = {
    b"US": "H",
    b"SS": "h",
    b"UL": "I",
    b"SL": "i",
    b"UV": "Q",
    b"SV": "q",
    b"FL": "f",
    b"FD": "d",
    b"AT": "H",
}
_NOT_NUMBERS: Final = frozenset({b"OB", b"OW", b"OD", b"OF", b"OL", b"OV", b"SQ"})
_SPECIFIC_CHARACTER_SET: Final = tag("SpecificCharacterSet")


class Values:
    """The elements of a data set or item by tag. Access never raises; absent reads as empty."""

    __slots__ = ("big_endian", "charsets", "default_charset", "elements")

    def __init__(
        self, elements: Item, charsets: list[str], *, big_endian: bool = False, default_charset: str = ""
    ) -> None:
        self.elements = elements
        self.big_endian = big_endian
        self.default_charset = default_charset
        own = self.raw(_SPECIFIC_CHARACTER_SET)
        self.charsets = _terms(own) if own else charsets

    def __contains__(self, tag: int) -> bool:
        return tag in self.elements

    def _element(self, tag: int) -> Element | None:
        found = self.elements.get(tag)
        return found if isinstance(found, tuple) else None

    def raw(self, tag: int) -> bytes:
        """The value as encoded."""
        found = self.elements.get(tag)
        return found[1] if isinstance(found, tuple) else b""

    def text(self, tag: int) -> str:
        """The value as text without padding, all values and name groups in one string."""
        found = self.elements.get(tag)
        if not isinstance(found, tuple):
            return ""
        vr, raw = found
        if vr in _FORMATS:
            return "\\".join(f"{number:.15g}" for number in self.floats(tag))
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii").strip(" \0")
        kind = vr.decode("latin-1") if vr and vr != b"UN" else dictionary_vr(tag).decode()
        return charset.decode(raw, self.charsets, kind, self.default_charset).strip(" \0")

    def texts(self, tag: int) -> list[str]:
        """The values of a multi-valued text, each without padding; empty ones stay in place."""
        text = self.text(tag)
        return [part.strip(" \0") for part in text.split("\\")] if text else []

    def uid(self, tag: int) -> str:
        """A UID that can serve as one, or nothing."""
        return values.uid(self.raw(tag).decode("latin-1"))

    def floats(self, tag: int) -> list[float]:
        """The numbers of a value, whatever its VR; nothing when one of them cannot be read."""
        return values.finite(self._numbers(tag))

    def decimal(self, tag: int) -> float | None:
        """The first number, or None."""
        if tag not in self.elements:
            return None
        numbers = self.floats(tag)
        return numbers[0] if numbers else None

    def integers(self, tag: int) -> list[int]:
        """As ``floats``; nothing when one of them is no whole number."""
        numbers = self.floats(tag)
        return [int(number) for number in numbers] if all(n.is_integer() for n in numbers) else []

    def integer(self, tag: int) -> int | None:
        """The first number, or None; also when it is no whole one."""
        found = self.elements.get(tag)
        if not isinstance(found, tuple):
            return None
        vr, raw = found
        if vr == b"US" and len(raw) == 2:  # by far the most
            return int.from_bytes(raw, "big" if self.big_endian else "little")
        numbers = self.integers(tag)
        return numbers[0] if numbers else None

    def items(self, tag: int) -> list[Values]:
        """The items kept of a sequence (see ``reader.KEPT_SEQUENCES``)."""
        found = self.elements.get(tag)
        if not isinstance(found, list):
            return []
        return [
            Values(item, self.charsets, big_endian=self.big_endian, default_charset=self.default_charset)
            for item in found
        ]

    def _numbers(self, tag: int) -> list[float]:
        found = self._element(tag)
        if found is None or not found[1] or found[0] in _NOT_NUMBERS:
            return []
        vr, raw = found
        by_dictionary = dictionary_vr(tag)
        numbers = self._read_numbers(vr if vr not in {b"", b"UN"} else by_dictionary, raw)
        if not numbers and vr != by_dictionary:  # US written as LO, and the reverse
            numbers = self._read_numbers(by_dictionary, raw)
        return numbers

    def _read_numbers(self, vr: bytes, raw: bytes) -> list[float]:
        letter = _FORMATS.get(vr)
        if letter is None:
            numbers = [values.decimal(text) for text in raw.decode("latin-1").split("\\", 4096)]
            return [] if None in numbers else [number for number in numbers if number is not None]
        count = len(raw) // struct.calcsize(letter)
        order = ">" if self.big_endian else "<"
        return list(struct.unpack_from(f"{order}{count}{letter}", raw))


def _terms(raw: bytes) -> list[str]:
    return [term.strip(" \0") for term in raw.decode("latin-1").split("\\")]


@dataclass(slots=True)
class PixelData:
    """Where the pixel data lies. ``length`` is None when it is encapsulated (PS3.5 A.4).

    In a deflated data set ``offset`` counts inflated bytes, from ``Header.dataset_offset`` on.
    """

    tag: int
    vr: str
    offset: int
    length: int | None


@dataclass(slots=True)
class Header:
    """The top-level elements before the pixel data, and how they were encoded.

    Values beyond 64 KB are in ``passed_over`` (tag to offset and length), not in memory; of the sequences
    that were not kept it is known only that they are there.
    """

    file_size: int
    meta: Values
    values: Values
    transfer_syntax_uid: str  # as declared, by the caller or the meta header; may be empty
    dataset_offset: int
    implicit: bool = False
    big_endian: bool = False
    deflated: bool = False
    pixel_data: PixelData | None = None
    passed_over: dict[int, tuple[int, int]] = field(default_factory=dict)
    sequences: set[int] = field(default_factory=set)  # met and not kept
    warnings: list[str] = field(default_factory=list)

    @property
    def pixel_data_offset(self) -> int | None:
        return self.pixel_data.offset if self.pixel_data else None

    @property
    def pixel_data_length(self) -> int | None:
        return self.pixel_data.length if self.pixel_data else None

    @property
    def charsets(self) -> list[str]:
        return self.values.charsets

    def __contains__(self, tag: int) -> bool:
        return tag in self.values

    def text(self, tag: int) -> str:
        return self.values.text(tag)

    def texts(self, tag: int) -> list[str]:
        return self.values.texts(tag)

    def uid(self, tag: int) -> str:
        return self.values.uid(tag)

    def integers(self, tag: int) -> list[int]:
        return self.values.integers(tag)

    def integer(self, tag: int) -> int | None:
        return self.values.integer(tag)

    def floats(self, tag: int) -> list[float]:
        return self.values.floats(tag)

    def decimal(self, tag: int) -> float | None:
        return self.values.decimal(tag)

    def items(self, tag: int) -> list[Values]:
        return self.values.items(tag)

    def warn(self, code: str) -> None:
        if code not in self.warnings:
            self.warnings.append(code)
