"""Structured reports: every item of the tree, in order, with what it says."""

from __future__ import annotations

import io
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from archive.dicom.reports import Report, report_of
from archive.dicom.tree import read_tree
from tests.documents import code, content, number, reference, report
from tests.objects import part10


def read(ds: Dataset) -> Report:
    return report_of(read_tree(io.BytesIO(part10(ds))))


def test_items_come_in_reading_order_with_their_numbers() -> None:
    inner = content("CONTAINER", "Findings")
    inner.ContentSequence = Sequence(
        [content("TEXT", "Finding", TextValue="a"), content("TEXT", TextValue="b")]
    )
    found = read(report(inner, content("TEXT", "Impression", TextValue="c"))).items
    assert [(item.number, item.depth, item.text) for item in found] == [
        ("1", 0, ""),
        ("1.1", 1, ""),
        ("1.1.1", 2, "a"),
        ("1.1.2", 2, "b"),
        ("1.2", 1, "c"),
    ]
    assert found[1].concept is not None
    assert found[1].concept.text == "Findings"


def test_values_of_each_type() -> None:
    graphic = {"GraphicType": "CIRCLE", "GraphicData": [10.5, 20, 10.5, 24]}
    solid = {"GraphicType": "POINT", "GraphicData": [1, 2, 3], "ReferencedFrameOfReferenceUID": "1.2.9"}
    times = {"TemporalRangeType": "SEGMENT", "ReferencedSamplePositions": [5, 9]}
    _root, *found = read(
        report(
            content("CODE", "Side", ConceptCodeSequence=code("7771000", "SCT", "Left")),
            content("DATE", "Day", Date="20261123"),
            content("TIME", "Time", Time="024705.5"),
            content("DATETIME", "Moment", DateTime="20261123024705+0800"),
            content("PNAME", "Reader", PersonName="Wang^Xiaoming=王^小明"),
            content("UIDREF", "Tracked", UID="1.2.3"),
            content("SCOORD", "Outline", **graphic),
            content("SCOORD3D", "Spot", **solid),
            content("TCOORD", "Beat", **times),
            SpecificCharacterSet="ISO_IR 192",
        )
    ).items
    side, *texts = found[:6]
    assert side.code is not None
    assert (side.code.text, side.code.origin) == ("Left", "7771000, SCT")
    assert [item.text for item in texts] == [
        "20261123",
        "024705.5",
        "20261123024705+0800",
        "Wang^Xiaoming=王^小明",
        "1.2.3",
    ]
    outline, spot, beat = found[6:]
    assert outline.graphic is not None
    assert (outline.graphic.kind, outline.graphic.points) == ("CIRCLE", ((10.5, 20.0), (10.5, 24.0)))
    assert spot.graphic is not None
    assert (spot.graphic.points, spot.graphic.frame_of_reference) == (((1.0, 2.0, 3.0),), "1.2.9")
    assert beat.temporal is not None
    assert (beat.temporal.kind, beat.temporal.samples) == ("SEGMENT", (5, 9))


def test_numbers_have_their_unit_or_the_reason_why_there_is_none() -> None:
    floating = Dataset()
    floating.FloatingPointValue, floating.MeasurementUnitsCodeSequence = 0.0, code("mm", "UCUM", "millimeter")
    _root, length, failed, zero = read(
        report(
            content("NUM", "Length", MeasuredValueSequence=number("12.40", code("mm", "UCUM", "millimeter"))),
            content(
                "NUM",
                "Area",
                MeasuredValueSequence=Sequence([]),
                NumericValueQualifierCodeSequence=code("114006", "DCM", "Measurement failure"),
            ),
            content("NUM", "Offset", MeasuredValueSequence=Sequence([floating])),
        )
    ).items
    assert length.measured[0].value == "12.40"
    assert length.measured[0].unit is not None
    assert (length.measured[0].unit.value, length.measured[0].unit.meaning) == ("mm", "millimeter")
    assert failed.measured[0].value == ""
    assert failed.measured[0].qualifier is not None
    assert failed.measured[0].qualifier.text == "Measurement failure"
    assert zero.measured[0].value == "0"


