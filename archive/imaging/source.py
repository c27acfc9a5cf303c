"""An object's header made into what its pictures need, once: where its frames lie and how they are meant."""

from __future__ import annotations

import dataclasses
import io
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from archive.dicom.frames import FrameBytes, FrameIndex, FrameUnreadable, encapsulated_index, native_index
from archive.dicom.header import Header, PixelData
from archive.dicom.reader import Unreadable, open_dataset, read_header
from archive.imaging.colour import Palette
from archive.imaging.decode import frame_values
from archive.imaging.description import MAX_FRAME_BYTES, PixelDescription, PixelKind, describe_checked
from archive.imaging.geometry import pixel_aspect
from archive.imaging.greyscale import Greyscale
from archive.imaging.module import greyscales_read, palette_read
from archive.imaging.overlays import FIRST_GROUP, LAST_GROUP, Overlay, overlays_read
from archive.imaging.params import Undecodable
from archive.imaging.segmentation import Segmentation, segmentation_read
from archive.imaging.shutter import Shutter, shutters_read

_KINDS = {0x7FE00008: PixelKind.FLOAT, 0x7FE00009: PixelKind.DOUBLE}
_EXTENDED_OFFSETS, _EXTENDED_LENGTHS = 0x7FE00001, 0x7FE00002
# A GE syntax from before 2000: implicit little endian, but for the pixels.
_GE_BIG_ENDIAN_PIXELS = "1.2.840.113619.5.2"
# What the greys of most objects consist of, and the sequences and tables of the others.
_NUMBERS = (
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
)
_TEXTS = ("VOILUTFunction", "RescaleType", "WindowCenterWidthExplanation")
_STRUCTURED = frozenset(
    int(Tag(keyword))
    for keyword in (
        "ModalityLUTSequence",
        "VOILUTSequence",
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "RedPaletteColorLookupTableDescriptor",
        "ExtendedOffsetTable",
        "ShutterShape",
    )
)
_MAX_INFLATED = 2 * MAX_FRAME_BYTES
_ITEM = b"\xfe\xff\x00\xe0"


@dataclass(frozen=True, slots=True)
class Deflated:
    """Where a deflated data set (PS3.5 A.5) starts in its file, and how much of it the frames need."""

    start: int
    needed: int


@dataclass(frozen=True, slots=True)
class ImageSource:
    """One object ready to be shown: small, without pixels, shared between threads."""

    description: PixelDescription
    frames: int
    index: FrameIndex
    greyscales: tuple[Greyscale, ...]  # one, or one for each frame
    palette: Palette | None = None
    aspect: tuple[float, float] = (1.0, 1.0)
    deflated: Deflated | None = None
    overlays: tuple[Overlay, ...] = ()
    shutters: tuple[Shutter | None, ...] = ()  # none, one, or one for each frame

    segmentation: Segmentation | None = None
    frame_of_reference_uid: str = ""

    @property
    def nbytes(self) -> int:
        """Roughly what is held: offsets of fragments, settings of frames, tables."""
        tables = sum(lut.data.nbytes for lut in self.greyscales[0].voi_luts)
        planes = sum(len(overlay.bits or b"") for overlay in self.overlays)
        masks = len(self.segmentation.frames) if self.segmentation else 0
        each = 500 * masks + 400 * len(self.greyscales) + 200 * len(self.shutters)
        return 4096 + self.index.nbytes + each + tables + planes

    def greyscale(self, frame: int) -> Greyscale:
        """Of the frame (0-based): functional groups may differ from frame to frame, PS3.3 C.7.6.16."""
        return self.greyscales[frame] if frame < len(self.greyscales) else self.greyscales[0]

    def shutter(self, frame: int) -> Shutter | None:
        """Of the frame (0-based)."""
        if frame < len(self.shutters):
            return self.shutters[frame]
        return self.shutters[0] if len(self.shutters) == 1 else None


def source_read(handle: BinaryIO) -> ImageSource:
    """What the file holds; raises Undecodable("no-pixels") for objects that are not images."""
    try:
        header = read_header(handle)
    except Unreadable as reason:
        raise Undecodable("broken-header", f"{reason.code}: {reason.detail}") from None
    pixels = header.pixel_data
    if pixels is None or header.integer(_tag("Rows")) is None:
        raise Undecodable("no-pixels", header.uid(_tag("SOPClassUID")))
    dataset = _dataset(handle, header)
    description = describe_checked(_description(header, pixels))
    frames = max(1, header.integer(_tag("NumberOfFrames")) or 1)
    offset, deflated = pixels.offset, None
    if header.deflated:
        # The index counts in inflated bytes from the start of the data set.
        offset -= header.dataset_offset
        deflated = _deflated(header.dataset_offset, offset, pixels, description, frames)
        handle = _inflated(handle, deflated)
    description, index = _index(handle, pixels, offset, description, frames, dataset=dataset)
    segmentation = segmentation_read(dataset, frames)
    palette = palette_read(dataset, description)
    if palette is None and segmentation is not None and segmentation.label_map:
        palette = segmentation.palette()
    return ImageSource(
        description=description,
        frames=min(frames, index.frames),
        index=index,
        greyscales=greyscales_read(dataset, description, frames),
        palette=palette,
        aspect=_aspect(header),
        deflated=deflated,
        overlays=overlays_read(dataset, description),
        shutters=shutters_read(dataset, frames),
        segmentation=segmentation,
        frame_of_reference_uid=header.uid(_tag("FrameOfReferenceUID")),
    )


def pixel_handle(source: ImageSource, handle: BinaryIO) -> BinaryIO:
    """What the index of ``source`` counts in: the file itself, or its inflated copy."""
    return handle if source.deflated is None else _inflated(handle, source.deflated)


