"""The admin in Chromium: it looks right at both sizes in both languages, and a connection test runs live."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, SIZES, Portal, Site, free_port
from tests.browser.shape import LOADED, ill_shaped, overflow, small_targets

PAGES = {
    "index": "/admin/",
    "nodes": "/admin/dicomnet/aenode/",
    "node": "/admin/dicomnet/aenode/{node}/change/",
    "add node": "/admin/dicomnet/aenode/add/",
    "callers": "/admin/dicomnet/unknowncaller/",
    "quarantine": "/admin/archive/quarantinedobject/",
    "held": "/admin/archive/quarantinedobject/{held}/change/",
    "audit": "/admin/archive/auditevent/",
    "study": "/admin/archive/study/{study}/change/",
    "users": "/admin/auth/user/",
    "add user": "/admin/auth/user/add/",
    "roles": "/admin/archive/rolegroup/",
}

FURNISH = """
import json
from archive.models import QuarantinedObject, Study
from dicomnet.models import AENode
from dicomnet.nodes import CallerReason, unknown_caller_record
node = AENode.objects.create(
    ae_title='CT2_ER', host='127.0.0.1', port={port}, description='CT in the emergency department')
for title, reason in (('US3_CARDIO', 'unknown-title'), ('XA1', 'called-title')):
    unknown_caller_record(ae_title=title, host='10.20.7.66', reason=CallerReason(reason))
held = QuarantinedObject.objects.create(
    reason='declared-length', detail='(7FE00010)', source='CT2_ER',
    file_key='quarantine/x', file_size=400, file_digest='d' * 64)
print(json.dumps({{'node': node.pk, 'held': held.pk, 'study': Study.objects.first().pk}}))
"""


@pytest.fixture(scope="module")
def device_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def rows(site: Site, device_port: int) -> dict[str, int]:
    found: dict[str, int] = json.loads(site.python(FURNISH.format(port=device_port)).splitlines()[-1])
    return found


@pytest.fixture
def device(device_port: int, tmp_path: Path) -> Iterator[None]:
    """DCMTK's storage SCP."""
    program = [shutil.which("storescp") or "storescp", "-aet", "CT2_ER", str(device_port)]
    process = subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield
    process.terminate()
    process.wait(10)


@pytest.fixture
def jobs(site: Site) -> Iterator[None]:
    """The lane of jobs somebody waits for."""
    program = [sys.executable, "manage.py", "runjobs", "--queue", "interactive"]
    log = (site.data_dir / "jobs.log").open("wb")
    process = subprocess.Popen(program, cwd=ROOT, env=site.environment, stdout=log, stderr=subprocess.STDOUT)
    yield
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def hanging_tools(page: Page) -> float:
    """By how many pixels the user's tools hang out of the header, over the breadcrumbs."""
    header, tools = page.locator("#header").bounding_box(), page.locator("#user-tools").bounding_box()
    assert header is not None
    assert tools is not None
    return tools["y"] + tools["height"] - header["y"] - header["height"]


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_fits(portal: Portal, rows: dict[str, int], name: str) -> None:
    wrong: list[str] = []
    for language, sizes in LOADED.items():
        page = portal("ada", size=sizes[0], language=language)
        page.goto(PAGES[name].format(**rows))
        for width, height in sizes[::-1]:
            page.set_viewport_size({"width": width, "height": height})
            hanging = hanging_tools(page)
            wrong += [f"{language}: {width}x{height}: tools hang {hanging} px low"] if hanging > 0 else []
        wrong += [f"{language}: {line}" for line in ill_shaped(page, sizes, flat=True)]
    assert wrong == []


def test_a_connection_test_fills_its_panel_as_answers_come(
    portal: Portal, rows: dict[str, int], device: None, jobs: None
) -> None:
    page = portal("ada")
    page.goto(PAGES["node"].format(**rows))
    expect(page.locator("#probe .summary")).to_have_text("Not tested yet.")
    page.fill("[name=description]", "not saved yet")
    page.route("**/probe/", lambda route: route.fulfill(status=500))
    page.click("#probe-button")
    expect(page.locator("#probe .summary")).to_contain_text("The test could not be started")
    page.unroute("**/probe/")
    page.click("#probe-button")
    expect(page.locator("#probe .summary")).to_have_text("It works.", timeout=30_000)
    assert page.locator("#probe .steps b").all_inner_texts()[:3] == ["Connection", "Association", "Echo"]
    row = page.locator("#probe .matrix tr", has_text="CT image")
    assert row.locator(".yes").count() > 0
    # The form was not sent, and what was typed is still there.
    expect(page.locator("[name=description]")).to_have_value("not saved yet")
    expect(page.locator("#probe-button")).to_be_focused()
    assert overflow(page) <= 0
    assert small_targets(page) == []


def test_a_device_that_is_off_is_told_in_words_with_advice(
    portal: Portal, rows: dict[str, int], jobs: None
) -> None:
    page = portal("ada", size=SIZES[1])
    page.goto(PAGES["node"].format(**rows))
    page.click("#probe-button")
    expect(page.locator("#probe .advice")).to_contain_text("Start the device's DICOM service", timeout=30_000)
    assert overflow(page) <= 0


def test_one_click_adds_an_unknown_caller(portal: Portal, rows: dict[str, int]) -> None:
    page = portal("ada")
    page.goto(PAGES["callers"])
    page.locator("tr", has_text="US3_CARDIO").get_by_role("button", name="Add as node").click()
    expect(page.locator("[name=ae_title]")).to_have_value("US3_CARDIO")
    expect(page.locator("[name=port]")).to_have_value("104")
