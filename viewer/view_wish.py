"""What the viewer's page wants kept: JSON read into a typed wish, or a named error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from archive.dicom.presentation.records import Graphic, Point, Shape, Text
from archive.imaging.params import View
from viewer.protocol import ProtocolError, look_parse

MOST_TEXT: Final = 256 * 1024
MOST_MARKS: Final = 500
MOST_POINTS: Final = 5000
MOST_NAME: Final = 64  # of Content Description, PS3.5 6.2
_REACH: Final = 1 << 20  # of a coordinate
_ROTATIONS: Final = (0, 90, 180, 270)
_LEAST: Final = {
    Shape.POINT: 1,
    Shape.POLYLINE: 2,
    Shape.INTERPOLATED: 2,
    Shape.CIRCLE: 2,
    Shape.ELLIPSE: 4,
}


class WishError(ValueError):
    """The message cannot be taken; names the field."""


@dataclass(frozen=True, slots=True)
class ViewWish:
    """A view to be kept. ``series``: of all images of the series, not of the one on the screen alone."""

    name: str
    instance: int
    frame: int
    series: bool
    view: View
    box: tuple[int, int, int, int] | None
    magnification: float | None
    rotation: int
    flip: bool
    base: int
    graphics: tuple[Graphic, ...]
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class StarWish:
    instance: int
    frame: int
    on: bool


def message_read(body: bytes) -> Mapping[str, Any]:
    """The JSON object in the body of a request. Raises ``WishError``."""
    if len(body) > MOST_TEXT:
        raise WishError("message")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise WishError("message") from None
    if not isinstance(message, dict):
        raise WishError("message")
    return message


def star_parse(message: Mapping[str, Any]) -> StarWish:
    return StarWish(_whole(message, "instance", 1), _whole(message, "frame", 1), _yes(message, "on"))


def name_parse(message: Mapping[str, Any], field: str, most: int, *, required: bool) -> str:
    """A text a person typed, in one line."""
    text = message.get(field, "")
    if not isinstance(text, str) or len(text) > most:
        raise WishError(field)
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if required and not line:
        raise WishError(field)
    return line


def view_parse(message: Mapping[str, Any]) -> ViewWish:
    """Raises ``WishError`` with the name of the first field that is not as it has to be."""
    try:
        view = look_parse(dict(message))
    except ProtocolError as error:
        raise WishError(error.field) from None
    rotation = _whole(message, "rotation", 0)
    if rotation not in _ROTATIONS:
        raise WishError("rotation")
    return ViewWish(
        name=name_parse(message, "name", MOST_NAME, required=True),
        instance=_whole(message, "instance", 1),
        frame=_whole(message, "frame", 1),
        series=_yes(message, "series"),
        view=view,
        box=_box(message.get("box")),
        magnification=_magnification(message.get("magnification")),
        rotation=rotation,
        flip=_yes(message, "flip"),
        base=_whole(message, "base", 0),
        graphics=tuple(_graphic(one) for one in _many(message, "graphics")),
        texts=tuple(_text(one) for one in _many(message, "texts")),
    )


def _whole(message: Mapping[str, Any], field: str, least: int) -> int:
    value = message.get(field, 0)
    if type(value) is not int or not least <= value < 1 << 63:
        raise WishError(field)
    return value


def _yes(message: Mapping[str, Any], field: str) -> bool:
    value = message.get(field, False)
    if type(value) is not bool:
        raise WishError(field)
    return value


def _number(value: Any, field: str) -> float:
    if type(value) not in (int, float) or not -_REACH <= value <= _REACH:
        raise WishError(field)
    return float(value)


def _box(value: Any) -> tuple[int, int, int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise WishError("box")
    left, top, right, bottom = (round(_number(side, "box")) for side in value)
    if left >= right or top >= bottom:
        raise WishError("box")
    return left, top, right, bottom


def _magnification(value: Any) -> float | None:
    if value is None:
        return None
    number = _number(value, "magnification")
    if not 1 / 256 <= number <= 256:
        raise WishError("magnification")
    return number


def _many(message: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    found = message.get(field, [])
    if not isinstance(found, list) or len(found) > MOST_MARKS:
        raise WishError(field)
    if not all(isinstance(one, dict) for one in found):
        raise WishError(field)
    return found


def _graphic(item: Mapping[str, Any]) -> Graphic:
    name, points = item.get("shape"), item.get("points")
    if name not in set(Shape) or not isinstance(points, list) or len(points) > MOST_POINTS:
        raise WishError("graphics")
    shape = Shape(name)
    if len(points) < _LEAST[shape]:
        raise WishError("graphics")
    return Graphic(shape, tuple(_point(one, "graphics") for one in points), filled=item.get("filled") is True)


def _text(item: Mapping[str, Any]) -> Text:
    text, box, anchor = item.get("text"), item.get("box"), item.get("anchor")
    if not isinstance(text, str) or not text.strip() or len(text) > 1024 or (box is None and anchor is None):
        raise WishError("texts")
    if box is not None and (not isinstance(box, list) or len(box) != 2):
        raise WishError("texts")
    return Text(
        text=text,
        box=(_point(box[0], "texts"), _point(box[1], "texts")) if box else None,
        anchor=_point(anchor, "texts") if anchor is not None else None,
        anchor_visible=item.get("line") is True and anchor is not None,
    )


def _point(value: Any, field: str) -> Point:
    if not isinstance(value, list) or len(value) != 2:
        raise WishError(field)
    return _number(value[0], field), _number(value[1], field)
