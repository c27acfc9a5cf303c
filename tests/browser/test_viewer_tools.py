"""Own windows, the magnifier, a part of a film, a prior beside the study."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from playwright.sync_api import expect
from pydicom.uid import DigitalXRayImageStorageForPresentation, generate_uid

from tests.browser.conftest import Portal, Site
from tests.browser.screens import Screen
from tests.objects import ct_slice

SIDE = 900


@pytest.fixture(scope="module")
def stripes(site: Site) -> int:
    """A radiograph without any spacing whose columns are black and white in turn: reduced, it is grey."""
    pixels = np.tile(np.array([0, 255], "<i2"), (SIDE, SIDE // 2))
    site.ingest(
        ct_slice(
            SOPClassUID=DigitalXRayImageStorageForPresentation,
            SeriesInstanceUID=generate_uid(),
            Modality="DX",
            StudyDescription="Stripes",
            PatientID="S1",
            Rows=SIDE,
            Columns=SIDE,
            PixelSpacing=None,
            WindowCenter=128,
            WindowWidth=256,
            PixelData=pixels.tobytes(),
        )
    )
    return site.study_id("Stripes")


_LOUPE_ROW = """() => {
  const canvas = document.querySelector('canvas.loupe');
  if (!canvas) return [];
  const data = canvas.getContext('2d').getImageData(canvas.width / 2 - 20, canvas.height / 2, 40, 1).data;
  return Array.from({ length: 40 }, (_, place) => data[place * 4]);
}"""


def test_the_magnifier_shows_the_pixels_as_they_are_stored(portal: Portal, stripes: int) -> None:
    page = portal()
    page.goto(f"/studies/{stripes}/view/")
    screen = Screen(page, SIDE, SIDE)
    screen.expect_corner("badge-uncalibrated", "UNCALIBRATED")
    expect(screen.corner("bar")).to_be_hidden()
    page.keyboard.press("m")
    screen.move_to(*screen.at(450, 450))
    page.mouse.down()
    page.wait_for_function(f"() => new Set(({_LOUPE_ROW})()).size === 2")
    row = page.evaluate(_LOUPE_ROW)
    assert set(row) == {0, 255}
    changes = [place for place in range(1, 40) if row[place] != row[place - 1]]
    assert {second - first for first, second in pairwise(changes)} == {2}
    page.mouse.up()
    expect(page.locator("canvas.loupe")).to_have_count(0)
    expect(page.locator("[data-mark]")).to_have_count(0)


def test_an_own_window_is_offered_until_it_is_deleted(portal: Portal, site: Site) -> None:
    page = portal()
    study = site.study_id("Chest and abdomen with contrast")
    page.goto(f"/studies/{study}/view/")
    screen = Screen(page, 128, 128)
    screen.expect_corner("window", "W 400 L 40")
    screen.drag(64, 30)
    screen.expect_corner("window", "W 500 L 87")
    page.get_by_role("button", name="Own windows").click()
    page.get_by_label("Name").fill("<i>Mine</i>")
    page.keyboard.press("Enter")
    own = page.get_by_role("button", name="<i>Mine</i>")
    expect(own).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("2")
    screen.expect_corner("window", "W 1500 L −600")
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(own).to_be_visible()
    page.keyboard.press("9")
    screen.expect_corner("window", "W 500 L 87")
    page.get_by_role("button", name="Own windows").click()
    page.get_by_role("button", name="Delete").click()
    page.keyboard.press("Escape")
    expect(own).to_have_count(0)

    # A prior beside it, newest first, with its own window and its age.
    page.keyboard.press("n")
    prior = page.locator(".viewport").nth(1)
    expect(prior.locator('[data-corner="badge-prior"]')).to_contain_text("PRIOR · 1")
    expect(prior.locator('[data-corner="place"]')).to_have_text("Image 1 / 6")
    expect(prior.locator('[data-corner="accession"]')).to_have_text("Accession A25")
    page.keyboard.press("n")
    expect(prior.locator('[data-corner="place"]')).to_have_text("Image 1 / 1")
    expect(page.locator(".viewport").nth(0).locator('[data-corner="place"]')).to_have_text("Image 1 / 24")
    page.keyboard.press("u")
    expect(prior.locator('[data-corner="place"]')).to_have_text("Image 1 / 6")
    page.keyboard.press("u")
    expect(page.locator(".viewport")).to_have_count(1)


def test_a_film_plays_from_here_to_there(portal: Portal, site: Site) -> None:
    page = portal()
    page.goto(f"/studies/{site.study_id('Heart')}/view/")
    expect(page.locator('[data-corner="place"]')).to_have_text("Frame 1 / 12")
    page.evaluate(
        """() => {
          window.seen = new Set();
          const viewport = document.querySelector('.viewport');
          viewport.addEventListener('painted', (event) => seen.add(event.detail.index));
        }"""
    )
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(",")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(".")
    slider = page.locator('.cine [data-dock="slider"]')
    expect(slider).to_have_attribute("data-range", "true")
    expect(page.locator('[data-corner="place"]')).to_have_text("Frame 6 / 12")
    page.evaluate("seen.clear()")
    page.keyboard.press("Space")
    page.wait_for_function("() => seen.size === 4")
    page.wait_for_timeout(300)
    assert page.evaluate("[...seen].sort((one, other) => one - other)") == [2, 3, 4, 5]
    page.keyboard.press("Space")
