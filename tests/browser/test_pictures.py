"""The pictures of the README, taken of the demonstration: what a newcomer sees after `make run`.

With ``PACS_README_PICTURES=1`` they are written to ``.readme/``, else only taken.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Portal, Site, new_site

CT, WINDOW = "Chest with contrast", 3500


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with new_site(tmp_path_factory.mktemp("demonstration")) as site:
        site.python("from django.core.management import call_command\ncall_command('demo', verbosity=0)")
        yield site


def take(page: Page, name: str, tmp_path: Path) -> None:
    """A picture that is no empty page: a blank one of this size has a few kilobytes."""
    folder = ROOT / ".readme" if os.environ.get("PACS_README_PICTURES") else tmp_path
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    assert path.stat().st_size > 40_000


@pytest.mark.timeout(300)
def test_demonstration_is_worth_a_picture(portal: Portal, demonstration: Site, tmp_path: Path) -> None:
    study = demonstration.study_id(CT)
    page = portal("omar", on=demonstration)
    page.goto("/")
    expect(page.get_by_text("王小明").first).to_be_visible()
    take(page, "list", tmp_path)
    page.goto(f"/studies/{study}/")
    page.wait_for_timeout(WINDOW)
    take(page, "study", tmp_path)
    page.goto(f"/studies/{study}/view/")
    page.get_by_text("Lung").first.click()
    for _ in range(60):
        page.keyboard.press("ArrowDown")
    page.wait_for_timeout(WINDOW)
    take(page, "viewer", tmp_path)
    page.goto(f"/studies/{study}/print/")
    page.wait_for_timeout(WINDOW)
    take(page, "film", tmp_path)
