"""What is not an image, read for people: reports, waveforms, documents, videos, attributes of anything."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from archive.dicom.attributes_listed import Listing, attributes_list
from archive.dicom.clinical import MOST_BYTES, Clinical, NotClinical, clinical_of
from archive.dicom.reader import object_open, read_header
from archive.dicom.reports import Report, report_of
from archive.dicom.source import Unreadable
from archive.dicom.tags import tag
from archive.dicom.tree import read_tree
from archive.dicom.video import Video, codec_of, video_of
from archive.dicom.waveform import Waveform, waveform_of
from archive.dicom.wrapped import MEDIA, DocumentKind, Pieces, Wrapped, pieces_read, wrapped_of
from archive.models import Instance
from archive.rendering_words import SENTENCES, sentence_for
from archive.storage import NotStored, file_open

__all__ = [
    "ByteStream",
    "DocumentKind",
    "Kind",
    "ObjectUnavailable",
    "Report",
    "Video",
    "Waveform",
    "Wrapped",
    "attributes_read",
    "clinical_read",
    "document_stream",
    "object_kind",
    "report_read",
    "video_read",
    "video_stream",
    "waveform_read",
    "wrapped_read",
]


class Kind(StrEnum):
    """What an object shows itself as."""

    IMAGE = "image"
    REPORT = "report"
    WAVEFORM = "waveform"
    DOCUMENT = "document"
    VIDEO = "video"
    ATTRIBUTES = "attributes"


_BROKEN: Final[str | Promise] = _(
    "The object cannot be read. It is kept as it came; ask the sender to send it again."
)
_CONTENT, _WAVEFORM = tag("ContentSequence"), tag("WaveformSequence")
_DOCUMENT: Final = tag("EncapsulatedDocument")


class ObjectUnavailable(Exception):
    """Nothing to show: ``code`` for machines, ``detail`` for the log, ``sentence`` for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail

    @property
    def sentence(self) -> str:
        return sentence_for(self.code) if self.code in SENTENCES else str(_BROKEN)


@dataclass(frozen=True, slots=True)
class ByteStream:
    """Bytes that go to a browser as they are stored, all or a part."""

    instance: Instance
    pieces: Pieces
    media_type: str
    name: str

    @property
    def length(self) -> int:
        return sum(length for _offset, length in self.pieces)

    def read(self, start: int, stop: int) -> bytes:
        """Bytes ``start`` to ``stop``. Raises ``ObjectUnavailable``."""
        with _opened(self.instance) as file:
            return pieces_read(object_open(file, keep_bytes=0, depth=0).file, self.pieces, start, stop)


def object_kind(*, instance: Instance) -> Kind:
    """Say what an object shows itself as: by what is in it, not by what it is called.

    Raises ``ObjectUnavailable`` when its file is not there; of one that cannot be read, attributes are tried.
    """
    if codec_of(instance.transfer_syntax_uid) and instance.number_of_frames:
        return Kind.VIDEO
    if instance.number_of_frames:
        return Kind.IMAGE
    try:
        with _opened(instance) as file:
            header = read_header(file)
    except ObjectUnavailable as reason:
        if reason.code in {"not-stored", "unreadable"}:
            raise
        return Kind.ATTRIBUTES
    if _DOCUMENT in header or _DOCUMENT in header.passed_over:
        return Kind.DOCUMENT
    for found, kind in ((_WAVEFORM, Kind.WAVEFORM), (_CONTENT, Kind.REPORT)):
        if found in header.sequences:
            return kind
    return Kind.ATTRIBUTES


def attributes_read(*, instance: Instance) -> Listing:
    """List every attribute of an object. Raises ``ObjectUnavailable``."""
    with _opened(instance) as file:
        return attributes_list(file)


def report_read(*, instance: Instance) -> Report:
    """Read a structured report. Raises ``ObjectUnavailable``."""
    with _opened(instance) as file:
        return report_of(read_tree(file))


def waveform_read(*, instance: Instance) -> Waveform:
    """Read a waveform. Raises ``ObjectUnavailable``."""
    with _opened(instance) as file:
        return waveform_of(read_tree(file))


def wrapped_read(*, instance: Instance) -> Wrapped:
    """Find the document an object carries. Raises ``ObjectUnavailable``."""
    with _opened(instance) as file:
        wrapped = wrapped_of(file, read_tree(file))
    if wrapped is None:
        raise ObjectUnavailable("no-document")
    return wrapped


def clinical_read(*, instance: Instance, wrapped: Wrapped) -> Clinical:
    """Take a CDA document apart. Raises ``NotClinical`` when it cannot be, and ``ObjectUnavailable``."""
    stream = _wrapped_stream(instance, wrapped)
    if stream.length > MOST_BYTES:
        raise NotClinical("too-large", f"{stream.length} bytes")
    return clinical_of(stream.read(0, stream.length))


def document_stream(*, instance: Instance) -> ByteStream:
    """The bytes of the document an object carries. Raises ``ObjectUnavailable``."""
    return _wrapped_stream(instance, wrapped_read(instance=instance))


def video_read(*, instance: Instance) -> Video:
    """Find the video in an object. Raises ``ObjectUnavailable``."""
    with _opened(instance) as file:
        video = video_of(file)
    if video is None:
        raise ObjectUnavailable("no-video")
    return video


def video_stream(*, instance: Instance) -> ByteStream:
    """The video as stored. Raises ``ObjectUnavailable``."""
    video = video_read(instance=instance)
    return ByteStream(instance, video.pieces, video.media_type, f"{_name(instance)}.{video.ending}")


def _wrapped_stream(instance: Instance, wrapped: Wrapped) -> ByteStream:
    media_type, ending = MEDIA[wrapped.kind]
    return ByteStream(instance, wrapped.pieces, media_type, f"{_name(instance)}.{ending}")


def _name(instance: Instance) -> str:
    """A file name that says nothing of the patient and nothing that the sender made up."""
    modality = instance.series.modality
    return f"{modality.lower() if modality.isascii() and modality.isalnum() else 'object'}-{instance.pk}"


@contextmanager
def _opened(instance: Instance) -> Iterator[BinaryIO]:
    """The file of an object; whatever keeps it from being read leaves this module as one exception."""
    try:
        with file_open(instance.file_key) as file:
            yield file
    except Unreadable as error:
        raise ObjectUnavailable(error.code, error.detail) from error
    except NotStored as error:
        raise ObjectUnavailable("not-stored", str(error)) from error
    except (OSError, zlib.error) as error:
        raise ObjectUnavailable("unreadable", str(error)) from error
    except MemoryError as error:
        raise ObjectUnavailable("too-large", str(error)) from error
