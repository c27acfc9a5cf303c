"""What is on the screen, kept as a presentation state that other viewers show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from django.contrib.auth.models import AbstractUser
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from archive.access import Act, require
from archive.dicom.presentation.records import (
    COLOR,
    GREYSCALE,
    Annotation,
    Area,
    Graphic,
    Layer,
    Modality,
    PresentationState,
    Reference,
    SizeMode,
    Table,
    Text,
    Voi,
    meant_for,
)
from archive.dicom.presentation.writing import presentation_written
from archive.imaging.annotate import DEFAULT_COLOUR
from archive.imaging.greyscale import Chosen, Greyscale
from archive.imaging.lut import Lut
from archive.imaging.params import View
from archive.made_objects import creator_name, made_keep, subject_of
from archive.models import Instance, Study
from archive.presentations import presentation_state, presentation_view
from archive.rendering import frame_greys

Steps = tuple[Greyscale, Chosen, bool]
_LAYER: Final = "LIGHTBOX"
_SENTENCES: Final[dict[str, Promise]] = {
    "no-images": _("There is no image to save a view of."),
    "mixed": _("Grey and colour images cannot share a view. Save them one by one."),
    "colour-window": _("A view of a colour image cannot hold a window or inversion. Reset them, then save."),
    "rescale": _("The images differ in their rescale values. Save their views one by one."),
}


class SaveRefused(Exception):
    """The view cannot be kept: ``code`` for machines, ``sentence`` for people."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def sentence(self) -> str:
        return str(_SENTENCES[self.code])


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """An image on the screen; of an image of many frames, the one that is shown."""

    instance: Instance
    frame: int = 1

    @property
    def reference(self) -> Reference:
        frames = (self.frame,) if self.instance.number_of_frames > 1 else ()
        return Reference(
            self.instance.sop_instance_uid,
            frames,
            self.instance.sop_class_uid,
            self.instance.series.series_instance_uid,
        )


@dataclass(frozen=True, slots=True)
class ShownView:
    """How it is shown. ``box``: what is seen, in stored pixels from 0 (left, top, right, bottom); None: all.

    ``base`` is the state that is applied: what it draws and covers is kept as well.
    """

    view: View = field(default_factory=View)
    box: tuple[int, int, int, int] | None = None
    magnification: float | None = None
    rotation: int = 0
    flip: bool = False
    graphics: tuple[Graphic, ...] = ()
    texts: tuple[Text, ...] = ()
    drawn_on: ShownFrame | None = None  # the one that graphics and texts belong to; None: all that are shown
    base: Instance | None = None


def presentation_save(
    *, study: Study, user: AbstractUser, source: str, name: str, shown: Sequence[ShownFrame], look: ShownView
) -> Instance:
    """Keep a view of images of a study under a name, as an object of the study; return the object.

    Raises ``PermissionDenied``, ``SaveRefused``, ``FrameUnavailable``, or what keeping an object raises.
    """
    require(user=user, act=Act.ANNOTATE, study=study)
    state = presentation_made(name=name, creator=creator_name(user=user), shown=shown, look=look)
    made = presentation_written(state, subject_of(study=study), now=timezone.localtime())
    return made_keep(made=made, study=study, by=user, source=source, name=name)


def presentation_made(
    *, name: str, creator: str, shown: Sequence[ShownFrame], look: ShownView
) -> PresentationState:
    """The state of what is shown. Raises ``SaveRefused`` and ``FrameUnavailable``."""
    if not shown:
        raise SaveRefused("no-images")
    base = presentation_state(instance=look.base) if look.base else None
    layers, annotations = _drawn(shown, look, base)
    state = PresentationState(
        sop_class_uid=COLOR,
        sop_instance_uid="",
        references=tuple(one.reference for one in shown),
        label=name,
        description=name,
        creator=creator,
        areas=_areas(shown, look),
        rotation=look.rotation,
        flip=look.flip,
        layers=layers,
        annotations=annotations,
        shutter=base.shutter if base else None,
    )
    return _with_greys(state, shown, look)


# ---------------------------------------------------------------------- greys


def _with_greys(state: PresentationState, shown: Sequence[ShownFrame], look: ShownView) -> PresentationState:
    found = [frame_greys(instance=one.instance, frame=one.frame, view=_view(one, look)) for one in shown]
    steps = [one for one in found if one is not None]
    if not steps:
        if look.view.window is not None or look.view.invert:
            raise SaveRefused("colour-window")
        return state
    if len(steps) < len(found):
        raise SaveRefused("mixed")
    modality, (_greyscale, _chosen, inverse) = _modality(steps), steps[0]
    table = _table(_greyscale.presentation_lut)
    if table is not None and inverse:
        table, inverse = _turned_round(_greyscale.presentation_lut), False
    return replace(
        state,
        sop_class_uid=GREYSCALE,
        modality=modality,
        vois=_vois(shown, [chosen for _, chosen, _ in steps]),
        inverse=inverse,
        presentation_table=table,
    )


