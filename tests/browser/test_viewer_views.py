"""Saved views and key images: applied, saved, starred and filtered, seen in painted pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pydicom.uid import generate_uid

from tests.browser.conftest import Portal, Site
from tests.browser.screens import Screen
from tests.browser.shape import small_targets, violations
from tests.objects import ct_slice, item, presentation_state, referenced

HOSTILE = "<img src=x onerror=alert(1)>"
SIDE = 32


@pytest.fixture(scope="module")
def sliced(site: Site) -> int:
    """Three slices, left half 20, 60, 100, right 200; of slice 2 a state: turned, inverse, drawn over."""
    study = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    slices = []
    for number in (1, 2, 3):
        pixels = np.full((SIDE, SIDE), 200, "<i2")
        pixels[:, : SIDE // 2] = 40 * number - 20
        slices.append(
            ct_slice(
                **study,
                PatientID="V1",
                StudyDescription="Views",
                InstanceNumber=number,
                ImagePositionPatient=[0, 0, number],
                Rows=SIDE,
                Columns=SIDE,
                PixelSpacing=[1, 1],
                WindowCenter=128,
                WindowWidth=256,
                PixelData=pixels.tobytes(),
            )
        )
    square = item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=5,
        GraphicData=[4.0, 4.0, 8.0, 4.0, 8.0, 8.0, 4.0, 8.0, 4.0, 4.0],
        GraphicType="POLYLINE",
        GraphicFilled="Y",
    )
    words = item(UnformattedTextValue=HOSTILE, AnchorPointAnnotationUnits="PIXEL", AnchorPoint=[20.0, 20.0])
    state = presentation_state(
        slices[1],
        ContentDescription=HOSTILE,
        SoftcopyVOILUTSequence=[
            item(WindowCenter=128, WindowWidth=256, ReferencedImageSequence=[referenced(slices[1])])
        ],
        PresentationLUTShape="INVERSE",
        ImageRotation=90,
        ImageHorizontalFlip="N",
        GraphicAnnotationSequence=[
            item(GraphicLayer="A", GraphicObjectSequence=[square], TextObjectSequence=[words])
        ],
        GraphicLayerSequence=[
            item(GraphicLayer="A", GraphicLayerOrder=1, GraphicLayerRecommendedDisplayGrayscaleValue=0xFFFF)
        ],
    )
    state.SpecificCharacterSet = "ISO_IR 192"
    site.ingest(*slices, state)
    return site.study_id("Views")


def row(page: Page, words: str) -> None:
    """Open the dialog by its key and press a row with the mouse."""
    page.keyboard.press("v")
    page.locator("#views .view-row", has_text=words).first.click()
    expect(page.locator("#views")).not_to_be_visible()


def on_screen(page: Page, screen: Screen, column: float, row_: float) -> tuple[int, ...]:
    """What a person sees there: canvas and what is drawn over it."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    left, top, _, _ = screen.stage
    x, y = screen.at(column, row_)
    return tuple(shot.getpixel((round(left + x), round(top + y))))  # type: ignore[arg-type]


def test_views_and_key_images_from_first_to_last(portal: Portal, sliced: int) -> None:
    page = portal()
    page.goto(f"/studies/{sliced}/view/")
    screen = Screen(page, SIDE, SIDE)
    screen.expect_greys({(8, 16): 20, (24, 16): 200})
    badge = page.locator('[data-views="badge-state"]')
    expect(badge).to_be_hidden()

    # A state of slice 2: go there, turn it, black is white.
    row(page, HOSTILE)
    screen.expect_greys({(16, 8): 255 - 60, (16, 24): 255 - 200})
    expect(badge).to_have_text(f"VIEW {HOSTILE}")
    expect(page.locator("svg.marks text")).to_have_text(HOSTILE)
    assert page.locator("svg.marks img, svg.marks script, #views img").count() == 0
    # The square, 4 to 8 in rows and columns, lies in the upper right after a quarter turn.
    assert min(on_screen(page, screen, SIDE - 1 - 6, 6)) > 250
    assert on_screen(page, screen, 6, 6)[0] == pytest.approx(255 - 60, abs=3)

    # The next slice is none of the state's: its own greys, no drawing, no mark; back it is.
    page.keyboard.press("ArrowDown")
    screen.expect_greys({(16, 8): 100, (16, 24): 200})
    expect(badge).to_be_hidden()
    assert page.locator("svg.marks polyline").count() == 0
    page.keyboard.press("ArrowUp")
    screen.expect_greys({(16, 8): 255 - 60, (16, 24): 255 - 200})
    row(page, "None")
    screen.expect_greys({(8, 16): 60, (24, 16): 200})

    # What is on the screen, saved and come back: window by the mouse, inverted, turned by keys.
    screen.drag(120, 0, button="right")
    page.keyboard.press("]")
    page.keyboard.press("i")
    window = page.locator('[data-corner="window"]')
    expect(window).to_have_text("W 376 L 128")
    # ((60 - 127.5) / 375 + 0.5) * 255 = 81.6 and 176.8, turned round.
    greys = {(16, 8): 255 - 82, (16, 24): 255 - 177}
    screen.expect_greys(greys, tolerance=1)
    expect(page.locator('[data-dock="stream"]')).to_have_text(" · as stored")
    page.keyboard.press("l")
    screen.drag(0, 120, start=screen.at(10, 10))
    expect(page.locator('[data-marks="own"]')).to_contain_text("L1 · 5.7 mm")
    page.keyboard.press("v")
    page.locator("#view-name").fill("我的视图 1")
    page.locator('[data-views="save"] [type=submit]').click()
    expect(page.locator('[data-views="said"]')).to_have_text("The view is saved in the study.")
    assert violations(page) == []
    assert small_targets(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    screen.expect_greys({(8, 16): 60, (24, 16): 200})
    row(page, "我的视图 1")
    expect(window).to_have_text("W 376 L 128")
    screen.expect_greys(greys, tolerance=1)
    expect(page.locator('[data-marks="presentation"]')).to_contain_text("L1 · 5.7 mm")
    page.keyboard.press("x")

    # Stars on slices 3 and 1, scrolled by them, kept as a selection.
    page.keyboard.press("End")
    screen.expect_greys({(8, 16): 100})
    star = page.locator('[data-do="star"]')
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Home")
    screen.expect_greys({(8, 16): 20})
    expect(star).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("k")
    expect(page.locator('[data-views="badge-star"]')).to_have_text("★")
    row(page, "Starred")
    expect(page.locator('[data-corner="place"]')).to_have_text("Image 1 / 2")
    screen.wheel(1)
    screen.expect_greys({(8, 16): 100})
    page.keyboard.press("v")
    page.locator('[data-views="select"] [name=description]').fill("两个")
    page.locator('[data-views="select"] [type=submit]').click()
    expect(page.locator("#views .view-row", has_text="Of interest: 两个")).to_contain_text("2 images")
    page.keyboard.press("Escape")
    row(page, "All images")
    expect(page.locator('[data-corner="place"]')).to_have_text("Image 3 / 3")
    page.reload()
    screen.expect_greys({(8, 16): 20})
    expect(star).to_have_attribute("aria-pressed", "true")
