"""How far the viewer is from doing nothing: mouse to painted pixel against a null echo, and at the socket.

The null echo (``tests.bench.null_echo``) sends the same picture back for every message. Both sites run at
once, the rounds alternate, the order turns round with each: what drifts, drifts for both.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import django
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from pydicom.uid import generate_uid

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.bench.websocket import WebSocket  # noqa: E402  Django must be set up first
from tests.browser.conftest import ROOT, Site, _launch, free_port, log_in, new_site  # noqa: E402
from tests.browser.pictures import disc  # noqa: E402
from tests.objects import ct_slice  # noqa: E402

T = TypeVar("T")
ROUNDS = 6
SECONDS = 3.0
HERTZ = 125
SIDE = 512
CLIENTS = 8
# Side of the image, size of the window (an image of 1024 is to be seen whole), and how many milliseconds
# from the null echo at the median and at 19 of 20.
SIZES = ((512, (1366, 768), 2.0, 4.0), (1024, (1400, 1122), 5.0, None))
RATE = 60  # pictures a second


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: the browser's driver has this thread's loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@dataclass
class Side:
    """What was measured of one side, in milliseconds."""

    latencies: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        return float(np.quantile(self.latencies, share))


def noisy(size: int, seed: int) -> bytes:
    """A body with the noise of a scanner: what JPEG and PNG find hard."""
    noise = np.random.default_rng(seed).normal(0, 12, (size, size))
    return (disc(size, 0.3) + noise).astype("<i2").tobytes()


def study_make(site: Site, description: str, size: int, count: int) -> int:
    shared = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    site.ingest(
        *[
            ct_slice(
                **shared,
                StudyDescription=description,
                InstanceNumber=number,
                ImagePositionPatient=[0, 0, -number],
                Rows=size,
                Columns=size,
                PixelData=noisy(size, number),
            )
            for number in range(1, count + 1)
        ]
    )
    return site.study_id(description)


@contextmanager
def null_site(picture: bytes) -> Iterator[int]:
    """The null echo's port."""
    port = free_port()
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(picture)
        file.flush()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.null_echo", str(port), file.name], cwd=ROOT
        )
        try:
            time.sleep(2)
            yield port
        finally:
            process.terminate()
            process.wait(10)


# --- mouse to painted ---

RECORD = """() => {
  window.latencies = [];
  document.querySelector('.viewport').addEventListener('painted', ({ detail }) => {
    if (detail.passing) window.latencies.push(performance.now() - detail.at);
  });
}"""


def dragged(page: Page, button: str, seconds: float = SECONDS) -> list[float]:
    """One drag with real mouse events at 125 Hz; what it took to paint each."""
    page.evaluate("window.latencies.length = 0")
    page.mouse.move(500, 350)
    page.mouse.down(button=button)  # type: ignore[arg-type]
    began, sent = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        sent += 1
        page.mouse.move(500 + sent % 97, 350 + sent % 61)
        time.sleep(max(0.0, began + sent / HERTZ - time.perf_counter()))
    page.wait_for_timeout(150)
    page.mouse.up(button=button)  # type: ignore[arg-type]
    page.wait_for_timeout(300)
    return [float(value) for value in page.evaluate("window.latencies.slice(5)")]


def mouse_to_painted(
    browser: Browser, site: Site, study_id: int, null_port: int, window: tuple[int, int]
) -> tuple[Side, Side]:
    null, ours = Side(), Side()
    width, height = window
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=site.url)
    viewer = context.new_page()
    log_in(viewer, site, "rita")
    viewer.goto(f"/studies/{study_id}/view/")
    viewer.locator('[data-dock="stream"]', has_text="as stored").wait_for()
    viewer.evaluate(RECORD)
    echo = context.new_page()
    echo.goto(f"http://127.0.0.1:{null_port}/#{height - 98}")
    echo.wait_for_function("document.title === 'ready'")
    for number in range(ROUNDS):
        turns = [(echo, null, "left"), (viewer, ours, "right")]
        for page, side, button in turns if number % 2 else reversed(turns):
            page.bring_to_front()
            page.wait_for_timeout(300)
            side.latencies += dragged(page, button)
    context.close()
    return null, ours


# --- at the socket ---


@dataclass
class Reading:
    """One client in a closed loop: another window as soon as a picture has come."""

    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


async def _read(
    socket: WebSocket, instance: int, seconds: float, seq: int, null: bool
) -> tuple[int, list[float]]:
    latencies: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        seq += 1
        asked = time.perf_counter()
        if null:
            socket.send(seq.to_bytes(4, "little"), text=False)
            await socket.receive()
        else:
            voi = {"center": 40 + seq % 200, "width": 400 + seq % 301}
            place = {"seq": seq, "viewport": 0, "instance": instance, "frame": 1}
            look = {"voi": voi, "invert": False, "size": [SIDE, SIDE], "quality": "moving"}
            socket.send(json.dumps({"op": "frame", **place, **look}).encode(), text=True)
            while (await socket.receive())[:1] == b"{":
                pass
            socket.send(json.dumps({"op": "drawn", "seq": seq}).encode(), text=True)
        latencies.append((time.perf_counter() - asked) * 1000)
    return seq, latencies


