"""The audit trail: added to, never changed, by nobody, not even in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from archive.audit import audit_record, audit_study_viewed
from archive.models import AuditEvent, Patient, Study
from archive.models.audit_triggers import triggers_ensure, triggers_remove
from tests import people

pytestmark = pytest.mark.django_db
Action = AuditEvent.Action


@pytest.fixture
def study() -> Study:
    patient = Patient.objects.create(patient_id="P1")
    return Study.objects.create(patient=patient, study_instance_uid="1.2.3", sort_key="20261123")


@pytest.fixture
def triggers() -> Iterator[None]:
    triggers_ensure()
    triggers_ensure()  # as after every migrate
    yield
    triggers_remove()


def _event() -> AuditEvent:
    audit_record(action=Action.LOGIN, actor=people.rita_reader(), source="10.0.0.7")
    return AuditEvent.objects.get()


def test_a_row_says_who_what_which_and_from_where(study: Study) -> None:
    omar = people.omar_operator()
    audit_record(action=Action.PRINTED, actor=omar, source="10.0.0.7", study=study, detail={"sheets": 2})
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.actor_name) == ("printed", omar.pk, "omar")
    assert (event.source, event.study_instance_uid, event.patient_id) == ("10.0.0.7", "1.2.3", "P1")
    assert (event.success, event.detail) == (True, {"sheets": 2})


def test_a_machine_is_named_by_its_ae_title() -> None:
    audit_record(action=Action.ASSOCIATION, actor_name="CT2_ER", source="10.0.0.7", success=False)
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.actor_name, event.success) == (None, "CT2_ER", False)


def test_a_row_goes_with_the_transaction_it_records() -> None:
    with transaction.atomic():
        audit_record(action=Action.LOGIN, actor_name="rita")
        transaction.set_rollback(True)
    assert AuditEvent.objects.count() == 0


def test_text_of_any_length_fits() -> None:
    audit_record(action=Action.LOGIN_FAILED, actor_name="x" * 5000, object="y" * 5000, patient_id="z" * 5000)
    event = AuditEvent.objects.get()
    assert len(event.actor_name) <= 255
    assert len(event.object) <= 255


def test_looks_within_five_minutes_are_one_row(study: Study) -> None:
    rita = people.rita_reader()
    assert audit_study_viewed(user=rita, study=study)
    assert not audit_study_viewed(user=rita, study=study)
    assert audit_study_viewed(user=people.omar_operator(), study=study)
    later = timezone.now() + timedelta(minutes=6)
    with mock.patch("django.utils.timezone.now", return_value=later):
        assert audit_study_viewed(user=rita, study=study)
    assert AuditEvent.objects.filter(actor=rita).count() == 2


def test_the_model_refuses_change_and_removal() -> None:
    event = _event()
    event.actor_name = "somebody else"
    for attempt in (
        event.save,
        event.delete,
        lambda: AuditEvent.objects.update(actor_name="x"),
        lambda: AuditEvent.objects.filter(pk=event.pk).delete(),
        lambda: AuditEvent.objects.bulk_update([event], ["actor_name"]),
    ):
        with pytest.raises(TypeError, match="never changed or deleted"):
            attempt()
    assert AuditEvent.objects.get().actor_name == "rita"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM archive_auditevent",
        "UPDATE archive_auditevent SET actor_name = 'nobody'",
        "UPDATE archive_auditevent SET source = ''",
        "UPDATE archive_auditevent SET actor_id = actor_id",
    ],
)
def test_the_database_refuses_change_and_removal(triggers: None, statement: str) -> None:
    _event()
    with (
        pytest.raises(DatabaseError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditEvent.objects.get().actor_name == "rita"


def test_the_name_outlives_the_account(triggers: None) -> None:
    event = _event()
    assert event.actor is not None
    event.actor.delete()
    kept = AuditEvent.objects.get()
    assert (kept.actor_id, kept.actor_name) == (None, "rita")
