"""An object's header to frozen, clean records: what the index keeps.

Everything that patient data can contain is taken: clipped where it is too long for its column,
never a reason to refuse an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydicom.uid import MediaStorageDirectoryStorage

from archive.dicom import values
from archive.dicom.facts import DisplayFacts, facts_of
from archive.dicom.header import Header, Values
from archive.dicom.names import PersonName
from archive.dicom.source import Unreadable
from archive.dicom.tags import tag

__all__ = [
    "DisplayFacts",
    "InstanceRecord",
    "PatientRecord",
    "RequestRecord",
    "SeriesRecord",
    "StudyRecord",
    "extract",
]


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """Who the object says it is of. Birth date ``YYYYMMDD`` or the part that is known; sex upper case."""

    patient_id: str
    issuer: str
    name: PersonName
    name_raw: str
    birth_date: str
    sex: str


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """The study level. ``uid_derived``: the object names no usable study, the UID was made from its own."""

    study_instance_uid: str
    uid_derived: bool
    study_id: str
    accession_number: str
    study_date: str
    study_time: str
    description: str
    referring_physician_name: str
    institution_name: str


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """An item of Request Attributes Sequence (PS3.3 10.6): what the series was requested by."""

    scheduled_procedure_step_id: str
    requested_procedure_id: str
    scheduled_procedure_step_description: str
    requested_procedure_description: str


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """The series level. ``uid_derived`` as for the study."""

    series_instance_uid: str
    uid_derived: bool
    modality: str
    series_number: int | None
    description: str
    body_part: str
    laterality: str
    protocol_name: str
    series_date: str
    series_time: str
    station_name: str
    manufacturer: str
    frame_of_reference_uid: str
    requests: tuple[RequestRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """One object. ``number_of_frames`` is 0 for an object without pixel data."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    instance_number: int | None
    rows: int | None
    columns: int | None
    number_of_frames: int
    patient: PatientRecord
    study: StudyRecord
    series: SeriesRecord
    display: DisplayFacts
    warnings: tuple[str, ...]


_SOP_CLASS_UID, _SOP_INSTANCE_UID = tag("SOPClassUID"), tag("SOPInstanceUID")
_MEDIA_SOP_CLASS_UID = tag("MediaStorageSOPClassUID")
_MEDIA_SOP_INSTANCE_UID = tag("MediaStorageSOPInstanceUID")
_PATIENT_ID, _ISSUER, _NAME = tag("PatientID"), tag("IssuerOfPatientID"), tag("PatientName")
_BIRTH_DATE, _SEX = tag("PatientBirthDate"), tag("PatientSex")
_STUDY_UID, _SERIES_UID = tag("StudyInstanceUID"), tag("SeriesInstanceUID")
_STUDY_ID, _ACCESSION = tag("StudyID"), tag("AccessionNumber")
_STUDY_DATE, _STUDY_TIME = tag("StudyDate"), tag("StudyTime")
_STUDY_DESCRIPTION, _REFERRING = tag("StudyDescription"), tag("ReferringPhysicianName")
_INSTITUTION, _MODALITY = tag("InstitutionName"), tag("Modality")
_SERIES_NUMBER, _SERIES_DESCRIPTION = tag("SeriesNumber"), tag("SeriesDescription")
_BODY_PART, _LATERALITY = tag("BodyPartExamined"), tag("Laterality")
_PROTOCOL, _STATION, _MANUFACTURER = tag("ProtocolName"), tag("StationName"), tag("Manufacturer")
_SERIES_DATE, _SERIES_TIME = tag("SeriesDate"), tag("SeriesTime")
_FRAME_OF_REFERENCE, _INSTANCE_NUMBER = tag("FrameOfReferenceUID"), tag("InstanceNumber")
_ROWS, _COLUMNS, _FRAMES = tag("Rows"), tag("Columns"), tag("NumberOfFrames")
_REQUESTS = tag("RequestAttributesSequence")
_STEP_ID, _STEP_DESCRIPTION = tag("ScheduledProcedureStepID"), tag("ScheduledProcedureStepDescription")
_REQUESTED_ID, _REQUESTED_DESCRIPTION = tag("RequestedProcedureID"), tag("RequestedProcedureDescription")
_BITS_ALLOCATED, _SAMPLES = tag("BitsAllocated"), tag("SamplesPerPixel")
_PHOTOMETRIC = tag("PhotometricInterpretation")

_MOST: Final = 2**31 - 1  # of a 32-bit column


def extract(
    header: Header,
    *,
    sop_class_uid: str | None = None,
    sop_instance_uid: str | None = None,
    default_charset: str = "",
    default_issuer: str = "",
) -> InstanceRecord:
    """The records of an object.

    ``sop_class_uid`` and ``sop_instance_uid`` are what the sender's command named: they help out
    when the data set has none. Raises ``Unreadable`` only for an object that cannot be told from
    others (no or impossible SOP UIDs) or is none (a DICOMDIR).
    """
    source = Values(header.values.elements, [], big_endian=header.big_endian, default_charset=default_charset)
    header.values = source
    warnings = list(header.warnings)
    class_uid = _object_uid(header, _SOP_CLASS_UID, _MEDIA_SOP_CLASS_UID, sop_class_uid, warnings)
    if class_uid == MediaStorageDirectoryStorage:
        raise Unreadable("dicomdir", "an index of a medium, not an object")
    uid = _object_uid(header, _SOP_INSTANCE_UID, _MEDIA_SOP_INSTANCE_UID, sop_instance_uid, warnings)
    frames = _frames(header)
    if frames and _pixels_short(header, frames):
        warnings.append("pixel-data-truncated")
    return InstanceRecord(
        sop_class_uid=class_uid,
        sop_instance_uid=uid,
        transfer_syntax_uid=values.uid(header.transfer_syntax_uid),
        instance_number=_number(source, _INSTANCE_NUMBER),
        rows=_size(source, _ROWS),
        columns=_size(source, _COLUMNS),
        number_of_frames=frames,
        patient=_patient(source, default_issuer),
        study=_study(source, uid, warnings),
        series=_series(source, uid, warnings),
        display=facts_of(header),
        warnings=tuple(dict.fromkeys(warnings)),
    )


_MISSING: Final = {_SOP_CLASS_UID: "no-sop-class-uid", _SOP_INSTANCE_UID: "no-sop-instance-uid"}


def _object_uid(header: Header, own: int, media: int, named: str | None, warnings: list[str]) -> str:
    """The data set's, else the command's, else the meta header's."""
    for found in (header.uid(own), values.uid(named or ""), header.meta.uid(media)):
        if found:
            if named and found != named.strip(" \0"):
                warnings.append("uid-differs-from-command")
            return found
    sent = header.text(own) or (named or "").strip(" \0")
    if sent:
        raise Unreadable("bad-uid", f"({own:08X}) holds {values.clip(sent, 100)}")
    raise Unreadable(_MISSING[own], "neither the data set nor its sender names one")


def _patient(source: Values, default_issuer: str) -> PatientRecord:
    raw = values.clip(source.text(_NAME), 1024)
    return PatientRecord(
        patient_id=values.clip(source.text(_PATIENT_ID)),
        issuer=values.clip(source.text(_ISSUER) or default_issuer),
        name=PersonName.parse(raw),
        name_raw=raw,
        birth_date=values.birth_date(source.text(_BIRTH_DATE)),
        sex=values.clip(source.text(_SEX).upper(), 16),
    )


def _group_uid(source: Values, wanted: int, uid: str, kind: str, warnings: list[str]) -> tuple[str, bool]:
    """A study's or series' UID; a missing one follows from the object, an impossible one from its text."""
    found = source.uid(wanted)
    if found:
        return found, False
    sent = source.text(wanted)
    warnings.append(f"{kind}-uid-derived")
    return values.derived_uid(kind, sent or uid), True


def _study(source: Values, uid: str, warnings: list[str]) -> StudyRecord:
    study_uid, derived = _group_uid(source, _STUDY_UID, uid, "study", warnings)
    date, time = source.text(_STUDY_DATE), source.text(_STUDY_TIME)
    record = StudyRecord(
        study_instance_uid=study_uid,
        uid_derived=derived,
        study_id=values.clip(source.text(_STUDY_ID)),
        accession_number=values.clip(source.text(_ACCESSION)),
        study_date=values.date(date),
        study_time=values.time(time),
        description=values.clip(source.text(_STUDY_DESCRIPTION), 1024),
        referring_physician_name=values.clip(source.text(_REFERRING).strip("^="), 1024),
        institution_name=values.clip(source.text(_INSTITUTION)),
    )
    if (date and not record.study_date) or (time and not record.study_time):
        warnings.append("study-date-illegal")
    return record


def _series(source: Values, uid: str, warnings: list[str]) -> SeriesRecord:
    series_uid, derived = _group_uid(source, _SERIES_UID, uid, "series", warnings)
    return SeriesRecord(
        series_instance_uid=series_uid,
        uid_derived=derived,
        modality=values.clip(source.text(_MODALITY).upper(), 16),
        series_number=_number(source, _SERIES_NUMBER),
        description=values.clip(source.text(_SERIES_DESCRIPTION), 1024),
        body_part=values.clip(source.text(_BODY_PART), 64),
        laterality=values.clip(source.text(_LATERALITY), 16),
        protocol_name=values.clip(source.text(_PROTOCOL)),
        series_date=values.date(source.text(_SERIES_DATE)),
        series_time=values.time(source.text(_SERIES_TIME)),
        station_name=values.clip(source.text(_STATION)),
        manufacturer=values.clip(source.text(_MANUFACTURER)),
        frame_of_reference_uid=source.uid(_FRAME_OF_REFERENCE),
        requests=tuple(dict.fromkeys(map(_request, source.items(_REQUESTS)))),
    )


def _request(item: Values) -> RequestRecord:
    return RequestRecord(
        scheduled_procedure_step_id=values.clip(item.text(_STEP_ID), 64),
        requested_procedure_id=values.clip(item.text(_REQUESTED_ID), 64),
        scheduled_procedure_step_description=values.clip(item.text(_STEP_DESCRIPTION)),
        requested_procedure_description=values.clip(item.text(_REQUESTED_DESCRIPTION)),
    )


def _number(source: Values, wanted: int) -> int | None:
    number = source.integer(wanted)
    return number if number is not None and abs(number) <= _MOST else None


def _size(source: Values, wanted: int) -> int | None:
    number = _number(source, wanted)
    return number if number is not None and number >= 0 else None


def _frames(header: Header) -> int:
    if header.pixel_data is None:
        return 0
    return max(1, _number(header.values, _FRAMES) or 1)


def _pixels_short(header: Header, frames: int) -> bool:
    """Whether native pixel data is shorter than rows, columns and the rest say."""
    pixels, source = header.pixel_data, header.values
    if pixels is None or pixels.length is None:
        return False
    sizes = [source.integer(wanted) for wanted in (_ROWS, _COLUMNS, _BITS_ALLOCATED)]
    bits = frames * (source.integer(_SAMPLES) or 1)
    for size in sizes:
        bits *= size or 0
    if source.text(_PHOTOMETRIC) == "YBR_FULL_422":  # two pixels share their colour: 2 bytes each
        bits = bits * 2 // 3
    return pixels.length < (bits + 7) // 8
