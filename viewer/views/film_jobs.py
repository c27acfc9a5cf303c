"""Print jobs: the list, one job as it goes, and what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from archive.access import Act, require
from archive.audit import source_of
from dicomnet.film.compose import screen_copy, screen_png
from dicomnet.film.layout import LayoutError, Sheet
from dicomnet.models import FilmSheet, PrintJob, PrintStep
from dicomnet.print_run import job_film
from dicomnet.print_sentences import (
    film_size_name,
    medium_name,
    step_remark,
    step_sentence,
    stop_notice,
    supply_words,
)
from dicomnet.printing import PrintRefused, print_job_cancel, print_job_retry
from dicomnet.sheets import sheet_draw

PAGE_SIZE = 50
STATE_LOOKS = {"queued": "wait", "printing": "live", "done": "done", "held": "conflict", "failed": "failed"}
SHEET_LOOKS = {"printed": "done", "sending": "live", "asked": "conflict"}


@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """Every print job, the newest first."""
    require(user=request.user, act=Act.PRINT)
    rows = PrintJob.objects.select_related("printer", "requested_by").prefetch_related("sheets")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    jobs = [
        {
            "job": job,
            "look": STATE_LOOKS.get(job.state, "wait"),
            "progress": _progress(list(job.sheets.all())),
        }
        for job in page
    ]
    template = "viewer/film/job_rows.html" if "part" in request.GET else "viewer/film/jobs.html"
    return render(request, template, {"jobs": jobs, "page": page})


@require_safe
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """One job: what happened in words, what to do, what will not happen twice. ``?part``: no frame."""
    found = _job(request, pk)
    template = "viewer/film/job_part.html" if "part" in request.GET else "viewer/film/job.html"
    return render(request, template, job_context(found))


@require_POST
def job_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with the sheets that are not printed; ``doubtful`` says what became of one in doubt."""
    found = _job(request, pk)
    try:
        print_job_retry(
            user=request.user,
            job=found,
            doubtful=request.POST.get("doubtful", ""),
            source=source_of(request),
        )
    except PrintRefused as refused:
        messages.error(request, refused.sentence)
    return redirect("print-job", pk)


@require_POST
def job_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    found = _job(request, pk)
    try:
        print_job_cancel(user=request.user, job=found, source=source_of(request))
    except PrintRefused as refused:
        messages.error(request, refused.sentence)
    return redirect("print-job", pk)


