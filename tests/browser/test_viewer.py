"""Looking at images: every tool with real mouse and keys, judged by what is painted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from pydicom.uid import generate_uid

from tests.browser.conftest import Portal, Site
from tests.browser.screens import Screen
from tests.objects import ct_slice

SIDE = 256
SLICES = 10


def ramp(number: int) -> bytes:
    """Stored value = column + 10 * (number - 1): with centre 128, width 256 the grey is that value."""
    return (np.tile(np.arange(SIDE), (SIDE, 1)) + 10 * (number - 1)).astype("<i2").tobytes()


@pytest.fixture(scope="module")
def ramps(site: Site) -> int:
    """A study with a CT stack of ten ramps, 1 mm pixels."""
    study, series = generate_uid(), generate_uid()
    site.ingest(
        *[
            ct_slice(
                StudyInstanceUID=study,
                SeriesInstanceUID=series,
                PatientName="Ramp^Rosa",
                PatientID="R1",
                StudyDescription="Ramps",
                InstanceNumber=number,
                ImagePositionPatient=[0, 0, -5 * number],
                SliceThickness=5,
                SliceLocation=-5 * number,
                Rows=SIDE,
                Columns=SIDE,
                PixelSpacing=[1, 1],
                WindowCenter=128,
                WindowWidth=256,
                PixelData=ramp(number),
            )
            for number in range(1, SLICES + 1)
        ]
    )
    return site.study_id("Ramps")


@pytest.fixture
def screen(portal: Portal, ramps: int) -> Screen:
    return opened(portal, ramps)


def opened(portal: Portal, study_id: int, size: int = SIDE, **who: Any) -> Screen:
    page = portal(**who)
    page.goto(f"/studies/{study_id}/view/")
    return Screen(page, size, size)


def greys(
    function: Callable[[int], float], columns: tuple[int, ...] = (20, 100, 180, 236)
) -> dict[Any, float]:
    return {(column, 128): min(255, max(0, function(column))) for column in columns}


def test_the_first_image_is_painted_as_stored(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    expect(screen.page.locator('[data-dock="stream"]')).to_have_text(" · as stored")
    _, _, width, height = screen.stage
    assert (width, height) == (1184, 670)
    screen.expect_at([(100, 335, 0), (1100, 335, 0)])  # beside the image


def test_a_drag_to_the_right_widens_the_window(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.drag(128, 0)
    screen.expect_corner("window", "W 384 L 128")
    screen.expect_greys(greys(lambda column: (column - 127.5) / 383 * 255 + 127.5))


def test_a_drag_down_raises_the_level(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.drag(0, 60)
    screen.expect_corner("window", "W 256 L 188")
    screen.expect_greys(greys(lambda column: column - 60))


def test_the_right_button_is_window_whatever_the_tool(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.page.keyboard.press("h")
    screen.drag(0, -40, button="right")
    screen.expect_corner("window", "W 256 L 88")
    screen.expect_greys(greys(lambda column: column + 40))


@pytest.mark.parametrize(
    ("key", "name", "window"),
    [("1", "soft-tissue", "W 400 L 40"), ("2", "lung", "W 1500 L −600"), ("3", "bone", "W 1800 L 400")],
)
def test_number_keys_are_presets(screen: Screen, key: str, name: str, window: str) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.page.keyboard.press(key)
    screen.expect_corner("window", window)
    width, center = (float(part) for part in re.findall(r"[−-]?\d+", window.replace("−", "-")))
    screen.expect_greys(greys(lambda column: (column - (center - 0.5)) / (width - 1) * 255 + 127.5))
    expect(screen.page.locator(f'[data-preset="{name}"]')).to_have_attribute("aria-pressed", "true")


def test_a_preset_is_a_button_too_and_auto_shows_the_full_range(screen: Screen) -> None:
    screen.page.get_by_role("button", name="Lung").click()
    screen.expect_corner("window", "W 1500 L −600")
    screen.page.get_by_role("button", name="Auto").click()
    screen.expect_greys(greys(lambda column: column))  # the values are 0 to 255


def test_the_wheel_scrolls_through_the_stack(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.wheel(3)
    screen.expect_corner("place", "Image 4 / 10")
    screen.expect_corner("slice", "Slice 5 mm at −20")
    screen.expect_greys(greys(lambda column: column + 30))
    screen.wheel(-2)
    screen.expect_corner("place", "Image 2 / 10")
    screen.expect_greys(greys(lambda column: column + 10))


@pytest.mark.parametrize(
    ("keys", "number"),
    [
        (["ArrowDown"], 2),
        (["ArrowDown", "ArrowDown", "ArrowUp"], 2),
        (["End"], 10),
        (["PageDown"], 10),
        (["End", "Home"], 1),
        (["ArrowUp"], 1),
    ],
)
def test_keys_scroll(screen: Screen, keys: list[str], number: int) -> None:
    screen.expect_greys(greys(lambda column: column))
    for key in keys:
        screen.page.keyboard.press(key)
    screen.expect_corner("place", f"Image {number} / 10")
    screen.expect_greys(greys(lambda column: column + 10 * (number - 1)))


def test_the_scroll_tool_drags_through_the_stack(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.page.keyboard.press("s")
    screen.drag(0, 60)
    screen.expect_corner("place", "Image 4 / 10")
    screen.expect_greys(greys(lambda column: column + 30))


def test_the_slider_scrolls(screen: Screen) -> None:
    slider = screen.page.locator('.dock [data-dock="slider"]')
    slider.fill("7")
    screen.expect_corner("place", "Image 7 / 10")
    screen.expect_greys(greys(lambda column: column + 60))


def test_a_window_stays_while_scrolling(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.drag(0, 60)
    screen.wheel(2)
    screen.expect_corner("window", "W 256 L 188")
    screen.expect_greys(greys(lambda column: column + 20 - 60))


def test_invert_turns_the_greys_round_and_back(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.page.keyboard.press("i")
    screen.expect_greys(greys(lambda column: 255 - column))
    expect(screen.page.get_by_role("button", name="Invert")).to_have_attribute("aria-pressed", "true")
    screen.page.keyboard.press("i")
    screen.expect_greys(greys(lambda column: column))


def test_zooming_keeps_the_point_under_the_pointer(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    x, y = screen.at(180, 60)
    screen.page.keyboard.press("z")
    screen.drag(0, -150, start=(x, y))  # e times as large
    step = screen.scale * np.e
    screen.expect_at([(x, y, 180), (x - 20 * step, y, 160), (x + 30 * step, y, 210)])
    screen.expect_corner("zoom", f"zoom {screen.scale * np.e:.2f}×")


def test_ctrl_and_wheel_zoom_at_the_pointer(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    x, y = screen.at(60, 128)
    screen.move_to(x, y)
    screen.page.keyboard.down("Control")
    screen.page.mouse.wheel(0, -400)
    screen.page.keyboard.up("Control")
    step = screen.scale * np.e
    screen.expect_at([(x, y, 60), (x + 40 * step, y, 100)])


def test_panning_moves_the_image(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.page.keyboard.press("h")
    screen.drag(100, 0)
    x, y = screen.at(100, 128)
    screen.expect_at([(x + 100, y, 100), (x, y, 100 - 100 / screen.scale)])
    screen.drag(0, 50, button="middle")
    screen.expect_at([(x + 100, 20, 0)])


def test_one_to_one_fit_and_reset(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.page.keyboard.press("Shift+0")
    _, _, width, height = screen.stage
    left = width / 2 - SIDE / 2
    screen.expect_corner("zoom", "zoom 1×")
    screen.expect_at([(left + column, height / 2, column) for column in (0, 17, 100, 255)], tolerance=0)
    screen.page.keyboard.press("0")
    screen.expect_greys(greys(lambda column: column))
    screen.page.keyboard.press("2")
    screen.page.keyboard.press("i")
    screen.page.keyboard.press("Shift+0")
    screen.page.keyboard.press("x")
    screen.expect_corner("window", "W 256 L 128")
    screen.expect_greys(greys(lambda column: column))


def test_a_held_key_borrows_the_tool(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.page.keyboard.down("h")
    expect(screen.page.locator('button[data-tool="pan"]')).to_have_attribute("aria-pressed", "true")
    screen.drag(80, 0)
    screen.page.keyboard.up("h")
    expect(screen.page.locator('button[data-tool="window"]')).to_have_attribute("aria-pressed", "true")
    screen.page.keyboard.press("h")  # tapped: it stays
    expect(screen.page.locator('button[data-tool="pan"]')).to_have_attribute("aria-pressed", "true")


def test_letters_scale_and_facts_lie_on_the_image(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    for side, letter in {"left": "R", "right": "L", "top": "A", "bottom": "P"}.items():
        screen.expect_corner(f"letter-{side}", letter)
    screen.expect_corner("bar-length", "10 cm")
    bar = screen.corner("bar").bounding_box()
    assert bar is not None
    assert abs(bar["width"] - 100 * screen.scale) < 1  # 1 mm pixels
    screen.expect_corner("series", "Series 2 · Soft 5.0")
    expect(screen.page.locator(".top-left")).to_contain_text("Ramp, Rosa")
    expect(screen.page.locator(".top-left")).to_contain_text("Accession A1")
    screen.page.keyboard.press("o")
    expect(screen.page.locator(".top-left .names")).to_be_hidden()
    screen.page.keyboard.press("o")
    expect(screen.page.locator(".top-left .names")).to_be_visible()


def test_the_value_under_the_pointer(screen: Screen) -> None:
    screen.expect_greys(greys(lambda column: column))
    screen.wheel(1)
    screen.expect_corner("place", "Image 2 / 10")
    screen.move_to(*screen.at(40, 7))
    expect(screen.corner("value")).to_have_text(re.compile(r"^50( HU)? at 40, 7$"))


def test_the_print_link_carries_what_is_on_the_screen(portal: Portal, ramps: int) -> None:
    screen = opened(portal, ramps, person="omar")
    screen.expect_greys(greys(lambda column: column))
    link = screen.page.locator("#print")
    if link.count() == 0:
        pytest.fail("an operator prints from the viewer")
    screen.page.keyboard.press("2")
    screen.wheel(1)
    screen.expect_corner("place", "Image 2 / 10")
    expect(link).to_have_attribute(
        "href",
        re.compile(rf"/studies/{ramps}/print/\?instance=\d+&frame=1&center=-600&width=1500$"),
    )


def test_the_keys_dialog_opens_on_a_question_mark_and_closes(screen: Screen) -> None:
    screen.page.keyboard.press("?")
    expect(screen.page.get_by_role("dialog")).to_be_visible()
    screen.page.keyboard.press("ArrowDown")
    screen.page.keyboard.press("Escape")
    expect(screen.page.get_by_role("dialog")).to_be_hidden()
    screen.expect_corner("place", "Image 1 / 10")


def test_escape_leads_back_to_the_study(screen: Screen, ramps: int) -> None:
    screen.page.keyboard.press("Escape")
    screen.page.wait_for_url(f"**/studies/{ramps}/")


def test_series_are_chosen_in_the_strip_and_by_arrows(portal: Portal, site: Site) -> None:
    page = portal()
    page.goto(f"/studies/{site.study_id('Chest and abdomen with contrast')}/view/")
    place = page.locator('[data-corner="place"]')
    expect(place).to_have_text("Image 1 / 24")
    page.keyboard.press("ArrowRight")
    expect(place).to_have_text("Image 1 / 8")
    expect(page.locator(".thumb").nth(1)).to_have_attribute("aria-current", "true")
    page.locator(".thumb").nth(0).click()
    expect(place).to_have_text("Image 1 / 24")
    report = page.locator(".thumb").nth(2)  # no picture: a page of its own
    expect(report).to_have_class("thumb paper")
    assert re.fullmatch(r"/instances/\d+/", report.get_attribute("href") or "")
    expect(page.locator(".thumb")).to_have_count(3)


def test_a_link_begins_at_its_series(portal: Portal, site: Site) -> None:
    page = portal()
    study = site.study_id("Chest and abdomen with contrast")
    page.goto(f"/studies/{study}/")
    page.locator("a.tile").nth(1).click()
    page.wait_for_url(f"**/studies/{study}/view/?series=*")
    expect(page.locator('[data-corner="place"]')).to_have_text("Image 1 / 8")


def tampered(page: Page) -> bool:
    return bool(
        page.evaluate("document.querySelectorAll('img[src=x], script:not([src]):not([type])').length")
    )


def test_markup_in_names_is_text(portal: Portal, site: Site) -> None:
    from tests.browser.furnish import MARKUP

    page = portal()
    page.on("dialog", lambda dialog: pytest.fail(f"a name ran as a script: {dialog.message}"))
    page.goto(f"/studies/{site.study_id(f'{MARKUP} <b>bold</b>')}/view/")
    expect(page.locator('[data-corner="place"]')).to_have_text("Image 1 / 1")
    expect(page.locator(".top-left")).to_contain_text("<script>alert(2)</script>")
    expect(page.locator(".what")).to_contain_text("<b>bold</b>")
    assert not tampered(page)
