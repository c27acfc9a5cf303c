"""From the list to another archive: looked at first, sent to DCMTK's receiver, followed to its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydicom.uid import generate_uid

from tests.browser.conftest import ROOT, Portal, Site
from tests.browser.shape import SIZES, ill_shaped, overflow
from tests.objects import ct_slice
from tests.wire.destinations import dcmqrscp, received, storescp

STUDY = "Chest and abdomen with contrast"
PICTURES = os.environ.get("PACS_TEST_PICTURES", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("west") / "west"


@pytest.fixture(scope="module")
def study(site: Site, folder: Path) -> Iterator[int]:
    """The study, with a receiver that is there, one that is not, and the lanes at work."""
    with storescp(folder, "+B") as port:
        site.python(
            "from dicomnet.models import AENode\n"
            f"AENode.objects.create(ae_title='PACS_WEST', host='127.0.0.1', port={port},"
            " description='West campus archive')\n"
            "AENode.objects.create(ae_title='TELE_NORTH', host='127.0.0.1', port=1,"
            " description='North clinic')\n"
        )
        lanes = [
            subprocess.Popen(
                [sys.executable, "manage.py", "runjobs", "--queue", lane], cwd=ROOT, env=site.environment
            )
            for lane in ("interactive", "send")
        ]
        yield site.study_id(STUDY)
        for lane in lanes:
            lane.terminate()
            lane.wait(20)
        site.python(
            "from dicomnet.models import AENode, Retrieval, RoutingRule, Transfer\n"
            "for model in (RoutingRule, Retrieval, Transfer, AENode): model.objects.all().delete()\n"
        )


def picture(page: Page, name: str) -> None:
    """Keep a picture for people to look at, when somebody wants them."""
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


def whole(page: Page) -> None:
    """Nothing scrolls sideways, everything can be pressed and read, in windows of both sizes."""
    assert ill_shaped(page, SIZES[::-1]) == []


def test_a_study_is_looked_at_first_and_sent(portal: Portal, study: int, folder: Path) -> None:
    page = portal("omar")
    page.goto(f"/studies/{study}/")
    page.keyboard.press("s")
    page.wait_for_url(f"**/send/?study={study}")
    expect(page.locator("#send-now")).to_be_disabled()
    page.get_by_text("West campus archive").click()
    plan = page.locator(".plan[data-state=done]")
    plan.wait_for()
    # DCMTK takes reports and images, uncompressed as they are.
    expect(plan).to_contain_text("As is")
    expect(page.locator("#send-words")).to_have_text("Send 33 images")
    whole(page)
    picture(page, "send-en")
    # Leave a series out: what would happen is asked again, the button counts anew.
    page.locator(".send-series .one", has_text="Lung 1.0").click()
    expect(page.locator("#send-words")).to_have_text("Send 25 images")
    page.locator(".plan[data-state=done][data-goes='25']").wait_for()
    page.locator("#send-now").click()
    page.wait_for_url("**/transfers/*/")
    expect(page.locator("#transfer-state")).to_have_text("Sent")
    expect(page.locator(".progress-of")).to_contain_text("25 of 25 arrived")
    whole(page)
    picture(page, "transfer-done-en")
    assert len(received(folder)) == 25


def test_a_dead_destination_says_so_before_and_after(portal: Portal, study: int) -> None:
    page = portal("omar")
    page.goto(f"/send/?study={study}")
    page.get_by_text("North clinic").click()
    expect(page.locator(".plan .notice")).to_contain_text("nothing listens on port 1")
    page.locator("#send-now").click()
    expect(page.locator("#transfer-state")).to_have_text("Waiting for the next attempt")
    expect(page.locator(".job-story .notice")).to_contain_text("1 attempt so far.")
    whole(page)
    picture(page, "transfer-waiting-en")
    page.get_by_role("button", name="Try now").click()
    expect(page.locator(".job-story .notice")).to_contain_text("2 attempts so far.")
    page.get_by_role("button", name="Cancel transfer").click()
    expect(page.locator("#transfer-state")).to_have_text("Cancelled")


def test_several_studies_are_sent_from_the_list(portal: Portal, study: int) -> None:
    page = portal("omar")
    page.goto("/transfers/")
    sent = page.locator(".transfers tbody tr", has_text="Sent")
    before = sent.count()
    page.goto("/")
    for name in ("Heart", "Knee"):
        page.locator("tbody tr", has_text=name).locator(".pick").click()
    page.locator("#act-send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Send 2 studies")
    page.get_by_text("West campus archive").click()
    page.locator(".plan[data-state=done]").wait_for()
    page.locator("#send-now").click()
    page.wait_for_url("**/transfers/")
    expect(sent).to_have_count(before + 2)
    picture(page, "transfers-en")


def test_pages_are_whole_in_chinese_too(portal: Portal, study: int) -> None:
    page = portal("omar", language="zh-hans")
    page.goto(f"/send/?study={study}")
    page.get_by_text("West campus archive").click()
    page.locator(".plan[data-state=done]").wait_for()
    whole(page)
    picture(page, "send-zh")
    page.locator("#send-now").click()
    page.wait_for_url("**/transfers/*/")
    page.goto("/transfers/")
    whole(page)
    picture(page, "transfers-zh")
    page.locator(".transfers a.open").last.click()
    page.locator("#transfer-state").wait_for()
    whole(page)
    picture(page, "transfer-zh")


def test_another_archive_is_asked_and_a_study_fetched(
    portal: Portal, site: Site, study: int, tmp_path: Path
) -> None:
    same = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "PatientID": "77"}
    same |= {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Zhou^Min=周^敏"}
    same["StudyDescription"] = "Thorax from the west"
    with dcmqrscp(tmp_path / "west", [ct_slice(InstanceNumber=n, **same) for n in (1, 2, 3)]) as port:
        site.python(
            "from dicomnet.models import AENode\n"
            f"AENode.objects.create(ae_title='WEST', host='127.0.0.1', port={port}, retrieve_by='get')\n"
        )
        page = portal("omar")
        page.goto("/remote/")
        whole(page)
        picture(page, "remote-empty-en")
        page.fill("#name", "周敏")
        for name in ("WEST", "TELE_NORTH"):
            page.locator(".destination", has=page.get_by_text(name, exact=True)).click()
        page.keyboard.press("Enter")
        row = page.locator("#following tbody tr", has_text="Thorax from the west")
        expect(row).to_contain_text("周敏")
        expect(page.locator("#following .notice")).to_contain_text("nothing listens on port 1")
        whole(page)
        picture(page, "remote-en")
        row.get_by_role("button", name="Fetch").click()
        expect(page.locator("#following tbody tr")).to_contain_text("Here")
        picture(page, "remote-here-en")
        other = portal("omar", language="zh-hans")
        other.goto(page.url)
        other.locator("#following tbody tr").wait_for()
        whole(other)
        picture(other, "remote-zh")
        other.goto("/remote/retrievals/")
        whole(other)
        picture(other, "retrievals-zh")
    page.goto("/")
    expect(page.locator("tbody tr", has_text="Thorax from the west")).to_be_visible()


def test_a_rule_is_tried_before_it_is_saved(portal: Portal, study: int) -> None:
    page = portal("ada")
    page.goto("/admin/dicomnet/routingrule/add/")
    page.fill("#id_name", "CT to west")
    page.fill("#id_modalities", "CT")
    page.locator(".field-destinations label", has_text="PACS_WEST").click()
    page.locator("#preview-button").click()
    expect(page.locator("#preview")).to_contain_text("It would have sent")
    assert overflow(page) <= 0
    picture(page, "rule-en")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("CT to west")
    page.locator("#result_list a", has_text="CT to west").click()
    other = portal("ada", language="zh-hans")
    other.goto(page.url)
    other.locator("#preview-button").click()
    other.locator("#preview .state").wait_for()
    picture(other, "rule-zh")
    page.locator("label[for=id_active]").click()
    page.get_by_role("button", name="Save", exact=True).click()
