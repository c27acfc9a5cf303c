"""Text is read as it was meant: declared sets, escapes, wrong labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.dicom.charset import decode, defined, encodable, encode
from archive.dicom.extract import extract
from archive.dicom.names import PersonName
from archive.dicom.reader import read_header

# The examples of PS3.5 annexes H, I, J and K, byte for byte.
ANNEXES = [
    (
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "\\ISO 2022 IR 87",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    (
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    (
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "\\ISO 2022 IR 149",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    (b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1", "ISO_IR 192", "Wang^XiaoDong=王^小東"),
    (b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", "GB18030", "Wang^XiaoDong=王^小东"),
    (
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        "\\ISO 2022 IR 58",
        "Zhang^XiaoDong=张^小东=",
    ),
]


@pytest.mark.parametrize(("raw", "charset", "text"), ANNEXES)
def test_the_examples_of_the_standard(raw: bytes, charset: str, text: str) -> None:
    assert decode(raw, charset.split("\\"), "PN") == text


def test_the_kanji_supplement_jis_x_0212() -> None:
    assert decode(b"\x1b$(D\x30\x21\x1b(B", ["", "ISO 2022 IR 159"], "LO") == "丂"


def test_a_first_line_ends_an_escape() -> None:
    raw = b"\x1b$)A\xb5\xda\xd2\xbb\xd0\xd0\xce\xc4\xd7\xd6\xa1\xa3\r\n\x1b$)A\xb5\xda\xb6\xfe"
    assert decode(raw, ["", "ISO 2022 IR 58"], "LT") == "第一行文字。\r\n第二"


def test_an_escape_that_is_not_repeated_behind_a_delimiter_is_understood() -> None:
    assert decode(b"\x1b$)C\xfb\xf3^\xd1\xce\xd4\xd7", ["", "ISO 2022 IR 149"], "PN") == "洪^吉洞"


@pytest.mark.parametrize("charset", ["ISO 2022 IR 58", "\\ISO 2022 IR 58", "ISO 2022 GB 2312", "GB2312"])
def test_missing_escapes_are_understood(charset: str) -> None:
    assert decode("张^小东".encode("gb2312"), charset.split("\\"), "PN") == "张^小东"


@pytest.mark.parametrize(
    ("term", "text", "codec"),
    [
        ("ISO_IR_100", "Jérôme", "iso8859-1"),
        ("ISO-IR 100", "Jérôme", "iso8859-1"),
        ("ISO IR 100", "Jérôme", "iso8859-1"),
        ("iso_ir 100 ", "Jérôme", "iso8859-1"),
        ("ISO_IR100", "Jérôme", "iso8859-1"),
        ("ISO 2022 IR 100", "Bäcken", "iso8859-1"),
        ("ISO-8859-1", "Jérôme", "iso8859-1"),
        ("ISO-IR 192", "王小東", "utf-8"),
        ("UTF-8", "王小東", "utf-8"),
        ("ISO_IR_192", "Łukasz", "utf-8"),
        ("GB18030 ", "朱镕基", "gb18030"),
        ("gb 18030", "朱镕基", "gb18030"),
        ("GBK", "朱镕基", "gb18030"),
        ("ISO_IR_144", "Люк", "iso8859-5"),
        ("ISO_IR 126", "Διονυσιος", "iso8859-7"),
        ("ISO_IR 127", "قباني", "iso8859-6"),
        ("ISO_IR 138", "שרון", "iso8859-8"),
        ("ISO_IR 101", "Łukasz", "iso8859-2"),
        ("ISO_IR 166", "สมชาย", "tis-620"),
        ("ISO_IR 203", "Œuvre", "iso8859-15"),
        ("ISO_IR 148", "İpek", "iso8859-9"),
    ],
)
def test_terms_defined_and_misspelt(term: str, text: str, codec: str) -> None:
    assert decode(text.encode(codec), [term], "PN") == text


@pytest.mark.parametrize("charset", ["", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192", "no such set"])
@pytest.mark.parametrize("name", ["张^三", "李四", "王小明", "朱镕基", "陶^喆", "Wang^Wei=王^伟", "欧阳^修"])
def test_gb18030_under_a_wrong_or_empty_label_is_recognised(name: str, charset: str) -> None:
    assert decode(name.encode("gb18030"), [charset], "PN") == name


@pytest.mark.parametrize("charset", ["", "ISO_IR 100", "ISO_IR 101", "GB18030", "ISO 2022 IR 58"])
@pytest.mark.parametrize("name", ["张三", "王^小東", "李四"])
def test_utf_8_under_a_wrong_or_empty_label_is_recognised(name: str, charset: str) -> None:
    assert decode(name.encode(), [charset], "PN") == name


@pytest.mark.parametrize("charset", ["", "ISO_IR 100", "ISO_IR 192"])
@pytest.mark.parametrize("name", ["Müller^Jürgen", "Buc^Jérôme", "Äneas^Rüdiger", "Muñoz^Begoña", "Å", "É^Í"])
def test_latin_names_are_never_taken_for_chinese(name: str, charset: str) -> None:
    assert decode(name.encode("iso8859-1"), [charset], "PN") == name


def test_the_default_counts_only_where_nothing_is_declared() -> None:
    raw = "Łukasz".encode("iso8859-2")
    assert decode(raw, [], "PN", "ISO_IR 101") == "Łukasz"
    assert decode(raw, [""], "PN", "ISO_IR 101") == "Łukasz"
    assert decode("Ján".encode("iso8859-1"), ["ISO_IR 100"], "PN", "ISO_IR 144") == "Ján"


CHARSETS = [
    "",
    "ISO_IR 100",
    "ISO_IR 192",
    "GB18030",
    "\\ISO 2022 IR 87",
    "\\ISO 2022 IR 58",
    "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
    "nonsense",
]


@given(st.binary(max_size=80), st.sampled_from(CHARSETS), st.sampled_from(["PN", "LO", "LT"]))
def test_no_bytes_make_it_raise(raw: bytes, charset: str, vr: str) -> None:
    decode(raw, charset.split("\\"), vr).encode()


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "\\ISO 2022 IR 87"),
        ("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", "ISO 2022 IR 13\\ISO 2022 IR 87"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "\\ISO 2022 IR 149"),
        ("Zhang^XiaoDong=张^小东", "\\ISO 2022 IR 58"),
        ("Müller^李", "ISO 2022 IR 100\\ISO 2022 IR 58"),
        ("Zhang^XiaoDong=张^小东", "GB18030"),
        ("Siobhán^O'Brien", "ISO_IR 100"),
        ("王^小東", "ISO_IR 192"),
    ],
)
def test_what_is_encoded_reads_back(text: str, charset: str) -> None:
    assert decode(encode(text, charset), charset.split("\\"), "PN") == text
    assert encodable(text, charset)


def test_the_annexes_encode_to_the_bytes_of_the_standard() -> None:
    raw, charset, text = ANNEXES[2]
    assert encode(text, charset) == raw
    raw, charset, text = ANNEXES[0]
    assert encode(text, charset) == raw


def test_a_character_outside_the_set_becomes_a_question_mark() -> None:
    assert encode("张^A", "ISO_IR 100") == b"?^A"
    assert not encodable("张", "ISO_IR 100")


# Files whose text we read differently from both decoders of the oracle that agree on it: file -> why.
EXCEPTIONS: dict[str, str] = {}


def test_the_corpus_reads_as_two_independent_decoders_read_it(corpus: Path) -> None:
    oracle = json.loads((corpus / "oracle" / "names.json").read_text())
    compared, wrong = 0, {}
    for file, entry in oracle.items():
        if entry["same"] is not True or file in EXCEPTIONS or not isinstance(entry["dcmtk"], dict):
            continue
        if "DICOMDIR" in file:  # an index of a medium: no object
            continue
        header = read_header(corpus / "dicom" / file)
        record = extract(header, sop_class_uid="1.2", sop_instance_uid="1.2.3")
        expected = PersonName.parse(entry["dcmtk"].get("PatientName", ""))
        ours = (record.patient.name, record.study.description)
        theirs = (expected, entry["dcmtk"].get("StudyDescription", ""))
        compared += 1
        if ours != theirs:
            wrong[file] = (ours, theirs)
    assert wrong == {}
    assert compared >= 120


# Where the decoders disagree, one of them is right, or the standard says what is.
DISPUTED = {
    "charset/ot-ele-mono2__fo-dicom__chrGB2312.dcm": "Zhang^XiaoDong=张^小东",
    "charset/ot-ele-mono2__fo-dicom__chrX1.dcm": "Wang^XiaoDong=王^小東",
    "charset/ot-ele-mono2__fo-dicom__chrX2.dcm": "Wang^XiaoDong=王^小东",
    "charset/ot-ele-mono2__fo-dicom__chrH31.dcm": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "charset/ot-ele-mono2__fo-dicom__chrH32.dcm": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    "charset/cr-ele-mono1__fo-dicom__chrJapMulti.dcm": "やまだ^たろう",
    "charset/cr-ele-mono1__fo-dicom__chrJapMultiExplicitIR6.dcm": "やまだ^たろう",
}


@pytest.mark.parametrize(("file", "name"), DISPUTED.items())
def test_where_the_decoders_disagree_we_are_right(corpus: Path, file: str, name: str) -> None:
    record = extract(read_header(corpus / "dicom" / file))
    assert record.patient.name == PersonName.parse(name)


def test_a_nonconforming_latin_term_of_the_corpus(corpus: Path) -> None:
    record = extract(read_header(corpus / "dicom/presentation/cr-ele-mono1__orthanc-tests__CR000000.dcm"))
    assert record.study.description == "Bäcken"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (["ISO_IR 100"], "ISO_IR 100"),
        (["latin-1"], "ISO_IR 100"),
        (["utf8"], "ISO_IR 192"),
        (["GB2312"], "GB18030"),
        (["gbk"], "GBK"),
        (["ISO 2022 IR 58"], "\\ISO 2022 IR 58"),
        (["", "ISO 2022 IR 87"], "\\ISO 2022 IR 87"),
        (["ISO 2022 IR 6", "ISO2022IR149"], "\\ISO 2022 IR 149"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87", "ISO 2022 IR 159"],
         "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159"),
        (["ISO_IR 100", "KLINGON"], "ISO_IR 100"),
        (["GB18030", "ISO 2022 IR 58"], "GB18030"),
        (["BIG5"], ""),
        (["KLINGON"], ""),
        (["ISO_IR 6"], ""),
        ([""], ""),
    ],
)  # fmt: skip
def test_every_spelling_has_its_defined_term(sent: list[str], said: str) -> None:
    """PS3.3 C.12.1.1.2."""
    assert defined(sent) == said


def test_a_set_holds_only_its_own_characters() -> None:
    assert encodable("ﾔﾏﾀﾞ", "ISO_IR 13")
    assert not encodable("山田", "ISO_IR 13")
    assert encodable("张小东", "GBK")
    assert not encodable("\U00020000", "GBK")
    assert encodable("\U00020000", "GB18030")
