"""What a person should know before a sheet is printed: codes here, sentences elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dicomnet.film.compose import picture_box
from dicomnet.film.layout import Film, Sheet, cell_boxes

NOTICEABLE = 0.995  # a picture shrunk by less than half a percent loses nothing a person can see
COARSE = 4.0  # enlarged beyond this the pixels of the image show


class Level(StrEnum):
    """In the order of the list: what forbids printing, what is lost, what may surprise, what was checked."""

    BAD = "bad"
    WARN = "warn"
    INFO = "info"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Advice:
    level: Level
    code: str
    cells: tuple[int, ...] = ()
    values: dict[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """The frame behind a cell: its size with square pixels, and what its file says of itself."""

    width: int
    height: int
    colour: bool = False
    lossy: bool = False


def scale_of(sheet: Sheet, film: Film, place: int, source: Source) -> float:
    """Film pixels for one pixel of the image; below 1 the film shows less than there is."""
    box = picture_box(cell_boxes(sheet.grid, film)[place], source.width, source.height)
    return min(box.width / source.width, box.height / source.height)


def sheet_advice(sheet: Sheet, film: Film, sources: Mapping[int, Source]) -> list[Advice]:
    """What this sheet loses or changes of its images, worst first; cells counted from 1."""
    scales = {place: scale_of(sheet, film, place, source) for place, source in sources.items()}
    shrunk = [place for place, scale in scales.items() if scale < NOTICEABLE]
    coarse = [place for place, scale in scales.items() if scale > COARSE]
    grey = [place for place, source in sources.items() if source.colour and not film.colour]
    lossy = [place for place, source in sources.items() if source.lossy]
    advice = []
    if shrunk:
        values = _range([scales[place] * 100 for place in shrunk])
        advice.append(Advice(Level.WARN, "shrunk", _numbers(shrunk), values))
    if grey:
        advice.append(Advice(Level.WARN, "colour-lost", _numbers(grey)))
    if coarse:
        advice.append(Advice(Level.INFO, "enlarged", _numbers(coarse), _range([scales[at] for at in coarse])))
    if lossy:
        advice.append(Advice(Level.INFO, "lossy", _numbers(lossy)))
    return advice


def _numbers(places: Sequence[int]) -> tuple[int, ...]:
    return tuple(place + 1 for place in places)


def _range(values: Sequence[float]) -> dict[str, str | int | float]:
    return {"least": round(min(values)), "most": round(max(values))}
