"""A thorax to look at: heights in mm from the level of the lung roots, x to the left, y to the back.

Not anatomy, but what a reader expects to find: chest wall, lungs with vessels and airways, heart and
great vessels filled with contrast, diaphragm, liver, stomach, spleen, bones, a table, and a lesion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from archive.demonstration import skeleton, vessels
from archive.demonstration.painting import Array, Canvas, Plane, Point, Tubes, blend, ellipse, soft

AIR, LUNG, FAT, MUSCLE, SOFT = -1000.0, -865.0, -105.0, 55.0, 42.0


@dataclass(frozen=True, slots=True)
class Person:
    """What differs between people."""

    seed: int = 1
    width: float = 1.0  # of the trunk
    arms: bool = False  # beside the body, as for a standing radiograph
    contrast: bool = True
    lesion: Point | None = (-72.0, -18.0, 52.0)
    lesion_radius: float = 9.0
    heart: float = 1.0
    table: bool = True


def cavity(z: float) -> tuple[float, float]:
    """Half axes of the inside of the rib cage at a height: a dome, widest above the diaphragm."""
    height = (z + 70) / (238 if z > -70 else 330)
    round_off = max(0.0, 1 - height * height) ** 0.5
    return max(1.0, 134 * round_off), max(1.0, 92 * round_off**0.8)


def outline(z: float) -> tuple[float, float]:
    """Half axes of the trunk; above z = 150 it runs into shoulders and neck."""
    if z <= 140:
        return 168.0 + 4 * np.sin(z / 60), 116.0
    rise = min(1.0, (z - 140) / 68)
    return 168 - 106 * (0.35 * rise + 0.65 * rise * rise * (3 - 2 * rise)), 116 - 56 * rise


class Thorax:
    """One person's chest; ``cut`` gives Hounsfield units at a height."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.rng = np.random.default_rng(person.seed)
        self.bones = skeleton.bones(person.arms)
        self.trees = vessels.lung_trees(self.rng, self._in_lung)
        self.spicules = self._spicules()
        self.waves = self.rng.uniform(-1, 1, (10, 4)).astype(np.float32)

    def _spicules(self) -> Tubes | None:
        if self.person.lesion is None:
            return None
        center = np.array(self.person.lesion)
        radius = self.person.lesion_radius
        rays = self.rng.normal(size=(26, 3))
        rays /= np.linalg.norm(rays, axis=1)[:, None]
        return Tubes.joined(
            [
                Tubes.along(
                    [tuple(center), tuple(center + ray * radius * self.rng.uniform(1.25, 1.9))],
                    [radius / 4.5, 0.3],
                )
                for ray in rays
            ]
        )

    def _in_lung(self, at: Point) -> bool:
        x, y, z = at
        a, b = cavity(z)
        if (x / (a - 5)) ** 2 + (y / (b - 5)) ** 2 > 1 or a < 12:
            return False
        return abs(x) > 30 and z > float(_diaphragm(np.float32(x), np.float32(y))) + 5

    # -- one cut

    def cut(self, z: float, plane: Plane) -> Array:
        """Hounsfield units on ``plane`` at height ``z``, without noise."""
        edge = plane.step * 1.3
        hu = np.full((len(plane.ys), len(plane.xs)), AIR, np.float32)
        if self.person.table:
            _table(Canvas(hu, plane, z, edge).part(-400, 400, 100, 160))
        canvas = Canvas(hu, Plane(plane.xs / np.float32(self.person.width), plane.ys), z, edge)
        self._wall(canvas)
        chest = canvas.part(-146, 146, -104, 104)
        inside = _inside(chest)
        self._abdomen(chest, inside)
        self._heart(canvas)
        lungs = self._lungs(chest, inside)
        self._vessels(chest, lungs)
        skeleton.paint(canvas, self.bones)
        self._lesion(canvas)
        return hu

    def _wall(self, canvas: Canvas) -> None:
        x, y, z = canvas.x, canvas.y, canvas.z
        a, b = outline(z)
        trunk = ellipse(x, y - 2, a, b, 0.35)
        if self.person.arms and z < 168:
            arm = 47 * (1 - (max(0.0, z - 118) / 50) ** 2) ** 0.5 - max(0.0, -z) * 0.02 + 0.5
            trunk = np.minimum(trunk, ellipse(np.abs(x) - (168 - 0.10 * z), y - 6, arm, arm))
        canvas.fill(trunk, 30)  # skin
        canvas.fill(trunk + 2.2, FAT)
        ca, cb = cavity(z)
        bulk = 34 + 66 * min(1.0, max(0.0, (z - 40) / 100))  # shoulders
        muscle = np.maximum(trunk + 16 + 6 * np.cos(x / 38), ellipse(x, y - 4, ca + bulk, cb + 24, 0.15))
        canvas.fill(muscle, MUSCLE)
        layer = np.abs(ellipse(x, y, ca + 17, cb + 15)) - 1.6 - 1.2 * np.sin(x / 13)
        between = soft(np.maximum(layer, muscle), canvas.edge) * np.float32(0.8)
        blend(canvas.image, between, FAT)  # fat between the layers of muscle
        canvas.fill(ellipse(np.abs(x) - 34, y - 92, 29, 17), MUSCLE + 5)  # beside the spine

    def _abdomen(self, canvas: Canvas, inside: Array) -> None:
        x, y = canvas.x, canvas.y
        below = np.float32(canvas.z) - _diaphragm(x, y)  # negative: under the diaphragm
        if float(below.min()) > 4:
            return
        room = np.maximum(inside + 1.5, below)
        enhanced = 70.0 if self.person.contrast else 0.0
        canvas.fill(room, SOFT + 8)  # the diaphragm itself
        canvas.fill(room + 3, FAT)
        liver = np.maximum(room + 3, x - 28 + 0.55 * y + 6 * np.sin(y / 21))
        canvas.fill(liver, 58 + enhanced * 0.75)
        for shape, value in (
            (canvas.ellipsoid((96, 46, -138), (30, 44, 52), 0.3), 48 + enhanced),  # spleen
            (canvas.ellipsoid((58, -22, -146), (44, 38, 52), -0.4), 62.0),  # wall of the stomach
            (canvas.ellipsoid((46, 66, -206), (27, 24, 52), 0.5), 40 + enhanced * 1.6),  # kidneys
            (canvas.ellipsoid((-50, 68, -214), (27, 24, 52), -0.5), 40 + enhanced * 1.6),
        ):
            if shape is not None:
                canvas.fill(np.maximum(shape, room + 4), value)
        stomach = canvas.ellipsoid((58, -22, -146), (40, 34, 48), -0.4)
        if stomach is not None:
            stomach = np.maximum(stomach, room + 7)
            canvas.fill(stomach, 14)
            canvas.fill(np.maximum(stomach, y + 34), AIR + 10)  # air rises to the front

    def _chamber(self, canvas: Canvas, part: vessels.Chamber, more: float) -> Array | None:
        """A chamber of the heart with ``more`` mm around it."""
        a, b, c = (self.person.heart * (axis + more) for axis in part.axes)
        return canvas.ellipsoid(part.center, (a, b, c), part.turn)

    def _heart(self, everything: Canvas) -> None:
        if not -105 < everything.z < 25:
            return
        canvas = everything.part(-90, 100, -90, 60)
        blood = 215.0 if self.person.contrast else 2.0
        layers = [(part, part.wall + 3, FAT + 10, 1.0) for part in vessels.HEART]
        layers += [(part, part.wall, 78.0 + blood * 0.16, 1.5) for part in vessels.HEART]
        layers += [(part, 0.0, 42 + blood * part.filled, 1.5) for part in vessels.HEART]
        for part, more, value, softer in layers:
            shape = self._chamber(canvas, part, more)
            if shape is not None:
                canvas.fill(shape, value, softer)

    def _lungs(self, canvas: Canvas, inside: Array) -> Array:
        x, y, z = canvas.x, canvas.y, canvas.z
        above = _diaphragm(x, y) - np.float32(z)
        sway = 7 * math.sin(z / 37)
        middle = ellipse(x, y - 6 - sway, 31, 50 - sway)
        middle = np.minimum(middle, np.abs(x) - 9 + sway / 3 - 0.0016 * (y + 20) ** 2)
        middle = np.minimum(middle, ellipse(x, y - 72, 27, 40))
        for part in vessels.HEART:
            shape = self._chamber(canvas, part, part.wall + 3.5)
            if shape is not None:
                middle = np.minimum(middle, shape)
        lungs = soft(np.maximum(np.maximum(inside + 1.5, -middle), above), canvas.edge)
        texture = np.zeros_like(canvas.image)
        for kx, ky, kz, phase in 0.09 * self.waves:
            across, down = kx * x, ky * y + np.float32(kz * z + phase * 100)
            texture += np.sin(across) * np.cos(down) + np.cos(across) * np.sin(down)
        # The dependent lung is denser: gravity.
        blend(canvas.image, lungs, np.float32(LUNG) + 0.32 * (y + 20) + 5 * texture)
        return lungs

    def _vessels(self, canvas: Canvas, lungs: Array) -> None:
        blood = 1.0 if self.person.contrast else 0.12
        for tubes in (self.trees.arteries, self.trees.veins):
            canvas.tubes(tubes, 60 + 130 * blood, lungs)
        canvas.tubes(self.trees.bronchi, 15.0, lungs)
        canvas.tubes(self.trees.bronchi.thinner(0.9), AIR + 30, lungs)
        for vessel in vessels.GREAT:
            canvas.tubes(vessel.tubes, 42 + vessel.contrast * blood)
        canvas.tubes(vessels.AIRWAY, 45.0)
        canvas.tubes(vessels.AIRWAY.thinner(1.6), AIR)
        canvas.tubes(vessels.GULLET.thinner(5.2), -500.0)

    def _lesion(self, canvas: Canvas) -> None:
        lesion, radius = self.person.lesion, self.person.lesion_radius
        if lesion is None or self.spicules is None or abs(canvas.z - lesion[2]) > 25:
            return
        canvas.tubes(self.spicules, 20.0)
        core = canvas.ellipsoid(lesion, (radius, radius * 0.85, radius))
        if core is not None:
            angle = np.arctan2(canvas.y - lesion[1], canvas.x - lesion[0])
            canvas.fill(core + 0.9 * np.sin(5 * angle + canvas.z) + 0.6 * np.sin(9 * angle), 38)


