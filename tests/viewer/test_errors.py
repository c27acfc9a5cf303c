"""Pages for when something is wrong: one sentence, a way out, no traceback."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AbstractUser
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.views.defaults import server_error

pytestmark = pytest.mark.django_db


def test_address_that_leads_nowhere(client: Client) -> None:
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.content.decode()


def test_failure_needs_nothing_to_be_said(rf: RequestFactory) -> None:
    answer = server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "The fault is ours" in answer.content.decode()


def test_refusal_says_why_and_lets_log_out(client: Client, nil: AbstractUser) -> None:
    client.force_login(nil, backend="django.contrib.auth.backends.ModelBackend")
    text = client.get("/").content.decode()
    assert "Your account has no role yet." in text
    assert 'action="/logout/"' in text
    assert "csrfmiddlewaretoken" in text


@pytest.mark.parametrize("level", ["lit", "warn", "bad", "info", "success", "warning", "error"])
def test_notice_escapes_what_it_says(level: str) -> None:
    html = render_to_string("partials/notice.html", {"level": level, "text": "<b>x</b>"})
    assert "&lt;b&gt;x&lt;/b&gt;" in html


def test_no_page_lets_an_inline_script_run(client: Client) -> None:
    policy = client.get("/login/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
