"""Whether the viewer keeps up: a window over a radiograph, long stacks, stacks nobody has looked at yet.

The limits are rates of pictures painted under real events of mouse and keys, and the time the server takes
for the first picture of a study. Each study is new to the site, so no cache knows it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from playwright.sync_api import Page, sync_playwright
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, generate_uid

from tests.bench.viewer import RECORD, apart, dragged, noisy
from tests.bench.websocket import WebSocket
from tests.browser.conftest import Site, _launch, log_in, new_site
from tests.objects import ct_slice, part10

SIDE = 512
LONG, SHORT = 500, 150
RATE = 60.0
COLD_RATE = 30.0
FIRST_MS = 150.0
STALL_MS = 100.0  # six frames of the screen
WATCH = """() => {
  window.painted = [];
  document.querySelector('.viewport').addEventListener('painted', ({ detail }) => {
    window.painted.push([performance.now(), detail.index]);
  });
}"""


@dataclass
class Scroll:
    """Images asked for and painted a second, from the first second on, and the longest time without one."""

    asked: float
    rate: float
    gap_ms: float


def jpeg_2000(values: np.ndarray) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k"))


def jpeg_lossless(values: np.ndarray) -> bytes:
    return bytes(imagecodecs.ljpeg_encode(values, bitspersample=16))


def body_of(seed: int) -> np.ndarray:
    """A noisy body in 12 bits, unsigned."""
    values = np.frombuffer(noisy(SIDE, seed), "<i2").reshape(SIDE, SIDE)
    return np.clip(values.astype(int) + 1024, 0, 4095).astype("<u2")


def stack_make(site: Site, description: str, count: int, encode: Callable[[np.ndarray], bytes] | None) -> int:
    """A CT stack; encoded ones hold a few different slices over and over."""
    syntax = ExplicitVRLittleEndian
    if encode is not None:
        syntax = JPEG2000Lossless if encode is jpeg_2000 else JPEGLosslessSV1
    bodies = [body_of(seed) for seed in range(8)]
    pixels = [body.tobytes() if encode is None else encapsulate([encode(body)]) for body in bodies]
    shared = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    folder = site.data_dir / "bench"
    folder.mkdir(exist_ok=True)
    for number in range(1, count + 1):
        ds = ct_slice(
            **shared,
            StudyDescription=description,
            InstanceNumber=number,
            ImagePositionPatient=[0, 0, -number],
            Rows=SIDE,
            Columns=SIDE,
            PixelRepresentation=0,
            RescaleIntercept=-1024,
            PixelData=pixels[number % len(pixels)],
        )
        (folder / f"{number:04}.dcm").write_bytes(part10(ds, syntax))
    site.run("manage.py", "importdicom", str(folder))
    shutil.rmtree(folder)
    return site.study_id(description)


def radiograph_make(site: Site) -> int:
    noise = np.random.default_rng(1).normal(2048, 300, (2560, 2048)).clip(0, 4095).astype("<u2")
    site.ingest(
        ct_slice(
            StudyDescription="Radiograph",
            Modality="CR",
            Rows=2560,
            Columns=2048,
            PixelRepresentation=0,
            RescaleIntercept=0,
            WindowCenter=2048,
            WindowWidth=2000,
            PixelData=noise.tobytes(),
        )
    )
    return site.study_id("Radiograph")


def opened(page: Page, study_id: int) -> None:
    page.goto(f"/studies/{study_id}/view/")
    page.locator('[data-dock="stream"]', has_text="as stored").wait_for()
    page.evaluate(WATCH)
    page.evaluate(RECORD)


def scrolled(page: Page, study_id: int, count: int, rate: float) -> Scroll:
    """An arrow key held down that repeats ``rate`` times a second, once through the stack.

    (Chromium's driver turns a wheel 30 times a second at most.)
    """
    opened(page, study_id)
    page.locator(".viewport").focus()
    began = time.perf_counter()
    for step in range(1, count):
        page.keyboard.down("ArrowDown")
        time.sleep(max(0.0, began + step / rate - time.perf_counter()))
    asked = (count - 1) / (time.perf_counter() - began)
    page.keyboard.up("ArrowDown")
    page.wait_for_timeout(500)
    seen: list[tuple[float, int]] = [(at, index) for at, index in page.evaluate("window.painted")]
    first: dict[int, float] = {}
    for at, index in seen:
        first.setdefault(index, at)
    times = sorted(first.values())
    late = [at for at in times if at >= times[0] + 1000]
    return Scroll(asked, 1000 * (len(late) - 1) / (late[-1] - late[0]), max(b - a for a, b in pairwise(late)))


def first_image_ms(site: Site, page: Page, study_id: int) -> float:
    """The server's time for a study's first picture, all caches empty but for the files'."""
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
    ids = site.python(
        "from archive.models import Instance\n"
        f"print(Instance.objects.filter(series__study_id={study_id}).order_by('instance_number').first().pk)"
    )

    async def ask() -> float:
        socket = await WebSocket.open(site.port, f"/ws/frames/{study_id}/", cookie)
        place: dict[str, Any] = {"op": "frame", "seq": 1, "viewport": 0, "instance": int(ids), "frame": 1}
        look = {"voi": None, "invert": False, "size": [SIDE, SIDE], "quality": "moving"}
        began = time.perf_counter()
        socket.send(json.dumps(place | look).encode(), text=True)
        await socket.receive()
        taken = (time.perf_counter() - began) * 1000
        await socket.close()
        await asyncio.sleep(0)
        return taken

    return apart(ask())


def row(name: str, value: str, limit: str, kept: bool) -> None:
    print(f"| {name} | {value} | {limit} | {'kept' if kept else 'MISSED'} |", flush=True)


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="lightbox-bench-"))
    print("| what | measured | limit | |")
    print("|---|---|---|---|")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        site = stack.enter_context(new_site(folder / "site"))
        browser = _launch(stack.enter_context(sync_playwright()))
        page = browser.new_context(viewport={"width": 1400, "height": 1122}, base_url=site.url).new_page()
        log_in(page, site, "rita")
        report_first(site, page)
        opened(page, radiograph_make(site))
        rate = len(dragged(page, "right", 6.0)) / 6.0
        row("window over a CR of 2048 x 2560, painted/s", f"{rate:.0f}", f"{RATE:.0f}", rate >= RATE)
        for name, encode, count, rate in (
            ("native", None, LONG, RATE),
            ("JPEG 2000", jpeg_2000, SHORT, COLD_RATE),
            ("JPEG lossless", jpeg_lossless, SHORT, COLD_RATE),
        ):
            found = scrolled(page, stack_make(site, f"{name} stack", count, encode), count, rate * 1.03)
            title = f"scroll through {count} cold slices, {name}"
            measured, limit = f"{found.rate:.1f} of {found.asked:.1f} asked for", f"{rate:.0f}"
            row(f"{title}, images/s", measured, limit, round(found.rate) >= rate)
            row(
                f"{title}, longest gap",
                f"{found.gap_ms:.0f} ms",
                f"{STALL_MS:.0f} ms",
                found.gap_ms <= STALL_MS,
            )
        browser.close()


def report_first(site: Site, page: Page) -> None:
    for name, encode in (("native", None), ("JPEG 2000", jpeg_2000), ("JPEG lossless", jpeg_lossless)):
        taken = first_image_ms(site, page, stack_make(site, f"First {name}", 3, encode))
        row(
            f"first image of a cold study, {name}", f"{taken:.0f} ms", f"{FIRST_MS:.0f} ms", taken <= FIRST_MS
        )


if __name__ == "__main__":
    main()
