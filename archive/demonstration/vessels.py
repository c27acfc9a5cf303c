"""Heart, great vessels, airways, and the trees that fill the lungs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from archive.demonstration.painting import Point, Tubes


@dataclass(frozen=True, slots=True)
class Chamber:
    """A part of the heart: an ellipsoid of blood with a wall. ``filled``: how much contrast it holds."""

    center: Point
    axes: Point
    turn: float
    wall: float
    filled: float


HEART: Final = (
    Chamber((32, -16, -54), (38, 23, 36), -0.75, 9.5, 1.0),  # left ventricle
    Chamber((8, -44, -54), (42, 19, 40), -0.35, 3.5, 0.75),  # right ventricle
    Chamber((2, 20, -14), (34, 17, 22), 0.0, 2.0, 1.0),  # left atrium
    Chamber((-34, -16, -34), (19, 25, 34), 0.2, 2.0, 0.8),  # right atrium
)


@dataclass(frozen=True, slots=True)
class Vessel:
    tubes: Tubes
    contrast: float


_AORTA: Final = Tubes.along(
    [
        (2, -16, -26),
        (-10, -26, 0),
        (-18, -30, 28),
        (-15, -26, 52),
        (-4, -14, 68),
        (10, 8, 74),
        (20, 32, 66),
        (24, 48, 46),
        (24, 52, 0),
        (20, 52, -80),
        (10, 48, -160),
        (4, 44, -230),
    ],
    [14, 16, 16, 15.5, 14, 13.5, 13, 12.5, 12, 11.5, 11, 10],
)
_PULMONARY: Final = Tubes.joined(
    [
        Tubes.along([(16, -42, -22), (20, -36, 4), (18, -18, 24)], [12, 13, 13]),
        Tubes.along([(18, -18, 24), (-6, -6, 24), (-30, -2, 20), (-48, 2, 12)], [12, 11, 10, 7]),
        Tubes.along([(18, -18, 24), (32, 0, 32), (46, 12, 24), (52, 18, 8)], [12, 11, 9, 7]),
    ]
)
_VEINS: Final = Tubes.joined(
    [
        Tubes.along([(side * 26, 18, z), (side * 44, 14, z - 4), (side * 62, 12, z - 10 + lift)], [7, 5.5, 4])
        for side in (-1, 1)
        for z, lift in ((-6, 14), (-22, -8))
    ]
)
_CAVAL: Final = Tubes.joined(
    [
        Tubes.along([(-24, -24, 118), (-28, -20, 80), (-30, -14, 30), (-32, -12, -10)], [8, 9, 9.5, 10]),
        Tubes.along([(40, -34, 128), (12, -38, 104), (-22, -26, 92)], [7, 7.5, 8]),
        Tubes.along([(-28, 2, -60), (-24, 14, -100), (-22, 22, -230)], [12, 12, 11]),
    ]
)
_BRANCHES: Final = Tubes.joined(
    [
        Tubes.along([(-6, -16, 72), (-12, -20, 104), (-30, -16, 142), (-34, -8, 210)], [6, 6, 5, 4]),
        Tubes.along([(4, -6, 76), (14, -6, 110), (26, -6, 210)], [4.5, 4, 4]),
        Tubes.along([(13, 12, 76), (26, 12, 112), (44, 6, 146), (92, -4, 158)], [5, 5, 5, 4]),
    ]
)
_AZYGOS: Final = Tubes.along(
    [(-8, 52, -180), (-9, 52, 40), (-20, 36, 58), (-28, -10, 60)], [3.5, 4, 4.5, 4.5]
)
GULLET: Final = Tubes.along(
    [(3, 30, 210), (4, 34, 90), (6, 34, 0), (14, 30, -70), (30, 16, -110)], [7, 7, 7, 7, 7]
)
_NODES: Final = Tubes.joined(
    [
        Tubes.along([(x, y, z - 3), (x, y, z + 3)], [r, r])
        for x, y, z, r in ((-22, 6, 62, 4), (14, 22, 40, 4), (-6, 26, 34, 5))
    ]
)
GREAT: Final = (
    Vessel(GULLET, 0.0),
    Vessel(_NODES, 0.0),
    Vessel(_AZYGOS, 120.0),
    Vessel(_CAVAL, 190.0),
    Vessel(_VEINS, 205.0),
    Vessel(_PULMONARY, 235.0),
    Vessel(_AORTA, 260.0),
    Vessel(_BRANCHES, 250.0),
)
AIRWAY: Final = Tubes.joined(
    [
        Tubes.along([(0, 4, 215), (0, 8, 120), (0, 16, 58)], [10.5, 10.5, 10]),
        Tubes.along([(0, 16, 58), (-20, 16, 40), (-44, 14, 22)], [9, 8, 7]),
        Tubes.along([(0, 16, 58), (22, 18, 38), (46, 18, 20)], [9, 7.5, 6.5]),
    ]
)


@dataclass(frozen=True, slots=True)
class Trees:
    arteries: Tubes
    veins: Tubes
    bronchi: Tubes


_Vector = npt.NDArray[np.float64]
_Shoot = tuple[_Vector, _Vector, float, float]  # where it is, its heading, radius, length to grow
_DIRECTIONS: Final = np.array(
    [
        (0.45, -0.25, 0.9),
        (0.75, -0.75, 0.3),
        (1.0, 0.1, 0.35),
        (0.55, 0.85, 0.25),
        (0.7, -0.6, -0.6),
        (0.75, 0.15, -0.8),
        (0.35, 0.6, -0.95),
    ]
)


def lung_trees(rng: np.random.Generator, in_lung: Callable[[Point], bool]) -> Trees:
    """Vessels and bronchi of both lungs, branching from the roots until they are a pixel wide."""
    grown: dict[str, list[Tubes]] = {"arteries": [], "veins": [], "bronchi": []}
    for side in (-1, 1):
        for name, root, radius, least in (
            ("arteries", (side * 44.0, 6.0, 14.0), 4.6, 0.5),
            ("veins", (side * 50.0, 12.0, -8.0), 3.9, 0.5),
            ("bronchi", (side * 42.0, 14.0, 20.0), 4.4, 1.25),
        ):
            for direction in _DIRECTIONS:
                heading = direction * (side, 1, 1) + rng.normal(0, 0.12, 3)
                seedling = (np.array(root), heading / np.linalg.norm(heading), radius, 23.0)
                grown[name].append(_tree(rng, in_lung, seedling, least))
    return Trees(*(Tubes.joined(grown[name]) for name in ("arteries", "veins", "bronchi")))


def _tree(
    rng: np.random.Generator, in_lung: Callable[[Point], bool], seedling: _Shoot, least: float
) -> Tubes:
    """Grow a shoot until its branches are thinner than ``least``, or the lung ends."""
    root = (float(seedling[0][0]), float(seedling[0][1]), float(seedling[0][2]))
    starts, ends, radii = [root], [root], [(seedling[2], seedling[2])]
    growing = deque([seedling])
    while growing and len(starts) < 900:
        at, way, wide, length = growing.popleft()
        length *= rng.uniform(0.75, 1.2)
        end, tip = _reach(at, way, length)
        while not in_lung(tip) and len(starts) > 1 and length > 4:
            length *= 0.6
            end, tip = _reach(at, way, length)
        if length <= 4:
            continue
        narrow = wide * 0.86
        starts.append((float(at[0]), float(at[1]), float(at[2])))
        ends.append(tip)
        radii.append((wide, narrow))
        if narrow < least:
            continue
        side = rng.normal(size=3)
        side -= way * (side @ way)
        side /= np.linalg.norm(side) + 1e-9
        spread = rng.uniform(0.32, 0.62)
        for sign, share in ((1, 0.92), (-1, rng.uniform(0.68, 0.86))):
            turned = way + sign * side * spread / share
            growing.append((end, turned / np.linalg.norm(turned), narrow * share, max(6.0, length * 0.87)))
    return Tubes(np.array(starts, np.float32), np.array(ends, np.float32), np.array(radii, np.float32))


def _reach(at: _Vector, way: _Vector, length: float) -> tuple[_Vector, Point]:
    end = at + way * length
    return end, (float(end[0]), float(end[1]), float(end[2]))
