"""In Chinese nothing is left in English: every page that links lead to, texts, labels and hints."""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import polib
import pytest
from playwright.sync_api import Page, expect

from tests.browser import test_admin, test_diary, test_worklist
from tests.browser.conftest import ROOT, Portal, Site, new_site

CATALOGUE = ROOT / "pacs_site" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
START = ["/", "/?q=nothing-like-it", "/?state=conflict", "/studies/999999/", "/film/jobs/", "/admin/"]
REACHED = {
    *("/", "/studies/0/", "/studies/0/view/", "/studies/0/print/", "/film/jobs/", "/transfers/", "/remote/"),
    *("/worklist/", "/worklist/new/", "/worklist/0/", "/admin/", "/admin/dicomnet/aenode/0/change/"),
    *("/admin/dicomnet/association/0/change/", "/admin/archive/quarantinedobject/0/change/"),
    *("/admin/archive/study/0/change/", "/admin/archive/auditevent/0/change/", "/admin/auth/user/0/change/"),
}

_TEXTS = """
() => {
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!parent.closest("script, style, kbd, [lang=en]")) found.add(walker.currentNode.textContent.trim());
  }
  // Django's own search form has one English word that no catalogue reaches.
  for (const element of document.querySelectorAll("*:not(label[for=searchbar] img)")) {
    for (const name of ["aria-label", "title", "placeholder", "alt"]) {
      if (element.hasAttribute(name)) found.add(element.getAttribute(name).trim());
    }
  }
  return [...found];
}
"""
# Names of the standard, marked as English, are no texts of ours.
_SOURCE = """
() => {
  const page = document.documentElement.cloneNode(true);
  for (const element of page.querySelectorAll("[lang=en]")) element.remove();
  return page.outerHTML;
}
"""


@dataclass(frozen=True, slots=True)
class English:
    """What must not be seen: texts as a whole, and sentences (three words and more) anywhere.

    A sentence is its longest piece without a placeholder, which is looked for first, and its pattern.
    """

    whole: frozenset[str]
    sentences: list[tuple[str, re.Pattern[str]]]

    def left_in(self, page: Page) -> list[str]:
        texts = page.evaluate(_TEXTS)
        found = [text for text in texts if text in self.whole]
        source = html.unescape(page.evaluate(_SOURCE))
        return found + [
            pattern.pattern for piece, pattern in self.sentences if piece in source and pattern.search(source)
        ]


@pytest.fixture(scope="module")
def english() -> English:
    whole: set[str] = set()
    sentences: list[tuple[str, re.Pattern[str]]] = []
    for entry in polib.pofile(str(CATALOGUE)):
        texts = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
        for text in filter(None, [entry.msgid, entry.msgid_plural]):
            if text in texts:
                continue  # an abbreviation that is the same in both
            if len(text) > 1:  # codes of DICOM (M, F, O) stay as they are in the admin
                whole.add(text)
            if len(text.split()) >= 3:
                parts = re.split(r"%%s|%\(\w+\)[sd]|\{\w+\}", text.replace("%%", "%"))
                pattern = re.compile(".{0,60}".join(map(re.escape, parts)))
                sentences.append((max(parts, key=len), pattern))
    return English(frozenset(whole), sentences)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one of everything that has a page, whatever other tests leave behind on theirs."""
    with new_site(tmp_path_factory.mktemp("language")) as running:
        running.python(test_admin.FURNISH.format(port=1))
        running.python(test_diary.FURNISH)
        running.python(test_worklist.FURNISH)
        yield running


def inside(href: str, site: Site) -> str:
    """The address of a page of ours without its fragment; empty for what is none or does something."""
    parts = urlsplit(href)
    ours = parts.netloc in ("", urlsplit(site.url).netloc) and parts.scheme in ("", "http")
    if not ours or re.search(r"\.(png|svg|css|js)$|/logout/|/static/|jsi18n", parts.path):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")


def kind(address: str) -> str:
    """Pages that differ only in a number or in their query are one kind."""
    return re.sub(r"\d+", "0", address.split("?", maxsplit=1)[0])


@pytest.mark.timeout(600)
def test_no_page_in_chinese_holds_an_english_text(portal: Portal, site: Site, english: English) -> None:
    page = portal("ada", language="zh-hans")
    waiting = deque(START)
    known = set(START)
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    while waiting:
        address = waiting.popleft()
        if seen[kind(address)] >= 2 and address not in START:
            continue
        seen[kind(address)] += 1
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("lang", re.compile("zh-[Hh]ans"))
        wrong += [f"{address}: {text}" for text in english.left_in(page)]
        links = page.eval_on_selector_all("a[href]", "links => links.map((link) => link.href)")
        found = dict.fromkeys(filter(None, (inside(link, site) for link in links)))
        waiting.extend(one for one in found if one not in known)
        known.update(found)
    assert wrong == []
    assert set(seen) >= REACHED


@pytest.mark.parametrize("address", ["/login/", "/login/?locked=1&next=/", "/nowhere/"])
def test_pages_before_log_in_are_chinese_as_well(portal: Portal, english: English, address: str) -> None:
    page = portal("", language="zh-hans")
    page.goto(address)
    assert english.left_in(page) == []


def test_language_is_changed_in_the_menu_and_stays(portal: Portal, site: Site) -> None:
    page = portal("lena")
    page.goto("/")
    page.locator(".me").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("link", name="检查", exact=True)).to_be_visible()
    page.goto("/?q=wang")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.locator(".me").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Studies", exact=True)).to_be_visible()
