"""What is drawn in the viewer: measured, kept, forgotten. The page asks with JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_POST

from archive.measuring import frame_measure
from archive.rendering import FrameUnavailable
from viewer.measurements import (
    Unusable,
    mark_instance,
    mark_parse,
    measurement_keep,
    measurement_remove,
    windows_keep,
)
from viewer.views.reformats import reformat_measured, reformat_named
from viewer.views.studies import study_or_404

View = Callable[..., HttpResponse]


def _said(view: View) -> View:
    """What cannot be taken is told as 400 with the field that is wrong."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Unusable as error:
            return JsonResponse({"field": str(error)}, status=400)

    return answer


def _body(request: HttpRequest) -> Any:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        raise Unusable("json") from None


@require_POST
@_said
def measure(request: HttpRequest, pk: int) -> HttpResponse:
    """What a mark measures, from the stored pixels."""
    study = study_or_404(request, pk)
    data, name = reformat_named(_body(request))
    mark = mark_parse(data)
    instance = mark_instance(user=cast(AbstractUser, request.user), study=study, mark=mark)
    try:
        if name is not None:
            found = reformat_measured(instance=instance, name=name, mark=mark)
        else:
            found = frame_measure(instance=instance, frame=mark.frame, shape=mark.shape, places=mark.places)
    except FrameUnavailable as unavailable:
        return JsonResponse({"sentence": str(unavailable.sentence)}, status=422)
    return JsonResponse(found.as_json())


@require_http_methods(["PUT", "DELETE"])
@_said
def measurement(request: HttpRequest, pk: int, key: UUID) -> HttpResponse:
    """Keep one mark of one's own, or forget it."""
    study, user = study_or_404(request, pk), cast(AbstractUser, request.user)
    if request.method == "PUT":
        measurement_keep(user=user, study=study, key=key, mark=mark_parse(_body(request)))
    else:
        measurement_remove(user=user, study=study, key=key)
    return HttpResponse(status=204)


@require_http_methods(["PUT"])
@_said
def windows(request: HttpRequest) -> HttpResponse:
    """Keep one's own windows."""
    windows_keep(user=cast(AbstractUser, request.user), data=_body(request))
    return HttpResponse(status=204)