def test_references_name_frames_segments_channels_and_the_state_they_are_shown_with() -> None:
    shown = reference(
        "1.2.5", ReferencedFrameNumber=[2, 7], ReferencedSOPSequence=Sequence([reference("1.2.6")])
    )
    _root, image, wave, back = read(
        report(
            content("IMAGE", "Key", ReferencedSOPSequence=Sequence([shown])),
            content(
                "WAVEFORM",
                ReferencedSOPSequence=Sequence([reference("1.2.7", ReferencedWaveformChannels=[1, 3])]),
            ),
            content("", relationship="INFERRED FROM", ReferencedContentItemIdentifier=[1, 1]),
        )
    ).items
    assert image.references[0].frames == (2, 7)
    assert image.references[0].presentation[0].sop_instance_uid == "1.2.6"
    assert wave.references[0].channels == (1, 3)
    assert (back.relationship, back.target) == ("INFERRED FROM", "1.1")


def test_head_says_who_verified_it_and_what_it_rests_on() -> None:
    person = Dataset()
    person.VerifyingObserverName, person.VerifyingOrganization = "Li^Lei", "Ward 5"
    person.VerificationDateTime = "20261123030000"
    series = Dataset()
    series.SeriesInstanceUID, series.ReferencedSOPSequence = "1.2.8", Sequence([reference("1.2.5")])
    study = Dataset()
    study.StudyInstanceUID, study.ReferencedSeriesSequence = "1.2.4", Sequence([series])
    found = read(
        report(
            VerificationFlag="VERIFIED",
            VerifyingObserverSequence=Sequence([person]),
            CurrentRequestedProcedureEvidenceSequence=Sequence([study]),
        )
    )
    assert (found.completion, found.verification) == ("COMPLETE", "VERIFIED")
    assert [(who.name, who.organization, who.moment) for who in found.verifiers] == [
        ("Li^Lei", "Ward 5", "20261123030000")
    ]
    assert found.evidence[0].references[0].sop_instance_uid == "1.2.5"
    assert found.uids() == {"1.2.5"}


def test_text_keeps_its_lines_and_nothing_that_is_not_seen() -> None:
    _root, item = read(
        report(content("TEXT", TextValue="one\r\ntwo\x07\u202ethree"), SpecificCharacterSet="ISO_IR 192")
    ).items
    assert item.text == "one\ntwo\ufffd\ufffdthree"


def test_report_that_breaks_off_shows_what_is_there() -> None:
    whole = part10(report(content("TEXT", TextValue="first"), content("TEXT", TextValue="second" * 20)))
    found = report_of(read_tree(io.BytesIO(whole[:-60])))
    assert found.complete is False
    assert found.items[1].text == "first"


def test_nesting_without_end_is_cut_and_does_no_harm() -> None:
    opening = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    container = b"\x40\x00\x40\xa0CS\x0a\x00CONTAINER "
    nested = container + (opening + container) * 5000
    found = report_of(read_tree(io.BytesIO(bytes(128) + b"DICM" + nested)))
    assert found.complete is False
    assert 40 < len(found.items) < 100


def test_real_report_in_latin_1_is_read_to_its_end(corpus: Path) -> None:
    with (corpus / "dicom/sr/sr-ele__pydicom__test-SR.dcm").open("rb") as file:
        found = report_of(read_tree(file))
    assert found.verifiers[0].name == "Riesmeier^Jörg"
    assert (found.completion, found.verification) == ("COMPLETE", "VERIFIED")
    diameter = next(item for item in found.items if item.value_type == "NUM")
    assert diameter.measured[0].value == "3"
    assert diameter.measured[0].unit is not None
    assert diameter.measured[0].unit.value == "cm"
