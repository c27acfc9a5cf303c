"""Documents that travel inside an object (PS3.3 C.24): what they are, and where their bytes lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final

from archive.dicom.elements import UNDEFINED
from archive.dicom.reader import Opened, object_open
from archive.dicom.reports.content import Code, Reference, code_in, references_in
from archive.dicom.source import Unreadable
from archive.dicom.tags import tag
from archive.dicom.tree import Tree
from archive.dicom.value_text import seen

Pieces = Sequence[tuple[int, int]]  # (offset, length) of what belongs together, in order


class DocumentKind(StrEnum):
    PDF = "pdf"
    CDA = "cda"
    STL = "stl"
    OBJ = "obj"
    MTL = "mtl"
    OTHER = "other"


# Served as this type and called like this; what an object says of its own type is only shown.
MEDIA: Final[dict[DocumentKind, tuple[str, str]]] = {
    DocumentKind.PDF: ("application/pdf", "pdf"),
    DocumentKind.CDA: ("application/xml", "xml"),
    DocumentKind.STL: ("model/stl", "stl"),
    DocumentKind.OBJ: ("model/obj", "obj"),
    DocumentKind.MTL: ("model/mtl", "mtl"),
    DocumentKind.OTHER: ("application/octet-stream", "bin"),
}
_CLASSES: Final = {
    "1.2.840.10008.5.1.4.1.1.104.1": DocumentKind.PDF,
    "1.2.840.10008.5.1.4.1.1.104.2": DocumentKind.CDA,
    "1.2.840.10008.5.1.4.1.1.104.3": DocumentKind.STL,
    "1.2.840.10008.5.1.4.1.1.104.4": DocumentKind.OBJ,
    "1.2.840.10008.5.1.4.1.1.104.5": DocumentKind.MTL,
}
_DOCUMENT: Final = tag("EncapsulatedDocument")
_HEAD: Final = 1024  # of a document, to see what it is


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A document. ``kind`` is what its bytes bear out; ``declared`` is the media type it claims.

    ``pieces`` lie in what ``object_open`` reads: in the file, or in the inflated data set.
    """

    kind: DocumentKind
    declared: str
    title: str
    concept: Code | None
    sources: tuple[Reference, ...]
    pieces: tuple[tuple[int, int], ...]
    complete: bool

    @property
    def length(self) -> int:
        return sum(length for _offset, length in self.pieces)


def wrapped_of(file: BinaryIO, tree: Tree) -> Wrapped | None:
    """The document in an object; None when it has none. Raises ``Unreadable`` and OSError of the file."""
    opened = object_open(file, keep_bytes=0, depth=0)
    place = _placed(opened)
    if place is None:
        return None
    offset, declared_length = place
    top = tree.values
    length = max(0, min(declared_length, opened.end - offset))
    stated = top.integer(tag("EncapsulatedDocumentLength"))
    opened.file.seek(offset)
    head = opened.file.read(min(_HEAD, length))
    if stated is not None and length - 1 <= stated <= length:  # (0042,0015): without the padding byte
        length = stated
    kind = _CLASSES.get(tree.sop_class_uid, DocumentKind.OTHER)
    declared = seen(top.text(tag("MIMETypeOfEncapsulatedDocument")))
    return Wrapped(
        kind=_borne_out(kind, declared, head),
        declared=declared,
        title=seen(top.text(tag("DocumentTitle"))),
        concept=code_in(top, tag("ConceptNameCodeSequence")),
        sources=references_in(top, tag("SourceInstanceSequence")),
        pieces=((offset, length),) if length else (),
        complete=offset + declared_length <= opened.end,
    )


def _placed(opened: Opened) -> tuple[int, int] | None:
    """Where the value of Encapsulated Document lies: the top level is walked over up to it."""
    cursor, position, implicit = opened.cursor, opened.start, opened.header.implicit
    while (head := cursor.head_at(position, implicit)) is not None:
        found, _vr, at, length = head
        if found == _DOCUMENT and length != UNDEFINED:
            return at, length
        if found > _DOCUMENT:
            break
        position = cursor.skip(at, implicit) if length == UNDEFINED else at + length
    return None


def _borne_out(kind: DocumentKind, declared: str, head: bytes) -> DocumentKind:
    """What the bytes begin like: only that is ever given to a browser as what it is."""
    bare = head.lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if b"%PDF-" in head:
        return DocumentKind.PDF
    if kind in {DocumentKind.PDF, DocumentKind.CDA} or declared.lower() in {"text/xml", "application/xml"}:
        looks_xml = bare.startswith((b"<?xml", b"<ClinicalDocument")) or b"ClinicalDocument" in head
        return DocumentKind.CDA if looks_xml else DocumentKind.OTHER
    return kind


def pieces_read(file: BinaryIO, pieces: Pieces, start: int, stop: int) -> bytes:
    """Bytes ``start`` to ``stop`` of what the pieces make up together; fewer where a file ends before."""
    parts, at = [], 0
    for offset, length in pieces:
        first, last = max(start - at, 0), min(stop - at, length)
        if first < last:
            file.seek(offset + first)
            parts.append(file.read(last - first))
        at += length
        if at >= stop:
            break
    return b"".join(parts)


__all__ = ["MEDIA", "DocumentKind", "Pieces", "Unreadable", "Wrapped", "pieces_read", "wrapped_of"]
