"""The preview of a film: the bitmap that would be sent, and what to know before it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archive.access import User
from archive.models import Study
from dicomnet.film.advice import Advice, Level, sheet_advice
from dicomnet.film.layout import (
    Cell,
    Film,
    Grid,
    LayoutError,
    Sheet,
    cell_boxes,
    film_turned,
    sheets_fill,
)
from dicomnet.models import Printer
from dicomnet.printing import FilmOrder, PrintRefused, film_grid, printer_film
from dicomnet.sheets import DrawnSheet, sheet_draw, sheet_labels

STAND_IN_SIZE, STAND_IN_PITCH_UM = "14INX17IN", 100.0
_ORDER = {Level.BAD: 0, Level.WARN: 1, Level.INFO: 2, Level.OK: 3}


@dataclass(frozen=True, slots=True)
class FilmWish:
    """A film as a person is composing it; ``printer`` None: none chosen, or none there."""

    printer: Printer | None
    grid: Grid
    cells: tuple[Cell, ...]
    order: FilmOrder


@dataclass(frozen=True, slots=True)
class Preview:
    """One sheet of the wish, drawn. ``printable`` is False while any advice forbids printing."""

    sheet: Sheet
    film: Film
    drawn: DrawnSheet | None
    number: int
    sheets: int
    advice: tuple[Advice, ...]

    @property
    def printable(self) -> bool:
        return not any(advice.level is Level.BAD for advice in self.advice)


def preview_draw(*, user: User, study: Study, wish: FilmWish, number: int) -> Preview:
    """Draw sheet ``number`` (from 1) exactly as it would be printed, and say what there is to say."""
    film, advice = _film(wish)
    fills = sheets_fill(wish.cells, wish.grid) or ((),)
    number = max(1, min(number, len(fills)))
    labels = sheet_labels(study=study, number=number, of=len(fills))
    sheet = Sheet(wish.grid, fills[number - 1], labels)
    try:
        cell_boxes(wish.grid, film)
    except LayoutError:
        advice.append(Advice(Level.BAD, "layout"))
        return Preview(sheet, film, None, number, len(fills), tuple(advice))
    drawn = sheet_draw(sheet=sheet, film=film, user=user, study=study)
    advice += [
        Advice(Level.BAD, "unavailable", (place + 1,), {"reason": reason})
        for place, reason in drawn.unavailable.items()
    ]
    advice += sheet_advice(sheet, film, drawn.sources)
    advice += _wish_advice(wish, fills, film)
    advice.sort(key=lambda one: _ORDER[one.level])
    return Preview(sheet, film, drawn, number, len(fills), tuple(advice))


def _film(wish: FilmWish) -> tuple[Film, list[Advice]]:
    """The printer's film, or one to go on with, and why."""
    advice = _printer_advice(wish.printer) if wish.printer else [Advice(Level.BAD, "no-printer")]
    if wish.printer is not None:
        if wish.order.colour and not wish.printer.supports_colour:
            advice.append(Advice(Level.BAD, "no-colour"))
        try:
            return printer_film(printer=wish.printer, order=wish.order), advice
        except PrintRefused:
            advice.append(Advice(Level.BAD, "no-film-size"))
    return film_turned(
        film_grid(STAND_IN_SIZE, STAND_IN_PITCH_UM),
        orientation=wish.order.orientation,
        pitch_um=STAND_IN_PITCH_UM,
        bits=8,
        colour=wish.order.colour,
    ), advice


def _printer_advice(printer: Printer) -> list[Advice]:
    values: dict[str, str | int | float] = {"printer": printer.name, "info": printer.condition_info}
    match printer.condition:
        case Printer.Condition.UNKNOWN:
            return [Advice(Level.INFO, "printer-unknown", (), values)]
        case Printer.Condition.WARNING:
            return [Advice(Level.WARN, "printer-warning", (), values)]
        case Printer.Condition.FAILURE:
            return [Advice(Level.WARN, "printer-failure", (), values)]
    return []


def _wish_advice(wish: FilmWish, fills: Sequence[Sequence[Cell]], film: Film) -> list[Advice]:
    if not wish.cells:
        return [Advice(Level.BAD, "nothing")]
    advice = []
    if empty := wish.grid.cells - len(fills[-1]):
        advice.append(Advice(Level.INFO, "empty-cells", (), {"count": empty}))
    values: dict[str, str | int | float] = {"columns": film.columns, "rows": film.rows, "bits": film.bits}
    advice.append(Advice(Level.OK, "one-picture", (), values))
    advice.append(Advice(Level.OK, "one-patient"))
    return advice
