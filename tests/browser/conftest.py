"""A real site for Chromium: daphne on a free port, a data folder of its own, a few studies and people.

``site`` is one for the whole run. ``portal(person, size=..., language=...)`` gives a new tab of a person who
is logged in. A person has one browser profile per language for the whole run, so scripts and styles come out
of its cache as on a working day; with ``fresh=True`` the profile and its session are new and the test may end
them. At the end of a test no page may have logged an error: a broken script or a breach of the content
security policy fails it.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from pydicom.dataset import Dataset

from tests.browser.shape import SIZES
from tests.objects import part10
from tests.people import PASSWORD

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Portal = Callable[..., Page]
expect.set_options(timeout=15_000)  # a busy machine is no fault of the page


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Site:
    """A running site. ``url`` has no slash at its end."""

    data_dir: Path
    port: int
    extra: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PACS_", "DATABASE_URL", "DJANGO_"))}
        return kept | {
            "PACS_DATA_DIR": str(self.data_dir),
            "PACS_HTTP_PORT": str(self.port),
            "PACS_DICOM_PORT": str(free_port()),
            "PACS_TIME_ZONE": "UTC",
            "PACS_DEMO": "0",
            "DJANGO_SETTINGS_MODULE": "pacs_site.settings",
            **self.extra,
        }

    def run(self, *arguments: str) -> str:
        """Run a Python process of the site (``-m module``, ``-c code``); return what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        """Run statements with Django set up; return what they print."""
        return self.run("-c", f"import django; django.setup()\n{code}").strip()

    def study_id(self, description: str) -> int:
        """The key of the study with this description."""
        with closing(sqlite3.connect(self.data_dir / "pacs.sqlite3", timeout=30)) as database:
            [(key,)] = database.execute("SELECT id FROM archive_study WHERE description = ?", [description])
        return int(key)

    def ingest(self, *found: Dataset) -> None:
        """Take objects in, as a modality's would be."""
        with tempfile.TemporaryDirectory(dir=self.data_dir) as folder:
            paths = []
            for number, ds in enumerate(found):
                paths.append(Path(folder) / f"{number}.dcm")
                paths[-1].write_bytes(part10(ds))
            self.run("-m", "tests.browser.furnish", "ingest", *map(str, paths))

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pacs_site.web", "127.0.0.1", str(self.port)],
            cwd=ROOT,
            env=self.environment,
            stdout=(self.data_dir / "web.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        while not self._answers():
            assert self.process.poll() is None, (self.data_dir / "web.log").read_text()
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/login/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@cache
def furnished() -> Path:
    """The data folder of a site nobody has been on yet: made once, copied for each."""
    folder = Path(os.environ["PACS_TEST_DIR"]) / f"furnished-{os.getpid()}"
    folder.mkdir()
    Site(folder, free_port(), {}).run("-m", "tests.browser.furnish", "new")
    return folder


@contextmanager
def new_site(folder: Path, **extra: str) -> Iterator[Site]:
    """A furnished, running site; ``extra`` are variables of the environment."""
    shutil.copytree(furnished(), folder, dirs_exist_ok=True)
    site = Site(folder, free_port(), extra)
    site.start()
    try:
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with new_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        yield browser
        browser.close()


def _launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)


def log_in(page: Page, site: Site, person: str) -> None:
    """Log in as a person does."""
    page.goto(f"{site.url}/login/")
    page.fill("[name=username]", person)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(re.compile(r"/$"))


def is_fault(line: ConsoleMessage) -> bool:
    """An error of ours. Not: an answer that is no 200, a site that stopped first, a request taken back."""
    expected = ("Failed to load resource", "ERR_CONNECTION_REFUSED", "htmx:sendAbort", "htmx:afterRequest")
    return line.type == "error" and not any(part in line.text for part in expected)


class Profiles:
    """What a browser keeps of each person: cookies and cache, on each site, in each language."""

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self._kept: dict[tuple[Path, str, str], BrowserContext] = {}

    def new(self, site: Site, language: str) -> BrowserContext:
        """A profile that knows nothing but the language."""
        context = self._chromium.new_context(
            locale="zh-CN" if language == "zh-hans" else "en-GB", timezone_id="UTC", base_url=site.url
        )
        context.add_cookies([{"name": "django_language", "value": language, "url": site.url}])
        return context

    def of(self, site: Site, person: str, language: str) -> BrowserContext:
        """The profile in which this person is logged in; the same whenever it is asked for."""
        key = (site.data_dir, person, language)
        if key not in self._kept:
            context = self.new(site, language)
            page = context.new_page()
            log_in(page, site, person)
            page.close()
            self._kept[key] = context
        return self._kept[key]

    def close(self) -> None:
        for context in self._kept.values():
            context.close()


@pytest.fixture(scope="session")
def profiles(chromium: Browser) -> Iterator[Profiles]:
    kept = Profiles(chromium)
    yield kept
    kept.close()


@pytest.fixture
def portal(site: Site, profiles: Profiles) -> Iterator[Portal]:
    """Open pages of people: ``portal("rita")``; ``portal("")`` is nobody; language "en" or "zh-hans"."""
    pages: list[Page] = []
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(
        person: str = "rita",
        size: tuple[int, int] = SIZES[0],
        language: str = "en",
        on: Site | None = None,
        fresh: bool = False,
    ) -> Page:
        where = on or site
        if person and not fresh:
            context = profiles.of(where, person, language)
            # Whoever changed the language in the menu changed it for this profile.
            context.add_cookies([{"name": "django_language", "value": language, "url": where.url}])
        else:
            context = profiles.new(where, language)
            contexts.append(context)
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.extend([line.text] if is_fault(line) else []))
        if person and fresh:
            log_in(page, where, person)
        return page

    yield open_page
    for page in pages:
        page.close()
    for context in contexts:
        context.close()
    assert faults == []
