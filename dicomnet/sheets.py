"""From the cells of a sheet to its bitmap: the one way for the preview and for the printer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from archive.access import User
from archive.imaging.cache import ByteCache
from archive.imaging.geometry import facts_aspect, fitted_size
from archive.imaging.params import View, Window
from archive.models import Instance, Study
from archive.presentations import presentation_frame_picture
from archive.rendering import FrameUnavailable, instance_windows
from archive.selectors import NotFound, instance_for
from dicomnet.film.advice import Source
from dicomnet.film.compose import Picture, compose, fitted, turned
from dicomnet.film.layout import Box, Cell, Film, Labels, Sheet, cell_boxes

_GREYS = ("MONOCHROME1", "MONOCHROME2")


# Pictures as they lie in their cells: a changed cell costs one picture, not the sheet.
PICTURES: ByteCache[tuple[Any, ...], npt.NDArray[Any]] = ByteCache(256 << 20, lambda pixels: pixels.nbytes)


@dataclass(frozen=True, slots=True)
class DrawnSheet:
    """A sheet's bitmap, what stands behind its cells, and which cells stayed dark and why."""

    bitmap: npt.NDArray[Any]
    sources: Mapping[int, Source]
    unavailable: Mapping[int, str]  # place -> sentence


def sheet_draw(*, sheet: Sheet, film: Film, user: User, study: Study | None = None) -> DrawnSheet:
    """Draw a sheet for a person who may see its images.

    With ``study`` an image of any other study is unavailable: one sheet, one patient. Raises LayoutError
    when the grid does not fit the film.
    """
    boxes = cell_boxes(sheet.grid, film)
    pictures: dict[int, Picture] = {}
    sources: dict[int, Source] = {}
    unavailable: dict[int, str] = {}
    for place, cell in sheet.filled:
        try:
            instance = _instance(cell, user, study)
            state = (
                _instance(replace(cell, instance_id=cell.presentation), user, study)
                if cell.presentation
                else None
            )
            pictures[place] = _picture(cell, instance, film, boxes[place], state)
            sources[place] = _turned(source_of(instance), cell)
        except NotFound as error:
            unavailable[place] = str(error)
        except FrameUnavailable as error:
            unavailable[place] = str(error.sentence)
    return DrawnSheet(compose(sheet, pictures, film), sources, unavailable)


def sheet_labels(*, study: Study, number: int, of: int) -> Labels:
    """Whose film this is, above; what and which sheet it is, below."""
    date = dicom_date(study.study_date)
    clock = study.study_time[:2] + ":" + study.study_time[2:4] if len(study.study_time) >= 4 else ""
    what = [date, clock, study.modalities.replace("\\", " "), study.description]
    return Labels(
        top_left=patient_label(study),
        top_right=study.institution_name,
        bottom_left=" ".join(part for part in what if part),
        bottom_right=f"{number} / {of}",
    )


def patient_label(study: Study) -> str:
    """The person as a film names them: both scripts, sex, birth date, ID. Never empty."""
    patient = study.patient
    names = [patient.name_ideographic, patient.name_alphabetic]
    name = " ".join(" ".join(text.replace("^", " ").split()) for text in names if text)
    if patient.name_ideographic:  # hanzi are written without spaces between family and given name
        name = name.replace(" ", "", patient.name_ideographic.count("^"))
    facts = [name, patient.sex, dicom_date(patient.birth_date), patient.patient_id]
    return " · ".join(fact for fact in facts if fact) or study.study_instance_uid


def dicom_date(text: str) -> str:
    """A DICOM DA as people write it; anything else as it came."""
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else text


def source_of(instance: Instance) -> Source:
    """The frame behind a cell, its size with square pixels."""
    aspect = facts_aspect(instance.facts)
    width, height = fitted_size(instance.columns or 1, instance.rows or 1, aspect, None)
    return Source(
        width,
        height,
        colour=instance.facts.get("photometric_interpretation", "") not in _GREYS,
        lossy=bool(instance.facts.get("lossy")),
    )


def _turned(source: Source, cell: Cell) -> Source:
    return replace(source, width=source.height, height=source.width) if cell.turn % 2 else source


def _instance(cell: Cell, user: User, study: Study | None) -> Instance:
    instance = instance_for(user=user, pk=cell.instance_id)
    if study is not None and instance.series.study_id != study.pk:
        raise NotFound
    return instance


def _picture(cell: Cell, instance: Instance, film: Film, box: Box, state: Instance | None) -> Picture:
    key = (
        instance.pk,
        instance.file_digest,
        cell.frame,
        cell.window,
        cell.invert,
        (state.pk, state.file_digest) if state else None,
        (cell.turn, cell.mirror),
        (box.width, box.height),
        (film.bits, film.colour),
    )
    room = (box.height, box.width) if cell.turn % 2 else (box.width, box.height)
    view = View(window=cell.window, invert=cell.invert, box=room)

    def draw() -> npt.NDArray[Any]:
        drawn = presentation_frame_picture(
            instance=instance, frame=cell.frame, view=view, bits=film.bits, colour=film.colour, state=state
        )
        return fitted(turned(drawn, cell.turn, mirror=cell.mirror), box, film)

    pixels = PICTURES.get_or_make(key, draw)
    return Picture(pixels, _number(cell, instance), _window_text(cell, instance))


def _number(cell: Cell, instance: Instance) -> str:
    number = "" if instance.instance_number is None else str(instance.instance_number)
    return f"{number}/{cell.frame}" if instance.number_of_frames > 1 else number


def _window_text(cell: Cell, instance: Instance) -> str:
    window = cell.window or _own_window(instance)
    if window is None:
        return ""
    return f"W {_figure(window.width)}  L {_figure(window.center)}"


def _own_window(instance: Instance) -> Window | None:
    windows = instance_windows(instance=instance)
    return windows[0] if windows else None


def _figure(value: float) -> str:
    text = f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"
    return text.replace("-", "\u2212")
