"""Display shutters, PS3.3 C.7.6.11, C.7.6.15 and C.7.6.16.2.16: what of a frame is not to be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from archive.imaging.colour import lab_rgb
from archive.imaging.lenient import float_of, floats_of, items_of, many_of

Mask = npt.NDArray[np.bool_]
_MAX_FRAMES = 100_000
_MAX_VERTICES = 4096


@dataclass(frozen=True, slots=True)
class Shutter:
    """Shapes in rows and columns that count from 1; what any of them shuts off is shut.

    ``grey`` is a P-value (0..65535), ``rgb`` the tone on colour pictures where one is named.
    """

    rectangle: tuple[float, float, float, float] | None = None  # left, right, upper, lower
    circle: tuple[float, float, float] | None = None  # row, column, radius along a row
    polygon: tuple[tuple[float, float], ...] = ()  # row, column
    overlay_group: int | None = None
    grey: int = 0
    rgb: tuple[int, int, int] | None = None

    @property
    def shuts(self) -> bool:
        return bool(self.rectangle or self.circle or self.polygon or self.overlay_group)


def shutters_read(dataset: Dataset, frames: int) -> tuple[Shutter | None, ...]:
    """None at all, one for the object, or one for each frame where functional groups say so."""
    shared = _of_group(items_of(dataset, "SharedFunctionalGroupsSequence")[:1])
    whole = shutter_read(dataset) or (shared[0] if shared else None)
    own = _of_group(items_of(dataset, "PerFrameFunctionalGroupsSequence")[: min(frames, _MAX_FRAMES)])
    if any(own):
        return tuple(shutter or whole for shutter in own)
    return (whole,) if whole else ()


def _of_group(items: Sequence[Dataset]) -> list[Shutter | None]:
    groups = (items_of(item, "FrameDisplayShutterSequence")[:1] for item in items)
    return [shutter_read(group[0]) if group else None for group in groups]


def shutter_read(level: Dataset) -> Shutter | None:
    """The shutter of a data set or item; None when nothing is shut, or it is not said what."""
    shapes = {str(shape).strip().upper() for shape in many_of(level, "ShutterShape")}
    if not shapes:
        return None
    group = int(float_of(level, "ShutterOverlayGroup", 0)) if "BITMAP" in shapes else 0
    lab = floats_of(level, "ShutterPresentationColorCIELabValue")
    shutter = Shutter(
        rectangle=_rectangle(level) if "RECTANGULAR" in shapes else None,
        circle=_circle(level) if "CIRCULAR" in shapes else None,
        polygon=_polygon(level) if "POLYGONAL" in shapes else (),
        overlay_group=group or None,
        grey=min(65535, max(0, int(float_of(level, "ShutterPresentationValue", 0)))),
        rgb=lab_rgb((lab[0], lab[1], lab[2])) if len(lab) == 3 else None,
    )
    return shutter if shutter.shuts else None


def _rectangle(level: Dataset) -> tuple[float, float, float, float] | None:
    names = ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
    left, right, upper, lower = (float_of(level, f"Shutter{name}Edge", np.nan) for name in names)
    return None if np.isnan([left, right, upper, lower]).any() else (left, right, upper, lower)


def _circle(level: Dataset) -> tuple[float, float, float] | None:
    center, radius = (
        floats_of(level, "CenterOfCircularShutter"),
        float_of(level, "RadiusOfCircularShutter", 0),
    )
    return (center[0], center[1], radius) if len(center) == 2 and radius > 0 else None


def _polygon(level: Dataset) -> tuple[tuple[float, float], ...]:
    numbers = floats_of(level, "VerticesOfThePolygonalShutter")[: 2 * _MAX_VERTICES]
    vertices = tuple(zip(numbers[::2], numbers[1::2], strict=False))
    return vertices if len(vertices) >= 3 else ()


def shut_mask(
    shutter: Shutter, shape: tuple[int, int], aspect: tuple[float, float], bitmaps: Mapping[int, Mask]
) -> Mask | None:
    """The pixels of a frame of ``shape`` (rows, columns) that are shut off; None if there are none.

    ``aspect`` is the (vertical, horizontal) size of a pixel: a circle is round in life. ``bitmaps`` are the
    overlays by group, of which a bitmap shutter is one.
    """
    shut = np.zeros(shape, np.bool_)
    rows, columns = np.arange(1, shape[0] + 1)[:, None], np.arange(1, shape[1] + 1)[None, :]
    if shutter.rectangle is not None:
        left, right, upper, lower = shutter.rectangle
        shut |= (columns < left) | (columns > right) | (rows < upper) | (rows > lower)
    if shutter.circle is not None:
        row, column, radius = shutter.circle
        vertical = (rows - row) * (aspect[0] / aspect[1])
        shut |= vertical**2 + (columns - column) ** 2 > radius**2
    if shutter.polygon:
        seen = Image.new("1", (shape[1], shape[0]))
        corners = [(_near(column) - 1, _near(row) - 1) for row, column in shutter.polygon]
        ImageDraw.Draw(seen).polygon(corners, fill=1, outline=1)
        shut |= ~np.asarray(seen)
    if shutter.overlay_group is not None and shutter.overlay_group in bitmaps:
        shut |= bitmaps[shutter.overlay_group]
    return shut if shut.any() else None


def _near(place: float) -> float:
    """Corners may lie outside the frame, but not so far that drawing takes long."""
    return min(131072.0, max(-65536.0, place))
