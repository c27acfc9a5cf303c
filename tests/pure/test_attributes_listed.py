"""The attributes of an object: all of them, named, in order, without what is too long."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import FrameType

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from archive.dicom.attributes_listed import Attribute, attributes_list
from archive.dicom.source import Unreadable
from tests.objects import ct_slice, part10


def listed(ds: Dataset, syntax: str = "1.2.840.10008.1.2.1") -> list[Attribute]:
    return attributes_list(io.BytesIO(part10(ds, syntax))).lines


def line(lines: list[Attribute], tag: str) -> Attribute:
    return next(each for each in lines if each.tag_text == tag)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_values_are_written_by_their_vr(syntax: str) -> None:
    ds = ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName="王^小明", FrameIncrementPointer=0x00181063)
    ds.add_new(0x00189087, "FD", 0.1)
    lines = listed(ds, syntax)
    assert line(lines, "(0010,0010)").value == "王^小明"
    assert line(lines, "(0028,0010)").value == "16"
    assert line(lines, "(0028,0030)").value == "0.7\\0.7"
    assert line(lines, "(0028,0009)").value == "(0018,1063)"
    assert line(lines, "(0018,9087)").value == "0.1"
    assert line(lines, "(0008,0016)").value == "1.2.840.10008.5.1.4.1.1.2 = CT Image Storage"
    assert line(lines, "(0028,0010)").name == "Rows"


def test_bulk_is_not_loaded_and_long_values_are_cut() -> None:
    lines = listed(ct_slice(ImageComments="x" * 3000, PixelData=bytes(4096)))
    pixels, text = line(lines, "(7FE0,0010)"), line(lines, "(0020,4000)")
    assert (pixels.value, pixels.length, pixels.cut) == ("", 4096, True)
    assert (len(text.value), text.length, text.cut) == (1024, 3000, True)


def test_nested_items_have_their_depth_and_number() -> None:
    inner, outer = Dataset(), Dataset()
    inner.CodeValue = "A"
    outer.PurposeOfReferenceCodeSequence = Sequence([inner])
    lines = listed(ct_slice(SourceImageSequence=Sequence([outer, Dataset()])))
    at = lines.index(line(lines, "(0008,2112)"))
    assert [(each.depth, each.tag_text, each.item, each.items) for each in lines[at : at + 6]] == [
        (0, "(0008,2112)", 0, 2),
        (1, "(FFFE,E000)", 1, None),
        (1, "(0040,A170)", 0, 1),
        (2, "(FFFE,E000)", 1, None),
        (2, "(0008,0100)", 0, None),
        (1, "(FFFE,E000)", 2, None),
    ]


def test_private_attributes_are_named_by_their_creator() -> None:
    ds = ct_slice()
    ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "1000")
    ds.private_block(0x0021, "NOBODY KNOWS", create=True).add_new(0x01, "LO", "x")
    lines = listed(ds, ImplicitVRLittleEndian)
    known, unknown = line(lines, "(0019,100C)"), line(lines, "(0021,1001)")
    assert (known.vr, known.name) == ("IS", "B_value [SIEMENS MR HEADER]")
    assert (unknown.vr, unknown.name) == ("UN", "[NOBODY KNOWS]")


def test_what_cannot_be_seen_is_shown_as_such() -> None:
    lines = listed(ct_slice(SpecificCharacterSet="ISO_IR 192", ImageComments="a\x07b\u202ec\nd"))
    assert line(lines, "(0020,4000)").value == "a\ufffdb\ufffdc ⏎ d"


def test_object_that_breaks_off_is_listed_up_to_there() -> None:
    found = attributes_list(io.BytesIO(part10(ct_slice())[:-100]))
    assert found.broken == "truncated"
    assert found.lines[-1].tag_text == "(7FE0,0010)"
    with pytest.raises(Unreadable):
        attributes_list(io.BytesIO(b"no object at all" * 20))


def test_every_real_file_that_can_be_read_is_listed(corpus: Path) -> None:
    """The counts of two files are those of another reader."""
    for name, count in (("sr/sr-ele__dcmqi__sr.dcm", 2851), ("rt/rtpl-ile__pydicom__rtplan.dcm", 150)):
        with (corpus / "dicom" / name).open("rb") as file:
            found = attributes_list(file)
        assert (len(found.lines), found.broken) == (count, "")


def test_ten_thousand_elements_take_work_in_proportion() -> None:
    """Twenty times the elements: twenty times the calls, not twenty times twenty."""

    def calls(items: int) -> int:
        entries = [Dataset() for _ in range(items)]
        for entry in entries:
            entry.CodeValue, entry.CodeMeaning, entry.CodingSchemeDesignator = "1", "one", "X"
        data = part10(ct_slice(ViewCodeSequence=Sequence(entries)))
        counted = 0

        def count(frame: FrameType, event: str, argument: object) -> None:
            nonlocal counted
            counted += 1

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            found = attributes_list(io.BytesIO(data))
        finally:
            sys.setprofile(before)
        assert len(found.lines) > items * 4
        return counted

    calls(10)  # what is made once
    assert calls(2500) < 22 * calls(125)
