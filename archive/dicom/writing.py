"""A small data set as bytes (PS3.5 7, Annex A): what queries are answered with.

Values are text, several joined by backslashes, and become what their value representation wants. A sequence
is a list of such data sets, written with the lengths it has.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any, Final

from archive.dicom import charset, values
from archive.dicom.elements import ITEM, LONG
from archive.dicom.encoding import DEFLATED, Encoding, declared
from archive.dicom.tags import dictionary_vr, tag

_CHARSET: Final = tag("SpecificCharacterSet")
_FORMATS: Final = {b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i"}


def data_set_encoded(elements: Mapping[int, Any], *, transfer_syntax_uid: str, charsets: str = "") -> bytes:
    """The data set in its transfer syntax.

    ``charsets`` (backslash-separated terms) encodes the texts and is said in the data set; empty for one
    that is plain ASCII.
    """
    whole = {_CHARSET: charsets, **elements} if charsets else elements
    data = _encoded(whole, charsets, declared(transfer_syntax_uid))
    if transfer_syntax_uid not in DEFLATED:
        return data
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)  # PS3.5 A.5: a raw stream, of even length
    data = deflate.compress(data) + deflate.flush()
    return data + bytes(len(data) % 2)


def _encoded(elements: Mapping[int, Any], charsets: str, encoding: Encoding) -> bytes:
    return b"".join(_element(number, elements[number], charsets, encoding) for number in sorted(elements))


def _element(number: int, value: Any, charsets: str, encoding: Encoding) -> bytes:
    vr = dictionary_vr(number)
    implicit, big_endian = encoding
    order = ">" if big_endian else "<"
    if isinstance(value, str):
        data = _value(vr, value, charsets, order)
    else:
        items = (_encoded(item, charsets, encoding) for item in value)
        data = b"".join(_head(ITEM, order, len(item)) + item for item in items)
    if implicit:
        return _head(number, order, len(data)) + data
    group, element = number >> 16, number & 0xFFFF
    if vr in LONG:
        return struct.pack(f"{order}HH2sHI", group, element, vr, 0, len(data)) + data
    return struct.pack(f"{order}HH2sH", group, element, vr, len(data)) + data


def _head(number: int, order: str, length: int) -> bytes:
    return struct.pack(f"{order}HHI", number >> 16, number & 0xFFFF, length)


def _value(vr: bytes, text: str, charsets: str, order: str) -> bytes:
    """The bytes of a value, of even length (PS3.5 6.2)."""
    if not text:
        return b""
    if vr in _FORMATS:
        numbers = [number for part in text.split("\\") if (number := values.integer(part)) is not None]
        return struct.pack(f"{order}{len(numbers)}{_FORMATS[vr]}", *numbers)
    # Codes are ASCII by the book (PS3.5 6.1.2.2); hanzi that a sender wrote all the same are not lost.
    data = charset.encode(text, charsets)
    padding = b"\0" if vr == b"UI" else b" "
    return data + padding * (len(data) % 2)
