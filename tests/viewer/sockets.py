"""The frame socket as a page sees it: log in, connect, ask, take pictures apart."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.test import Client
from PIL import Image

from pacs_site.asgi import application
from viewer.protocol import Flag, FrameHeader

NAMES = [
    "version",
    "flags",
    "viewport",
    "seq",
    "width",
    "height",
    "full_width",
    "full_height",
    "ms",
    "center",
    "window_width",
    "total",
    "offset",
]


@dataclass
class Picture:
    """A picture as it came: its header's fields, its bytes, its pixels."""

    fields: dict[str, Any]
    data: bytes

    @property
    def flags(self) -> Flag:
        return Flag(self.fields["flags"])

    @property
    def pixels(self) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(self.data)))


def log_in(user: AbstractUser) -> Client:
    client = Client()
    client.force_login(user)
    return client


def socket_to(study_id: int | str, client: Client | None = None, query: str = "") -> WebsocketCommunicator:
    headers = [(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1")]
    if client is not None:
        cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
        headers.append((b"cookie", cookie.encode()))
    return WebsocketCommunicator(application, f"/ws/frames/{study_id}/{query}", headers)


class Page:
    """One open socket. ``async with Page(study_id, user) as page``."""

    def __init__(self, study_id: int, user: AbstractUser, query: str = "") -> None:
        self.study_id, self.user, self.query = study_id, user, query
        self.seq = 0

    async def __aenter__(self) -> Page:
        self.client = await sync_to_async(log_in)(self.user)
        self.socket = socket_to(self.study_id, self.client, self.query)
        connected, _ = await self.socket.connect(timeout=10)
        assert connected
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.disconnect(timeout=10)

    async def say(self, message: dict[str, Any] | str) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        await self.socket.send_to(text_data=text)

    async def want(self, instance: int, frame: int = 1, **changes: Any) -> int:
        """Ask for a frame; returns the number of the request."""
        self.seq += 1
        message = {
            "op": "frame",
            "seq": self.seq,
            "viewport": 0,
            "instance": instance,
            "frame": frame,
            "voi": None,
            "invert": False,
            "size": [512, 512],
            "quality": "settled",
        }
        await self.say(message | changes)
        return self.seq

    async def hear(self, timeout: float = 30) -> Picture | dict[str, Any]:
        """The next reply: a whole picture, or a JSON message. What was drawn is told."""
        data = b""
        while True:
            event = await self.socket.receive_output(timeout)
            if event["type"] == "websocket.close":
                return {"op": "close", "code": event["code"]}
            if event.get("text") is not None:
                return dict(json.loads(event["text"]))
            fields = dict(zip(NAMES, FrameHeader.LAYOUT.unpack(event["bytes"][:52]), strict=True))
            assert fields["offset"] == len(data)
            data += event["bytes"][52:]
            if len(data) == fields["total"]:
                await self.say({"op": "drawn", "seq": fields["seq"]})
                return Picture(fields, data)

    async def picture(self, instance: int, frame: int = 1, **changes: Any) -> Picture:
        await self.want(instance, frame, **changes)
        reply = await self.hear()
        assert isinstance(reply, Picture), reply
        return reply

    async def refusal(self, instance: int, frame: int = 1, **changes: Any) -> dict[str, Any]:
        await self.want(instance, frame, **changes)
        reply = await self.hear()
        assert isinstance(reply, dict), reply.fields
        return reply

    async def silence(self) -> bool:
        """Whether nothing more comes for a moment."""
        await asyncio.sleep(0.05)
        return await self.socket.receive_nothing(timeout=0.1)
