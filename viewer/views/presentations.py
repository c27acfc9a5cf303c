"""Presentation states and key images of a study, as the viewer's page asks for them: JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import structlog
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from archive.audit import audit_study_viewed, source_of
from archive.dicom.keyobjects import TITLES
from archive.dicom.names import PersonName
from archive.ingest import OutcomeUnknown, OutOfResources
from archive.key_images import NothingStarred, Selection, selection_save, selections_of, star_set, stars_of
from archive.made_objects import NotKept
from archive.models import Instance, Study
from archive.presentation_saving import SaveRefused, ShownFrame, ShownView, presentation_save
from archive.presentations import StateEntry, presentation_layout, presentations_of
from archive.rendering import FrameUnavailable
from archive.selectors import NotFound, instance_for, instances_of
from viewer.view_wish import StarWish, ViewWish, WishError, message_read, name_parse, star_parse, view_parse
from viewer.views.studies import study_or_404

log = structlog.get_logger(__name__)
MOST_DESCRIPTION = 1024  # of a key object description

View = Callable[..., HttpResponse]


def answering(view: View) -> View:
    """Whatever keeps a wish from being granted becomes a sentence, with the status that fits."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except WishError as error:
            return _refusal(
                400, f"wrong-{error}", _("The page asked for something it cannot mean. Load it again.")
            )
        except (SaveRefused, FrameUnavailable) as error:
            return _refusal(409, error.code, error.sentence)
        except NothingStarred as error:
            return _refusal(409, "no-stars", error.sentence)
        except (NotKept, OutOfResources, OutcomeUnknown) as error:
            log.error("a made object was not kept", error=str(error))
            return _refusal(503, "not-kept", _("The archive could not keep it. It is in the log; try again."))

    return answer


def _refusal(status: int, code: str, sentence: str) -> JsonResponse:
    return JsonResponse({"code": code, "sentence": str(sentence)}, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
@answering
def states(request: HttpRequest, pk: int) -> HttpResponse:
    """The states of a study, or on POST one more: what is on the screen."""
    study = study_or_404(request, pk)
    if request.method == "POST":
        return _save(request, study)
    return JsonResponse({"states": [_entry(entry) for entry in presentations_of(study=study)]})


@require_GET
@never_cache
@answering
def state(request: HttpRequest, pk: int, instance: int) -> HttpResponse:
    """How one state lays out images and what it draws."""
    study = study_or_404(request, pk)
    found = _instance(request, study, instance)
    user = cast(AbstractUser, request.user)
    audit_study_viewed(user=user, study=study, source=source_of(request))
    return JsonResponse({"id": found.pk, **presentation_layout(study=study, instance=found)})


@require_http_methods(["GET", "POST"])
@never_cache
@answering
def selections(request: HttpRequest, pk: int) -> HttpResponse:
    """Stars and key object documents of a study; on POST one more document, of what has a star."""
    study = study_or_404(request, pk)
    if request.method == "POST":
        return _select(request, study)
    stars = [[instance.pk, frame] for instance, frame in stars_of(study=study)]
    found = [_selection(one) for one in selections_of(study=study)]
    return JsonResponse({"stars": stars, "selections": found})


@require_POST
@answering
def star(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a frame a star, or take it away."""
    study = study_or_404(request, pk)
    wish: StarWish = star_parse(message_read(request.body))
    instance = _instance(request, study, wish.instance)
    if wish.frame > max(1, instance.number_of_frames):
        raise WishError("frame")
    user = cast(AbstractUser, request.user)
    star_set(study=study, instance=instance, frame=wish.frame, on=wish.on, user=user)
    return JsonResponse({"on": wish.on})


def _save(request: HttpRequest, study: Study) -> HttpResponse:
    wish = view_parse(message_read(request.body))
    instance = _instance(request, study, wish.instance)
    base = _instance(request, study, wish.base) if wish.base else None
    look = ShownView(
        view=wish.view,
        box=wish.box,
        magnification=wish.magnification,
        rotation=wish.rotation,
        flip=wish.flip,
        graphics=wish.graphics,
        texts=wish.texts,
        drawn_on=ShownFrame(instance, wish.frame),
        base=base,
    )
    made = presentation_save(
        study=study,
        user=cast(AbstractUser, request.user),
        source=source_of(request),
        name=wish.name,
        shown=_shown(wish, instance),
        look=look,
    )
    return JsonResponse({"id": made.pk}, status=201)


def _shown(wish: ViewWish, instance: Instance) -> list[ShownFrame]:
    """The image on the screen, or with it all images of one frame in its series."""
    if not wish.series or instance.number_of_frames > 1:
        return [ShownFrame(instance, wish.frame)]
    series = instance.series
    images = [one for one in instances_of(series=series) if one.number_of_frames == 1]
    for one in images:
        one.series = series
    return [ShownFrame(one) for one in images]


def _select(request: HttpRequest, study: Study) -> HttpResponse:
    message = message_read(request.body)
    title = message.get("title")
    if title not in TITLES:
        raise WishError("title")
    made = selection_save(
        study=study,
        user=cast(AbstractUser, request.user),
        source=source_of(request),
        title=title,
        description=name_parse(message, "description", MOST_DESCRIPTION, required=False),
    )
    return JsonResponse({"id": made.pk}, status=201)


def _instance(request: HttpRequest, study: Study, pk: int) -> Instance:
    """An instance of this study; any other is not there. Raises Http404."""
    found = instance_for(user=request.user, pk=pk)
    if found.series.study_id != study.pk:
        raise NotFound
    return found


def _entry(entry: StateEntry) -> dict[str, Any]:
    state = entry.state
    return {
        "id": entry.instance.pk,
        "label": (state.description or state.label) if state else "",
        "creator": _name(state.creator) if state else "",
        "when": _when(state.created) if state else "",
        "images": list(entry.images),
        "leftOut": [str(_left_out(name)) for name in state.left_out] if state else [],
        "reason": entry.reason,
    }


def _selection(one: Selection) -> dict[str, Any]:
    selected = one.selected
    return {
        "id": one.instance.pk,
        "title": _title(selected.title, selected.title_meaning) if selected else "",
        "description": selected.description if selected else "",
        "creator": _name(selected.observer) if selected else "",
        "when": _when(selected.created) if selected else "",
        "images": [[pk, list(frames)] for pk, frames in one.images],
    }


def _name(text: str) -> str:
    name = PersonName.parse(text)
    between = "" if name.ideographic else " "
    return between.join((name.ideographic or name.alphabetic or name.phonetic).replace("^", " ").split())


def _when(text: str) -> str:
    """``20261123081500`` as people read it."""
    if len(text) < 8:
        return ""
    day = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    return f"{day} {text[8:10]}:{text[10:12]}" if len(text) >= 12 else day


def titles() -> dict[str, str]:
    """The titles a person can choose, in the language of the moment."""
    words = {
        "113000": _("Of interest"),
        "113002": _("For the referring doctor"),
        "113003": _("For surgery"),
        "113004": _("For teaching"),
        "113005": _("For conference"),
        "113006": _("For therapy"),
        "113007": _("For the patient"),
        "113008": _("For peer review"),
        "113009": _("For research"),
        "113013": _("Best in set"),
    }
    return {code: words[code] for code in TITLES}


def _title(code: str, meaning: str) -> str:
    return titles().get(code, meaning)


def _left_out(name: str) -> str:
    return {
        "mask": _("mask subtraction"),
        "compound-graphics": _("compound graphics"),
        "structured-display": _("structured display"),
        "bitmap-shutter": _("a bitmap shutter"),
    }.get(name, name)
