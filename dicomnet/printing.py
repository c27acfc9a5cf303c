"""Print services: ask for a film, go on with it, let it be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from archive.access import Act, User, require
from archive.audit import audit_record
from archive.events import event_record
from archive.models import AuditEvent, Study
from archive.selectors import instances_of, series_of
from dicomnet.film.layout import (
    Cell,
    Film,
    Grid,
    LayoutError,
    Sheet,
    cell_boxes,
    film_size_mm,
    film_turned,
    sheets_fill,
)
from dicomnet.jobs import print_job_run
from dicomnet.models import FilmSheet, Printer, PrintJob, PrintStep
from dicomnet.print_run import print_jobs_settle
from dicomnet.sheets import patient_label, sheet_labels

MOST_SHEETS = 50
COMMON_FILM_SIZES = ("8INX10IN", "10INX12IN", "11INX14IN", "14INX14IN", "14INX17IN", "A4")
UNPRINTABLE_EDGE_MM = 5.0

REASONS = {
    "no-printer": _("This printer is not in use. Choose another."),
    "no-film-size": _("The printer has no film of this size. Choose another."),
    "bad-orientation": _("A film is held upright or across."),
    "bad-copies": _("The printer does not make so many copies."),
    "no-colour": _("This printer does not print in colour."),
    "no-greyscale": _("This printer prints in colour only."),
    "no-images": _("Nothing is on the film yet."),
    "too-many-sheets": _("So many sheets are not printed at once."),
    "foreign-image": _("An image is not of this study, or it was removed."),
    "bad-layout": _("A sheet cannot have this layout."),
    "cells-too-small": _("So many cells do not fit on this film."),
    "bad-medium": _("The printer does not have this medium."),
    "wrong-state": _("The job has gone on meanwhile. Look again."),
    "say-first": _("Say first whether the sheet in doubt came out."),
}


@dataclass(frozen=True, slots=True)
class FilmOrder:
    """What a person chooses for a whole job, in the printer's terms (PS3.3 C.13.1, C.13.3)."""

    film_size: str
    orientation: str = "PORTRAIT"
    copies: int = 1
    colour: bool = False
    medium: str = ""


