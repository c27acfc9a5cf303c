"""Radiographs: a body projected, on film with a ruler and a step wedge; a breast; a forearm."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from archive.demonstration.painting import Array, Canvas, Plane, Tubes, field, resized, smooth, soft
from archive.demonstration.thorax import Person, thorax

Pixels = npt.NDArray[np.uint16]
WHITE: Final = 4095  # 12 bits
_WATER: Final = 0.019  # attenuation a millimetre


def projections(person: Person, top: float, bottom: float, step: float, across: float) -> tuple[Array, Array]:
    """How much a chest attenuates from front to back and from side to side: rows every ``step`` mm.

    ``across`` is the distance of columns in mm in both pictures. From the side the arms are out of the way.
    """
    xs = np.arange(-206, 206, across, dtype=np.float32)
    ys = np.arange(-124, 140, 2.2, dtype=np.float32)
    trunk = np.abs(xs) < 152
    front, side = [], []
    for z in np.arange(top, bottom, -step):
        hu = thorax(person).cut(float(z), Plane(xs, ys))
        hu = np.maximum(hu + 1000, 0) * np.float32(_WATER / 1000)
        front.append(hu.sum(0) * 2.2)
        side.append(hu[:, trunk].sum(1) * across)
    lateral = resized(np.stack(side), len(side), round(len(ys) * 2.2 / across))
    return np.stack(front), lateral


def film(attenuation: Array, height: int, width: int, seed: int, *, ruler_mm: float | None = None) -> Pixels:
    """Attenuation to 12-bit pixels, dense parts bright: latitude compressed, edges and noise as a plate has.

    ``ruler_mm`` is the size of a pixel: draws a ruler of 100 mm and a step wedge into the pixels.
    """
    rng = np.random.default_rng(seed)
    image = resized(attenuation, height, width)
    noise = rng.standard_normal((height // 2 + 1, width // 2 + 1), dtype=np.float32)
    noise = resized(noise, height, width) + 0.6 * rng.standard_normal((height, width), dtype=np.float32)
    image = _latitude(image)
    image += noise * (0.006 + 0.010 * image)
    pixels = np.clip(image * 3300 + 260, 0, WHITE).astype(np.uint16)
    if ruler_mm is not None:
        draw_ruler(pixels, ruler_mm)
        draw_wedge(pixels)
    return pixels


def _latitude(image: Array) -> Array:
    """What is common to a region goes down, detail stays: so lungs and spine are seen together."""
    top = float(np.percentile(image[::5, ::5], 99.6))
    image = np.clip(image / top, 0, 1.3)
    coarse = resized(image, image.shape[0] // 24, image.shape[1] // 24)
    coarse = resized(smooth(coarse, 6), *image.shape)
    image = 0.7 * image + 0.75 * (image - coarse)
    return (image - np.float32(image.min())) / np.float32(np.percentile(image[::5, ::5], 99.9) - image.min())


def draw_ruler(pixels: Pixels, pixel_mm: float) -> None:
    """100 mm upright at the left: a tick each millimetre ten, longer ones at 0, 50 and 100."""
    height = pixels.shape[0]
    top, left = round(height * 0.56), round(pixels.shape[1] * 0.03)
    pixels[top : round(top + 100 / pixel_mm) + 1, left : left + 3] = WHITE
    for mark in range(101):
        length = 60 if mark % 50 == 0 else 40 if mark % 10 == 0 else 16 if mark % 5 == 0 else 0
        row = round(top + mark / pixel_mm)
        if length:
            pixels[row : row + 3, left : left + length] = WHITE
    for mark in (0, 50, 100):
        place = left + 70, round(top + mark / pixel_mm) - 20
        draw_text(pixels, f"{mark} mm" if mark == 100 else f"{mark}", place, 40)


def draw_wedge(pixels: Pixels) -> None:
    """Sixteen steps from black to white at the right edge."""
    height, width = pixels.shape
    size = height // 40
    top, left = round(height * 0.56), width - 2 * size - width // 40
    pixels[top - 4 : top + 16 * size + 4, left - 4 : left + 2 * size + 4] = WHITE // 2
    for step in range(16):
        pixels[top + step * size : top + (step + 1) * size, left : left + 2 * size] = WHITE * step // 15


def draw_text(pixels: Pixels, text: str, place: tuple[int, int], size: int, value: int = WHITE) -> None:
    """Text burned into the pixels at (column, row)."""
    left, top = place
    font = ImageFont.load_default(size)
    box = font.getbbox(text)
    mask = Image.new("L", (int(box[2]) + 2, int(box[3]) + 2))
    ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=font)
    letters = np.asarray(mask)
    target = pixels[top : top + letters.shape[0], left : left + letters.shape[1]]
    np.copyto(target, np.uint16(value), where=letters[: target.shape[0], : target.shape[1]] > 127)


# -- a breast


def breast(height: int, width: int, seed: int, *, left: bool, mass: bool) -> Pixels:
    """A cranio-caudal view as MONOCHROME1: air is high, dense tissue low. The chest wall is at one edge."""
    rng = np.random.default_rng(seed)
    dense = resized(_breast_density(height // 2, width // 2, rng, mass), height, width)
    dense += rng.standard_normal((height, width), dtype=np.float32) * (
        0.004 + 0.012 * np.clip(dense * 3, 0, 1)
    )
    pixels = np.clip(3950 - 2900 * dense, 60, WHITE).astype(np.uint16)
    pixels = pixels if left else np.ascontiguousarray(pixels[:, ::-1])
    draw_text(pixels, "L CC" if left else "R CC", (width - 420 if left else 180, 180), 110, 300)
    return pixels


def _breast_density(height: int, width: int, rng: np.random.Generator, mass: bool) -> Array:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1.25, width, dtype=np.float32)[None, :]
    form = np.sqrt((x / 0.98) ** 2 + (y / 0.82) ** 2) + 0.03 * np.sin(3 * y)
    depth = np.clip((1 - form) / 0.22, 0, 1)
    thickness = np.sqrt(depth * (2 - depth))
    glands = soft((np.sqrt(((x - 0.38) / 0.47) ** 2 + ((y + 0.03) / 0.5) ** 2) - 0.75) * 4, 1.6)
    lobes = field(rng, height, width, 6, 6)
    strands = np.abs(field(rng, height, width, 10, 5))
    tissue = (
        0.34 + glands * np.clip(0.34 + 0.2 * lobes, 0, 0.85) + 0.16 * np.exp(-strands * 5) * (0.4 + glands)
    )
    tissue += 0.05 * np.clip(field(rng, height, width, 24, 4), -2, 2)
    if mass:
        tissue += _mass(x - 0.47, y - 0.24, rng)
    skin = np.exp(-(((1 - form) / 0.012) ** 2)) * 0.28
    return np.asarray(tissue * thickness + skin, np.float32)


def _mass(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """A dense, spiculated mass with a group of fine calcifications."""
    angle, radius = np.arctan2(y, x), np.sqrt(x * x + y * y)
    rays = 0.5 + 0.5 * np.sin(angle * 17 + 2 * np.sin(angle * 5))
    shape = 0.5 * soft((radius - 0.055) * 20, 0.6) + 0.16 * rays**4 * np.exp(-((radius / 0.11) ** 2))
    for _ in range(14):
        at = rng.normal(0, 0.035, 2)
        size = rng.uniform(0.0016, 0.0034)
        shape = shape + 0.75 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / size**2)
    return np.asarray(shape, np.float32)


# -- a forearm

_RADIUS_BONE: Final = Tubes.along(
    [(-26, 0, 120), (-20, 0, 80), (-16, 0, 0), (-13, 0, -80), (-12, 0, -118)], [17, 11, 8, 8.5, 11]
)
_ULNA: Final = Tubes.along(
    [(22, 0, 112), (18, 0, 80), (14, 0, 0), (16, 0, -80), (20, 0, -136)], [9, 8, 8, 10, 15]
)
_UPPER_ARM: Final = Tubes.along(
    [(-16, 0, -142), (24, 0, -160), (10, 0, -190), (8, 0, -240)], [17, 15, 13, 12]
)
_CARPALS: Final = [(-30, 140), (-12, 146), (6, 142), (20, 136), (-34, 160), (-16, 164), (0, 162), (14, 156)]


def forearm(height: int, width: int, seed: int) -> Pixels:
    """Wrist to elbow, with a fracture of the distal radius."""
    rng = np.random.default_rng(seed)
    step = 360 / height
    xs = (np.arange(width, dtype=np.float32) - width / 2) * step
    ys = np.arange(-45, 45, 3, dtype=np.float32)
    wrist = Tubes.joined([Tubes.along([(x, 0, z - 2), (x, 0, z + 2)], [9, 9]) for x, z in _CARPALS])
    fingers = Tubes.joined(
        [Tubes.along([(x, 0, 172), (1.35 * x - 4, 0, 230)], [7.5, 6]) for x in (-36, -16, 2, 18)]
    )
    tubes = Tubes.joined([_RADIUS_BONE, _ULNA, _UPPER_ARM, wrist, fingers])
    rows = []
    for z in np.linspace(168, -168, height // 3):
        plane = Plane(xs, ys)
        broken = Plane(xs + np.float32(3.2 if z > 92 + 3 * np.sin(z) else 0.0), ys)
        flesh = np.sqrt((plane.x / (41 + 12 * np.sin((z - 110) / 95) ** 2)) ** 2 + (plane.y / 33) ** 2) - 1
        hu = 1000 * soft(flesh * 33, 3)
        Canvas(hu, broken, float(z), 1.0).tubes(tubes, 2200.0)
        marrow = np.zeros_like(hu)
        Canvas(marrow, broken, float(z), 1.0).tubes(tubes.thinner(2.6), 1.0)
        hu -= marrow * np.float32(900)
        rows.append(hu.sum(0) * 3 * _WATER / 1000)
    bone = np.stack(rows)
    attenuation = bone * (1 + 0.025 * field(rng, len(rows), width, 90, 2))
    return film(attenuation, height, width, seed)
