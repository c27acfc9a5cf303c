"""What a viewer shows beside an image and needs to draw it right, as values that JSON can hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

from pydicom.uid import (
    HEVCM10P51,
    HEVCMP51,
    MPEG2MPHL,
    MPEG2MPML,
    MPEG4HP41,
    MPEG4HP41BD,
    MPEG4HP42STEREO,
    MPEG4HP422D,
    MPEG4HP423D,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

from archive.dicom import values
from archive.dicom.header import Header, Values
from archive.dicom.tags import tag

Floats = tuple[float, ...]

_SHARED: Final = tag("SharedFunctionalGroupsSequence")
_PER_FRAME: Final = tag("PerFrameFunctionalGroupsSequence")
_REGIONS: Final = tag("SequenceOfUltrasoundRegions")
_GROUPS: Final = {
    name: tag(name)
    for name in (
        "PixelMeasuresSequence",
        "PlaneOrientationSequence",
        "PlanePositionSequence",
        "FrameVOILUTSequence",
        "PixelValueTransformationSequence",
        "FrameAnatomySequence",
    )
}
# Syntaxes that lose something by design; JPEG 2000 and HTJ2K lose something or not, and say so in the header.
_LOSSY: Final = frozenset(
    str(uid)
    for uid in (
        JPEGBaseline8Bit,
        JPEGExtended12Bit,
        JPEGLSNearLossless,
        MPEG2MPML,
        MPEG2MPHL,
        MPEG4HP41,
        MPEG4HP41BD,
        MPEG4HP422D,
        MPEG4HP423D,
        MPEG4HP42STEREO,
        HEVCMP51,
        HEVCM10P51,
    )
)
_CENTIMETRES: Final = 3  # PS3.3 C.8.5.5.1.15
_MOST_TIMES: Final = 4096
_EVEN: Final = 0.02  # times that differ by less are the same rate
_2D: Final = 1  # PS3.3 C.8.5.5.1.1


@dataclass(frozen=True, slots=True)
class DisplayFacts:
    """Facts of the first frame. Absent numbers are None, absent texts and lists empty."""

    photometric_interpretation: str = ""
    samples: int = 1
    bits_allocated: int | None = None
    bits_stored: int | None = None
    signed: bool = False
    windows: tuple[tuple[float, float, str], ...] = ()  # centre, width, explanation
    voi_function: str = ""
    rescale: tuple[float, float, str] | None = None  # slope, intercept, type
    pixel_spacing: Floats | None = None  # rows, columns; mm
    spacing_basis: str = ""  # pixel | imager | nominal | region: where pixel_spacing comes from
    aspect: tuple[int, int] | None = None  # vertical, horizontal size of a pixel
    image_position: Floats | None = None
    image_orientation: Floats | None = None
    patient_orientation: tuple[str, ...] = ()
    slice_thickness: float | None = None
    slice_spacing: float | None = None
    slice_location: float | None = None
    regions: tuple[tuple[float, ...], ...] = ()  # ultrasound: x0, y0, x1, y1, mm per column, mm per row
    lossy: bool = False
    lossy_ratio: float | None = None
    frame_time_ms: float | None = None
    frame_times_ms: Floats = ()  # how long each frame stands, where they differ
    kvp: float | None = None
    exposure_mas: float | None = None
    exposure_time_ms: float | None = None
    tube_current_ma: float | None = None
    repetition_time_ms: float | None = None
    echo_time_ms: float | None = None
    inversion_time_ms: float | None = None
    field_strength_t: float | None = None
    flip_angle: float | None = None
    kernel: str = ""
    contrast: str = ""
    image_type: tuple[str, ...] = ()
    image_comments: str = ""
    acquisition_date: str = ""
    acquisition_time: str = ""
    content_date: str = ""
    content_time: str = ""
    acquisition_number: int | None = None
    laterality: str = ""
    view_position: str = ""
    patient_position: str = ""
    burned_in_annotation: bool = False

    def as_json(self) -> dict[str, Any]:
        """The facts that there are: None, empty and False left out."""
        named = ((name, getattr(self, name)) for name in _NAMES)
        return {name: value for name, value in named if value not in (None, "", (), False)}


_NAMES: Final = tuple(field.name for field in fields(DisplayFacts))

_SAMPLES, _PHOTOMETRIC = tag("SamplesPerPixel"), tag("PhotometricInterpretation")
_BITS_ALLOCATED, _BITS_STORED = tag("BitsAllocated"), tag("BitsStored")
_REPRESENTATION = tag("PixelRepresentation")
_CENTER, _WIDTH, _EXPLANATION = tag("WindowCenter"), tag("WindowWidth"), tag("WindowCenterWidthExplanation")
_VOI_FUNCTION = tag("VOILUTFunction")
_SLOPE, _INTERCEPT, _RESCALE_TYPE = tag("RescaleSlope"), tag("RescaleIntercept"), tag("RescaleType")
_PIXEL_SPACING, _IMAGER_SPACING = tag("PixelSpacing"), tag("ImagerPixelSpacing")
_NOMINAL_SPACING, _ASPECT = tag("NominalScannedPixelSpacing"), tag("PixelAspectRatio")
_POSITION, _ORIENTATION = tag("ImagePositionPatient"), tag("ImageOrientationPatient")
_PATIENT_ORIENTATION = tag("PatientOrientation")
_THICKNESS, _LOCATION = tag("SliceThickness"), tag("SliceLocation")
_SLICE_SPACING = tag("SpacingBetweenSlices")
_LOSSY_FLAG, _LOSSY_RATIO = tag("LossyImageCompression"), tag("LossyImageCompressionRatio")
_FRAME_TIME, _FRAME_TIMES = tag("FrameTime"), tag("FrameTimeVector")
_CINE_RATE, _DISPLAY_RATE = tag("CineRate"), tag("RecommendedDisplayFrameRate")
_KVP, _EXPOSURE, _EXPOSURE_TIME = tag("KVP"), tag("Exposure"), tag("ExposureTime")
_TUBE_CURRENT, _REPETITION, _ECHO = tag("XRayTubeCurrent"), tag("RepetitionTime"), tag("EchoTime")
_INVERSION, _FIELD, _FLIP = tag("InversionTime"), tag("MagneticFieldStrength"), tag("FlipAngle")
_KERNEL, _CONTRAST, _IMAGE_TYPE = tag("ConvolutionKernel"), tag("ContrastBolusAgent"), tag("ImageType")
_COMMENTS, _ACQUISITION_NUMBER = tag("ImageComments"), tag("AcquisitionNumber")
_ACQUISITION_DATE, _ACQUISITION_TIME = tag("AcquisitionDate"), tag("AcquisitionTime")
_ACQUISITION_DATE_TIME = tag("AcquisitionDateTime")
_CONTENT_DATE, _CONTENT_TIME = tag("ContentDate"), tag("ContentTime")
_IMAGE_LATERALITY, _LATERALITY = tag("ImageLaterality"), tag("Laterality")
_FRAME_LATERALITY = tag("FrameLaterality")
_VIEW_POSITION, _PATIENT_POSITION = tag("ViewPosition"), tag("PatientPosition")
_BURNED_IN = tag("BurnedInAnnotation")
_X0, _Y0 = tag("RegionLocationMinX0"), tag("RegionLocationMinY0")
_X1, _Y1 = tag("RegionLocationMaxX1"), tag("RegionLocationMaxY1")
_DELTA_X, _DELTA_Y = tag("PhysicalDeltaX"), tag("PhysicalDeltaY")
_UNITS_X, _UNITS_Y = tag("PhysicalUnitsXDirection"), tag("PhysicalUnitsYDirection")
_SPATIAL_FORMAT = tag("RegionSpatialFormat")


class _Frame:
    """A header with the functional groups of its first frame laid over it (PS3.3 C.7.6.16)."""

    def __init__(self, header: Header) -> None:
        self.top = header.values
        self.groups: dict[str, Values] = {}
        if _SHARED in header or _PER_FRAME in header:
            for sequence in (_PER_FRAME, _SHARED):
                for frame in self.top.items(sequence)[:1]:
                    for name, group in _GROUPS.items():
                        for item in frame.items(group)[:1]:
                            self.groups.setdefault(name, item)

    def of(self, group: str, wanted: int) -> Values:
        """Where to look for an attribute: the functional group if it is there, else the top level."""
        found = self.groups.get(group)
        return found if found is not None and wanted in found else self.top


def facts_of(header: Header) -> DisplayFacts:
    """The display facts of an object. Whatever cannot be read is left out."""
    frame, top = _Frame(header), header.values
    spacing, basis = _spacing(frame)
    regions = _regions(top) if _REGIONS in top else ()
    if spacing is None and len(regions) == 1:
        spacing, basis = (regions[0][5], regions[0][4]), "region"
    date, time = _acquisition(top)
    return DisplayFacts(
        photometric_interpretation=values.clip(top.text(_PHOTOMETRIC).upper(), 16),
        samples=top.integer(_SAMPLES) or 1,
        bits_allocated=top.integer(_BITS_ALLOCATED),
        bits_stored=top.integer(_BITS_STORED),
        signed=top.integer(_REPRESENTATION) == 1,
        windows=tuple(_windows(frame)),
        voi_function=values.clip(frame.of("FrameVOILUTSequence", _CENTER).text(_VOI_FUNCTION), 16),
        rescale=_rescale(frame),
        pixel_spacing=spacing,
        spacing_basis=basis,
        aspect=_aspect(top),
        image_position=_vector(frame.of("PlanePositionSequence", _POSITION), _POSITION, 3),
        image_orientation=_vector(frame.of("PlaneOrientationSequence", _ORIENTATION), _ORIENTATION, 6),
        patient_orientation=_short_texts(top, _PATIENT_ORIENTATION, 2),
        slice_thickness=frame.of("PixelMeasuresSequence", _THICKNESS).decimal(_THICKNESS),
        slice_spacing=frame.of("PixelMeasuresSequence", _SLICE_SPACING).decimal(_SLICE_SPACING),
        slice_location=top.decimal(_LOCATION),
        regions=regions,
        lossy=top.text(_LOSSY_FLAG) == "01" or header.transfer_syntax_uid in _LOSSY,
        lossy_ratio=next(reversed(top.floats(_LOSSY_RATIO)), None),
        frame_time_ms=_frame_time(top),
        frame_times_ms=_frame_times(top),
        image_type=_short_texts(top, _IMAGE_TYPE, 8),
        image_comments=values.clip(top.text(_COMMENTS)),
        acquisition_date=date,
        acquisition_time=time,
        content_date=values.date(top.text(_CONTENT_DATE)),
        content_time=values.time(top.text(_CONTENT_TIME)),
        acquisition_number=top.integer(_ACQUISITION_NUMBER),
        laterality=_laterality(frame),
        view_position=values.clip(top.text(_VIEW_POSITION), 16),
        patient_position=values.clip(top.text(_PATIENT_POSITION), 16),
        burned_in_annotation=top.text(_BURNED_IN) == "YES",
        **_technique(top),
    )


_NUMBERS: Final = {
    "kvp": _KVP,
    "exposure_mas": _EXPOSURE,
    "exposure_time_ms": _EXPOSURE_TIME,
    "tube_current_ma": _TUBE_CURRENT,
    "repetition_time_ms": _REPETITION,
    "echo_time_ms": _ECHO,
    "inversion_time_ms": _INVERSION,
    "field_strength_t": _FIELD,
    "flip_angle": _FLIP,
}


def _technique(top: Values) -> dict[str, Any]:
    found: dict[str, Any] = {name: top.decimal(number) for name, number in _NUMBERS.items() if number in top}
    found["kernel"] = values.clip(top.text(_KERNEL), 64)
    found["contrast"] = values.clip(top.text(_CONTRAST), 64)
    return found


def _windows(frame: _Frame) -> Iterator[tuple[float, float, str]]:
    """PS3.3 C.11.2.1.2: pairs; a width of 0 or less means nothing and is left out."""
    source = frame.of("FrameVOILUTSequence", _CENTER)
    centers, widths = source.floats(_CENTER), source.floats(_WIDTH)
    names = source.texts(_EXPLANATION)
    for index, (center, width) in enumerate(zip(centers[:16], widths[:16], strict=False)):
        if width > 0:
            yield center, width, values.clip(names[index], 64) if index < len(names) else ""


def _rescale(frame: _Frame) -> tuple[float, float, str] | None:
    source = frame.of("PixelValueTransformationSequence", _SLOPE)
    slope, intercept = source.decimal(_SLOPE), source.decimal(_INTERCEPT)
    if slope is None or intercept is None:
        return None
    return slope, intercept, values.clip(source.text(_RESCALE_TYPE), 16)


def _spacing(frame: _Frame) -> tuple[Floats | None, str]:
    """PS3.3 10.7.1.3: Pixel Spacing that only repeats the imager's is not corrected for magnification."""
    imager = _positive(frame.top, _IMAGER_SPACING)
    pixel = _positive(frame.of("PixelMeasuresSequence", _PIXEL_SPACING), _PIXEL_SPACING)
    if pixel is not None and pixel != imager:
        return pixel, "pixel"
    if imager is not None:
        return imager, "imager"
    nominal = _positive(frame.top, _NOMINAL_SPACING)
    return nominal, "nominal" if nominal else ""


