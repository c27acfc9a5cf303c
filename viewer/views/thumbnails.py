"""The small picture of an instance."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import quote_etag
from django.views.decorators.http import etag, require_safe

from archive.models import Instance
from archive.rendering import RENDER_POOL, FrameUnavailable, thumbnail_render
from archive.selectors import NotFound, instance_for

SIZE = 256


def _instance(request: HttpRequest, pk: int) -> Instance:
    try:
        return instance_for(user=request.user, pk=pk)
    except NotFound as error:
        raise Http404(str(error)) from error


@require_safe
def thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """A picture of at most 256 pixels. An instance never changes, so the browser asks once.

    The address carries the start of the digest of the bytes: reindexed or replaced is another address.
    404: there is no such image. 415: it has no picture or cannot be decoded; the page shows an icon.
    """
    instance = _instance(request, pk)
    tag = quote_etag(f"{instance.dataset_digest[:32]}-{SIZE}")
    return etag(lambda *_: tag)(_picture)(request, instance)


def _picture(request: HttpRequest, instance: Instance) -> HttpResponse:
    # The pool bounds how many are decoded at once; this thread only waits.
    try:
        picture = RENDER_POOL.submit(thumbnail_render, instance=instance, size=SIZE).result()
    except FrameUnavailable as error:
        return HttpResponse(error.sentence, status=415, content_type="text/plain; charset=utf-8")
    return HttpResponse(
        picture.data,
        content_type=picture.media_type,
        headers={"Cache-Control": "private, max-age=31536000, immutable"},
    )
