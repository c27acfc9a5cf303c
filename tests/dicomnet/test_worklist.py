"""Steps are planned, changed, closed and deleted; each is told, audited, and refused to who may not."""

from __future__ import annotations

from datetime import date, time

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from archive.models import AuditEvent, Event
from dicomnet.models import ScheduledStep
from dicomnet.worklist import (
    State,
    StepRefused,
    no_shows_close,
    states_by_hand,
    step_change,
    step_delete,
    step_schedule,
    step_set_state,
    worklist_day,
)
from tests import people
from tests.plans import planned

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 25)


def test_what_is_left_out_is_made_and_the_latin_name_proposed() -> None:
    step = step_schedule(planned=planned(), by=people.omar_operator())
    assert step.name_alphabetic == "Zeng^Jiayi"
    assert (step.step_id, step.requested_procedure_id) == (f"SPS{step.pk}", f"RP{step.pk}")
    assert step.study_instance_uid.startswith("2.25.")
    assert step.state == State.SCHEDULED


def test_a_typed_latin_name_stays() -> None:
    step = step_schedule(planned=planned(name_alphabetic="Tsang^Ka Yi"), by=people.omar_operator())
    assert step.name_alphabetic == "Tsang^Ka Yi"


def test_it_is_told_and_audited_without_a_name() -> None:
    step = step_schedule(planned=planned(), by=people.omar_operator(), source="10.0.0.9")
    assert list(Event.objects.values_list("topic", "key")) == [("worklist", str(step.pk))]
    [row] = AuditEvent.objects.filter(action="worklist")
    assert (row.actor_name, row.source, row.patient_id) == ("omar", "10.0.0.9", "00734410")
    assert row.detail == {"scheduled": True}


@pytest.mark.parametrize("person", [people.rita_reader, people.nobody_nil])
def test_others_may_not(person: object) -> None:
    with pytest.raises(PermissionDenied):
        step_schedule(planned=planned(), by=person())  # type: ignore[operator]
    assert not ScheduledStep.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name_ideographic", ""),
        ("patient_id", ""),
        ("patient_id", "A\\B"),
        ("modality", "ct scan"),
        ("station_ae_titles", "A TITLE THAT IS FAR TOO LONG"),
        ("study_instance_uid", "1.2.03"),
        ("birth_date", "in May"),
        ("accession_number", "12345678901234567"),
    ],
)
def test_what_no_modality_could_take_is_refused_by_field(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        step_schedule(planned=planned(**{field: value}), by=people.omar_operator())
    assert list(caught.value.message_dict) == [field]


def test_a_change_keeps_the_ids_and_says_what_changed() -> None:
    omar = people.omar_operator()
    step = step_schedule(planned=planned(), by=omar)
    changed = step_change(
        step=step, planned=planned(start_time=time(10, 30), name_alphabetic="Zeng^Jiayi"), by=omar
    )
    assert (changed.study_instance_uid, changed.step_id) == (step.study_instance_uid, step.step_id)
    assert changed.start_time == time(10, 30)
    assert AuditEvent.objects.filter(action="worklist").first().detail == {"changed": ["start_time"]}


def test_what_has_begun_is_not_changed() -> None:
    omar = people.omar_operator()
    step = step_schedule(planned=planned(), by=omar)
    ScheduledStep.objects.update(state=State.IN_PROGRESS)
    with pytest.raises(StepRefused, match="begun"):
        step_change(step=step, planned=planned(patient_id="2"), by=omar)
    with pytest.raises(StepRefused, match="begun"):
        step_delete(step=step, reason="twice", by=omar)


def test_two_steps_of_a_study_have_two_ids() -> None:
    omar = people.omar_operator()
    step_schedule(planned=planned(study_instance_uid="1.2.3", step_id="A"), by=omar)
    step_schedule(planned=planned(study_instance_uid="1.2.3"), by=omar)
    with pytest.raises(ValidationError):
        step_schedule(planned=planned(study_instance_uid="1.2.3", step_id="A"), by=omar)
    assert ScheduledStep.objects.count() == 2


def test_people_close_and_reopen() -> None:
    omar = people.omar_operator()
    step = step_schedule(planned=planned(), by=omar)
    step = step_set_state(step=step, state=State.NO_SHOW, reason="called, no answer", by=omar)
    assert (step.state, step.state_reason) == ("no-show", "called, no answer")
    assert states_by_hand(step=step) == {State.SCHEDULED}
    step = step_set_state(step=step, state=State.SCHEDULED, by=omar)
    assert (step.state, step.state_reason) == ("scheduled", "")
    with pytest.raises(StepRefused):
        step_set_state(step=step, state=State.IN_PROGRESS, by=omar)


def test_no_shows_of_earlier_days_are_closed_and_todays_are_not() -> None:
    omar = people.omar_operator()
    for day in (23, 24, 25):
        step_schedule(planned=planned(start_date=date(2026, 11, day)), by=omar)
    ScheduledStep.objects.filter(start_date__day=23).update(state=State.IN_PROGRESS)
    assert no_shows_close(before=DAY, by=omar) == 1
    states = ScheduledStep.objects.order_by("start_date").values_list("state", flat=True)
    assert list(states) == ["in-progress", "no-show", "scheduled"]


def test_delete_wants_a_reason_and_keeps_it() -> None:
    omar = people.omar_operator()
    step = step_schedule(planned=planned(), by=omar)
    with pytest.raises(StepRefused, match="why"):
        step_delete(step=step, reason="  ", by=omar)
    step_delete(step=step, reason="entered twice", by=omar)
    assert not ScheduledStep.objects.exists()
    assert AuditEvent.objects.first().detail == {"deleted": True, "reason": "entered twice"}
    with pytest.raises(StepRefused, match="deleted"):
        step_delete(step=step, reason="again", by=omar)


def test_a_day_is_in_order_of_time() -> None:
    omar = people.omar_operator()
    for hour in (11, 8):
        step_schedule(planned=planned(start_time=time(hour)), by=omar)
    step_schedule(planned=planned(start_date=date(2020, 1, 1)), by=omar)
    found = worklist_day(user=people.rita_reader(), day=DAY)
    assert [step.start_time.hour for step in found.steps] == [8, 11]
    assert found.left_behind >= 1
    with pytest.raises(PermissionDenied):
        worklist_day(user=people.nobody_nil(), day=DAY)
