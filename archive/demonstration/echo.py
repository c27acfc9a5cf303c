"""An ultrasound loop: a beating heart from the apex, with colour for flow. 640 x 480, RGB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from archive.demonstration.painting import Array, ellipse, smooth, soft

WIDTH, HEIGHT, FRAMES, FRAME_TIME = 640, 480, 60, 40.0
MM_PER_PIXEL: Final = 0.4
DEPTH_MM: Final = 165.0
_APEX: Final = (320, 22)  # column and row of the transducer's face
_HALF_ANGLE: Final = 0.66
_BEAT: Final = 20  # frames
Picture = npt.NDArray[np.uint8]


class Echo:
    """The loop, frame by frame."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        row = np.arange(HEIGHT, dtype=np.float32)[:, None]
        column = np.arange(WIDTH, dtype=np.float32)[None, :]
        self.x = (column - _APEX[0]) * np.float32(MM_PER_PIXEL) + 0 * row
        self.y = (row - _APEX[1]) * np.float32(MM_PER_PIXEL) + 0 * column
        self.range = np.hypot(self.x, self.y)
        self.angle = np.arctan2(self.x, self.y + 1e-3)
        self.sector = (self.range < DEPTH_MM) & (np.abs(self.angle) < _HALF_ANGLE) & (self.range > 3)
        # Speckle is as wide as the beam: fine in depth, coarser across, more so further away.
        grain = smooth(rng.rayleigh(1.0, (560, 110)).astype(np.float32), 2)
        self.grain = np.clip(1 + (grain / grain.mean() - 1) * 2.6, 0.15, 3)
        self.rng = rng

    def frames(self) -> Iterator[Picture]:
        """All frames: one beat, three times, each with its own place on the heart trace."""
        beat = [self._frame(number) for number in range(_BEAT)]
        for number in range(FRAMES):
            yield self._furnish(beat[number % _BEAT], number)

    def _frame(self, number: int) -> Picture:
        phase = number / _BEAT
        squeeze = float(np.clip(np.sin(min(phase / 0.45, 1.0) * np.pi), 0, 1))
        bright = self._tissue(squeeze, phase)
        speckle = self._speckle(squeeze)
        fade = 1 - 0.3 * (self.range / DEPTH_MM) ** 2
        grey = np.clip((bright * speckle) ** 0.75 * 150 * fade, 0, 255) * self.sector
        rgb = np.repeat(grey[..., None], 3, 2)
        self._flow(rgb, phase, speckle)
        return np.asarray(np.clip(rgb, 0, 255), np.uint8)

    def _tissue(self, squeeze: float, phase: float) -> Array:
        """How much each place echoes: walls bright, blood nearly nothing."""
        x, y = self.x, self.y
        small = 1 - 0.24 * squeeze
        heart = np.minimum(ellipse(x - 2, y - 74, 54, 60), ellipse(x + 2, y - 112, 56, 44))
        bright = 0.42 + 0.25 * soft(np.abs(heart) - 2.2, 2) + 0.30 * soft(heart, 3)
        for cx, cy, a, b in (
            (21, 68, 19 * small, 42 * (1 - 0.10 * squeeze)),
            (-21, 72, 16 * small, 36 * (1 - 0.08 * squeeze)),
            (22, 124, 21 * (1 + 0.10 * squeeze), 17),
            (-21, 124, 20 * (1 + 0.08 * squeeze), 16),
        ):
            chamber = ellipse(x - cx, y - cy, a, b)
            bright += 0.35 * soft(np.abs(chamber - 1.2) - 1.1, 2)
            bright -= bright * soft(chamber, 2.5) * 0.93
        open_by = 0.0 if phase < 0.45 else np.sin((phase - 0.45) / 0.55 * np.pi)
        for hinge, tip in ((3, 19), (40, 24), (-3, -18), (-38, -24)):
            reach = np.clip((x - hinge) / (tip - hinge), 0, 1)
            on = (x - hinge) / (tip - hinge)
            line = np.abs(y - (106 - 13 * open_by * reach)) - 0.9
            bright += 1.1 * soft(line, 1.6) * ((on > 0) & (on < 1 - 0.55 * open_by))
        return np.asarray(np.maximum(bright, 0.02), np.float32)

    def _speckle(self, squeeze: float) -> Array:
        rows = np.clip(self.range * 3.3 + 7 * squeeze, 0, 559).astype(np.int32)
        columns = np.clip((self.angle / _HALF_ANGLE + 1) * 54.5, 0, 109).astype(np.int32)
        fresh = self.rng.rayleigh(0.8, self.range.shape).astype(np.float32)
        return np.asarray(0.82 * self.grain[rows, columns] + 0.18 * fresh, np.float32)

    def _flow(self, rgb: Array, phase: float, speckle: Array) -> None:
        """Red towards the transducer: filling; blue away: a leak through the mitral valve, aliased inside."""
        if phase >= 0.45:
            strength = float(np.sin((phase - 0.45) / 0.55 * np.pi))
            jet = ellipse(self.x - 21, self.y - 88, 9 * strength + 1, 34)
            speed = np.clip(-jet / 8, 0, 1) * strength
            colour = np.stack([110 + 145 * speed, 40 + 190 * speed**2, 20 + 0 * speed], -1)
        else:
            strength = float(np.sin(phase / 0.45 * np.pi))
            jet = ellipse(self.x - 23, self.y - 122, 5 * strength + 1, 15)
            speed = np.clip(-jet / 4, 0, 1) * strength
            mosaic = (np.sin(self.y * 2.1) * np.sin(self.x * 2.6) * speckle > 0.35) & (speed > 0.35)
            colour = np.stack([20 + 0 * speed, 60 + 180 * speed**2, 120 + 135 * speed], -1)
            colour[mosaic] = (240, 220, 60)
        shown = (speed > 0.08) & self.sector & (speckle > 0.35)
        rgb[shown] = 0.2 * rgb[shown] + 0.8 * colour[shown]

    def _furnish(self, pixels: Picture, number: int) -> Picture:
        """What a machine draws around: colour bar, depth marks, heart trace, words."""
        picture = Image.fromarray(pixels)
        draw = ImageDraw.Draw(picture)
        font = ImageFont.load_default(12)
        for step in range(100):
            away = abs(step - 50) / 50
            red = (int(110 + 145 * away), int(40 + 190 * away**2), 20)
            blue = (20, int(60 + 180 * away**2), int(120 + 135 * away))
            draw.line([(14, 40 + step), (26, 40 + step)], fill=red if step < 50 else blue)
        draw.text((10, 24), "+62", fill="white", font=font)
        draw.text((10, 144), "-62 cm/s", fill="white", font=font)
        for centimetre in range(1, 17):
            row = round(_APEX[1] + centimetre * 10 / MM_PER_PIXEL)
            if row < HEIGHT - 4:
                draw.line([(622, row), (630 if centimetre % 5 else 636, row)], fill=(180, 190, 180))
        draw.text((500, 8), "A4C  25 Hz  16.5 cm", fill=(190, 200, 190), font=font)
        points = [(c * 4 + 20, 462 - _beat_trace((c % 75) / 75)) for c in range(150)]
        draw.line(points, fill=(60, 190, 90))
        now = points[round(number / FRAMES * 149)]
        draw.line([(now[0], 440), (now[0], 474)], fill=(220, 220, 120))
        return np.asarray(picture)


def _beat_trace(phase: float) -> float:
    """P, QRS and T of a heart trace."""
    waves = ((0.12, 0.025, 3), (0.22, 0.008, -3), (0.24, 0.009, 18), (0.26, 0.009, -5), (0.48, 0.04, 5))
    return float(sum(size * np.exp(-(((phase - at) / wide) ** 2)) for at, wide, size in waves))
