"""The study page under a hand."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from pydicom.uid import generate_uid

from tests import objects
from tests.browser.conftest import Portal, Site

WANG = "Chest and abdomen with contrast"


@pytest.fixture
def page(portal: Portal, site: Site) -> Page:
    page = portal("omar")
    page.goto(f"/studies/{site.study_id(WANG)}/")
    return page


def test_series_show_their_pictures(page: Page) -> None:
    pictures = page.locator(".shot img")
    expect(pictures).to_have_count(2)
    page.wait_for_function(
        "[...document.querySelectorAll('.shot img')].every((image) => image.naturalWidth === 128)"
    )


def test_what_is_no_image_is_a_labelled_icon(page: Page) -> None:
    tile = page.locator(".tile", has_text="Dose report")
    expect(tile.get_by_text("Report", exact=True)).to_be_visible()
    assert tile.locator("img").count() == 0


def test_facts_and_priors(page: Page) -> None:
    expect(page.get_by_role("complementary")).to_contain_text("A2611230147")
    expect(page.get_by_role("complementary")).to_contain_text("33 images, 3 series")
    expect(page.locator(".prior")).to_have_count(2)
    page.locator(".prior").first.click()
    expect(page.locator("#study-title")).to_have_text("Chest, low dose")


def test_arrows_walk_the_series_and_enter_opens_one(page: Page) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("a.tile").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/view/\?series=\d+$"))


def test_v_views_and_p_prints(page: Page) -> None:
    page.keyboard.press("p")
    expect(page).to_have_url(re.compile(r"/print/"))
    page.go_back()
    page.keyboard.press("v")
    expect(page).to_have_url(re.compile(r"/view/"))


def test_reader_has_no_print_button(portal: Portal, site: Site) -> None:
    page = portal("rita")
    page.goto(f"/studies/{site.study_id(WANG)}/")
    expect(page.get_by_role("link", name="View all")).to_be_visible()
    expect(page.get_by_role("link", name="Print")).to_have_count(0)


def test_picture_that_cannot_be_made_gives_its_place_to_words(portal: Portal, site: Site) -> None:
    site.ingest(objects.ct_slice(StudyDescription="Torn", PatientID="T1", PixelData=b"\0\0"))
    page = portal("rita")
    page.goto(f"/studies/{site.study_id('Torn')}/")
    expect(page.get_by_text("Cannot be shown")).to_be_visible()
    expect(page.locator(".shot img")).to_be_hidden()


def test_study_grows_while_it_is_looked_at(portal: Portal, site: Site) -> None:
    same = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    same |= {"StudyDescription": "Growing", "PatientID": "G1"}
    site.ingest(objects.ct_slice(**same))
    page = portal("rita")
    page.goto(f"/studies/{site.study_id('Growing')}/")
    expect(page.locator("#study-count")).to_have_text("Receiving, 1 image")
    page.locator("a.tile").focus()
    site.ingest(objects.ct_slice(**same, InstanceNumber=2), objects.ct_slice(**same, InstanceNumber=3))
    expect(page.locator("#study-count")).to_have_text("Receiving, 3 images", timeout=20_000)
    expect(page.locator("a.tile")).to_be_focused()
