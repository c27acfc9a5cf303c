"""Where a frame of a segmentation lies over an image: by the patient where both say it, else pixel upon
pixel."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from archive.imaging.segmentation import Coverage
from archive.imaging.volume import Slice

Box = tuple[float, float, float, float]  # left, top, width, height: in pixels of the image

ONE_PLANE: Final = 0.1  # mm between two planes that are the same
_CLOSE: Final = 1e-3


def box_over(image: Slice, segment: Slice, *, derived: bool) -> Box | None:
    """Where the frame ``segment`` lies in ``image``; None where it does not, or lies askew.

    ``derived``: the frame says it was made from this image (PS3.3 C.7.6.16.2.6). It may then be thicker
    than the image, and where one of both says nothing of its place, it lies on the image pixel upon pixel
    if they are as large.
    """
    if not (_placed(image) and _placed(segment)):
        alike = (image.rows, image.columns) == (segment.rows, segment.columns)
        return (0.0, 0.0, float(image.columns), float(image.rows)) if derived and alike else None
    if not np.allclose(image.orientation, segment.orientation, rtol=0, atol=_CLOSE):
        return None
    along, down = np.array(image.orientation[:3]), np.array(image.orientation[3:])
    way = np.array(segment.position) - np.array(image.position)
    apart = abs(float(way @ np.cross(along, down)))
    if apart > (min(image.spacing) if derived else ONE_PLANE):
        return None
    # Positions are of middles of first pixels, boxes begin at their outer corners.
    wide, high = segment.spacing[1] / image.spacing[1], segment.spacing[0] / image.spacing[0]
    left = float(way @ along) / image.spacing[1] + 0.5 - wide / 2
    top = float(way @ down) / image.spacing[0] + 0.5 - high / 2
    return (
        round(left, 4),
        round(top, 4),
        round(segment.columns * wide, 4),
        round(segment.rows * high, 4),
    )


def _placed(one: Slice) -> bool:
    return len(one.position) == 3 and len(one.orientation) == 6 and len(one.spacing) == 2


def coverages_painted(
    shape: tuple[int, int], coverages: list[Coverage], *, opacity: float = 0.5
) -> npt.NDArray[np.uint8]:
    """(rows, columns, 4): segments in their colours and how much they cover, later ones on top."""
    painted = np.zeros((*shape, 4), np.uint8)
    for coverage in coverages:
        places = np.nonzero(coverage.cover)
        painted[places[0], places[1], :3] = coverage.segment.colour
        painted[places[0], places[1], 3] = np.rint(coverage.cover[places] * opacity)
    return painted
