"""The pages of steps in the admin: to look at, with what was wrong."""

from __future__ import annotations

import pytest
from django.test import Client
from pydicom.uid import ExplicitVRLittleEndian

from dicomnet.models import AENode, PerformedStep
from dicomnet.mpps import Message, performed_create, performed_set
from dicomnet.worklist import step_schedule
from tests import objects, people
from tests.plans import planned
from tests.reports import begun, ended

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> Client:
    client.force_login(people.ada_administrator(), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def step() -> PerformedStep:
    step_schedule(planned=planned(study_instance_uid="1.2.3", step_id="S1"), by_name="test")
    for report, ds in (
        (performed_create, begun("1.2.3", PatientID="9", Modality=None)),
        (performed_set, ended()),
    ):
        data = objects.encoded(ds)
        report(sop_instance_uid="1.9", message=Message(data, ExplicitVRLittleEndian, source="CT1"))
    return PerformedStep.objects.get()


def test_performed_steps_are_listed_and_found(ada: Client, step: PerformedStep) -> None:
    assert "曾嘉怡" in ada.get("/admin/dicomnet/performedstep/").content.decode()
    assert "曾嘉怡" in ada.get("/admin/dicomnet/performedstep/?q=LB1001").content.decode()
    assert "曾嘉怡" not in ada.get("/admin/dicomnet/performedstep/?q=LB9").content.decode()


def test_a_performed_step_says_what_was_wrong_and_where_it_belongs(ada: Client, step: PerformedStep) -> None:
    page = ada.get(f"/admin/dicomnet/performedstep/{step.pk}/change/").content.decode()
    assert "(0008,0060) Modality" in page
    assert "Another patient ID than on the worklist." in page
    assert f"/worklist/{step.references.get().scheduled_id}/" in page
    assert "N-CREATE" in page
    assert "2026-11-25 09:05:12" in page


def test_scheduled_steps_are_listed(ada: Client, step: PerformedStep) -> None:
    scheduled = step.references.get().scheduled_id
    assert "曾嘉怡" in ada.get("/admin/dicomnet/scheduledstep/?q=zeng").content.decode()
    page = ada.get(f"/admin/dicomnet/scheduledstep/{scheduled}/change/").content.decode()
    assert f"/worklist/{scheduled}/" in page


def test_a_node_says_what_its_worklist_is_written_in(ada: Client) -> None:
    node = AENode.objects.create(ae_title="CT1", host="h", port=104, worklist_charset="ISO_IR 126")
    page = ada.get(f"/admin/dicomnet/aenode/{node.pk}/change/").content.decode()
    assert '<option value="ISO_IR 126" selected>' in page
    assert 'name="worklist_name_form"' in page
