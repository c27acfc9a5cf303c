"""A waveform as pages of paper: which speed, gain and stretch of time a reader asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from archive.dicom.waveform import Annotation, Group, Waveform
from archive.imaging.traces import GAINS, PAGE_MM, SPEEDS, Sheet, sheet_drawn

_WORDED: Final = 200  # annotations listed in words


@dataclass(frozen=True, slots=True)
class Choice:
    value: float
    address: str
    on: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A multiplex group; without a ``sheet`` there is nothing that can be drawn."""

    number: int
    group: Group
    sheet: Sheet | None
    earlier: str
    later: str


@dataclass(frozen=True, slots=True)
class Paper:
    speed: float
    gain: float
    speeds: tuple[Choice, ...]
    gains: tuple[Choice, ...]
    pages: tuple[Page, ...]
    said: tuple[Annotation, ...]  # annotations about the whole, without a place in time
    convention: bool  # whether any channel is drawn in mm/mV


def sheets_of(waveform: Waveform, asked: Mapping[str, Any]) -> Paper:
    """Draw the groups: ``speed`` in mm/s, ``gain`` in mm/mV, group ``group`` from second ``from`` on.

    What is not asked for, or is none of the choices, is 25 mm/s, 10 mm/mV, and the beginning.
    """
    speed, gain = _one_of(asked, "speed", SPEEDS, 25.0), _one_of(asked, "gain", GAINS, 10.0)
    turned, start = int(_number(asked, "group")), _number(asked, "from")
    pages = tuple(
        _page(waveform, number, speed, gain, start if number == turned else 0.0)
        for number in range(1, len(waveform.groups) + 1)
    )
    kept = {"group": turned, "from": f"{start:g}"} if turned else {}
    return Paper(
        speed=speed,
        gain=gain,
        speeds=tuple(Choice(each, _query(kept, speed=each, gain=gain), each == speed) for each in SPEEDS),
        gains=tuple(Choice(each, _query(kept, speed=speed, gain=each), each == gain) for each in GAINS),
        pages=pages,
        said=tuple(each for each in waveform.annotations if not each.when.kind)[:_WORDED],
        convention=any(not trace.per_mm for page in pages if page.sheet for trace in page.sheet.traces),
    )


def _page(waveform: Waveform, number: int, speed: float, gain: float, start: float) -> Page:
    group = waveform.groups[number - 1]
    if group.problem:
        return Page(number, group, None, "", "")
    length = PAGE_MM / speed
    start = max(0.0, min(start, max(0.0, group.seconds - 1 / group.frequency)))
    sheet = sheet_drawn(group, waveform.annotations, number, speed=speed, gain=gain, start=start)
    shared: dict[str, Any] = {"group": number}
    earlier = later = ""
    if start > 0:
        earlier = _query(shared | {"from": f"{max(0.0, start - length):g}"}, speed=speed, gain=gain)
    if start + length < group.seconds - 1e-9:
        later = _query(shared | {"from": f"{start + length:g}"}, speed=speed, gain=gain)
    return Page(number, group, sheet, earlier, later)


def _query(kept: Mapping[str, Any], *, speed: float, gain: float) -> str:
    return "?" + urlencode({"speed": f"{speed:g}", "gain": f"{gain:g}", **kept})


def _number(asked: Mapping[str, Any], name: str) -> float:
    """A number of the address, 0 for anything that is none."""
    text = str(asked.get(name, ""))
    try:
        number = float(text) if len(text) < 20 and text.isascii() else 0.0
    except ValueError:
        return 0.0
    return number if 0 <= number < 1e9 else 0.0


def _one_of(asked: Mapping[str, Any], name: str, choices: tuple[float, ...], otherwise: float) -> float:
    number = _number(asked, name)
    return number if number in choices else otherwise
