"""A presentation state made into what the pipeline needs: greys for one frame, and what lies over them.

Under a state the object's own modality and VOI transformations and its Photometric Interpretation count for
nothing: what the state leaves out is an identity (PS3.4 N.2.1).
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.dicom.presentation.records import (
    GREYSCALE,
    Plane,
    PresentationState,
    Shutter,
    Table,
    meant_for,
)
from archive.imaging.geometry import Size
from archive.imaging.greyscale import Greyscale, full_range_window, modality_values
from archive.imaging.layers import Layers, layers_of
from archive.imaging.lut import Lut, lut_parsed
from archive.imaging.overlays import Overlay
from archive.imaging.params import PresentationLook, View, VoiFunction, Window
from archive.imaging.shutter import Shutter as Shapes

Array = npt.NDArray[Any]


def look_of(state: PresentationState, sop_instance_uid: str, frame: int) -> PresentationLook:
    """What the state makes of the greys of a frame (1-based)."""
    voi = next(iter(meant_for(state.vois, sop_instance_uid, frame)), None)
    shown = [group for group, _ in state.overlays]
    own = {plane.group for plane in state.planes}
    covering = state.shutter.overlay_group if state.shutter else None
    return PresentationLook(
        modality=state.modality,
        # Looks are keys of caches: those of frames that are treated alike are to be equal.
        voi=dataclasses.replace(voi, references=()) if voi else None,
        inverse=state.inverse,
        table=state.presentation_table,
        shutter=state.shutter,
        overlay_groups=tuple(group for group in shown if group not in own),
        planes=tuple(plane for plane in state.planes if plane.group in (*shown, covering)),
        greys=state.sop_class_uid == GREYSCALE,
    )


def presented(greyscale: Greyscale, look: PresentationLook) -> Greyscale:
    """The greys of a frame under the look."""
    if not look.greys:
        return greyscale
    declared = greyscale.declared
    signed = declared is not None and declared[0] < 0
    modality = dataclasses.replace(
        greyscale,
        slope=look.modality.slope,
        intercept=look.modality.intercept,
        unit=look.modality.unit,
        modality_lut=_lut(look.modality.table, signed),
    )
    low, high = _modality_range(modality, declared)
    windows: tuple[Window, ...] = ()
    luts: tuple[Lut, ...] = ()
    if look.voi is not None and look.voi.table is not None:
        lut = _lut(look.voi.table, low < 0)
        luts = (lut,) if lut is not None else ()
    elif look.voi is not None:
        windows = (_window(look),)
    elif declared is not None:  # no VOI transformation: the whole range is shown as it is
        windows = (full_range_window(low, high),)
    return dataclasses.replace(
        modality,
        windows=windows,
        voi_luts=luts,
        inverse=look.inverse,
        presentation_lut=_lut(look.table, False),
    )


def _window(look: PresentationLook) -> Window:
    assert look.voi is not None
    name = look.voi.function
    function = VoiFunction(name) if name in set(VoiFunction) else VoiFunction.LINEAR
    return Window(look.voi.center, look.voi.width, function, look.voi.explanation)


def _modality_range(greyscale: Greyscale, declared: tuple[float, float] | None) -> tuple[float, float]:
    """The lowest and highest modality value there can be."""
    if greyscale.modality_lut is not None:
        return 0.0, float(greyscale.modality_lut.top)
    low, high = modality_values(np.array(declared or (0, 0)), greyscale)
    return float(min(low, high)), float(max(low, high))


@lru_cache(maxsize=32)
def _lut(table: Table | None, signed: bool) -> Lut | None:
    if table is None:
        return None
    return lut_parsed(table.descriptor, table.data, signed=signed, explanation=table.explanation)


def covered(values: Array, view: View, full_size: Size, bits: int) -> Array:
    """Display values under the shutter (PS3.3 C.7.6.11) and overlay planes of the view's state.

    ``values`` are of square pixels: their shape beside ``full_size`` (columns, rows) tells that of stored
    ones.
    """
    look = view.presentation
    if look is None or (look.shutter is None and not look.planes):
        return values
    layers = _layers(look.shutter, look.planes, (values.shape[1], values.shape[0]), full_size)
    return values if layers is None else layers.laid_over(values, View(overlays=view.overlays), bits=bits)


@lru_cache(maxsize=8)
def _layers(shutter: Shutter | None, planes: tuple[Plane, ...], size: Size, full_size: Size) -> Layers | None:
    overlays = tuple(
        Overlay(one.group, one.rows, one.columns, one.top, one.left, one.bits, region=one.region)
        for one in planes
    )
    columns, rows = full_size
    aspect = (size[1] / rows, size[0] / columns)
    shapes = _shapes(shutter) if shutter is not None else None
    layers = layers_of(overlays, shapes, shape=(rows, columns), frame=0, aspect=aspect, words=None)
    return layers and layers.resized(size)


def _shapes(shutter: Shutter) -> Shapes:
    left, upper, right, lower = shutter.rectangle or (0, 0, 0, 0)
    column, row, radius = shutter.circle or (0, 0, 0)
    return Shapes(
        rectangle=(left, right, upper, lower) if shutter.rectangle else None,
        circle=(row, column, radius) if shutter.circle else None,
        polygon=tuple((row, column) for column, row in shutter.polygon),
        overlay_group=shutter.overlay_group,
        grey=shutter.grey,
        rgb=shutter.colour,
    )
