"""The viewer's page: server-rendered, with everything its scripts need to begin in it."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import AbstractUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from archive.access import Act, may
from archive.audit import audit_study_viewed, source_of
from archive.models import Study
from archive.selectors import NotFound, priors_of, study_for, study_manifest
from viewer.measurements import measurements_of, windows_of
from viewer.reading_words import reading_words
from viewer.stacks import Stack, documents_of, is_document, is_segmented, stacks_of
from viewer.templatetags.portal import prior_age, study_moment
from viewer.views.presentations import titles
from viewer.views.studies import study_or_404
from viewer.words import dicom_minute

LAYOUTS = tuple((rows, columns) for rows in (1, 2, 3) for columns in (1, 2, 3))
SPEEDS = (0.25, 0.5, 1, 1.5, 2, 4)


@require_safe
def reading(request: HttpRequest, pk: int) -> HttpResponse:
    """One study on the screen. ``?series=`` or ``?instance=&frame=`` say where to begin."""
    try:
        study = study_for(user=request.user, pk=pk)
    except NotFound as error:
        raise Http404(str(error)) from error
    audit_study_viewed(user=cast(AbstractUser, request.user), study=study, source=source_of(request))
    user = cast(AbstractUser, request.user)
    manifest = study_manifest(study=study)
    stacks = stacks_of(manifest)
    asked = _number(request, "instance")
    if is_document(manifest, asked):
        return redirect("object", asked)
    print_url = _print_url(request, study)
    context = {
        "study": study,
        "patient": study.patient,
        "stacks": stacks,
        "documents": documents_of(manifest),
        "clock": dicom_minute(study.study_time),
        "first": _first(request, stacks),
        "priors": [prior for prior in priors_of(study=study) if prior.number_of_instances],
        "print_url": print_url,
        "segmented": is_segmented(manifest),
        "speeds": SPEEDS,
        "layouts": LAYOUTS,
        "words": reading_words(),
        "titles": titles(),
        "page": {
            **_carried(request, study, stacks),
            "prior": "",
            "presentations": reverse("presentations", args=[study.pk]),
            "keyObjects": reverse("key-objects", args=[study.pk]),
            "segmentations": reverse("segmentations", args=[study.pk]) if is_segmented(manifest) else "",
            "stars": reverse("star", args=[study.pk]),
            "start": _start(request, stacks),
            "windows": {"address": reverse("windows"), "list": windows_of(user=user)},
        },
    }
    return render(request, "viewer/reading.html", context)


@require_safe
def stacks_json(request: HttpRequest, pk: int) -> HttpResponse:
    """A study for the page of another one of the same patient: ``?beside=`` is the key of that one."""
    study, other = study_or_404(request, pk), study_or_404(request, _number(request, "beside"))
    if study.patient_id != other.patient_id:
        raise Http404
    audit_study_viewed(user=cast(AbstractUser, request.user), study=study, source=source_of(request))
    stacks = stacks_of(study_manifest(study=study))
    badge = _("PRIOR · {age}") if study.sort_key < other.sort_key else _("LATER · {age}")
    strip = render_to_string("viewer/reading_strip.html", {"stacks": stacks, "first": ""})
    return JsonResponse(
        {
            **_carried(request, study, stacks),
            "prior": badge.format(age=prior_age(study, other)),
            "strip": strip,
        }
    )


def _carried(request: HttpRequest, study: Study, stacks: list[Stack]) -> dict[str, Any]:
    """What the page's scripts must know of a study."""
    number = study.accession_number
    return {
        "socket": f"/ws/frames/{study.pk}/?language={translation.get_language()}",
        "back": reverse("study", args=[study.pk]),
        "print": _print_url(request, study),
        "attributes": reverse("attributes", args=[0]),
        "measure": reverse("measure", args=[study.pk]),
        "reformat": f"/studies/{study.pk}/reformat/",
        "places": f"/studies/{study.pk}/places/",
        "measurements": f"/studies/{study.pk}/measurements/",
        "marks": measurements_of(user=cast(AbstractUser, request.user), study=study),
        "stacks": [stack.as_json() for stack in stacks],
        "patient": study.patient_id,
        "conflict": study.patient.conflict,
        "when": study_moment(study),
        "accession": _("Accession %(number)s") % {"number": number} if number else "",
    }


def _print_url(request: HttpRequest, study: Study) -> str:
    if not may(user=request.user, act=Act.PRINT, study=study):
        return ""
    try:
        return reverse("print-compose", args=[study.pk])
    except NoReverseMatch:
        return ""


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _first(request: HttpRequest, stacks: list[Stack]) -> str:
    """The key of the stack to begin with: the one asked for, else the first."""
    series, instance = _number(request, "series"), _number(request, "instance")
    for stack in stacks:
        if stack.holds(instance) or (not instance and stack.series_id == series):
            return stack.key
    return stacks[0].key if stacks else ""


def _start(request: HttpRequest, stacks: list[Stack]) -> dict[str, Any]:
    return {
        "stack": _first(request, stacks),
        "instance": _number(request, "instance"),
        "frame": max(1, _number(request, "frame")),
    }
