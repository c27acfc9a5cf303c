"""The admin: who enters, what it shows, what is recorded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from archive.ingest import Origin, file_ingest
from archive.models import AuditEvent, Instance, QuarantinedObject, RoleGroup, Study
from tests import objects, people

pytestmark = pytest.mark.django_db


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def ada() -> Client:
    return _client(people.ada_administrator())


@pytest.fixture
def filed(tmp_path: Path) -> Instance:
    path = tmp_path / "image.dcm"
    path.write_bytes(
        objects.part10(
            objects.ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName="Wang^Xiaoming=王^小明")
        )
    )
    file_ingest(path=path, origin=Origin(source="CT2_ER"))
    return Instance.objects.get()


@pytest.fixture
def held(tmp_path: Path) -> QuarantinedObject:
    path = tmp_path / "cut.dcm"
    path.write_bytes(objects.part10(objects.ct_slice())[:400])
    file_ingest(path=path, origin=Origin(source="CT2_ER"))
    return QuarantinedObject.objects.get()


def _audited(action: AuditEvent.Action) -> AuditEvent:
    return AuditEvent.objects.get(action=action)


@pytest.mark.parametrize("person", [people.rita_reader, people.omar_operator, people.nobody_nil])
def test_the_staff_flag_alone_opens_nothing(person: object) -> None:
    user = person()  # type: ignore[operator]
    user.is_staff = True
    user.save()
    answer = _client(user).get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "This page is for administrators." in answer.content.decode()


def test_nobody_is_sent_to_the_portals_log_in() -> None:
    answer = Client().get("/admin/archive/study/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/admin/archive/study/")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_list_opens(ada: Client, filed: Instance, held: QuarantinedObject, language: str) -> None:
    ada.cookies["django_language"] = language
    for model, model_admin in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for query in ("", "?q=wang"):
            if query and not model_admin.search_fields:
                continue
            assert ada.get(address + query).status_code == 200, address + query
        for row in model._default_manager.all()[:1]:
            change = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
            assert ada.get(change).status_code == 200, change


def test_everything_registered_has_a_place_in_the_menu(ada: Client) -> None:
    page = ada.get("/admin/").content.decode()
    for model in admin.site._registry:
        assert reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") in page, model


def test_pages_hold_no_inline_script_or_style(ada: Client, filed: Instance, held: QuarantinedObject) -> None:
    study = Study.objects.get()
    for address in (
        "/admin/",
        "/admin/auth/user/add/",
        "/admin/archive/study/",
        f"/admin/archive/study/{study.pk}/change/",
        "/admin/archive/quarantinedobject/",
        f"/admin/archive/quarantinedobject/{held.pk}/change/",
    ):
        page = ada.get(address).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), address
        assert not re.search(r"<style|\sstyle=|\son\w+=\"", page), address


def test_the_index_says_what_waits(ada: Client, held: QuarantinedObject) -> None:
    page = ada.get("/admin/").content.decode()
    assert "1 object could not be filed and waits in quarantine." in page
    held.state = QuarantinedObject.State.DISCARDED
    held.save()
    assert "Nothing. Everything was filed, printed and let in." in ada.get("/admin/").content.decode()


# ---------------------------------------------------------------------- archive, audit


@pytest.mark.parametrize("model", ["patient", "study", "series", "instance", "auditevent", "backgroundjob"])
def test_what_is_only_looked_at_cannot_be_changed(ada: Client, filed: Instance, model: str) -> None:
    assert ada.get(f"/admin/archive/{model}/add/").status_code == 403
    row = apps.get_model("archive", model)._default_manager.first()
    if row is not None:
        assert ada.post(f"/admin/archive/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert ada.post(f"/admin/archive/{model}/{row.pk}/change/", {}).status_code == 403


def test_studies_and_patients_are_searched_as_in_the_portal(ada: Client, filed: Instance) -> None:
    for model in ("study", "patient"):
        for text, found in (("wang xm", True), ("王小", True), ("nobody", False)):
            page = ada.get(f"/admin/archive/{model}/?q={text}").content.decode()
            assert ("王小明" in page) is found, (model, text)


def test_markup_in_a_name_is_shown_not_obeyed(ada: Client, tmp_path: Path) -> None:
    path = tmp_path / "markup.dcm"
    path.write_bytes(objects.part10(objects.ct_slice(PatientName="<b>X</b>^<script>")))
    file_ingest(path=path, origin=Origin(source="CT2_ER"))
    page = ada.get("/admin/archive/patient/").content.decode()
    assert "&lt;b&gt;X&lt;/b&gt;" in page
    assert "<b>X</b>" not in page


def test_the_audit_trail_is_filtered(ada: Client) -> None:
    AuditEvent.objects.create(action="printed", actor_name="omar", object="film 7")
    AuditEvent.objects.create(action="login", actor_name="rita")
    page = ada.get("/admin/archive/auditevent/?action__exact=printed").content.decode()
    assert "film 7" in page
    assert ">rita<" not in page
    assert "film 7" in ada.get("/admin/archive/auditevent/?q=omar").content.decode()
    assert "film 7" not in ada.get("/admin/archive/auditevent/?q=oma").content.decode()


# ---------------------------------------------------------------------- quarantine


def test_a_retry_that_changes_nothing_keeps_the_object(ada: Client, held: QuarantinedObject) -> None:
    answer = ada.post(f"/admin/archive/quarantinedobject/{held.pk}/retry/", follow=True)
    assert "1 object still cannot be filed. It stays here." in answer.content.decode()
    held.refresh_from_db()
    assert held.state == QuarantinedObject.State.HELD


def test_a_discard_asks_why_first(ada: Client, held: QuarantinedObject) -> None:
    address = f"/admin/archive/quarantinedobject/{held.pk}/discard/"
    asked = ada.post(address)
    assert "The bytes of 1 object are lost for good." in asked.content.decode()
    assert QuarantinedObject.objects.get().state == QuarantinedObject.State.HELD
    ada.post(address, {"reason": "   "})
    assert QuarantinedObject.objects.get().state == QuarantinedObject.State.HELD
    done = ada.post(address, {"reason": "a test of the device"}, follow=True)
    assert "1 object was discarded." in done.content.decode()
    assert QuarantinedObject.objects.get().state == QuarantinedObject.State.DISCARDED
    assert _audited(AuditEvent.Action.QUARANTINE).detail["reason"] == "a test of the device"


def test_several_are_discarded_at_once(ada: Client, held: QuarantinedObject) -> None:
    address = "/admin/archive/quarantinedobject/"
    chosen = {"action": "discard", "_selected_action": [held.pk]}
    assert "lost for good" in ada.post(address, chosen).content.decode()
    ada.post(address, chosen | {"reason": "done"})
    assert QuarantinedObject.objects.get().state == QuarantinedObject.State.DISCARDED


@pytest.mark.parametrize("what", ["retry", "discard"])
def test_a_link_changes_nothing(ada: Client, held: QuarantinedObject, what: str) -> None:
    assert ada.get(f"/admin/archive/quarantinedobject/{held.pk}/{what}/").status_code == 405


# ---------------------------------------------------------------------- people


def _form(**changes: object) -> dict[str, object]:
    return {"username": "rita", "last_name": "", "first_name": "", "email": "", "is_active": "on"} | changes


def test_a_new_administrator_may_enter_at_once(ada: Client) -> None:
    password = "quiet-lamp-on-film-9"
    form = {
        "username": "nora", "usable_password": "true", "password1": password, "password2": password,
        "roles": ["administrator"], "last_name": "", "first_name": "",
    }  # fmt: skip
    assert ada.post("/admin/auth/user/add/", form).status_code == 302
    nora = User.objects.get(username="nora")
    assert nora.is_staff
    assert _client(nora).get("/admin/").status_code == 200
    event = _audited(AuditEvent.Action.USER_CHANGED)
    assert (event.actor_name, event.object, event.detail["values"]["roles"]) == (
        "ada",
        "nora",
        ["administrator"],
    )
    assert password not in str(event.detail)


def test_a_change_of_roles_is_recorded_with_what_was_before(ada: Client) -> None:
    rita = people.rita_reader()
    ada.post(f"/admin/auth/user/{rita.pk}/change/", _form(roles=["reader", "operator"]))
    assert set(rita.groups.values_list("name", flat=True)) == {"reader", "operator"}
    event = _audited(AuditEvent.Action.USER_CHANGED)
    assert event.detail == {"changed": {"roles": [["reader"], ["reader", "operator"]]}}
    assert (event.source, event.actor_name) == ("127.0.0.1", "ada")


def test_a_group_that_is_no_role_stays_when_roles_change(ada: Client) -> None:
    rita = people.rita_reader()
    rita.groups.add(Group.objects.create(name="radiology"))
    ada.post(f"/admin/auth/user/{rita.pk}/change/", _form(roles=["operator"]))
    assert set(rita.groups.values_list("name", flat=True)) == {"radiology", "operator"}


def test_nobody_locks_the_door_from_outside(ada: Client) -> None:
    me = User.objects.get(username="ada")
    page = ada.post(f"/admin/auth/user/{me.pk}/change/", _form(username="ada", roles=["reader"]))
    assert "This is you. Another administrator can take this role away." in page.content.decode()
    assert ada.post(f"/admin/auth/user/{me.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.get(username="ada").groups.filter(name="administrator").exists()


def test_an_administrator_does_not_change_a_superuser(ada: Client) -> None:
    root = User.objects.create_superuser("root", password="x")
    assert ada.post(f"/admin/auth/user/{root.pk}/change/", _form(username="mine")).status_code == 403
    assert ada.post(f"/admin/auth/user/{root.pk}/password/", {}).status_code == 403


def test_a_password_set_for_somebody_is_recorded_without_it(ada: Client) -> None:
    rita = people.rita_reader()
    password = "quiet-lamp-on-film-9"
    form = {"usable_password": "true", "password1": password, "password2": password}
    assert ada.post(f"/admin/auth/user/{rita.pk}/password/", form).status_code == 302
    event = _audited(AuditEvent.Action.USER_CHANGED)
    assert (event.object, event.detail) == ("rita", {"changed": {"password": True}})
    rita.refresh_from_db()
    assert rita.check_password(password)


def test_somebody_locked_out_is_let_in_again(ada: Client) -> None:
    rita = people.rita_reader()
    AccessAttempt.objects.create(
        username="rita", ip_address="10.0.0.7", failures_since_start=8, path_info="/login/", get_data="",
        post_data="",
    )  # fmt: skip
    assert "locked out" in ada.get("/admin/auth/user/").content.decode()
    ada.post("/admin/auth/user/", {"action": "unlock", "_selected_action": [rita.pk]})
    assert not AccessAttempt.objects.exists()
    assert "locked out" not in ada.get("/admin/auth/user/").content.decode()


def test_roles_are_read_not_written(ada: Client) -> None:
    page = ada.get("/admin/archive/rolegroup/").content.decode()
    assert "look at studies, print film, send studies, download studies" in page
    reader = RoleGroup.objects.get(name="reader")
    assert ada.post(f"/admin/archive/rolegroup/{reader.pk}/change/", {"name": "x"}).status_code == 403
