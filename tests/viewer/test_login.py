"""Nobody sees anything without logging in; every attempt is in the audit trail."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client
from django.urls import reverse

from archive.models import AuditEvent
from tests.people import PASSWORD

pytestmark = pytest.mark.django_db

PAGES = ["/", "/studies/1/", "/instances/1/thumbnail", "/session/", "/status/"]


def actions() -> list[tuple[str, str, bool]]:
    return list(AuditEvent.objects.order_by("id").values_list("action", "actor_name", "success"))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_leads_to_the_log_in_and_back(client: Client, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/login/?next={page}"


def test_right_password_opens_the_study_list_and_is_recorded(client: Client, rita: AbstractUser) -> None:
    answer = client.post("/login/", {"username": "rita", "password": PASSWORD})
    assert answer.headers["Location"] == "/"
    assert actions() == [("login", "rita", True)]
    assert AuditEvent.objects.get().source == "127.0.0.1"


def test_log_in_returns_to_the_page_that_was_asked_for(client: Client, rita: AbstractUser) -> None:
    answer = client.post("/login/", {"username": "rita", "password": PASSWORD, "next": "/studies/7/"})
    assert answer.headers["Location"] == "/studies/7/"


def test_log_in_does_not_lead_to_another_site(client: Client, rita: AbstractUser) -> None:
    form = {"username": "rita", "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert client.post("/login/", form).headers["Location"] == "/"


def test_wrong_password_says_so_in_words_and_is_recorded(client: Client, rita: AbstractUser) -> None:
    answer = client.post("/login/", {"username": "rita", "password": "wrong"})
    assert answer.status_code == 200
    assert "User name and password do not match." in answer.content.decode()
    assert actions() == [("login-failed", "rita", False)]


def test_unknown_name_is_told_the_same(client: Client) -> None:
    answer = client.post("/login/", {"username": "nobody", "password": "wrong"})
    assert "User name and password do not match." in answer.content.decode()
    assert actions() == [("login-failed", "nobody", False)]


def test_eighth_wrong_password_closes_the_door(client: Client, rita: AbstractUser) -> None:
    for _attempt in range(7):
        client.post("/login/", {"username": "rita", "password": "wrong"})
    answer = client.post("/login/", {"username": "rita", "password": "wrong"})
    assert answer.status_code == 429
    assert "wrong 8 times." in answer.content.decode()
    assert "closed for 15 minutes." in answer.content.decode()
    answer = client.post("/login/", {"username": "rita", "password": PASSWORD})
    assert answer.status_code == 429
    assert "_auth_user_id" not in client.session


def test_log_out_is_a_post_and_is_recorded(as_rita: Client) -> None:
    assert as_rita.get(reverse("logout")).status_code == 405
    answer = as_rita.post(reverse("logout"))
    assert answer.headers["Location"] == "/login/"
    assert actions() == [("logout", "rita", True)]
    assert as_rita.get("/").status_code == 302


def test_log_in_needs_the_csrf_token(rita: AbstractUser) -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "rita", "password": PASSWORD})
    assert answer.status_code == 403
    assert "The page was open too long" in answer.content.decode()


def test_pages_with_patients_stay_out_of_browser_caches(as_rita: Client) -> None:
    assert "no-store" in as_rita.get("/").headers["Cache-Control"]


def test_account_without_a_role_is_told_what_lacks(client: Client, nil: AbstractUser) -> None:
    client.force_login(nil, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get("/")
    assert answer.status_code == 403
    assert "Your account has no role yet." in answer.content.decode()
