"""Films, colour, frames that cannot be shown, and a line that drops."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from pydicom.uid import generate_uid

from tests.browser.conftest import Portal, Site, new_site
from tests.browser.furnish import cine
from tests.browser.screens import Screen
from tests.objects import ct_slice

SIDE = 96
RED = (200, 60, 40)


@pytest.fixture
def heart(portal: Portal, site: Site) -> Screen:
    """Twelve colour frames of 40 ms: in frame n a band from row 10 + 5 (n - 1), 14 rows high."""
    page = portal()
    page.goto(f"/studies/{site.study_id('Heart')}/view/")
    return Screen(page, SIDE, SIDE)


def band(screen: Screen, frame: int) -> list[tuple[float, float, object]]:
    top = 10 + 5 * (frame - 1)
    return [
        (*screen.at(48, top + 7), RED),
        (*screen.at(48, top - 6 if top > 12 else 60), 0),
        (*screen.at(10, top + 7), 0),
    ]


def test_colour_is_painted_as_stored(heart: Screen) -> None:
    heart.expect_at(band(heart, 1))
    heart.expect_corner("place", "Frame 1 / 12")
    heart.expect_corner("window", "")


def test_colour_has_a_window_too(heart: Screen) -> None:
    heart.expect_at(band(heart, 1))
    expect(heart.page.locator(".presets .tool")).to_have_text(["1Original", "2Brighter", "3Contrast"])
    heart.drag(0, 64, button="right")
    heart.expect_corner("window", "W 256 L 192")
    heart.expect_at([(*heart.at(48, 17), (136, 0, 0))])
    heart.page.keyboard.press("1")
    heart.expect_at(band(heart, 1))


def test_frames_are_stepped(heart: Screen) -> None:
    heart.expect_at(band(heart, 1))
    heart.page.get_by_role("button", name="One frame on").click()
    heart.expect_at(band(heart, 2))
    heart.wheel(3)
    heart.expect_at(band(heart, 5))
    heart.expect_corner("place", "Frame 5 / 12")


def test_a_film_plays_at_its_frame_time_and_stops(heart: Screen) -> None:
    heart.expect_at(band(heart, 1))
    expect(heart.page.locator('[data-dock="speed"] option:checked')).to_have_text("25 fps")  # 40 ms
    heart.page.evaluate(
        """() => {
          window.seen = [];
          document.querySelector('.viewport').addEventListener('painted', (event) =>
            window.seen.push([event.detail.index, performance.now()]));
        }"""
    )
    heart.page.keyboard.press("Space")
    heart.page.wait_for_function("() => window.seen.length > 60", timeout=20_000)
    heart.page.keyboard.press("Space")
    expect(heart.page.locator(".cine").get_by_role("button", name="Play")).to_be_visible()
    seen = heart.page.evaluate("window.seen")
    steps = [(b[0] - a[0]) % 12 for a, b in pairwise(seen)]
    frames = sum(steps)
    seconds = (seen[-1][1] - seen[0][1]) / 1000
    assert {index for index, _ in seen} == set(range(12))  # round and round
    assert frames / seconds == pytest.approx(25, rel=0.1)
    expect(heart.page.locator('[data-dock="dropped"]')).to_have_text(re.compile(r"^\d+ dropped$"))
    place = heart.corner("place").inner_text()
    number = int(re.findall(r"\d+", place)[0])
    heart.expect_at(band(heart, number))  # it stands on the frame it says
    expect(heart.page.locator('[data-dock="stream"]')).to_have_text(" · as stored")


@pytest.fixture(scope="module")
def uneven(site: Site) -> int:
    """A film whose third frame stands ten times as long as the others."""
    film = cine(StudyDescription="Uneven")
    del film.FrameTime
    film.FrameTimeVector = [0, 80, 80, 800, *[80] * 8]  # each: since the frame before
    site.ingest(film)
    return site.study_id("Uneven")


def test_a_film_of_uneven_times_stands_on_each_frame_as_long_as_it_says(portal: Portal, uneven: int) -> None:
    page = portal()
    page.goto(f"/studies/{uneven}/view/")
    screen = Screen(page, SIDE, SIDE)
    screen.expect_at(band(screen, 1))
    screen.page.evaluate(
        """() => {
          window.seen = [];
          document.querySelector('.viewport').addEventListener('painted', (event) =>
            window.seen.push([event.detail.index, performance.now()]));
        }"""
    )
    screen.page.keyboard.press("Space")
    screen.page.wait_for_function("() => window.seen.length > 30", timeout=30_000)
    screen.page.keyboard.press("Space")
    seen = screen.page.evaluate("window.seen")
    stood: dict[int, float] = {}
    for (index, began), (_, ended) in pairwise(seen):
        stood[index] = max(stood.get(index, 0), ended - began)
    assert max(stood, key=stood.__getitem__) == 2
    assert stood[2] == pytest.approx(800, rel=0.25)


def test_speed_changes_by_keys(heart: Screen) -> None:
    heart.expect_at(band(heart, 1))
    heart.page.keyboard.press("-")
    expect(heart.page.locator('[data-dock="speed"] option:checked')).to_have_text("12.5 fps")
    heart.page.keyboard.press("+")
    heart.page.keyboard.press("+")
    expect(heart.page.locator('[data-dock="speed"] option:checked')).to_have_text("37.5 fps")


@pytest.fixture(scope="module")
def broken(site: Site) -> int:
    """Three images; the pixels of the second are cut off."""
    study, series = generate_uid(), generate_uid()
    images = []
    for number in (1, 2, 3):
        data = np.full((64, 64), 60 * number, dtype="<i2").tobytes()
        images.append(
            ct_slice(
                StudyInstanceUID=study,
                SeriesInstanceUID=series,
                PatientName="Broken^Bea",
                PatientID="B1",
                StudyDescription="Broken",
                InstanceNumber=number,
                ImagePositionPatient=[0, 0, -number],
                Rows=64,
                Columns=64,
                WindowCenter=128,
                WindowWidth=256,
                PixelData=data[:1000] if number == 2 else data,
            )
        )
    site.ingest(*images)
    return site.study_id("Broken")


def test_a_frame_that_cannot_be_shown_says_why_in_its_place(portal: Portal, broken: int) -> None:
    page = portal()
    page.goto(f"/studies/{broken}/view/")
    screen = Screen(page, 64, 64)
    screen.expect_greys({(32, 32): 60})
    page.keyboard.press("ArrowDown")
    sentence = page.locator('[data-corner="refusal"]')
    expect(sentence).to_be_visible()
    assert len(sentence.inner_text()) > 20
    screen.expect_corner("place", "Image 2 / 3")
    screen.expect_greys({(32, 32): 0})  # not the pixels of a neighbour
    page.keyboard.press("ArrowDown")
    expect(sentence).to_be_hidden()
    screen.expect_greys({(32, 32): 180})


def test_a_dropped_line_comes_back_where_it_was(portal: Portal, tmp_path: Path) -> None:
    with new_site(tmp_path / "dropping") as own:
        page = portal(on=own)
        page.goto(f"{own.url}/studies/{own.study_id('Chest and abdomen with contrast')}/view/")
        place = page.locator('[data-corner="place"]')
        expect(place).to_have_text("Image 1 / 24")
        for _ in range(5):
            page.keyboard.press("ArrowDown")
        expect(place).to_have_text("Image 6 / 24")
        line = page.locator('[data-dock="line"]')
        expect(line).to_have_attribute("data-state", "open")
        own.stop()
        expect(line).to_have_attribute("data-state", "lost")
        expect(line).to_have_text("reconnecting")
        page.keyboard.press("End")  # tools stay usable
        own.start()
        expect(line).to_have_attribute("data-state", "open", timeout=15_000)
        expect(place).to_have_text("Image 24 / 24")


def test_the_session_s_end_leads_to_the_log_in(portal: Portal, site: Site) -> None:
    page = portal("omar", fresh=True)
    page.goto(f"/studies/{site.study_id('Knee')}/view/")
    expect(page.locator('[data-corner="place"]')).to_have_text("Image 1 / 1")
    site.python(
        "from django.contrib.sessions.models import Session\n"
        "key = "
        + repr(next(c["value"] for c in page.context.cookies() if c["name"].startswith("lightbox_session")))
        + "\nSession.objects.filter(pk=key).delete()"
    )
    page.wait_for_url("**/login/**", timeout=30_000)
