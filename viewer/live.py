"""What pages tell without being asked: the outbox, followed once for all sockets of a process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import structlog
from channels.db import database_sync_to_async
from django.db import DatabaseError

from archive.events import EventTail

log = structlog.get_logger(__name__)
POLL_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 2.0


class Subscription:
    """What one socket has not told yet: a topic and key once, however often it happened."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self._waiting: dict[tuple[str, str], None] = {}
        self._there = asyncio.Event()

    def put(self, events: list[tuple[str, str]]) -> None:
        self._waiting.update((event, None) for event in events if event[0] in self.topics)
        if self._waiting:
            self._there.set()

    async def take(self, *, timeout: float) -> list[tuple[str, str]]:
        """Return what is new, waiting for it up to ``timeout`` seconds; empty when there is nothing."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._there.wait(), timeout)
        events, self._waiting = list(self._waiting), {}
        self._there.clear()
        return events


class Hub:
    """Follows the outbox while somebody listens: one query each quarter of a second, not one per page."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._task: asyncio.Task[None] | None = None
        self._following = asyncio.Event()

    async def following(self) -> None:
        """Wait until nothing that happens from now on is missed."""
        await self._following.wait()

    @contextmanager
    def subscribed(self, topics: frozenset[str]) -> Iterator[Subscription]:
        """Hand out a subscription for as long as the block runs. Call it on the event loop."""
        subscription = Subscription(topics)
        self._subscriptions.add(subscription)
        if self._task is None or self._task.done() or self._task.get_loop() is not asyncio.get_running_loop():
            self._following = asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._follow())
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def _follow(self) -> None:
        tail: EventTail | None = None
        while self._subscriptions:
            try:
                if tail is None:
                    tail = await database_sync_to_async(EventTail)()
                    self._following.set()
                events = await database_sync_to_async(tail.poll)()
            except DatabaseError as error:
                # The database is away: keep the place, ask again. Nothing is missed.
                log.warning("the outbox cannot be read", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for subscription in list(self._subscriptions):
                subscription.put(events)
            await asyncio.sleep(POLL_SECONDS)


HUB: Final = Hub()
