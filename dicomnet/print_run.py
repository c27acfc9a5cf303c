"""Run a print job: rows in, film out, every step a row again.

A run can be ended at any moment, by ``kill -9`` too, and be started again: what a sheet has been
through is in its row before the printer hears of it. The rows also keep two runs of one job apart:
each run has a number (``attempt``), and a sheet is moved on only by the run that holds the job.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import numpy.typing as npt
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from archive.events import event_record
from dicomnet.film.layout import Film, LayoutError, Sheet
from dicomnet.models import FilmSheet, Printer, PrintJob, PrintStep
from dicomnet.scu.noted import diary_outgoing
from dicomnet.scu.print import FilmRequest, SheetPicture, film_print
from dicomnet.scu.print_call import ConnectionLost, Outcome, PrinterAddress, PrintHeld, PrintStopped, Step
from dicomnet.sheets import sheet_draw

log = logging.getLogger(__name__)
TASK = "dicomnet.jobs.print_job_run"  # which imports this module


def print_job_execute(*, job_id: int) -> None:
    """Print what is left of the job. Returns with the job in a state that says what became of it.

    Safe to call again for the same job, after a crash or by mistake: a finished sheet is never printed
    again, and a sheet that may have come out waits for a person.
    """
    print_jobs_settle()
    job = _job_take(job_id)
    if job is None:
        return
    diary = RunDiary(job)
    try:
        diary.check()
        _sheets_sort_out(job)
        waiting = list(job.sheets.filter(state=FilmSheet.State.WAITING))
        if waiting:
            printer = printer_address(job.printer)
            with diary_outgoing(peer=printer.peer, calling=printer.calling_ae_title) as entry:
                film_print(
                    printer=printer,
                    request=film_request(job),
                    sheets=[SheetPicture(sheet.number, partial(_bitmap, job, sheet)) for sheet in waiting],
                    diary=diary,
                    entry=entry,
                )
    except PrintStopped as stopped:
        _job_stop(job, stopped)
    except BaseException:  # whatever ends the run, the job must not look as if it went on
        log.exception("print job %s: unexpected", job.pk)
        _job_stop(job, PrintStopped("internal"))
        raise
    else:
        _job_end(job, PrintJob.State.DONE)


def print_jobs_settle() -> int:
    """Stop the jobs that look as if they went on while nobody works on them; return how many.

    A worker that dies with a job again and again has it taken away (``archive.jobs``): the job must say so.
    """
    going = DBTaskResult.objects.filter(
        task_path=TASK, status__in=(TaskResultStatus.READY, TaskResultStatus.RUNNING)
    )
    alive = {task.args_kwargs["args"][0] for task in going}
    unfinished = PrintJob.objects.filter(state__in=(PrintJob.State.QUEUED, PrintJob.State.PRINTING))
    return sum(_job_abandoned(job) for job in unfinished.exclude(pk__in=alive))


def printer_address(printer: Printer) -> PrinterAddress:
    return PrinterAddress(
        printer.ae_title,
        printer.host,
        printer.port,
        settings.PACS_AE_TITLE,
        float(printer.timeout_seconds),
        printer.tls_call,
        printer.tls_certificate,
    )


def job_film(job: PrintJob) -> Film:
    """The film as it was previewed."""
    return Film(job.columns, job.rows, job.pixel_pitch_um, job.bits, job.colour)


def film_request(job: PrintJob) -> FilmRequest:
    return FilmRequest(
        film=job_film(job),
        film_size=job.film_size,
        orientation=job.orientation,
        copies=job.copies,
        medium=job.medium,
        label=f"{settings.PACS_AE_TITLE} {job.pk}",
        magnification=job.printer.magnification,
        min_density=job.printer.min_density,
        max_density=job.printer.max_density,
    )


class RunDiary:
    """The diary of one run in the database; each entry is one transaction and one event."""

    def __init__(self, job: PrintJob) -> None:
        self._job = job

    def step(self, step: Step) -> None:
        with transaction.atomic():
            PrintStep.objects.create(
                job=self._job,
                attempt=self._job.attempt,
                sheet=step.sheet,
                operation=step.operation,
                code=step.code,
                status=step.status,
                outcome=step.outcome.value,
                detail=step.detail,
                duration_ms=step.duration_ms,
            )
            event_record(topic="job", key=str(self._job.pk))

    def printer(self, status: str, info: str) -> None:
        printer_condition_record(printer=self._job.printer, condition=status, info=info)

    def sending(self, sheet: int, digest: str) -> None:
        self._move(sheet, FilmSheet.State.WAITING, FilmSheet.State.SENDING, digest=digest)

    def asked(self, sheet: int) -> None:
        self._move(sheet, FilmSheet.State.SENDING, FilmSheet.State.ASKED)

    def printed(self, sheet: int) -> None:
        self._move(sheet, FilmSheet.State.ASKED, FilmSheet.State.PRINTED, printed_at=timezone.now())

    def refused(self, sheet: int) -> None:
        self._move(sheet, FilmSheet.State.ASKED, FilmSheet.State.WAITING)

    def check(self) -> None:
        row = PrintJob.objects.values("attempt", "state", "cancel_requested").get(pk=self._job.pk)
        if row["attempt"] != self._job.attempt or row["state"] != PrintJob.State.PRINTING:
            raise PrintStopped("taken-over")
        if row["cancel_requested"]:
            raise PrintStopped("cancelled")

    def _move(self, number: int, before: FilmSheet.State, after: FilmSheet.State, **changes: Any) -> None:
        """Move a sheet on. Another run that got there first has the job: then this one stops."""
        with transaction.atomic():
            moved = FilmSheet.objects.filter(
                job=self._job, job__attempt=self._job.attempt, number=number, state=before
            ).update(state=after, **changes)
            if moved != 1:
                raise PrintStopped("taken-over")
            event_record(topic="job", key=str(self._job.pk))


def printer_condition_record(*, printer: Printer, condition: str, info: str) -> None:
    """Note what a printer said of itself (Printer Status and its Info), by N-GET or N-EVENT-REPORT."""
    with transaction.atomic():
        Printer.objects.filter(pk=printer.pk).update(
            condition=condition if condition in Printer.Condition.values else "",
            condition_info=info[:255],
            condition_at=timezone.now(),
        )
        event_record(topic="printer", key=str(printer.pk))


def _job_take(job_id: int) -> PrintJob | None:
    """Take the job for this run; None when there is nothing to run, or another run was quicker."""
    with transaction.atomic():
        job = PrintJob.objects.select_related("printer", "study__patient", "requested_by").get(pk=job_id)
        if job.state not in (PrintJob.State.QUEUED, PrintJob.State.PRINTING):
            return None
        again = job.state == PrintJob.State.PRINTING
        taken = PrintJob.objects.filter(pk=job_id, attempt=job.attempt, state=job.state).update(
            attempt=job.attempt + 1,
            state=PrintJob.State.PRINTING,
            error="",
            error_detail={},
            finished_at=None,
        )
        if taken != 1:
            return None
        job.attempt += 1
        job.state = PrintJob.State.PRINTING
        event_record(topic="job", key=str(job.pk))
    if again:
        RunDiary(job).step(Step("", "recovered", Outcome.WARNING))
    return job


def _job_abandoned(job: PrintJob) -> bool:
    """Stop a job nobody works on; a run that is alive after all finds the job taken from it."""
    with transaction.atomic():
        taken = PrintJob.objects.filter(pk=job.pk, attempt=job.attempt, state=job.state).update(
            attempt=job.attempt + 1, state=PrintJob.State.PRINTING
        )
        if taken != 1:
            return False
        job.attempt += 1
        log.warning("print job %s: nobody works on it", job.pk)
        doubtful = _doubtful(job)
        _job_stop(job, doubtful or PrintHeld("interrupted"))
    return True


def _doubtful(job: PrintJob) -> PrintHeld | None:
    """What stops a job that has a sheet of which nobody knows whether it came out."""
    sheet = job.sheets.filter(state=FilmSheet.State.ASKED).first()
    return None if sheet is None else PrintHeld("in-doubt", sheet=sheet.number)


def _sheets_sort_out(job: PrintJob) -> None:
    """After an interruption: what was not asked for can be sent again, what was asked for is in doubt."""
    if doubtful := _doubtful(job):
        raise doubtful
    job.sheets.filter(state=FilmSheet.State.SENDING).update(state=FilmSheet.State.WAITING)


def _bitmap(job: PrintJob, sheet: FilmSheet) -> npt.NDArray[Any]:
    try:
        drawn = sheet_draw(
            sheet=Sheet.from_dict(sheet.composition),
            film=job_film(job),
            user=job.requested_by,
            study=job.study,
        )
    except LayoutError as error:
        raise PrintStopped("picture-unavailable", sheet=sheet.number, reason=error.code) from None
    if drawn.unavailable:
        reason = next(iter(drawn.unavailable.values()))
        RunDiary(job).step(
            Step("", "picture-unavailable", Outcome.FAILED, "", sheet.number, {"reason": reason})
        )
        raise PrintStopped("picture-unavailable", sheet=sheet.number, reason=reason)
    return drawn.bitmap


def _job_stop(job: PrintJob, stopped: PrintStopped) -> None:
    if stopped.code == "taken-over":
        return
    if stopped.code == "cancelled":
        _job_end(job, PrintJob.State.CANCELLED)
        return
    if isinstance(stopped, ConnectionLost):
        stopped = _doubtful(job) or stopped
    state = PrintJob.State.HELD if stopped.held else PrintJob.State.FAILED
    _job_end(job, state, error=stopped.code, error_detail=stopped.detail)


def _job_end(job: PrintJob, state: PrintJob.State, **changes: Any) -> None:
    """The run is over. A sheet that was on its way and not asked for waits again."""
    with transaction.atomic():
        ended = PrintJob.objects.filter(pk=job.pk, attempt=job.attempt, state=PrintJob.State.PRINTING).update(
            state=state, finished_at=timezone.now(), cancel_requested=False, **changes
        )
        if ended != 1:
            return
        job.sheets.filter(state=FilmSheet.State.SENDING).update(state=FilmSheet.State.WAITING)
        event_record(topic="job", key=str(job.pk))
