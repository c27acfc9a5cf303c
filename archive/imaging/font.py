"""The one font of texts that are part of a picture or a film: it has the hanzi."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pylopdf_fonts_zh_cn
from PIL import ImageFont

_FONT = Path(pylopdf_fonts_zh_cn.__file__).with_name("NotoSansSC-Regular.otf")


@lru_cache(maxsize=32)
def line_font(size: int) -> ImageFont.FreeTypeFont:
    """The font whose line, from above the tallest hanzi to below the tail of a g, is ``size`` high."""
    ascent, descent = ImageFont.truetype(_FONT, 1000).getmetrics()
    points = max(6, round(size * 1000 / (ascent + descent) * 1.25))
    # Basic layout: the same shapes whether or not a text shaping library is installed.
    return ImageFont.truetype(_FONT, points, layout_engine=ImageFont.Layout.BASIC)
