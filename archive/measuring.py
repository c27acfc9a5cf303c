"""Measuring in an image: what was drawn, against the values and sizes that are stored in its file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from archive.dicom.reader import Unreadable, read_header
from archive.imaging.calibration import Basis, Calibration, Refusal, Scale, calibration_read, scale_at
from archive.imaging.greyscale import Greyscale, full_range_window, modality_values
from archive.imaging.measure import (
    Mask,
    Place,
    Statistics,
    angle,
    cobb,
    ellipse_area,
    ellipse_mask,
    length,
    rectangle_area,
    rectangle_mask,
    statistics,
)
from archive.imaging.raster import Raster
from archive.models import Instance
from archive.placing import frames_placed
from archive.rendering import FrameUnavailable, frame_stored
from archive.storage import NotStored, file_open


class Shape(StrEnum):
    """What can be drawn, told by the number of its places."""

    LENGTH = "length"
    ANGLE = "angle"
    COBB = "cobb"
    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"
    PROBE = "probe"
    ARROW = "arrow"
    TEXT = "text"


PLACES: Final = {
    Shape.LENGTH: 2,
    Shape.ANGLE: 3,
    Shape.COBB: 4,
    Shape.RECTANGLE: 2,
    Shape.ELLIPSE: 2,
    Shape.PROBE: 1,
    Shape.ARROW: 2,
    Shape.TEXT: 1,
}
Stored = tuple[Raster, Greyscale, Mask | None]  # and where they count, if not everywhere
_MASKS: Final = {Shape.RECTANGLE: rectangle_mask, Shape.ELLIPSE: ellipse_mask}
_AREAS: Final = {Shape.RECTANGLE: rectangle_area, Shape.ELLIPSE: ellipse_area}


@dataclass(frozen=True, slots=True)
class Measured:
    """What came out. ``number``: length, angle or area in ``unit``; without one, ``refusal`` says why."""

    basis: Basis
    number: float | None = None
    unit: str = ""
    refusal: Refusal | None = None
    statistics: Statistics | None = None
    channels: tuple[Statistics, ...] = ()  # red, green and blue of a colour image, 0..255
    value_unit: str = ""
    window: tuple[float, float] | None = None  # centre, width: the range of the region
    rgb: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What there is, for a page."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", ())}


def frame_measure(*, instance: Instance, frame: int, shape: Shape, places: Sequence[Place]) -> Measured:
    """Measure what was drawn on a frame (1-based). Raises FrameUnavailable; a refusal is no error."""
    calibration = _calibration(instance, frame)
    return _measured(
        shape, places, calibration, lambda: (*frame_stored(instance=instance, frame=frame), None)
    )


def plane_measure(
    *, raster: Raster, greyscale: Greyscale, steps: tuple[float, float], shape: Shape, places: Sequence[Place]
) -> Measured:
    """Measure what was drawn on a plane of a reformat; ``steps`` is mm a pixel (down, along).

    What lies outside the volume does not count.
    """
    shut = raster.layers.shut if raster.layers else None
    inside = None if shut is None else shut == 0
    return _measured(shape, places, Calibration(Basis.SPACING, steps), lambda: (raster, greyscale, inside))


def _measured(
    shape: Shape,
    places: Sequence[Place],
    calibration: Calibration,
    stored: Callable[[], Stored],
) -> Measured:
    scale = scale_at(calibration, _marked(shape, places))
    match shape:
        case Shape.LENGTH:
            if isinstance(scale, Refusal):
                return Measured(calibration.basis, refusal=scale)
            return Measured(scale.basis, length(places[0], places[1], scale.size), scale.unit or "px")
        case Shape.ANGLE | Shape.COBB:
            return _angle(shape, places, scale, calibration)
        case Shape.RECTANGLE | Shape.ELLIPSE:
            return _region(shape, places, scale, calibration, stored())
        case Shape.PROBE:
            return _probe(places[0], calibration, *stored())
    return Measured(calibration.basis)


def _marked(shape: Shape, places: Sequence[Place]) -> Sequence[Place]:
    """The places that must lie in one region: all corners of what is drawn between two."""
    if shape not in _MASKS:
        return places
    (x0, y0), (x1, y1) = places
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _calibration(instance: Instance, frame: int) -> Calibration:
    spacing = _frame_spacing(instance, frame)
    try:
        with file_open(instance.file_key) as file:
            return calibration_read(read_header(file), spacing)
    except Unreadable as error:
        raise FrameUnavailable("broken-header", error.detail) from error
    except NotStored as error:
        raise FrameUnavailable("not-stored", str(error)) from error
    except OSError as error:
        raise FrameUnavailable("unreadable", str(error)) from error


def _frame_spacing(instance: Instance, frame: int) -> tuple[float, float] | None:
    """Of a frame of several, from its functional groups (PS3.3 C.7.6.16.2.1)."""
    if instance.number_of_frames <= 1:
        return None
    for placed in frames_placed(instance=instance)[frame - 1 : frame]:
        if len(placed.spacing) == 2 and min(placed.spacing) > 0:
            return placed.spacing[0], placed.spacing[1]
    return None


def _angle(
    shape: Shape, places: Sequence[Place], scale: Scale | Refusal, calibration: Calibration
) -> Measured:
    """Angles need the shape of a pixel, not its size."""
    if isinstance(scale, Refusal):
        return Measured(calibration.basis, refusal=scale)
    if shape is Shape.COBB:
        found = cobb((places[0], places[1]), (places[2], places[3]), scale.size)
    else:
        found = angle((places[1], places[0]), (places[1], places[2]), scale.size)
    if found is None:
        return Measured(scale.basis, refusal=Refusal.NO_DIRECTION)
    return Measured(scale.basis, found, "°")


def _region(
    shape: Shape,
    places: Sequence[Place],
    scale: Scale | Refusal,
    calibration: Calibration,
    stored: Stored,
) -> Measured:
    """Values do not depend on sizes: they are told also where the area cannot be."""
    raster, greyscale, inside = stored
    width, height = raster.size
    mask = _MASKS[shape]((height, width), places[0], places[1])
    if inside is not None:
        mask &= inside
    found = None if raster.colour else _values_under(mask, raster, greyscale)
    window = None
    if found is not None:
        whole = full_range_window(found.low, found.high)
        window = (whole.center, whole.width)
    values = Measured(
        calibration.basis,
        statistics=found,
        channels=_channels(mask, raster),
        value_unit=greyscale.unit if found else "",
        window=window,
    )
    if isinstance(scale, Refusal):
        return replace(values, refusal=scale)
    area = _AREAS[shape](places[0], places[1], scale.size)
    empty = None if mask.any() else Refusal.EMPTY
    return replace(values, basis=scale.basis, number=area, unit=f"{scale.unit or 'px'}²", refusal=empty)


def _channels(mask: Mask, raster: Raster) -> tuple[Statistics, ...]:
    """Of each colour by itself; none for greys, and where no pixel is."""
    if not raster.colour:
        return ()
    found = (statistics(raster.pixels[:, :, channel], mask) for channel in range(3))
    return tuple(one for one in found if one is not None)


def _values_under(mask: Mask, raster: Raster, greyscale: Greyscale) -> Statistics | None:
    """Padding (PS3.3 C.7.5.1.1.2) is no image and does not count."""
    stored: npt.NDArray[Any] = raster.pixels[mask]
    if raster.indexed:
        stored = stored.astype(np.int64) + raster.low
    if greyscale.padding is not None:
        low, high = greyscale.padding
        stored = stored[(stored < low) | (stored > high)]
    values = modality_values(stored, greyscale)
    return statistics(values, np.ones(values.shape, dtype=np.bool_))


def _probe(
    place: Place, calibration: Calibration, raster: Raster, greyscale: Greyscale, inside: Mask | None
) -> Measured:
    width, height = raster.size
    column, row = int(place[0] // 1), int(place[1] // 1)
    if not (0 <= column < width and 0 <= row < height) or (inside is not None and not inside[row, column]):
        return Measured(calibration.basis, refusal=Refusal.EMPTY)
    if raster.colour:
        return Measured(calibration.basis, rgb=tuple(int(part) for part in raster.pixels[row, column]))
    mask = np.zeros((height, width), dtype=np.bool_)
    mask[row, column] = True
    value = _values_under(mask, raster, greyscale)
    if value is None:
        return Measured(calibration.basis, refusal=Refusal.EMPTY)
    return Measured(calibration.basis, value.mean, greyscale.unit)
