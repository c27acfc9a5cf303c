"""Values as they leave a data set: text that fits a column, dates, times, numbers, UIDs (PS3.5 6.2)."""

from __future__ import annotations

import datetime
import hashlib
import math
import re
from collections.abc import Iterable

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_PRINTABLE_UID = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,64}")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?)?(\.\d{1,6})?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_HEAD = 180


def clip(text: str, limit: int = 255) -> str:
    """``text`` without control characters, trimmed, at most ``limit`` characters long.

    A longer text keeps its beginning and ends in a digest of the whole: two texts that are
    distinct stay distinct. ``limit`` is at least 10.
    """
    if "\x00" in text or not text.isprintable():
        text = _CONTROLS.sub(lambda run: "" if set(run[0]) == {"\0"} else " ", text)
    text = text.strip()
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    digest = digest[: 64 if limit >= 128 else limit // 2]
    head = limit - 1 - len(digest)
    return f"{text[: min(head, _HEAD) if limit <= 255 else head]}…{digest}"


def date(text: str) -> str:
    """A DA value as ``YYYYMMDD``, also from ACR-NEMA's ``YYYY.MM.DD``; empty when it is no date."""
    digits = text.strip(" \0").replace(".", "").replace("-", "").replace("/", "")[:8]
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return ""
    try:
        datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return ""
    return digits


def birth_date(text: str) -> str:
    """As ``date``; a bare year or month, or zeros for the unknown part, is kept as sent."""
    digits = text.strip(" \0").replace(".", "").replace("-", "")
    if digits.isascii() and digits.isdigit() and len(digits) in {4, 6, 8}:
        return date(digits) or (digits if "1850" <= digits[:4] <= "2200" else "")
    return ""


def time(text: str) -> str:
    """A TM value as ``HH[MM[SS[.F]]]``, also from ACR-NEMA's ``HH:MM:SS``; empty when it is no time."""
    digits = text.strip(" \0").replace(":", "")[:13]
    return digits if _TIME.fullmatch(digits) else ""


def uid(text: str) -> str:
    """A UI value without its padding; empty when it cannot serve as one (over 64, unprintable).

    Letters and leading dots break PS3.5 9.1 and are kept: senders that use them use them throughout.
    """
    text = text.strip(" \0\t\r\n")
    return text if _PRINTABLE_UID.fullmatch(text) else ""


def derived_uid(kind: str, source: str) -> str:
    """The same UID for the same ``kind`` and ``source``, always, under 2.25 (PS3.5 B.2)."""
    digest = bytearray(hashlib.sha256(f"{kind}\0{source}".encode("utf-8", "surrogatepass")).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80  # a version 8 UUID: made from a hash of our own choosing
    digest[8] = digest[8] & 0x3F | 0x80
    return f"2.25.{int.from_bytes(digest, 'big')}"


def integer(text: str) -> int | None:
    """An IS value; a DS with nothing behind the point counts; None for anything else."""
    text = text.strip(" \0")
    if _INTEGER.fullmatch(text):
        return int(text)
    number = decimal(text)
    return int(number) if number is not None and number.is_integer() and abs(number) < 1e15 else None


def decimal(text: str) -> float | None:
    """A DS value; finite, or None."""
    text = text.strip(" \0")
    if len(text) > 64 or not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def finite(numbers: Iterable[float]) -> list[float]:
    """The numbers, or nothing when one of them is not finite: JSON has no NaN."""
    kept = [float(number) for number in numbers]
    return kept if all(math.isfinite(number) for number in kept) else []