class PrintRefused(ValueError):
    """What was asked cannot be printed so: a slug, and a sentence for the person."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def sentence(self) -> str:
        return str(REASONS.get(self.code, REASONS["bad-layout"]))


def print_job_submit(
    *,
    user: User,
    study: Study,
    printer: Printer,
    grid: Grid,
    cells: Sequence[Cell],
    order: FilmOrder,
    source: str = "",
) -> PrintJob:
    """Queue a print of these images, shared out over as many sheets as they need.

    Job, sheets, audit row, event and task are one transaction: all of it is there, or nothing. What each
    sheet will show is fixed here; later changes of the printer or the study do not change it. Raises
    ``PrintRefused`` with the reason, ``PermissionDenied`` for a person who may not print this study.
    """
    require(user=user, act=Act.PRINT, study=study)
    assert user.pk is not None  # somebody without an account may do nothing
    _order_check(printer, order)
    film = printer_film(printer=printer, order=order)
    fills = _cells_check(study, grid, cells, film)
    with transaction.atomic():
        job = PrintJob.objects.create(
            printer=printer,
            study=study,
            patient_label=patient_label(study)[:512],
            requested_by_id=user.pk,
            film_size=order.film_size,
            orientation=order.orientation,
            columns=film.columns,
            rows=film.rows,
            pixel_pitch_um=film.pitch_um,
            bits=film.bits,
            copies=order.copies,
            colour=order.colour,
            medium=order.medium,
        )
        for number, fill in enumerate(fills, 1):
            labels = sheet_labels(study=study, number=number, of=len(fills))
            composition = Sheet(grid, fill, labels).to_dict()
            FilmSheet.objects.create(job=job, number=number, composition=composition)
        audit_record(
            action=AuditEvent.Action.PRINTED,
            actor=user,
            source=source,
            study=study,
            object=f"{printer.name} {job.pk}",
            detail={
                "sheets": len(fills),
                "images": len(cells),
                "copies": order.copies,
                "film_size": order.film_size,
            },
        )
        event_record(topic="job", key=str(job.pk))
        print_job_run.enqueue(job.pk)
    return job


def print_job_retry(*, user: User, job: PrintJob, doubtful: str = "", source: str = "") -> None:
    """Go on with a job that stopped, with the sheets that are not printed.

    When a sheet is in doubt a person must have looked: ``doubtful`` is ``"printed"`` when it came out or
    ``"again"`` to have it once more. Raises ``PrintRefused`` when the job is not one that stopped.
    """
    _may_print(user, job)
    print_jobs_settle()
    with transaction.atomic():
        sheet = job.sheets.filter(state=FilmSheet.State.ASKED).first()
        if sheet is not None:
            _doubt_settle(job, sheet, doubtful)
        left = job.sheets.exclude(state=FilmSheet.State.PRINTED).exists()
        state = PrintJob.State.QUEUED if left else PrintJob.State.DONE
        moved = PrintJob.objects.filter(
            pk=job.pk, state__in=(PrintJob.State.FAILED, PrintJob.State.HELD)
        ).update(state=state, cancel_requested=False)
        if moved != 1:
            raise PrintRefused("wrong-state")
        _said(job, "retried", None)
        _audit(user, job, source, "retry", doubtful)
        event_record(topic="job", key=str(job.pk))
        if left:
            print_job_run.enqueue(job.pk)


def print_job_cancel(*, user: User, job: PrintJob, source: str = "") -> None:
    """Let a job be. One that is printing stops before its next sheet; what came out stays out."""
    _may_print(user, job)
    print_jobs_settle()
    resting = (PrintJob.State.QUEUED, PrintJob.State.FAILED, PrintJob.State.HELD)
    with transaction.atomic():
        rows = PrintJob.objects.filter(pk=job.pk)
        moved = rows.filter(state__in=resting).update(state=PrintJob.State.CANCELLED)
        if not moved:
            moved = rows.filter(state=PrintJob.State.PRINTING).update(cancel_requested=True)
        if not moved:
            raise PrintRefused("wrong-state")
        _audit(user, job, source, "cancel", "")
        event_record(topic="job", key=str(job.pk))


def printer_film(*, printer: Printer, order: FilmOrder) -> Film:
    """The pixels this printer exposes on this film. Raises ``PrintRefused`` for a size it does not have."""
    grid = printer.film_grids.get(order.film_size)
    if not grid_is_valid(grid):
        raise PrintRefused("no-film-size")
    return film_turned(
        grid,
        orientation=order.orientation,
        pitch_um=printer.pixel_pitch_um,
        bits=printer.bits,
        colour=order.colour,
    )


def grid_is_valid(grid: Any) -> bool:
    """Whether this is a pixel grid (columns, rows) a film can have."""
    return (
        isinstance(grid, list | tuple)
        and len(grid) == 2
        and all(isinstance(side, int) and not isinstance(side, bool) and 64 <= side <= 16384 for side in grid)
    )


def film_grid(film_size: str, pitch_um: float) -> list[int]:
    """Columns and rows of a film at this pitch, less the edge no printer reaches; multiples of eight."""
    size = film_size_mm(film_size)
    if size is None:
        raise LayoutError("no-film-size", film_size)
    return [round((side - 2 * UNPRINTABLE_EDGE_MM) * 1000 / pitch_um) // 8 * 8 for side in size]


def printer_defaults(*, pitch_um: float = 100.0) -> dict[str, Any]:
    """What to assume of a printer nobody has described yet: fields of ``Printer`` and their values.

    Common film sizes with the grids that follow from pitch and size. The printer fits the picture to its
    film (magnification), so a wrong guess costs sharpness, not the edge of the image.
    """
    return {
        "pixel_pitch_um": pitch_um,
        "film_grids": {size: film_grid(size, pitch_um) for size in COMMON_FILM_SIZES},
        "media": ["BLUE FILM", "CLEAR FILM", "PAPER"],
    }


def _order_check(printer: Printer, order: FilmOrder) -> None:
    faults = {
        "no-printer": not printer.active,
        "no-film-size": order.film_size not in printer.film_grids,
        "bad-orientation": order.orientation not in PrintJob.Orientation.values,
        "bad-copies": not 1 <= order.copies <= printer.max_copies,
        "no-colour": order.colour and not printer.supports_colour,
        "no-greyscale": not order.colour and not printer.supports_greyscale,
        "bad-medium": bool(order.medium) and order.medium not in printer.media,
    }
    for code, is_so in faults.items():
        if is_so:
            raise PrintRefused(code)


def _cells_check(study: Study, grid: Grid, cells: Sequence[Cell], film: Film) -> tuple[tuple[Cell, ...], ...]:
    if not cells:
        raise PrintRefused("no-images")
    try:
        cell_boxes(grid, film)
    except LayoutError as error:
        raise PrintRefused(error.code) from None
    fills = sheets_fill(cells, grid)
    if len(fills) > MOST_SHEETS:
        raise PrintRefused("too-many-sheets")
    frames = {
        instance.pk: instance.number_of_frames
        for series in series_of(study=study)
        for instance in instances_of(series=series)
    }
    if any(cell.frame > frames.get(cell.instance_id, 0) for cell in cells):
        raise PrintRefused("foreign-image")
    return fills


def _may_print(user: User, job: PrintJob) -> None:
    require(user=user, act=Act.PRINT, study=job.study)


def _doubt_settle(job: PrintJob, sheet: FilmSheet, doubtful: str) -> None:
    if doubtful not in ("printed", "again"):
        raise PrintRefused("say-first")
    after = FilmSheet.State.PRINTED if doubtful == "printed" else FilmSheet.State.WAITING
    FilmSheet.objects.filter(pk=sheet.pk, state=FilmSheet.State.ASKED).update(state=after)
    _said(job, "said-printed" if doubtful == "printed" else "said-again", sheet.number)


def _said(job: PrintJob, code: str, sheet: int | None) -> None:
    PrintStep.objects.create(
        job=job, attempt=job.attempt, operation="", code=code, sheet=sheet, outcome=PrintStep.Outcome.OK
    )


def _audit(user: User, job: PrintJob, source: str, what: str, said: str) -> None:
    audit_record(
        action=AuditEvent.Action.PRINTED,
        actor=user,
        source=source,
        study=job.study,
        object=f"{job.printer.name} {job.pk}",
        detail={"what": what, "said": said} if said else {"what": what},
    )
