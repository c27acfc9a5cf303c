"""Small data sets as bytes, read back by pydicom."""

from __future__ import annotations

import zlib

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset

from archive.dicom.tags import tag
from archive.dicom.writing import data_set_encoded

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
BIG, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"


def written(values: dict[str, object], syntax: str = EXPLICIT, charsets: str = "") -> bytes:
    return data_set_encoded(
        {tag(keyword): value for keyword, value in values.items()},
        transfer_syntax_uid=syntax,
        charsets=charsets,
    )


def test_an_element_byte_for_byte() -> None:
    assert written({"PatientID": "123"}) == b"\x10\0\x20\0LO\x04\x00123 "
    assert written({"PatientID": "123"}, IMPLICIT) == b"\x10\0\x20\0\x04\0\0\x00123 "
    assert written({"PatientID": "123"}, BIG) == b"\0\x10\0\x20LO\x00\x04123 "
    assert written({"StudyInstanceUID": "1.2"}) == b"\x20\0\x0d\0UI\x04\x001.2\0"
    assert written({"Rows": "512"}, BIG) == b"\0\x28\0\x10US\0\x02\x02\0"
    assert written({"ReferencedStudySequence": ""}) == b"\x08\0\x10\x11SQ\0\0\0\0\0\0"


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
def test_a_data_set_is_read_back(syntax: str) -> None:
    item = {tag("ScheduledProcedureStepID"): "S1", tag("RequestedProcedureDescription"): "胸部"}
    values = {
        "PatientName": "Zhang=张^小东", "Rows": "16", "ImageType": "ORIGINAL\\PRIMARY", "InstanceNumber": "",
        "RequestAttributesSequence": [item, {}],
    }  # fmt: skip
    data = written(values, syntax, "GB18030")
    assert len(data) % 2 == 0
    if syntax == DEFLATED:
        data = zlib.decompress(data, -zlib.MAX_WBITS)
    found: Dataset = read_dataset(DicomBytesIO(data), syntax == IMPLICIT, syntax != BIG)
    assert (found.SpecificCharacterSet, str(found.PatientName), found.Rows) == (
        "GB18030",
        "Zhang=张^小东",
        16,
    )
    assert list(found.ImageType) == ["ORIGINAL", "PRIMARY"]
    assert found.InstanceNumber is None
    first, second = found.RequestAttributesSequence
    assert (first.ScheduledProcedureStepID, first.RequestedProcedureDescription) == ("S1", "胸部")
    assert len(second) == 0
