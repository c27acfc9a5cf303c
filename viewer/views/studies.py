"""The study list and the study page."""

from __future__ import annotations

import time
from typing import Any, cast

from django.contrib.auth.models import AbstractUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from archive.access import Act, may, require
from archive.audit import audit_study_viewed, source_of
from archive.custody import committed_count
from archive.models import Study
from archive.overview import study_history
from archive.query import SORTS, StudyCriteria, study_query
from archive.selectors import NotFound, archive_counts, modalities_present, priors_of, study_for, study_page
from dicomnet.completeness import completeness_of
from viewer.forms import MODALITIES, StudySearchForm
from viewer.idle import BACKGROUND_HEADER
from viewer.statusline import status_now
from viewer.tiles import study_tiles

PAGE_SIZE = 50


@require_safe
def study_list(request: HttpRequest) -> HttpResponse:
    """Home: everything that was kept, newest first, narrowed by what stands in the address."""
    require(user=request.user, act=Act.VIEW)
    form = StudySearchForm(request.GET)
    began = time.perf_counter()
    page = study_page(
        user=request.user,
        criteria=form.criteria(),
        sort=form.order,
        page=form.value("page") or 1,
        page_size=PAGE_SIZE,
    )
    context: dict[str, Any] = {
        "form": form,
        "page": page,
        "wholes": completeness_of(studies=page.rows),
        "words": form.value("q") or "",
        "milliseconds": max(1, round((time.perf_counter() - began) * 1000)),
        "columns": columns(form),
        "previous": form.address(page=page.page - 1) if page.page > 1 else "",
        "next": form.address(page=page.page + 1) if page.page < page.pages or page.more else "",
        "may_print": may(user=request.user, act=Act.PRINT),
        "may_send": may(user=request.user, act=Act.SEND),
    }
    if request.headers.get("HX-Request") == "true":
        response = render(request, "viewer/list_update.html", context)
        response.headers["HX-Replace-Url"] = request.path + form.address().removesuffix("?")
        return response
    return render(request, "viewer/list.html", context | filters(form))


def filters(form: StudySearchForm) -> dict[str, Any]:
    """What the row of chips shows."""
    today = f"{timezone.localdate():%Y%m%d}"
    chosen = form.value("m")
    return {
        "modalities": MODALITIES,
        "more_modalities": sorted({*modalities_present(), *chosen} - {*MODALITIES}),
        "counts": archive_counts(),
        "today": study_query(StudyCriteria(date_from=today, date_to=today)).count(),
        "chosen": chosen,
    }


def columns(form: StudySearchForm) -> dict[str, dict[str, str]]:
    """For each column: how it is sorted now, and the address that sorts by it, or turns it round."""
    found = {}
    for name in SORTS:
        falling = form.order == f"-{name}"
        rising = form.order == name
        newest_first = name in {"date", "images"}
        following = name if falling or (not rising and not newest_first) else f"-{name}"
        found[name] = {
            "aria": "descending" if falling else "ascending" if rising else "none",
            "address": form.address(sort=None if following == "-date" else following, page=None),
        }
    return found


@require_safe
def study(request: HttpRequest, pk: int) -> HttpResponse:
    """One study: its series, what is known of it, what came before it, what was done with it."""
    found = study_or_404(request, pk)
    if BACKGROUND_HEADER not in request.headers:
        audit_study_viewed(user=cast(AbstractUser, request.user), study=found, source=source_of(request))
    context = {
        "study": found,
        "patient": found.patient,
        "tiles": study_tiles(study=found),
        "priors": priors_of(study=found),
        "history": study_history(study=found),
        "whole": completeness_of(studies=[found])[found.pk],
        "committed": committed_count(study=found),
        "may_print": may(user=request.user, act=Act.PRINT, study=found),
        "may_send": may(user=request.user, act=Act.SEND, study=found),
    }
    return render(request, "viewer/study.html", context)


def study_or_404(request: HttpRequest, pk: int) -> Study:
    """Return a study this person may see. Raises Http404, or PermissionDenied for somebody without a role."""
    require(user=request.user, act=Act.VIEW)
    try:
        return study_for(user=request.user, pk=pk)
    except NotFound as error:
        raise Http404(str(error)) from error


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """The status line's facts, re-read while a page is open."""
    return render(request, "partials/status_facts.html", {"status": status_now()})
