"""Documents and videos inside objects: what they are by their bytes, where they lie, what is taken."""

from __future__ import annotations

import io

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from archive.dicom.clinical import Block, NotClinical, clinical_of
from archive.dicom.reader import object_open
from archive.dicom.tree import read_tree
from archive.dicom.video import Container, codec_of, container_of, video_of
from archive.dicom.wrapped import DocumentKind, Wrapped, pieces_read, wrapped_of
from tests.documents import CDA, H264, PDF, video, wrapped
from tests.objects import ct_slice, part10

CDA_HEAD = b'<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Letter</title>'


def read(ds: Dataset, syntax: str = "1.2.840.10008.1.2.1") -> tuple[Wrapped | None, bytes]:
    file = io.BytesIO(part10(ds, syntax))
    found = wrapped_of(file, read_tree(file))
    data = b""
    if found:
        data = pieces_read(object_open(file, keep_bytes=0, depth=0).file, found.pieces, 0, found.length)
    return found, data


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", DeflatedExplicitVRLittleEndian])
def test_document_is_what_was_put_in_without_its_padding(syntax: str) -> None:
    found, data = read(wrapped(b"%PDF-1.4 odd", "application/pdf", DocumentTitle="Letter"), syntax)
    assert found is not None
    assert (found.kind, found.title, data) == (DocumentKind.PDF, "Letter", b"%PDF-1.4 odd")
    found, data = read(wrapped(b"%PDF-1.4 even" + bytes(70001), "application/pdf"), syntax)
    assert len(data) == 70014


@pytest.mark.parametrize(
    ("data", "media_type", "sop_class_uid", "kind"),
    [
        (b"<html><script>alert(1)</script>", "application/pdf", PDF, DocumentKind.OTHER),
        (b"MZ executable", "text/html", PDF, DocumentKind.OTHER),
        (CDA_HEAD, "text/XML", CDA, DocumentKind.CDA),
        (b"solid a", "model/stl", "1.2.840.10008.5.1.4.1.1.104.3", DocumentKind.STL),
        (b"anything", "application/x", "1.2.3", DocumentKind.OTHER),
    ],
)
def test_kind_is_what_the_bytes_bear_out(
    data: bytes, media_type: str, sop_class_uid: str, kind: DocumentKind
) -> None:
    found, _data = read(wrapped(data, media_type, sop_class_uid))
    assert found is not None
    assert found.kind == kind


def test_object_without_a_document_has_none() -> None:
    assert read(ct_slice())[0] is None


def test_clinical_document_becomes_headings_text_lists_and_tables() -> None:
    body = (
        b"<component><structuredBody><component><section><title>Findings</title><text>Before"
        b"<paragraph>A &lt;b&gt; here</paragraph><list><item>one<list><item>inner</item></list></item></list>"
        b"<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1<br/>2</td></tr></tbody></table>after</text>"
        b"</section></component></structuredBody></component></ClinicalDocument>"
    )
    found = clinical_of(CDA_HEAD + body)
    assert found.title == "Letter"
    assert found.blocks == (
        Block("heading", "Findings", 1),
        Block("paragraph", "Before"),
        Block("paragraph", "A <b> here"),
        Block("item", "one", 1),
        Block("item", "inner", 2),
        Block("table", rows=(("a",), ("1\n2",)), header_rows=1),
        Block("paragraph", "after"),
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><ClinicalDocument>&b;</ClinicalDocument>', "dtd"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><ClinicalDocument/>', "dtd"),
        (b"<html/>", "not-cda"),
        (b"<ClinicalDocument><unclosed>", "not-xml"),
        (b"", "not-xml"),
        (b"<ClinicalDocument>" + b"<a>" * 1000, "too-deep"),
    ],
)
def test_what_is_no_clinical_document_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(NotClinical) as refused:
        clinical_of(data)
    assert refused.value.code == code


def test_video_is_found_in_its_fragments() -> None:
    stream = b"\0\0\0\x20ftypisom" + bytes(100)
    file = io.BytesIO(part10(video(stream), H264))
    found = video_of(file)
    assert found is not None
    assert (found.codec, found.container, found.media_type, found.complete) == (
        "H.264",
        "mp4",
        "video/mp4",
        True,
    )
    assert pieces_read(file, found.pieces, 0, found.length) == stream
    assert pieces_read(file, found.pieces, 4, 8) == b"ftyp"


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\0\0\0\x01\x67", Container.ELEMENTARY),
        (b"\0\0\x01\xba", Container.PROGRAM),
        (b"\0\0\x01\xb3", Container.ELEMENTARY),
        ((b"\x47" + bytes(187)) * 6, Container.TRANSPORT),
        (b"\x47 is no packet" * 40, Container.UNKNOWN),
        (b"", Container.UNKNOWN),
    ],
)
def test_container_is_told_by_how_a_stream_begins(head: bytes, container: Container) -> None:
    assert container_of(head) == container


def test_codec_is_that_of_the_transfer_syntax() -> None:
    assert codec_of("1.2.840.10008.1.2.4.100") == "MPEG-2"
    assert codec_of("1.2.840.10008.1.2.4.102.1") == "H.264"
    assert codec_of("1.2.840.10008.1.2.4.108") == "H.265"
    assert codec_of("1.2.840.10008.1.2.4.90") == ""
    assert codec_of("") == ""
