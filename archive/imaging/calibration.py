"""What a pixel of an image measures, and on whose word: PS3.3 10.7 and C.8.5.5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from archive.dicom.header import Header, Values
from archive.dicom.tags import tag
from archive.imaging.measure import Place


class Basis(StrEnum):
    """Why a length is in millimetres, or why it is not."""

    SPACING = "spacing"  # Pixel Spacing of an image whose planes lie in the patient (CT, MR and the like)
    FIDUCIAL = "fiducial"  # Pixel Spacing, calibrated with something of known size
    GEOMETRY = "geometry"  # Pixel Spacing, corrected for an assumed or measured magnification
    MAGNIFICATION = "magnification"  # the detector's spacing divided by the magnification that is told
    DETECTOR = "detector"  # Imager Pixel Spacing: lengths in the patient are shorter
    NOMINAL = "nominal"  # of a scanned film or a photograph
    REGION = "region"  # an ultrasound region's physical delta
    NONE = "none"  # pixels only


class Refusal(StrEnum):
    """Why there is no value."""

    TWO_REGIONS = "two-regions"
    OUTSIDE_REGIONS = "outside-regions"  # partly in a region, partly in none
    OTHER_UNITS = "other-units"  # the region measures something else than lengths
    EMPTY = "empty"  # no pixel's middle lies inside
    NO_DIRECTION = "no-direction"  # an arm of an angle has no length


@dataclass(frozen=True, slots=True)
class Region:
    """An ultrasound region (PS3.3 C.8.5.5): its bounds in pixels, both last ones inside, and its deltas.

    ``delta`` is what a pixel is (down, along) in ``units`` (down, along): mm, s, cm/s ... or nothing known.
    """

    left: float
    top: float
    right: float
    bottom: float
    delta: tuple[float, float]
    units: tuple[str, str]

    def holds(self, place: Place) -> bool:
        return self.left <= place[0] <= self.right + 1 and self.top <= place[1] <= self.bottom + 1

    @property
    def pixels(self) -> float:
        return (self.right - self.left + 1) * (self.bottom - self.top + 1)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one image. ``spacing`` is mm a pixel (down a column, along a row); None: pixels only."""

    basis: Basis
    spacing: tuple[float, float] | None = None
    aspect: tuple[float, float] = (
        1.0,
        1.0,
    )  # of a pixel (vertical, horizontal), where only the shape is known
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """What holds where something was drawn: ``size`` of a pixel (down, along), in ``unit``.

    Without a unit lengths are in pixels: in widths of one, where it is not square.
    """

    basis: Basis
    size: tuple[float, float]
    unit: str


_PIXEL, _IMAGER = tag("PixelSpacing"), tag("ImagerPixelSpacing")
_NOMINAL, _ASPECT = tag("NominalScannedPixelSpacing"), tag("PixelAspectRatio")
_TYPE, _MAGNIFICATION = tag("PixelSpacingCalibrationType"), tag("EstimatedRadiographicMagnificationFactor")
_MEASURES = tag("PixelMeasuresSequence")
_GROUPS = (tag("PerFrameFunctionalGroupsSequence"), tag("SharedFunctionalGroupsSequence"))
_REGIONS = tag("SequenceOfUltrasoundRegions")
_X0, _Y0 = tag("RegionLocationMinX0"), tag("RegionLocationMinY0")
_X1, _Y1 = tag("RegionLocationMaxX1"), tag("RegionLocationMaxY1")
_DELTA_X, _DELTA_Y = tag("PhysicalDeltaX"), tag("PhysicalDeltaY")
_UNITS_X, _UNITS_Y = tag("PhysicalUnitsXDirection"), tag("PhysicalUnitsYDirection")
# PS3.3 C.8.5.5.1.15; centimetres are said in millimetres.
_UNITS = {1: "%", 2: "dB", 3: "mm", 4: "s", 5: "Hz", 6: "dB/s", 7: "cm/s", 8: "cm²", 9: "cm²/s", 0xC: "°"}


