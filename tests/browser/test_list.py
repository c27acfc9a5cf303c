"""The study list under a hand: typing, keys, selection, rows that arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from pydicom.uid import generate_uid

from tests import objects
from tests.browser.conftest import Portal, Site, new_site

WANG = "Chest and abdomen with contrast"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where nothing arrives: these tests count the studies there are."""
    with new_site(tmp_path_factory.mktemp("list")) as running:
        yield running


@pytest.fixture
def page(portal: Portal) -> Page:
    page = portal("omar")
    page.goto("/")
    expect(rows(page).first).to_be_visible()
    return page


def rows(page: Page):
    return page.locator(".studies tbody tr")


def focused(page: Page) -> str:
    """The description in the row that has the focus."""
    return str(page.evaluate("document.activeElement.closest('tr')?.cells[6]?.innerText ?? ''"))


def test_typing_anywhere_searches_and_the_address_follows(page: Page) -> None:
    page.keyboard.type("wang xm")
    expect(page.locator("#q")).to_have_value("wang xm")
    expect(rows(page)).to_have_count(3)
    expect(page).to_have_url(re.compile(r"\?q=wang\+xm$"))
    expect(page.locator("mark").first).to_have_text("Wang")
    page.reload()
    expect(rows(page)).to_have_count(3)
    expect(page.locator("#q")).to_have_value("wang xm")


def test_hanzi_finds_and_is_marked(page: Page) -> None:
    page.fill("#q", "小明")
    expect(rows(page)).to_have_count(3)
    expect(page.locator("mark").first).to_have_text("小明")


def test_old_rows_stay_until_the_new_ones_are_there(page: Page) -> None:
    held: list[Route] = []
    let_through: list[bool] = []

    def gate(route: Route) -> None:
        if let_through:
            route.continue_()
        else:
            held.append(route)

    page.route("**/?q=*", gate)
    page.fill("#q", "heart")
    page.wait_for_timeout(300)
    assert held
    expect(rows(page)).to_have_count(8)
    let_through.append(True)
    for route in held:
        route.continue_()
    expect(rows(page)).to_have_count(1)


def test_a_list_that_was_read_before_the_search_does_not_come_over_it(portal: Portal) -> None:
    page = portal("omar")
    page.add_init_script(
        """const text = Response.prototype.text;
        Response.prototype.text = async function () {
          const found = await text.call(this);
          if (found.includes('id="results"')) await new Promise((go) => { window.letGo = go; });
          return found;
        };"""
    )
    page.goto("/")
    page.wait_for_function("() => Boolean(window.letGo)")  # the list is read anew when the line opens
    page.fill("#q", "heart")
    expect(rows(page)).to_have_count(1)
    page.evaluate("window.letGo()")
    page.wait_for_timeout(100)
    expect(rows(page)).to_have_count(1)


def test_escape_clears_the_search_then_the_selection(page: Page) -> None:
    page.fill("#q", "wang")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(8)
    expect(page.locator("#q")).to_have_value("")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#selected-words")).to_have_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.locator("#selection")).to_be_hidden()


def test_arrows_move_space_selects_shift_extends(page: Page) -> None:
    page.keyboard.press("ArrowDown")
    assert focused(page) == WANG
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("tr[aria-selected=true]")).to_have_count(3)
    expect(page.locator("#selected-words")).to_have_text("3 selected")
    expect(page.locator("#selected-images")).to_have_text("35 images")
    # More than one: no action pretends to know which is meant.
    expect(page.locator("#act-view")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Home")
    assert focused(page) == WANG
    page.keyboard.press("End")
    assert focused(page) == "Chest PA"


def test_enter_opens_the_study_and_escape_comes_back(page: Page) -> None:
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/studies/\d+/$"))
    page.wait_for_load_state()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r":\d+/$"))


def test_coming_back_finds_the_search_and_the_row(page: Page) -> None:
    page.fill("#q", "wang")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#study-title")).to_have_text("Chest, low dose")
    page.wait_for_load_state()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"\?q=wang$"))
    expect(rows(page).nth(1)).to_be_focused()


def test_v_opens_the_viewer_of_the_row_with_the_focus(page: Page, site: Site) -> None:
    page.keyboard.press("ArrowDown")
    page.keyboard.press("v")
    expect(page).to_have_url(re.compile(rf"/studies/{site.study_id(WANG)}/view/"))


def test_letters_with_a_meaning_search_only_in_the_box(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("v")
    expect(page.locator("#q")).to_have_value("v")
    expect(page).to_have_url(re.compile(r"\?q=v$"))


def test_tick_box_is_pressed_anywhere_in_its_forty_pixels(page: Page) -> None:
    box = rows(page).nth(1).locator(".tick").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] - 9, box["y"] + 9)
    expect(rows(page).nth(1)).to_have_attribute("aria-selected", "true")
    page.mouse.click(box["x"] + 26, box["y"] + 9)
    expect(rows(page).nth(1)).to_have_attribute("aria-selected", "false")


