"""The head of a DICOM file: preamble and file meta information (PS3.10 7.1)."""

from __future__ import annotations

import struct
from functools import lru_cache

IMPLEMENTATION_CLASS_UID = "2.25.241305832168210671529412530114725196831"
IMPLEMENTATION_VERSION_NAME = "LIGHTBOX_1"
PREAMBLE = b"\0" * 128 + b"DICM"


def _element(element: int, vr: bytes, value: bytes, pad: bytes = b"\0") -> bytes:
    if len(value) & 1:
        value += pad
    if vr == b"OB":
        return struct.pack("<HH2sHL", 2, element, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value


def _text(value: str, limit: int) -> bytes:
    """ASCII of at most ``limit`` bytes: what a peer put into a command may be anything."""
    return value.encode("ascii", "replace").replace(b"\0", b"")[:limit]


@lru_cache(maxsize=256)
def _around(sop_class_uid: str, transfer_syntax_uid: str, source_ae: str) -> tuple[bytes, bytes]:
    """What comes before and behind the SOP Instance UID: the same again and again for one sender."""
    before = _element(0x0001, b"OB", b"\x00\x01") + _element(0x0002, b"UI", _text(sop_class_uid, 64))
    behind = (
        _element(0x0010, b"UI", _text(transfer_syntax_uid, 64))
        + _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode())
        + _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode(), b" ")
    )
    if source_ae:
        behind += _element(0x0016, b"AE", _text(source_ae, 16), b" ")
    return before, behind


def file_meta(
    *, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, source_ae: str = ""
) -> bytes:
    """Return preamble and file meta information for a data set that is about to follow as sent.

    The same arguments give the same bytes: an object that is sent twice makes the same file.
    """
    before, behind = _around(sop_class_uid, transfer_syntax_uid, source_ae)
    body = before + _element(0x0003, b"UI", _text(sop_instance_uid, 64)) + behind
    return PREAMBLE + _element(0x0000, b"UL", struct.pack("<L", len(body))) + body


MOST_META_BYTES = 1024  # of a head that ``file_meta`` wrote


def own_dataset_offset(head: bytes) -> int | None:
    """Where the data set begins in a file with a head that ``file_meta`` wrote; None for any other.

    What follows was kept as it was sent, even where that begins with elements of group 2.
    """
    if not head.startswith(PREAMBLE + b"\x02\0\0\0UL\x04\0"):
        return None
    end = 144 + int.from_bytes(head[140:144], "little")
    return end if IMPLEMENTATION_CLASS_UID.encode() in head[144:end] and end <= MOST_META_BYTES else None