def frame_read(source: ImageSource, pixels: BinaryIO, frame: int) -> FrameBytes:
    """The bytes of the frame (0-based) and of no other. ``pixels`` is the ``pixel_handle``."""
    try:
        return source.index.read(pixels, frame)
    except FrameUnreadable as error:
        raise Undecodable(error.code, error.detail) from None


def decode_frame(source: ImageSource, pixels: BinaryIO, frame: int) -> npt.NDArray[Any]:
    """Stored values (rows, columns) or RGB (rows, columns, 3) of the frame (0-based).

    RGB has the depth it is stored in, except that YBR comes as 8 bits.
    """
    return frame_values(frame_read(source, pixels, frame), source.description)


def _deflated(start: int, offset: int, pixels: PixelData, d: PixelDescription, frames: int) -> Deflated:
    native = (d.frame_bits * frames + 7) // 8
    needed = offset + (MAX_FRAME_BYTES if pixels.length is None else min(pixels.length, native))
    if needed > _MAX_INFLATED:
        raise Undecodable("too-large", f"inflates to {needed} bytes")
    return Deflated(start, needed)


def _inflated(handle: BinaryIO, deflated: Deflated) -> BinaryIO:
    """The data set up to the end of its frames, in memory, whatever it would grow to behind them."""
    handle.seek(deflated.start)
    try:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(handle.read(), deflated.needed)
    except zlib.error as error:
        raise Undecodable("corrupt", f"deflated data set: {error}") from None
    return io.BytesIO(data)


def _dataset(handle: BinaryIO, header: Header) -> Dataset:
    """The data set where sequences or tables matter. Reading one whole costs more than a frame does.

    An object whose sequences cannot be read still shows by its plain attributes.
    """
    met = header.sequences | header.passed_over.keys() | header.values.elements.keys()
    if not met.isdisjoint(_STRUCTURED) or any(FIRST_GROUP <= number >> 16 <= LAST_GROUP for number in met):
        try:
            return open_dataset(handle, stop_before_pixels=True)
        except (Unreadable, OSError):  # pydicom says OSError for a sequence that ends early
            pass
    plain = Dataset()
    for keyword in _NUMBERS:
        if values := header.floats(_tag(keyword)):
            setattr(plain, keyword, values if len(values) > 1 else values[0])
    for keyword in _TEXTS:
        if texts := header.texts(_tag(keyword)):
            setattr(plain, keyword, texts if len(texts) > 1 else texts[0])
    return plain


def _description(header: Header, pixels: PixelData) -> PixelDescription:
    kind = _KINDS.get(pixels.tag, PixelKind.INTEGER)
    allocated = _number(header, "BitsAllocated", 16)
    if kind is not PixelKind.INTEGER:
        allocated = 32 if kind is PixelKind.FLOAT else 64
    stored = _number(header, "BitsStored", allocated)
    samples = _number(header, "SamplesPerPixel", 1)
    syntax = header.transfer_syntax_uid
    return PixelDescription(
        rows=_number(header, "Rows", 0),
        columns=_number(header, "Columns", 0),
        samples=samples,
        photometric=header.text(_tag("PhotometricInterpretation")).upper()
        or ("MONOCHROME2" if samples == 1 else "RGB"),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_number(header, "HighBit", stored - 1),
        signed=_number(header, "PixelRepresentation", 0) == 1,
        planar=_number(header, "PlanarConfiguration", 0) == 1,
        kind=kind,
        big_endian=header.big_endian or syntax == _GE_BIG_ENDIAN_PIXELS,
        transfer_syntax_uid=syntax,
    )


def _index(
    handle: BinaryIO, pixels: PixelData, offset: int, d: PixelDescription, frames: int, *, dataset: Dataset
) -> tuple[PixelDescription, FrameIndex]:
    """Encapsulated or native by what is there: some files write one and mean the other."""
    handle.seek(offset)
    if pixels.length is None or (pixels.length >= 8 and handle.read(4) == _ITEM):
        try:
            return d, encapsulated_index(
                handle,
                offset=offset,
                frames=frames,
                extended_offsets=_bytes(dataset, _EXTENDED_OFFSETS),
                extended_lengths=_bytes(dataset, _EXTENDED_LENGTHS),
            )
        except FrameUnreadable as error:
            raise Undecodable(error.code, error.detail) from None
    if d.subsampled and pixels.length * 8 >= frames * d.rows * d.columns * 3 * d.bits_allocated:
        # Labelled as subsampled, written in full.
        d = dataclasses.replace(d, photometric=d.photometric.removesuffix("_422"))
    index = native_index(
        handle,
        offset=offset,
        length=pixels.length,
        frame_bits=d.frame_bits,
        frames=frames,
        word_aligned=d.big_endian and d.bits_allocated <= 8 and pixels.vr == "OW",
    )
    return d, index


def _aspect(header: Header) -> tuple[float, float]:
    """PS3.3 C.7.6.3.1.7; of multi-frame objects Pixel Measures (C.7.6.16.2.1), of the first frame."""
    spacing = None
    for sequence in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for frame in header.items(_tag(sequence))[:1]:
            for measures in frame.items(_tag("PixelMeasuresSequence"))[:1]:
                spacing = spacing or measures.floats(_tag("PixelSpacing"))
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        spacing = spacing or header.floats(_tag(keyword))
    return pixel_aspect(header.floats(_tag("PixelAspectRatio")), spacing)


def _number(header: Header, keyword: str, default: int) -> int:
    value = header.integer(_tag(keyword))
    return default if value is None else value


def _bytes(dataset: Dataset, tag: int) -> bytes:
    element = dataset.get(tag)
    return element.value if element is not None and isinstance(element.value, bytes) else b""


def _tag(keyword: str) -> BaseTag:
    return Tag(keyword)
