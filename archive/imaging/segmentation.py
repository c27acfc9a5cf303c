"""Segmentations, PS3.3 C.8.20: which segment a frame holds, in which colour, over which image it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from archive.imaging.colour import Palette, Rgb, lab_rgb
from archive.imaging.geometry import area_averaged
from archive.imaging.lenient import float_of, floats_of, items_of, text_of
from archive.imaging.params import Undecodable

Array = npt.NDArray[Any]
Colour = tuple[int, int, int]
_MAX_FRAMES = 100_000
_MAX_REFERENCES = 64
# For segments that recommend no colour: told apart on grey, in the order of their numbers.
_COLOURS: tuple[Colour, ...] = (
    (230, 85, 75),
    (80, 185, 95),
    (90, 145, 240),
    (240, 190, 60),
    (190, 105, 220),
    (70, 200, 205),
    (240, 140, 185),
    (165, 190, 70),
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One item of the Segment Sequence."""

    number: int
    label: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class Reference:
    """The image a frame was derived from; no ``frames`` (from 1) means all of it."""

    sop_instance_uid: str
    frames: tuple[int, ...] = ()

    def covers(self, sop_instance_uid: str, frame: int) -> bool:
        return self.sop_instance_uid == sop_instance_uid and (not self.frames or frame in self.frames)


@dataclass(frozen=True, slots=True)
class SegmentFrame:
    """Frame ``frame`` (0-based) of the segmentation: the mask of one segment, or of all (a label map)."""

    frame: int
    segment: int | None
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What a Segmentation object says of its frames. ``maximum`` is what counts as wholly inside."""

    segments: tuple[Segment, ...]
    frames: tuple[SegmentFrame, ...]
    maximum: int = 1
    label_map: bool = False

    def segment(self, number: int | None) -> Segment | None:
        return next((segment for segment in self.segments if segment.number == number), None)

    def colour(self, frame: int) -> Colour | None:
        """Of the segment in the frame (0-based)."""
        found = self.segment(self.frames[frame].segment) if frame < len(self.frames) else None
        return found.colour if found else None

    def palette(self) -> Palette:
        """The colours of a label map by segment number; what is no segment is black."""
        numbers = [segment.number for segment in self.segments if 0 <= segment.number <= 65535]
        table = np.zeros((max(numbers, default=0) + 2, 3), np.uint8)  # the last entry is for what lies beyond
        for segment in self.segments:
            if segment.number in numbers:
                table[segment.number] = segment.colour
        return Palette(0, table)


@dataclass(frozen=True, slots=True)
class Coverage:
    """A segment over a picture: how much of each pixel it takes, 0..255."""

    segment: Segment
    cover: npt.NDArray[np.uint8]


def segmentation_read(dataset: Dataset, frames: int) -> Segmentation | None:
    """The segmentation; None for objects that are none."""
    segments = tuple(_segment(item) for item in items_of(dataset, "SegmentSequence"))
    if not segments:
        return None
    kind = text_of(dataset, "SegmentationType").upper()
    shared = next(iter(items_of(dataset, "SharedFunctionalGroupsSequence")), None)
    per_frame = items_of(dataset, "PerFrameFunctionalGroupsSequence")[: min(frames, _MAX_FRAMES)]
    return Segmentation(
        segments,
        tuple(_frame(number, [item, shared] if shared else [item]) for number, item in enumerate(per_frame)),
        max(1, int(float_of(dataset, "MaximumFractionalValue", 255))) if kind == "FRACTIONAL" else 1,
        kind == "LABELMAP",
    )


def _segment(item: Dataset) -> Segment:
    number = int(float_of(item, "SegmentNumber", 0))
    lab = floats_of(item, "RecommendedDisplayCIELabValue")
    colour = lab_rgb((lab[0], lab[1], lab[2])) if len(lab) == 3 else _COLOURS[(number - 1) % len(_COLOURS)]
    return Segment(number, text_of(item, "SegmentLabel"), colour)


def _frame(number: int, groups: Sequence[Dataset]) -> SegmentFrame:
    """The frame's own group first, the shared one where it says nothing."""
    identified = [i for group in groups for i in items_of(group, "SegmentIdentificationSequence")[:1]]
    segment = int(float_of(identified[0], "ReferencedSegmentNumber", 0)) if identified else None
    derived = [i for group in groups for i in items_of(group, "DerivationImageSequence")]
    sources = [source for item in derived for source in items_of(item, "SourceImageSequence")]
    references = tuple(
        Reference(
            text_of(source, "ReferencedSOPInstanceUID"),
            tuple(int(n) for n in floats_of(source, "ReferencedFrameNumber")),
        )
        for source in sources[:_MAX_REFERENCES]
    )
    return SegmentFrame(number, segment, references)


def segment_frames_over(
    segmentation: Segmentation, *, sop_instance_uid: str, frame: int
) -> tuple[SegmentFrame, ...]:
    """The frames that lie over a frame (from 1) of an image: those derived from it, PS3.3 C.7.6.16.2.6."""
    return tuple(
        one
        for one in segmentation.frames
        if any(reference.covers(sop_instance_uid, frame) for reference in one.references)
    )


def coverages_of(segmentation: Segmentation, one: SegmentFrame, values: Array) -> tuple[Coverage, ...]:
    """The stored ``values`` of a frame as the segments it holds, each with how much it takes of a pixel."""
    if segmentation.label_map:
        masks = ((s, values == s.number) for s in segmentation.segments if s.number > 0)
        return tuple(Coverage(s, mask.astype(np.uint8) * np.uint8(255)) for s, mask in masks if mask.any())
    segment = segmentation.segment(one.segment)
    if segment is None:
        return ()
    part = np.clip(values.astype(np.float32), 0, segmentation.maximum) * (255 / segmentation.maximum)
    return (Coverage(segment, np.rint(part).astype(np.uint8)),)


def segments_composed(picture: Array, coverages: Sequence[Coverage], *, opacity: float = 0.5) -> Rgb:
    """The 8-bit grey or RGB ``picture`` with the segments over it, later ones on top.

    A cover larger than the picture is averaged to it; raises Undecodable for one of another shape.
    """
    rgb = np.repeat(picture[:, :, None], 3, axis=2) if picture.ndim == 2 else picture.copy()
    for coverage in coverages:
        cover = _fitted(coverage.cover, rgb.shape[:2])
        places = np.nonzero(cover)
        part = cover[places].astype(np.float32)[:, None] * np.float32(opacity / 255)
        under = rgb[places].astype(np.float32)
        over = np.array(coverage.segment.colour, np.float32)
        rgb[places] = np.rint(under + (over - under) * part).astype(np.uint8)
    return rgb


def _fitted(cover: npt.NDArray[np.uint8], shape: Sequence[int]) -> npt.NDArray[np.uint8]:
    rows, columns = shape
    if cover.shape == (rows, columns):
        return cover
    scales = cover.shape[0] / rows, cover.shape[1] / columns
    if min(scales) < 1 or abs(cover.shape[0] - rows * scales[1]) > max(2.0, *scales):
        raise Undecodable("size-differs", f"a segment of {cover.shape} for a picture of {rows} x {columns}")
    return area_averaged(cover, (columns, rows))
