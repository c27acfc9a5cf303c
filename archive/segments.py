"""Segmentations of a study over its images: which lie over which, and each as a picture to lay over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import imagecodecs
import numpy as np

from archive.imaging.cache import ByteCache
from archive.imaging.frame_places import frame_slices
from archive.imaging.params import Undecodable
from archive.imaging.segment_places import ONE_PLANE, Box, box_over, coverages_painted
from archive.imaging.segmentation import Segment, Segmentation, coverages_of
from archive.imaging.source import ImageSource, decode_frame, pixel_handle, source_read
from archive.imaging.volume import Slice
from archive.models import Instance, Study
from archive.placing import frames_placed
from archive.rendering import FrameUnavailable, unavailable
from archive.selectors import instances_of_class
from archive.storage import file_open

CLASSES: Final = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # PS3.4 B.5
_MOST_PLACES: Final = 50_000  # of one segmentation


@dataclass(frozen=True, slots=True)
class Laid:
    """A segmentation, and where it lies: for an image's key and frame (1-based), a box in its pixels."""

    instance: Instance
    segments: tuple[Segment, ...]
    places: dict[tuple[int, int], Box]


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A segmentation as it was read: its frames by the image they were made from, and those that name none.

    ``slices``: where frames lie; a file may tell of more than it holds.
    """

    source: ImageSource
    segmentation: Segmentation
    slices: list[Slice]
    by_uid: dict[str, list[int]]
    loose: list[int]


_read: ByteCache[tuple[int, str], _Read] = ByteCache(16 << 20, lambda read: 600 * len(read.slices) + 4096)


def segmentations_laid(*, study: Study) -> list[Laid]:
    """The segmentations of a study that can be read, with all the images they lie over."""
    images = Instance.objects.filter(series__study=study, rejected_at__isnull=True, number_of_frames__gt=0)
    shown = list(images.exclude(sop_class_uid__in=CLASSES).select_related("series"))
    found = []
    for instance in instances_of_class(study=study, sop_class_uids=CLASSES):
        try:
            read = _segmentation(instance)
        except FrameUnavailable:
            continue
        places: dict[tuple[int, int], Box] = {}
        for image in shown:
            if len(places) < _MOST_PLACES:
                places |= _places(instance, read, image)
        found.append(Laid(instance, read.segmentation.segments, places))
    return found


def segments_picture(*, instance: Instance, image: Instance, frame: int) -> bytes:
    """What a segmentation says of a frame (1-based) of an image, as a PNG with transparency.

    Of the size of its own frames. Raises FrameUnavailable, ``no-such-frame`` where it does not lie over it.
    """
    read = _segmentation(instance)
    over = _over(instance, read, image, frame)
    if over is None:
        raise FrameUnavailable("no-such-frame", f"nothing over frame {frame} of {image.sop_instance_uid}")
    _box, frames = over
    with unavailable(), file_open(instance.file_key) as file:
        pixels = pixel_handle(read.source, file)
        covers = [
            coverage
            for number in frames
            for coverage in coverages_of(
                read.segmentation,
                read.segmentation.frames[number],
                decode_frame(read.source, pixels, number),
            )
        ]
    d = read.source.description
    return bytes(imagecodecs.png_encode(coverages_painted((d.rows, d.columns), covers), 1))


def _segmentation(instance: Instance) -> _Read:
    def make() -> _Read:
        with unavailable(), file_open(instance.file_key) as file:
            source = source_read(file)
            file.seek(0)
            slices = frame_slices(file)
            said = source.segmentation
            if said is None or len(said.frames) > len(slices):
                raise Undecodable("contradiction", "frames without a place or a segment")
            by_uid: dict[str, list[int]] = {}
            for one in said.frames:
                for uid in {reference.sop_instance_uid for reference in one.references}:
                    by_uid.setdefault(uid, []).append(one.frame)
            loose = [one.frame for one in said.frames if not one.references]
            return _Read(source, said, slices, by_uid, loose)

    return _read.get_or_make((instance.pk, instance.file_digest), make)


def _places(instance: Instance, read: _Read, image: Instance) -> dict[tuple[int, int], Box]:
    found = {}
    if image.sop_instance_uid in read.by_uid or (read.loose and _same_space(instance, image)):
        for frame in range(1, image.number_of_frames + 1):
            over = _over(instance, read, image, frame)
            if over is not None:
                found[image.pk, frame] = over[0]
    return found


def _over(instance: Instance, read: _Read, image: Instance, frame: int) -> tuple[Box, list[int]] | None:
    """Where it lies over a frame of an image, and its frames (0-based) that do; those made from it first."""
    slices = frames_placed(instance=image)
    if not 1 <= frame <= len(slices):
        return None
    uid, own = image.sop_instance_uid, slices[frame - 1]
    frames, derived = [], True
    for number in read.by_uid.get(uid, []):
        if any(one.covers(uid, frame) for one in read.segmentation.frames[number].references):
            frames.append(number)
    if not frames and _same_space(instance, image):
        frames, derived = _beside(read, own), False
    boxes = [(number, box_over(own, read.slices[number], derived=derived)) for number in frames]
    lying = [(number, box) for number, box in boxes if box is not None]
    if not lying:
        return None
    first = lying[0][1]
    return first, [number for number, box in lying if box == first]


def _beside(read: _Read, own: Slice) -> list[int]:
    """The frames without a reference that lie in the plane of an image, before they are looked at closely."""
    if len(own.position) != 3 or len(own.orientation) != 6:
        return []
    placed = [number for number in read.loose if len(read.slices[number].position) == 3]
    if not placed:
        return []
    normal = np.cross(own.orientation[:3], own.orientation[3:])
    ways = np.array([read.slices[number].position for number in placed]) - np.array(own.position)
    near = np.abs(ways @ normal) <= ONE_PLANE
    return [number for number, is_near in zip(placed, near, strict=True) if is_near]


def _same_space(instance: Instance, image: Instance) -> bool:
    space = instance.series.frame_of_reference_uid
    return bool(space) and space == image.series.frame_of_reference_uid
