"""What lies over a frame's pixels in every picture of it: its display shutter and its overlays.

Both are worked out at stored resolution, made smaller with the frame, and laid over the display values: a
window change costs nothing more, and a frame without them has no layers at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.imaging.colour import grey_from_rgb
from archive.imaging.geometry import Size, area_averaged
from archive.imaging.overlays import Mask, Overlay, Words, overlay_drawn, overlay_mask
from archive.imaging.params import View
from archive.imaging.shutter import Shutter, shut_mask

Array = npt.NDArray[Any]
Cover = npt.NDArray[np.uint8]
_GROUND = 16  # pixels a side over which it is judged how bright an overlay's surroundings are
_BRIGHT = 0.75  # where white would be lost


@dataclass(frozen=True, slots=True)
class Layers:
    """How much of each pixel is covered, 0..255: by the shutter, in its tone, and by overlays, in white.

    ``drawn`` are overlay planes by their group.
    """

    shut: Cover | None = None
    drawn: tuple[tuple[int, Cover], ...] = ()
    grey: int = 0  # of the shutter, 0..65535
    rgb: tuple[int, int, int] | None = None

    @property
    def nbytes(self) -> int:
        return (0 if self.shut is None else self.shut.nbytes) + sum(cover.nbytes for _, cover in self.drawn)

    def resized(self, size: Size) -> Layers:
        """Smaller. A line of one stored pixel keeps its full strength, however much smaller it gets."""
        return replace(
            self,
            shut=None if self.shut is None else area_averaged(self.shut, size),
            drawn=tuple((group, _strengthened(cover, size)) for group, cover in self.drawn),
        )

    def laid_over(self, values: Array, view: View, *, bits: int) -> Array:
        """Greys of ``bits`` or 8-bit RGB with the layers on them; a copy."""
        top = (1 << bits) - 1
        values = values.copy()
        if view.shutter and self.shut is not None:
            grey = round(self.grey * top / 65535)
            tone = np.array(self.rgb if values.ndim == 3 and self.rgb else [grey], np.float64)
            _blend(values, self.shut, tone)
        drawn = self._shown(view)
        if drawn is not None:
            places = np.nonzero(drawn)
            bright = _surroundings(values)[places[0] // _GROUND, places[1] // _GROUND] > _BRIGHT * top
            tones = np.where(bright, 0.0, float(top))
            _blend(values, drawn, tones[:, None] if values.ndim == 3 else tones)
        return values

    def _shown(self, view: View) -> Cover | None:
        """The planes to draw as one: all of them, or under a state those it activates (PS3.3 C.11.7)."""
        groups = None if view.presentation is None else view.presentation.overlay_groups
        shown = [cover for group, cover in self.drawn if groups is None or group in groups]
        return np.maximum.reduce(shown) if view.overlays and shown else None


def layers_of(
    overlays: tuple[Overlay, ...],
    shutter: Shutter | None,
    *,
    shape: tuple[int, int],
    frame: int,
    aspect: tuple[float, float],
    words: Words | None,
) -> Layers | None:
    """The layers of a frame (0-based) of ``shape`` (rows, columns); None when nothing lies over it."""
    shut: Mask | None = None
    if shutter is not None:
        bitmaps = [o for o in overlays if o.group == shutter.overlay_group]
        masks = {o.group: overlay_mask(o, shape, frame, words) for o in bitmaps}
        shut = shut_mask(shutter, shape, aspect, {g: mask for g, mask in masks.items() if mask is not None})
        overlays = tuple(o for o in overlays if o not in bitmaps)
    planes = [(overlay.group, overlay_drawn(overlay, shape, frame, words)) for overlay in overlays]
    drawn = tuple((group, _cover(mask)) for group, mask in planes if mask is not None)
    if shut is None and not drawn:
        return None
    tone = shutter or Shutter()
    return Layers(None if shut is None else _cover(shut), drawn, tone.grey, tone.rgb)


def _cover(mask: Mask) -> Cover:
    return mask.astype(np.uint8) * np.uint8(255)


def _strengthened(drawn: Cover, size: Size) -> Cover:
    rows, columns = drawn.shape
    factor = max(columns / min(size[0], columns), rows / min(size[1], rows))
    strength = area_averaged(drawn.astype(np.float32), size) * np.float32(factor)
    return np.minimum(np.rint(strength), 255).astype(np.uint8)


def _blend(values: Array, cover: Cover, tones: npt.NDArray[np.float64]) -> None:
    """Towards ``tones`` where something covers: one for all covered pixels, or one for each."""
    places = np.nonzero(cover)
    under = values[places].astype(np.float64)
    part = cover[places] / 255.0
    part = part[:, None] if values.ndim == 3 else part
    values[places] = np.rint(under + (tones - under) * part).astype(values.dtype)


def _surroundings(values: Array) -> Array:
    """Mean brightness of each square of ``_GROUND`` pixels; the last ones may be smaller."""
    grey = grey_from_rgb(values) if values.ndim == 3 else values
    rows, columns = (np.arange(0, length, _GROUND) for length in grey.shape)
    sums = np.add.reduceat(np.add.reduceat(grey, rows, axis=0, dtype=np.float64), columns, axis=1)
    heights, widths = (
        np.minimum(_GROUND, length - starts)
        for length, starts in zip(grey.shape, (rows, columns), strict=True)
    )
    mean: Array = sums / (heights[:, None] * widths[None, :])
    return mean
