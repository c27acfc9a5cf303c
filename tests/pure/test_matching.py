"""The value of a key, read as what a stored value has to be (PS3.4 C.2.2.2); and identifiers as a whole."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from archive.dicom.attributes import BY_KEYWORD, Level
from archive.dicom.identifier import (
    PATIENT_ROOT,
    PATIENT_STUDY_ONLY,
    STUDY_ROOT,
    Mismatch,
    Mode,
    Query,
    Unclear,
    query_read,
)
from archive.dicom.matching import BadKey, Items, Moments, Numbers, Open, Span, Texts, match_of
from archive.dicom.name_keys import name_key
from archive.dicom.names import PersonName
from archive.dicom.reader import Unreadable, read_header
from archive.dicom.wildcards import Wild, pattern_of
from tests.objects import encoded

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


def matched(keyword: str, text: str) -> Any:
    return match_of(BY_KEYWORD[keyword], text)


# ---------------------------------------------------------------------- values


@pytest.mark.parametrize(
    "keyword", ["PatientName", "PatientID", "StudyDate", "StudyTime", "SeriesNumber", "Modality"]
)
@pytest.mark.parametrize("text", ["", "  ", "*", "**", "* "])
def test_universal_matching(keyword: str, text: str) -> None:
    assert matched(keyword, text) is Open.UNIVERSAL


def test_only_uids_and_codes_are_lists() -> None:
    assert matched("StudyInstanceUID", "1.2\\1.3\\\\1.2").exact == ("1.2", "1.3")
    assert matched("Modality", "ct\\ MR ").exact == ("CT", "MR")
    assert matched("StudyDescription", "a\\b").exact == ("a\\b",)


def test_wildcards_are_literal_where_the_representation_has_none() -> None:
    assert matched("StudyInstanceUID", "1.2.*").exact == ("1.2.*",)
    for keyword, text in (("StudyDate", "2026*"), ("StudyTime", "08??"), ("SeriesNumber", "1*")):
        with pytest.raises(BadKey):
            matched(keyword, text)


def test_a_pattern_keeps_everything_but_its_wildcards() -> None:
    match = matched("StudyDescription", "50%_a[b]\\*c?")
    assert isinstance(match, Texts)
    assert match.patterns[0].tokens == ("50%_a[b]\\", Wild.ANY, "c", Wild.ONE)
    assert match.meets("50%_a[b]\\ and cx")
    assert not match.meets("50%_a[B]\\ and cx")


def test_numbers_are_compared_as_numbers() -> None:
    assert matched("SeriesNumber", "007") == Numbers((7,))
    assert matched("SeriesNumber", " +7 \\8") == Numbers((7, 8))
    assert matched("SeriesNumber", "99999999999") == Numbers(())
    for text in ("seven", "1-3", "\\"):
        with pytest.raises(BadKey):
            matched("InstanceNumber", text)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("20260105", Span("20260105", "20260105:", ("20260105", "20260105"))),
        ("2026.01.05", Span("20260105", "20260105:", ("20260105", "20260105"))),
        ("20260105-", Span("20260105", "", ("20260105", ""))),
        ("-20260105", Span("", "20260105:", ("", "20260105"))),
        ("20260105 - 20260107", Span("20260105", "20260107:", ("20260105", "20260107"))),
    ],
)
def test_dates(text: str, span: Span) -> None:
    assert matched("StudyDate", text) == span


@pytest.mark.parametrize(
    "text", ["-", "--", "2026", "20261301", "x-20260101", "20260101-20260101-20260101", "today"]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(BadKey, match="neither a date nor a range"):
        matched("StudyDate", text)


@pytest.mark.parametrize(
    ("text", "first", "behind"),
    [
        ("08", "08", "08:"),
        ("080000", "08", "080000:"),
        ("0830-0915", "0830", "0915:"),
        ("083000.500-", "083000.5", ""),
        ("-235959", "", "235959:"),
        ("08:30", "0830", "0830:"),
    ],
)
def test_times(text: str, first: str, behind: str) -> None:
    assert matched("StudyTime", text) == Span(first, behind)


@pytest.mark.parametrize("text", ["-", "25", "0860", "noon", "08-x"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadKey, match="neither a time nor a range"):
        matched("StudyTime", text)


@settings(deadline=None)
@given(st.sampled_from(["08", "0800", "080000", "080000.5", "0759", "075959.999", "0801", "09", "080001"]),
       st.sampled_from(["08", "0800", "080000", "080000.5", "0759", "09", "0801"]))  # fmt: skip
def test_a_stored_time_lies_in_the_span_of_its_own_hour_or_minute(stored: str, asked: str) -> None:
    span = match_of(BY_KEYWORD["StudyTime"], asked)
    assert isinstance(span, Span)
    moment = float(stored.partition(".")[0].ljust(6, "0") + "." + (stored.partition(".")[2] or "0"))
    first = float(asked.partition(".")[0].ljust(6, "0") + "." + (asked.partition(".")[2] or "0"))
    last = float(
        {2: asked + "5959.999999", 4: asked + "59.999999"}.get(
            len(asked), asked + ("999999" if "." in asked else ".999999")
        )
    )
    assert (span.first <= stored < span.behind) is (first <= moment <= last)


# ---------------------------------------------------------------------- patterns and names


def test_a_pattern_ends_however_it_is_made() -> None:
    """Tried in every way, these would take years."""
    assert not pattern_of("*a" * 60 + "*b").meets("a" * 5_000)
    assert not pattern_of("*?a" * 200 + "b").meets("a" * 1_000)


@settings(deadline=None)
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_patterns_mean_what_they_say(pattern: str, text: str) -> None:
    def meets(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return meets(p[1:], t) or (bool(t) and meets(p, t[1:]))
        return bool(t) and p[0] in {"?", t[0]} and meets(p[1:], t[1:])

    assert pattern_of(pattern).meets(text) is meets(pattern, text)


def test_a_name_is_universal_when_each_of_its_parts_is() -> None:
    for text in ("*=*", "*^*", "^", "=", "*=*=*", "^^^^"):
        assert name_key(text) is None


@pytest.mark.parametrize(
    ("asked", "stored", "found"),
    [
        ("wang^xiao*", "Wang^Xiaoming=王^小明", True),
        ("wang^", "Wang", True),
        ("wang", "Wang^Xiaoming", False),
        ("wang^*ming", "Wang^Xiao^Ming", True),
        ("*g^x*", "Wang^Xiaoming", True),
        ("*^li*", "Wang^Xiao^Li", False),
        ("^xiao*", "^Xiaoming", True),
        ("^xiao*", "Wang^Xiaoming", False),
        ("王小*", "Wang^Xiaoming=王^小明", True),
        ("王^小明", "王小明", True),
        ("o'brien*", "O’BRIEN^Seán", True),
        ("*sean", "O’BRIEN^Seán", True),
        ("smith jones*", "Smith  Jones^A", True),
        ("王*=wang*", "Wang^Xiaoming=王^小明", True),
        ("wang*=李*", "Wang^Xiaoming=王^小明", False),
        ("*", "", True),
        ("wang*", "", False),
    ],
)
def test_names(asked: str, stored: str, found: bool) -> None:
    key = name_key(asked)
    assert (key is None or key.meets(PersonName.parse(stored))) is found


@settings(deadline=None)
@given(st.text("王小明wang^=*? 'é", max_size=12), st.text("王小明wang^= 'é", max_size=12))
def test_what_a_name_key_says_of_beginnings_and_pieces_holds(asked: str, stored: str) -> None:
    """The database narrows by these: a name that agrees must not be lost there."""
    from archive.dicom.names import fold, terms

    key, name = name_key(asked), PersonName.parse(stored)
    if key is None or not key.meets(name):
        return
    folded = fold(" ".join(group for group in name.groups if group))
    for group in key.groups:
        begins = group.beginnings()
        assert not begins or any(term.startswith(begin) for term in terms(name) for begin in begins)
        at = 0
        for piece in (text.strip() for text in group.pieces()):
            at = folded.index(piece, at) + len(piece)


# ---------------------------------------------------------------------- identifiers


def asked(
    level: str | None,
    *,
    root: Any = STUDY_ROOT,
    mode: Mode | None = None,
    syntax: str = EXPLICIT,
    **keys: Any,
) -> Query:
    identifier = Dataset()
    if level is not None:
        identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    header = read_header(io.BytesIO(encoded(identifier, syntax)), transfer_syntax_uid=syntax)
    return query_read(header, levels=root, mode=mode or Mode())


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_keys_are_read_in_every_encoding(syntax: str) -> None:
    query = asked(
        "IMAGE", syntax=syntax, StudyInstanceUID="1.2", SeriesInstanceUID="1.3", Rows=512, InstanceNumber="1"
    )
    matches = {key.attribute.keyword: key.match for key in query.keys}
    assert query.level is Level.INSTANCE
    assert matches["Rows"] == Numbers((512,))
    assert matches["InstanceNumber"] == Numbers((1,))
    assert query.complete


@pytest.mark.parametrize(
    ("root", "level"),
    [
        (STUDY_ROOT, "PATIENT"),
        (PATIENT_STUDY_ONLY, "SERIES"),
        (PATIENT_STUDY_ONLY, "IMAGE"),
        (PATIENT_ROOT, "WORKLIST"),
        (PATIENT_ROOT, ""),
        (PATIENT_ROOT, None),
    ],
)
def test_a_level_that_the_model_does_not_have(root: Any, level: str | None) -> None:
    with pytest.raises(Mismatch, match="Query/Retrieve Level") as error:
        asked(level, root=root, PatientID="1", StudyInstanceUID="1.2", SeriesInstanceUID="1.3")
    assert error.value.tag == 0x00080052


@pytest.mark.parametrize(
    ("root", "level", "keys", "missing"),
    [
        (PATIENT_ROOT, "STUDY", {}, "PatientID is missing"),
        (PATIENT_ROOT, "STUDY", {"PatientID": "1*"}, "PatientID needs a single value"),
        (PATIENT_ROOT, "SERIES", {"PatientID": "1"}, "StudyInstanceUID is missing"),
        (STUDY_ROOT, "SERIES", {}, "StudyInstanceUID is missing"),
        (STUDY_ROOT, "SERIES", {"StudyInstanceUID": ""}, "StudyInstanceUID is missing"),
        (STUDY_ROOT, "SERIES", {"StudyInstanceUID": ["1.2", "1.3"]}, "StudyInstanceUID needs a single value"),
        (STUDY_ROOT, "IMAGE", {"StudyInstanceUID": "1.2"}, "SeriesInstanceUID is missing"),
    ],
)
def test_queries_are_hierarchical_unless_it_was_agreed_otherwise(
    root: Any, level: str, keys: dict[str, Any], missing: str
) -> None:
    with pytest.raises(Mismatch, match=missing):
        asked(level, root=root, **keys)
    assert asked(level, root=root, mode=Mode(relational=True), **keys)


def test_what_belongs_to_a_level_below_is_not_supported() -> None:
    query = asked("STUDY", Modality="CT", PatientName="")
    assert query.unsupported == (0x00080060,)
    assert not query.complete
    assert query.keys == ()
    relational = asked("STUDY", Modality="CT", mode=Mode(relational=True))
    assert relational.complete
    assert [key.attribute.keyword for key in relational.keys] == ["Modality"]


def test_what_the_index_does_not_know_is_answered_empty() -> None:
    query = asked("STUDY", PatientComments="x", StudyDate="", ReferencedStudySequence=[Dataset()])
    assert query.unsupported == (0x00081110, 0x00104000)
    assert not query.complete


def test_a_count_is_returned_and_not_matched() -> None:
    assert asked("PATIENT", root=PATIENT_ROOT, NumberOfPatientRelatedStudies=None).complete
    query = asked("PATIENT", root=PATIENT_ROOT, NumberOfPatientRelatedStudies="2")
    assert not query.complete
    assert query.unsupported == ()


def test_character_set_and_time_zone_are_no_keys() -> None:
    query = asked(
        "STUDY", SpecificCharacterSet="ISO_IR 192", TimezoneOffsetFromUTC="+0800", StudyDate="20260101"
    )
    assert query.complete
    assert [key.attribute.keyword for key in query.keys] == ["StudyDate"]


def test_ranges_of_date_and_time_become_one_when_it_was_agreed() -> None:
    both = {"StudyDate": "20260101-20260103", "StudyTime": "0800-1700"}
    apart = asked("STUDY", **both)
    assert {key.attribute.keyword for key in apart.keys} == {"StudyDate", "StudyTime"}
    [joined] = asked("STUDY", mode=Mode(combined=True), **both).keys
    assert isinstance(joined.match, Moments)
    assert (joined.match.span.first, joined.match.span.behind) == ("2026010108", "202601031700:")
    alone = asked("STUDY", mode=Mode(combined=True), StudyDate="20260101", StudyTime="0800-1700")
    assert all(isinstance(key.match, Span) for key in alone.keys)


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_the_item_of_a_sequence_holds_keys(syntax: str) -> None:
    item = Dataset()
    item.ScheduledProcedureStepID, item.RequestedProcedureID = "S1", ""
    query = asked("SERIES", syntax=syntax, StudyInstanceUID="1.2", RequestAttributesSequence=[item])
    [key] = [key for key in query.keys if key.attribute.vr == "SQ"]
    assert isinstance(key.match, Items)
    assert [inner.attribute.keyword for inner in key.match.keys] == ["ScheduledProcedureStepID"]
    assert [a.keyword for a in query.items_wanted[0x00400275]] == [
        "ScheduledProcedureStepID",
        "RequestedProcedureID",
    ]
    item.ScheduledProcedureStepStartDate = "20260101"
    assert not asked("SERIES", StudyInstanceUID="1.2", RequestAttributesSequence=[item]).complete


def test_a_value_that_means_nothing_is_named() -> None:
    with pytest.raises(Unclear, match="StudyDate is neither a date nor a range of dates") as error:
        asked("STUDY", StudyDate="20260230-")
    assert error.value.tag == 0x00080020


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_it_is_a_query_or_refused(data: bytes) -> None:
    level = b"\x08\0\x52\0CS\x06\0STUDY "
    for raw in (data, level + data):
        with contextlib.suppress(Mismatch, Unreadable):
            query_read(
                read_header(io.BytesIO(raw), transfer_syntax_uid=EXPLICIT),
                levels=STUDY_ROOT,
                mode=Mode(True, True, True),
            )
