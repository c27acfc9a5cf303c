"""Language is a person's, and before log-in the browser's."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from tests.people import PASSWORD
from viewer.models import Preference

pytestmark = pytest.mark.django_db


def test_browser_language_decides_before_log_in(client: Client) -> None:
    text = client.get("/login/", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).content.decode()
    assert '<html lang="zh-Hans">' in text
    assert "登录" in text


def test_choice_on_the_log_in_page_stays_in_the_browser(client: Client) -> None:
    answer = client.post("/language/", {"language": "zh-hans", "next": "/login/"})
    assert answer.headers["Location"] == "/login/"
    assert "登录" in client.get("/login/").content.decode()
    assert Preference.objects.count() == 0


def test_choice_of_a_person_follows_them_to_another_browser(as_rita: Client, rita: AbstractUser) -> None:
    as_rita.post("/language/", {"language": "zh-hans", "next": "/"})
    assert Preference.objects.get(user=rita).language == "zh-hans"
    other = Client()
    other.post("/login/", {"username": "rita", "password": PASSWORD})
    assert '<html lang="zh-Hans">' in other.get("/").content.decode()


def test_language_that_is_not_there_changes_nothing(as_rita: Client) -> None:
    answer = as_rita.post("/language/", {"language": "xx", "next": "/"})
    assert answer.status_code == 302
    assert Preference.objects.count() == 0


def test_language_form_does_not_lead_to_another_site(as_rita: Client) -> None:
    answer = as_rita.post("/language/", {"language": "en", "next": "//elsewhere.example/"})
    assert answer.headers["Location"] == "/"


def test_language_needs_a_post(as_rita: Client) -> None:
    assert as_rita.get("/language/").status_code == 405
