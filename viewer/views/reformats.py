"""Reformats for the viewer's page: whether a series makes a volume, how far it is, and where its planes
lie."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import AbstractUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from archive.imaging.geometry import edge_letters
from archive.imaging.reformat import Cut
from archive.measuring import Measured, plane_measure
from archive.models import Instance
from archive.reformatting import Making, reformat_found, reformat_making, reformat_plan, reformat_raster
from archive.rendering import FrameUnavailable
from archive.selectors import instance_for
from viewer.measurements import Mark
from viewer.reformat_name import ReformatName, reformat_name_parse
from viewer.views.studies import study_or_404


@require_safe
def reformat(request: HttpRequest, pk: int, instance: int) -> HttpResponse:
    """The planes that can be had of the stack an image is in; asking begins to make the volume.

    ``{"done": n, "total": n}`` while it is being made, then ``{"name", "planes": {...}}``: the first part of
    the names of its planes, and where they lie. 422 with a sentence when there is none to be had.
    """
    study = study_or_404(request, pk)
    found = instance_for(user=cast(AbstractUser, request.user), pk=instance)
    if found.series.study_id != study.pk:
        raise Http404
    try:
        making = reformat_making(plan=reformat_plan(instance=found))
        if not making.future.done():
            return JsonResponse({"done": making.done, "total": making.total})
        making.future.result()
    except FrameUnavailable as unavailable:
        return JsonResponse({"sentence": str(unavailable.sentence)}, status=422)
    return JsonResponse(
        {
            "name": f"r{found.pk}.{making.plan.digest}",
            "planes": {plane.value: _cut(cut) for plane, cut in making.plan.cuts.items()},
            **_thickest(making),
        }
    )


def reformat_named(data: Any) -> tuple[Any, ReformatName | None]:
    """What a page sent about a mark; one on a reformat with the instance that its name begins with."""
    text = data.get("instance") if isinstance(data, dict) else None
    named = reformat_name_parse(text) if isinstance(text, str) else None
    return ({**data, "instance": named[0]}, named[1]) if named else (data, None)


def reformat_measured(*, instance: Instance, name: ReformatName, mark: Mark) -> Measured:
    """What a mark on a plane measures. Raises ``FrameUnavailable``, also while the volume is not there.

    A view has the one thread of all views: it waits for no volume.
    """
    making = reformat_found(instance=instance, digest=name.digest)
    if not making.future.done():
        raise FrameUnavailable("reformat-reading", name.digest)
    raster = reformat_raster(making=making, frame=mark.frame, reformat=name.reformat)
    return plane_measure(
        raster=raster,
        greyscale=making.future.result().greyscale,
        steps=making.plan.cuts[name.reformat.plane].steps,
        shape=mark.shape,
        places=mark.places,
    )


def _cut(cut: Cut) -> dict[str, Any]:
    """As the page's scripts read facts: ``corner`` is the Image Position of the first plane."""
    return {
        "columns": cut.columns,
        "rows": cut.rows,
        "spacing": list(cut.steps),
        "orientation": cut.orientation,
        "corner": cut.corner.tolist(),
        "forward": cut.forward.tolist(),
        "offsets": [round(offset, 4) for offset in cut.offsets.tolist()],
        "letters": edge_letters(cut.orientation),
    }


def _thickest(making: Making) -> dict[str, Any]:
    """The step between slices that is usual, in mm: what one plane of the series stands for."""
    depths = making.plan.grid.depths
    return {"step": round(float(depths[-1]) / (len(depths) - 1), 2)}
