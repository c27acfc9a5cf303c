"""A film from the browser: composed, previewed, printed to DCMTK's printer, followed to its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from dicomnet.film.compose import bitmap_digest
from tests.browser.conftest import ROOT, Portal, Site
from tests.browser.shape import LOADED, ill_shaped, overflow, small_targets, violations
from tests.wire.printers import dcmprscp, films_of

STUDY = "Chest and abdomen with contrast"
PICTURES = os.environ.get("PACS_TEST_PICTURES", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("printer")


@pytest.fixture(scope="module")
def study(site: Site, folder: Path) -> Iterator[int]:
    """The study, with DCMTK's printer registered and running, and one that nobody answers for."""
    with dcmprscp(folder) as port:
        site.python(
            "from dicomnet.models import Printer\n"
            "grids = {'8INX10IN': [1600, 2000], '14INX17IN': [1736, 2120]}\n"
            "media = ['BLUE FILM', 'PAPER']\n"
            f"Printer.objects.create(name='FILM_5F', ae_title='FILM', host='127.0.0.1', port={port},"
            " description='dry imager, 5th floor', bits=12, film_grids=grids, media=media,"
            " pixel_pitch_um=200, supports_colour=True)\n"
            "Printer.objects.create(name='GONE', ae_title='GONE', host='127.0.0.1', port=1,"
            " film_grids=grids, media=media, pixel_pitch_um=200, timeout_seconds=3)\n"
        )
        yield site.study_id(STUDY)
        site.python(
            "from dicomnet.models import Printer, PrintJob\n"
            "PrintJob.objects.all().delete()\nPrinter.objects.all().delete()\n"
        )


def film(portal: Portal, study: int, query: str = "", **how: object) -> Page:
    page = portal("omar", **how)
    page.goto(f"/studies/{study}/print/{query}")
    settled(page)
    return page


def settled(page: Page) -> None:
    """Wait until the preview on the screen answers what is wanted."""
    page.locator("#plate:not([hidden])").wait_for()
    expect(page.locator("#busy")).to_have_text("")


def picture(page: Page, name: str) -> None:
    """Keep a picture for people to look at, when somebody wants them."""
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


def add(page: Page, series: int, entry: str) -> None:
    page.locator(".cart-add").nth(series).click()
    page.locator("[data-add-menu]:popover-open").get_by_text(entry).click()
    settled(page)


def worker(site: Site, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "manage.py", "db_worker", "--queue-name", "print", "--no-startup-delay", *more]
    return subprocess.Popen(command, cwd=ROOT, env=site.environment, stdout=subprocess.DEVNULL)


