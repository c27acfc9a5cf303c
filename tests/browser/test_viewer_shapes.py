"""How frames of odd shapes and sizes lie on the screen, and the sums behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from pydicom.uid import DigitalXRayImageStorageForPresentation

from tests.browser.conftest import Portal, Site
from tests.browser.screens import Screen
from tests.objects import ct_slice


@pytest.fixture(scope="module")
def oblong(site: Site) -> int:
    """64 columns of 1 mm, 32 rows of 2 mm: square in life. Stored value = 4 * column."""
    pixels = np.tile(4 * np.arange(64), (32, 1)).astype("<i2")
    site.ingest(
        ct_slice(
            PatientID="S1",
            StudyDescription="Oblong",
            Rows=32,
            Columns=64,
            PixelSpacing=[2, 1],
            WindowCenter=128,
            WindowWidth=256,
            PixelData=pixels.tobytes(),
        )
    )
    return site.study_id("Oblong")


def test_oblong_pixels_are_shown_in_their_shape(portal: Portal, oblong: int) -> None:
    page = portal()
    page.goto(f"/studies/{oblong}/view/")
    screen = Screen(page, 32, 32)  # two columns side by side make one square pixel
    screen.expect_greys({(4, 16): 4 * 8.5, (20, 16): 4 * 40.5, (28, 3): 4 * 56.5})
    x, y = screen.at(0, 16)
    screen.expect_at([(x - screen.scale, y, 0)])
    bar = screen.corner("bar").bounding_box()
    assert bar is not None
    expect(screen.corner("bar-length")).to_have_text("2 cm")
    assert abs(bar["width"] - 10 * screen.scale) < 1  # a square pixel is 2 mm


NOISE = np.random.default_rng(5).integers(0, 4096, (1200, 1500)).astype("<u2")


@pytest.fixture(scope="module")
def large(site: Site) -> int:
    """A radiograph larger than the screen, of noise: only the right pixel has the right grey."""
    site.ingest(
        ct_slice(
            SOPClassUID=DigitalXRayImageStorageForPresentation,
            PatientID="S2",
            StudyDescription="Noise",
            Modality="DX",
            PixelRepresentation=0,
            BitsStored=12,
            HighBit=11,
            Rows=1200,
            Columns=1500,
            WindowCenter=2048,
            WindowWidth=4096,
            PixelSpacing=None,
            PixelData=NOISE.tobytes(),
        )
    )
    return site.study_id("Noise")


def grey(column: int, row: int) -> float:
    return float((NOISE[row, column] - 2047.5) / 4095 * 255 + 127.5)


def test_one_to_one_shows_the_stored_pixels_of_a_large_image(portal: Portal, large: int) -> None:
    page = portal()
    page.goto(f"/studies/{large}/view/")
    screen = Screen(page, 1500, 1200)
    screen.expect_corner("zoom", "zoom 0.56×")
    expect(screen.corner("bar")).to_be_hidden()  # no spacing, so no centimetres
    page.keyboard.press("Shift+0")
    screen.expect_corner("zoom", "zoom 1×")
    _, _, width, height = screen.stage
    places = [(700, 600), (751, 611), (850, 500), (1001, 777), (400, 420)]
    screen.expect_at(
        [
            (width / 2 - 750 + column + 0.5, height / 2 - 600 + row + 0.5, grey(column, row))
            for column, row in places
        ],
        tolerance=1,
    )


def test_a_smaller_picture_is_the_mean_of_what_it_covers(portal: Portal, large: int) -> None:
    """The server averages, the page does not resample: noise of 12 bits comes out as flat grey."""
    page = portal()
    page.goto(f"/studies/{large}/view/")
    screen = Screen(page, 1500, 1200)
    expect(page.locator('[data-dock="stream"]')).to_have_text(" · as stored")
    spread = page.evaluate(
        """() => {
          const canvas = document.querySelector('.viewport canvas');
          const data = canvas.getContext('2d').getImageData(400, 200, 300, 300).data;
          const greys = Array.from({ length: 300 * 300 }, (_, place) => data[place * 4]);
          const mean = greys.reduce((sum, value) => sum + value, 0) / greys.length;
          return [mean, Math.sqrt(greys.reduce((sum, value) => sum + (value - mean) ** 2, 0) / greys.length)];
        }"""
    )
    mean, deviation = spread
    assert mean == pytest.approx(127.5, abs=2)
    single = 255 / np.sqrt(12)  # of one stored pixel
    assert deviation == pytest.approx(single * screen.scale * 0.87, rel=0.15)  # of about 3.2 pixels averaged


# --- the sums ---


@pytest.fixture
def sums(portal: Portal) -> Page:
    page = portal("")
    page.goto("/login/")
    page.evaluate(
        "async () => { window.geometry = await import('/static/js/viewer/geometry.js');"
        " window.stage = { width: 1000, height: 500, ratio: 1 }; window.full = { width: 500, height: 500 }; }"
    )
    return page


@pytest.mark.parametrize(
    ("millimetres", "scale", "bar"),
    [
        (1, 1, {"cm": 10, "pixels": 100}),
        (0.1, 1, {"cm": 2, "pixels": 200}),
        (0.01, 0.1, {"cm": 2, "pixels": 200}),
        (0.02, 1, {"cm": 1, "pixels": 500}),
        (2, 1, None),  # 10 cm would be 50 px: too short to read
        (0.005, 1, None),  # 1 cm would not fit
        (0, 1, None),
    ],
)
def test_the_scale_bar_is_round_and_readable(
    sums: Page, millimetres: float, scale: float, bar: dict[str, Any] | None
) -> None:
    assert sums.evaluate(f"geometry.scaleBar({millimetres}, {scale}, stage)") == bar


def test_a_picture_is_asked_for_as_large_as_it_is_drawn(sums: Page) -> None:
    box = "geometry.boxFor({{ zoom: {}, panX: 0, panY: 0 }}, {{ width: {}, height: {} }}, stage, {})"
    assert sums.evaluate(box.format(1, 2000, 1000, 8192)) == [1000, 500]
    assert sums.evaluate(box.format(1.5, 2000, 1000, 8192)) == [1500, 750]
    assert sums.evaluate(box.format(9, 2000, 1000, 8192)) == [2000, 1000]  # never more than there is
    assert sums.evaluate(box.format(9, 2000, 1000, 1280)) == [1280, 640]  # while moving
    assert sums.evaluate(box.format(1, 100, 100, 8192)) == [100, 100]


def test_zoom_ends_where_pixels_are_bricks_and_the_image_never_gets_lost(sums: Page) -> None:
    near = sums.evaluate("geometry.zoomed({ zoom: 1, panX: 0, panY: 0 }, full, stage, 1e9, 500, 250)")
    assert near == {"zoom": 32, "panX": 0, "panY": 0}
    far = sums.evaluate("geometry.zoomed({ zoom: 1, panX: 0, panY: 0 }, full, stage, 0, 500, 250)")
    assert far["zoom"] == 0.25
    lost = sums.evaluate("geometry.panned({ zoom: 1, panX: 0, panY: 0 }, full, stage, 1e6, -1e6)")
    place = sums.evaluate(f"geometry.placement({lost}, full, stage)")
    assert place["x"] == 1000 - 48
    assert place["y"] + place["height"] == 48


def test_the_pixel_under_the_pointer(sums: Page) -> None:
    at = (
        "geometry.applied(geometry.inverse(geometry.transform(geometry.wholeView(), full, stage,"
        " { columns: 250, rows: 500 })), %s, %s).map(Math.floor)"
    )
    assert sums.evaluate(at % (250, 0)) == [0, 0]
    assert sums.evaluate(at % (749.9, 499.9)) == [249, 499]  # pixels twice as wide as high
    assert sums.evaluate(at % (249, 10)) == [-1, 10]
