"""Headers are read however they are encoded, and nothing that arrives can hurt."""

from __future__ import annotations

import contextlib
import csv
import io
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from archive.dicom.extract import InstanceRecord, extract
from archive.dicom.reader import Header, Unreadable, open_dataset, read_header
from tests.objects import ct_slice, part10

NATIVE = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]
PATIENT_NAME, ROWS, SOP_INSTANCE_UID = 0x00100010, 0x00280010, 0x00080018
UNDEFINED = b"\xff\xff\xff\xff"


def element(tag: int, vr: bytes, value: bytes = b"", length: int | None = None) -> bytes:
    """An explicit little endian element; ``length`` may lie."""
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    size = len(value) if length is None else length
    if vr in {b"OB", b"OW", b"SQ", b"UN", b"UT"}:
        return head + struct.pack("<HI", 0, size) + value
    return head + struct.pack("<H", size) + value


SQ_OPEN = element(0x00081140, b"SQ", b"", 0xFFFFFFFF)
ITEM_OPEN = b"\xfe\xff\x00\xe0" + UNDEFINED
ITEM_CLOSE, SQ_CLOSE = b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
START = element(0x00080016, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0") + element(0x00080018, b"UI", b"1.2.3.4\0")
REST = (
    element(0x00100010, b"PN", b"Doe^Jane")
    + element(0x0020000D, b"UI", b"1.2.3\0")
    + element(0x0020000E, b"UI", b"1.2.3.5\0")
    + element(0x00280010, b"US", b"\x02\0")
    + element(0x00280011, b"US", b"\x02\0")
    + element(0x00280100, b"US", b"\x08\0")
)
PIXELS = element(0x7FE00010, b"OB", b"\x01\x02\x03\x04")


def meta(syntax: str = ExplicitVRLittleEndian) -> bytes:
    padded = syntax.encode() + b"\0" * (len(syntax) % 2)
    return b"\0" * 128 + b"DICM" + element(0x00020010, b"UI", padded)


def read(data: bytes, **options: str) -> Header:
    return read_header(io.BytesIO(data), **options)


def record_of(data: bytes) -> InstanceRecord:
    return extract(read(data))


@pytest.mark.parametrize("syntax", NATIVE)
def test_every_native_encoding_reads_the_same(syntax: str) -> None:
    ds = ct_slice(SOPInstanceUID="1.2.3", StudyInstanceUID="1.2", SeriesInstanceUID="1.3")
    record = record_of(part10(ds, syntax))
    assert record.sop_instance_uid == "1.2.3"
    assert record.patient.name_raw == "Doe^Jane"
    assert (record.rows, record.columns, record.number_of_frames) == (16, 16, 1)
    assert record.display.windows == ((40.0, 400.0, ""),)
    assert record.transfer_syntax_uid == syntax
    assert record.warnings == ()


@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_the_pixel_data_lies_where_it_is_said_to(syntax: str) -> None:
    ds = ct_slice()
    data = part10(ds, syntax)
    header = read(data)
    assert header.pixel_data is not None
    at, length = header.pixel_data.offset, header.pixel_data.length
    assert length == 512
    assert data[at : at + 512] == ds.PixelData


def test_encapsulated_pixel_data_has_no_length() -> None:
    fragments = element(0x7FE00010, b"OB", b"\xfe\xff\x00\xe0\0\0\0\0" + SQ_CLOSE, 0xFFFFFFFF)
    header = read(meta(JPEGBaseline8Bit) + START + REST + fragments)
    assert header.pixel_data is not None
    assert header.pixel_data_length is None
    assert header.transfer_syntax_uid == JPEGBaseline8Bit


@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_an_object_without_preamble_and_meta_is_read(syntax: str) -> None:
    data = part10(ct_slice(SOPInstanceUID="1.2.3"), syntax)
    bare = data[read(data).dataset_offset :]
    assert record_of(bare).sop_instance_uid == "1.2.3"
    assert read(bare, transfer_syntax_uid=syntax).warnings == []


def test_an_object_without_preamble_but_with_meta_is_read() -> None:
    data = part10(ct_slice(SOPInstanceUID="1.2.3"))
    assert record_of(data[132:]).sop_instance_uid == "1.2.3"
    assert record_of(b"DICM" + data[132:]).sop_instance_uid == "1.2.3"
    assert record_of(bytes(132) + data[132:]).sop_instance_uid == "1.2.3"


@pytest.mark.parametrize("label", NATIVE)
@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_a_wrong_syntax_label_is_seen_through(syntax: str, label: str) -> None:
    data = part10(ct_slice(SOPInstanceUID="1.2.3"), syntax)
    wrong = meta(label) + data[read(data).dataset_offset :]
    record = record_of(wrong)
    assert record.sop_instance_uid == "1.2.3"
    assert record.warnings == (() if label == syntax else ("syntax-mislabelled",))
    assert open_dataset(io.BytesIO(wrong)).Rows == 16


def test_what_was_negotiated_beats_the_meta_header() -> None:
    data = part10(ct_slice(), ImplicitVRLittleEndian)
    assert read(data, transfer_syntax_uid=ExplicitVRLittleEndian).warnings == ["syntax-mislabelled"]


def test_sequences_of_undefined_length_are_walked_over() -> None:
    inner = SQ_OPEN + ITEM_OPEN + element(0x00100010, b"PN", b"Not^Me") + ITEM_CLOSE + SQ_CLOSE
    data = meta() + START + SQ_OPEN + ITEM_OPEN + inner + ITEM_CLOSE + SQ_CLOSE + REST + PIXELS
    assert record_of(data).patient.name_raw == "Doe^Jane"


def test_a_missing_item_delimiter_is_made_up_for() -> None:
    data = meta() + START + SQ_OPEN + ITEM_OPEN + element(0x00080050, b"SH", b"X ") + SQ_CLOSE + REST + PIXELS
    assert record_of(data).patient.name_raw == "Doe^Jane"


def test_an_unknown_sequence_is_implicit_inside() -> None:
    """PS3.5 6.2.2: UN of undefined length is encoded as implicit VR little endian."""
    inside = struct.pack("<HHI", 0x0008, 0x0050, 4) + b"ABCD"
    unknown = element(0x00091001, b"UN", ITEM_OPEN + inside + ITEM_CLOSE + SQ_CLOSE, 0xFFFFFFFF)
    assert record_of(meta() + START + unknown + REST + PIXELS).patient.name_raw == "Doe^Jane"


def test_an_unknown_sequence_whose_writer_stayed_explicit() -> None:
    inside = element(0x00080050, b"SH", b"ABCD")
    unknown = element(0x00091001, b"UN", ITEM_OPEN + inside + ITEM_CLOSE + SQ_CLOSE, 0xFFFFFFFF)
    assert record_of(meta() + START + unknown + REST + PIXELS).patient.name_raw == "Doe^Jane"


@pytest.mark.parametrize("depth", [20_000, 100_000])
def test_nesting_that_no_stack_holds_is_unreadable(depth: int) -> None:
    """It overflows others, here and wherever it would be sent on to."""
    deep = (SQ_OPEN + ITEM_OPEN) * depth + (ITEM_CLOSE + SQ_CLOSE) * depth
    with pytest.raises(Unreadable) as caught:
        record_of(meta() + START + deep + REST + PIXELS)
    assert caught.value.code == "too-deep"


def test_nesting_deeper_than_anybody_needs_is_read() -> None:
    deep = (SQ_OPEN + ITEM_OPEN) * 900 + (ITEM_CLOSE + SQ_CLOSE) * 900
    assert record_of(meta() + START + deep + REST + PIXELS).patient.name_raw == "Doe^Jane"


def test_nesting_without_an_end_is_unreadable() -> None:
    with pytest.raises(Unreadable) as caught:
        read(meta() + START + (SQ_OPEN + ITEM_OPEN) * 900)
    assert caught.value.code == "truncated-sequence"


def test_pydicom_is_kept_from_nesting_it_cannot_recurse_into() -> None:
    deep = (SQ_OPEN + ITEM_OPEN) * 900 + (ITEM_CLOSE + SQ_CLOSE) * 900
    with pytest.raises(Unreadable) as caught:
        open_dataset(io.BytesIO(meta() + START + deep + REST + PIXELS))
    assert caught.value.code == "too-deep"


def test_items_kept_are_kept_to_a_depth_only() -> None:
    shared = element(0x52009229, b"SQ", b"", 0xFFFFFFFF)
    deep = (shared + ITEM_OPEN) * 900 + (ITEM_CLOSE + SQ_CLOSE) * 900
    header = read(meta() + START + REST + deep + PIXELS)
    assert header.pixel_data is not None
    depth, items = 0, header.items(0x52009229)
    while items:
        depth, items = depth + 1, items[0].items(0x52009229)
    assert depth == 8


def test_stray_delimiters_are_passed_over() -> None:
    record = record_of(meta() + START + SQ_CLOSE + ITEM_CLOSE + REST + PIXELS)
    assert record.patient.name_raw == "Doe^Jane"
    assert record.warnings == ("stray-delimiter",)


def test_a_short_file_that_declares_much_is_unreadable_before_it_is_identified() -> None:
    for length in (4096, 60_000, 3 << 30):
        vr = b"LO" if length < 65536 else b"UT"
        with pytest.raises(Unreadable) as caught:
            read(meta() + START + element(0x00081030, vr, b"short", length))
        assert caught.value.code == "declared-length"


def test_a_header_cut_in_an_element_header_is_unreadable() -> None:
    with pytest.raises(Unreadable) as caught:
        read(meta() + START + REST[:6])
    assert caught.value.code == "truncated-header"


def test_a_cut_behind_the_identification_is_a_warning() -> None:
    overlong = element(0x300A0010, b"UT", b"short", 3 << 30)
    record = record_of(meta() + START + REST + overlong)
    assert record.patient.name_raw == "Doe^Jane"
    assert record.warnings == ("declared-length",)


def test_short_pixel_data_is_a_warning() -> None:
    assert record_of(meta() + START + REST + PIXELS).warnings == ()
    cut = record_of((meta() + START + REST + PIXELS)[:-1])
    assert cut.warnings == ("pixel-data-truncated",)
    assert cut.number_of_frames == 1
    fewer = element(0x7FE00010, b"OB", b"\x01\x02")
    assert record_of(meta() + START + REST + fewer).warnings == ("pixel-data-truncated",)


def test_padding_behind_the_last_element_is_nothing() -> None:
    assert record_of(meta() + START + REST + b"\0" * 7).warnings == ()
    assert record_of(meta() + START + REST + b"\0" * 600).warnings == ()


@pytest.mark.parametrize("length", ["short", "long", "implicit"])
def test_an_element_without_a_valid_vr_is_understood(length: str) -> None:
    head = struct.pack("<HH", 0x0008, 0x1030)
    coded = {
        "short": b"ZZ" + struct.pack("<H", 4),
        "long": b"ZZ\0\0" + struct.pack("<I", 4),
        "implicit": struct.pack("<I", 4),
    }[length]
    record = record_of(meta() + START + head + coded + b"Knee" + REST + PIXELS)
    assert record.study.description == "Knee"
    assert record.patient.name_raw == "Doe^Jane"
    assert record.warnings == ("wrong-vr",)


def test_wrong_vrs_do_not_hide_values() -> None:
    wrong = (
        element(0x00080016, b"LO", b"1.2.840.10008.5.1.4.1.1.2 ")
        + element(0x00080018, b"LO", b"1.2.3.4 ")
        + element(0x00080020, b"LO", b"20261123")
        + element(0x00280010, b"LO", b"\x02\x01")
        + element(0x00280011, b"UN", b"\x03\x00")
        + element(0x00280008, b"US", b"\x05\0")
    )
    record = record_of(meta() + wrong + PIXELS)
    assert (record.sop_instance_uid, record.study.study_date) == ("1.2.3.4", "20261123")
    assert (record.rows, record.columns, record.number_of_frames) == (258, 3, 5)


def test_long_values_are_passed_over_not_held(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(meta() + START + element(0x00091010, b"UN", b"", 200 << 20))
        file.seek(200 << 20, io.SEEK_CUR)
        file.write(REST + PIXELS)
    tracemalloc.start()
    header = read_header(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert header.text(PATIENT_NAME) == "Doe^Jane"
    assert list(header.passed_over) == [0x00091010]
    assert peak < 2 << 20


def test_a_window_may_end_anywhere() -> None:
    """Blocks of 32 KB are read: elements at, over and behind the border."""
    for size in range(32_500, 32_800):
        filler = element(0x00091010, b"UN", b"x" * size)
        record = record_of(meta() + START + filler + REST + PIXELS)
        assert record.patient.name_raw == "Doe^Jane"
        assert record.columns == 2


def test_a_deflate_bomb_is_refused_in_bounded_memory() -> None:
    compress = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = compress.compress(START + element(0x00091010, b"UN", b"", 3 << 30))
    for _ in range(140):
        bomb += compress.compress(bytes(1 << 20))
    bomb += compress.flush()
    tracemalloc.start()
    with pytest.raises(Unreadable) as caught:
        read(meta(DeflatedExplicitVRLittleEndian) + bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "deflate-limit"
    assert peak < 4 << 20


def test_a_cut_deflated_object_is_unreadable() -> None:
    data = part10(ct_slice(), DeflatedExplicitVRLittleEndian)
    with pytest.raises(Unreadable):
        read(data[: read(data).dataset_offset + 60])


def test_more_elements_than_anybody_means_are_refused() -> None:
    flood = b"".join(element(0x00090000 + n, b"LO") for n in range(0x10, 0xFFFF))
    with pytest.raises(Unreadable) as caught:
        read(meta() + START + flood + REST)
    assert caught.value.code == "too-many-elements"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"GIF89a" + bytes(500), "not-dicom"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "not-dicom"),
        (b"%PDF-1.7\n%" + bytes(500), "not-dicom"),
        (b"<html><body>" + b"x" * 500, "not-dicom"),
        (bytes(1000), "not-dicom"),
        (b"\xff" * 1000, "not-dicom"),
        (bytes(128) + b"DICM", "truncated-header"),
        (meta(), "truncated-header"),
        (meta() + b"\xff" * 64, "broken-header"),
    ],
)
def test_what_is_no_object_says_why(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(data)
    assert caught.value.code == code
    assert caught.value.detail


def test_the_first_items_of_functional_groups_are_kept() -> None:
    ds = ct_slice(PixelSpacing=None, NumberOfFrames=3)
    measures, frame = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.4, 0.5], 3
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([measures])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for number in range(3):
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, number]
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    for syntax in NATIVE:
        header = read(part10(ds, syntax))
        assert header.items(0x52009229)[0].items(0x00289110)[0].floats(0x00280030) == [0.4, 0.5]
        assert len(header.items(0x52009230)) == 1
        assert header.pixel_data is not None


