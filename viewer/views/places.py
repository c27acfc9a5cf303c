"""Where each frame of a multi-frame image lies, for the viewer's page: too much to be in every page."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from archive.imaging.geometry import edge_letters
from archive.imaging.volume import Slice
from archive.placing import frames_placed
from archive.rendering import FrameUnavailable
from archive.selectors import instance_for
from viewer.views.studies import study_or_404


@require_safe
def places(request: HttpRequest, pk: int, instance: int) -> HttpResponse:
    """``{"frames": [{"position", "orientation", "spacing", "letters"}, ...]}`` in the order of the frames.

    What is not known of a frame is left out. 422 with a sentence when the file cannot be read.
    """
    study = study_or_404(request, pk)
    found = instance_for(user=request.user, pk=instance)
    if found.series.study_id != study.pk:
        raise Http404
    try:
        slices = frames_placed(instance=found)
    except FrameUnavailable as unavailable:
        return JsonResponse({"sentence": str(unavailable.sentence)}, status=422)
    return JsonResponse({"frames": [_place(one) for one in slices]})


def _place(one: Slice) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if len(one.position) == 3:
        place["position"] = one.position
    if len(one.orientation) == 6:
        place |= {"orientation": one.orientation, "letters": edge_letters(one.orientation)}
    if len(one.spacing) == 2:
        place |= {"spacing": one.spacing, "spacingBasis": "pixel"}
    return place
