"""Builders of what is planned. Append small functions."""

from __future__ import annotations

import io
from datetime import date, time
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from dicomnet.worklist import Planned


def planned(**changes: Any) -> Planned:
    """A chest CT of one person at nine."""
    said: dict[str, Any] = {
        "name_ideographic": "曾^嘉怡",
        "patient_id": "00734410",
        "birth_date": "20180316",
        "sex": "F",
        "modality": "CT",
        "accession_number": "LB1001",
        "station_ae_titles": "CT1",
        "start_date": date(2026, 11, 25),
        "start_time": time(9, 0),
        "step_description": "胸部平扫",
        "requested_procedure_description": "胸部 CT",
    }
    return Planned(**said | changes)


def worklist_item(**changes: Any) -> Dataset:
    """A worklist item as a .wl file holds it; ``changes`` of the step begin with ``step_``."""
    ds, step = Dataset(), Dataset()
    ds.SpecificCharacterSet = "GB18030"
    ds.AccessionNumber, ds.PatientName, ds.PatientID = "A77", "Li^Na=李^娜", "00519926"
    ds.PatientBirthDate, ds.PatientSex, ds.StudyInstanceUID = "19970503", "F", "1.2.826.77"
    ds.RequestedProcedureID, ds.RequestedProcedureDescription = "RP77", "头颅平扫"
    step.Modality, step.ScheduledStationAETitle = "MR", "MR2"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20261125", "093000"
    step.ScheduledProcedureStepID, step.ScheduledProcedureStepDescription = "S1", "T1 T2"
    for keyword, value in changes.items():
        place, name = (step, keyword.removeprefix("step_")) if keyword.startswith("step_") else (ds, keyword)
        if value is None:
            delattr(place, name)
        else:
            setattr(place, name, value)
    ds.ScheduledProcedureStepSequence = [step]
    return ds


def worklist_file(ds: Dataset) -> bytes:
    """The item as a .wl file."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = "1.2.276.0.7230010.3.1.0.1"
    ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