def test_open_dataset_stops_before_pixels_and_defers_large_values(tmp_path: Path) -> None:
    path = tmp_path / "ct"
    path.write_bytes(part10(ct_slice(PixelData=bytes(3 << 20), Rows=1024, Columns=1536)))
    assert "PixelData" not in open_dataset(path, stop_before_pixels=True)
    tracemalloc.start()
    ds = open_dataset(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert ds.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert len(ds.PixelData) == 3 << 20


def test_open_dataset_of_a_deflated_object() -> None:
    ds = open_dataset(io.BytesIO(part10(ct_slice(), DeflatedExplicitVRLittleEndian)))
    assert ds.PatientName == "Doe^Jane"
    assert len(ds.PixelData) == 512


def survives(data: bytes, *, data_set_too: bool = False) -> None:
    """Reads, or says why not; nothing else can come out."""
    with contextlib.suppress(Unreadable):
        extract(read(data))
    if data_set_too:
        with contextlib.suppress(Unreadable):
            open_dataset(io.BytesIO(data))


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["", *NATIVE]))
@example(b"\x08\x00\x05\x00", "")
def test_no_bytes_raise_anything_else(data: bytes, syntax: str) -> None:
    survives(data)
    survives(meta(syntax) + data)
    survives(meta(syntax) + START + data)
    survives(meta(syntax) + START + REST + data)


SHIPPED = ["CT_small.dcm", "MR_small_RLE.dcm", "image_dfl.dcm", "rtplan.dcm", "nested_priv_SQ.dcm"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_real_file_with_bytes_changed_raises_nothing_else(name: str) -> None:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    original = Path(path).read_bytes()
    head = min(len(original), 6000)
    chance = random.Random(name)
    for round_ in range(2000):
        data = bytearray(original[: chance.choice((head, len(original)))])
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(min(head, len(data)))
            kind = chance.randrange(4)
            if kind == 0:
                data[at] = chance.randrange(256)
            elif kind == 1:
                data[at : at + 4] = UNDEFINED
            elif kind == 2:
                del data[at : at + chance.randint(1, 16)]
            else:
                data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 12)))
        survives(bytes(data), data_set_too=round_ % 8 == 0)


def test_every_hostile_file_of_the_corpus_reads_or_says_why(corpus: Path) -> None:
    files = [
        path for folder in ("fuzz", "malformed") for path in sorted((corpus / "dicom" / folder).iterdir())
    ]
    assert len(files) >= 75
    for path in files:
        survives(path.read_bytes())
        with contextlib.suppress(Unreadable):
            open_dataset(path)


REFUSED = {
    "fuzz/ct-ele-mono2__dicom-fuzzing-corpus__TC0467_uid_uid_empty.dcm": "no-sop-instance-uid",
    "fuzz/xx-nots__dicom-fuzzing-corpus__TC0255_implicit_rows_4bytes.dcm": "truncated-header",
    "fuzz/xx-nots__dicom-fuzzing-corpus__TC0389_dicm_offset256.dcm": "not-dicom",
    "malformed/xx-ile__pydicom__nested_priv_SQ.dcm": "no-sop-class-uid",
    "malformed/xx-ile__ruby-dicom__duplicates.dcm": "no-sop-class-uid",
    "malformed/xx-nots__pydicom__meta_missing_tsyntax.dcm": "no-sop-class-uid",
    "malformed/xx-nots__pydicom__no_meta.dcm": "not-dicom",
}


def test_few_hostile_files_of_the_corpus_are_refused(corpus: Path) -> None:
    """The others can be told from each other, so they are indexed, whatever else is wrong."""
    refused = {}
    for folder in ("fuzz", "malformed"):
        for path in sorted((corpus / "dicom" / folder).iterdir()):
            try:
                extract(read_header(path))
            except Unreadable as reason:
                refused[f"{folder}/{path.name}"] = reason.code
    assert refused == REFUSED


def test_identification_agrees_with_the_manifest_of_the_corpus(corpus: Path) -> None:
    with (corpus / "dicom" / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    compared = 0
    for row in rows:
        if not row["sop_instance_uid"]:
            continue
        header = read_header(corpus / "dicom" / row["file"])
        found = (header.uid(SOP_INSTANCE_UID), header.uid(0x0020000D), header.integer(ROWS))
        assert found == (
            row["sop_instance_uid"],
            row["study_instance_uid"],
            int(row["rows"]) if row["rows"] else None,
        ), row["file"]
        compared += 1
    assert compared >= 450


def test_the_storage_class_of_the_builders_is_what_they_say() -> None:
    assert record_of(part10(ct_slice())).sop_class_uid == CTImageStorage