def _positive(source: Values, wanted: int) -> Floats | None:
    found = _vector(source, wanted, 2)
    return found if found is not None and min(found) > 0 else None


def _vector(source: Values, wanted: int, length: int) -> Floats | None:
    found = source.floats(wanted)
    return tuple(found) if len(found) == length else None


def _aspect(top: Values) -> tuple[int, int] | None:
    found = top.integers(_ASPECT)
    if len(found) != 2 or min(found) <= 0 or found[0] == found[1]:
        return None
    return found[0], found[1]


def _regions(top: Values) -> tuple[tuple[float, ...], ...]:
    """Two-dimensional regions measured in centimetres (PS3.3 C.8.5.5)."""
    found = []
    for region in top.items(_REGIONS):
        units = region.integer(_UNITS_X), region.integer(_UNITS_Y)
        numbers = [region.decimal(wanted) for wanted in (_X0, _Y0, _X1, _Y1, _DELTA_X, _DELTA_Y)]
        if units != (_CENTIMETRES, _CENTIMETRES) or region.integer(_SPATIAL_FORMAT) != _2D:
            continue
        known = [number for number in numbers if number is not None]
        if len(known) == 6 and known[4] and known[5]:
            found.append((*known[:4], abs(known[4]) * 10, abs(known[5]) * 10))
    return tuple(found)


