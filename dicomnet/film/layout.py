"""What goes where on a film: sheets, cells, and the millimetres between them.

A film is described in the printer's own pixels. Everything a person reads on it is measured in
millimetres, so that a label is as tall on every printer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archive.imaging.params import VoiFunction, Window

LABEL_MM = 2.6
CORNER_MM = 2.0
MARGIN_MM = 2.0
GAP_MM = 0.6
LEAST_CELL_PX = 16
MOST_CELLS_ACROSS = 12
MOST_CELLS = 120
MOST_TEXT = 200

_STANDARD = re.compile(r"(?:STANDARD\\)?(\d{1,2}),(\d{1,2})")
_INCHES = re.compile(r"(\d+)(?:_(\d+))?INX(\d+)(?:_(\d+))?IN")
_CENTIMETRES = re.compile(r"(\d+)CMX(\d+)CM")
_PAPER_MM = {"A4": (210.0, 297.0), "A3": (297.0, 420.0)}


class LayoutError(ValueError):
    """A sheet that cannot be: ``code`` is a slug, ``detail`` says which value."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Grid:
    """``STANDARD\\C,R`` of Image Display Format (2010,0010): C columns, R rows, PS3.3 C.13.3.1."""

    columns: int
    rows: int

    @classmethod
    def parse(cls, text: str) -> Grid:
        match = _STANDARD.fullmatch(text.strip().upper())
        if match is None:
            raise LayoutError("bad-layout", text[:40])
        columns, rows = int(match[1]), int(match[2])
        if not (1 <= columns <= MOST_CELLS_ACROSS and 1 <= rows <= MOST_CELLS_ACROSS):
            raise LayoutError("bad-layout", text[:40])
        return cls(columns, rows)

    @property
    def cells(self) -> int:
        return self.columns * self.rows

    def __str__(self) -> str:
        return f"STANDARD\\{self.columns},{self.rows}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One frame in one place. Without ``window`` the object's own choice holds, or that of the presentation
    state (an instance; 0: none) under which it is shown. After that it is mirrored left to right where
    ``mirror`` says so, then turned clockwise by ``turn`` quarters.
    """

    instance_id: int
    frame: int = 1
    window: Window | None = None
    invert: bool = False
    presentation: int = 0
    turn: int = 0
    mirror: bool = False

    @classmethod
    def from_dict(cls, data: Any) -> Cell:
        if not isinstance(data, Mapping):
            raise LayoutError("bad-cell", "not an object")
        return cls(
            instance_id=_whole(data.get("instance"), "instance"),
            frame=_whole(data.get("frame", 1), "frame"),
            window=_window(data.get("window")),
            invert=data.get("invert") is True,
            presentation=_whole(data["presentation"], "presentation") if data.get("presentation") else 0,
            turn=_whole(data["turn"], "turn") % 4 if data.get("turn") else 0,
            mirror=data.get("mirror") is True,
        )

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {"instance": self.instance_id, "frame": self.frame}
        if self.window is not None:
            data["window"] = [self.window.center, self.window.width, self.window.function.value]
        if self.invert:
            data["invert"] = True
        if self.presentation:
            data["presentation"] = self.presentation
        if self.turn:
            data["turn"] = self.turn
        if self.mirror:
            data["mirror"] = True
        return data


@dataclass(frozen=True, slots=True)
class Labels:
    """The four texts of a sheet: whose it is above, what it is below."""

    top_left: str = ""
    top_right: str = ""
    bottom_left: str = ""
    bottom_right: str = ""

    @classmethod
    def from_dict(cls, data: Any) -> Labels:
        if not isinstance(data, Mapping):
            raise LayoutError("bad-labels")
        return cls(**{name: str(data.get(name, ""))[:MOST_TEXT] for name in cls.__slots__})

    def to_dict(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A film: its grid, what is in each cell (None: left dark), its labels."""

    grid: Grid
    cells: tuple[Cell | None, ...]
    labels: Labels = field(default_factory=Labels)

    def __post_init__(self) -> None:
        if len(self.cells) > self.grid.cells:
            raise LayoutError("too-many-cells", f"{len(self.cells)} in {self.grid}")

    @classmethod
    def from_dict(cls, data: Any) -> Sheet:
        """The sheet written by ``to_dict``; raises LayoutError on anything else."""
        if not isinstance(data, Mapping) or not isinstance(data.get("cells"), list):
            raise LayoutError("bad-sheet")
        return cls(
            grid=Grid.parse(str(data.get("layout", ""))),
            cells=tuple(None if cell is None else Cell.from_dict(cell) for cell in data["cells"]),
            labels=Labels.from_dict(data.get("labels") or {}),
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "layout": str(self.grid),
            "cells": [cell.to_dict() if cell else None for cell in self.cells],
            "labels": self.labels.to_dict(),
        }

    @property
    def filled(self) -> tuple[tuple[int, Cell], ...]:
        """The cells with a picture, with their place."""
        return tuple((place, cell) for place, cell in enumerate(self.cells) if cell is not None)


