"""What a presentation state draws over a frame, and how it lays the frame out (PS3.3 C.10.4 to C.10.6).

``marks_of`` gives lines and captions for a page to draw; ``presented_picture`` cuts and turns display values
for film and burns them in. Both come from the same outlines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from archive.dicom.presentation.records import (
    Annotation,
    Area,
    Colour,
    Graphic,
    Point,
    PresentationState,
    Shape,
    Text,
    Units,
    meant_for,
)
from archive.imaging.font import line_font

Array = npt.NDArray[Any]
DEFAULT_COLOUR: Final[Colour] = (255, 224, 102)  # of layers that recommend none
_CURVE: Final = 72  # points of a circle or ellipse
_BETWEEN: Final = 12  # points between two of an interpolated line


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; a lone point is a dot."""

    points: tuple[Point, ...]
    units: Units
    closed: bool
    filled: bool
    colour: Colour


@dataclass(frozen=True, slots=True)
class Caption:
    """A text in its layer's colour."""

    text: Text
    colour: Colour


Mark = Line | Caption


def area_of(state: PresentationState, sop_instance_uid: str, frame: int) -> Area | None:
    """The displayed area of a frame; None: all of it."""
    return next(iter(meant_for(state.areas, sop_instance_uid, frame)), None)


def marks_of(state: PresentationState, sop_instance_uid: str, frame: int) -> tuple[Mark, ...]:
    """What is drawn over a frame, in the order of the layers."""
    return marks_drawn(state, meant_for(state.annotations, sop_instance_uid, frame))


def marks_drawn(state: PresentationState, annotations: Sequence[Annotation]) -> tuple[Mark, ...]:
    """The marks of these annotations; those of a layer that is not described come last."""
    order = {layer.name: place for place, layer in reversed(list(enumerate(state.layers)))}
    colours = {layer.name: layer.colour for layer in state.layers}
    marks: list[Mark] = []
    for one in sorted(annotations, key=lambda found: order.get(found.layer, len(order))):
        colour = colours.get(one.layer) or DEFAULT_COLOUR
        marks += [line_of(graphic, colour) for graphic in one.graphics]
        marks += [Caption(text, colour) for text in one.texts]
    return tuple(marks)


def line_of(graphic: Graphic, colour: Colour) -> Line:
    points, closed = _OUTLINES[graphic.shape](graphic.points)
    filled = graphic.filled and (closed or points[0] == points[-1])
    return Line(tuple(points), graphic.units, closed, filled, colour)


_Outline = tuple[list[Point], bool]


def _point(points: Sequence[Point]) -> _Outline:
    return list(points[:1]), False


def _polyline(points: Sequence[Point]) -> _Outline:
    return list(points), False


def _circle(points: Sequence[Point]) -> _Outline:
    """Its centre, and a point on it."""
    (x, y), (u, v) = points[:2]
    radius = math.hypot(u - x, v - y)
    turns = [math.tau * step / _CURVE for step in range(_CURVE)]
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns], True


def _ellipse(points: Sequence[Point]) -> _Outline:
    """The ends of its longer axis, then of its shorter."""
    (a, b), (c, d), (e, f), (g, h) = points[:4]
    x, y = (a + c) / 2, (b + d) / 2
    long, short = ((c - a) / 2, (d - b) / 2), ((g - e) / 2, (h - f) / 2)
    turns = [math.tau * step / _CURVE for step in range(_CURVE)]
    return [
        (
            x + long[0] * math.cos(turn) + short[0] * math.sin(turn),
            y + long[1] * math.cos(turn) + short[1] * math.sin(turn),
        )
        for turn in turns
    ], True


def _interpolated(points: Sequence[Point]) -> _Outline:
    """A smooth curve through all points; the standard leaves open which (a Catmull-Rom spline here)."""
    ends = points[0] == points[-1] and len(points) > 3
    before, after = (points[-2], points[1]) if ends else (points[0], points[-1])
    padded = [before, *points, after]
    curve: list[Point] = []
    for place in range(len(points) - 1):
        curve += [_between(padded[place : place + 4], step / _BETWEEN) for step in range(_BETWEEN)]
    return [*curve, points[-1]], False


def _between(four: Sequence[Point], t: float) -> Point:
    weights = (
        -0.5 * t**3 + t**2 - 0.5 * t,
        1.5 * t**3 - 2.5 * t**2 + 1,
        -1.5 * t**3 + 2 * t**2 + 0.5 * t,
        0.5 * t**3 - 0.5 * t**2,
    )
    x, y = (sum(w * point[axis] for w, point in zip(weights, four, strict=True)) for axis in (0, 1))
    return x, y


_OUTLINES: Final[dict[Shape, Callable[[Sequence[Point]], _Outline]]] = {
    Shape.POINT: _point,
    Shape.POLYLINE: _polyline,
    Shape.INTERPOLATED: _interpolated,
    Shape.CIRCLE: _circle,
    Shape.ELLIPSE: _ellipse,
}


# --- burning ---


