"""Waveforms on paper: every length here is in millimetres, as on the strip of an electrocardiograph.

A second is ``speed`` mm long and a millivolt ``gain`` mm high. What is measured in another unit has no such
convention: each of its channels fills a strip of its own, and the strip says what its lines stand for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from archive.dicom.waveform import Annotation, Channel, Group

Array = npt.NDArray[Any]

SPEEDS: Final = (12.5, 25.0, 50.0)  # mm/s
GAINS: Final = (5.0, 10.0, 20.0)  # mm/mV
PAGE_MM: Final = 250.0  # of time on one page: ten seconds at 25 mm/s
LEFT: Final = 20.0  # before the first sample: names and the calibration pulse
_FINE: Final = 0.2  # mm; within a column of this width the least and the greatest value are drawn
_STRIP: Final = 40.0  # height of a strip without a convention
_ROOM: Final = 5.0  # above and below the greatest deflection
_REACH: Final = 45.0  # a deflection beyond this does not make its strip higher
_MILLIVOLTS: Final = {"V": 1000.0, "mV": 1.0, "uV": 1e-3, "µV": 1e-3, "μV": 1e-3, "nV": 1e-6}


@dataclass(frozen=True, slots=True)
class Trace:
    """One channel. ``path`` is for SVG; ``zero`` is how far down the line lies that stands for ``level``.

    ``per_mm`` is what a millimetre stands for in ``unit`` where the channel follows no convention, else 0.
    """

    name: str
    top: float
    height: float
    zero: float
    level: float
    unit: str
    per_mm: float
    path: str
    pulse: str


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of a group: ``start`` to ``stop`` are the seconds that are drawn."""

    width: float
    height: float
    traces: tuple[Trace, ...]
    marks: tuple[Mark, ...]
    seconds: tuple[Mark, ...]
    start: float
    stop: float


def sheet_drawn(
    group: Group, annotations: Sequence[Annotation], number: int, *, speed: float, gain: float, start: float
) -> Sheet:
    """Draw a page of a group without a problem, from second ``start`` on; ``number`` is its own, from 1."""
    first = min(max(0, math.floor(start * group.frequency)), max(0, group.samples.shape[1] - 1))
    stop = min(group.samples.shape[1], first + math.ceil(PAGE_MM / speed * group.frequency) + 1)
    step = speed / group.frequency
    top, traces = 0.0, []
    for index, channel in enumerate(group.channels):
        values = group.values(index, first, stop)
        trace = _trace(channel, values, channel.name or str(index + 1), top=top, step=step, gain=gain)
        traces.append(trace)
        top += trace.height
    drawn = (stop - first) / group.frequency
    at = first / group.frequency
    width = LEFT + math.ceil(max(drawn * speed, 50.0) / 5) * 5
    marks = _marks(group, annotations, number, (at, at + drawn), speed)
    seconds = tuple(
        Mark(round(LEFT + (second - at) * speed, 3), f"{second}")
        for second in range(math.ceil(at), math.floor(at + drawn) + 1)
    )
    return Sheet(width, top, tuple(traces), marks, seconds, at, at + drawn)


def _trace(channel: Channel, values: Array, name: str, *, top: float, step: float, gain: float) -> Trace:
    unit = channel.unit.value if channel.unit and channel.calibrated else ""
    factor = _MILLIVOLTS.get(unit)
    if factor is not None:
        up, level = values * factor * gain, 0.0
        centre = float(np.nanmedian(up)) if np.isfinite(up).any() else 0.0
        if abs(centre) > 20:  # a drifted baseline: the strip lies around it, and says so
            level = round(centre / gain, 2)
            up = up - level * gain
        per_mm = 0.0
    else:
        up, level, per_mm = _filling(values)
    above, below = _reach(up), _reach(-up)
    zero = top + above
    shown = channel.unit.text if channel.unit and channel.calibrated else ""
    pulse = f"M9 {_mm(zero)}h2v{_mm(-gain)}h5v{_mm(gain)}h2" if factor is not None and not level else ""
    path = _path(up, zero, step)
    return Trace(
        name, top, above + below, zero, level, "mV" if factor is not None else shown, per_mm, path, pulse
    )


def _filling(values: Array) -> tuple[Array, float, float]:
    """Heights that fill a strip: around ``level``, a millimetre being a round number of the unit."""
    known = values[np.isfinite(values)]
    if not known.size:
        return values, 0.0, 1.0
    least, most = float(known.min()), float(known.max())
    exact = max(most - least, 1e-12) / (_STRIP - 2 * _ROOM)
    scale = 10.0 ** math.floor(math.log10(exact))
    per_mm = next(scale * round_number for round_number in (1, 2, 5, 10) if scale * round_number >= exact)
    level = round((least + most) / 2 / per_mm) * per_mm
    return (values - level) / per_mm, level, per_mm


def _reach(up: Array) -> float:
    """Room on one side of the line, in whole squares of 5 mm."""
    known = up[np.isfinite(up)]
    reach = min(float(known.max()), _REACH) if known.size else 0.0
    return math.ceil((max(reach, 0.0) + _ROOM) / 5) * 5.0


def _path(up: Array, zero: float, step: float) -> str:
    """The curve. Where many samples share a column, its least and greatest are drawn: no peak is lost."""
    each = int(_FINE // step)
    if each > 2:
        places, heights = _columns(up, each)
    else:
        places, heights = np.arange(len(up), dtype=np.float64), up
    pieces: list[str] = []
    pen = "M"
    for x, y in zip((LEFT + places * step).tolist(), heights.tolist(), strict=True):
        if math.isnan(y):  # no sample: the pen is lifted
            pen = "M"
            continue
        pieces.append(f"{pen}{_mm(x)} {_mm(zero - y)}")
        pen = "L"
    return "".join(pieces)


def _columns(up: Array, each: int) -> tuple[Array, Array]:
    """For each column of ``each`` samples its least and greatest, in the order in which they come."""
    padded = np.full(-(-len(up) // each) * each, np.nan)
    padded[: len(up)] = up
    rows = padded.reshape(-1, each)
    least = np.argmin(np.where(np.isnan(rows), np.inf, rows), axis=1)
    most = np.argmax(np.where(np.isnan(rows), -np.inf, rows), axis=1)
    order = np.sort(np.stack([least, most], axis=1), axis=1)
    places = order + np.arange(len(rows))[:, None] * each
    return places.ravel().astype(np.float64), padded[places.ravel()]


def _mm(length: float) -> str:
    return f"{length:.2f}".rstrip("0").rstrip(".")


def _marks(
    group: Group, annotations: Sequence[Annotation], number: int, span: tuple[float, float], speed: float
) -> tuple[Mark, ...]:
    """Annotations of this group that have a place in time on this page."""
    found = []
    start, stop = span
    for annotation in annotations:
        if annotation.channels and all(of != number for of, _channel in annotation.channels):
            continue
        second = annotation.seconds(group)
        if second is not None and start <= second <= stop:
            name = annotation.concept.text if annotation.concept else annotation.text
            found.append(Mark(round(LEFT + (second - start) * speed, 2), name))
    return tuple(found)
