"""The worklist as people use it: a day at a glance, planning with pinyin proposed, live states."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Portal, Site
from tests.browser.shape import LOADED, ill_shaped

FURNISH = """
from django.utils import timezone
from dicomnet.worklist_demonstration import demonstration_plan
from dicomnet.models import AENode
AENode.objects.create(ae_title='CT1_5F', host='127.0.0.1', port=104, allow_worklist=True)
demonstration_plan(day=timezone.localdate())
"""
BEGUN = """
from archive.models import Event
from dicomnet.mpps import Message, performed_create, performed_set
from dicomnet.models import ScheduledStep
from tests import objects
from tests.reports import begun, ended
step = ScheduledStep.objects.get(accession_number={accession!r})
data = objects.encoded(begun(step.study_instance_uid, step.step_id))
message = Message(data, "1.2.840.10008.1.2.1", source="CT1")
print(hex(performed_create(sop_instance_uid="1.2." + str(step.pk), message=message).status))
"""


@pytest.fixture(scope="module", autouse=True)
def planned(site: Site) -> None:
    site.python(FURNISH)


@pytest.fixture
def page(portal: Portal) -> Page:
    page = portal("omar")
    page.goto("/worklist/")
    return page


@pytest.mark.parametrize("address", ["/worklist/", "/worklist/new/", "/worklist/import/", "step"])
def test_pages_have_room_at_both_sizes(portal: Portal, address: str) -> None:
    wrong: list[str] = []
    for language, sizes in LOADED.items():
        page = portal("omar", size=sizes[0], language=language)
        page.goto(address if address != "step" else "/worklist/")
        if address == "step":
            page.locator(".steps .open").nth(5).click()
            expect(page.locator("#step-state")).to_be_visible()
        wrong += [f"{language}: {line}" for line in ill_shaped(page, sizes)]
    assert wrong == []


def test_a_day_stands_in_order_and_narrows_as_one_types(page: Page) -> None:
    times = page.locator(".steps .when").all_inner_texts()
    assert times == sorted(times)
    page.keyboard.press("/")
    page.keyboard.type("zeng")
    expect(page.locator(".steps tbody tr")).to_have_count(1)
    expect(page.locator(".steps tbody tr")).to_contain_text("LB00203")
    expect(page).to_have_url(re.compile(r"q=zeng"))
    page.locator("#q").fill("")
    page.get_by_text("Did not take place").click()
    expect(page.locator(".steps tbody tr")).to_have_count(1)
    page.get_by_text("Done", exact=False).first.click()
    expect(page.locator("[data-state=completed]")).to_have_count(3)


def test_pinyin_follows_the_hanzi_until_somebody_types_another(page: Page) -> None:
    page.keyboard.press("n")
    page.get_by_label("Name", exact=False).first.fill("单雄信")
    latin = page.get_by_label("Latin name")
    expect(latin).to_have_value("Shan, Xiongxin")
    latin.fill("Shan, Hsiung-hsin")
    page.locator("#id_name").fill("单雄")
    page.get_by_label("Patient ID").fill("77001")
    page.wait_for_timeout(500)
    expect(latin).to_have_value("Shan, Hsiung-hsin")
    page.get_by_label("Modality").fill("ct")
    page.get_by_label("Stations").fill("CT1_5F")
    page.locator("#id_time").fill("23:45")
    page.get_by_role("button", name="Schedule").click()
    row = page.locator(".steps tbody tr", has_text="77001")
    expect(row).to_contain_text("单雄")
    expect(row).to_contain_text("Shan Hsiung-hsin")
    row.locator(".open").click()
    page.get_by_label("Why it is deleted").fill("entered for a test")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".steps tbody tr", has_text="77001")).to_have_count(0)


def test_escape_in_a_field_loses_nothing(page: Page) -> None:
    page.goto("/worklist/new/")
    page.locator("#id_name").fill("王")
    page.keyboard.press("Escape")
    expect(page.locator("#id_name")).to_have_value("王")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/worklist/$"))


def test_what_begins_at_the_modality_shows_at_once(page: Page, site: Site) -> None:
    row = page.locator(".steps tbody tr", has_text="LB00204")
    expect(row.locator("[data-state=scheduled]")).to_be_visible()
    assert site.python(BEGUN.format(accession="LB00204")) == "0x0"
    expect(row.locator("[data-state=in-progress]")).to_be_visible(timeout=10_000)
    expect(page.locator("[data-count=begun]")).to_have_text("2")


def test_a_reader_looks_on(portal: Portal) -> None:
    page = portal("rita")
    page.goto("/worklist/")
    expect(page.locator(".steps tbody tr").first).to_be_visible()
    expect(page.get_by_role("link", name="Schedule")).to_have_count(0)
    expect(page.locator(".steps .open")).to_have_count(0)
