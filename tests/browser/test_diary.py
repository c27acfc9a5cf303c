"""The association diary in Chromium: it fits and is accessible at both sizes in both languages, follows what
runs, and gives its text away."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Portal, Site
from tests.browser.shape import LOADED, ill_shaped, overflow

PAGES = {
    "diary": "/admin/dicomnet/association/",
    "filtered": "/admin/dicomnet/association/?outcome__exact=broken&q=ct9",
    "broken": "/admin/dicomnet/association/{broken}/change/",
    "rejected": "/admin/dicomnet/association/{rejected}/change/",
    "unreached": "/admin/dicomnet/association/{unreached}/change/",
    "running": "/admin/dicomnet/association/{running}/change/",
    "well": "/admin/dicomnet/association/{well}/change/",
    "nodes": "/admin/dicomnet/aenode/",
    "node": "/admin/dicomnet/aenode/{node}/change/",
}

FURNISH = """
import json, time
from datetime import timedelta
from dicomnet.contexts import Proposed, Rights, Service, negotiate, STORAGE_CLASSES
from dicomnet.diary.entry import End, Entry, UnderWay
from dicomnet.diary.writing import entry_close, entry_write
from dicomnet.models import AENode, Association
node = AENode.objects.create(
    ae_title='CT9_ER', host='10.20.7.42', port=104, description='CT in the emergency department')
CT, EXPLICIT = '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1'
NATIVE = (EXPLICIT, '1.2.840.10008.1.2')
MANY = [Proposed(2 * n + 1, uid, NATIVE) for n, uid in enumerate(sorted(STORAGE_CLASSES)[:100])]
def entry(let_in=True, **said):
    one = Entry(**({'outgoing': False, 'peer': 'CT9_ER', 'own': 'LIGHTBOX', 'address': '10.20.7.42',
        'node_id': node.pk, 'implementation': 'CTACQ_42 1.2.276.0.7230010.3.0.3.6.7', 'max_pdu': 32768,
        'own_max_pdu': 131072} | said))
    asked = [Proposed(1, '1.2.840.10008.1.1', ('1.2.840.10008.1.2',)), Proposed(3, CT, (EXPLICIT,)),
        Proposed(5, '1.2.840.113619.4.30', (EXPLICIT,))] + (MANY if said.get('peer') == 'ARCHIVE2' else [])
    one.negotiated(asked, negotiate(asked, {}, Rights(frozenset({Service.STORE}))) if let_in else ())
    return one
def done(one, end, **said):
    entry_close(entry=one, end=end, **said)
    return entry_write(entry=one)
found = {'node': node.pk}
one = entry()
one.operation('C-ECHO', '1.2.840.10008.1.1', 0, seconds=0.001)
for n in range(214):
    one.operation('C-STORE', CT, 0, seconds=0.03, size=550000)
one.operation('C-STORE', CT, 0xC000, seconds=0.2, size=9000, comment='Kept in quarantine: truncated')
one.under_way = UnderWay('C-STORE', CT, time.monotonic(), lambda: 130000)
found['broken'] = done(one, End.SILENT)
for days in (3, 6, 10):
    pk = done(entry(), End.LOST)
    began = Association.objects.get(pk=found['broken']).began - timedelta(days=days)
    Association.objects.filter(pk=pk).update(outcome='broken', began=began)
found['rejected'] = done(entry(False, peer='US3_CARDIO', node_id=None), End.REJECTED, reason='unknown-title')
found['unreached'] = done(entry(False, outgoing=True, peer='ARCHIVE2', port=11112), End.FAILED,
    reason='refused', detail='[Errno 111] Connection refused')
one = entry(peer='MR1', node_id=None)
one.operation('C-STORE', CT, 0, seconds=0.03, size=550000)
found['running'] = entry_write(entry=one)
one = entry(peer='ARCHIVE2', node_id=None)
one.operation('C-FIND', '1.2.840.10008.5.1.4.1.2.2.1', 0, seconds=0.2, pending=1200)
one.operation('C-MOVE', '1.2.840.10008.5.1.4.1.2.2.2', 0, seconds=12, counts=(320, 0, 0))
found['well'] = done(one, End.RELEASED)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def rows(site: Site) -> dict[str, int]:
    found: dict[str, int] = json.loads(site.python(FURNISH).splitlines()[-1])
    return found


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_fits(portal: Portal, rows: dict[str, int], name: str) -> None:
    wrong: list[str] = []
    for language, sizes in LOADED.items():
        page = portal("ada", size=sizes[0], language=language)
        page.goto(PAGES[name].format(**rows))
        wrong += [f"{language}: {line}" for line in ill_shaped(page, sizes, flat=True)]
    assert wrong == []


def test_from_the_list_to_what_to_do_and_to_the_node(portal: Portal, rows: dict[str, int]) -> None:
    page = portal("ada")
    page.goto(PAGES["filtered"])
    expect(page.locator("#result_list tbody tr")).to_have_count(4)
    page.locator("#result_list tbody tr a").first.click()
    expect(page.locator("h1")).to_have_text(f"Association {rows['broken']}")
    expect(page.locator(".headline")).to_contain_text("went dead in the middle of an operation")
    expect(page.locator(".todo b").first).to_have_text("Send again from CT9_ER.")
    expect(page.locator(".events li").nth(3)).to_contain_text("C-STORE 0000 × 214")
    page.get_by_role("link", name="Earlier").click()
    expect(page.get_by_role("link", name="Later")).to_be_visible()
    page.get_by_role("link", name="Test CT9_ER").click()
    expect(page.locator("[name=ae_title]")).to_have_value("CT9_ER")
    page.get_by_role("link", name="Its associations").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(5)


def test_the_page_of_what_runs_follows_it(portal: Portal, site: Site, rows: dict[str, int]) -> None:
    page = portal("ada")
    page.goto(PAGES["running"].format(**rows))
    expect(page.locator(".headline")).to_have_text("MR1 is connected now.")
    site.python(
        "from dicomnet.models import Association\n"
        f"Association.objects.filter(pk={rows['running']}).update(outcome='well', end='released', "
        "reason='released')"
    )
    expect(page.locator(".headline")).to_have_text(
        "MR1 called, and all it asked for was done.", timeout=15_000
    )
    assert overflow(page) <= 0


def test_the_text_for_the_vendor_is_copied(portal: Portal, rows: dict[str, int]) -> None:
    page = portal("ada")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(PAGES["broken"].format(**rows))
    page.get_by_role("button", name="Copy for vendor").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert "C-STORE C000" in text
    assert "CTACQ_42" in text
