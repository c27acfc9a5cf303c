"""Names for devices that read Latin letters only."""

from __future__ import annotations

import pytest

from archive.dicom.latin import name_in_hanzi, name_in_latin, name_proposed, text_in_latin
from archive.dicom.names import PersonName


@pytest.mark.parametrize(
    ("hanzi", "latin"),
    [
        ("王^小明", "Wang^Xiaoming"),
        ("曾^嘉怡", "Zeng^Jiayi"),
        ("单^雄", "Shan^Xiong"),
        ("仇^英", "Qiu^Ying"),
        ("解^珍", "Xie^Zhen"),
        ("曾嘉怡", "Zeng^Jiayi"),
        ("单雄信", "Shan^Xiongxin"),
        ("尉迟^恭", "Yuchi^Gong"),
        ("欧阳雪", "Ouyang^Xue"),
        ("吕^布", "Lyu^Bu"),
        ("王", "Wang"),
        ("O'Brien^Siobhán", ""),
    ],
)
def test_pinyin_is_proposed_with_the_readings_of_surnames(hanzi: str, latin: str) -> None:
    assert name_proposed(hanzi) == latin


def test_a_reading_that_is_no_surname_is_read_as_elsewhere() -> None:
    assert name_proposed("王^单单") == "Wang^Dandan"


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("Tsang^Ka Yi=曾^嘉怡", "Tsang^Ka Yi"),  # what somebody typed beats what we would propose
        ("=曾^嘉怡", "Zeng^Jiayi"),
        ("单^雄", "Shan^Xiong"),
        ("Müller^Jürgen", "Muller^Jurgen"),
        ("Nguyễn^Văn Hùng", "Nguyen^Van Hung"),
        ("O’Brien^Siobhán", "O'Brien^Siobhan"),
        ("Sílva^Álvaro", "Silva^Alvaro"),
        ("", ""),
    ],
)
def test_a_latin_device_gets_one_group_of_ascii(name: str, latin: str) -> None:
    assert name_in_latin(PersonName.parse(name)) == latin


def test_a_hanzi_device_gets_the_own_script_in_the_first_place() -> None:
    assert name_in_hanzi(PersonName.parse("Zeng^Jiayi=曾^嘉怡")) == "曾^嘉怡"
    assert name_in_hanzi(PersonName.parse("Müller^Jürgen")) == "Müller^Jürgen"


def test_texts_are_spelt_a_syllable_a_word() -> None:
    assert text_in_latin("头颅平扫") == "tou lu ping sao"
    assert text_in_latin("胸部CT（增强）") == "xiong bu CT (zeng qiang)"
    assert text_in_latin("Röntgen") == "Rontgen"
    assert text_in_latin("やまだ") == "???"
