"""Step reports over DIMSE, as pynetdicom sends them: every status, and what the worklist says afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    ModalityWorklistInformationFind,
)

from tests.reports import begun, ended
from tests.wire.server import Scp, folder_copy
from tests.wire.test_worklist import plan

MPPS, RETRIEVE = ModalityPerformedProcedureStep, ModalityPerformedProcedureStepRetrieve


@pytest.fixture(scope="module")
def server(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scp]:
    data_dir = folder_copy(prepared, tmp_path_factory.mktemp("mpps") / "data")
    plan(
        data_dir,
        [{"study_instance_uid": f"1.2.826.{number}", "step_id": f"S{number}"} for number in range(1, 6)],
    )
    scp = Scp(data_dir)
    scp.node("CT1", allow_worklist=1, allow_mpps=1)
    yield scp
    scp.stop()


@pytest.fixture
def modality(server: Scp) -> Iterator[Association]:
    ae = AE("CT1")
    for uid in (MPPS, RETRIEVE, ModalityWorklistInformationFind):
        ae.add_requested_context(uid)
    association = ae.associate("127.0.0.1", server.port, ae_title="LIGHTBOX")
    assert association.is_established
    yield association
    association.release()


def create(modality: Association, ds: Dataset, uid: str | None) -> Dataset:
    status, _ = modality.send_n_create(ds, MPPS, uid)
    return status


def listed(modality: Association) -> list[str]:
    """The step IDs on the worklist."""
    ds, step = Dataset(), Dataset()
    step.ScheduledProcedureStepID = ""
    ds.ScheduledProcedureStepSequence = [step]
    found = modality.send_c_find(ds, ModalityWorklistInformationFind)
    return [
        item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID
        for _, item in found
        if item is not None
    ]


def test_a_completed_step_leaves_the_worklist(server: Scp, modality: Association) -> None:
    uid = generate_uid()
    assert "S1" in listed(modality)
    assert create(modality, begun("1.2.826.1", "S1"), uid).Status == 0x0000
    assert "S1" in listed(modality)
    status, _ = modality.send_n_set(ended(instances=["1.1", "1.2"]), MPPS, uid)
    assert status.Status == 0x0000
    assert "S1" not in listed(modality)
    [(state, series)] = server.query(
        "SELECT state, series_count FROM dicomnet_performedstep WHERE sop_instance_uid = ?", uid
    )
    assert (state, series) == ("COMPLETED", 1)
    messages = server.query("SELECT operation, length(data_set) FROM dicomnet_performedmessage ORDER BY id")
    assert [operation for operation, size in messages[-2:] if size] == ["N-CREATE", "N-SET"]


def test_the_wrong_entry_goes_back_on_the_worklist(modality: Association) -> None:
    uid = generate_uid()
    create(modality, begun("1.2.826.2", "S2"), uid)
    status, _ = modality.send_n_set(ended("DISCONTINUED", reason="110514"), MPPS, uid)
    assert status.Status == 0x0000
    assert "S2" in listed(modality)


def test_any_other_reason_closes_it(modality: Association) -> None:
    uid = generate_uid()
    create(modality, begun("1.2.826.3", "S3"), uid)
    modality.send_n_set(ended("DISCONTINUED", reason="110513"), MPPS, uid)
    assert "S3" not in listed(modality)


def test_an_unscheduled_step_is_accepted(modality: Association) -> None:
    uid = generate_uid()
    assert create(modality, begun(generate_uid(), "", ""), uid).Status == 0x0000
    status, _ = modality.send_n_set(ended(), MPPS, uid)
    assert status.Status == 0x0000


def test_a_step_without_a_uid_is_told_its_own(server: Scp, modality: Association) -> None:
    told: list[str] = []

    def heard(event: evt.Event) -> None:
        told.append(event.message.command_set.get("AffectedSOPInstanceUID", ""))

    modality.bind(evt.EVT_DIMSE_RECV, heard)
    assert create(modality, begun("1.2.826.4", "S4"), None).Status == 0x0000
    modality.unbind(evt.EVT_DIMSE_RECV, heard)
    [uid] = told
    assert uid.startswith("2.25.")
    status, _ = modality.send_n_set(ended(), MPPS, uid)
    assert status.Status == 0x0000


def test_every_refusal_has_its_status(modality: Association) -> None:
    uid = generate_uid()
    assert create(modality, begun("1.2", PerformedProcedureStepStatus="COMPLETED"), uid).Status == 0x0106
    assert create(modality, begun("1.2", PerformedProcedureStepStatus=None), uid).Status == 0x0120
    assert create(modality, begun("1.2", PerformedProcedureStepStatus=""), uid).Status == 0x0121
    assert modality.send_n_set(ended(), MPPS, uid)[0].Status == 0x0112
    assert create(modality, begun("1.2"), uid).Status == 0x0000
    assert create(modality, begun("1.2"), uid).Status == 0x0111
    assert modality.send_n_set(ended("OVER"), MPPS, uid)[0].Status == 0x0106
    status, _ = modality.send_n_set(ended(PerformedSeriesSequence=[]), MPPS, uid)
    assert (status.Status, identifiers(status)) == (0x0121, ["PerformedSeriesSequence"])
    assert modality.send_n_set(ended(), MPPS, uid)[0].Status == 0x0000
    status, _ = modality.send_n_set(ended("DISCONTINUED"), MPPS, uid)
    assert (status.Status, status.ErrorID) == (0x0110, 0xA710)
    assert status.ErrorComment == "Performed Procedure Step Object may no longer be updated"


def identifiers(status: Dataset) -> list[str]:
    from pydicom.datadict import keyword_for_tag

    value: Any = status.AttributeIdentifierList
    return [keyword_for_tag(Tag(one)) for one in (value if isinstance(value, list) else [value])]


def test_sloppy_reports_are_kept_with_a_warning(modality: Association) -> None:
    uid = generate_uid()
    status = create(modality, begun("1.2", Modality=None), uid)
    assert status.Status == 0x0107
    status, _ = modality.send_n_set(ended(PerformedProcedureStepEndDate="today"), MPPS, uid)
    assert status.Status == 0x0107


def test_a_step_is_got_back(modality: Association) -> None:
    uid = generate_uid()
    create(modality, begun("1.2.826.77", "S1"), uid)
    modality.send_n_set(ended(instances=["1.1"]), MPPS, uid)
    status, found = modality.send_n_get([], RETRIEVE, uid)
    assert status.Status == 0x0000
    assert str(found.PatientName) == "曾^嘉怡"
    assert found.PerformedProcedureStepStatus == "COMPLETED"
    assert found.PerformedProcedureStepStartTime == "090512"
    assert found.PerformedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.1"
    _, some = modality.send_n_get([Tag("PatientID"), Tag("Modality")], RETRIEVE, uid)
    assert {element.keyword for element in some} == {"PatientID", "Modality"}
    assert modality.send_n_get([], RETRIEVE, "1.2.3.4")[0].Status == 0x0112


def test_retrieve_does_not_create(modality: Association) -> None:
    status, _ = modality.send_n_create(begun("1.2"), RETRIEVE, generate_uid())
    assert status.Status == 0x0211


def test_a_node_without_the_right_reports_nothing(server: Scp) -> None:
    ae = AE("PYNETDICOM")
    ae.add_requested_context(MPPS)
    association = ae.associate("127.0.0.1", server.port, ae_title="LIGHTBOX")
    assert not association.accepted_contexts
    association.abort()