@dataclass(frozen=True, slots=True)
class Film:
    """The pixels a printer exposes, turned as the sheet is held."""

    columns: int
    rows: int
    pitch_um: float
    bits: int = 8
    colour: bool = False

    @property
    def white(self) -> int:
        return (1 << self.bits) - 1

    def px(self, millimetres: float) -> int:
        """Whole pixels for a length, at least one."""
        return max(1, round(millimetres * 1000 / self.pitch_um))

    @property
    def size_mm(self) -> tuple[float, float]:
        return self.columns * self.pitch_um / 1000, self.rows * self.pitch_um / 1000


@dataclass(frozen=True, slots=True)
class Box:
    left: int
    top: int
    width: int
    height: int


def film_turned(grid: Sequence[int], *, orientation: str, pitch_um: float, bits: int, colour: bool) -> Film:
    """The film for a portrait pixel grid; LANDSCAPE turns it (Film Orientation, PS3.3 C.13.3).

    Colour is 8 bit a sample (PS3.3 C.13.5.2), whatever the printer does in grey.
    """
    columns, rows = (int(side) for side in grid)
    if orientation == "LANDSCAPE":
        columns, rows = rows, columns
    return Film(columns, rows, pitch_um, 8 if colour else bits, colour)


def cell_boxes(grid: Grid, film: Film) -> tuple[Box, ...]:
    """Where each cell lies, row by row. Cells of one sheet differ by one pixel at most."""
    margin, gap, band = film.px(MARGIN_MM), film.px(GAP_MM), label_band(film)
    lefts = _shares(margin, film.columns - margin, grid.columns, gap)
    tops = _shares(band, film.rows - band, grid.rows, gap)
    boxes = tuple(Box(x, y, w, h) for y, h in tops for x, w in lefts)
    if any(min(box.width, box.height) < LEAST_CELL_PX for box in boxes):
        raise LayoutError("cells-too-small", f"{grid} on {film.columns} x {film.rows}")
    return boxes


def label_band(film: Film) -> int:
    """Height of the strip above and below the cells that holds the labels."""
    return film.px(MARGIN_MM) + film.px(LABEL_MM * 1.4) + film.px(GAP_MM)


def film_size_mm(film_size_id: str) -> tuple[float, float] | None:
    """Width and height of a Film Size ID (2010,0050) held upright; None for a term we do not know."""
    if film_size_id in _PAPER_MM:
        return _PAPER_MM[film_size_id]
    if match := _INCHES.fullmatch(film_size_id):
        width = float(f"{match[1]}.{match[2] or 0}")
        height = float(f"{match[3]}.{match[4] or 0}")
        return width * 25.4, height * 25.4
    if match := _CENTIMETRES.fullmatch(film_size_id):
        return int(match[1]) * 10.0, int(match[2]) * 10.0
    return None


def sheets_fill(cells: Sequence[Cell], grid: Grid) -> tuple[tuple[Cell, ...], ...]:
    """The cells shared out over as many sheets as they need, in order."""
    return tuple(tuple(cells[at : at + grid.cells]) for at in range(0, len(cells), grid.cells))


def _shares(start: int, end: int, parts: int, gap: int) -> list[tuple[int, int]]:
    room = end - start - gap * (parts - 1)
    edges = [start + (room * part) // parts + gap * part for part in range(parts + 1)]
    return [(edges[part], edges[part + 1] - gap - edges[part]) for part in range(parts)]


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 1 << 53:
        raise LayoutError("bad-cell", f"{name} {str(value)[:40]}")
    return value


def _window(value: Any) -> Window | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        raise LayoutError("bad-window", str(value)[:40])
    numbers = [
        number for number in value[:2] if isinstance(number, int | float) and not isinstance(number, bool)
    ]
    if len(numbers) != 2 or not all(math.isfinite(number) and abs(number) < 1e12 for number in numbers):
        raise LayoutError("bad-window", str(value)[:40])
    try:
        function = VoiFunction(value[2]) if len(value) == 3 else VoiFunction.LINEAR
    except ValueError:
        raise LayoutError("bad-window", str(value)[:40]) from None
    if numbers[1] <= 0:
        raise LayoutError("bad-window", str(value)[:40])
    return Window(float(numbers[0]), float(numbers[1]), function)