def test_tick_box_of_the_head_selects_the_page(page: Page) -> None:
    page.locator("thead .pick").click()
    expect(page.locator("tr[aria-selected=true]")).to_have_count(8)
    page.locator("#act-clear").click()
    expect(page.locator("tr[aria-selected=true]")).to_have_count(0)


def test_chips_filter_and_can_be_taken_back(page: Page) -> None:
    page.get_by_role("checkbox", name="US", exact=True).check()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?m=US$"))
    page.get_by_role("checkbox", name="CT", exact=True).check()
    expect(rows(page)).to_have_count(3)
    page.get_by_role("checkbox", name="US", exact=True).uncheck()
    page.get_by_role("radio", name="Today").check()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("radio", name="Any date").check()
    page.get_by_role("checkbox", name="CT", exact=True).uncheck()
    page.get_by_role("checkbox", name="Conflict").check()
    expect(rows(page)).to_have_count(2)


def test_range_of_days_is_typed_and_shown_on_its_chip(page: Page) -> None:
    page.get_by_role("radio", name="Dates").click()
    page.fill("#since", "2024-01-01")
    page.fill("#until", "2025-12-31")
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#range-words")).to_have_text("2024-01-01 – 2025-12-31")
    expect(page).to_have_url(re.compile(r"\?date=range&since=2024-01-01&until=2025-12-31$"))


def test_description_is_searched_behind_more(page: Page) -> None:
    page.get_by_role("button", name="More").click()
    page.fill("#description", "bone")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?description=bone$"))


def test_columns_sort_and_turn_round(page: Page) -> None:
    page.get_by_role("link", name="Images").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Images")
    assert rows(page).first.locator("td").nth(7).inner_text() == "33"
    page.get_by_role("link", name="Images").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Images")
    assert rows(page).last.locator("td").nth(7).inner_text() == "33"


def test_markup_in_a_name_never_runs(page: Page) -> None:
    dialogs: list[object] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))  # noqa: PLW0108
    page.fill("#q", "<i>7")
    expect(rows(page)).to_have_count(1)
    row = rows(page).first
    expect(row).to_contain_text("alert(1)")
    assert row.locator("img, script, b b, td > i").count() == 0
    row.locator("a.open").click()
    expect(page.locator("h1")).to_contain_text("alert(2)")
    assert page.locator("h1 img, h1 script").count() == 0
    assert dialogs == []


def test_keys_are_taught(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("v")  # keys of the page sleep under a dialog
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    expect(page).to_have_url(re.compile(r":\d+/$"))


# --- arrivals: on a site of their own, for they change what the others count ---


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with new_site(Path(tmp_path_factory.mktemp("busy"))) as site:
        yield site


def arrive(site: Site, *names: str, study: str = "") -> None:
    site.ingest(
        *(
            objects.ct_slice(
                PatientName=name,
                PatientID=name,
                StudyDate="29991231",
                StudyInstanceUID=study or generate_uid(),
            )
            for name in names
        )
    )


def open_list(portal: Portal, site: Site) -> Page:
    page = portal("rita", on=site)
    page.goto(f"{site.url}/")
    expect(rows(page).first).to_be_visible()
    page.wait_for_function("document.getElementById('live-words').textContent !== ''")
    return page


def test_study_enters_at_the_top(portal: Portal, busy: Site) -> None:
    page = open_list(portal, busy)
    arrive(busy, "First^Anna")
    expect(rows(page).first).to_contain_text("First, Anna", timeout=20_000)
    expect(rows(page).first).to_have_class("arriving")
    expect(rows(page).first).to_contain_text("Receiving")


def test_rows_do_not_move_under_a_selection(portal: Portal, busy: Site) -> None:
    page = open_list(portal, busy)
    before = rows(page).count()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    arrive(busy, "Second^Ben", "Third^Cleo", "Fourth^Dan")
    expect(page.locator("#arrived")).to_contain_text("3 studies arrived.", timeout=20_000)
    assert rows(page).count() == before
    expect(page.locator("tr[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("r")
    expect(rows(page)).to_have_count(before + 3)
    expect(page.locator("#arrived")).to_be_hidden()


def test_row_grows_in_place(portal: Portal, busy: Site) -> None:
    page = open_list(portal, busy)
    study = generate_uid()
    arrive(busy, "Fifth^Eva", study=study)
    row = page.locator("tr", has_text="Fifth, Eva")
    expect(row).to_be_visible(timeout=20_000)
    row.locator(".pick").click()
    arrive(busy, "Fifth^Eva", study=study)
    expect(row.locator("td").nth(7)).to_have_text("2", timeout=20_000)
    expect(row).to_have_attribute("aria-selected", "true")
