"""The viewer's page at both sizes and in both languages: fits, can be pressed, can be read, moves nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SIZES, Portal, Site
from tests.browser.shape import overflow, small_targets, violations

STUDIES = {"stack": "Chest and abdomen with contrast", "film": "Heart", "radiograph": "Knee"}
STAGES = {1366: (1184, 670), 1024: (862, 670)}


def opened(portal: Portal, site: Site, name: str, size: tuple[int, int], language: str = "en") -> Page:
    page = portal("omar", size=size, language=language)
    page.goto(f"/studies/{site.study_id(STUDIES[name])}/view/")
    page.locator('[data-dock="stream"]:not(:empty)').wait_for(state="attached")
    return page


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", STUDIES)
def test_the_viewer_is_accessible_and_fits(
    portal: Portal, site: Site, name: str, size: tuple[int, int], language: str
) -> None:
    page = opened(portal, site, name, size, language)
    assert overflow(page) <= 0
    assert violations(page) == []
    assert small_targets(page) == []
    box = page.locator(".viewport").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == STAGES[size[0]]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_in_bar_or_dock_is_cut_off(portal: Portal, site: Site, size: tuple[int, int]) -> None:
    page = opened(portal, site, "stack", size)
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.top > *, .dock > *, .presets > *, .tools > *')]
          .filter((element) => element.checkVisibility())
          .filter((element) => {
            const box = element.getBoundingClientRect();
            const room = element.parentElement.getBoundingClientRect();
            return box.right > room.right + 0.5 || box.bottom > room.bottom + 0.5;
          }).map((element) => element.outerHTML.slice(0, 120))"""
    )
    assert cut == []


def test_the_keys_dialog_is_accessible_and_names_what_works(portal: Portal, site: Site) -> None:
    page = opened(portal, site, "stack", SIZES[0])
    page.keyboard.press("?")
    page.locator("#keys[open]").wait_for()
    assert violations(page) == []
    assert small_targets(page) == []
    expect(page.locator("#keys")).to_contain_text("Hold a key to borrow the tool")


def test_tab_reaches_strip_image_and_tools_in_reading_order(portal: Portal, site: Site) -> None:
    page = opened(portal, site, "stack", SIZES[0])
    page.locator(".top a, .top button").first.focus()
    seen = ["top"]
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.closest('.top, .strip, .stage, .tools, .dock')?.className ?? ''"
            )
        )
    order = [place for place in dict.fromkeys(seen) if place]
    assert order[:5] == ["top", "strip", "stage", "tools", "dock"]
