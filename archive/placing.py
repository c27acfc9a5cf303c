"""Where the frames of an image lie in the patient: one as it is indexed, several as their file says."""

from __future__ import annotations

from typing import Final

from archive.imaging.cache import ByteCache
from archive.imaging.frame_places import frame_slices
from archive.imaging.volume import Slice
from archive.models import Instance
from archive.rendering import unavailable
from archive.storage import file_open

_SLICE_BYTES: Final = 400
_known: ByteCache[tuple[int, str], list[Slice]] = ByteCache(8 << 20, lambda found: _SLICE_BYTES * len(found))


def frames_placed(*, instance: Instance) -> list[Slice]:
    """A slice for each frame, in order; what is not known of one is empty. Raises ``FrameUnavailable``.

    Spacing is that in the patient: what lies at a detector is left out (PS3.3 10.7.1.3).
    """
    if instance.number_of_frames <= 1:
        facts = instance.facts
        spacing = facts.get("pixel_spacing") if facts.get("spacing_basis") == "pixel" else None
        position, axes = facts.get("image_position"), facts.get("image_orientation")
        return [_slice(instance, position, axes, spacing)]

    def make() -> list[Slice]:
        with unavailable(), file_open(instance.file_key) as file:
            found = frame_slices(file)
        whole = len(found) == instance.number_of_frames
        return found if whole else [_slice(instance)] * instance.number_of_frames

    return _known.get_or_make((instance.pk, instance.file_digest), make)


def _slice(instance: Instance, *places: list[float] | None) -> Slice:
    position, axes, spacing = (tuple(place or ()) for place in places or (None, None, None))
    return Slice(position, axes, spacing, instance.rows or 0, instance.columns or 0)
