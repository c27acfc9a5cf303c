"""Graphic layers and annotations of a presentation state (PS3.3 C.10.5, C.10.7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from archive.dicom.header import Values
from archive.dicom.presentation.records import (
    Annotation,
    Colour,
    Graphic,
    Layer,
    Point,
    Reference,
    Shape,
    Text,
    Units,
)
from archive.dicom.tags import tag
from archive.dicom.values import clip

__all__ = ["Annotation", "annotation", "lab_colour", "lab_of", "layers"]

_MOST: Final = 2000  # graphics or texts of one annotation
_MOST_POINTS: Final = 20_000  # of one graphic
_MOST_TEXT: Final = 1024  # PS3.5 6.2, ST
_RETIRED_RGB: Final = tag("GraphicLayerRecommendedDisplayRGBValue")


def layers(values: Values) -> Iterator[Layer]:
    """The layers, those drawn first (the lowest order) first."""
    found = [_layer(item) for item in values.items(tag("GraphicLayerSequence"))[:_MOST]]
    yield from sorted(found, key=lambda layer: layer.order)


def _layer(item: Values) -> Layer:
    colour = lab_colour(item.integers(tag("GraphicLayerRecommendedDisplayCIELabValue")))
    rgb = item.integers(_RETIRED_RGB)
    grey = item.integer(tag("GraphicLayerRecommendedDisplayGrayscaleValue"))
    if colour is None and len(rgb) == 3:
        colour = (_eight(rgb[0]), _eight(rgb[1]), _eight(rgb[2]))
    if colour is None and grey is not None:
        colour = (_eight(grey),) * 3
    return Layer(
        name=clip(item.text(tag("GraphicLayer")), 16),
        order=item.integer(tag("GraphicLayerOrder")) or 0,
        colour=colour,
        description=clip(item.text(tag("GraphicLayerDescription"))),
    )


def _eight(value: int) -> int:
    return min(max(value, 0), 0xFFFF) * 255 // 0xFFFF


def annotation(item: Values, references: tuple[Reference, ...]) -> Annotation:
    graphics = (_graphic(one) for one in item.items(tag("GraphicObjectSequence"))[:_MOST])
    texts = (_text(one) for one in item.items(tag("TextObjectSequence"))[:_MOST])
    return Annotation(
        references=references,
        layer=clip(item.text(tag("GraphicLayer")), 16),
        graphics=tuple(graphic for graphic in graphics if graphic is not None),
        texts=tuple(text for text in texts if text is not None),
    )


_LEAST_POINTS: Final = {
    Shape.POINT: 1,
    Shape.POLYLINE: 2,
    Shape.INTERPOLATED: 2,
    Shape.CIRCLE: 2,
    Shape.ELLIPSE: 4,
}


def _graphic(item: Values) -> Graphic | None:
    """The graphic, or None for a shape nobody knows or one with too few points to be drawn."""
    kind = item.text(tag("GraphicType")).upper()
    units = _units(item, "GraphicAnnotationUnits")
    numbers = item.floats(tag("GraphicData"))[: 2 * _MOST_POINTS]
    points = tuple(zip(numbers[::2], numbers[1::2], strict=False))
    if kind not in set(Shape) or units is None or len(points) < _LEAST_POINTS[Shape(kind)]:
        return None
    return Graphic(Shape(kind), points, units, item.text(tag("GraphicFilled")).upper() == "Y")


def _text(item: Values) -> Text | None:
    text = item.text(tag("UnformattedTextValue"))[:_MOST_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    box_units, anchor_units = (
        _units(item, "BoundingBoxAnnotationUnits"),
        _units(item, "AnchorPointAnnotationUnits"),
    )
    first, last = (
        _point(item, "BoundingBoxTopLeftHandCorner"),
        _point(item, "BoundingBoxBottomRightHandCorner"),
    )
    anchor = _point(item, "AnchorPoint") if anchor_units else None
    box = (first, last) if first and last and box_units else None
    if not text or (box is None and anchor is None):
        return None
    return Text(
        text=text,
        box=box,
        box_units=box_units or Units.PIXEL,
        justification=item.text(tag("BoundingBoxTextHorizontalJustification")).upper() or "LEFT",
        anchor=anchor,
        anchor_units=anchor_units or Units.PIXEL,
        anchor_visible=item.text(tag("AnchorPointVisibility")).upper() == "Y",
    )


def _units(item: Values, keyword: str) -> Units | None:
    text = item.text(tag(keyword)).upper()
    return Units(text) if text in set(Units) else None


def _point(item: Values, keyword: str) -> Point | None:
    numbers = item.floats(tag(keyword))
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def lab_colour(encoded: Sequence[int]) -> Colour | None:
    """sRGB of a CIELab value in 16 bits (PS3.3 C.10.7.1.1: L* 0..100, a* and b* -128..127, white D50)."""
    if len(encoded) != 3:
        return None
    lightness, a, b = (
        encoded[0] * 100 / 0xFFFF,
        encoded[1] * 255 / 0xFFFF - 128,
        encoded[2] * 255 / 0xFFFF - 128,
    )
    fy = (lightness + 16) / 116
    x, y, z = (
        white * (f**3 if f > 6 / 29 else 3 * (6 / 29) ** 2 * (f - 4 / 29))
        for white, f in zip(_D50, (fy + a / 500, fy, fy - b / 200), strict=True)
    )
    red, green, blue = (_companded(p * x + q * y + r * z) for p, q, r in _TO_RGB)
    return red, green, blue


def lab_of(colour: Colour) -> list[int]:
    """The reverse of ``lab_colour``."""
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    xyz = [sum(p * c for p, c in zip(row, linear, strict=True)) for row in _FROM_RGB]
    f = [_lab_f(value / white) for value, white in zip(xyz, _D50, strict=True)]
    lab = ((116 * f[1] - 16) / 100, (500 * (f[0] - f[1]) + 128) / 255, (200 * (f[1] - f[2]) + 128) / 255)
    return [min(max(round(part * 0xFFFF), 0), 0xFFFF) for part in lab]


def _lab_f(t: float) -> float:
    return float(t ** (1 / 3)) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29


def _companded(linear: float) -> int:
    linear = min(max(linear, 0.0), 1.0)
    value = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(255 * float(value))


_D50: Final = (0.9642, 1.0, 0.8251)
# Linear sRGB and XYZ of white D50 (adapted by Bradford's method).
_TO_RGB: Final = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)
_FROM_RGB: Final = (
    (0.4360747, 0.3850649, 0.1430804),
    (0.2225045, 0.7168786, 0.0606169),
    (0.0139322, 0.0971045, 0.7141733),
)
