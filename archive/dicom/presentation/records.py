"""What a softcopy presentation state says (PS3.3 A.33, C.10, C.11), as frozen records.

Coordinates are (column, row). An empty tuple of references means all images of the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

Point = tuple[float, float]
Colour = tuple[int, int, int]

GREYSCALE: Final = "1.2.840.10008.5.1.4.1.1.11.1"
COLOR: Final = "1.2.840.10008.5.1.4.1.1.11.2"
# Both need a blending or palette step behind the greys, which no picture here has.
NOT_APPLIED: Final = {
    "1.2.840.10008.5.1.4.1.1.11.3": "pseudo-color",
    "1.2.840.10008.5.1.4.1.1.11.4": "blending",
    "1.2.840.10008.5.1.4.1.1.11.5": "xa-xrf",
    "1.2.840.10008.5.1.4.1.1.11.8": "blending",
}
CLASSES: Final = frozenset({GREYSCALE, COLOR, *NOT_APPLIED})


class PresentationUnreadable(Exception):
    """The object is no presentation state, or none that can be applied: a slug, and a detail for the log."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Reference:
    """An image, or some frames (1-based) of it; no frames: all of them (PS3.3 Table 10-3)."""

    sop_instance_uid: str
    frames: tuple[int, ...] = ()
    sop_class_uid: str = ""
    series_instance_uid: str = ""

    def covers(self, sop_instance_uid: str, frame: int) -> bool:
        return self.sop_instance_uid == sop_instance_uid and (not self.frames or frame in self.frames)


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup table as written: descriptor, and data as little-endian words (bytes when packed)."""

    descriptor: tuple[int, int, int]
    data: bytes
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Modality:
    """Modality LUT Module, PS3.3 C.11.1. Without one the stored values are the modality values."""

    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    table: Table | None = None


STORED_VALUES: Final = Modality()


@dataclass(frozen=True, slots=True)
class Voi:
    """An item of Softcopy VOI LUT Sequence, PS3.3 C.11.8: a window or a table."""

    references: tuple[Reference, ...] = ()
    center: float = 0.0
    width: float = 0.0
    function: str = "LINEAR"
    explanation: str = ""
    table: Table | None = None


class SizeMode(StrEnum):
    """Presentation Size Mode (0070,0100), PS3.3 C.10.4."""

    FIT = "SCALE TO FIT"
    TRUE_SIZE = "TRUE SIZE"
    MAGNIFY = "MAGNIFY"


@dataclass(frozen=True, slots=True)
class Area:
    """An item of Displayed Area Selection Sequence, PS3.3 C.10.4.

    The corners are pixels counted from 1 in the image as stored, whatever its rotation; they may lie outside.
    """

    references: tuple[Reference, ...] = ()
    top_left: tuple[int, int] = (1, 1)
    bottom_right: tuple[int, int] = (1, 1)
    mode: SizeMode = SizeMode.FIT
    spacing: tuple[float, float] | None = None  # vertical, horizontal, in mm
    aspect: tuple[float, float] | None = None  # vertical, horizontal
    magnification: float | None = None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in stored pixels from 0, right and bottom exclusive."""
        (a, b), (c, d) = self.top_left, self.bottom_right
        return min(a, c) - 1, min(b, d) - 1, max(a, c), max(b, d)


class Units(StrEnum):
    """PS3.3 C.10.5.1.1: PIXEL from the corner of the first stored pixel, DISPLAY a part of the displayed
    area (0 to 1) after rotation and flip."""

    PIXEL = "PIXEL"
    DISPLAY = "DISPLAY"


class Shape(StrEnum):
    """Graphic Type (0070,0023), PS3.3 C.10.5.1.2."""

    POINT = "POINT"
    POLYLINE = "POLYLINE"
    INTERPOLATED = "INTERPOLATED"
    CIRCLE = "CIRCLE"
    ELLIPSE = "ELLIPSE"


@dataclass(frozen=True, slots=True)
class Graphic:
    shape: Shape
    points: tuple[Point, ...]
    units: Units = Units.PIXEL
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A text object: in a box, at an anchor, or both, with a line between them if ``anchor_visible``."""

    text: str
    box: tuple[Point, Point] | None = None
    box_units: Units = Units.PIXEL
    justification: str = "LEFT"
    anchor: Point | None = None
    anchor_units: Units = Units.PIXEL
    anchor_visible: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """A graphic layer, PS3.3 C.10.7: lower orders are drawn first. ``colour`` is sRGB of 8 bits."""

    name: str
    order: int = 0
    colour: Colour | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """An item of Graphic Annotation Sequence, PS3.3 C.10.5."""

    references: tuple[Reference, ...] = ()
    layer: str = ""
    graphics: tuple[Graphic, ...] = ()
    texts: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Plane:
    """An overlay plane of the state's own, PS3.3 C.9.2: ``bits`` fill bytes from below, row after row.

    ``top`` and ``left`` say where in the image its first pixel lies, from 0. ``region``: Overlay Type R.
    """

    group: int
    rows: int
    columns: int
    top: int
    left: int
    bits: bytes
    region: bool = False


@dataclass(frozen=True, slots=True)
class Shutter:
    """Display Shutter, PS3.3 C.7.6.11 and C.7.6.15: what lies outside any of its shapes is covered.

    Coordinates are pixels counted from 1. ``grey`` is a P-Value of 16 bits. ``overlay_group`` is the plane of
    the state that covers what it marks.
    """

    rectangle: tuple[int, int, int, int] | None = None  # left, upper, right, lower edge
    circle: tuple[int, int, int] | None = None  # column and row of the centre, radius
    polygon: tuple[tuple[int, int], ...] = ()
    grey: int = 0
    colour: Colour | None = None
    overlay_group: int | None = None


@dataclass(frozen=True, slots=True)
class PresentationState:
    """A state whole. ``left_out`` names what it asks for and nothing here can do."""

    sop_class_uid: str
    sop_instance_uid: str
    references: tuple[Reference, ...]
    label: str = ""
    description: str = ""
    creator: str = ""
    created: str = ""  # YYYYMMDDHHMMSS, as far as it is known
    modality: Modality = STORED_VALUES
    vois: tuple[Voi, ...] = ()
    inverse: bool = False
    presentation_table: Table | None = None
    areas: tuple[Area, ...] = ()
    rotation: int = 0  # clockwise, before the flip
    flip: bool = False
    layers: tuple[Layer, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    shutter: Shutter | None = None
    overlays: tuple[tuple[int, str], ...] = ()  # groups of the overlay planes to show, and their layers
    planes: tuple[Plane, ...] = ()
    left_out: tuple[str, ...] = ()

    def speaks_of(self, sop_instance_uid: str, frame: int) -> bool:
        return any(one.covers(sop_instance_uid, frame) for one in self.references)

    @property
    def nbytes(self) -> int:
        """Roughly what is held."""
        tables = [self.presentation_table, self.modality.table, *(voi.table for voi in self.vois)]
        points = sum(len(graphic.points) for one in self.annotations for graphic in one.graphics)
        bits = sum(len(plane.bits) for plane in self.planes) + sum(len(t.data) for t in tables if t)
        return 4096 + 200 * len(self.references) + 100 * points + bits


Referring = TypeVar("Referring", Voi, Area, Annotation)


def meant_for(items: Sequence[Referring], sop_instance_uid: str, frame: int) -> list[Referring]:
    """The items that apply to this frame, in their order."""
    return [
        item
        for item in items
        if not item.references or any(one.covers(sop_instance_uid, frame) for one in item.references)
    ]
