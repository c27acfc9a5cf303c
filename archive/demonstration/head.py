"""A head for MR and CT: z in mm above the level of the foramen of Monro, x to the left, y to the back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from archive.demonstration.painting import Array, Canvas, Plane, Point, blend, ellipse, smooth, soft


@dataclass(frozen=True, slots=True)
class Contrast:
    """How bright each tissue is in one kind of image."""

    air: float
    scalp: float
    muscle: float
    bone: float
    marrow: float
    fluid: float
    grey: float
    white: float
    deep: float
    lesion: float
    noise: float


T1: Final = Contrast(4, 1450, 520, 60, 620, 240, 640, 960, 760, 470, 22)
T2: Final = Contrast(4, 860, 300, 40, 330, 1850, 930, 610, 730, 1320, 22)
FLAIR: Final = Contrast(4, 820, 330, 50, 300, 130, 860, 640, 780, 1580, 20)
CT: Final = Contrast(-1000, -60, 52, 1250, 480, 5, 39, 28, 37, 66, 3.5)


@dataclass(frozen=True, slots=True)
class Lesion:
    center: Point
    axes: Point


WHITE_MATTER_SPOTS: Final = (
    Lesion((-26, -24, 14), (5, 7, 7)),
    Lesion((24, -30, 20), (4, 6, 6)),
    Lesion((-30, 26, 20), (7, 9, 8)),
    Lesion((31, 18, 26), (4, 5, 6)),
    Lesion((-22, 4, 36), (5, 8, 7)),
    Lesion((27, 34, 8), (5, 6, 7)),
    Lesion((36, -4, 32), (3, 4, 5)),
)
BLEED: Final = (Lesion((-30, 2, 8), (15, 22, 17)),)


class Head:
    """One head; ``cut`` gives the brightness of a contrast at a height."""

    def __init__(self, seed: int, lesions: tuple[Lesion, ...]) -> None:
        self.rng = np.random.default_rng(seed)
        self.lesions = lesions
        self.waves = self.rng.normal(0, 1, (22, 3)).astype(np.float32)
        self.waves *= np.float32(0.36) / np.linalg.norm(self.waves, axis=1)[:, None]
        self.phases = self.rng.uniform(0, 6.28, 22).astype(np.float32)

    def cut(self, z: float, plane: Plane, look: Contrast) -> Array:
        """The slice at height ``z``, with noise."""
        image = np.full((len(plane.ys), len(plane.xs)), look.air, np.float32)
        size = max(0.0, 1 - (max(z, 0.0) / 98) ** 2) ** 0.5
        if size > 0:
            canvas = Canvas(image, plane, z, plane.step * 1.2)
            inner = _shell(canvas, size, look)
            self._brain(canvas, inner, look)
            if z < -22:
                _behind(canvas, inner, look)
            if z < -10:
                _face(canvas, look)
        return self._noisy(image, look)

    def _folds(self, canvas: Canvas) -> Array:
        total = np.zeros_like(canvas.image)
        for (kx, ky, kz), phase in zip(self.waves, self.phases, strict=True):
            across, down = kx * canvas.x, ky * canvas.y + np.float32(kz * canvas.z * 0.8 + phase)
            total += np.sin(across) * np.cos(down) + np.cos(across) * np.sin(down)
        return np.asarray(np.abs(total) * 0.30, np.float32)

    def _brain(self, canvas: Canvas, inner: Array, look: Contrast) -> None:
        x, y, z = canvas.x, canvas.y, canvas.z
        folds, depth = self._folds(canvas), -inner
        surface = inner + 2.0 + 15 * np.clip(1 - folds / 0.24, 0, 1) * np.clip(1.3 - depth / 19, 0, 1)
        midline = 1.4 - np.abs(x) + np.where((np.abs(y) < 32) & (z < 34), -9.0, 0.0)
        brain = np.maximum(surface, midline)
        if z < -30:
            brain = np.maximum(brain, 1.5 - np.abs(y - 14 - 0.35 * np.abs(x)))
        canvas.fill(brain, look.grey)
        gyri = (0.62 - folds) * 11 - np.maximum(depth - 13, 0) * 1.1  # grey matter lines the folds
        canvas.fill(np.maximum(brain + 4.2, gyri), look.white, 1.4)
        _deep(canvas, look)
        for lesion in self.lesions:
            shape = canvas.ellipsoid(lesion.center, lesion.axes)
            if shape is not None:
                canvas.fill(shape + 0.8 * np.sin(x * 0.9) * np.sin(y * 0.8 + z), look.lesion, 2.5)

    def _noisy(self, image: Array, look: Contrast) -> Array:
        shape = image.shape
        noise = smooth(self.rng.standard_normal(shape, dtype=np.float32)) * np.float32(look.noise * 2.6)
        if look.air < 0:
            return image + noise
        other = smooth(self.rng.standard_normal(shape, dtype=np.float32)) * np.float32(look.noise * 2.6)
        rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
        columns = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
        bias = 1.08 - 0.12 * (rows * rows + columns * columns) + 0.05 * columns  # of the coil
        return np.asarray(np.hypot(image * bias + noise, other), np.float32)


def _shell(canvas: Canvas, size: float, look: Contrast) -> Array:
    """Skin, fat, skull with marrow, fluid; how far places are from the inside of the skull."""
    jaw = max(0.0, -canvas.z - 12) * 0.22
    outer = ellipse(canvas.x, canvas.y + 2, 79 * size - jaw, 97 * size - jaw / 2, 0.12)
    canvas.fill(outer, look.muscle)
    canvas.fill(outer + 1.6, look.scalp)
    canvas.fill(outer + 6.5, look.bone)
    canvas.fill(np.abs(outer + 10) - 1.4 - 0.6 * np.sin(canvas.x / 9), look.marrow)
    inner = outer + 13.5
    canvas.fill(inner, look.fluid)
    return inner


# Pairs of a side each: centre, half axes, turn, and whether it holds fluid.
_PAIRS: Final = (
    ((26, -2, 4), (6.5, 16, 16), 0.25, False),  # putamen
    ((15, -16, 12), (5, 11, 16), 0.3, False),  # caudate
    ((10.5, 12, 6), (8.5, 13, 13), -0.4, False),  # thalamus
    ((8.5, -20, 14), (5, 17, 15), 0.35, True),  # frontal horn
    ((11, 6, 24), (5.5, 24, 8), 0.1, True),  # body
    ((23, 32, 12), (5.5, 15, 16), 0.35, True),  # trigone and occipital horn
    ((33, 8, -18), (4, 14, 7), 0.1, True),  # temporal horn
)


def _deep(canvas: Canvas, look: Contrast) -> None:
    for center, axes, turn, fluid in _PAIRS:
        height = (canvas.z - center[2]) / axes[2]
        if abs(height) >= 1:
            continue
        shrink = (1 - height * height) ** 0.5
        dx, dy = np.abs(canvas.x) - center[0], canvas.y - center[1]
        c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        shape = ellipse(c * dx - s * dy, c * dy + s * dx, axes[0] * shrink, axes[1] * shrink)
        canvas.fill(shape, look.fluid if fluid else look.deep, 1.3)
    if -16 < canvas.z < 6:
        canvas.fill(ellipse(canvas.x, canvas.y - 4, 1.8, 11), look.fluid)  # third ventricle


def _behind(canvas: Canvas, inner: Array, look: Contrast) -> None:
    """Cerebellum with its leaves, brain stem, the bones between them and the temporal lobes."""
    x, y = canvas.x, canvas.y
    lobe = np.maximum(ellipse(np.abs(x) - 22, y - 46, 30, 32), inner + 2.5)
    leaves = np.sin(0.9 * np.sqrt(x * x + 1.4 * (y - 28) ** 2) + 0.4 * np.sin(x / 5))
    canvas.fill(lobe - 1.5, look.fluid)
    canvas.fill(lobe, look.grey)
    blend(canvas.image, soft(lobe + 6, canvas.edge * 3) * (0.55 + 0.45 * leaves), look.white)
    canvas.fill(ellipse(x, y - 36, 6, 5), look.fluid)  # fourth ventricle
    canvas.fill(ellipse(x, y - 16, 17, 15), look.fluid)
    canvas.fill(ellipse(x, y - 17, 13.5, 12.5), look.white)
    if canvas.z < -30:
        bar = np.maximum(np.abs(y - 12 - 0.45 * (np.abs(x) - 30)) - 7, np.abs(np.abs(x) - 42) - 22)
        canvas.fill(bar, look.bone)
        blend(canvas.image, soft(np.abs(bar + 4) - 1.3, canvas.edge) * np.float32(0.6), look.air)  # air cells


def _face(canvas: Canvas, look: Contrast) -> None:
    x, y = canvas.x, canvas.y
    if canvas.z < -30:
        front = ellipse(x, y + 68, 54, 38)
        canvas.fill(front, look.muscle)
        canvas.fill(np.abs(front + 3) - 2, look.scalp)
    for side in (-1, 1):
        _eye(canvas, side, look)
    if canvas.z < -16:
        cells = np.maximum(ellipse(x, y + 72, 12, 26), -0.6 - np.sin(y / 2.6) - np.abs(x) / 9)
        canvas.fill(cells, look.air)


def _eye(canvas: Canvas, side: int, look: Contrast) -> None:
    socket = canvas.ellipsoid((side * 33, -68, -30), (19, 24, 20))
    if socket is not None:
        canvas.fill(socket, look.scalp)
        canvas.fill(ellipse(canvas.x - side * 27.4, canvas.y + 56, 2.4, 13), look.white)  # the nerve
    globe = canvas.ellipsoid((side * 33, -78, -30), (12.5, 12.5, 12.5))
    if globe is not None:
        canvas.fill(globe, look.muscle)
        canvas.fill(globe + 1.3, look.fluid)
    lens = canvas.ellipsoid((side * 33, -87.5, -30), (4.6, 2.2, 4.6))
    if lens is not None:
        canvas.fill(lens, look.deep)