async def clients(
    port: int, path: str, cookie: str, instances: list[int], seconds: float, null: bool
) -> Reading:
    sockets = [await WebSocket.open(port, path, cookie) for _ in range(CLIENTS)]
    await asyncio.sleep(0.2)
    runs = [
        _read(socket, instance, seconds, 0, null) for socket, instance in zip(sockets, instances, strict=True)
    ]
    results = await asyncio.gather(*runs)
    for socket in sockets:
        await socket.close()
    return Reading(
        [len(found) / seconds for _, found in results], [value for _, found in results for value in found]
    )


def at_the_socket(site: Site, study_id: int, null_port: int, cookie: str) -> tuple[Reading, Reading]:
    ids = site.python(
        "from archive.models import Instance\n"
        f"print(*Instance.objects.filter(series__study_id={study_id}).values_list('pk', flat=True))"
    ).split()
    instances = [int(ids[number % len(ids)]) for number in range(CLIENTS)]
    null, ours = Reading(), Reading()
    for number in range(ROUNDS):
        turns = [(null, null_port, "/", True), (ours, site.port, f"/ws/frames/{study_id}/", False)]
        for side, port, path, empty in turns if number % 2 else reversed(turns):
            found = apart(clients(port, path, cookie, instances, SECONDS, empty))
            side.rates += found.rates
            side.latencies += found.latencies
    return null, ours


# --- together ---


def first_picture(site: Site, browser: Browser, study_id: int, side: int) -> tuple[bytes, str]:
    """A frame as the viewer gets it, for the null echo to send; and rita's cookie."""
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    log_in(page, site, "rita")
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())
    html = page.request.get(f"/studies/{study_id}/view/").text()
    instance = int(re.findall(r'"images": \[\{"id": (\d+)', html)[0])
    context.close()

    async def take() -> bytes:
        socket = await WebSocket.open(site.port, f"/ws/frames/{study_id}/", cookie)
        message = {"op": "frame", "seq": 1, "viewport": 0, "instance": instance, "frame": 1, "voi": None}
        message |= {"invert": False, "size": [side, side], "quality": "moving"}
        socket.send(json.dumps(message).encode(), text=True)
        data = (await socket.receive())[52:]
        await socket.close()
        return data

    return apart(take()), cookie


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="lightbox-bench-"))
    print("| what | null echo | viewer | distance | bar |")
    print("|---|---|---|---|---|")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        site = stack.enter_context(new_site(folder / "site"))
        playwright = stack.enter_context(sync_playwright())
        browser = _launch(playwright)
        for side, window, half, most in SIZES:
            study_id = study_make(site, f"Bench {side}", side, CLIENTS)
            picture, cookie = first_picture(site, browser, study_id, side)
            with null_site(picture) as null_port:
                null, ours = mouse_to_painted(browser, site, study_id, null_port, window)
                report_mouse(side, len(picture), null, ours, (half, most))
                if side == SIDE:
                    report_socket(*at_the_socket(site, study_id, null_port, cookie))
        browser.close()


def report_mouse(
    side: int, size: int, null: Side, ours: Side, bars: tuple[float | None, float | None]
) -> None:
    for share, bar in zip((0.5, 0.95), bars, strict=True):
        a, b = null.quantile(share), ours.quantile(share)
        name = f"mouse to painted, {side} x {side}, {size / 1024:.0f} KB, p{share * 100:.0f}"
        verdict = "" if bar is None else f"{bar:.0f} ms: {'kept' if b - a <= bar else 'MISSED'}"
        print(f"| {name} | {a:.1f} ms | {b:.1f} ms | {b - a:+.1f} ms | {verdict} |", flush=True)


def report_socket(null: Reading, ours: Reading) -> None:
    a, b = statistics.median(null.rates), min(ours.rates)
    name, verdict = f"pictures/s, slowest of {CLIENTS} at the socket", "kept" if b >= RATE else "MISSED"
    print(f"| {name} | {a:.0f} | {b:.0f} | {b / a:.2f} of it | {RATE}: {verdict} |")
    a, b = (float(np.quantile(found.latencies, 0.5)) for found in (null, ours))
    print(
        f"| asked to received, {CLIENTS} at once, p50 | {a:.1f} ms | {b:.1f} ms | {b - a:+.1f} ms | |",
        flush=True,
    )


if __name__ == "__main__":
    main()
