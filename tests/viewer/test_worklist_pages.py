"""The pages of the worklist: who sees and changes what, and what a person is told."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.contrib.auth.models import AbstractUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dicomnet.models import ScheduledStep
from dicomnet.worklist import State, step_schedule
from tests.plans import planned, worklist_file, worklist_item

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def as_omar(client: Client, omar: AbstractUser) -> Client:
    client.force_login(omar, backend=BACKEND)
    return client


def step_of(omar: AbstractUser, **changes: object) -> ScheduledStep:
    return step_schedule(planned=planned(**{"start_date": timezone.localdate()} | changes), by=omar)


FORM = {
    "name": "单雄信",
    "latin_name": "",
    "patient_id": "77",
    "day": "2026-11-25",
    "time": "09:30",
    "modality": "ct",
    "stations": "CT1, CT2",
    "sex": "M",
    "pregnancy": "",
    "procedure_code": "123^99LOCAL^Chest",
}


def test_readers_look_and_do_not_change(client: Client, rita: AbstractUser, omar: AbstractUser) -> None:
    step = step_of(omar)
    client.force_login(rita, backend=BACKEND)
    page = client.get(reverse("worklist"))
    assert "曾嘉怡" in page.content.decode()
    assert reverse("worklist-step", args=[step.pk]) not in page.content.decode()
    for name, arguments in [("worklist-new", []), ("worklist-import", []), ("worklist-step", [step.pk])]:
        assert client.get(reverse(name, args=arguments)).status_code == 403
    for name, arguments in [
        ("worklist-state", [step.pk]),
        ("worklist-delete", [step.pk]),
        ("worklist-no-shows", []),
    ]:
        assert client.post(reverse(name, args=arguments), {"state": "completed"}).status_code == 403
    assert ScheduledStep.objects.get().state == State.SCHEDULED


def test_nobody_sees_nothing(client: Client, nil: AbstractUser) -> None:
    client.force_login(nil, backend=BACKEND)
    assert client.get(reverse("worklist")).status_code == 403


def test_a_step_is_scheduled_from_the_form(as_omar: Client) -> None:
    answer = as_omar.post(reverse("worklist-new"), FORM)
    assert answer.status_code == 302
    step = ScheduledStep.objects.get()
    assert (step.name_ideographic, step.name_alphabetic) == ("单^雄信", "Shan^Xiongxin")
    assert (step.modality, step.stations, step.start_time) == ("CT", ["CT1", "CT2"], time(9, 30))
    assert step.requested_procedure_codes == [{"value": "123", "scheme": "99LOCAL", "meaning": "Chest"}]


def test_what_was_typed_wrong_is_said_at_its_field(as_omar: Client) -> None:
    page = as_omar.post(
        reverse("worklist-new"), FORM | {"stations": "A TITLE THAT IS MUCH TOO LONG", "day": ""}
    )
    text = page.content.decode()
    assert page.status_code == 200
    assert 'id="id_day-error"' in text
    page = as_omar.post(reverse("worklist-new"), FORM | {"stations": "A TITLE THAT IS MUCH TOO LONG"})
    assert 'id="id_stations-error"' in page.content.decode()
    assert not ScheduledStep.objects.exists()


def test_the_form_shows_what_is_kept_and_saves_it_unchanged(as_omar: Client, omar: AbstractUser) -> None:
    step = step_of(omar, name_alphabetic="Tsang^Ka Yi", step_id="S1")
    page = as_omar.get(reverse("worklist-step", args=[step.pk]))
    shown = {field.html_name: field.value() for field in page.context["form"]}
    assert (shown["name"], shown["latin_name"], shown["stations"]) == ("曾嘉怡", "Tsang, Ka Yi", "CT1")
    posted = {name: "" if value is None else value for name, value in shown.items()}
    as_omar.post(reverse("worklist-step", args=[step.pk]), posted)
    kept = ScheduledStep.objects.get()
    for column in ("name_alphabetic", "name_ideographic", "birth_date", "start_time", "study_instance_uid"):
        assert getattr(kept, column) == getattr(step, column)


def test_a_birth_date_that_no_calendar_has_is_not_lost(as_omar: Client, omar: AbstractUser) -> None:
    step = step_of(omar, birth_date="1931")
    page = as_omar.get(reverse("worklist-step", args=[step.pk]))
    shown = {field.html_name: field.value() or "" for field in page.context["form"]}
    assert shown["birth_date"] == ""
    as_omar.post(reverse("worklist-step", args=[step.pk]), shown | {"room": "3"})
    assert ScheduledStep.objects.values_list("birth_date", "location").get() == ("1931", "3")


def test_what_has_begun_can_only_be_looked_at(as_omar: Client, omar: AbstractUser) -> None:
    step = step_of(omar)
    ScheduledStep.objects.update(state=State.IN_PROGRESS)
    address = reverse("worklist-step", args=[step.pk])
    assert as_omar.get(address).content.decode().count('<fieldset class="form-part" disabled>') == 3
    as_omar.post(address, FORM)
    assert ScheduledStep.objects.get().patient_id == "00734410"


def test_filters_narrow_the_day(as_omar: Client, omar: AbstractUser) -> None:
    step_of(omar)
    step_of(omar, name_ideographic="王^小明", patient_id="2", modality="MR", start_time=time(8))
    step_of(
        omar, name_ideographic="李^娜", patient_id="3", start_date=timezone.localdate() + timedelta(days=1)
    )

    def shown(**asked: str) -> list[str]:
        rows = as_omar.get(reverse("worklist"), asked).context["rows"]
        return [row["step"].patient_id for row in rows]

    assert shown() == ["2", "00734410"]
    assert shown(q="zeng") == ["00734410"]
    assert shown(q="小明") == ["2"]
    assert shown(m="MR") == ["2"]
    assert shown(state="over") == []
    assert shown(state="waiting") == ["2", "00734410"]
    assert shown(day=f"{timezone.localdate() + timedelta(days=1)}") == ["3"]
    assert shown(day="never", state="nonsense") == ["2", "00734410"]


def test_steps_of_earlier_days_are_closed_with_one_press(as_omar: Client, omar: AbstractUser) -> None:
    step_of(omar, start_date=date(2020, 1, 1))
    assert "1 step of earlier days" in as_omar.get(reverse("worklist")).content.decode()
    as_omar.post(reverse("worklist-no-shows"))
    assert ScheduledStep.objects.get().state == State.NO_SHOW
    assert "1 step closed" in as_omar.get(reverse("worklist")).content.decode()


def test_a_step_is_closed_put_back_and_deleted(as_omar: Client, omar: AbstractUser) -> None:
    step = step_of(omar)
    state, remove = reverse("worklist-state", args=[step.pk]), reverse("worklist-delete", args=[step.pk])
    as_omar.post(state, {"state": "completed"})
    assert ScheduledStep.objects.get().state == State.COMPLETED
    as_omar.post(remove, {"reason": "wrong"})
    assert ScheduledStep.objects.get().state == State.COMPLETED
    as_omar.post(state, {"state": "scheduled"})
    assert as_omar.post(state, {"state": "dancing"}).status_code == 404
    as_omar.post(remove, {"reason": ""})
    assert ScheduledStep.objects.exists()
    as_omar.post(remove, {"reason": "entered twice"})
    assert not ScheduledStep.objects.exists()
    assert as_omar.get(reverse("worklist-step", args=[step.pk])).status_code == 404


def test_pinyin_is_proposed_while_typing(as_omar: Client) -> None:
    assert as_omar.get(reverse("worklist-latin"), {"name": "曾嘉怡"}).json() == {"latin": "Zeng, Jiayi"}
    assert as_omar.get(reverse("worklist-latin"), {"name": "Smith"}).json() == {"latin": ""}


def test_files_are_imported_and_each_is_answered(as_omar: Client) -> None:
    good = SimpleUploadedFile("a.wl", worklist_file(worklist_item()))
    bad = SimpleUploadedFile("b.csv", b"name\nx\n")
    page = as_omar.post(reverse("worklist-import"), {"file": [good, bad]}).content.decode()
    assert "1 step added" in page
    assert "These columns are missing" in page
    assert "Choose a file first" in as_omar.post(reverse("worklist-import")).content.decode()


def test_markup_in_names_is_text(as_omar: Client, omar: AbstractUser) -> None:
    step_of(omar, name_ideographic="<script>alert(1)</script>", name_alphabetic="<b>x</b>")
    page = as_omar.get(reverse("worklist")).content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
