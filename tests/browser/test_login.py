"""Logging in as a person does."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Portal, log_in, new_site
from tests.people import PASSWORD


def test_user_name_has_the_focus_and_enter_logs_in(portal: Portal) -> None:
    page = portal("")
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/login/\?next=/$"))
    expect(page.locator("[name=username]")).to_be_focused()
    page.keyboard.type("rita")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"127.0.0.1:\d+/$"))
    expect(page.get_by_role("grid")).to_be_visible()


def test_wrong_password_says_so_and_keeps_the_name(portal: Portal) -> None:
    page = portal("")
    page.goto("/login/")
    page.fill("[name=username]", "rita")
    page.fill("[name=password]", "wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("User name and password do not match.")
    expect(page.locator("[name=username]")).to_have_value("rita")


def test_password_can_be_shown(portal: Portal) -> None:
    page = portal("")
    page.goto("/login/")
    page.fill("[name=password]", "secret")
    page.get_by_role("button", name="Show the password").click()
    expect(page.locator("[name=password]")).to_have_attribute("type", "text")


def test_language_is_chosen_before_log_in(portal: Portal) -> None:
    page = portal("")
    page.goto("/login/")
    page.get_by_role("button", name="Language: English").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.get_by_role("button", name="登录")).to_be_visible()


def test_health_is_said_in_words(portal: Portal) -> None:
    page = portal("")
    page.goto("/login/")
    # The test site runs no SCP, and says so.
    expect(page.get_by_text("Images cannot arrive: the SCP is not running")).to_be_visible()


def test_logging_out_ends_every_page(portal: Portal) -> None:
    page = portal("")
    page.goto("/login/")
    page.fill("[name=username]", "omar")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".me").click()
    page.get_by_role("button", name="Log out", exact=True).click()
    # The page's own socket may hear of the end first and ask for the log-in page itself.
    expect(page).to_have_url(re.compile(r"/login/"))
    page.go_back()
    expect(page).to_have_url(re.compile(r"/login/"))


def test_screen_nobody_touches_locks_and_comes_back(portal: Portal, tmp_path: Path) -> None:
    with new_site(tmp_path / "idle", DJANGO_SETTINGS_MODULE="tests.browser.quick_lock") as site:
        page = portal("", on=site)
        log_in(page, site, "rita")
        page.goto(f"{site.url}/?q=wang")
        expect(page).to_have_url(re.compile(r"/login/\?locked=1&next="), timeout=30_000)
        expect(page.get_by_role("status")).to_contain_text("Log in to go on where you were.")
        page.fill("[name=username]", "rita")
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{site.url}/?q=wang")
        page.close()  # before its site stops: what its socket says of that is no fault
