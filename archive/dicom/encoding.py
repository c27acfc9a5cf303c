"""How a data set is encoded: what its label says, and what its bytes say (PS3.5 annex A)."""

from __future__ import annotations

from typing import Final

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPIPHTJ2KReferencedDeflate,
)

from archive.dicom.elements import KEEP_BYTES, KNOWN, UNDEFINED
from archive.dicom.source import Source

_JPIP_REFERENCED_DEFLATE: Final = "1.2.840.10008.1.2.4.95"  # pydicom has no name for it
_GE_PRIVATE_IMPLICIT: Final = "1.2.840.113619.5.2"  # implicit data set, big-endian pixels
DEFLATED: Final = frozenset(
    {str(DeflatedExplicitVRLittleEndian), str(JPIPHTJ2KReferencedDeflate), _JPIP_REFERENCED_DEFLATE}
)

Encoding = tuple[bool, bool]  # implicit VR, big endian
_EXPLICIT_LITTLE: Final = (False, False)
_IMPLICIT_LITTLE: Final = (True, False)
_EXPLICIT_BIG: Final = (False, True)


def declared(transfer_syntax_uid: str) -> Encoding:
    """The encoding that a transfer syntax stands for; unknown ones are explicit little endian."""
    if transfer_syntax_uid in {ImplicitVRLittleEndian, _GE_PRIVATE_IMPLICIT}:
        return _IMPLICIT_LITTLE
    return _EXPLICIT_BIG if transfer_syntax_uid == ExplicitVRBigEndian else _EXPLICIT_LITTLE


def found_at(source: Source, position: int, transfer_syntax_uid: str) -> Encoding | None:
    """The encoding by the look of the first element, what is declared being tried first."""
    data = source.bytes_at(position, 8)
    if len(data) < 8:
        return None
    rest = source.size - position - 8 if source.size is not None else UNDEFINED
    tries = [_EXPLICIT_LITTLE, _IMPLICIT_LITTLE, _EXPLICIT_BIG]
    tries.sort(key=lambda encoding: encoding != declared(transfer_syntax_uid))
    return next((encoding for encoding in tries if _fits(data, encoding, rest)), None)


def _fits(data: bytes, encoding: Encoding, rest: int) -> bool:
    implicit, big_endian = encoding
    group = int.from_bytes(data[:2], "big" if big_endian else "little")
    if not 0x0001 <= group <= 0x7FE0 or group & 0xFF == 0:
        return False  # group 0x0800 is group 8 in the other byte order
    if not implicit:
        return data[4:6] in KNOWN
    length = int.from_bytes(data[4:8], "little")
    if data[4:6] in KNOWN and length > KEEP_BYTES:
        return False  # letters, not a length
    return length <= rest or length == UNDEFINED
