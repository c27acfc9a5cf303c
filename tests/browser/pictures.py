"""Pixels for the browser tests' studies."""

from __future__ import annotations

import numpy as np


def disc(size: int, position: float) -> np.ndarray:
    """A body of soft tissue in air with a bright rim, two lungs and a spot that wanders with the position."""
    y, x = np.mgrid[0:size, 0:size] / (size - 1) * 2 - 1
    picture = np.full((size, size), -1000, dtype="<i2")
    body = (x / 0.9) ** 2 + (y / 0.7) ** 2
    picture[body < 1] = 40
    picture[(body < 1) & (body > 0.88)] = 700
    for side in (-0.4, 0.4):
        picture[((x - side) / 0.3) ** 2 + (y / 0.4) ** 2 < 1] = -800
    picture[(x - 0.4 + position * 0.3) ** 2 + (y - 0.1) ** 2 < 0.01] = 120
    return picture