def _table(canvas: Canvas) -> None:
    """A shallow curved couch: two thin shells and foam between them."""
    depth = canvas.y - (131 - 24 * (canvas.x / 210) ** 2)
    width = soft(np.abs(canvas.x) - 205, canvas.edge)
    blend(canvas.image, soft(np.maximum(-depth, depth - 18), canvas.edge) * width, -930)
    for shell in (1.0, 17.0):
        blend(canvas.image, soft(np.abs(depth - shell) - 1.1, canvas.edge) * width, -420)


def _inside(canvas: Canvas) -> Array:
    """Line the rib cage; how far places are from its inside."""
    distance = ellipse(canvas.x, canvas.y, *cavity(canvas.z))
    canvas.fill(distance - 5, MUSCLE - 8)
    canvas.fill(distance, FAT + 5)
    return distance


def _diaphragm(x: Array | np.float32, y: Array | np.float32) -> Array:
    """Height of the diaphragm: a dome each side, the right one higher, deep recesses behind."""
    right = -82 - 0.0105 * (x + 60) ** 2 - 0.0075 * (y + 12) ** 2
    left = -94 - 0.0105 * (x - 62) ** 2 - 0.0075 * (y + 12) ** 2
    return np.maximum(right, left).astype(np.float32)


@lru_cache(maxsize=8)
def thorax(person: Person) -> Thorax:
    """The same person twice is built once."""
    return Thorax(person)
