"""Code extension by escape sequences (PS3.5 6.1.2.5, PS3.3 tables C.12-3 and C.12-4).

A small state machine with the two sets in force: G0 for bytes below 0x80, G1 for those above.
pydicom leaves the escapes of ISO 2022 IR 58 in the text, hence our own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# Registration number -> (escape, side, Python codec)
_ESCAPES: Final = {
    b"\x1b(B": (0, "ascii"),
    b"\x1b(J": (0, "jisx0201"),
    b"\x1b)I": (1, "jisx0201"),
    b"\x1b-A": (1, "iso8859-1"),
    b"\x1b-B": (1, "iso8859-2"),
    b"\x1b-C": (1, "iso8859-3"),
    b"\x1b-D": (1, "iso8859-4"),
    b"\x1b-F": (1, "iso8859-7"),
    b"\x1b-G": (1, "iso8859-6"),
    b"\x1b-H": (1, "iso8859-8"),
    b"\x1b-L": (1, "iso8859-5"),
    b"\x1b-M": (1, "iso8859-9"),
    b"\x1b-T": (1, "tis-620"),
    b"\x1b-b": (1, "iso8859-15"),
    b"\x1b$B": (0, "jisx0208"),
    b"\x1b$@": (0, "jisx0208"),
    b"\x1b$(D": (0, "jisx0212"),
    b"\x1b$)C": (1, "cp949"),
    b"\x1b$)A": (1, "gb18030"),
    b"\x1b$A": (0, "gb2312-g0"),
    b"\x1b$(A": (0, "gb2312-g0"),
    b"\x1b$(C": (0, "ksx1001-g0"),
}
_INITIAL: Final = {
    "": (0, "ascii"),
    "6": (0, "ascii"),
    "13": (1, "jisx0201"),
    "100": (1, "iso8859-1"),
    "101": (1, "iso8859-2"),
    "109": (1, "iso8859-3"),
    "110": (1, "iso8859-4"),
    "126": (1, "iso8859-7"),
    "127": (1, "iso8859-6"),
    "138": (1, "iso8859-8"),
    "144": (1, "iso8859-5"),
    "148": (1, "iso8859-9"),
    "149": (1, "cp949"),
    "166": (1, "tis-620"),
    "203": (1, "iso8859-15"),
    "58": (1, "gb18030"),
}
# Two 7-bit bytes a character: the codec that reads them with the high bit set, and its prefix.
_WIDE_G0: Final = {
    "jisx0208": ("euc_jp", b""),
    "jisx0212": ("euc_jp", b"\x8f"),
    "gb2312-g0": ("gb18030", b""),
    "ksx1001-g0": ("cp949", b""),
}
_ESCAPE = re.compile(rb"\x1b(?:\$\([A-D]|\$\)[A-C]|\$[@AB]|[()\-][A-Za-z])")
_NAME_DELIMITERS = b"\\^=\r\n\f\t"
_TEXT_DELIMITERS = b"\\\r\n\f\t"
_SEGMENT = re.compile(rb"[\x00-\x7f]+|[\x80-\xff]+")


def decode(raw: bytes, known: Sequence[str], *, person_name: bool) -> str:
    """The text of bytes with escapes. Never raises; what cannot be read becomes U+FFFD.

    ``known`` are registration numbers, the first being the initial set. A delimiter puts the
    initial set back; a sender that forgets to repeat its escape behind one is understood.
    """
    delimiters = _NAME_DELIMITERS if person_name else _TEXT_DELIMITERS
    initial = _initial(known)
    state = _State(initial)
    out: list[str] = []
    at = 0
    while at < len(raw):
        escape = _ESCAPE.match(raw, at)
        if escape is not None:
            state.designate(escape[0])
            at = escape.end()
            continue
        end = raw.find(b"\x1b", at + 1)
        run = raw[at : end if end > 0 else len(raw)]
        _decode_run(run, state, delimiters, out)
        at += len(run)
    return "".join(out)


class _State:
    """Which sets are in force, and which G1 was designated last."""

    __slots__ = ("g0", "g1", "initial_g1", "last_g1")

    def __init__(self, initial: tuple[int, str]) -> None:
        self.initial_g1 = initial[1] if initial[0] == 1 else ""
        self.last_g1 = ""
        self.reset()

    def reset(self) -> None:
        self.g0, self.g1 = "ascii", self.initial_g1

    def designate(self, escape: bytes) -> None:
        side, codec = _ESCAPES.get(escape, (0, self.g0))
        if side:
            self.g1 = self.last_g1 = codec
        else:
            self.g0 = codec


def _initial(known: Sequence[str]) -> tuple[int, str]:
    return _INITIAL.get(known[0] if known else "", (0, "ascii"))


def _decode_run(run: bytes, state: _State, delimiters: bytes, out: list[str]) -> None:
    """Bytes between two escapes."""
    for segment in _SEGMENT.finditer(run):
        part = segment[0]
        if part[0] >= 0x80:
            codec = state.g1 or state.last_g1
            out.append(_high(part, codec or "iso8859-1"))
        elif state.g0 in _WIDE_G0:
            _wide(part, state, delimiters, out)
        else:
            out.append(part.decode("ascii"))
            if any(byte in delimiters for byte in part):
                state.reset()


def _wide(part: bytes, state: _State, delimiters: bytes, out: list[str]) -> None:
    """Pairs of 7-bit bytes; controls and blanks between them stand for themselves."""
    codec, prefix = _WIDE_G0[state.g0]
    at = 0
    while at < len(part):
        pair = part[at : at + 2]
        if part[at] <= 0x20 or len(pair) < 2 or pair[1] <= 0x20:
            out.append(chr(part[at]))
            at += 1
            if part[at - 1] in delimiters:
                state.reset()
                out.append(part[at:].decode("ascii"))
                return
            continue
        out.append((prefix + bytes(byte | 0x80 for byte in pair)).decode(codec, "replace"))
        at += 2


def _high(part: bytes, codec: str) -> str:
    if codec == "jisx0201":
        return "".join(chr(0xFF61 + byte - 0xA1) if 0xA1 <= byte <= 0xDF else "\ufffd" for byte in part)
    return part.decode(codec, "replace")


_WRITE: Final = {
    "13": b"\x1b)I",
    "87": b"\x1b$B",
    "159": b"\x1b$(D",
    "149": b"\x1b$)C",
    "58": b"\x1b$)A",
    "100": b"\x1b-A",
    "101": b"\x1b-B",
    "109": b"\x1b-C",
    "110": b"\x1b-D",
    "126": b"\x1b-F",
    "127": b"\x1b-G",
    "138": b"\x1b-H",
    "144": b"\x1b-L",
    "148": b"\x1b-M",
    "166": b"\x1b-T",
    "203": b"\x1b-b",
}
_CODECS: Final = {
    "13": "shift_jis",
    "87": "iso2022_jp",
    "159": "iso2022_jp_2",
    "149": "euc_kr",
    "58": "gb2312",
}


def encode(text: str, known: Sequence[str]) -> bytes:
    """``text`` with the escapes needed; each run between delimiters starts from the initial set."""
    return b"".join(
        piece.encode("ascii")
        if piece in {"\\", "^", "=", "\r", "\n", "\f", "\t"}
        else _encode_piece(piece, known)
        for piece in re.split(r"([\\^=\r\n\f\t])", text)
    )


def _encode_piece(piece: str, known: Sequence[str]) -> bytes:
    out, current = bytearray(), ""
    for ch in piece:
        number, coded = ("", ch.encode()) if ch < "\x80" else _encode_char(ch, known)
        if number != current:
            wide_g0 = current in {"87", "159"}
            if wide_g0 and number not in {"87", "159"}:
                out += b"\x1b(B"
            if number and not (number == (known[0] if known else "") and number not in {"149", "58"}):
                out += _WRITE[number]
            if number or wide_g0:
                current = number
        out += coded
    if current in {"87", "159"}:
        out += b"\x1b(B"
    return bytes(out)


def _encode_char(ch: str, known: Sequence[str]) -> tuple[str, bytes]:
    for number in known:
        codec = _CODECS.get(number) or (_INITIAL[number][1] if number in _WRITE else "")
        if not codec:
            continue
        try:
            coded = ch.encode(codec)
        except UnicodeEncodeError:
            continue
        if number in {"87", "159"}:
            if not coded.startswith(_WRITE[number]):
                continue
            coded = coded[len(_WRITE[number]) : -3]
        if number == "13" and len(coded) != 1:
            continue
        return number, coded
    return "", b"?"
