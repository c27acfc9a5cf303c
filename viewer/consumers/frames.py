"""Frames over a websocket: ``ws/frames/<study>/``. What is said is in ``viewer.protocol``.

The socket belongs to one person and one study. It is accepted first and closed then, because a browser
tells its page the code of a close but not of a refusal: 4401 nobody is logged in (any more), 4403 not
allowed, 4404 no such study, 4429 too many messages.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from archive.models import Instance
from archive.presentations import presentation_frame_render
from archive.rendering import (
    RENDER_POOL,
    FrameUnavailable,
    RenderedFrame,
    frame_stored_value,
)
from viewer.consumers.admission import CLOSE_FLOOD, Admission, admission_check, instance_admit
from viewer.consumers.flow import Flow, Rate
from viewer.consumers.reformats import reformat_work
from viewer.protocol import (
    Drawn,
    Flag,
    FrameHeader,
    FrameRequest,
    Ping,
    PrefetchRequest,
    ProbeRequest,
    ProtocolError,
    Request,
    request_parse,
    unavailable_reply,
)

log = structlog.get_logger(__name__)
CHECK_SECONDS = 15.0  # how long a socket may outlive its session
INSTANCES = 1024  # remembered by one socket


class Failed(FrameUnavailable):
    """An error of ours, not of the image."""

    @property
    def sentence(self) -> str:
        return _("This image cannot be shown: an error in the archive. It is in the log.")


class FramesConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One page looking at one study."""

    channel_layer_alias = ""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does, without its thread hop a message: no handler here holds a connection."""
        match message["type"]:
            case "websocket.connect":
                await self.connect()
            case "websocket.receive":
                await self.receive(message.get("text"))
            case "websocket.disconnect":
                await self.disconnect(message.get("code"))
                raise StopConsumer

    async def connect(self) -> None:
        self.flow, self.rate = Flow(), Rate(time.monotonic())
        self.tasks: set[asyncio.Task[None]] = set()
        self.instances: OrderedDict[int, Instance] = OrderedDict()
        self.probe: ProbeRequest | None = None
        self.probing = self.closed = False
        self.language = _language(self.scope)
        await self.accept()
        self.admission: Admission = await sync_to_async(admission_check)(scope=self.scope)
        if self.admission.close_code:
            await self.leave(self.admission.close_code)
            return
        self._start(self._watch())

    async def disconnect(self, code: int | None) -> None:
        self.closed = True
        for task in self.tasks:
            task.cancel()

    async def leave(self, code: int) -> None:
        """Close with ``code``; nothing is rendered or sent after it."""
        if not self.closed:
            self.closed = True
            await self.close(code)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.closed:
            return
        if not self.rate.allows(time.monotonic()):
            log.warning("viewer_flood", user=str(self.admission.user))
            await self.leave(CLOSE_FLOOD)
            return
        try:
            self._take(request_parse(text_data))
        except ProtocolError as error:
            await self._tell(error.reply())
        self._work()

    def _take(self, request: Request) -> None:
        match request:
            case FrameRequest():
                self.flow.want(request)
            case PrefetchRequest():
                self.flow.want_soon(request)
            case Drawn():
                self.flow.drawn(request.seq)
            case ProbeRequest():
                self.probe = request
                if not self.probing:
                    self.probing = True
                    self._start(self._answer_probes())
            case Ping():
                self._start(self._tell({"op": "pong", "seq": request.seq}))

    def _work(self) -> None:
        while not self.closed and (request := self.flow.next()):
            self._start(self._answer(request))

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, request: FrameRequest) -> None:
        """Render and send one frame, or say why not; then look for more work."""
        started, size = time.perf_counter(), 0
        picture = await self._attempt(
            request, partial(presentation_frame_render, view=request.view, encoding=request.quality.encoding)
        )
        if isinstance(picture, RenderedFrame):
            header = _header(request, picture, (time.perf_counter() - started) * 1000)
            for message in header.messages(picture.data):
                if not self.closed:
                    await self.send(bytes_data=message)
            size = len(picture.data)
        elif picture is not None:
            await self._tell(picture)
        self.flow.done(request, size)
        self._work()

    async def _answer_probes(self) -> None:
        """One at a time, the latest wins."""
        while (request := self.probe) and not self.closed:
            self.probe = None
            value = await self._attempt(request, partial(frame_stored_value, x=request.x, y=request.y))
            if isinstance(value, dict) and "op" not in value:
                place = {"viewport": request.viewport, "x": request.x, "y": request.y}
                await self._tell({"op": "probe", "seq": request.seq, **place, **value})
        self.probing = False

    async def _attempt(self, request: FrameRequest | ProbeRequest, make: Callable[..., Any]) -> Any:
        """What ``make`` makes of the instance in the pool; for a frame that cannot be shown, the reply."""
        try:
            instance = await self._instance(request.instance)
            work: partial[Any] = partial(make, instance=instance, frame=request.frame)
            if request.reformat is not None:
                work = await reformat_work(request, request.reformat, instance)
            elif isinstance(request, FrameRequest) and request.presentation:
                work = partial(work, state=await self._instance(request.presentation))
            return await asyncio.get_running_loop().run_in_executor(RENDER_POOL, work)
        except FrameUnavailable as unavailable:
            reason = unavailable
        except Exception:  # the boundary of a thread: one frame must not end the socket
            log.exception("frame_failed", instance=request.instance, frame=request.frame)
            reason = Failed("failed")
        if isinstance(request, ProbeRequest):
            return None
        with translation.override(self.language):
            return unavailable_reply(request, reason.code, str(reason.sentence))

    async def _instance(self, pk: int) -> Instance:
        """The instance, which must belong to this study and be this person's to see."""
        instance = self.instances.get(pk)
        if instance is None:
            instance = await sync_to_async(instance_admit)(admission=self.admission, pk=pk)
            self.instances[pk] = instance
            if len(self.instances) > INSTANCES:
                self.instances.popitem(last=False)
        return instance

    async def _tell(self, reply: dict[str, Any]) -> None:
        if not self.closed:
            await self.send(text_data=json.dumps(reply, ensure_ascii=False))

    async def _watch(self) -> None:
        """Ends the socket with its session, and forgets instances: what was deleted is gone here, too."""
        while not self.closed:
            await asyncio.sleep(CHECK_SECONDS)
            self.admission = await sync_to_async(admission_check)(scope=self.scope)
            self.instances.clear()
            if self.admission.close_code:
                await self.leave(self.admission.close_code)


def _header(request: FrameRequest, picture: RenderedFrame, milliseconds: float) -> FrameHeader:
    flags = Flag(0)
    if picture.lossy_encoding:
        flags |= Flag.PREVIEW
    if picture.media_type == "image/png":
        flags |= Flag.PNG
    if request.prefetch:
        flags |= Flag.PREFETCHED
    if picture.window is not None:
        flags |= Flag.WINDOW
    if not picture.complete:
        flags |= Flag.PARTIAL
    return FrameHeader(
        seq=request.seq,
        viewport=request.viewport,
        flags=flags,
        width=picture.width,
        height=picture.height,
        full_width=picture.full_width,
        full_height=picture.full_height,
        milliseconds=milliseconds,
        center=picture.window.center if picture.window else 0.0,
        window_width=picture.window.width if picture.window else 0.0,
    )


def _language(scope: dict[str, Any]) -> str:
    """The language of the page that opened the socket: ``?language=``."""
    asked = scope.get("query_string", b"").decode("ascii", "replace").partition("language=")[2]
    asked = asked.partition("&")[0]
    return asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