def _frame_time(top: Values) -> float | None:
    """PS3.3 C.7.6.5: a time a frame, times frame by frame (their mean), or a rate."""
    time = top.decimal(_FRAME_TIME)
    if time and time > 0:
        return time
    times = [time for time in top.floats(_FRAME_TIMES) if time > 0]
    if times:
        return sum(times) / len(times)
    rate = top.decimal(_DISPLAY_RATE) or top.decimal(_CINE_RATE)
    return 1000 / rate if rate and rate > 0 else None


def _frame_times(top: Values) -> Floats:
    """PS3.3 C.7.6.5: an entry is the time since the frame before: a frame stands as long as the next says."""
    if (top.decimal(_FRAME_TIME) or 0) > 0:
        return ()
    since = top.floats(_FRAME_TIMES)[:_MOST_TIMES]
    stands = since[1:]
    if not stands or min(stands) <= 0 or max(stands) - min(stands) <= _EVEN * max(stands):
        return ()
    return (*stands, sum(stands) / len(stands))  # nothing is said of the last: as long as most


def _acquisition(top: Values) -> tuple[str, str]:
    date, time = values.date(top.text(_ACQUISITION_DATE)), values.time(top.text(_ACQUISITION_TIME))
    if not date and _ACQUISITION_DATE_TIME in top:
        moment = top.text(_ACQUISITION_DATE_TIME).split("+")[0].split("-")[0]
        date, time = values.date(moment), values.time(moment[8:])
    return date, time


def _laterality(frame: _Frame) -> str:
    anatomy = frame.groups.get("FrameAnatomySequence")
    found = anatomy.text(_FRAME_LATERALITY) if anatomy else ""
    return values.clip(found or frame.top.text(_IMAGE_LATERALITY) or frame.top.text(_LATERALITY), 16)


def _short_texts(source: Values, wanted: int, most: int) -> tuple[str, ...]:
    return tuple(values.clip(text, 64) for text in source.texts(wanted)[:most])
