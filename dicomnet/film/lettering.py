"""Text on film: what to put where ink is, and where the dark rim around it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from archive.imaging.font import line_font

_ELLIPSIS = "…"

Mask = npt.NDArray[Any]


@lru_cache(maxsize=512)
def text_masks(text: str, size: int, room: int) -> tuple[Mask, Mask]:
    """Ink and rim (ink included) of one line as shares 0..1, ``size`` pixels high and at most ``room`` wide.

    A text that is too long ends in an ellipsis: on film nothing runs into its neighbour unseen.
    """
    font = line_font(size)
    rim = max(1, size // 10)
    shown = _shortened("".join(char if char.isprintable() else " " for char in text), font, room - 2 * rim)
    ascent, descent = font.getmetrics()
    width = min(room, round(font.getlength(shown)) + 2 * rim + 1)
    height = ascent + descent + 2 * rim
    ink, around = Image.new("L", (width, height)), Image.new("L", (width, height))
    ImageDraw.Draw(ink).text((rim, rim), shown, font=font, fill=255)
    ImageDraw.Draw(around).text((rim, rim), shown, font=font, fill=255, stroke_width=rim, stroke_fill=255)
    trimmed = slice((height - size) // 2 - rim, (height + size) // 2 + rim)
    shares = [np.asarray(mask, np.float32)[trimmed] / 255 for mask in (ink, around)]
    for share in shares:
        share.setflags(write=False)
    return shares[0], np.maximum(shares[0], shares[1])


def _shortened(text: str, font: ImageFont.FreeTypeFont, room: int) -> str:
    if font.getlength(text) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle] + _ELLIPSIS) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low] + _ELLIPSIS
