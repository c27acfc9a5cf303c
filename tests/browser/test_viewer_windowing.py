"""A window that is dragged: exact at once on a short line, usable on a long one."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocket, expect
from pydicom.uid import generate_uid

from tests.browser.conftest import Portal, Site
from tests.browser.screens import Screen
from tests.browser.slow_line import slow_line
from tests.objects import ct_slice

SIDE = 256


@pytest.fixture(scope="module")
def ramp(site: Site) -> int:
    """Stored value = column: with centre 128 and width 256 the grey is that value."""
    study, series = generate_uid(), generate_uid()
    for number in (1, 2):
        pixels = np.tile(np.arange(SIDE), (SIDE, 1)).astype("<i2")
        site.ingest(
            ct_slice(
                StudyInstanceUID=study,
                SeriesInstanceUID=series,
                StudyDescription="To window",
                InstanceNumber=number,
                ImagePositionPatient=[0, 0, -5 * number],
                Rows=SIDE,
                Columns=SIDE,
                WindowCenter=128,
                WindowWidth=256,
                PixelData=pixels.tobytes(),
            )
        )
    return site.study_id("To window")


class Wishes:
    """What a page asks its frame socket for."""

    def __init__(self, page: Page) -> None:
        self.asked: list[dict[str, Any]] = []
        self.most_on_the_way = 0
        self._on_the_way: set[int] = set()
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, data: str | bytes) -> None:
        message = json.loads(data)
        self.asked.append(message)
        if message["op"] == "frame" and message["quality"] == "moving":
            self._on_the_way.add(message["seq"])
            self.most_on_the_way = max(self.most_on_the_way, len(self._on_the_way))

    def _received(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self._on_the_way -= set(range(int.from_bytes(data[4:8], "little") + 1))

    @property
    def qualities(self) -> Counter[str]:
        return Counter(message["quality"] for message in self.asked if message["op"] == "frame")


def dragged_until(screen: Screen, wishes: Wishes, quality: str) -> None:
    """Hold the right button and move until a picture of this quality is asked for."""
    left, top, width, height = screen.stage
    x, y = left + width / 2, top + height / 2
    screen.page.mouse.move(x, y)
    screen.page.mouse.down(button="right")
    for step in range(400):
        screen.page.mouse.move(x + 1 + step % 7, y)
        if wishes.qualities[quality]:
            break
        screen.page.wait_for_timeout(20)
    assert wishes.qualities[quality]
    screen.page.mouse.move(x + 40, y + 20)


def greys(center: float, width: float) -> dict[tuple[float, float], float]:
    """PS3.3 C.11.2.1.2.1, to the whole grey."""
    columns = (3, 50, 101, 177, 240)
    value = {column: ((column - center + 0.5) / (width - 1) + 0.5) * 255 for column in columns}
    return {(column, 128): float(np.clip(np.rint(grey), 0, 255)) for column, grey in value.items()}


def test_while_the_window_is_dragged_the_image_is_exact(portal: Portal, ramp: int) -> None:
    page = portal()
    wishes = Wishes(page)
    page.goto(f"/studies/{ramp}/view/")
    screen = Screen(page, SIDE, SIDE)
    stream = page.locator('[data-dock="stream"]')
    expect(stream).to_have_text(" · as stored")
    page.keyboard.press("Shift+Digit0")  # pixel for pixel: nothing is smoothed
    _, _, width, height = screen.stage
    places = [width / 2 - SIDE / 2 + column + 0.5 for column, _ in greys(128, 256)]

    def expect_exactly(center: float, width: float) -> None:
        expected = greys(center, width).values()
        screen.expect_at(
            [(x, height / 2, grey) for x, grey in zip(places, expected, strict=True)], tolerance=0
        )

    expect_exactly(128, 256)

    dragged_until(screen, wishes, "table")
    screen.expect_corner("window", "W 296 L 148")
    expect_exactly(148, 296)
    expect(stream).to_have_text(" · as stored")

    # Let go, it stays: there is nothing better to fetch. The next image is another matter.
    settled = wishes.qualities["settled"]
    page.mouse.up(button="right")
    page.wait_for_timeout(400)
    assert wishes.qualities["settled"] == settled
    page.keyboard.press("ArrowDown")
    screen.expect_corner("place", "Image 2 / 2")
    expect_exactly(148, 296)
    wishes.asked.clear()
    dragged_until(screen, wishes, "table")
    page.mouse.up(button="right")


def test_colour_is_dragged_as_pictures(portal: Portal, site: Site) -> None:
    page = portal()
    wishes = Wishes(page)
    page.goto(f"/studies/{site.study_id('Heart')}/view/")
    screen = Screen(page, 96, 96)
    expect(page.locator('[data-dock="stream"]')).to_have_text(" · as stored")
    dragged_until(screen, wishes, "moving")
    page.mouse.up(button="right")
    screen.expect_corner("window", "W 296 L 148")
    assert wishes.qualities["steps"] == 1  # asked for once, refused, and not again


def test_on_a_long_line_pictures_follow_each_other_on_the_way(portal: Portal, site: Site, ramp: int) -> None:
    """120 ms there and back: one picture at a time would be eight a second."""
    with slow_line(site.port, 0.06) as port:
        page = portal()
        wishes = Wishes(page)
        page.goto(f"http://127.0.0.1:{port}/studies/{ramp}/view/")
        screen = Screen(page, SIDE, SIDE)
        stream = page.locator('[data-dock="stream"]')
        expect(stream).to_have_text(" · as stored")
        left, top, width, height = screen.stage
        x, y = left + width / 2, top + height / 2
        page.mouse.move(x, y)
        page.mouse.down(button="right")
        for step in range(80):
            page.mouse.move(x + 1 + step % 7, y)
            page.wait_for_timeout(10)
        page.mouse.move(x + 40, y + 20)
        page.mouse.up(button="right")
        screen.expect_corner("window", "W 296 L 148")
        screen.expect_greys(greys(148, 296), tolerance=1)
        expect(stream).to_have_text(" · as stored")  # lossless on settle
    assert wishes.most_on_the_way > 2
    assert wishes.qualities["steps"] == 0  # they would take longer than they save
    page.goto("about:blank")
