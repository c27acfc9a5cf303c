"""Named pages: no accessibility violation of level AA, targets of 40 px, nothing scrolls sideways."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Portal, Site
from tests.browser.shape import LOADED, ill_shaped, small_targets, violations

PAGES = {
    "login": ("", "/login/"),
    "locked": ("", "/login/?locked=1&next=/"),
    "list": ("omar", "/"),
    "search": ("omar", "/?q=wang+xm&m=CT&m=DX&date=range&since=2024-01-01"),
    "empty": ("omar", "/?q=nothing-like-it"),
    "study": ("omar", "/studies/{wang}/"),
    "conflict": ("omar", "/studies/{li}/"),
    "missing": ("omar", "/studies/999999/"),
    "denied": ("nil", "/"),
    "viewer": ("omar", "/studies/{wang}/view/"),
    "print": ("omar", "/studies/{wang}/print/"),
    "jobs": ("omar", "/film/jobs/"),
    "admin": ("ada", "/admin/"),
}


@pytest.fixture(scope="module")
def studies(site: Site) -> dict[str, int]:
    return {
        "wang": site.study_id("Chest and abdomen with contrast"),
        "li": site.study_id("Chest PA and lateral"),
    }


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_fits(portal: Portal, studies: dict[str, int], name: str) -> None:
    person, address = PAGES[name]
    wrong: list[str] = []
    for language, sizes in LOADED.items():
        page = portal(person, size=sizes[0], language=language)
        page.goto(address.format(**studies))
        page.wait_for_load_state("networkidle")
        wrong += [f"{language}: {line}" for line in ill_shaped(page, sizes)]
    assert wrong == []


def test_selection_dialog_and_menus_are_accessible(portal: Portal) -> None:
    page = portal("omar")
    page.goto("/")
    page.locator("tbody .pick").first.click()
    assert violations(page) == []
    assert small_targets(page) == []
    page.get_by_role("button", name="More").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator(".me").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("#keys[open]").wait_for()
    assert violations(page) == []
