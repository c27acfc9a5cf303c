"""Objects that the archive makes itself of what people did: what all of them have in common.

Texts are written as UTF-8 (ISO_IR 192), which holds every script.
"""

from __future__ import annotations

import io
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from archive.dicom.charset import UTF_8
from archive.dicom.values import clip

MANUFACTURER: Final = "Lightbox PACS"
SYNTAX: Final = str(ExplicitVRLittleEndian)
_DATE: Final = re.compile(r"[0-9]{8}")
_TIME: Final = re.compile(r"[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose study an object is made for, as the archive's index has it."""

    study_instance_uid: str
    patient_id: str = ""
    issuer: str = ""
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""
    study_id: str = ""
    accession_number: str = ""
    study_date: str = ""
    study_time: str = ""
    description: str = ""
    referring_physician_name: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """An object ready to be taken in: its names, and the data set in ``SYNTAX``."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    data: bytes


def new_uid() -> str:
    """A UID of its own, under 2.25 (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def data_set_begun(
    subject: Subject,
    *,
    sop_class_uid: str,
    modality: str,
    series_number: int,
    description: str,
    now: datetime,
) -> Dataset:
    """Patient, General Study, Series, General Equipment and SOP Common modules (PS3.3 C.7, C.12.1)."""
    ds = Dataset()
    ds.SpecificCharacterSet = UTF_8
    ds.InstanceCreationDate, ds.InstanceCreationTime = f"{now:%Y%m%d}", f"{now:%H%M%S}"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class_uid, new_uid()
    ds.PatientName, ds.PatientID = subject.patient_name, clip(subject.patient_id, 64)
    if subject.issuer:
        ds.IssuerOfPatientID = clip(subject.issuer, 64)
    ds.PatientBirthDate = _matching(_DATE, subject.birth_date)
    ds.PatientSex = subject.sex if subject.sex in {"M", "F", "O"} else ""
    ds.StudyInstanceUID, ds.StudyID = subject.study_instance_uid, clip(subject.study_id, 16)
    ds.StudyDate = _matching(_DATE, subject.study_date)
    ds.StudyTime = _matching(_TIME, subject.study_time)
    ds.AccessionNumber = clip(subject.accession_number, 16)
    ds.ReferringPhysicianName = subject.referring_physician_name
    ds.StudyDescription = clip(subject.description, 64)
    ds.Modality, ds.SeriesInstanceUID, ds.SeriesNumber = modality, new_uid(), series_number
    ds.SeriesDescription = clip(description, 64)
    ds.SeriesDate, ds.SeriesTime = f"{now:%Y%m%d}", f"{now:%H%M%S}"
    ds.InstanceNumber = 1
    ds.Manufacturer = MANUFACTURER
    ds.ManufacturerModelName = MANUFACTURER
    return ds


def _matching(pattern: re.Pattern[str], text: str) -> str:
    return text if pattern.fullmatch(text) else ""


def made_of(ds: Dataset) -> Made:
    buffer = io.BytesIO()
    ds.save_as(buffer, implicit_vr=False, little_endian=True)
    return Made(str(ds.SOPClassUID), str(ds.SOPInstanceUID), str(ds.SeriesInstanceUID), buffer.getvalue())


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """A coded entry, PS3.3 8.8."""
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds
