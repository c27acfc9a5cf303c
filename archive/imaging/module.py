"""Greyscale, palette and lookup tables out of a Dataset: image modules and functional groups, PS3.3 C."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from pydicom.dataset import Dataset

from archive.imaging.colour import Palette, to_8_bits
from archive.imaging.description import PixelDescription, PixelKind
from archive.imaging.greyscale import Greyscale
from archive.imaging.lenient import bytes_of, float_of, floats_of, items_of, many_of, text_of
from archive.imaging.lut import Lut, lut_parsed, segments_expanded
from archive.imaging.params import Undecodable, VoiFunction, Window

_COLOURS = ("Red", "Green", "Blue")
_FUNCTIONS = frozenset(VoiFunction)
_MAX_PER_FRAME = 100_000


def greyscales_read(dataset: Dataset, d: PixelDescription, frames: int) -> tuple[Greyscale, ...]:
    """One for the object, or one for each frame where functional groups say so (PS3.3 C.7.6.16.2)."""
    shared = next(iter(items_of(dataset, "SharedFunctionalGroupsSequence")), None)
    plain = _refined(Greyscale(), [dataset, *_groups(shared)])
    modality_lut = next(
        (_lut(item, signed=d.signed) for item in items_of(dataset, "ModalityLUTSequence")), None
    )
    object_wide = dataclasses.replace(
        plain,
        modality_lut=modality_lut,
        voi_luts=_voi_luts(dataset, signed=_voi_input_signed(d, plain, modality_lut)),
        inverse=d.photometric == "MONOCHROME1",
        padding=_padding(dataset, d),
        declared=_declared(d),
    )
    per_frame = items_of(dataset, "PerFrameFunctionalGroupsSequence")[: min(frames, _MAX_PER_FRAME)]
    groups = [_groups(item) for item in per_frame]
    if not any(groups):
        return (object_wide,)
    return tuple(_refined(object_wide, found) for found in groups)


def _groups(item: Dataset | None) -> list[Dataset]:
    """The functional groups that bear on greys: Pixel Value Transformation, Frame VOI LUT."""
    if item is None:
        return []
    keywords = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
    return [group for keyword in keywords for group in items_of(item, keyword)[:1]]


def _refined(greyscale: Greyscale, levels: list[Dataset]) -> Greyscale:
    """With what the levels say; the innermost comes last and wins."""
    for level in levels:
        greyscale = dataclasses.replace(
            greyscale,
            slope=float_of(level, "RescaleSlope", 0.0) or greyscale.slope,
            intercept=float_of(level, "RescaleIntercept", greyscale.intercept),
            unit=text_of(level, "RescaleType") or greyscale.unit,
            windows=_windows(level) or greyscale.windows,
        )
    return greyscale


def _windows(level: Dataset) -> tuple[Window, ...]:
    """Pairs of Window Center and Window Width; widths of zero and less mean nothing, PS3.3 C.11.2.1.2."""
    centers, widths = floats_of(level, "WindowCenter"), floats_of(level, "WindowWidth")
    explanations = [str(text) for text in many_of(level, "WindowCenterWidthExplanation")]
    name = text_of(level, "VOILUTFunction").upper()
    function = VoiFunction(name) if name in _FUNCTIONS else VoiFunction.LINEAR
    pairs = zip(centers, widths, strict=False)
    return tuple(
        Window(center, width, function, explanations[i] if i < len(explanations) else "")
        for i, (center, width) in enumerate(pairs)
        if width > 0 and math.isfinite(center) and math.isfinite(width)
    )


def _voi_input_signed(d: PixelDescription, greyscale: Greyscale, modality_lut: Lut | None) -> bool:
    """PS3.3 C.11.2.1.1: the first value mapped is signed when the output of the modality step can be."""
    if modality_lut is not None:
        return False
    lowest = -(1 << max(0, d.bits_stored - 1)) if d.signed else 0
    return lowest * greyscale.slope + greyscale.intercept < 0


def _voi_luts(dataset: Dataset, *, signed: bool) -> tuple[Lut, ...]:
    luts = (_lut(item, signed=signed) for item in items_of(dataset, "VOILUTSequence")[:32])
    return tuple(lut for lut in luts if lut is not None)


def _lut(item: Dataset, *, signed: bool) -> Lut | None:
    descriptor = _descriptor(item, "LUTDescriptor")
    data, big_endian = bytes_of(item, "LUTData")
    if descriptor is None or not data:
        return None
    try:
        return lut_parsed(
            descriptor,
            data,
            signed=signed,
            big_endian=big_endian,
            explanation=text_of(item, "LUTExplanation"),
        )
    except Undecodable:
        return None


def palette_read(dataset: Dataset, d: PixelDescription) -> Palette | None:
    """The Palette Color Lookup Tables of a PALETTE COLOR image; raises Undecodable when they are missing."""
    if d.photometric != "PALETTE COLOR":
        return None
    columns, first = [], 0
    for colour in _COLOURS:
        descriptor = _descriptor(dataset, f"{colour}PaletteColorLookupTableDescriptor")
        if descriptor is None:
            raise Undecodable("palette", f"no {colour} descriptor")
        lut = _palette_lut(dataset, colour, descriptor, signed=d.signed)
        columns.append(to_8_bits(lut.data, 16 if lut.bits > 8 else 8))
        first = lut.first
    length = min(len(column) for column in columns)
    return Palette(first, np.stack([column[:length] for column in columns], axis=1))


def _palette_lut(dataset: Dataset, colour: str, descriptor: tuple[int, int, int], *, signed: bool) -> Lut:
    data, big_endian = bytes_of(dataset, f"{colour}PaletteColorLookupTableData")
    if data:
        return lut_parsed(descriptor, data, signed=signed, big_endian=big_endian)
    data, big_endian = bytes_of(dataset, f"Segmented{colour}PaletteColorLookupTableData")
    if not data:
        raise Undecodable("palette", f"no {colour} data")
    entries = segments_expanded(data, wide=descriptor[2] > 8, big_endian=big_endian)
    return lut_parsed(descriptor, entries.astype("<u2").tobytes(), signed=signed)


def _padding(dataset: Dataset, d: PixelDescription) -> tuple[float, float] | None:
    """Pixel Padding Value and Range Limit as stored values, PS3.3 C.7.5.1.1.2."""
    value = float_of(dataset, "PixelPaddingValue", math.nan)
    if math.isnan(value):
        return None
    limit = float_of(dataset, "PixelPaddingRangeLimit", value)
    low, high = sorted(_as_stored(number, d) for number in (value, limit))
    return low, high


def _as_stored(value: float, d: PixelDescription) -> float:
    """Written as US though the pixels are signed, or the reverse: the same bits."""
    if d.signed and value > 32767 and d.bits_allocated == 16:
        return value - 65536
    return value + 65536 if not d.signed and value < 0 else value


def _declared(d: PixelDescription) -> tuple[float, float] | None:
    if d.kind is not PixelKind.INTEGER:
        return None
    half = 1 << (d.bits_stored - 1)
    return (-half, half - 1) if d.signed else (0, 2 * half - 1)


def _descriptor(item: Dataset, keyword: str) -> tuple[int, int, int] | None:
    values = many_of(item, keyword)
    try:
        return (int(values[0]), int(values[1]), int(values[2])) if len(values) == 3 else None
    except (TypeError, ValueError):
        return None
