"""Overlay planes of an image (60xx), PS3.3 C.9.2 and PS3.5 8.1: bitmaps laid over the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from archive.imaging.description import PixelDescription
from archive.imaging.lenient import VALUE_ERRORS

Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[Any]

FIRST_GROUP, LAST_GROUP = 0x6000, 0x60FF
_ROWS, _COLUMNS, _FRAMES, _TYPE, _ORIGIN = 0x0010, 0x0011, 0x0015, 0x0040, 0x0050
_FIRST_FRAME, _BIT_POSITION, _DATA = 0x0051, 0x0102, 0x3000


@dataclass(frozen=True, slots=True)
class Overlay:
    """One plane. ``bits`` are its own (Overlay Data), or it lies in ``bit_position`` of the pixels' words.

    ``top`` and ``left`` say where in the image its first pixel lies, from 0. It belongs to ``frames`` frames
    of the image from ``first_frame`` (0-based) on; with none, its one frame lies on all of them.
    """

    group: int
    rows: int
    columns: int
    top: int = 0
    left: int = 0
    bits: bytes | None = None
    bit_position: int = 0
    region: bool = False  # Overlay Type R: an area, not a drawing
    first_frame: int = 0
    frames: int | None = None

    @property
    def embedded(self) -> bool:
        return self.bits is None

    def plane_of(self, frame: int) -> int | None:
        """Which of the overlay's frames lies on this frame (0-based) of the image."""
        if self.frames is None:
            return 0
        plane = frame - self.first_frame
        return plane if 0 <= plane < self.frames else None


def overlays_read(dataset: Dataset, d: PixelDescription) -> tuple[Overlay, ...]:
    """The planes that can be drawn; those that lack what it takes are left out."""
    groups = sorted({e.group for e in dataset.keys() if FIRST_GROUP <= e.group <= LAST_GROUP})  # noqa: SIM118
    found = (_overlay(dataset, group, d) for group in groups if group % 2 == 0)
    return tuple(overlay for overlay in found if overlay is not None)


def _overlay(dataset: Dataset, group: int, d: PixelDescription) -> Overlay | None:
    numbers = {element: _numbers(dataset, group, element) for element in (_ROWS, _COLUMNS, _FRAMES)}
    rows, columns = (next(iter(numbers[element]), 0) for element in (_ROWS, _COLUMNS))
    bits = _bits(dataset, group)
    position = next(iter(_numbers(dataset, group, _BIT_POSITION)), 0)
    if bits is None:
        if not _beside_pixels(position, d):
            return None
        return Overlay(group, d.rows, d.columns, bit_position=position, region=_region(dataset, group))
    if not bits or not (0 < rows <= 65535 and 0 < columns <= 65535):
        return None
    top, left = (*_numbers(dataset, group, _ORIGIN), 1, 1)[:2]
    frames, first = numbers[_FRAMES], _numbers(dataset, group, _FIRST_FRAME)
    return Overlay(
        group,
        rows,
        columns,
        top - 1,
        left - 1,
        bits,
        region=_region(dataset, group),
        first_frame=(first[0] if first else 1) - 1,
        frames=max(1, frames[0] if frames else 1) if first or (frames and frames[0] > 1) else None,
    )


def _beside_pixels(position: int, d: PixelDescription) -> bool:
    """Whether the bit is one that Bits Stored leaves free."""
    if d.samples != 1 or not 0 <= position < d.bits_allocated or d.bits_allocated == 1:
        return False
    high_bit = d.high_bit if d.bits_stored <= d.high_bit + 1 <= d.bits_allocated else d.bits_stored - 1
    return not high_bit + 1 - d.bits_stored <= position <= high_bit


def _region(dataset: Dataset, group: int) -> bool:
    value = _value(dataset, group, _TYPE)
    return isinstance(value, str) and value.strip().upper() == "R"


def _bits(dataset: Dataset, group: int) -> bytes | None:
    """Overlay Data as bytes that fill from below; None where there is no such element."""
    if (group, _DATA) not in dataset:
        return None
    value = _value(dataset, group, _DATA)
    if not isinstance(value, bytes):
        return b""
    words = dataset.original_encoding[1] is False and dataset[group, _DATA].VR == "OW"
    return np.frombuffer(value[: len(value) // 2 * 2], "<u2").byteswap().tobytes() if words else value


def _numbers(dataset: Dataset, group: int, element: int) -> list[int]:
    value = _value(dataset, group, element)
    if value is None or isinstance(value, str | bytes):
        return []
    try:
        return [int(number) for number in (value if isinstance(value, Sequence) else [value])]
    except (TypeError, ValueError, OverflowError):
        return []


def _value(dataset: Dataset, group: int, element: int) -> Any:
    try:
        return dataset[group, element].value
    except VALUE_ERRORS:
        return None


def overlay_mask(overlay: Overlay, shape: tuple[int, int], frame: int, words: Words | None) -> Mask | None:
    """What the plane marks of a frame (0-based) of ``shape`` (rows, columns); nothing where it marks none.

    ``words`` are the frame's pixels with all their bits, for planes that lie in them.
    """
    if overlay.embedded:
        return None if words is None else (np.right_shift(words, overlay.bit_position) & 1).astype(np.bool_)
    plane = overlay.plane_of(frame)
    if plane is None or overlay.top >= shape[0] or overlay.left >= shape[1]:
        return None
    bottom, right = overlay.top + overlay.rows, overlay.left + overlay.columns
    if bottom <= 0 or right <= 0:
        return None
    marks = _plane(overlay, plane)
    mask = np.zeros(shape, np.bool_)
    top, left = max(0, overlay.top), max(0, overlay.left)
    part = marks[top - overlay.top : shape[0] - overlay.top, left - overlay.left : shape[1] - overlay.left]
    mask[top : top + part.shape[0], left : left + part.shape[1]] = part
    return mask


def _plane(overlay: Overlay, plane: int) -> Mask:
    """Frames of single bits side by side, not padded to bytes; rows that are missing mark nothing."""
    assert overlay.bits is not None
    count = overlay.rows * overlay.columns
    first, skip = divmod(plane * count, 8)
    data = np.frombuffer(overlay.bits, np.uint8)[first : first + (skip + count + 7) // 8]
    bits = np.unpackbits(data, bitorder="little")[skip : skip + count]
    rows = -(-len(bits) // overlay.columns)
    marks = np.zeros(rows * overlay.columns, np.bool_)
    marks[: len(bits)] = bits
    return marks.reshape(rows, overlay.columns)


def overlay_drawn(overlay: Overlay, shape: tuple[int, int], frame: int, words: Words | None) -> Mask | None:
    """What is drawn of a plane; of a region its outline: filled, it would hide what it points at."""
    mask = overlay_mask(overlay, shape, frame, words)
    if mask is None or not mask.any():
        return None
    return outline(mask) if overlay.region else mask


def outline(mask: Mask) -> Mask:
    """Of the marked pixels those that have one beside them, or the edge of the image, that is not."""
    inner = np.zeros_like(mask)
    inner[1:-1, 1:-1] = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    edge: Mask = mask & ~inner
    return edge
