"""Where each frame of a multi-frame image lies: functional groups, PS3.3 C.7.6.16.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from pydicom.dataset import Dataset

from archive.dicom.reader import Unreadable, open_dataset
from archive.imaging.lenient import float_of, floats_of, items_of
from archive.imaging.params import Undecodable
from archive.imaging.volume import Slice

_POSITION = ("PlanePositionSequence", "ImagePositionPatient")
_ORIENTATION = ("PlaneOrientationSequence", "ImageOrientationPatient")
_SPACING = ("PixelMeasuresSequence", "PixelSpacing")
_MOST = 10_000  # frames


def frame_slices(handle: BinaryIO) -> list[Slice]:
    """A slice for each item of the Per-frame Functional Groups; what is not said of a frame is empty.

    Raises ``Undecodable("broken-header")``.
    """
    try:
        dataset = open_dataset(handle, stop_before_pixels=True)
    except (Unreadable, OSError) as error:  # pydicom says OSError for a sequence that ends early
        raise Undecodable("broken-header", str(error)) from None
    shared = items_of(dataset, "SharedFunctionalGroupsSequence")[:1]
    rows, columns = int(float_of(dataset, "Rows", 0)), int(float_of(dataset, "Columns", 0))
    return [
        Slice(
            position=_said([frame, *shared], _POSITION),
            orientation=_said([frame, *shared], _ORIENTATION),
            spacing=_said([frame, *shared], _SPACING),
            rows=rows,
            columns=columns,
        )
        for frame in items_of(dataset, "PerFrameFunctionalGroupsSequence")[:_MOST]
    ]


def _said(groups: Sequence[Dataset], wanted: tuple[str, str]) -> tuple[float, ...]:
    sequence, attribute = wanted
    for group in groups:
        for item in items_of(group, sequence)[:1]:
            if found := floats_of(item, attribute):
                return tuple(found)
    return ()