@dataclass(frozen=True, slots=True)
class _Place:
    """From stored pixels to the pixels of the laid-out picture."""

    box: tuple[float, float, float, float]  # of the frame, in stored pixels
    size: tuple[int, int]  # of the laid-out picture
    rotation: int
    flip: bool

    def of(self, point: Point, units: Units) -> Point:
        x, y = point if units is Units.DISPLAY else self._turned(point)
        return x * self.size[0], y * self.size[1]

    def _turned(self, point: Point) -> Point:
        left, top, right, bottom = self.box
        x, y = (point[0] - left) / (right - left), (point[1] - top) / (bottom - top)
        for _ in range(self.rotation // 90):
            x, y = 1 - y, x
        return (1 - x if self.flip else x), y


def presented_picture(
    values: Array,
    state: PresentationState,
    sop_instance_uid: str,
    frame: int,
    full_size: tuple[int, int],
    *,
    bits: int = 8,
) -> Array:
    """A whole frame cut to the displayed area, rotated and flipped, with what is drawn over it.

    ``full_size`` is the frame's columns and rows as stored. Outside the frame the area is black. Greys stay
    greys: colours of layers become their brightness.
    """
    area = area_of(state, sop_instance_uid, frame)
    box = _fitting(area, full_size)
    laid = turned(_cut(values, box, full_size), state.rotation, flip=state.flip)
    place = _Place(box, (laid.shape[1], laid.shape[0]), state.rotation, state.flip)
    return _burned(laid, marks_of(state, sop_instance_uid, frame), place, (1 << bits) - 1)


def turned(values: Array, rotation: int, *, flip: bool) -> Array:
    """Rotated clockwise by quarters, then flipped left to right (PS3.3 C.10.6)."""
    laid = np.rot90(values, -(rotation // 90))
    return np.ascontiguousarray(laid[:, ::-1] if flip else laid)


def _fitting(area: Area | None, full_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The area, as far as it has anything to do with the frame."""
    columns, rows = full_size
    whole = (0, 0, columns, rows)
    if area is None:
        return whole
    left, top, right, bottom = area.box
    apart = left >= columns or top >= rows or right <= 0 or bottom <= 0
    return whole if apart or right - left > 8 * columns or bottom - top > 8 * rows else area.box


def _cut(values: Array, box: tuple[int, int, int, int], full_size: tuple[int, int]) -> Array:
    across, down = values.shape[1] / full_size[0], values.shape[0] / full_size[1]
    left, right = round(box[0] * across), round(box[2] * across)
    top, bottom = round(box[1] * down), round(box[3] * down)
    cut = np.zeros((max(1, bottom - top), max(1, right - left), *values.shape[2:]), values.dtype)
    part = values[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    at_y, at_x = max(0, -top), max(0, -left)
    cut[at_y : at_y + part.shape[0], at_x : at_x + part.shape[1]] = part
    return cut


def _burned(values: Array, marks: Sequence[Mark], place: _Place, top: int) -> Array:
    size = (values.shape[1], values.shape[0])
    result = values.astype(np.float32)
    width = max(1, round(max(size) / 600))
    for mark in marks:
        rim, ink = Image.new("L", size), Image.new("L", size)
        for layer, wider in ((rim, 2 * width), (ink, 0)):
            pen = ImageDraw.Draw(layer)
            if isinstance(mark, Line):
                _line_put(pen, mark, place, width + wider)
            else:
                _caption_put(pen, mark.text, place, width + wider, wider)
        _ink_put(result, np.asarray(rim), 0, mark.colour)
        _ink_put(result, np.asarray(ink), top, mark.colour)
    return np.clip(np.rint(result), 0, top).astype(values.dtype)


def _ink_put(result: Array, mask: Array, top: int, colour: Colour) -> None:
    share = mask.astype(np.float32) / 255
    if result.ndim == 2:
        grey = top * (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255
        result += share * (grey - result)
    else:
        tint = np.array(colour, np.float32) * (top / 255)
        result += share[:, :, None] * (tint - result)


def _line_put(pen: ImageDraw.ImageDraw, line: Line, place: _Place, width: int) -> None:
    points = [place.of(point, line.units) for point in line.points]
    if len(points) == 1:
        (x, y), radius = points[0], 2 * width
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        return
    if line.filled:
        pen.polygon(points, fill=255)
    for pair in pairwise([*points, points[0]] if line.closed else points):
        pen.line(pair, fill=255, width=width)


def _caption_put(pen: ImageDraw.ImageDraw, text: Text, place: _Place, width: int, rim: int) -> None:
    size = max(12, round(max(place.size) / 45))
    font = line_font(size)
    corners = sorted_corners(text, place.of)
    x, y = corners[0]
    align = {"CENTER": "center", "RIGHT": "right"}.get(text.justification, "left")
    for place_of_line, written in enumerate(text.text.split("\n")):
        shift = (corners[1][0] - x - font.getlength(written)) * {"center": 0.5, "right": 1.0}.get(align, 0.0)
        at = (x + (shift if text.box else 0), y + place_of_line * size * 1.2)
        pen.text(at, written, font=font, fill=255, stroke_width=rim // 2)
    if text.anchor is not None and text.anchor_visible and text.box is not None:
        end = place.of(text.anchor, text.anchor_units)
        near = (min(max(end[0], x), corners[1][0]), min(max(end[1], y), corners[1][1]))
        pen.line((near, end), fill=255, width=width)


def sorted_corners(text: Text, of: Callable[[Point, Units], Point]) -> tuple[Point, Point]:
    """Upper left and lower right corner of a text's box as laid out; else its anchor twice."""
    if text.box is None:
        point = of(text.anchor or (0, 0), text.anchor_units)
        return point, point
    (a, b), (c, d) = (of(point, text.box_units) for point in text.box)
    return (min(a, c), min(b, d)), (max(a, c), max(b, d))
