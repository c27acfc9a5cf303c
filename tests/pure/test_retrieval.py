"""Identifiers of retrievals (PS3.4 C.4.2.1.4, C.4.2.2)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pydicom.dataset import Dataset

from archive.dicom.attributes import Level
from archive.dicom.identifier import PATIENT_ROOT, PATIENT_STUDY_ONLY, STUDY_ROOT, Mismatch
from archive.dicom.reader import read_header
from archive.dicom.retrieval import Retrieval, retrieval_read
from archive.dicom.tags import tag
from tests.objects import encoded


def read(levels: Any, *, relational: bool = False, **keys: Any) -> Retrieval:
    ds = Dataset()
    for keyword, value in keys.items():
        setattr(ds, keyword, value)
    header = read_header(io.BytesIO(encoded(ds)), transfer_syntax_uid="1.2.840.10008.1.2.1")
    return retrieval_read(header, levels=levels, relational=relational)


def test_each_level_is_named_and_the_last_may_be_a_list() -> None:
    found = read(
        PATIENT_ROOT,
        QueryRetrieveLevel="SERIES",
        PatientID="P1 ",
        StudyInstanceUID="1.2",
        SeriesInstanceUID=["1.2.1", "1.2.2", "1.2.1"],
    )
    assert found == Retrieval(
        Level.SERIES,
        {Level.PATIENT: ("P1",), Level.STUDY: ("1.2",), Level.SERIES: ("1.2.1", "1.2.2")},
    )


def test_other_keys_and_levels_below_do_not_count() -> None:
    found = read(
        STUDY_ROOT, QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2", SeriesInstanceUID="1.3", PatientID="X"
    )
    assert found == Retrieval(Level.STUDY, {Level.STUDY: ("1.2",)})


@pytest.mark.parametrize(
    ("levels", "keys", "offending"),
    [
        (STUDY_ROOT, {"StudyInstanceUID": "1.2"}, "QueryRetrieveLevel"),
        (STUDY_ROOT, {"QueryRetrieveLevel": "PATIENT", "PatientID": "P"}, "QueryRetrieveLevel"),
        (PATIENT_STUDY_ONLY, {"QueryRetrieveLevel": "SERIES"}, "QueryRetrieveLevel"),
        (STUDY_ROOT, {"QueryRetrieveLevel": "STUDY"}, "StudyInstanceUID"),
        (STUDY_ROOT, {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": ""}, "StudyInstanceUID"),
        (STUDY_ROOT, {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.?"}, "StudyInstanceUID"),
        (PATIENT_ROOT, {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2"}, "PatientID"),
        (STUDY_ROOT, {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": ["1.2", "1.3"],
         "SeriesInstanceUID": "1.4"}, "StudyInstanceUID"),
        ((Level.INSTANCE,), {"QueryRetrieveLevel": "IMAGE", "SOPInstanceUID": "1.2",
         "SimpleFrameList": [1]}, "SimpleFrameList"),
    ],
)  # fmt: skip
def test_what_does_not_fit_names_the_offending_key(levels: Any, keys: dict[str, Any], offending: str) -> None:
    with pytest.raises(Mismatch) as caught:
        read(levels, **keys)
    assert caught.value.tag == tag(offending)


def test_relational_retrieval_needs_its_own_level_only() -> None:
    found = read(PATIENT_ROOT, relational=True, QueryRetrieveLevel="IMAGE", SOPInstanceUID=["1", "2"])
    assert found == Retrieval(Level.INSTANCE, {Level.INSTANCE: ("1", "2")})
    with pytest.raises(Mismatch):
        read(PATIENT_ROOT, relational=True, QueryRetrieveLevel="IMAGE", PatientID="P1")
