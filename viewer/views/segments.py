"""Segmentations over images, for the viewer's page: what there is, and each as a picture to lay over."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import AbstractUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from archive.models import Instance, Study
from archive.rendering import RENDER_POOL, FrameUnavailable
from archive.segments import CLASSES, Laid, segmentations_laid, segments_picture
from archive.selectors import instance_for
from viewer.views.studies import study_or_404


@require_safe
def segmentations(request: HttpRequest, pk: int) -> HttpResponse:
    """The segmentations of a study: their segments, and where they lie over which image and frame."""
    study = study_or_404(request, pk)
    return JsonResponse({"segmentations": [_laid(one) for one in segmentations_laid(study=study)]})


@require_safe
def segment_picture(request: HttpRequest, pk: int, segmentation: int, image: int, frame: int) -> HttpResponse:
    """A PNG with transparency. 404: there is nothing over this frame; 415: it cannot be decoded."""
    study = study_or_404(request, pk)
    instance, under = _of_study(request, study, segmentation), _of_study(request, study, image)
    if instance.sop_class_uid not in CLASSES:
        raise Http404
    work = RENDER_POOL.submit(segments_picture, instance=instance, image=under, frame=frame)
    try:
        data = work.result()
    except FrameUnavailable as error:
        status = 404 if error.code == "no-such-frame" else 415
        return HttpResponse(error.sentence, status=status, content_type="text/plain; charset=utf-8")
    return HttpResponse(data, content_type="image/png", headers={"Cache-Control": "private, max-age=600"})


def _of_study(request: HttpRequest, study: Study, pk: int) -> Instance:
    instance = instance_for(user=cast(AbstractUser, request.user), pk=pk)
    if instance.series.study_id != study.pk:
        raise Http404
    return instance


def _laid(one: Laid) -> dict[str, Any]:
    series = one.instance.series
    return {
        "id": one.instance.pk,
        "name": series.description or series.modality,
        "number": series.series_number,
        "segments": [
            {"number": s.number, "label": s.label, "colour": "#{:02x}{:02x}{:02x}".format(*s.colour)}
            for s in one.segments
        ],
        "places": {f"{image}:{frame}": box for (image, frame), box in one.places.items()},
    }