def calibration_read(header: Header, spacing: tuple[float, float] | None = None) -> Calibration:
    """What the header says of sizes; what it does not say is not guessed.

    ``spacing`` is the Pixel Spacing of one frame, where it has one of its own.
    """
    top = header.values
    aspect = _pair(top, _ASPECT) or (1.0, 1.0)
    regions = tuple(found for item in top.items(_REGIONS) if (found := _region(item)))
    pixel, imager = spacing or _pixel_spacing(top), _pair(top, _IMAGER)
    kind = top.text(_TYPE).upper()
    if regions:
        return Calibration(Basis.REGION, regions=regions, aspect=aspect)
    if pixel is not None and pixel != imager:
        named = {"FIDUCIAL": Basis.FIDUCIAL, "GEOMETRY": Basis.GEOMETRY}
        # Beside an Imager Pixel Spacing another Pixel Spacing is a corrected one, type told or not.
        return Calibration(named.get(kind, Basis.GEOMETRY if imager else Basis.SPACING), pixel)
    if imager is not None:
        factor = top.decimal(_MAGNIFICATION) or 0.0
        if factor > 1:
            return Calibration(Basis.MAGNIFICATION, (imager[0] / factor, imager[1] / factor))
        return Calibration(Basis.DETECTOR, imager)
    nominal = _pair(top, _NOMINAL)
    if nominal is not None:
        return Calibration(Basis.NOMINAL, nominal)
    return Calibration(Basis.NONE, aspect=aspect)


def scale_at(calibration: Calibration, places: Sequence[Place]) -> Scale | Refusal:
    """What holds for something drawn through these places: one region's scale, never a mixture of two."""
    pixels = Scale(Basis.NONE, (calibration.aspect[0] / calibration.aspect[1], 1.0), "")
    if calibration.basis is not Basis.REGION:
        return Scale(calibration.basis, calibration.spacing, "mm") if calibration.spacing else pixels
    holding = [tuple(r for r in calibration.regions if r.holds(place)) for place in places]
    shared = [region for region in holding[0] if all(region in found for found in holding)]
    if shared:
        # Regions may lie in one another: the smaller one is what was drawn in.
        region = min(shared, key=lambda one: one.pixels)
        if region.units[0] == region.units[1] == "mm":
            return Scale(Basis.REGION, region.delta, "mm")
        return Refusal.OTHER_UNITS
    if not any(holding):
        return pixels
    return Refusal.TWO_REGIONS if all(holding) else Refusal.OUTSIDE_REGIONS


def _pixel_spacing(top: Values) -> tuple[float, float] | None:
    """Of the image, or of its functional groups (PS3.3 C.7.6.16.2.1): those of the first frame."""
    for sequence in _GROUPS:
        for frame in top.items(sequence)[:1]:
            for measures in frame.items(_MEASURES)[:1]:
                if (found := _pair(measures, _PIXEL)) is not None:
                    return found
    return _pair(top, _PIXEL)


def _pair(source: Values, wanted: int) -> tuple[float, float] | None:
    found = source.floats(wanted)
    return (found[0], found[1]) if len(found) == 2 and min(found) > 0 else None


def _region(item: Values) -> Region | None:
    """One whose bounds can be read; its deltas count only with units."""
    bounds = [item.decimal(wanted) for wanted in (_X0, _Y0, _X1, _Y1)]
    known = [number for number in bounds if number is not None]
    if len(known) != 4 or known[2] < known[0] or known[3] < known[1]:
        return None
    delta = [abs(item.decimal(wanted) or 0.0) for wanted in (_DELTA_Y, _DELTA_X)]
    units = [_UNITS.get(item.integer(wanted) or 0, "") for wanted in (_UNITS_Y, _UNITS_X)]
    sizes = [size * 10 if unit == "mm" else size for size, unit in zip(delta, units, strict=True)]
    if not all(sizes):
        units = ["", ""]
    left, top, right, bottom = known
    return Region(left, top, right, bottom, (sizes[0], sizes[1]), (units[0], units[1]))
