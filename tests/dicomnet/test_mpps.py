"""What a step report is answered, what is kept of it, and what it does to the worklist."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from archive.models import AuditEvent, Event
from dicomnet.models import PerformedInstance, PerformedMessage, PerformedStep, ScheduledStep
from dicomnet.mpps import Answer, Message, performed_create, performed_set, planned_after
from dicomnet.status import Status
from dicomnet.worklist import State, step_schedule
from tests import objects
from tests.plans import planned
from tests.reports import begun, ended

pytestmark = pytest.mark.django_db
STUDY = "1.2.826.9"


@pytest.fixture
def step() -> ScheduledStep:
    return step_schedule(planned=planned(study_instance_uid=STUDY, step_id="S1"), by_name="test")


def message(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> Message:
    return Message(objects.encoded(ds, syntax), syntax, source="CT1")


def create(ds: Dataset, uid: str = "1.2.3") -> Answer:
    return performed_create(sop_instance_uid=uid, message=message(ds))


def report(ds: Dataset, uid: str = "1.2.3") -> Answer:
    return performed_set(sop_instance_uid=uid, message=message(ds))


def test_a_step_that_begins_marks_its_item(step: ScheduledStep) -> None:
    assert create(begun(STUDY)).status == Status.SUCCESS
    step.refresh_from_db()
    assert step.state == State.IN_PROGRESS
    performed = PerformedStep.objects.get()
    assert (performed.patient_name, performed.patient_id) == ("曾^嘉怡", "00734410")
    assert (performed.start_date, performed.start_time, performed.station_ae_title) == (
        "20261125",
        "090512",
        "CT1",
    )
    assert performed.references.get().scheduled == step
    topics = set(Event.objects.values_list("topic", flat=True))
    assert {"worklist", "performed"} <= topics
    row = AuditEvent.objects.filter(action="worklist").first()
    assert (row.actor_name, row.detail["state"]) == ("CT1", ["scheduled", "in-progress"])


def test_completed_takes_the_item_off(step: ScheduledStep) -> None:
    create(begun(STUDY))
    assert report(ended(instances=["1.1", "1.2"])).status == Status.SUCCESS
    step.refresh_from_db()
    assert step.state == State.COMPLETED
    performed = PerformedStep.objects.get()
    assert (performed.state, performed.series_count, performed.end_time) == ("COMPLETED", 1, "092000")
    assert sorted(performed.instances.values_list("sop_instance_uid", flat=True)) == ["1.1", "1.2"]


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("110514", State.SCHEDULED),
        ("110501", State.SCHEDULED),
        ("110513", State.DISCONTINUED),
        ("110507", State.NO_SHOW),
        ("", State.DISCONTINUED),
    ],
)
def test_discontinued_returns_or_closes_by_its_reason(step: ScheduledStep, code: str, after: State) -> None:
    create(begun(STUDY))
    assert report(ended("DISCONTINUED", reason=code)).status == Status.SUCCESS
    step.refresh_from_db()
    assert step.state == after


def test_a_code_of_another_scheme_is_no_reason_we_know() -> None:
    assert planned_after("110514", "99LOCAL") == "discontinued"


def test_an_item_that_was_given_back_can_be_taken_again(step: ScheduledStep) -> None:
    create(begun(STUDY))
    report(ended("DISCONTINUED", reason="110514"))
    create(begun(STUDY), "1.2.4")
    report(ended(), "1.2.4")
    step.refresh_from_db()
    assert step.state == State.COMPLETED


def test_what_was_done_stays_done(step: ScheduledStep) -> None:
    create(begun(STUDY))
    report(ended())
    create(begun(STUDY), "1.2.4")
    report(ended("DISCONTINUED", reason="110514"), "1.2.4")
    step.refresh_from_db()
    assert step.state == State.COMPLETED


def test_an_item_is_not_over_while_another_step_is_at_it(step: ScheduledStep) -> None:
    create(begun(STUDY))
    create(begun(STUDY), "1.2.4")
    report(ended())
    step.refresh_from_db()
    assert step.state == State.IN_PROGRESS
    report(ended(), "1.2.4")
    step.refresh_from_db()
    assert step.state == State.COMPLETED


def test_one_step_for_two_items_marks_both(step: ScheduledStep) -> None:
    other = step_schedule(planned=planned(study_instance_uid="1.2.826.10", step_id="S9"), by_name="test")
    ds = begun(STUDY)
    ds.ScheduledStepAttributesSequence += begun("1.2.826.10", "S9").ScheduledStepAttributesSequence
    create(ds)
    report(ended())
    for item in (step, other):
        item.refresh_from_db()
        assert item.state == State.COMPLETED


def test_unscheduled_steps_are_accepted(step: ScheduledStep) -> None:
    assert create(begun("1.2.826.555", "", "")).status == Status.SUCCESS
    assert report(ended()).status == Status.SUCCESS
    assert PerformedStep.objects.get().references.get().scheduled is None
    step.refresh_from_db()
    assert step.state == State.SCHEDULED


@pytest.mark.parametrize(
    ("study", "step_id", "accession", "linked"),
    [
        (STUDY, "S1", "", True),
        (STUDY, "", "", True),  # the study's only open step
        ("", "S1", "LB1001", True),
        (STUDY, "S2", "LB1001", False),
        ("", "", "LB1001", False),
        ("", "S1", "", False),
        ("1.2.826.1", "S1", "LB1001", False),
    ],
)
def test_an_item_is_found_by_what_can_only_be_it(
    step: ScheduledStep, study: str, step_id: str, accession: str, linked: bool
) -> None:
    create(begun(study, step_id, accession))
    assert (PerformedStep.objects.get().references.get().scheduled == step) is linked


def test_two_items_that_could_be_meant_are_none(step: ScheduledStep) -> None:
    step_schedule(planned=planned(study_instance_uid=STUDY, step_id="S2"), by_name="test")
    create(begun(STUDY, ""))
    assert PerformedStep.objects.get().references.get().scheduled is None


def test_another_patient_id_is_noted(step: ScheduledStep) -> None:
    create(begun(STUDY, PatientID="666"))
    assert PerformedStep.objects.get().warnings == ["patient-differs"]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("COMPLETED", 0x0106),
        ("DISCONTINUED", 0x0106),
        ("STARTED", 0x0106),
        ("", 0x0121),
        (None, 0x0120),
    ],
)
def test_a_step_begins_in_progress_or_not_at_all(state: str | None, status: int) -> None:
    answer = create(begun(STUDY, PerformedProcedureStepStatus=state))
    assert (answer.status, answer.attributes) == (status, (0x00400252,))
    assert not PerformedStep.objects.exists()


def test_a_second_n_create_is_a_duplicate() -> None:
    assert create(begun(STUDY)).status == 0x0000
    assert create(begun(STUDY)).status == 0x0111
    assert PerformedMessage.objects.count() == 1


def test_a_step_without_a_uid_gets_one() -> None:
    answer = create(begun(STUDY), "")
    assert answer.sop_instance_uid == PerformedStep.objects.get().sop_instance_uid
    assert answer.sop_instance_uid.startswith("2.25.")


def test_an_unknown_step_cannot_be_set() -> None:
    assert report(ended()).status == 0x0112


@pytest.mark.parametrize("state", ["COMPLETED", "DISCONTINUED", "IN PROGRESS"])
def test_after_its_end_a_step_is_not_changed(state: str) -> None:
    create(begun(STUDY))
    report(ended(instances=["1.1"]))
    answer = report(ended(state, ["1.1", "1.2"]))
    assert (answer.status, answer.error_id) == (0x0110, 0xA710)
    assert PerformedInstance.objects.count() == 1
    assert PerformedStep.objects.get().state == "COMPLETED"


def test_a_state_that_means_nothing_is_refused_and_the_step_goes_on() -> None:
    create(begun(STUDY))
    assert report(ended("FINISHED")).status == 0x0106
    assert PerformedStep.objects.get().state == "IN PROGRESS"
    assert report(ended()).status == 0x0000


@pytest.mark.parametrize(("series", "status"), [(None, 0x0120), ([], 0x0121)])
def test_a_completed_step_has_a_series(
    step: ScheduledStep, series: list[Dataset] | None, status: int
) -> None:
    create(begun(STUDY, PerformedSeriesSequence=None))
    answer = report(ended(PerformedSeriesSequence=series))
    assert (answer.status, answer.attributes) == (status, (0x00400340,))
    step.refresh_from_db()
    assert (PerformedStep.objects.get().state, step.state) == ("IN PROGRESS", State.IN_PROGRESS)
    assert [message.status for message in PerformedMessage.objects.all()] == [0, status]


def test_a_series_reported_on_the_way_counts_at_the_end() -> None:
    create(begun(STUDY))
    assert report(ended("IN PROGRESS", ["1.1"])).status == 0x0000
    assert report(ended(PerformedSeriesSequence=None)).status == 0x0000
    assert PerformedInstance.objects.count() == 1


def test_a_step_broken_off_before_its_first_series_is_kept(step: ScheduledStep) -> None:
    create(begun(STUDY))
    answer = report(ended("DISCONTINUED", PerformedSeriesSequence=[]))
    assert (answer.status, answer.attributes) == (0x0107, (0x00400340,))
    step.refresh_from_db()
    assert step.state == State.DISCONTINUED


@pytest.mark.parametrize(
    ("keyword", "number"),
    [
        ("PerformedProcedureStepID", 0x00400253),
        ("PerformedStationAETitle", 0x00400241),
        ("PerformedProcedureStepStartDate", 0x00400244),
        ("PerformedProcedureStepStartTime", 0x00400245),
        ("Modality", 0x00080060),
        ("ScheduledStepAttributesSequence", 0x00400270),
    ],
)
def test_a_sloppy_beginning_is_kept_with_a_warning(keyword: str, number: int) -> None:
    answer = create(begun(STUDY, **{keyword: None}))
    assert (answer.status, answer.attributes) == (0x0107, (number,))
    assert PerformedStep.objects.get().warnings == [f"{number:08X}"]


def test_an_end_without_its_time_is_kept_with_a_warning() -> None:
    create(begun(STUDY))
    answer = report(ended(PerformedProcedureStepEndDate=None, PerformedProcedureStepEndTime=""))
    assert (answer.status, answer.attributes) == (0x0107, (0x00400250, 0x00400251))
    assert PerformedStep.objects.get().state == "COMPLETED"


def test_a_value_that_makes_no_sense_is_kept_with_a_warning() -> None:
    assert create(begun(STUDY, PerformedProcedureStepStartTime="morning")).status == 0x0116
    assert PerformedStep.objects.get().start_time == ""


def test_who_it_was_cannot_be_changed_later() -> None:
    create(begun(STUDY))
    answer = report(ended(PatientID="666", PatientName="曾^嘉怡", SpecificCharacterSet="GB18030"))
    assert (answer.status, answer.attributes) == (0x0107, (0x00100020,))
    assert PerformedStep.objects.get().patient_id == "00734410"


def test_each_message_is_kept_as_it_came() -> None:
    first, last = message(begun(STUDY)), message(ended(), ImplicitVRLittleEndian)
    performed_create(sop_instance_uid="1.2.3", message=first)
    performed_set(sop_instance_uid="1.2.3", message=last)
    kept = [(m.operation, bytes(m.data_set), m.transfer_syntax_uid) for m in PerformedMessage.objects.all()]
    assert kept == [
        ("N-CREATE", first.data, ExplicitVRLittleEndian),
        ("N-SET", last.data, ImplicitVRLittleEndian),
    ]


def test_what_cannot_be_read_is_refused() -> None:
    broken = Message(b"\x08\x00\x05\x00CS\xff\x7fx", ExplicitVRLittleEndian)
    assert performed_create(sop_instance_uid="1.2.3", message=broken).status == 0x0110
    assert performed_create(sop_instance_uid="1.2.3", message=Message(b"", "")).status == 0x0120


def test_a_step_of_many_images_is_kept_whole() -> None:
    create(begun(STUDY))
    report(ended(instances=[generate_uid() for _ in range(1500)]))
    assert PerformedInstance.objects.count() == 1500


def test_nothing_is_kept_when_something_breaks(step: ScheduledStep, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("dicomnet.mpps.audit_record", broken)
    with pytest.raises(RuntimeError):
        create(begun(STUDY))
    assert not PerformedStep.objects.exists()
    step.refresh_from_db()
    assert step.state == State.SCHEDULED
