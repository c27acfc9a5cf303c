"""Parts of what is stored, as a browser asks for them (RFC 9110 14): players seek in a video this way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from archive.documents import ByteStream

PART: Final = 1 << 20  # bytes read at once
MOST: Final = 8 << 20  # bytes of one answer to a range: a server may give less than was asked
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def stream_response(request: HttpRequest, stream: ByteStream) -> HttpResponseBase:
    """The whole, or the one range that was asked for: 206 with it, 416 when it begins behind the end.

    A header that is none, or names several ranges, is passed over and the whole given.
    """
    length = stream.length
    response: HttpResponseBase
    asked = range_asked(request.headers.get("Range", ""), length)
    if asked is None:
        response = _whole(request, stream)
        response.headers["Content-Length"] = str(length)
    elif asked[0] >= asked[1]:
        response = HttpResponse(status=416)
        response.headers["Content-Range"] = f"bytes */{length}"
    else:
        start, stop = asked[0], min(asked[1], asked[0] + MOST)
        response = HttpResponse(stream.read(start, stop), status=206, content_type=stream.media_type)
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "private, max-age=0, must-revalidate"
    response.headers["ETag"] = f'"{stream.instance.dataset_digest[:32]}"'
    return response


def range_asked(header: str, length: int) -> tuple[int, int] | None:
    """(start, stop) of a single range; None for none; an empty one when it cannot be met."""
    found = _RANGE.fullmatch(header.strip())
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:  # the last so many
        count = int(found[2])
        return (max(length - count, 0), length) if count else (0, 0)
    start = int(found[1])
    stop = min(int(found[2]) + 1, length) if found[2] else length
    if found[2] and int(found[2]) < start:
        return None
    return (start, stop) if start < length else (0, 0)


def _whole(request: HttpRequest, stream: ByteStream) -> HttpResponseBase:
    if request.method == "HEAD":
        return HttpResponse(content_type=stream.media_type)
    if stream.length <= PART:
        return HttpResponse(stream.read(0, stream.length), content_type=stream.media_type)
    parts = _parts_async(stream) if isinstance(request, ASGIRequest) else _parts(stream)
    return StreamingHttpResponse(parts, content_type=stream.media_type)


def _parts(stream: ByteStream) -> Iterator[bytes]:
    for start in range(0, stream.length, PART):
        yield stream.read(start, start + PART)


async def _parts_async(stream: ByteStream) -> AsyncIterator[bytes]:
    for start in range(0, stream.length, PART):
        yield await sync_to_async(stream.read, thread_sensitive=False)(start, start + PART)
