"""``ws/live/``: tells pages that something changed; they re-read it themselves.

A page sends ``{"op": "watch", "topics": ["study"]}``. ``{"watching": [...]}`` comes first: from then on
nothing is missed. Then ``{"events": [[topic, key], ...]}``, each once however often it happened since the
last message. Closed with 4401 when nobody is logged in (any more), 4403 without a role, 4400 after nonsense.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from viewer.live import HUB
from viewer.sessions import Visitor, visitor_of

CLOSE_NONSENSE: Final = 4400
CLOSE_LOGIN: Final = 4401
CLOSE_DENIED: Final = 4403
CHECK_SECONDS: Final = 15.0
LONGEST_MESSAGE: Final = 1024


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One page that wants to know."""

    channel_layer_alias = ""

    async def connect(self) -> None:
        self.teller: asyncio.Task[None] | None = None
        # Accepted first: a browser tells its page the code of a close, not of a refusal.
        await self.accept()
        await self._admit()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        topics = _topics(text_data)
        if topics is None:
            await self.close(CLOSE_NONSENSE)
            return
        visitor = await self._admit()
        if visitor is None:
            return
        await self._hush()
        self.teller = asyncio.create_task(self._tell(topics & visitor.topics))

    async def disconnect(self, code: int) -> None:
        await self._hush()

    async def _admit(self) -> Visitor | None:
        visitor = await sync_to_async(visitor_of)(session_key=self.scope["session"].session_key)
        if visitor.user is None:
            await self.close(CLOSE_LOGIN)
            return None
        if not visitor.topics:
            await self.close(CLOSE_DENIED)
            return None
        return visitor

    async def _tell(self, topics: frozenset[str]) -> None:
        """Pass on what the hub hears; look now and then whether the session still stands."""
        checked = time.monotonic()
        with HUB.subscribed(topics) as subscription:
            await HUB.following()
            # The page re-reads once on this: what happened between its making and now is not told.
            await self.send(json.dumps({"watching": sorted(topics)}))
            while True:
                events = await subscription.take(timeout=CHECK_SECONDS)
                if time.monotonic() - checked >= CHECK_SECONDS:
                    checked = time.monotonic()
                    if await self._admit() is None:
                        return
                if events:
                    await self.send(json.dumps({"events": events}))

    async def _hush(self) -> None:
        if self.teller is not None:
            self.teller.cancel()
            await asyncio.gather(self.teller, return_exceptions=True)
            self.teller = None


def _topics(text: str | None) -> frozenset[str] | None:
    """Read a watch message; None for anything else."""
    if text is None or len(text) > LONGEST_MESSAGE:
        return None
    try:
        message: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(message, dict) or message.get("op") != "watch":
        return None
    topics = message.get("topics")
    if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
        return None
    return frozenset(topics)
