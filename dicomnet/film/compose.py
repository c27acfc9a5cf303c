"""The bitmap of a sheet: what the preview shows and what the printer gets are this one array.

Values are P-values (PS3.14): 0 is the darkest, ``film.white`` the brightest. Everything is computed
in whole pixels of the printer's grid, so the same sheet gives the same bytes every time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from dicomnet.film.layout import (
    CORNER_MM,
    GAP_MM,
    LABEL_MM,
    MARGIN_MM,
    Box,
    Film,
    Labels,
    Sheet,
    cell_boxes,
)
from dicomnet.film.lettering import text_masks

Pixels = npt.NDArray[Any]

_CUBIC = Image.Resampling.BICUBIC
_SOFT = Image.Resampling.BOX


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame's display values, made to fit its cell, and the texts in the cell's corners."""

    pixels: Pixels  # (h, w) or (h, w, 3); 0..film.white
    top_left: str = ""
    bottom_right: str = ""


def compose(sheet: Sheet, pictures: Mapping[int, Picture], film: Film) -> Pixels:
    """The film: (rows, columns) uint8 or uint16, or (rows, columns, 3) uint8 in colour.

    ``pictures`` maps a cell's place to its picture. A picture smaller than its cell is enlarged
    (cubic) until it touches two edges; one that is larger is made smaller. Cells without a picture
    stay dark. Raises LayoutError when the grid does not fit the film.
    """
    shape = (film.rows, film.columns, 3) if film.colour else (film.rows, film.columns)
    canvas = np.zeros(shape, np.uint8 if film.bits == 8 else np.uint16)
    boxes = cell_boxes(sheet.grid, film)
    for place, picture in pictures.items():
        _picture_put(canvas, boxes[place], picture, film)
    _labels_put(canvas, sheet.labels, film)
    return canvas


def picture_box(box: Box, width: int, height: int) -> Box:
    """Where a picture of this shape lies in its cell: whole, centred, touching two edges."""
    scale = min(box.width / width, box.height / height)
    fitted = (max(1, min(box.width, round(width * scale))), max(1, min(box.height, round(height * scale))))
    return Box(
        box.left + (box.width - fitted[0]) // 2, box.top + (box.height - fitted[1]) // 2, fitted[0], fitted[1]
    )


def turned(pixels: Pixels, turn: int, *, mirror: bool) -> Pixels:
    """Mirrored left to right, then turned clockwise by quarters."""
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirror else pixels, -turn))


def fitted(pixels: Pixels, box: Box, film: Film) -> Pixels:
    """The picture resampled to touch two edges of its cell; one that does already is returned as it is.

    Enlarging is cubic: on film the pixels of a small image must not show as tiles.
    """
    height, width = pixels.shape[:2]
    place = picture_box(box, width, height)
    if (width, height) == (place.width, place.height):
        return pixels
    size = (place.width, place.height)
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).resize(size, _CUBIC))
    resampled = np.asarray(Image.fromarray(pixels.astype(np.float32)).resize(size, _CUBIC))
    whole: Pixels = np.clip(np.rint(resampled), 0, film.white).astype(pixels.dtype)
    return whole


def screen_copy(bitmap: Pixels, film: Film, width: int, height: int) -> Pixels:
    """The bitmap made small enough for a screen, each pixel the mean of those it stands for."""
    scale = min(width / film.columns, height / film.rows, 1.0)
    if scale == 1.0:
        return eight_bit(bitmap, film)
    size = (max(1, round(film.columns * scale)), max(1, round(film.rows * scale)))
    return np.asarray(Image.fromarray(eight_bit(bitmap, film)).resize(size, _SOFT, reducing_gap=2.0))


def screen_part(bitmap: Pixels, film: Film, box: Box) -> Pixels:
    """A part of the bitmap pixel for pixel, cut to what there is."""
    left, top = max(0, min(box.left, film.columns - 1)), max(0, min(box.top, film.rows - 1))
    part = bitmap[top : top + max(1, box.height), left : left + max(1, box.width)]
    return eight_bit(part, film)


def eight_bit(bitmap: Pixels, film: Film) -> Pixels:
    """What a screen shows of it: the upper eight bits."""
    if film.bits == 8:
        return bitmap
    upper: Pixels = (bitmap >> (film.bits - 8)).astype(np.uint8)
    return upper


def screen_png(pixels: Pixels) -> bytes:
    """A PNG for a screen: quick to make, a few per cent larger than need be."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def bitmap_digest(bitmap: Pixels) -> str:
    """What tells whether two sheets are the same film: sha256 of the values, little endian, row by row."""
    return hashlib.sha256(np.ascontiguousarray(bitmap, bitmap.dtype.newbyteorder("<")).data).hexdigest()


def _picture_put(canvas: Pixels, box: Box, picture: Picture, film: Film) -> None:
    pixels = fitted(picture.pixels, box, film)
    place = picture_box(box, pixels.shape[1], pixels.shape[0])
    if film.colour and pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    canvas[place.top : place.top + place.height, place.left : place.left + place.width] = pixels
    inset, size = film.px(GAP_MM), film.px(CORNER_MM)
    room = box.width - 2 * inset
    right, foot = box.left + box.width - inset, box.top + box.height - inset
    _text_put(canvas, film, picture.top_left, at=(box.left + inset, box.top + inset), size=size, room=room)
    _text_put(canvas, film, picture.bottom_right, at=(right, foot), size=size, room=room, anchor="rb")


def _labels_put(canvas: Pixels, labels: Labels, film: Film) -> None:
    margin, size = film.px(MARGIN_MM), film.px(LABEL_MM)
    right, foot = film.columns - margin, film.rows - margin
    room = (film.columns - 2 * margin) * 7 // 10
    rest = (film.columns - 2 * margin) * 3 // 10 - size
    _text_put(canvas, film, labels.top_left, at=(margin, margin), size=size, room=room)
    _text_put(canvas, film, labels.top_right, at=(right, margin), size=size, room=rest, anchor="rt")
    _text_put(canvas, film, labels.bottom_left, at=(margin, foot), size=size, room=room, anchor="lb")
    _text_put(canvas, film, labels.bottom_right, at=(right, foot), size=size, room=rest, anchor="rb")


def _text_put(
    canvas: Pixels,
    film: Film,
    text: str,
    *,
    at: tuple[int, int],
    size: int,
    room: int,
    anchor: str = "lt",
) -> None:
    """White text with a dark rim: read on bone and on air. Cut with an ellipsis when there is no room.

    ``anchor`` names the corner of the text that lies at ``at``: l or r, then t or b.
    """
    if not text or room < size:
        return
    ink, rim = text_masks(text, size, room)
    height, width = ink.shape
    left = max(0, at[0] - width if anchor[0] == "r" else at[0])
    top = max(0, at[1] - height if anchor[1] == "b" else at[1])
    window = canvas[top : top + height, left : left + width]
    ink, rim = ink[: window.shape[0], : window.shape[1]], rim[: window.shape[0], : window.shape[1]]
    if canvas.ndim == 3:
        ink, rim = ink[:, :, None], rim[:, :, None]
    darkened = window.astype(np.float32) * (1 - rim)
    window[...] = np.rint(darkened + (film.white - darkened) * ink).astype(canvas.dtype)