def test_a_film_is_composed_printed_and_followed(
    portal: Portal, site: Site, study: int, folder: Path
) -> None:
    page = film(portal, study)
    add(page, 0, "One in 5")
    add(page, 1, "All 8 images")
    page.click("#layout-button")
    picture(page, "film-layout-en")
    page.click('[data-layout="3,3"]')
    settled(page)
    expect(page.locator("#print-words")).to_have_text("Print 2 sheets")
    expect(page.locator("#sheets button")).to_have_count(2)
    page.locator("#sheets button").first.click()
    page.locator(".film-cell").nth(1).click()
    page.keyboard.press("w")
    page.fill("#window-width", "80")
    page.fill("#window-center", "50")
    page.press("#window-center", "Enter")
    settled(page)
    picture(page, "film-en")
    digest = page.evaluate("document.body.dataset.digest")
    assert violations(page) == []
    assert overflow(page) <= 0
    assert small_targets(page) == []

    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/film/jobs/*/")
    expect(page.locator("#job-state")).to_have_text("Waiting")
    picture(page, "job-waiting-en")
    process = worker(site, "--batch")
    expect(page.locator("#job-state")).to_have_text("Printed", timeout=60_000)
    process.wait(30)
    expect(page.locator(".timeline li").last).to_contain_text("Hung up")
    page.wait_for_load_state("networkidle")
    picture(page, "job-printed-en")
    assert violations(page) == []
    assert small_targets(page) == []

    films = films_of(folder)
    assert [one.shape for one in films] == [(2120, 1736)] * 2
    assert films[0].max() == 4095
    assert bitmap_digest(np.ascontiguousarray(films[0])) == digest


def test_what_is_seen_in_the_viewer_comes_with_its_window(portal: Portal, site: Site, study: int) -> None:
    instance = site.python(
        "from archive.models import Instance\n"
        f"print(Instance.objects.filter(series__study={study}, number_of_frames=1).first().pk)"
    )
    page = film(portal, study, f"?instance={instance}&frame=1&center=30&width=120&invert=1")
    assert page.url.endswith("/print/")  # a reload adds nothing
    kept = page.evaluate(f"JSON.parse(sessionStorage['film-{study}']).cells")
    assert kept == [{"instance": int(instance), "frame": 1, "window": [30, 120], "invert": True}]
    page.reload()
    settled(page)
    expect(page.locator(".film-cell:not(.vacant)")).to_have_count(1)


def test_cells_are_moved_by_keys_and_by_dragging(portal: Portal, study: int) -> None:
    page = film(portal, study)
    add(page, 1, "All 8 images")
    page.click("#layout-button")
    page.click('[data-layout="3,3"]')
    settled(page)

    def order() -> list[int]:
        cells = page.evaluate(f"JSON.parse(sessionStorage['film-{study}']).cells")
        return [cell["instance"] for cell in cells]

    first = order()
    page.locator(".film-cell").nth(0).click()
    page.keyboard.press("Shift+ArrowRight")
    assert order() == [first[1], first[0], *first[2:]]
    page.locator(".film-cell").nth(4).drag_to(page.locator(".film-cell").nth(0))
    assert order() == [first[4], first[1], first[0], first[2], first[3], *first[5:]]
    page.keyboard.press("Delete")
    assert order() == [first[1], first[0], first[2], first[3], *first[5:]]
    settled(page)
    page.click("#clear")
    expect(page.locator("#advice .bad")).to_contain_text("Nothing is on the film yet.")
    expect(page.locator("#print")).to_be_disabled()


def test_pixel_for_pixel_is_dragged_about(portal: Portal, study: int) -> None:
    page = film(portal, study)
    add(page, 1, "All 8 images")
    page.keyboard.press("1")
    settled(page)
    expect(page.locator("#shown")).to_contain_text("1:1, the upper 8 of 12 bits")
    before = page.evaluate("document.getElementById('canvas').toDataURL()")
    box = page.locator("#plate").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 180, steps=4)
    page.mouse.up()
    settled(page)
    picture(page, "film-close-en")
    assert page.evaluate("document.getElementById('canvas').toDataURL()") != before
    page.keyboard.press("0")
    settled(page)
    expect(page.locator("#shown")).to_contain_text("Shown 0.")


def test_a_printer_that_is_not_there_is_told_live_and_can_be_tried_again(
    portal: Portal, site: Site, study: int
) -> None:
    page = film(portal, study, language="zh-hans")
    page.locator(".cart-image").first.click()
    page.select_option("#printer", label="GONE")
    settled(page)
    picture(page, "film-zh")
    page.click("#print")
    page.wait_for_url("**/film/jobs/*/")
    worker(site, "--batch").wait(60)
    expect(page.locator("#job-state")).to_have_attribute("data-state", "failed", timeout=20_000)
    page.wait_for_load_state("networkidle")
    picture(page, "job-failed-zh")
    assert violations(page) == []
    page.locator(".job-head .primary").click()
    expect(page.locator("#job-state")).to_have_attribute("data-state", "queued")
    page.locator(".job-head .danger").click()
    expect(page.locator("#job-state")).to_have_attribute("data-state", "cancelled")
    page.goto("/film/jobs/")
    picture(page, "jobs-zh")
    assert violations(page) == []
    assert small_targets(page) == []


def test_the_film_page_fits_and_is_accessible(portal: Portal, study: int) -> None:
    wrong: list[str] = []
    for language, sizes in LOADED.items():
        page = film(portal, study, size=sizes[0], language=language)
        page.locator(".cart-image").first.click()
        settled(page)
        picture(page, f"film-{sizes[0][0]}-{language}")
        wrong += [f"{language}: {line}" for line in ill_shaped(page, sizes)]
    assert wrong == []


def test_a_reader_meets_a_clear_refusal(portal: Portal, study: int) -> None:
    page = portal("rita")
    page.goto(f"/studies/{study}/print/")
    expect(page.locator("main")).to_contain_text("Your role does not print.")
