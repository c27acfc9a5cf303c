"""Video in encapsulated transfer syntaxes (PS3.5 8.2.5 to 8.2.8): which codec, in which container."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final

from archive.dicom.elements import ITEM, UNDEFINED
from archive.dicom.reader import object_open, read_header
from archive.dicom.source import Unreadable

# A transfer syntax and its fragmentable twin, which ends in .1 (PS3.6 annex A).
_CODECS: Final = {
    "100": "MPEG-2",
    "101": "MPEG-2",
    "102": "H.264",
    "103": "H.264",
    "104": "H.264",
    "105": "H.264",
    "106": "H.264",
    "107": "H.265",
    "108": "H.265",
}
_SYNTAX: Final = "1.2.840.10008.1.2.4."
_FRAGMENTS: Final = 1_000_000


class Container(StrEnum):
    MP4 = "mp4"
    TRANSPORT = "ts"
    PROGRAM = "ps"
    ELEMENTARY = "es"
    UNKNOWN = "unknown"


# Media type and ending of the name; a browser plays the first.
MEDIA: Final[dict[Container, tuple[str, str]]] = {
    Container.MP4: ("video/mp4", "mp4"),
    Container.TRANSPORT: ("video/mp2t", "ts"),
    Container.PROGRAM: ("video/mpeg", "mpg"),
    Container.ELEMENTARY: ("application/octet-stream", "bin"),
    Container.UNKNOWN: ("application/octet-stream", "bin"),
}
_RAW_ENDINGS: Final = {"MPEG-2": "m2v", "H.264": "h264", "H.265": "h265"}


@dataclass(frozen=True, slots=True)
class Video:
    """A stream as stored. ``pieces`` are (offset, length) in the file, in order."""

    codec: str
    container: Container
    pieces: tuple[tuple[int, int], ...]
    complete: bool

    @property
    def length(self) -> int:
        return sum(length for _offset, length in self.pieces)

    @property
    def media_type(self) -> str:
        return MEDIA[self.container][0]

    @property
    def ending(self) -> str:
        if self.container is Container.ELEMENTARY:
            return _RAW_ENDINGS[self.codec]
        return MEDIA[self.container][1]


def codec_of(transfer_syntax_uid: str) -> str:
    """The codec a transfer syntax stands for; empty for one that is no video."""
    if not transfer_syntax_uid.startswith(_SYNTAX):
        return ""
    number, _, rest = transfer_syntax_uid.removeprefix(_SYNTAX).partition(".")
    return _CODECS.get(number, "") if rest in {"", "1"} else ""


def video_of(file: BinaryIO) -> Video | None:
    """The video in an object; None when there is none. Raises ``Unreadable`` and OSError of the file."""
    header = read_header(file)
    codec = codec_of(header.transfer_syntax_uid)
    if not codec or header.pixel_data is None or header.pixel_data.length is not None:
        return None
    opened = object_open(file, keep_bytes=0, depth=0)
    pieces: list[tuple[int, int]] = []
    at, whole = header.pixel_data.offset, False
    for _ in range(_FRAGMENTS):
        head = opened.cursor.head_at(at, True)
        if head is None or head[0] != ITEM or head[3] == UNDEFINED:
            whole = head is not None and head[0] != ITEM
            break
        pieces.append((head[2], max(0, min(head[3], opened.end - head[2]))))
        at = head[2] + head[3]
        if at > opened.end:
            break
    stream = tuple(piece for piece in pieces[1:] if piece[1])  # the first item is the offset table
    if not stream:
        raise Unreadable("no-fragments", "encapsulated pixel data without fragments")
    file.seek(stream[0][0])
    return Video(codec, container_of(file.read(min(stream[0][1], 4096))), stream, whole)


def container_of(head: bytes) -> Container:
    """What a stream is packed in, by how it begins."""
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"styp"}:
        return Container.MP4
    if head[:1] == b"\x47" and all(
        head[at : at + 1] == b"\x47" for at in range(188, min(len(head), 941), 188)
    ):
        return Container.TRANSPORT
    if head[:4] == b"\x00\x00\x01\xba":
        return Container.PROGRAM
    if head[:4] == b"\x00\x00\x00\x01" or head[:3] == b"\x00\x00\x01":
        return Container.ELEMENTARY
    return Container.UNKNOWN
