"""The one table of attributes: keyword, tag, level, VR, and what a query may do with it.

Types follow PS3.4 C.6.1.1 and C.6.2.1: U unique key, R required, O optional. Read by extraction,
search, C-FIND and QIDO, so that they cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydicom.datadict import dictionary_VR, tag_for_keyword


class Level(StrEnum):
    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    INSTANCE = "IMAGE"


class KeyType(StrEnum):
    UNIQUE = "U"
    REQUIRED = "R"
    OPTIONAL = "O"


class Kept(StrEnum):
    """Where an attribute's value comes from."""

    COLUMN = "column"  # of the model of its level
    FACT = "fact"  # a display fact of the instance (``archive.dicom.facts``)
    COUNTED = "counted"  # counted when it is asked for; never matched
    GATHERED = "gathered"  # of the instances of a study, when it is asked for
    SAID = "said"  # the same for everything: what the archive says of itself
    ITEMS = "items"  # rows below the one of its level, an item each


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of the information model.

    ``field`` is its column on the model of its level, or the name under which it is kept elsewhere;
    ``items`` are the attributes of a sequence's items.
    """

    keyword: str
    tag: int
    level: Level
    vr: str
    key: KeyType
    field: str
    kept: Kept = Kept.COLUMN
    items: tuple[Attribute, ...] = ()


_Row = (
    tuple[str, KeyType, str]
    | tuple[str, KeyType, str, Kept]
    | tuple[str, KeyType, str, Kept, tuple[Attribute, ...]]
)


def _attribute(level: Level, row: _Row) -> Attribute:
    keyword, key, field, *rest = row
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return Attribute(keyword, tag, level, dictionary_VR(tag), key, field, *rest)


_U, _R, _O = KeyType.UNIQUE, KeyType.REQUIRED, KeyType.OPTIONAL
# What a series was requested by (PS3.3 10.6): of its items, what tells a request from another.
_REQUEST: Final = tuple(
    _attribute(Level.SERIES, (keyword, _O, field))
    for keyword, field in (
        ("ScheduledProcedureStepID", "scheduled_procedure_step_id"),
        ("RequestedProcedureID", "requested_procedure_id"),
        ("ScheduledProcedureStepDescription", "scheduled_procedure_step_description"),
        ("RequestedProcedureDescription", "requested_procedure_description"),
    )
)
_ROWS: Final[dict[Level, tuple[_Row, ...]]] = {
    Level.PATIENT: (
        ("PatientID", _U, "patient_id"),
        ("PatientName", _R, "patient_name"),
        ("IssuerOfPatientID", _O, "issuer_of_patient_id"),
        ("PatientBirthDate", _O, "birth_date"),
        ("PatientSex", _O, "sex"),
        ("NumberOfPatientRelatedStudies", _O, "studies", Kept.COUNTED),
        ("NumberOfPatientRelatedSeries", _O, "series", Kept.COUNTED),
        ("NumberOfPatientRelatedInstances", _O, "instances", Kept.COUNTED),
        ("RetrieveAETitle", _O, "ae_title", Kept.SAID),
        ("InstanceAvailability", _O, "availability", Kept.SAID),
    ),
    Level.STUDY: (
        ("StudyInstanceUID", _U, "study_instance_uid"),
        ("StudyDate", _R, "study_date"),
        ("StudyTime", _R, "study_time"),
        ("AccessionNumber", _R, "accession_number"),
        ("StudyID", _R, "study_id"),
        ("StudyDescription", _O, "description"),
        ("ReferringPhysicianName", _O, "referring_physician_name"),
        ("InstitutionName", _O, "institution_name"),
        ("ModalitiesInStudy", _O, "modalities"),
        ("SOPClassesInStudy", _O, "sop_class_uid", Kept.GATHERED),
        ("NumberOfStudyRelatedSeries", _O, "number_of_series"),
        ("NumberOfStudyRelatedInstances", _O, "number_of_instances"),
    ),
    Level.SERIES: (
        ("SeriesInstanceUID", _U, "series_instance_uid"),
        ("Modality", _R, "modality"),
        ("SeriesNumber", _R, "series_number"),
        ("SeriesDescription", _O, "description"),
        ("BodyPartExamined", _O, "body_part"),
        ("Laterality", _O, "laterality"),
        ("ProtocolName", _O, "protocol_name"),
        ("SeriesDate", _O, "series_date"),
        ("SeriesTime", _O, "series_time"),
        ("StationName", _O, "station_name"),
        ("Manufacturer", _O, "manufacturer"),
        ("FrameOfReferenceUID", _O, "frame_of_reference_uid"),
        ("NumberOfSeriesRelatedInstances", _O, "number_of_instances"),
        ("RequestAttributesSequence", _O, "requests", Kept.ITEMS, _REQUEST),
    ),
    Level.INSTANCE: (
        ("SOPInstanceUID", _U, "sop_instance_uid"),
        ("InstanceNumber", _R, "instance_number"),
        ("SOPClassUID", _O, "sop_class_uid"),
        ("AvailableTransferSyntaxUID", _O, "transfer_syntax_uid"),
        ("Rows", _O, "rows"),
        ("Columns", _O, "columns"),
        ("NumberOfFrames", _O, "number_of_frames"),
        ("ContentDate", _O, "content_date", Kept.FACT),
        ("ContentTime", _O, "content_time", Kept.FACT),
        ("AcquisitionDate", _O, "acquisition_date", Kept.FACT),
        ("AcquisitionTime", _O, "acquisition_time", Kept.FACT),
        ("AcquisitionNumber", _O, "acquisition_number", Kept.FACT),
        ("ImageType", _O, "image_type", Kept.FACT),
        ("ImageComments", _O, "image_comments", Kept.FACT),
        ("PhotometricInterpretation", _O, "photometric_interpretation", Kept.FACT),
        ("BitsAllocated", _O, "bits_allocated", Kept.FACT),
        ("BitsStored", _O, "bits_stored", Kept.FACT),
    ),
}

ATTRIBUTES: Final = tuple(_attribute(level, row) for level, rows in _ROWS.items() for row in rows)
BY_KEYWORD: Final = {attribute.keyword: attribute for attribute in ATTRIBUTES}
BY_TAG: Final = {attribute.tag: attribute for attribute in ATTRIBUTES}


def attributes_of(level: Level) -> tuple[Attribute, ...]:
    """The attributes of one level, the unique key first."""
    return tuple(attribute for attribute in ATTRIBUTES if attribute.level is level)
