"""Key object selections: read as others write them, written as the standard wants them."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pydicom
import pytest
from pydicom.filereader import read_dataset

from archive.dicom.keyobjects import (
    KEY_OBJECTS,
    KeyObjects,
    KeyObjectsUnreadable,
    key_objects_read,
    key_objects_written,
)
from archive.dicom.made import Subject
from archive.dicom.presentation.records import Reference
from tests.objects import ct_slice, part10

pytestmark = pytest.mark.pure

CT = "1.2.840.10008.5.1.4.1.1.2"
CHOSEN = KeyObjects(
    sop_instance_uid="",
    title="113000",
    title_meaning="Of Interest",
    references=(Reference("1.2.3.1", (), CT, "1.2.3"), Reference("1.2.4.1", (2, 5), CT, "1.2.4")),
    description="左肺",
    observer="Wang^Fang",
)


def written() -> bytes:
    subject = Subject("1.2.9", "P1", "", "Wang^Fang=王^芳", "19700101", "F")
    made = key_objects_written(CHOSEN, subject, now=datetime(2026, 11, 23, 8, 15))
    return part10(read_dataset(io.BytesIO(made.data), False, True))


def test_what_was_written_is_read_back() -> None:
    found = key_objects_read(io.BytesIO(written()))
    assert [(one.sop_instance_uid, one.frames) for one in found.references] == [
        ("1.2.3.1", ()),
        ("1.2.4.1", (2, 5)),
    ]
    assert (found.title, found.title_meaning, found.description) == ("113000", "Of Interest", "左肺")
    assert (found.observer, found.created) == ("Wang^Fang", "20261123081500")


def test_the_document_is_a_key_object_selection() -> None:
    ds = pydicom.dcmread(io.BytesIO(written()))
    assert (ds.SOPClassUID, ds.Modality, ds.ValueType) == (KEY_OBJECTS, "KO", "CONTAINER")
    assert ds.ContentTemplateSequence[0].TemplateIdentifier == "2010"
    (evidence,) = ds.CurrentRequestedProcedureEvidenceSequence
    assert evidence.StudyInstanceUID == "1.2.9"
    assert [series.SeriesInstanceUID for series in evidence.ReferencedSeriesSequence] == ["1.2.3", "1.2.4"]
    assert [part.ValueType for part in ds.ContentSequence] == ["PNAME", "TEXT", "IMAGE", "IMAGE"]


def test_another_makers_tool_reads_it_as_a_document(tmp_path: Path) -> None:
    if shutil.which("dsrdump") is None:
        pytest.skip("dsrdump is not there")
    (tmp_path / "ko.dcm").write_bytes(written())
    done = subprocess.run(
        ["dsrdump", tmp_path / "ko.dcm"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Key Object Selection Document" in done.stdout
    assert "Of Interest" in done.stdout


def test_what_is_no_selection_has_a_name() -> None:
    for data, code in ((b"", "broken"), (part10(ct_slice()), "not-key-objects")):
        with pytest.raises(KeyObjectsUnreadable) as error:
            key_objects_read(io.BytesIO(data))
        assert error.value.code == code


def test_a_selection_of_another_maker(corpus: Path) -> None:
    with (corpus / "dicom" / "generated" / "ko-three-images.dcm").open("rb") as file:
        found = key_objects_read(file)
    assert (found.title_meaning, found.description) == ("Of Interest", "three key images")
    assert [one.sop_instance_uid for one in found.references] == [
        "1.113654.5.15.1512",
        "1.113654.5.15.1513",
        "1.113654.5.15.1514",
    ]
