"""The worklist: a day's steps, planning and changing one, closing, deleting, import."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from archive.access import Act, may, require
from archive.audit import source_of
from archive.dicom.latin import name_proposed
from archive.selectors import studies_by_uid
from dicomnet.models import ScheduledStep
from dicomnet.worklist import (
    State,
    StepRefused,
    no_shows_close,
    states_by_hand,
    step_change,
    step_delete,
    step_for,
    step_schedule,
    step_set_state,
    worklist_day,
)
from dicomnet.worklist_import import COLUMNS, MOST_BYTES, Imported, name_shown, name_typed, steps_import
from viewer.worklist_forms import COMMON_MODALITIES, GROUPS, DayForm, StepForm, station_choices

LOOKS = {"scheduled": "wait", "in-progress": "live", "completed": "done", "discontinued": "part"} | {
    "no-show": "off"
}
MOST_FILES = 500


@require_safe
def day_list(request: HttpRequest) -> HttpResponse:
    """What is planned for a day, by time. ``?part``: no frame."""
    form = DayForm(request.GET)
    found = worklist_day(user=request.user, day=form.chosen_day)  # type: ignore[arg-type]
    steps = form.narrowed(found.steps)
    studies = studies_by_uid(user=request.user, uids={step.study_instance_uid for step in steps})
    counts = Counter(step.state for step in found.steps)
    context = {
        "form": form,
        "day": form.chosen_day,
        "today": timezone.localdate(),
        "rows": [
            {"step": step, "look": LOOKS[step.state], "study": studies.get(step.study_instance_uid)}
            for step in steps
        ],
        "total": len(found.steps),
        "groups": [
            {"name": name, "count": sum(counts[state] for state in states), "on": form.value("state") == name}
            for name, states in GROUPS.items()
        ],
        "modalities": sorted({step.modality for step in found.steps} | {form.value("m")} - {""}),
        "earlier": form.address(day=form.day_beside(-1)),
        "later": form.address(day=form.day_beside(1)),
        "left_behind": found.left_behind,
        "may_schedule": may(user=request.user, act=Act.SCHEDULE),
    }
    template = "viewer/worklist/rows.html" if "part" in request.GET else "viewer/worklist/list.html"
    return render(request, template, context)


@require_http_methods(["GET", "HEAD", "POST"])
def step_new(request: HttpRequest) -> HttpResponse:
    """Plan a step. ``?like=``: for the patient of another one."""
    require(user=request.user, act=Act.SCHEDULE)
    if request.method == "POST":
        form = StepForm(request.POST)
        if form.is_valid():
            try:
                step = step_schedule(planned=form.planned(), by=_person(request), source=source_of(request))
            except ValidationError as refused:
                form.refuse(refused.message_dict)
            else:
                return _to_day(step)
    else:
        form = StepForm(initial=_like(request))
    return render(request, "viewer/worklist/step.html", _step_context(form))


@require_http_methods(["GET", "HEAD", "POST"])
def step_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """One step: change it while it waits, close it, put it back."""
    step = _step(request, pk)
    form = StepForm(request.POST if request.method == "POST" else None, kept=step)
    if request.method == "POST" and form.is_valid():
        try:
            return _to_day(
                step_change(step=step, planned=form.planned(), by=_person(request), source=source_of(request))
            )
        except ValidationError as refused:
            form.refuse(refused.message_dict)
        except StepRefused as refused:
            messages.error(request, str(refused.sentence))
            return redirect("worklist-step", pk)
    return render(request, "viewer/worklist/step.html", _step_context(form, step))


@require_POST
def step_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a step by hand, or put it back on the list."""
    step = _step(request, pk)
    wanted = request.POST.get("state", "")
    if wanted not in State.values:
        raise Http404
    try:
        step_set_state(
            step=step,
            state=State(wanted),
            reason=request.POST.get("reason", ""),
            by=_person(request),
            source=source_of(request),
        )
    except StepRefused as refused:
        messages.error(request, str(refused.sentence))
    return redirect("worklist-step", pk)


@require_POST
def step_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a step, with a reason."""
    step = _step(request, pk)
    try:
        step_delete(
            step=step,
            reason=request.POST.get("reason", ""),
            by=_person(request),
            source=source_of(request),
        )
    except StepRefused as refused:
        messages.error(request, str(refused.sentence))
        return redirect("worklist-step", pk)
    return _to_day(step)


@require_POST
def no_shows(request: HttpRequest) -> HttpResponse:
    """Close what earlier days have left behind."""
    require(user=request.user, act=Act.SCHEDULE)
    count = no_shows_close(before=timezone.localdate(), by=_person(request), source=source_of(request))
    words = ngettext("%(count)s step closed: did not come.", "%(count)s steps closed: did not come.", count)
    messages.info(request, words % {"count": count})
    return redirect("worklist")


@require_safe
def latin(request: HttpRequest) -> HttpResponse:
    """The Latin form proposed for a name as it is typed."""
    require(user=request.user, act=Act.SCHEDULE)
    typed = name_typed(request.GET.get("name", "")[:330])
    return JsonResponse({"latin": name_shown(name_proposed(typed))})


@require_http_methods(["GET", "HEAD", "POST"])
def files_import(request: HttpRequest) -> HttpResponse:
    """Take in tables and DICOM worklist files."""
    require(user=request.user, act=Act.SCHEDULE)
    results: list[tuple[str, Imported]] = []
    if request.method == "POST":
        for file in request.FILES.getlist("file")[:MOST_FILES]:
            results.append((file.name or "", _import_one(request, file)))
    context = {"results": results, "columns": COLUMNS, "nothing": request.method == "POST" and not results}
    return render(request, "viewer/worklist/import.html", context)


def _import_one(request: HttpRequest, file: UploadedFile[bytes]) -> Imported:
    if (file.size or 0) > MOST_BYTES:
        return Imported(problems=[_("The file is too large.")])
    return steps_import(
        name=file.name or "", data=file.read(), by=_person(request), source=source_of(request)
    )


def _person(request: HttpRequest) -> AbstractUser:
    return cast(AbstractUser, request.user)


def _step(request: HttpRequest, pk: int) -> ScheduledStep:
    step = step_for(user=_person(request), pk=pk)
    if step is None:
        raise Http404(_("There is no such step, or it was deleted."))
    return step


def _to_day(step: ScheduledStep) -> HttpResponse:
    today = step.start_date == timezone.localdate()
    return redirect(reverse("worklist") + ("" if today else f"?day={step.start_date:%Y-%m-%d}"))


def _like(request: HttpRequest) -> dict[str, Any]:
    """A new step begins on the day that was looked at, on the next quarter of an hour."""
    now = timezone.localtime()
    at = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    return {"day": DayForm(request.GET).chosen_day, "time": at.time()}


def _step_context(form: StepForm, step: ScheduledStep | None = None) -> dict[str, Any]:
    return {
        "form": form,
        "step": step,
        "look": LOOKS[step.state] if step else "",
        "waits": step is None or step.state == State.SCHEDULED,
        "by_hand": {state.value for state in states_by_hand(step=step)} if step else set(),
        "deletable": step is not None and step.state not in (State.IN_PROGRESS, State.COMPLETED),
        "modalities": COMMON_MODALITIES,
        "stations": station_choices(),
        "performed": step.performed.select_related("performed").order_by("id") if step else [],
    }
