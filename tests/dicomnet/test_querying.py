"""Character sets of queries and answers, and the encodings they come and go in."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset

from archive.dicom.identifier import Mismatch, Unclear
from archive.dicom.reader import Unreadable
from dicomnet.contexts import Answered, Result, Service
from dicomnet.models import AENode
from dicomnet.querying import answers_find, question_read
from tests.archive.arrivals import SCANNER, receive, take_file
from tests.objects import ct_slice, encoded

pytestmark = pytest.mark.django_db

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
BIG, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
PATIENT_ROOT, STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.2.1"
PATIENT_STUDY_ONLY = "1.2.840.10008.5.1.4.1.2.3.1"


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return (
        (tag >> 16).to_bytes(2, "little")
        + (tag & 0xFFFF).to_bytes(2, "little")
        + vr
        + len(value).to_bytes(2, "little")
        + value
    )


def identifier(name: bytes, charset: bytes | None, *more: bytes) -> bytes:
    """A query for studies of a name, byte for byte."""
    elements = [
        element(0x00080052, b"CS", b"STUDY"),
        element(0x00100010, b"PN", name),
        element(0x00100020, b"LO", b""),
    ]
    if charset is not None:
        elements.append(element(0x00080005, b"CS", charset))
    return b"".join(sorted([*elements, *more], key=lambda e: (e[1], e[0], e[3], e[2])))


def ask(
    data: bytes,
    *,
    node: AENode | None = None,
    syntax: str = EXPLICIT,
    model: str = STUDY_ROOT,
    extended: bytes | None = None,
) -> list[bytes]:
    context = Answered(1, model, syntax, Result.ACCEPTANCE, Service.FIND, None, extended)
    question = question_read(identifier=data, context=context, node=node)
    return [answer for page in answers_find(question) for answer in page]


def read(data: bytes, *, implicit: bool = False, big: bool = False) -> Dataset:
    return read_dataset(DicomBytesIO(data), implicit, not big)


def gb(text: str) -> bytes:
    return text.encode("gb18030")


def ir58(text: str) -> bytes:
    """Each component with its escape (PS3.5 K.2)."""
    return b"^".join(
        b"\x1b$)A" + part.encode("gb2312") if not part.isascii() else part.encode()
        for part in text.split("^")
    )


@pytest.fixture
def zhang() -> None:
    receive(ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName="Zhang^XiaoDong=张^小东", PatientID="Z1"))
    receive(ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName="Wang^Na=王^娜", PatientID="W1"))


HANZI = [
    (b"GB18030", gb("张^小东")),
    (b"GBK", gb("张^小东")),
    (b"\\ISO 2022 IR 58", ir58("张^小东")),
    (b"ISO 2022 IR 58", ir58("张^小东")),
    (b"ISO_IR 192", "张^小东".encode()),
    (b"ISO 2022 IR 6\\ISO 2022 IR 58", ir58("张^小东")),
    (b"GB2312", gb("张^小东")),  # no defined term
    (b"UTF-8", "张^小东".encode()),  # no defined term
    (b"iso-ir_192", "张^小东".encode()),  # misspelt
    (b"ISO_IR 100", gb("张^小东")),  # plainly not so
    (b"KLINGON", "张^小东".encode()),
    (b"ISO_IR 192", "张^小东*".encode()),
    (b"GB18030", gb("张*")),
    (b"\\ISO 2022 IR 58", ir58("张") + b"^*"),
]


@pytest.mark.parametrize(("charset", "name"), HANZI)
def test_the_same_patient_is_found_in_every_character_set(zhang: None, charset: bytes, name: bytes) -> None:
    [answer] = ask(identifier(name, charset))
    assert read(answer).PatientID == "Z1"


@pytest.mark.parametrize("charset", [None, b""])
def test_the_node_s_character_set_is_assumed_when_none_is_named(zhang: None, charset: bytes | None) -> None:
    node = AENode(ae_title="OLD", default_charset="GB18030")
    [answer] = ask(identifier(gb("张^小东"), charset), node=node)
    found = read(answer)
    assert (found.PatientID, found.SpecificCharacterSet) == ("Z1", "GB18030")
    assert gb("张^小东") in answer


@pytest.mark.parametrize(
    ("asked", "default", "said", "name"),
    [
        (b"GB18030", "", "GB18030", gb("Zhang^XiaoDong=张^小东")),
        (b"GBK", "", "GBK", gb("Zhang^XiaoDong=张^小东")),
        (b"\\ISO 2022 IR 58", "", ["", "ISO 2022 IR 58"], b"Zhang^XiaoDong=" + ir58("张^小东")),
        (b"ISO 2022 IR 58", "", ["", "ISO 2022 IR 58"], b"Zhang^XiaoDong=" + ir58("张^小东")),
        (b"utf8", "", "ISO_IR 192", "Zhang^XiaoDong=张^小东".encode()),
        (b"GB2312", "", "GB18030", gb("Zhang^XiaoDong=张^小东")),
        (b"ISO_IR 100", "", "ISO_IR 192", "Zhang^XiaoDong=张^小东".encode()),
        (b"ISO_IR 100", "GB18030", "GB18030", gb("Zhang^XiaoDong=张^小东")),
        (b"ISO_IR 100", "ISO_IR 144", "ISO_IR 192", "Zhang^XiaoDong=张^小东".encode()),
        (b"KLINGON", "", "ISO_IR 192", "Zhang^XiaoDong=张^小东".encode()),
        (None, "", "ISO_IR 192", "Zhang^XiaoDong=张^小东".encode()),
    ],
)
def test_answers_come_in_a_set_that_holds_every_value(
    zhang: None, asked: bytes | None, default: str, said: Any, name: bytes
) -> None:
    """The peer's own, else the node's, else UTF-8."""
    [answer] = ask(identifier(b"zhang*", asked), node=AENode(ae_title="A", default_charset=default))
    assert read(answer).SpecificCharacterSet == said
    assert name in answer


def test_plain_ascii_needs_no_character_set() -> None:
    receive(ct_slice(PatientName="Doe^Jane"))
    [answer] = ask(identifier(b"doe*", b"ISO_IR 192"))
    assert "SpecificCharacterSet" not in read(answer)


def test_each_answer_has_a_set_of_its_own() -> None:
    for name, number in (("Doe^Jane", "1"), ("Müller^Jürgen", "2"), ("王^小明", "3")):
        receive(ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName=name, PatientID=number))
    found = {
        a.PatientID: (a.get("SpecificCharacterSet"), str(a.PatientName))
        for a in map(read, ask(identifier(b"", b"ISO_IR 100")))
    }
    assert found == {
        "1": (None, "Doe^Jane"), "2": ("ISO_IR 100", "Müller^Jürgen"), "3": ("ISO_IR 192", "王^小明"),
    }  # fmt: skip


def test_latin_and_japanese_queries() -> None:
    receive(ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Jürgen", PatientID="M"))
    yamada = "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
    receive(ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName=yamada, PatientID="Y"))
    [answer] = ask(identifier("MÜLLER*".encode("latin-1"), b"ISO_IR 100"))
    assert read(answer).PatientID == "M"
    kanji = b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    [answer] = ask(identifier(kanji, b"\\ISO 2022 IR 87"))
    assert read(answer).PatientID == "Y"
    [answer] = ask(identifier(b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", b"ISO 2022 IR 13\\ISO 2022 IR 87"))
    assert read(answer).PatientID == "Y"
    assert b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3" in answer
    [answer] = ask(identifier(b"*\xd4\xcf\xc0\xde*", b"ISO_IR 13"))  # holds no kanji
    assert read(answer).SpecificCharacterSet == "ISO_IR 192"


def test_korean_queries() -> None:
    receive(
        ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName="Hong^Gildong=洪^吉洞=홍^길동", PatientID="H")
    )
    hangul = b"\x1b$)C" + "홍".encode("euc_kr") + b"^\x1b$)C" + "길동".encode("euc_kr")
    [answer] = ask(identifier(hangul, b"\\ISO 2022 IR 149"))
    assert read(answer).PatientID == "H"
    assert hangul in answer


# ---------------------------------------------------------------------- encodings


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
def test_query_and_answer_are_in_the_transfer_syntax_of_the_context(zhang: None, syntax: str) -> None:
    query = Dataset()
    query.SpecificCharacterSet, query.QueryRetrieveLevel = "ISO_IR 192", "IMAGE"
    query.StudyInstanceUID = query.SeriesInstanceUID = None
    query.PatientName, query.Rows, query.SOPInstanceUID = "张*", 16, None
    query.RequestAttributesSequence = []
    query.PatientComments = None
    [answer] = ask(encoded(query, syntax), syntax=syntax, extended=b"\1")
    if syntax == DEFLATED:
        answer = zlib.decompress(answer, -zlib.MAX_WBITS)
    found = read(answer, implicit=syntax == IMPLICIT, big=syntax == BIG)
    assert str(found.PatientName) == "Zhang^XiaoDong=张^小东"
    assert (found.Rows, found.QueryRetrieveLevel, found.RetrieveAETitle) == (16, "IMAGE", "LIGHTBOX")
    assert (found.PatientComments, list(found.RequestAttributesSequence)) == ("", [])
    assert [element.tag for element in found] == sorted(element.tag for element in found)


def test_items_are_returned_in_every_encoding() -> None:
    request = Dataset()
    request.ScheduledProcedureStepID, request.RequestedProcedureDescription = "SPS1", "胸部"
    receive(
        ct_slice(
            SpecificCharacterSet="ISO_IR 192", StudyInstanceUID="1.2.3", RequestAttributesSequence=[request]
        )
    )
    query = Dataset()
    query.SpecificCharacterSet, query.QueryRetrieveLevel, query.StudyInstanceUID = (
        "GB18030",
        "SERIES",
        "1.2.3",
    )
    query.RequestAttributesSequence = []
    for syntax in (IMPLICIT, EXPLICIT, BIG):
        [answer] = ask(encoded(query, syntax), syntax=syntax)
        found = read(answer, implicit=syntax == IMPLICIT, big=syntax == BIG)
        [item] = found.RequestAttributesSequence
        assert (item.ScheduledProcedureStepID, item.RequestedProcedureDescription) == ("SPS1", "胸部")


# ---------------------------------------------------------------------- negotiation and refusals


@pytest.mark.parametrize(
    ("extended", "setting", "found"),
    [(None, False, 0), (b"\0\0\1", False, 1), (b"\1\1", False, 0), (None, True, 1)],
)
def test_hanzi_by_pinyin_only_when_agreed_or_set_for_the_node(
    extended: bytes | None, setting: bool, found: int
) -> None:
    receive(ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName="张^小东"))
    node = AENode(ae_title="A", fuzzy_names=setting)
    assert len(ask(identifier(b"zhang^xiao*", None), node=node, extended=extended)) == found


@pytest.mark.parametrize(
    ("model", "level", "fits"),
    [
        (PATIENT_ROOT, b"PATIENT", True),
        (STUDY_ROOT, b"PATIENT", False),
        (STUDY_ROOT, b"STUDY", True),
        (PATIENT_STUDY_ONLY, b"PATIENT", True),
        (PATIENT_STUDY_ONLY, b"SERIES", False),
        (PATIENT_ROOT, b"IMAGES", False),
    ],
)
def test_levels_of_the_models(model: str, level: bytes, fits: bool) -> None:
    data = element(0x00080052, b"CS", level)
    if fits:
        assert ask(data, model=model) == []
    else:
        with pytest.raises(Mismatch):
            ask(data, model=model)


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, DEFLATED])
@pytest.mark.parametrize("data", [b"", b"junk", b"\xff" * 40, bytes(64)])
def test_an_identifier_that_is_none(data: bytes, syntax: str) -> None:
    with pytest.raises((Unreadable, Mismatch)):
        ask(data, syntax=syntax)


def test_a_deflated_identifier_is_not_inflated_without_end() -> None:
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    data = deflate.compress(bytes(64 << 20)) + deflate.flush()
    with pytest.raises(Unreadable, match="deflate-limit"):
        ask(data, syntax=DEFLATED)


def test_a_malformed_range_is_refused() -> None:
    with pytest.raises(Unclear, match="StudyDate"):
        ask(identifier(b"", None, element(0x00080020, b"DA", b"2026-x")))


# ---------------------------------------------------------------------- real files


CODECS = {
    "ISO_IR 192": "utf-8",
    "GB18030": "gb18030",
    "ISO_IR 100": "latin-1",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 126": "iso8859-7",
}


def test_every_real_name_is_found_by_what_others_read_in_it(corpus: Path, tmp_path: Path) -> None:
    """Asked in each character set that can write the name; the names are what other readers made of them."""
    oracle = json.loads((corpus / "oracle" / "names.json").read_text())
    names: dict[str, str] = {}
    for number, (file, readings) in enumerate(sorted(oracle.items())):
        read_by = next(
            (
                r
                for r in (readings["dcmtk"], readings["pydicom"])
                if isinstance(r, dict) and "PatientName" in r
            ),
            None,
        )
        if not file.startswith("charset/") or read_by is None or "\x1b" in read_by["PatientName"]:
            continue
        outcome = take_file(
            tmp_path, (corpus / "dicom" / file).read_bytes(), name=f"{number}.dcm", origin=SCANNER
        )
        if outcome.instance_id is not None and read_by["PatientName"].strip("^= "):
            names[file] = read_by["PatientName"]
    asked = 0
    for file, name in names.items():
        for term, codec in CODECS.items():
            try:
                raw = name.encode(codec)
            except UnicodeEncodeError:
                continue
            answers = [read(answer) for answer in ask(identifier(raw, term.encode()))]
            assert answers, (file, name, term)
            asked += 1
    assert asked >= 2 * len(names) > 20
