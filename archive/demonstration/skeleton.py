"""The bones of a chest: spine, ribs, breastbone, collarbones, shoulder blades, upper arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from archive.demonstration.painting import Canvas, Point, Tubes, blend, ellipse, soft

CORTEX, MARROW, CARTILAGE = 760.0, 230.0, 115.0
_VERTEBRA: Final = 24.0  # from one to the next
_SPINE_Y: Final = 66.0


@dataclass(frozen=True, slots=True)
class Bones:
    ribs: Tubes
    cartilage: Tubes
    others: Tubes  # collarbones, spinous and transverse processes, arms


def bones(arms: bool) -> Bones:
    """All tubular bones; ``arms`` adds those that hang beside a standing person."""
    ribs, cartilage, others = [], [], []
    for number in range(12):
        for side in (-1, 1):
            points, radii, soft_from = _rib(number, side)
            ribs.append(Tubes.along(points[: soft_from + 1], radii[: soft_from + 1]))
            if soft_from < len(points) - 1:
                cartilage.append(Tubes.along(points[soft_from:], radii[soft_from:]))
    for side in (-1, 1):
        others.append(
            Tubes.along([(side * 20, -84, 118), (side * 70, -62, 136), (side * 128, -10, 150)], [7, 5.5, 6.5])
        )
        others.append(_shoulder_blade(side))
        if arms:
            others.append(
                Tubes.along([(side * 158, 4, 140), (side * 164, 6, 120), (side * 184, 8, -220)], [23, 13, 11])
            )
    for level in range(-9, 10):
        z = level * _VERTEBRA
        others.append(Tubes.along([(0, _SPINE_Y + 28, z - 2), (0, _SPINE_Y + 46, z - 18)], [4, 3.2]))
        for side in (-1, 1):
            others.append(
                Tubes.along([(side * 12, _SPINE_Y + 18, z), (side * 34, _SPINE_Y + 22, z + 4)], [5, 4])
            )
    return Bones(Tubes.joined(ribs), Tubes.joined(cartilage), Tubes.joined(others))


def _cage(z: float) -> tuple[float, float]:
    height = (z + 70) / (238 if z > -70 else 330)
    round_off = max(0.02, 1 - height * height) ** 0.5
    return 134 * round_off + 6, 92 * round_off**0.8 + 6


def _rib(number: int, side: int) -> tuple[list[Point], list[float], int]:
    """From the spine round to the front, falling; the last part of the upper ten is cartilage."""
    top = 146 - _VERTEBRA * number
    fall = 26 + 7.0 * min(number, 7)
    reach = (0.97, 0.95, 0.94, 0.93, 0.92, 0.91, 0.88, 0.82, 0.76, 0.70, 0.52, 0.40)[number]
    points: list[Point] = []
    radii: list[float] = []
    soft_from = 0
    steps = 30
    for step in range(steps + 1):
        way = step / steps * reach
        z = top - fall * way**0.8
        if way > 0.84 and number > 3:
            z += (way - 0.84) * 260 * min(1.0, (number - 3) / 5)  # cartilage rises to the breastbone
        a, b = _cage(min(z, 128))
        angle = np.pi / 2 - np.pi * way
        points.append((float(side * (a * np.cos(angle) + 8 * (1 - way))), float(b * np.sin(angle) * 0.98), z))
        radii.append(6.0 - 1.2 * way)
        if way <= 0.84:
            soft_from = step
    return points, radii, soft_from


def _shoulder_blade(side: int) -> Tubes:
    """A thin curved plate, as a fan of rods."""
    rods = []
    for rod in range(16):
        down = rod / 15
        inner = (side * (72 + 10 * down), 96 - 4 * down, 142 - 118 * down)
        outer = (side * (138 - 40 * down), 62 + 26 * down, 146 - 112 * down)
        rods.append(Tubes.along([inner, outer], [2.4, 3.6]))
    rods.append(Tubes.along([(side * 80, 104, 122), (side * 130, 84, 150), (side * 150, 40, 158)], [4, 5, 7]))
    return Tubes.joined(rods)


def paint(canvas: Canvas, all_bones: Bones) -> None:
    """The bones at one height: a hard shell around marrow."""
    canvas.tubes(all_bones.cartilage, CARTILAGE)
    for tubes in (all_bones.ribs, all_bones.others):
        canvas.tubes(tubes, CORTEX)
        _hollow(canvas, tubes)
    _breastbone(canvas)
    _spine(canvas)


def _hollow(canvas: Canvas, tubes: Tubes) -> None:
    wide = Tubes(*(part[tubes.radius.max(1) > 3.9] for part in (tubes.start, tubes.end, tubes.radius)))
    marrow = np.full_like(canvas.image, -2000)
    Canvas(marrow, canvas.plane, canvas.z, canvas.edge).tubes(wide.thinner(2.1), MARROW)
    np.copyto(canvas.image, marrow, where=marrow > MARROW - 60)


def _breastbone(everything: Canvas) -> None:
    z = everything.z
    if not -62 < z < 122:
        return
    canvas = everything.part(-34, 34, -112, -60)
    _, b = _cage(min(z, 100))
    width = 17 + (9 if z > 84 else 0) - (7 if z < -40 else 0)
    plate = ellipse(canvas.x, canvas.y + b - 1, width, 7.0, 0.7)
    joint = abs((z - 84) / 2.5) < 1
    canvas.fill(plate, CARTILAGE if joint else 480)
    canvas.fill(plate + 2.2, CARTILAGE if joint else 140)


def _spine(everything: Canvas) -> None:
    canvas = everything.part(-48, 48, 44, 112)
    phase = (canvas.z + _VERTEBRA / 2) % _VERTEBRA - _VERTEBRA / 2
    waist = 1 - 0.07 * np.cos(phase / _VERTEBRA * 2 * np.pi)
    x, y = canvas.x, canvas.y - _SPINE_Y
    body = ellipse(x, y, 17.5 * waist, 15 * waist, 0.25)
    arch = np.abs(ellipse(x, y - 24, 15, 13)) - 3.4
    here = soft(np.maximum(arch, -(body - 1)), canvas.edge)
    blend(canvas.image, here * (1.0 if abs(phase) < 8 else 0.35), 520)
    canvas.fill(ellipse(x, y - 23, 10.5, 8.5), 25)  # the canal and the cord in it
    canvas.fill(ellipse(x, y - 23, 6, 4.5), 42)
    if abs(phase) > 9.3:  # a disc
        canvas.fill(body, 88)
        return
    canvas.fill(body, CORTEX - 130)
    grain = 22 * np.sin(x * 1.3 + 0.9 * y) * np.sin(y * 1.1 - 0.4 * x + canvas.z)
    end_plate = abs(abs(phase) - 8.6) < 0.9
    canvas.fill(body + 1.8, 520.0 if end_plate else MARROW - 30 + grain)
