"""The one pipeline: screen, thumbnail and film are the same functions over the same frame.

``raster_read`` (file to stored values) -> ``Raster.resized`` (smaller, still stored values) -> ``picture``
(modality, VOI, presentation; then shutter and overlays). Each step's result can be kept; only the last
depends on the window.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from archive.imaging.colour import grey_from_rgb, palette_rgb, tinted, to_8_bits
from archive.imaging.decode import frame_values, values_and_words
from archive.imaging.geometry import Size, fitted_size
from archive.imaging.greyscale import Chosen, Greyscale, display_values, modality_values, voi_chosen, windowed
from archive.imaging.layers import layers_of
from archive.imaging.params import EncodingFormat, Undecodable, View, Window
from archive.imaging.presenting import covered, presented
from archive.imaging.raster import Raster, raster_from
from archive.imaging.source import ImageSource, frame_read

Array = npt.NDArray[Any]


def raster_read(source: ImageSource, pixels: BinaryIO, frame: int) -> Raster:
    """The frame (0-based) decoded, palettes and deep colour made into 8-bit RGB."""
    stored = frame_read(source, pixels, frame)
    d = source.description
    words = None
    if any(overlay.embedded for overlay in source.overlays):
        values, words = values_and_words(stored, d)
    else:
        values = frame_values(stored, d)
    shape = values.shape[0], values.shape[1]
    if source.palette is not None and values.ndim == 2:
        values = palette_rgb(values, source.palette)
    if values.ndim == 3 and values.dtype.itemsize > 1:
        values = to_8_bits(values, d.bits_stored if d.bits_stored > 8 else values.dtype.itemsize * 8)
    segmentation = source.segmentation
    # A segment that fills its frame must not turn black for want of contrast.
    known_range = (0, 1) if d.bits_allocated == 1 else None
    if segmentation is not None and not segmentation.label_map:
        known_range = (0, segmentation.maximum)
    raster = raster_from(values, source.greyscale(frame).padding, known_range)
    if segmentation is not None and not raster.colour:
        raster = replace(raster, tint=segmentation.colour(frame))
    if source.overlays or source.shutters:
        layers = layers_of(
            source.overlays,
            source.shutter(frame),
            shape=shape,
            frame=frame,
            aspect=source.aspect,
            words=words,
        )
        raster = replace(raster, layers=layers)
    return raster if stored.complete else replace(raster, complete=False)


def picture_size(source: ImageSource, raster: Raster, box: Size | None) -> Size:
    """(width, height) at which the frame is shown in ``box``."""
    width, height = raster.size
    return fitted_size(width, height, source.aspect, box)


def picture(
    raster: Raster, greyscale: Greyscale, view: View, *, bits: int = 8, colour: bool = True
) -> tuple[Array, Window | None]:
    """Display values, and the window that made them (none for LUTs and untouched colour).

    Greys are 0..2^bits-1; RGB frames stay RGB when ``colour``, segments are shown in theirs, and grey frames
    stay two-dimensional.
    """
    values, window = _bare_picture(raster, greyscale, view, bits=bits, colour=colour)
    if raster.tint is not None and colour and values.dtype == np.uint8:
        values = tinted(values, raster.tint)
    depth = 8 if values.dtype == np.uint8 else bits
    values = covered(values, view, raster.full_size, depth)
    if raster.layers is not None:
        values = raster.layers.laid_over(values, view, bits=depth)
    return values, window


def _bare_picture(
    raster: Raster, greyscale: Greyscale, view: View, *, bits: int, colour: bool
) -> tuple[Array, Window | None]:
    if raster.colour:
        return _colour_picture(raster, view, bits=bits, colour=colour)
    values, window = _greys(raster, greyscale, view, bits=bits)
    if not raster.indexed:
        return values, window
    # The steps never exceed the table: "clip" only spares numpy a checking pass and a copy.
    return np.take(values, raster.pixels, mode="clip"), window


def _greys(raster: Raster, greyscale: Greyscale, view: View, *, bits: int = 8) -> tuple[Array, Window | None]:
    """Display values, and the window: of each step of an indexed raster, else of each pixel."""
    greyscale, chosen, inverse = grey_steps(raster, greyscale, view)
    lut = greyscale.presentation_lut
    display = partial(display_values, chosen=chosen, inverse=inverse, bits=bits, presentation_lut=lut)
    if not raster.indexed:
        values = modality_values(raster.pixels, greyscale)
        values = np.nan_to_num(values, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        return display(values), chosen.window
    steps = np.arange(raster.low, raster.low + raster.span + 1, dtype=np.int64)
    return display(modality_values(steps, greyscale)), chosen.window


def grey_parts(
    raster: Raster, greyscale: Greyscale, view: View, part: EncodingFormat
) -> tuple[bytes, Window | None]:
    """A picture in two parts, for a page that changes its window many times: ``table[steps]`` is ``picture``.

    STEPS: uint16, little endian, row by row, at the size of the raster, whatever the window. TABLE: the 8-bit
    grey of each step, from 0 to the highest, and the window that made them. Raises Undecodable("no-steps")
    where a picture is more than its greys: colour, overlays, shutters, values without a table.
    """
    look = view.presentation
    over = raster.layers is not None or (look is not None and bool(look.shutter or look.planes))
    if not raster.indexed or raster.colour or raster.tint is not None or over:
        raise Undecodable("no-steps")
    if part is EncodingFormat.STEPS:
        return raster.pixels.astype("<u2", copy=False).tobytes(), None
    table, window = _greys(raster, greyscale, view)
    return table.tobytes(), window


def grey_steps(raster: Raster | None, greyscale: Greyscale, view: View) -> tuple[Greyscale, Chosen, bool]:
    """What the view comes down to for a grey frame: its greys, the VOI step, and whether black is white.

    The raster is needed for a view of the full range only, see ``wants_range``.
    """
    if view.presentation is not None:
        greyscale = presented(greyscale, view.presentation)
    full_range = (0.0, 0.0) if raster is None else _full_range(raster, greyscale)
    chosen = voi_chosen(view, greyscale, full_range)
    return greyscale, chosen, greyscale.inverse != view.invert


def wants_range(greyscale: Greyscale, view: View) -> bool:
    """Whether the view depends on the values of the frame itself."""
    if view.presentation is not None:
        greyscale = presented(greyscale, view.presentation)
    return view.window is None and (view.auto or not (greyscale.windows or greyscale.voi_luts))


def _full_range(raster: Raster, greyscale: Greyscale) -> tuple[float, float]:
    """Lowest and highest modality value of the frame, padding left out."""
    low, high = raster.stored_range
    if greyscale.modality_lut is not None:
        between = np.arange(int(low), min(int(high), int(low) + 0x10000) + 1)
        values = modality_values(between, greyscale)
        return float(values.min()), float(values.max())
    ends = (low * greyscale.slope + greyscale.intercept, high * greyscale.slope + greyscale.intercept)
    return min(ends), max(ends)


def _colour_picture(raster: Raster, view: View, *, bits: int, colour: bool) -> tuple[Array, Window | None]:
    """Colour is shown as it is; a window asked for works on each of the three alike."""
    pixels = raster.pixels
    if view.window is not None or view.invert:
        table = np.arange(256, dtype=np.float64)
        if view.window is not None:
            table = np.clip(np.rint(windowed(table, view.window, 255)), 0, 255)
        if view.invert:
            table = 255 - table
        changed = pixels.tobytes().translate(table.astype(np.uint8).tobytes())
        pixels = np.frombuffer(changed, np.uint8).reshape(pixels.shape)
    if colour:
        return pixels, view.window
    grey: Array = grey_from_rgb(pixels)
    if bits > 8:
        grey = (grey.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
    return grey, view.window


def stored_value(raster: Raster, greyscale: Greyscale, x: int, y: int) -> dict[str, Any]:
    """What lies at column ``x``, row ``y`` (from 0) of the stored frame."""
    width, height = raster.size
    if not (0 <= x < width and 0 <= y < height):
        raise Undecodable("outside", f"{x}, {y} of {width} x {height}")
    if raster.colour:
        return {"rgb": [int(value) for value in raster.pixels[y, x]]}
    value = raster.pixels[y, x].item()
    if raster.indexed:
        value += raster.low
    modality = modality_values(np.array([value]), greyscale)[0].item()
    return {"stored": value, "value": modality, "unit": greyscale.unit}
