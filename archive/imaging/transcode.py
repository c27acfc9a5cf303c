"""An object's data set in a native transfer syntax, for a receiver that takes no other (PS3.5 8.2, A.1, A.2).

Pixels are decoded and written natively, the Image Pixel Module says what they are now, everything else stays
as it is. What cannot be decoded whole is refused: a wrong pixel is worse than none.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, Final, cast

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from archive.dicom.elements import UNDEFINED, Cursor
from archive.dicom.frames import EncapsulatedIndex
from archive.dicom.header import Header, PixelData
from archive.dicom.reader import Unreadable, read_header
from archive.dicom.recode import Encoded, Rewriting, Target, recode, swapped
from archive.dicom.source import Source
from archive.dicom.tags import tag
from archive.imaging.decode import DEFLATED_IMAGE_FRAME
from archive.imaging.native_form import NativeForm, native_form, native_frames_write
from archive.imaging.params import Undecodable
from archive.imaging.source import ImageSource, source_read

NATIVE: Final = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
_UNCOMPRESSED: Final = frozenset({*NATIVE, str(ExplicitVRBigEndian), "1.2.840.113619.5.2", ""})
_JPEG_XL: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112))
_RETIRED_JPEG: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in range(52, 67))
_PART_2: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (92, 93))  # multi-component
_KNOWN: Final = (
    _UNCOMPRESSED
    | _JPEG_XL
    | _RETIRED_JPEG
    | {str(DeflatedExplicitVRLittleEndian), str(RLELossless), DEFLATED_IMAGE_FRAME}
    | {str(uid) for uid in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes)}
) - _PART_2
_IN_MEMORY: Final = 16 << 20  # a larger result lies in a temporary file
_INFLATED_BYTES: Final = 1 << 30
_BLOCK: Final = 512 << 10
_EXTENDED_OFFSETS: Final = frozenset({0x7FE00001, 0x7FE00002})


class CannotTranscode(Exception):
    """``code`` is a slug that says why."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


def transcodable(transfer_syntax_uid: str) -> bool:
    """Whether objects in this syntax can be had in the native ones, as far as the label tells."""
    return transfer_syntax_uid in _KNOWN


@contextmanager
def data_set_transcoded(
    file: BinaryIO, *, transfer_syntax_uid: str, target: str, folder: str | None = None
) -> Iterator[BinaryIO]:
    """The data set of a stored file in ``target``, one of ``NATIVE``, as a file of its own.

    It lies below ``folder`` when it is large, until the end of the block. Raises ``CannotTranscode``, before
    anything is given out, and OSError of the files themselves.
    """
    if not transcodable(transfer_syntax_uid) or target not in NATIVE:
        raise CannotTranscode("unknown-syntax", transfer_syntax_uid)
    with ExitStack() as files:
        spooled = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=folder)  # noqa: SIM115  closed by the stack
        out = cast(BinaryIO, files.enter_context(spooled))
        try:
            header = read_header(file, transfer_syntax_uid=transfer_syntax_uid)
            if header.deflated:
                spooled = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=folder)  # noqa: SIM115
                inflated = cast(BinaryIO, files.enter_context(spooled))
                _inflate(file, header.dataset_offset, inflated)
                file, header = inflated, read_header(inflated)
            to = Target(out, implicit=target == NATIVE[1])
            how = _rewriting(file, header)
            recode(
                Encoded(file, _size(file), header.dataset_offset, header.implicit, header.big_endian), to, how
            )
        except (Undecodable, Unreadable) as error:
            raise CannotTranscode(error.code, error.detail) from None
        except (ValueError, LookupError, ArithmeticError, MemoryError, struct.error) as error:
            raise CannotTranscode("failed", f"{type(error).__name__}: {error}"[:200]) from error
        out.seek(0)
        yield out


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _inflate(file: BinaryIO, start: int, out: BinaryIO) -> None:
    """A deflated data set (PS3.5 A.5) as it is; bounded, and whole."""
    file.seek(start)
    inflate, written = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        while not inflate.eof and (block := inflate.unconsumed_tail or file.read(_BLOCK)):
            data = inflate.decompress(block, _BLOCK)
            written += len(data)
            if written > _INFLATED_BYTES:
                raise Unreadable("deflate-limit", f"more than {_INFLATED_BYTES} bytes")
            out.write(data)
    except zlib.error as error:
        raise Unreadable("broken-deflate", str(error)) from None
    if not inflate.eof:
        raise Unreadable("broken-deflate", "the stream has no end")


