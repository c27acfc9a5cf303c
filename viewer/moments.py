"""Dates, times and moments of DICOM as they stand in a report (PS3.5 6.2), as far as they are told."""

from __future__ import annotations

import re
from typing import Final

from viewer.words import dicom_date

_TIME: Final = re.compile(r"([01]\d|2[0-3])(?:([0-5]\d)(?:([0-5]\d|60)(\.\d{1,6})?)?)?")


def date_words(value: str) -> str:
    """Write a DA as 2026-11-23; what is no date stays as it came."""
    day = dicom_date(value)
    return f"{day:%Y-%m-%d}" if day else value


def time_words(value: str) -> str:
    """Write a TM as 02:47:05.5, as exactly as it is told; what is no time stays as it came."""
    found = _TIME.fullmatch(value.replace(":", ""))
    if not found:
        return value
    fraction = (found[4] or "").rstrip("0").rstrip(".")
    return ":".join(part for part in found.groups()[:3] if part) + fraction + ("" if found[2] else ":00")


def moment_words(value: str) -> str:
    """Write a DT as 2026-11-23 02:47:05 +08:00; what is none stays as it came."""
    value = value.strip()
    offset = ""
    if len(value) > 5 and value[-5] in "+-" and value[-4:].isdigit() and "." not in value[-4:]:
        value, offset = value[:-5], f" {value[-5:-2]}:{value[-2:]}"
    day, time = value[:8], value[8:]
    if len(day) < 8 or dicom_date(day) is None:
        return value + offset
    return f"{date_words(day)} {time_words(time)}".strip() + offset