@require_safe
@cache_control(private=True, max_age=3600)
def sheet_picture(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A sheet of a job as a small PNG; ``?width=`` up to 1600."""
    found = _job(request, pk)
    sheet = get_object_or_404(FilmSheet, job=found, number=number)
    asked = request.GET.get("width", "")
    width = min(1600, int(asked)) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 5 else 300
    film = job_film(found)
    try:
        drawn = sheet_draw(
            sheet=Sheet.from_dict(sheet.composition), film=film, user=request.user, study=found.study
        )
    except LayoutError as error:
        raise Http404(str(error)) from error
    picture = screen_copy(drawn.bitmap, film, max(1, width), 4 * max(1, width))
    return HttpResponse(screen_png(picture), content_type="image/png")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline."""

    look: str  # ok, warning, failed, ahead
    text: str
    remark: str = ""
    operation: str = ""
    status: str = ""
    step: PrintStep | None = None


def job_context(found: PrintJob) -> dict[str, Any]:
    sheets = list(found.sheets.all())
    steps = list(found.steps.all())
    doubtful = next((sheet for sheet in sheets if sheet.state == FilmSheet.State.ASKED), None)
    left = [sheet for sheet in sheets if sheet.state != FilmSheet.State.PRINTED]
    stopped = found.state in (PrintJob.State.FAILED, PrintJob.State.HELD)
    over = found.state in (PrintJob.State.DONE, PrintJob.State.CANCELLED)
    return {
        "job": found,
        "patient": found.patient_label.split(" · "),
        "look": STATE_LOOKS.get(found.state, "wait"),
        "state_words": _state_words(found, steps),
        "notice": stop_notice(found.error, found.error_detail) if stopped else None,
        "safe": _safe_words(sheets) if stopped else "",
        "lines": [_line(step) for step in steps] + ([] if over else _ahead(found, sheets)),
        "sheets": [
            {
                "sheet": sheet,
                "look": SHEET_LOOKS.get(sheet.state, "wait"),
                "words": _sheet_words(found, sheet),
            }
            for sheet in sheets
        ],
        "stopped": stopped,
        "doubtful": doubtful if stopped else None,
        "resume": _resume_words(found, sheets, left) if stopped and not doubtful else "",
        "may_cancel": found.state in (PrintJob.State.QUEUED, PrintJob.State.PRINTING) or stopped,
        "film": _film_words(found, len(sheets)),
        "medium": medium_name(found.medium) if found.medium else "",
        "printer_state": supply_words(found.printer.condition_info),
        "behind": PrintJob.objects.filter(
            printer=found.printer, state=PrintJob.State.QUEUED, pk__gt=found.pk
        ).count(),
        "before": PrintJob.objects.filter(
            printer=found.printer, state__in=(PrintJob.State.QUEUED, PrintJob.State.PRINTING), pk__lt=found.pk
        ).count(),
    }


def _job(request: HttpRequest, pk: int) -> PrintJob:
    found = get_object_or_404(
        PrintJob.objects.select_related("printer", "requested_by", "study__patient"), pk=pk
    )
    # A study that was rejected since does not hide what was printed of it.
    require(user=request.user, act=Act.PRINT)
    return found


def _line(step: PrintStep) -> Line:
    return Line(
        step.outcome,
        step_sentence(step.code, sheet=step.sheet, detail=step.detail),
        step_remark(step.detail),
        step.operation,
        step.status,
        step,
    )


def _ahead(found: PrintJob, sheets: list[FilmSheet]) -> list[Line]:
    """What is still to come, in the fewest words."""
    lines = []
    for sheet in sheets:
        if sheet.state in (FilmSheet.State.WAITING, FilmSheet.State.SENDING):
            text = _("Sheet %(sheet)s: send the picture and tell to print") % {"sheet": sheet.number}
            lines.append(Line("ahead", text, operation="N-CREATE, N-SET, N-ACTION"))
    if lines or found.state == PrintJob.State.PRINTING:
        lines.append(Line("ahead", _("Close the session and hang up"), operation="N-DELETE, A-RELEASE"))
    return lines


def _state_words(found: PrintJob, steps: list[PrintStep]) -> str:
    words = str(found.get_state_display())
    if found.error == "in-doubt":
        words = _("held: a sheet is in doubt")
    elif found.error == "printer-failure":
        words = _("held: %(info)s") % {"info": supply_words(str(found.error_detail.get("info", "")))}
    elif found.cancel_requested and found.state == PrintJob.State.PRINTING:
        words = _("stopping before the next sheet")
    return words[:1].upper() + words[1:]


def _safe_words(sheets: list[FilmSheet]) -> str:
    """What is done and will not be done again, what has not been asked for."""
    printed = [str(sheet.number) for sheet in sheets if sheet.state == FilmSheet.State.PRINTED]
    waiting = [
        str(sheet.number)
        for sheet in sheets
        if sheet.state in (FilmSheet.State.WAITING, FilmSheet.State.SENDING)
    ]
    parts = []
    if printed:
        parts.append(
            ngettext(
                "Sheet %(list)s is printed and will not be printed again.",
                "Sheets %(list)s are printed and will not be printed again.",
                len(printed),
            )
            % {"list": ", ".join(printed)}
        )
    if waiting:
        parts.append(
            ngettext(
                "Sheet %(list)s has not been asked for yet, so nothing prints twice.",
                "Sheets %(list)s have not been asked for yet, so nothing prints twice.",
                len(waiting),
            )
            % {"list": ", ".join(waiting)}
        )
    return " ".join(parts)


def _resume_words(found: PrintJob, sheets: list[FilmSheet], left: list[FilmSheet]) -> str:
    if not left:
        return ""
    if len(left) < len(sheets) or found.state == PrintJob.State.HELD:
        return ngettext("Resume sheet %(first)s", "Resume from sheet %(first)s", len(left)) % {
            "first": left[0].number
        }
    return _("Retry")


def _sheet_words(found: PrintJob, sheet: FilmSheet) -> str:
    if sheet.state == FilmSheet.State.ASKED and found.state != PrintJob.State.PRINTING:
        return _("in doubt")
    return str(sheet.get_state_display())


def _film_words(found: PrintJob, sheets: int) -> str:
    depth = _("colour") if found.colour else _("%(bits)s bit") % {"bits": found.bits}
    return f"{sheets} × {film_size_name(found.film_size)}, {found.get_orientation_display()}, {depth}"


def _progress(sheets: list[FilmSheet]) -> str:
    printed = sum(sheet.state == FilmSheet.State.PRINTED for sheet in sheets)
    return f"{printed} / {len(sheets)}"
