"""Text of the wire to text and back: Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1).

Real files declare one set and use another. The declared set is believed as long as the bytes can be
read in it; then UTF-8 and the Chinese encodings, which are hard to meet by chance, are recognised.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from archive.dicom import iso2022

UTF_8 = "ISO_IR 192"
_SINGLE = {
    "6": "ascii",
    "100": "iso8859-1",
    "101": "iso8859-2",
    "109": "iso8859-3",
    "110": "iso8859-4",
    "144": "iso8859-5",
    "127": "iso8859-6",
    "126": "iso8859-7",
    "138": "iso8859-8",
    "148": "iso8859-9",
    "203": "iso8859-15",
    "166": "tis-620",
    "13": "shift_jis",
    "192": "utf-8",
}
_MULTI = {"87", "159", "149", "58"}
_EXTENDING = (_SINGLE.keys() | _MULTI) - {"6", "192"}  # sets that escape sequences can switch to
_UNESCAPED = {"58": "gb18030", "149": "cp949"}  # what their bytes are when the escapes are missing
_LATIN = {"ascii", "iso8859-1", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-9", "iso8859-15"}
# What senders write instead of a defined term, without blanks and punctuation.
_MISSPELT = {
    "": "",
    "ASCII": "6",
    "USASCII": "6",
    "DEFAULT": "6",
    "NONE": "6",
    "LATIN1": "100",
    "ISO88591": "100",
    "ISO88592": "101",
    "ISO88595": "144",
    "ISO88596": "127",
    "ISO88597": "126",
    "ISO88598": "138",
    "ISO88599": "148",
    "ISO885915": "203",
    "WINDOWS1252": "100",
    "CP1252": "100",
    "UTF8": "192",
    "UNICODE": "192",
    "GB18030": "gb18030",
    "GBK": "gb18030",
    "GB2312": "gb18030",
    "GB231280": "gb18030",
    "CP936": "gb18030",
    "BIG5": "big5",
    "SHIFTJIS": "cp932",
    "SJIS": "cp932",
    "EUCJP": "euc_jp",
    "EUCKR": "cp949",
    "KSX1001": "149",
    "JISX0208": "87",
    "JISX0212": "159",
    "JISX0201": "13",
}
_PUNCTUATION = re.compile(r"[^A-Z0-9]+")
_TERM = re.compile(r"(?:ISO)?(?:2022)?(?:IR)?(\d{1,3})")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_UTF_8_CHARACTER = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")


@lru_cache(maxsize=256)
def _known(term: str) -> str:
    """A defined term as its registration number, or a Python codec; empty for none or unknown."""
    bare = _PUNCTUATION.sub("", term.upper())
    if bare in _MISSPELT:
        return _MISSPELT[bare]
    match = _TERM.fullmatch(bare)
    number = match[1] if match else ""
    return number if number in _SINGLE or number in _MULTI else ""


def decode(raw: bytes, charsets: Sequence[str], vr: str = "LO", default: str = "") -> str:
    """The text of ``raw``. Never raises; what cannot be read becomes U+FFFD.

    ``charsets`` is Specific Character Set as sent, misspelt or not; ``default`` is used when it is
    empty. ``vr`` decides which delimiters end an escape sequence (PS3.5 6.1.2.5.3).
    """
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    known = [_known(term) for term in charsets]
    if not any(known) and default:
        known = [_known(term) for term in default.split("\\")]
    if b"\x1b" in raw:
        return iso2022.decode(raw, known, person_name=vr == "PN")
    return _decode_plain(raw, _plain_set(known))


def _plain_set(known: list[str]) -> str:
    """The set of bytes that come without escapes: the first, else the one they were forgotten for."""
    first = known[0] if known else ""
    if first not in {"", "6", *_MULTI}:
        return first
    return next((_UNESCAPED[number] for number in known if number in _UNESCAPED), "")


def _decode_plain(raw: bytes, number: str) -> str:
    codec = _SINGLE.get(number, number) or "ascii"
    text = _strict(raw, codec)
    if text is not None and not _doubtful(raw, text, codec):
        return text
    if codec != "utf-8" and (utf_8 := _strict(raw, "utf-8")) is not None:
        return utf_8
    if (codec in _LATIN or codec == "utf-8") and looks_chinese(raw):
        return raw.decode("gb18030", "replace")
    if text is not None:
        return text
    if codec == "ascii" or (codec == "utf-8" and not _UTF_8_CHARACTER.search(raw)):
        codec = "iso8859-1"
    return raw.decode(codec, "replace")


def _strict(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None


def _doubtful(raw: bytes, text: str, codec: str) -> bool:
    """Can be read in ``codec``, but nobody means that: C1 controls, or Chinese under a Latin set."""
    if codec in {"utf-8", "ascii"}:
        return False
    if codec == "gb18030":
        utf_8 = _strict(raw, "utf-8")
        return utf_8 is not None and all(not ch.isalpha() or ch > "\u2e80" or ch < "\x80" for ch in utf_8)
    if any("\x80" <= ch <= "\x9f" for ch in text):
        return True
    if codec not in _LATIN:
        return False
    return _strict(raw, "utf-8") is not None or looks_chinese(raw)


def looks_chinese(raw: bytes) -> bool:
    """Whether bytes outside ASCII read as GB18030 hanzi and hardly as anything Latin.

    Every run of high bytes must be made of GB2312 hanzi and be no part of a Latin word, or hold lead
    bytes that no Latin set has (0x80 to 0x9F).
    """
    text = _strict(raw, "gb18030")
    if text is None or not all(ch < "\x80" or _is_chinese(ch) for ch in text):
        return False
    if re.search(rb"[\x80-\x9f]", raw):
        return True
    for run in _HIGH_RUN.finditer(raw):
        before, after = raw[run.start() - 1 : run.start()], raw[run.end() : run.end() + 1]
        if len(run[0]) % 2 or before.isalpha() or after.isalpha():
            return _mostly_gb2312(raw)
    return True


def _is_chinese(ch: str) -> bool:
    return (
        "\u3000" <= ch <= "\u303f"
        or "\u3400" <= ch <= "\u9fff"
        or "\uff00" <= ch <= "\uffef"
        or ch in "·—…“”‘’"
    )


def _mostly_gb2312(raw: bytes) -> bool:
    """Hanzi beyond GB2312 have an ASCII second byte: allowed among more that are within it."""
    within = beyond = index = 0
    while index < len(raw):
        if raw[index] < 0x80:
            index += 1
            continue
        if index + 1 < len(raw) and raw[index + 1] >= 0xA1:
            within += 1
        else:
            beyond += 1
        index += 2
    return within > beyond


def encode(text: str, charset: str) -> bytes:
    """``text`` for a peer that reads ``charset`` (backslash-separated terms), escapes included.

    A character outside the set becomes a question mark (PS3.5 6.1.2.5).
    """
    if text.isascii():
        return text.encode("ascii")
    known = [_known(term) for term in charset.split("\\")]
    if len(known) > 1 or known[0] in _MULTI or known[0] == "13":  # ISO_IR 13 is not all of Shift JIS
        return iso2022.encode(text, known)
    codec = _SINGLE.get(known[0], known[0]) or "ascii"
    return text.encode(codec, "replace")


def encodable(text: str, charset: str) -> bool:
    """Whether ``encode`` loses nothing."""
    if charset == "GBK":  # read as GB18030 everywhere else, which holds more
        return text.encode("gbk", "ignore").decode("gbk") == text
    return decode(encode(text, charset), charset.split("\\"), "PN") == text


def defined(terms: Sequence[str]) -> str:
    """The defined terms of PS3.3 C.12.1.1.2 that a sender's spelling stands for, joined by backslashes.

    Empty when it stands for none, or for a set that DICOM does not know.
    """
    if [term.strip().upper() for term in terms] == ["GBK"]:
        return "GBK"
    known = [_known(term) for term in terms]
    if len(known) == 1 and known[0] not in _MULTI:
        return _defined_alone(known[0])
    first, *others = known if known[0] not in _MULTI else ["", *known]
    numbers = [number for number in dict.fromkeys(others) if number in _EXTENDING]
    if not numbers or (first and first not in _EXTENDING and first != "6"):
        return _defined_alone(first)
    initial = f"ISO 2022 IR {first}" if first in _EXTENDING else ""
    return "\\".join((initial, *(f"ISO 2022 IR {number}" for number in numbers)))


def _defined_alone(number: str) -> str:
    if number == "gb18030":
        return "GB18030"
    return f"ISO_IR {number}" if number in _SINGLE and number != "6" else ""
