"""The film page: images onto sheets, a printer, and what will come out."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from archive.access import Act, may, require
from archive.audit import audit_study_viewed, source_of
from archive.models import Study
from archive.selectors import NotFound, study_for, study_manifest
from dicomnet.film.layout import LayoutError
from dicomnet.models import Printer
from dicomnet.print_sentences import film_size_name, medium_name, supply_words
from dicomnet.printing import REASONS, PrintRefused, grid_is_valid, print_job_submit
from viewer.film_wish import wish_text_parse
from viewer.stacks import Stack, stacks_of

LAYOUTS = ("1,1", "1,2", "2,2", "2,3", "3,3", "3,4", "3,5", "4,4", "4,5", "4,6", "5,6", "5,7")


@require_http_methods(["GET", "HEAD", "POST"])
def compose(request: HttpRequest, pk: int) -> HttpResponse:
    """Compose a film of one study, and submit it.

    ``?instance=&frame=&center=&width=&invert=1`` adds an image as it is seen in the viewer.
    """
    try:
        study = study_for(user=request.user, pk=pk)
    except NotFound as error:
        raise Http404(str(error)) from error
    require(user=request.user, act=Act.PRINT, study=study)
    if request.method == "POST":
        return _submit(request, study)
    audit_study_viewed(user=cast(AbstractUser, request.user), study=study, source=source_of(request))
    stacks = stacks_of(study_manifest(study=study))
    printers = list(Printer.objects.filter(active=True))
    context = {
        "study": study,
        "patient": study.patient,
        "stacks": stacks,
        "printers": printers,
        "layouts": [_layout(text) for text in LAYOUTS],
        "may_administer": may(user=request.user, act=Act.ADMINISTER),
        "page": {
            "study": study.pk,
            "socket": f"/ws/film/{study.pk}/?language={translation.get_language()}",
            "back": reverse("study", args=[study.pk]),
            "thumbnail": reverse("thumbnail", args=[0]),
            "printers": [printer_facts(printer) for printer in printers],
            "stacks": [_stack(stack) for stack in stacks],
            "words": words(),
        },
    }
    return render(request, "viewer/film/compose.html", context)


def _submit(request: HttpRequest, study: Study) -> HttpResponse:
    try:
        wish = wish_text_parse(request.POST.get("film"))
        if wish.printer is None:
            raise PrintRefused("no-printer")
        job = print_job_submit(
            user=request.user,
            study=study,
            printer=wish.printer,
            grid=wish.grid,
            cells=wish.cells,
            order=wish.order,
            source=source_of(request),
        )
    except PrintRefused as refused:
        messages.error(request, refused.sentence)
        return redirect("print-compose", study.pk)
    except LayoutError:
        messages.error(request, str(REASONS["bad-layout"]))
        return redirect("print-compose", study.pk)
    return redirect("print-job", job.pk)


def printer_facts(printer: Printer) -> dict[str, Any]:
    """What the page offers for a printer."""
    sizes = [size for size, grid in printer.film_grids.items() if grid_is_valid(grid)]
    return {
        "id": printer.pk,
        "name": printer.name,
        "description": printer.description or f"{printer.ae_title}, {printer.host}",
        "bits": printer.bits,
        "state": {"": "wait", "NORMAL": "done", "WARNING": "part", "FAILURE": "failed"}[printer.condition],
        "state_words": _condition_words(printer),
        "sizes": [[size, film_size_name(size)] for size in sizes],
        "media": [[medium, medium_name(medium)] for medium in printer.media if isinstance(medium, str)],
        "greyscale": printer.supports_greyscale,
        "colour": printer.supports_colour,
        "most_copies": printer.max_copies,
    }


def _condition_words(printer: Printer) -> str:
    if printer.condition in (Printer.Condition.WARNING, Printer.Condition.FAILURE):
        return supply_words(printer.condition_info) or printer.get_condition_display()
    return printer.get_condition_display()


def _layout(text: str) -> dict[str, Any]:
    columns, rows = (int(side) for side in text.split(","))
    return {
        "value": text,
        "name": f"{columns} × {rows}",
        "uprights": [round(24 * at / columns, 2) for at in range(1, columns)],
        "levels": [round(28 * at / rows, 2) for at in range(1, rows)],
    }


def _stack(stack: Stack) -> dict[str, Any]:
    """A stack as the cart lists it: each frame can go to the film."""
    shared = stack.facts
    return {
        "key": stack.key,
        "modality": stack.series["modality"],
        "name": stack.series["description"] or stack.series["modality"],
        "windows": shared.get("windows", []),
        "images": [
            {
                "id": image["id"],
                "frames": image.get("frames", shared.get("frames", 1)),
                "windows": image.get("windows", []),
            }
            for image in stack.images
        ],
    }


def words() -> dict[str, str]:
    """What the scripts say. Names in braces are filled in by the page."""
    return {
        "sheet": _("Sheet {n}"),
        "cell": _("Cell {n}"),
        "cell-empty": _("Cell {n}, empty"),
        "cell-image": _("Cell {n}: {series}, image {image}"),
        "print-one": _("Print 1 sheet"),
        "print-many": _("Print {n} sheets"),
        "printing": _("Printing"),
        "shown": _("Shown {scale}×, as the printer will get it: {columns} × {rows}, {bits} bit"),
        "shown-upper": _("1:1, the upper 8 of {bits} bits: {columns} × {rows}"),
        "shown-all": _("1:1, pixel for pixel: {columns} × {rows}, {bits} bit"),
        "in-cell": _("Cell {list}: {text}"),
        "in-cells": _("Cells {list}: {text}"),
        "reconnecting": _("Connection lost. Reconnecting."),
        "drawing": _("Drawing"),
        "add": _("Add image {n}"),
        "add-all": _("All {n} images"),
        "add-every": _("One in {step}: {n} images"),
        "on-film": _("Image {n}, on the film"),
        "more": _("{n} more"),
        "denied": _("Your role does not print. An operator or administrator does."),
        "window": _("Window"),
    }
