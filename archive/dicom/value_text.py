"""One value as a line of text, whatever its value representation (PS3.5 6.2)."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from pydicom.uid import UID

from archive.dicom import charset

BULK: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_NUMBERS: Final = {
    "FD": "d",
    "FL": "f",
    "SL": "i",
    "SS": "h",
    "SV": "q",
    "UL": "I",
    "US": "H",
    "UV": "Q",
}
_LINES: Final = re.compile(r"[\r\n\f\v\x85\u2028\u2029]+")
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_PRINTABLE: Final = re.compile(rb"[\t\r\n\x20-\x7e]+[ \0]?")


def value_text(vr: str, raw: bytes, charsets: Sequence[str], big_endian: bool) -> str:
    """The value in one line, values separated by backslashes. Never raises; bytes are shown as hexadecimal.

    Control characters, and those that turn the direction of writing, are shown as U+FFFD: what is read
    is in the order in which it is stored.
    """
    if vr in _NUMBERS:
        return "\\".join(_number(vr, number) for number in _unpacked(_NUMBERS[vr], raw, big_endian))
    if vr == "AT":
        halves = _unpacked("H", raw, big_endian)
        pairs = zip(halves[::2], halves[1::2], strict=False)
        return "\\".join(f"({int(group):04X},{int(element):04X})" for group, element in pairs)
    if vr in BULK:
        return _bytes_text(raw)
    text = charset.decode(raw, charsets, vr).strip(" \0")
    if vr == "UI":
        return " \\ ".join(_uid_text(part.strip(" \0")) for part in text.split("\\"))
    return seen(text)


def seen(text: str) -> str:
    """``text`` in one line, nothing in it that is not seen."""
    return _UNSEEN.sub("\ufffd", _LINES.sub(" ⏎ ", text).replace("\t", " "))


def _unpacked(form: str, raw: bytes, big_endian: bool) -> tuple[float, ...]:
    count = len(raw) // struct.calcsize(form)
    return struct.unpack_from(f"{'>' if big_endian else '<'}{count}{form}", raw)


def _number(vr: str, number: float) -> str:
    return f"{number:.7g}" if vr == "FL" else f"{number:.15g}" if vr == "FD" else str(number)


def _bytes_text(raw: bytes) -> str:
    if raw and _PRINTABLE.fullmatch(raw):
        return seen(raw.decode("ascii").strip(" \0"))
    return raw[:32].hex(" ").upper()


@lru_cache(maxsize=4096)
def _uid_text(uid: str) -> str:
    name = uid_name(uid)
    return f"{seen(uid)} = {name}" if name else seen(uid)


@lru_cache(maxsize=4096)
def uid_name(uid: str) -> str:
    """The name PS3.6 annex A gives a UID; empty when it has none."""
    found = UID(uid).name if uid.startswith("1.2.840.10008.") else uid
    return "" if found == uid else str(found)
