"""Builders of step reports (PS3.4 F.7). Append small functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, generate_uid

CODES = {
    "110513": "Discontinued for unspecified reason",
    "110514": "Incorrect worklist entry selected",
    "110501": "Equipment failure",
    "110507": "Patient did not arrive",
}


def begun(study_uid: str, step_id: str = "S1", accession: str = "LB1001", **changes: Any) -> Dataset:
    """An N-CREATE data set of a step that answers to one scheduled step; None removes an attribute."""
    ds, reference = Dataset(), Dataset()
    ds.SpecificCharacterSet = "GB18030"
    reference.StudyInstanceUID, reference.AccessionNumber = study_uid, accession
    reference.RequestedProcedureID, reference.ScheduledProcedureStepID = "RP1", step_id
    reference.ReferencedStudySequence, reference.ScheduledProtocolCodeSequence = [], []
    reference.RequestedProcedureDescription = reference.ScheduledProcedureStepDescription = ""
    ds.ScheduledStepAttributesSequence = [reference]
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "曾^嘉怡", "00734410", "20180316", "F"
    ds.ReferencedPatientSequence = []
    ds.PerformedProcedureStepID, ds.PerformedStationAETitle = "PPS1", "CT1"
    ds.PerformedStationName = ds.PerformedLocation = ""
    ds.PerformedProcedureStepStartDate, ds.PerformedProcedureStepStartTime = "20261125", "090512"
    ds.PerformedProcedureStepStatus = "IN PROGRESS"
    ds.PerformedProcedureStepDescription = ds.PerformedProcedureTypeDescription = ""
    ds.ProcedureCodeSequence = []
    ds.PerformedProcedureStepEndDate = ds.PerformedProcedureStepEndTime = ""
    ds.Modality, ds.StudyID = "CT", ""
    ds.PerformedProtocolCodeSequence, ds.PerformedSeriesSequence = [], []
    return changed(ds, changes)


def ended(
    state: str = "COMPLETED", instances: Sequence[str] = (), *, reason: str = "", **changes: Any
) -> Dataset:
    """An N-SET data set of a step that is over and made these instances in one series."""
    ds, series = Dataset(), Dataset()
    ds.PerformedProcedureStepStatus = state
    ds.PerformedProcedureStepEndDate, ds.PerformedProcedureStepEndTime = "20261125", "092000"
    series.PerformingPhysicianName = series.OperatorsName = ""
    series.ProtocolName, series.SeriesDescription = "Chest", "Soft"
    series.SeriesInstanceUID, series.RetrieveAETitle = generate_uid(), ""
    series.ReferencedImageSequence, series.ReferencedNonImageCompositeSOPInstanceSequence = [], []
    for uid in instances:
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = CTImageStorage, uid
        series.ReferencedImageSequence.append(image)
    ds.PerformedSeriesSequence = [series]
    if reason:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = reason, "DCM", CODES[reason]
        ds.PerformedProcedureStepDiscontinuationReasonCodeSequence = [code]
    return changed(ds, changes)


def changed(ds: Dataset, changes: dict[str, Any]) -> Dataset:
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds
