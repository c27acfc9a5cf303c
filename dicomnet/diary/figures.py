"""Numbers, sizes and durations as the diary writes them."""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat


def number(value: int) -> str:
    """With thousands separators."""
    return f"{value:,}"


def size(count: int) -> str:
    """Bytes, with a plain space before the unit."""
    return str(filesizeformat(count)).replace("\xa0", " ")


def took(seconds: float) -> str:
    """A duration with the digits that matter."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min"
