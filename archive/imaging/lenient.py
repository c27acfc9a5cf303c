"""Values out of a Dataset, whatever they are: what cannot be read is as if it were not there."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

# What pydicom raises when a value is not what its VR promises.
VALUE_ERRORS = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OverflowError,
    EOFError,
    OSError,  # a sequence that ends early
    struct.error,
)


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where there is no sequence."""
    value = value_of(dataset, keyword)
    if value is None or isinstance(value, str | bytes | int | float):
        return []
    return [item for item in value if isinstance(item, Dataset)]


def many_of(dataset: Dataset, keyword: str) -> list[Any]:
    """The values of an element, however many."""
    value = value_of(dataset, keyword)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]


def floats_of(dataset: Dataset, keyword: str) -> list[float]:
    """The numbers of an element; none when one of them is no number."""
    convert: Callable[[Any], float] = float
    try:
        return [convert(value) for value in many_of(dataset, keyword)]
    except (TypeError, ValueError):
        return []


def float_of(dataset: Dataset, keyword: str, default: float) -> float:
    """The first finite number, or ``default``."""
    return next((value for value in floats_of(dataset, keyword) if math.isfinite(value)), default)


def text_of(dataset: Dataset, keyword: str) -> str:
    """The first value as text without padding."""
    values = many_of(dataset, keyword)
    return str(values[0]).strip() if values else ""


def value_of(dataset: Dataset, keyword: str) -> Any:
    """The value, or None where pydicom finds it is not what its VR promises."""
    try:
        return dataset.get(keyword)
    except VALUE_ERRORS:
        return None


def bytes_of(item: Dataset, keyword: str) -> tuple[bytes, bool]:
    """LUT data as bytes (OW) or numbers (US), and whether the bytes are big endian."""
    value = value_of(item, keyword)
    if isinstance(value, bytes):
        return value, item.original_encoding[1] is False
    if isinstance(value, int):
        value = [value]
    if value is None or isinstance(value, str):
        return b"", False
    return np.array([int(entry) & 0xFFFF for entry in value], "<u2").tobytes(), False
