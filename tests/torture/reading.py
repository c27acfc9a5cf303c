"""Hours at the viewer, by script: clients of the frame socket that scroll, window, settle and come back.

What is asked for twice must be answered twice alike; nothing may be lost, logged as an error, or grow.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import struct
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any

import psutil

from tests.bench.websocket import WebSocket
from tests.browser.conftest import Site
from tests.people import PASSWORD

_HEADER = 52
_SEQ, _TOTAL, _OFFSET = 4, 44, 48
_SIZES = ([512, 512], [670, 670], [300, 300])
_WINDOWS = ((40, 400), (-600, 1500), (400, 1800), (80, 80))
_SHIFT_SECONDS = (5.0, 20.0)  # how long somebody reads a study
_ANSWER_SECONDS = 60.0


@dataclass
class Soak:
    """What happened while they read."""

    pictures: int = 0
    sockets: int = 0
    unopened: int = 0
    wrong: list[str] = field(default_factory=list)
    grown: int = 0  # bytes of the web process from the end of the first fifth on
    log: str = ""

    def __str__(self) -> str:
        return (
            f"{self.pictures} pictures over {self.sockets} sockets ({self.unopened} not opened at once), "
            f"{self.grown / 1048576:+.1f} MB, "
            f"{len(self.wrong)} wrong"
        )


@dataclass(frozen=True, slots=True)
class Shelf:
    """A study and the frames in it."""

    study: int
    frames: tuple[tuple[int, int], ...]


def logged_in(site: Site, person: str) -> str:
    """The cookies of a new session, as a header."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{site.url}/login/", timeout=60).read().decode()
    [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page))
    form = {"username": person, "password": PASSWORD, "csrfmiddlewaretoken": token}
    opener.open(f"{site.url}/login/", urllib.parse.urlencode(form).encode(), timeout=60).read()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def shelves(site: Site) -> list[Shelf]:
    """Every study of the site that has images."""
    rows = site.python(
        "from archive.models import Instance\n"
        "for one in Instance.objects.exclude(columns=None).values_list("
        "'series__study_id', 'pk', 'number_of_frames'):\n"
        "    print(*(value or 1 for value in one))"
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for line in rows.splitlines():
        study, instance, frames = map(int, line.split())
        found.setdefault(study, []).extend((instance, frame) for frame in range(1, frames + 1))
    return [Shelf(study, tuple(frames)) for study, frames in found.items()]


class Reader:
    """One client: a person's cookies, and what it has been shown so far."""

    def __init__(self, port: int, cookie: str, seed: int, seen: dict[str, str], soak: Soak) -> None:
        self.port, self.cookie, self.seen, self.soak = port, cookie, seen, soak
        self.random = random.Random(seed)
        self.seq = 0

    async def read(self, stock: list[Shelf], until: float) -> None:
        while time.monotonic() < until:
            shelf = self.random.choice(stock)
            try:
                socket = await WebSocket.open(self.port, f"/ws/frames/{shelf.study}/", self.cookie)
            except ConnectionResetError:
                # The web server gives a handshake five seconds; a page tries again, and so do we.
                self.soak.unopened += 1
                continue
            self.soak.sockets += 1
            self.seq = 0
            leave = time.monotonic() + self.random.uniform(*_SHIFT_SECONDS)
            try:
                while time.monotonic() < min(leave, until):
                    await self._look(socket, shelf)
            finally:
                await socket.close()

    async def _look(self, socket: WebSocket, shelf: Shelf) -> None:
        """Scroll a little, drag a window, let it settle, look at a value."""
        size = self.random.choice(_SIZES)
        at = self.random.randrange(len(shelf.frames))
        for place in shelf.frames[at : at + 6]:
            await self._picture(socket, place, size, "moving", None)
        place = shelf.frames[min(at + 5, len(shelf.frames) - 1)]
        await self._picture(socket, place, size, "steps", None)
        center, width = self.random.choice(_WINDOWS)
        for _ in range(8):  # a drag
            center += self.random.randrange(-200, 201, 10)
            await self._picture(socket, place, size, "table", {"center": center, "width": width})
        await self._picture(socket, place, size, "settled", {"center": center, "width": width})
        self._say(socket, {"op": "ping", "seq": self.seq})
        async with asyncio.timeout(_ANSWER_SECONDS):
            while (await socket.receive())[:1] != b"{":
                pass

    def _say(self, socket: WebSocket, message: dict[str, Any]) -> None:
        socket.send(json.dumps(message).encode(), text=True)

    async def _picture(
        self, socket: WebSocket, place: tuple[int, int], size: list[int], quality: str, voi: Any
    ) -> None:
        self.seq += 1
        look = {"voi": voi, "invert": False, "size": size, "quality": quality}
        frame = {"instance": place[0], "frame": place[1], **look}
        self._say(socket, {"op": "frame", "seq": self.seq, "viewport": 0, **frame})
        async with asyncio.timeout(_ANSWER_SECONDS):
            answer = await self._answer(socket)
        self._say(socket, {"op": "drawn", "seq": self.seq})
        digest = hashlib.sha256(answer).hexdigest()
        if self.seen.setdefault(json.dumps(frame), digest) != digest:
            self.soak.wrong.append(f"another answer to {frame}")
        self.soak.pictures += 1

    async def _answer(self, socket: WebSocket) -> bytes:
        """The bytes of the picture asked for last, or the words in its place."""
        parts = b""
        while True:
            message = await socket.receive()
            if message[:1] == b"{":
                reply = json.loads(message)
                if reply.get("seq") == self.seq and reply["op"] == "unavailable":
                    return str(reply["code"]).encode()
                if reply["op"] == "error":
                    self.soak.wrong.append(str(reply))
                continue
            (seq,) = struct.unpack_from("<I", message, _SEQ)
            total, offset = struct.unpack_from("<II", message, _TOTAL)
            if seq != self.seq:
                self.soak.wrong.append(f"picture {seq} instead of {self.seq}")
            parts += message[_HEADER:]
            if offset + len(message) - _HEADER == total:
                return parts


async def _read_all(site: Site, clients: int, seconds: float, soak: Soak) -> None:
    assert site.process is not None
    process, stock = psutil.Process(site.process.pid), shelves(site)
    cookie, seen = logged_in(site, "rita"), dict[str, str]()
    began = time.monotonic()
    until = began + seconds

    async def watch() -> None:
        await asyncio.sleep(seconds / 5)
        before = process.memory_full_info().pss
        await asyncio.sleep(max(0.0, until - time.monotonic() - 1))
        soak.grown = process.memory_full_info().pss - before

    readers = [Reader(site.port, cookie, seed, seen, soak) for seed in range(clients)]
    ends = await asyncio.gather(
        watch(), *(reader.read(stock, until) for reader in readers), return_exceptions=True
    )
    soak.wrong += [f"lost: {end!r}" for end in ends if end is not None]


def read_for(site: Site, *, clients: int, seconds: float) -> Soak:
    """``clients`` sockets read at random for so long."""
    soak = Soak()
    asyncio.run(_read_all(site, clients, seconds, soak))
    lines = (site.data_dir / "web.log").read_text(errors="replace").splitlines()
    soak.log = "\n".join(
        line for line in lines if "Traceback" in line or "[error" in line or '"error"' in line
    )
    return soak
