"""What the film page says: its JSON read into a typed wish, or a named error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dicomnet.film.layout import Box, Cell, Grid, LayoutError
from dicomnet.models import Printer
from dicomnet.previewing import FilmWish
from dicomnet.printing import MOST_SHEETS, FilmOrder

MOST_TEXT = 512 * 1024
MOST_CELLS = MOST_SHEETS * 144
MOST_SCREEN_PX = 4096


@dataclass(frozen=True, slots=True)
class PreviewAsked:
    """``{"op": "preview", "seq", "film": {...}, "sheet", "box": [w, h]}``."""

    seq: int
    wish: FilmWish
    sheet: int
    box: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PartAsked:
    """``{"op": "part", "seq", "box": [left, top, w, h]}``: pixel for pixel, of the sheet drawn last."""

    seq: int
    box: Box


def asked_parse(text: str | None) -> PreviewAsked | PartAsked:
    """What the page asks of its socket. Raises ``LayoutError`` with a slug for anything else."""
    data = _object(text)
    seq = _whole(data.get("seq"), 0, 1 << 53)
    match data.get("op"):
        case "preview":
            width, height = _numbers(data.get("box"), 2)
            return PreviewAsked(
                seq, wish_parse(data.get("film")), _whole(data.get("sheet"), 1, 999), (width, height)
            )
        case "part":
            left, top, width, height = _numbers(data.get("box"), 4)
            return PartAsked(seq, Box(left, top, width, height))
    raise LayoutError("bad-op")


def wish_text_parse(text: str | None) -> FilmWish:
    """The wish as it comes with the form."""
    return wish_parse(_object(text))


def wish_parse(data: Any) -> FilmWish:
    """``{"printer", "film_size", "orientation", "layout", "copies", "colour", "medium", "cells": [...]}``."""
    if not isinstance(data, Mapping) or not isinstance(data.get("cells"), list):
        raise LayoutError("bad-film")
    if len(data["cells"]) > MOST_CELLS:
        raise LayoutError("too-many-cells")
    printer = data.get("printer")
    return FilmWish(
        printer=None if printer is None else Printer.objects.filter(pk=_whole(printer, 1, 1 << 53)).first(),
        grid=Grid.parse(str(data.get("layout", ""))),
        cells=tuple(Cell.from_dict(cell) for cell in data["cells"]),
        order=FilmOrder(
            film_size=str(data.get("film_size", ""))[:16],
            orientation=str(data.get("orientation", ""))[:10],
            copies=_whole(data.get("copies", 1), 1, 99),
            colour=data.get("colour") is True,
            medium=str(data.get("medium", ""))[:16],
        ),
    )


def _object(text: str | None) -> Mapping[str, Any]:
    if text is None or len(text) > MOST_TEXT:
        raise LayoutError("bad-message")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise LayoutError("bad-message") from None
    if not isinstance(data, dict):
        raise LayoutError("bad-message")
    return data


def _whole(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise LayoutError("bad-number", str(value)[:40])
    return value


def _numbers(value: Any, count: int) -> list[int]:
    if not isinstance(value, list) or len(value) != count:
        raise LayoutError("bad-box")
    sides = [_whole(number, 0, 1 << 20) for number in value]
    if not all(1 <= side <= MOST_SCREEN_PX for side in sides[-2:]):
        raise LayoutError("bad-box", str(value)[:40])
    return sides
