"""Presentation states of a study: which there are, what one says, a frame under one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from archive.dicom.presentation.reading import presentation_read
from archive.dicom.presentation.records import (
    CLASSES,
    Annotation,
    Area,
    PresentationState,
    PresentationUnreadable,
    Reference,
)
from archive.imaging.annotate import Array, Caption, Line, Mark, marks_drawn, presented_picture
from archive.imaging.cache import ByteCache
from archive.imaging.geometry import enlarged
from archive.imaging.params import Encoding, View
from archive.imaging.presenting import look_of
from archive.models import Instance, Study
from archive.rendering import FrameUnavailable, RenderedFrame, frame_picture, frame_render
from archive.selectors import instances_by_uid, instances_of_class
from archive.storage import NotStored, file_open

_CODES: Final = {"broken": "presentation-broken", "no-references": "presentation-empty"}
_MIB: Final = 1 << 20
_FINE: Final = 1024  # pixels of the longer side on which text is drawn
STATES: ByteCache[tuple[int, str], PresentationState] = ByteCache(32 * _MIB, lambda state: state.nbytes)


@dataclass(frozen=True, slots=True)
class StateEntry:
    """A state in the list of its study: of which images it speaks, or why it cannot be applied."""

    instance: Instance
    state: PresentationState | None
    images: tuple[int, ...]  # primary keys
    reason: str = ""


def presentation_state(*, instance: Instance) -> PresentationState:
    """Return what a presentation state object says. Raises ``FrameUnavailable``."""

    def read() -> PresentationState:
        with file_open(instance.file_key) as file:
            return presentation_read(file)

    try:
        return STATES.get_or_make((instance.pk, instance.file_digest), read)
    except PresentationUnreadable as error:
        kind = "presentation-kind" if error.code in {"pseudo-color", "blending", "xa-xrf"} else "presentation"
        raise FrameUnavailable(_CODES.get(error.code, kind), str(error)) from error
    except NotStored as error:
        raise FrameUnavailable("not-stored", str(error)) from error
    except OSError as error:
        raise FrameUnavailable("unreadable", str(error)) from error


def presentations_of(*, study: Study) -> list[StateEntry]:
    """Return the states of a study, the latest arrival first. Each file is read once and then remembered."""
    found: list[tuple[Instance, PresentationState | None, str]] = []
    for instance in instances_of_class(study=study, sop_class_uids=CLASSES):
        try:
            found.append((instance, presentation_state(instance=instance), ""))
        except FrameUnavailable as error:
            found.append((instance, None, error.sentence))
    uids = {one.sop_instance_uid for _, state, _ in found if state for one in state.references}
    known = instances_by_uid(study=study, uids=uids)
    return [
        StateEntry(instance, state, _keys(state.references if state else (), known), reason)
        for instance, state, reason in found
    ]


def _keys(references: tuple[Reference, ...], known: dict[str, Instance]) -> tuple[int, ...]:
    return tuple(
        dict.fromkeys(known[one.sop_instance_uid].pk for one in references if one.sop_instance_uid in known)
    )


def presentation_frame_render(
    *, instance: Instance, frame: int, view: View, encoding: Encoding, state: Instance | None = None
) -> RenderedFrame:
    """``frame_render`` under a presentation state; a frame of which the state does not speak, without it.

    Raises ``FrameUnavailable``. Thread-safe.
    """
    if state is not None:
        view = presentation_view(instance=instance, frame=frame, view=view, state=state)
    return frame_render(instance=instance, frame=frame, view=view, encoding=encoding)


def presentation_frame_picture(
    *,
    instance: Instance,
    frame: int,
    view: View,
    bits: int = 8,
    colour: bool = False,
    state: Instance | None = None,
) -> Array:
    """``frame_picture`` under a presentation state: laid out as it says, with what it draws burned in."""
    if state is None:
        return frame_picture(instance=instance, frame=frame, view=view, bits=bits, colour=colour)
    view = presentation_view(instance=instance, frame=frame, view=view, state=state)
    says, uid = presentation_state(instance=state), instance.sop_instance_uid
    if not says.speaks_of(uid, frame):
        return frame_picture(instance=instance, frame=frame, view=view, bits=bits, colour=colour)
    # The whole frame in its own size: the part that is shown may be a small one.
    whole = replace(view, box=None)
    values = frame_picture(instance=instance, frame=frame, view=whole, bits=bits, colour=colour)
    if says.annotations and max(values.shape[:2]) < _FINE:  # lines and letters are to be fine
        times = -(-_FINE // max(values.shape[:2]))
        values = enlarged(values, (values.shape[1] * times, values.shape[0] * times))
    full_size = (instance.columns or values.shape[1], instance.rows or values.shape[0])
    return presented_picture(values, says, uid, frame, full_size, bits=8 if colour else bits)


def presentation_view(*, instance: Instance, frame: int, view: View, state: Instance) -> View:
    """Return the view under the state, if it speaks of this frame. Raises ``FrameUnavailable``."""
    says = presentation_state(instance=state)
    if not says.speaks_of(instance.sop_instance_uid, frame):
        return view
    look = look_of(says, instance.sop_instance_uid, frame)
    # The object's own shutter counts for nothing under a state, its overlays where the state activates them.
    return replace(view, presentation=look, shutter=False, overlays=view.overlays and bool(says.overlays))


# ---------------------------------------------------------------------- for the page


def presentation_layout(*, study: Study, instance: Instance) -> dict[str, Any]:
    """Return how a state lays out the study's images and what it draws over them, as plain values.

    ``{"rotation", "flip", "images": {key: {"frames", "areas": [...], "marks": [...]}}, "leftOut"}``: empty
    ``frames`` mean all. Raises ``FrameUnavailable``.
    """
    state = presentation_state(instance=instance)
    known = instances_by_uid(study=study, uids={one.sop_instance_uid for one in state.references})
    images: dict[int, dict[str, Any]] = {}
    for reference in state.references:
        image = known.get(reference.sop_instance_uid)
        if image is None:
            continue
        if image.pk in images:
            continue
        uid = image.sop_instance_uid
        (_, frames), *_ = _of_image((state,), uid)
        entry = images[image.pk] = {"frames": frames, "areas": [], "marks": []}
        entry["areas"] = [_area(area, frames) for area, frames in _of_image(state.areas, uid)]
        for annotation, frames in _of_image(state.annotations, uid):
            marks = marks_drawn(state, [annotation])
            entry["marks"].append(
                {"frames": frames, "layer": annotation.layer, "items": [*map(_mark, marks)]}
            )
        order = {layer.name: place for place, layer in enumerate(state.layers)}
        entry["marks"].sort(key=lambda group: order.get(group["layer"], len(order)))
    return {"rotation": state.rotation, "flip": state.flip, "images": images, "leftOut": list(state.left_out)}


def _of_image(items: tuple[Any, ...], sop_instance_uid: str) -> list[tuple[Any, list[int]]]:
    """The items that bear on an image, each with the frames it is for (none: all)."""
    found: list[tuple[Area | Annotation, list[int]]] = []
    for item in items:
        mine = [one for one in item.references if one.sop_instance_uid == sop_instance_uid]
        if mine or not item.references:
            whole = not mine or any(not one.frames for one in mine)
            found.append((item, [] if whole else sorted({n for one in mine for n in one.frames})))
    return found


def _area(area: Area, frames: list[int]) -> dict[str, Any]:
    return {
        "frames": frames,
        "box": list(area.box),
        "mode": area.mode.value,
        "spacing": list(area.spacing) if area.spacing else None,
        "magnification": area.magnification,
    }


def _mark(mark: Mark) -> dict[str, Any]:
    colour = "#{:02x}{:02x}{:02x}".format(*mark.colour)
    if isinstance(mark, Line):
        return {
            "points": [[round(x, 4), round(y, 4)] for x, y in mark.points],
            "units": mark.units.value,
            "closed": mark.closed,
            "filled": mark.filled,
            "colour": colour,
        }
    return _caption(mark, colour)


def _caption(caption: Caption, colour: str) -> dict[str, Any]:
    text = caption.text
    return {
        "text": text.text,
        "box": [list(corner) for corner in text.box] if text.box else None,
        "boxUnits": text.box_units.value,
        "align": text.justification,
        "anchor": list(text.anchor) if text.anchor else None,
        "anchorUnits": text.anchor_units.value,
        "line": text.anchor_visible,
        "colour": colour,
    }
