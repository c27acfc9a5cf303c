"""One person, many ways of writing: what is found, what is shown, and who cannot be the same."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.dicom.names import PersonName, fold, person_conflict, split_hanzi, terms


@dataclass(frozen=True)
class Record:
    name: PersonName
    birth_date: str = ""
    sex: str = ""


def record(name: str, birth_date: str = "", sex: str = "") -> Record:
    return Record(PersonName.parse(name), birth_date, sex)


def test_three_groups_are_parsed() -> None:
    name = PersonName.parse("Zhang^XiaoDong=张^小东=")
    assert name == PersonName("Zhang^XiaoDong", "张^小东", "")
    assert str(name) == "Zhang^XiaoDong=张^小东"


def test_padding_empty_components_and_further_values_fall_off() -> None:
    assert PersonName.parse(" Doe ^ Jane  Mary ^^^\\Other^Name") == PersonName("Doe^Jane Mary")


@pytest.mark.parametrize(
    ("name", "script", "shown"),
    [
        ("Zhang^XiaoDong=张^小东", "ideographic", "张小东"),
        ("Zhang^XiaoDong=张^小东", "alphabetic", "Zhang, XiaoDong"),
        ("Doe^Jane^Q^Dr^MD", "ideographic", "Doe, Dr Jane Q MD"),
        ("张三", "alphabetic", "张三"),
        ("=李^四", "alphabetic", "李四"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "ideographic", "洪吉洞"),
        ("O'Brien^Siobhán", "alphabetic", "O'Brien, Siobhán"),
        ("", "alphabetic", ""),
    ],
)
def test_display(name: str, script: str, shown: str) -> None:
    assert PersonName.parse(name).display(script) == shown


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("MÜLLER", "muller"),
        ("Straße", "strasse"),
        ("Siobhán", "siobhan"),
        ("ＺＨＡＮＧ　Ｗｅｉ", "zhang wei"),
        ("ﾔﾏﾀﾞ", "ヤマダ"),
        ("Łukasz Østergård", "lukasz ostergard"),
        ("İpek", "ipek"),
        ("O’Brien", "o'brien"),
        ("김희중", "김희중"),
        ("がん", "がん"),
        ("王^小東", "王^小東"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Zhang^XiaoDong=张^小东", {"zhang", "xiaodong", "zhangxiaodong", "张", "小东", "张小东", "zxd"}),
        ("张小东", {"zhang", "xiaodong", "zhangxiaodong", "xiaodongzhang", "张", "小东", "张小东", "zxd"}),
        ("欧阳^修", {"ouyang", "xiu", "ouyangxiu", "oyx"}),
        ("欧阳修", {"ouyang", "xiu", "欧阳"}),
        ("Müller^Jürgen", {"muller", "jurgen", "mueller", "juergen", "mullerjurgen", "mj"}),
        ("O’Brien^Siobhán", {"o'brien", "obrien", "brien", "siobhan", "os"}),
        ("Buc^Jérôme^Jean-Paul", {"buc", "jerome", "jean-paul", "jeanpaul", "jean", "paul"}),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", {"yamada", "山田", "太郎", "やまだ", "たろう"}),
        ("Hong^Gildong=洪^吉洞=홍^길동", {"hong", "洪吉洞", "홍", "길동", "홍길동"}),
    ],
)
def test_terms(name: str, wanted: set[str]) -> None:
    assert wanted <= terms(PersonName.parse(name))


@pytest.mark.parametrize(
    ("surname", "reading"),
    [
        ("曾", "zeng"),
        ("单", "shan"),
        ("仇", "qiu"),
        ("解", "xie"),
        ("查", "zha"),
        ("区", "ou"),
        ("朴", "piao"),
        ("盖", "ge"),
        ("乐", "yue"),
        ("翟", "zhai"),
        ("尉迟", "yuchi"),
        ("长孙", "zhangsun"),
        ("万俟", "moqi"),
        ("单于", "chanyu"),
    ],
)
def test_surnames_are_found_by_their_own_reading(surname: str, reading: str) -> None:
    found = terms(PersonName.parse(f"{surname}^伟"))
    assert {reading, f"{reading}wei"} <= found


def test_a_surname_is_also_found_by_the_usual_reading_of_its_character() -> None:
    assert {"zeng", "ceng", "zgf", "cgf"} <= terms(PersonName.parse("曾^国藩"))


@pytest.mark.parametrize("typed", ["lv", "lu", "lyu"])
def test_u_umlaut_is_typed_in_three_ways(typed: str) -> None:
    assert typed in terms(PersonName.parse("吕^布"))
    assert typed in terms(PersonName.parse("Lü^Bu"))


def test_hanzi_in_one_are_split_after_the_surname() -> None:
    assert split_hanzi("欧阳修文") == ("欧阳", "修文")
    assert split_hanzi("王小明") == ("王", "小明")


@given(st.text(max_size=400))
def test_any_name_has_terms_that_fit(text: str) -> None:
    found = terms(PersonName.parse(text))
    assert len(found) <= 96
    assert all(0 < len(term) <= 128 for term in found)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (record("Doe^Jane", "19700101", "F"), record("DOE^JANE", "19700101", "F")),
        (record("Doe^Jane"), record("Jane Doe", "19700101")),
        (record("Doe^Jane", "19700101"), record("", "19700101")),
        (record("Zhang^Xiaodong"), record("张^小东")),
        (record("Zhang Xiaodong"), record("Zhang^XiaoDong=张^小东")),
        (record("Zeng^Guofan"), record("曾国藩")),
        (record("张小东"), record("张^小东")),
        (record("Müller^Jürgen"), record("MULLER^JURGEN")),
        (record("O'Brien^Siobhán"), record("OBrien^Siobhan")),
        (record("Doe^Jane", "", "F"), record("Doe^Jane", "", "O")),
        (record("Doe^Jane", "1970"), record("Doe^Jane", "19700101")),
        (record(""), record("Doe^Jane")),
    ],
)
def test_these_may_be_one_person(a: Record, b: Record) -> None:
    assert not person_conflict(a, b)
    assert not person_conflict(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (record("Doe^Jane", "19700101"), record("Doe^Jane", "19700102")),
        (record("Doe^Jane", "", "F"), record("Doe^Jane", "", "M")),
        (record("Doe^Jane"), record("Roe^Jane")),
        (record("张^三"), record("李^四")),
        (record("Zhang^San"), record("李^四")),
        (record("Doe^Jane=张^三"), record("Roe^Jane=李^四")),
    ],
)
def test_these_cannot_be_one_person(a: Record, b: Record) -> None:
    assert person_conflict(a, b)
    assert person_conflict(b, a)
