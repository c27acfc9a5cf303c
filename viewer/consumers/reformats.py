"""Planes of a reformat over the frame socket: waits for the volume without holding a thread."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async

from archive.models import Instance
from archive.reformatting import reformat_found, reformat_render, reformat_value
from viewer.protocol import FrameRequest, ProbeRequest
from viewer.reformat_name import ReformatName


async def reformat_work(
    request: FrameRequest | ProbeRequest, name: ReformatName, instance: Instance
) -> partial[Any]:
    """What makes the picture, or finds the value, once the volume is there. Raises ``FrameUnavailable``."""
    making = await sync_to_async(reformat_found)(instance=instance, digest=name.digest)
    # Shielded: a page that goes must not end what others wait for.
    await asyncio.shield(asyncio.wrap_future(making.future))
    which: dict[str, Any] = {"making": making, "frame": request.frame, "reformat": name.reformat}
    if isinstance(request, ProbeRequest):
        return partial(reformat_value, x=request.x, y=request.y, **which)
    return partial(reformat_render, view=request.view, encoding=request.quality.encoding, **which)
