"""``ws/live/``: pages are told what changed, each thing once, and only people who are logged in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.test import Client

from archive.events import event_record
from pacs_site.asgi import application
from tests import people
from viewer.consumers import live
from viewer.idle import ACTIVE_AT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rita(transactional_db: None) -> AbstractUser:
    return people.rita_reader()


def entered(user: AbstractUser) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def socket_of(client: Client | None, origin: str = "http://127.0.0.1") -> WebsocketCommunicator:
    headers = [(b"host", b"127.0.0.1"), (b"origin", origin.encode())]
    if client is not None:
        key = client.cookies[settings.SESSION_COOKIE_NAME].value
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={key}".encode()))
    return WebsocketCommunicator(application, "/ws/live/", headers)


async def watching(user: AbstractUser, *topics: str) -> tuple[WebsocketCommunicator, dict[str, Any], Client]:
    client = await sync_to_async(entered)(user)
    socket = socket_of(client)
    assert (await socket.connect(timeout=10))[0]
    await socket.send_json_to({"op": "watch", "topics": list(topics)})
    return socket, await socket.receive_json_from(timeout=10), client


def record(*keys: str, topic: str = "study") -> None:
    with transaction.atomic():
        for key in keys:
            event_record(topic=topic, key=key)


async def test_change_is_told_once_however_often_it_happened(rita: AbstractUser) -> None:
    socket, hello, _ = await watching(rita, "study")
    assert hello == {"watching": ["study"]}
    await sync_to_async(record)("7", "7", "8", "7")
    assert await socket.receive_json_from(timeout=10) == {"events": [["study", "7"], ["study", "8"]]}
    await socket.disconnect()


async def test_other_topics_are_not_told(rita: AbstractUser) -> None:
    socket, _, _ = await watching(rita, "study")
    await sync_to_async(record)("1", topic="job")
    await sync_to_async(record)("2")
    assert await socket.receive_json_from(timeout=10) == {"events": [["study", "2"]]}
    await socket.disconnect()


async def test_what_is_an_administrators_is_not_a_readers(rita: AbstractUser) -> None:
    ada = await sync_to_async(people.ada_administrator)()
    socket, hello, _ = await watching(rita, "study", "caller", "nonsense")
    assert hello == {"watching": ["study"]}
    await socket.disconnect()
    socket, hello, _ = await watching(ada, "study", "caller", "nonsense")
    assert hello == {"watching": ["caller", "study"]}
    await socket.disconnect()


async def closed_with(socket: WebsocketCommunicator) -> int:
    assert (await socket.connect(timeout=10))[0]
    message = await socket.receive_output(timeout=10)
    assert message["type"] == "websocket.close"
    return int(message["code"])


async def test_nobody_is_closed_with_4401(transactional_db: None) -> None:
    assert await closed_with(socket_of(None)) == 4401


async def test_person_without_role_is_closed_with_4403(transactional_db: None) -> None:
    nil = await sync_to_async(people.nobody_nil)()
    assert await closed_with(socket_of(await sync_to_async(entered)(nil))) == 4403


async def test_page_of_another_site_gets_no_socket(rita: AbstractUser) -> None:
    socket = socket_of(await sync_to_async(entered)(rita), origin="https://elsewhere.example")
    assert not (await socket.connect(timeout=10))[0]


@pytest.mark.parametrize("message", ["[]", "{", '{"op": "sing"}', '{"op": "watch", "topics": 1}', "x" * 5000])
async def test_nonsense_is_closed_with_4400(rita: AbstractUser, message: str) -> None:
    socket = socket_of(await sync_to_async(entered)(rita))
    await socket.connect(timeout=10)
    await socket.send_to(text_data=message)
    assert (await socket.receive_output(timeout=10))["code"] == 4400


def _log_out(client: Client) -> None:
    client.post("/logout/")


def _sit_still(client: Client) -> None:
    session = client.session
    session[ACTIVE_AT] = time.time() - settings.IDLE_LOCK_SECONDS - 1
    session.save()


@pytest.mark.parametrize("leave", [_log_out, _sit_still])
async def test_open_socket_ends_with_its_session(
    rita: AbstractUser, monkeypatch: pytest.MonkeyPatch, leave: Callable[[Client], None]
) -> None:
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.05)
    socket, _, client = await watching(rita, "study")
    await sync_to_async(leave)(client)
    assert (await socket.receive_output(timeout=10))["code"] == 4401