def _rewriting(file: BinaryIO, header: Header) -> Rewriting:
    """What has to change besides the encoding: nothing where pixels are native little endian already."""
    pixels = header.pixel_data
    signed = header.integer(tag("PixelRepresentation")) == 1
    uncompressed = header.transfer_syntax_uid in _UNCOMPRESSED
    swap = header.big_endian or header.transfer_syntax_uid == "1.2.840.113619.5.2"
    if pixels is None or (uncompressed and pixels.length is not None and not swap):
        return Rewriting({}, signed=signed)
    source = source_read(file)
    if isinstance(source.index, EncapsulatedIndex) and not (uncompressed and pixels.length is not None):
        return _decoding(file, header, source, signed=signed)
    if pixels.length is None:
        raise Undecodable("no-fragments", "native pixels of no length")
    changes = {}
    if source.description.photometric != header.text(tag("PhotometricInterpretation")).upper():
        changes[tag("PhotometricInterpretation")] = (b"CS", source.description.photometric.encode())
    width = _word_bytes(source, pixels) if swap else 0
    return Rewriting(
        changes,
        signed=signed,
        pixels=lambda to: _native_copy(file, pixels, width, to),
        pixels_tag=pixels.tag,
        pixels_end=pixels.offset + pixels.length,
    )


def _word_bytes(source: ImageSource, pixels: PixelData) -> int:
    """What is swapped as one in big endian pixels: a sample, or the word that small ones are packed in."""
    allocated = source.description.bits_allocated
    return allocated // 8 if allocated > 8 else 2 if pixels.vr == "OW" else 1


def _native_copy(file: BinaryIO, pixels: PixelData, width: int, to: Target) -> None:
    left = pixels.length or 0
    to.head(pixels.tag, pixels.vr.encode(), left)
    file.seek(pixels.offset)
    while left:
        block = file.read(min(left, _BLOCK))
        if not block:
            raise Unreadable("truncated", "the file ends inside its pixel data")
        left -= len(block)
        to.out.write(swapped(block, width) if width > 1 else block)


def _decoding(file: BinaryIO, header: Header, source: ImageSource, *, signed: bool) -> Rewriting:
    frames = max(1, header.integer(tag("NumberOfFrames")) or 1)
    if source.frames != frames:
        raise Undecodable("missing-frames", f"{source.frames} of {frames}")
    form = native_form(source, file)
    d = form.description
    length = (frames * d.frame_bits + 7) // 8
    if length > UNDEFINED - 2:
        raise Undecodable("too-large", f"{length} bytes of native pixels")

    def write(to: Target) -> None:
        to.head(tag("PixelData"), b"OW" if d.bits_allocated > 8 else b"OB", length + (length & 1))
        native_frames_write(source, file, form, to.out)
        to.out.write(b"\0" * (length & 1))

    return Rewriting(
        _module_changes(header, form),
        dropped=_EXTENDED_OFFSETS,
        pixels=write,
        pixels_end=_pixels_end(file, header),
        signed=signed,
    )


def _module_changes(header: Header, form: NativeForm) -> dict[int, tuple[bytes, bytes]]:
    """What the Image Pixel Module must say differently (PS3.3 C.7.6.3), and that loss does not heal
    (C.7.6.1.1.5)."""
    d = form.description
    changes: dict[int, tuple[bytes, bytes]] = {}
    if d.photometric != header.text(tag("PhotometricInterpretation")).upper():
        changes[tag("PhotometricInterpretation")] = (b"CS", d.photometric.encode())
    numbers = {"BitsStored": d.bits_stored, "HighBit": d.high_bit}
    if d.colour:
        numbers["PlanarConfiguration"] = 0
    for keyword, number in numbers.items():
        if header.integer(tag(keyword)) != number:
            changes[tag(keyword)] = (b"US", struct.pack("<H", number))
    if form.lossy and header.text(tag("LossyImageCompression")) != "01":
        changes[tag("LossyImageCompression")] = (b"CS", b"01")
    return changes


def _pixels_end(file: BinaryIO, header: Header) -> int:
    pixels = header.pixel_data
    assert pixels is not None
    if pixels.length is not None:
        return pixels.offset + pixels.length
    size = _size(file)
    try:
        return Cursor(Source(file, size)).skip(pixels.offset, implicit=False)
    except Unreadable:  # the delimiter is missing; whether a frame is, its index knows
        return size
