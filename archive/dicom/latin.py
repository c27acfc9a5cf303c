"""Names and texts for devices that take Latin letters only: pinyin for hanzi, accents gone. PURE.

A proposal, never the truth: who schedules a step sees it and can type another.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pypinyin import lazy_pinyin

from archive.dicom.names import PersonName, split_hanzi
from archive.dicom.surnames import SURNAME_READINGS

_IDEOGRAPH: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+")
_LETTERS: Final = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae"}
    | {
        "œ": "oe",
        "ı": "i",
        "’": "'",
        "‘": "'",
        "–": "-",
        "—": "-",
        "，": ", ",
        "。": ".",
        "、": ", ",
        "（": " (",
    }
    | {"）": ") ", "：": ": ", "；": "; "}
)


def name_proposed(group: str) -> str:
    """A name group of hanzi in pinyin, ``Family^Given``; empty when it holds no hanzi.

    A surname is read as a surname: 曾 Zeng, 单 Shan, 仇 Qiu, 解 Xie, 尉迟 Yuchi. ü is written yu, as
    passports do (吕 Lyu). Family and given name written in one are taken apart.
    """
    if not _IDEOGRAPH.search(group):
        return ""
    family, _, rest = group.partition("^")
    family, given = family.replace(" ", ""), "".join(rest.split("^")[:2]).replace(" ", "")
    if not given:
        family, given = split_hanzi(family)
    parts = ("".join(SURNAME_READINGS.get(family) or _pinyin(family)), "".join(_pinyin(given)))
    return "^".join(_letters(part).capitalize() for part in parts if part)


def text_in_latin(text: str) -> str:
    """A text in ASCII: hanzi as pinyin, a syllable a word, letters without their accents.

    What has no Latin form (kana, hangul) becomes a question mark.
    """
    if text.isascii():
        return text
    spelt = _letters(_IDEOGRAPH.sub(lambda run: f" {' '.join(_pinyin(run[0]))} ", text))
    return re.sub(r" +(?=[ ),.;:])|(?<=\() +", "", spelt).strip()


def name_in_latin(name: PersonName) -> str:
    """A name in one group of ASCII, the first of: its Latin group, pinyin of its hanzi, what can be spelt.

    Also for hanzi in the group for letters, where many senders put them. Empty for no name.
    """
    alphabetic = name.alphabetic
    if alphabetic and not _IDEOGRAPH.search(alphabetic):
        return "^".join(text_in_latin(part) for part in alphabetic.split("^"))
    chosen = alphabetic or name.ideographic
    return name_proposed(chosen) or "^".join(text_in_latin(part) for part in chosen.split("^"))


def name_in_hanzi(name: PersonName) -> str:
    """A name in one group, in its own script where it has one; else as ``name.alphabetic`` stands."""
    return name.ideographic or name.alphabetic or name.phonetic


def _pinyin(hanzi: str) -> list[str]:
    """Syllables without tones; v is how pypinyin writes ü."""
    return [syllable.replace("v", "yu") for syllable in lazy_pinyin(hanzi)]


def _letters(text: str) -> str:
    """ASCII of what is nearly so; a question mark for the rest."""
    apart = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    bare = "".join(ch for ch in apart if not unicodedata.combining(ch))
    return bare.encode("ascii", "replace").decode()