def _view(one: ShownFrame, look: ShownView) -> View:
    if look.base is None:
        return look.view
    return presentation_view(instance=one.instance, frame=one.frame, view=look.view, state=look.base)


def _modality(steps: Sequence[Steps]) -> Modality:
    """The one modality step of all the frames: a state has room for one, and one presentation step."""
    kinds = {
        (one.slope, one.intercept, one.unit, _table(one.modality_lut), _table(one.presentation_lut), inverse)
        for one, _, inverse in steps
    }
    if len(kinds) > 1:
        raise SaveRefused("rescale")
    slope, intercept, unit, table, _, _ = kinds.pop()
    return Modality(slope, intercept, unit, table)


def _vois(shown: Sequence[ShownFrame], chosen: Sequence[Chosen]) -> tuple[Voi, ...]:
    """One for all of them, or one for each that differs."""
    vois = [_voi(one) for one in chosen]
    if len(set(vois)) == 1:
        return (vois[0],)
    return tuple(
        replace(
            voi,
            references=tuple(one.reference for one, other in zip(shown, vois, strict=True) if other == voi),
        )
        for voi in dict.fromkeys(vois)
    )


def _voi(chosen: Chosen) -> Voi:
    if chosen.window is not None:
        window = chosen.window
        return Voi((), window.center, window.width, window.function.value, window.explanation)
    return Voi(table=_table(chosen.lut))


def _table(lut: Lut | None) -> Table | None:
    if lut is None:
        return None
    descriptor = (len(lut.data) & 0xFFFF, lut.first & 0xFFFF, lut.bits)
    return Table(descriptor, lut.data.astype("<u2").tobytes(), lut.explanation)


def _turned_round(lut: Lut | None) -> Table | None:
    return None if lut is None else _table(replace(lut, data=(lut.top - lut.data).astype(lut.data.dtype)))


# ---------------------------------------------------------------------- layout and drawings


def _areas(shown: Sequence[ShownFrame], look: ShownView) -> tuple[Area, ...]:
    """The displayed area: one for all, or one for each size and spacing among them."""
    areas: dict[Area, list[Reference]] = {}
    for one in shown:
        areas.setdefault(_area(one.instance, look), []).append(one.reference)
    if len(areas) == 1:
        return tuple(areas)
    return tuple(replace(area, references=tuple(references)) for area, references in areas.items())


def _area(instance: Instance, look: ShownView) -> Area:
    left, top, right, bottom = look.box or (0, 0, instance.columns or 1, instance.rows or 1)
    corners = [
        (left + 1 if x == 0 else right, top + 1 if y == 0 else bottom)
        for x, y in (_stored_corner(corner, look) for corner in (0, 1))
    ]
    spacing, aspect = instance.facts.get("pixel_spacing"), instance.facts.get("aspect")
    return Area(
        top_left=corners[0],
        bottom_right=corners[1],
        mode=SizeMode.MAGNIFY if look.magnification else SizeMode.FIT,
        spacing=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        aspect=(aspect[0], aspect[1]) if aspect and min(aspect) > 0 else None,
        magnification=look.magnification,
    )


def _stored_corner(corner: int, look: ShownView) -> tuple[int, int]:
    """Which corner of the stored image (0 or 1 each way) lies at the displayed corner, PS3.3 C.10.4."""
    x, y = 1 - corner if look.flip else corner, corner
    for _turn in range(look.rotation // 90):
        x, y = y, 1 - x
    return x, y


def _drawn(
    shown: Sequence[ShownFrame], look: ShownView, base: PresentationState | None
) -> tuple[tuple[Layer, ...], tuple[Annotation, ...]]:
    """What the applied state draws over these images, and what the person drew."""
    layers: list[Layer] = list(base.layers) if base else []
    annotations: list[Annotation] = []
    for one in shown if base else ():
        reference = (one.reference,)
        for drawn in meant_for(base.annotations if base else (), one.instance.sop_instance_uid, one.frame):
            annotations.append(replace(drawn, references=reference))
    described = {layer.name for layer in layers}
    layers += [Layer(name) for name in dict.fromkeys(a.layer for a in annotations) if name not in described]
    if look.graphics or look.texts:
        layers = [*(layer for layer in layers if layer.name != _LAYER), Layer(_LAYER, colour=DEFAULT_COLOUR)]
        references = (look.drawn_on.reference,) if look.drawn_on else ()
        annotations.append(Annotation(references, _LAYER, look.graphics, look.texts))
    return tuple(layers), tuple(annotations)
