"""One encapsulated frame to samples. imagecodecs first: it is fastest and lets other threads run meanwhile.

Each function gives what the codestream holds; what the header makes of it is ``archive.imaging.decode``'s.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from openjpeg.utils import decode as openjpeg_decode
from PIL import Image

from archive.imaging.codestream import (
    J2kHeader,
    JpegHeader,
    j2k_codestream,
    j2k_header,
    jpeg_header,
    jxl_size,
)
from archive.imaging.description import PixelDescription, size_checked
from archive.imaging.params import Undecodable

Array = npt.NDArray[Any]
# What the decoders below raise on bytes they do not like (imagecodecs: RuntimeError; Pillow: the others).
_ERRORS = (RuntimeError, ValueError, OSError, SyntaxError, MemoryError, IndexError)

_END_OF_IMAGE = b"\xff\xd9"
_JPEG_XL_LOSSLESS = "1.2.840.10008.1.2.4.110"
_J2K_THREADS = min(4, os.cpu_count() or 1)  # code blocks are independent: two cores take half the time
_RLE_GAIN = 64  # two bytes stand for at most 128


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of a codestream. ``signed``: it has a sign of its own. ``rgb``: yes, no, or not said."""

    values: Array
    precision: int
    signed: bool = False
    lossy: bool = False
    rgb: bool | None = None


def jpeg_samples(data: bytes, description: PixelDescription) -> Samples:
    """JPEG of processes 1 to 14 (8 to 16 bit, lossy and lossless) and JPEG-LS."""
    header = jpeg_header(data)
    _check_size(header, len(header.component_ids), header.precision, description)
    if header.jpeg_ls:
        # Cut off, it keeps CharLS busy for many seconds; with an end it is refused at once.
        whole = data if _END_OF_IMAGE in data[-64:] else data + _END_OF_IMAGE
        values = _first("JPEG-LS", (imagecodecs.jpegls_decode,), whole)
        return Samples(_interleaved(values, header), header.precision, lossy=header.near > 0)
    rgb = None
    if len(header.component_ids) == 3:
        rgb = _is_rgb(header, description)
    if header.lossless:
        values = _first("JPEG lossless", (imagecodecs.jpeg8_decode, _pillow), data)
        return Samples(values, header.precision, rgb=rgb)

    def lossy(stream: bytes) -> Array:
        space = None if rgb is None else "RGB" if rgb else "YCBCR"
        values: Array = imagecodecs.jpeg8_decode(stream, colorspace=space, outcolorspace=space and "RGB")
        return values

    values = _first("JPEG", (lossy, _pillow), data)
    return Samples(values, header.precision, lossy=True, rgb=None if rgb is None else True)


def j2k_samples(data: bytes, description: PixelDescription) -> Samples:
    """JPEG 2000 and High-Throughput JPEG 2000."""
    stream = j2k_codestream(data)
    header = j2k_header(stream)
    _check_size(header, header.components, header.precision, description)
    # OpenJPEG for both. OpenJPH (htj2k_decode) takes half the time, but wraps where lossy values overshoot,
    # hands out memory it never wrote when bytes are damaged, and loses itself for minutes in odd tilings.
    values = _first("JPEG 2000", (_jpeg_2000, _openjpeg), stream)
    rgb = True if header.transformed else None
    return Samples(values, header.precision, signed=header.signed, lossy=not header.reversible, rgb=rgb)


def jxl_samples(data: bytes, description: PixelDescription) -> Samples:
    """JPEG XL. Whether it was lossy is told by its label alone; its colour is always RGB when decoded."""
    size_checked(*jxl_size(data), 4, 2, description)
    values = _first("JPEG XL", (imagecodecs.jpegxl_decode,), data)
    lossy = description.transfer_syntax_uid != _JPEG_XL_LOSSLESS
    return Samples(values, values.dtype.itemsize * 8, lossy=lossy, rgb=True)


def rle_bytes(data: bytes, description: PixelDescription, *, whole: bool = False) -> bytes:
    """RLE Lossless, PS3.5 Annex G: the frame as native bytes, colour by plane, little endian.

    A segment that ends in its second half is completed with zeros, unless the frame has to be ``whole``.

    The segment table is checked here: the library's own reading of it trusts hostile offsets.
    """
    pixels = description.rows * description.columns
    if description.bits_allocated == 1:
        width, length = 1, (pixels + 7) // 8
    else:
        width, length = description.bits_allocated // 8, pixels
    starts = _segments(data, width * description.samples)
    least = length if whole else length // 2
    ends = [*starts[1:], len(data)]
    planes = [_segment(data[a:b], length, least) for a, b in zip(starts, ends, strict=True)]
    samples = []
    for sample in range(description.samples):
        group = planes[sample * width : (sample + 1) * width]  # the most significant byte comes first
        samples.append(np.stack(group[::-1], axis=-1).tobytes())
    return b"".join(samples)


def inflated_bytes(data: bytes, description: PixelDescription) -> bytes:
    """Deflated Image Frame Compression, PS3.5 A.4.13: the frame as native bytes."""
    limit = (description.frame_bits + 7) // 8 + 16
    for window in (-zlib.MAX_WBITS, zlib.MAX_WBITS):
        try:
            return zlib.decompressobj(window).decompress(data, limit)
        except zlib.error:
            continue
    raise Undecodable("corrupt", "deflated frame")


def _check_size(
    header: JpegHeader | J2kHeader, samples: int, precision: int, description: PixelDescription
) -> None:
    size_checked(header.rows, header.columns, samples, 1 + (precision > 8), description)


def _segments(data: bytes, expected: int) -> list[int]:
    if len(data) < 64:
        raise Undecodable("corrupt", "RLE header cut short")
    count, *offsets = (int(value) for value in np.frombuffer(data, "<u4", 16))
    if count != expected:
        raise Undecodable("corrupt", f"{count} RLE segments, {expected} expected")
    starts = offsets[:count]
    if any(a < 64 for a in starts) or starts != sorted(starts) or starts[-1] > len(data):
        raise Undecodable("corrupt", "RLE segments out of order")
    return starts


def _segment(data: bytes, length: int, least: int) -> Array:
    # Encoders pad segments, so that a few bytes more than the plane may come out.
    if len(data) * _RLE_GAIN < least:
        raise Undecodable("truncated", f"an RLE segment of {len(data)} bytes for {length}")
    out = np.zeros(length + 512, np.uint8)
    try:
        found = len(imagecodecs.packbits_decode(data, out=out.data))
    except _ERRORS as error:
        raise Undecodable("corrupt", f"RLE segment: {error}") from None
    if found < least:
        raise Undecodable("truncated", f"an RLE segment gives {found} of {length} bytes")
    return out[:length]


def _first(name: str, decoders: tuple[Callable[[bytes], Array], ...], data: bytes) -> Array:
    """What the first decoder that reads it makes of it."""
    errors = []
    for decoder in decoders:
        try:
            values = decoder(data)
        except _ERRORS as error:
            errors.append(str(error)[:200])
            continue
        if values.size and values.ndim in (2, 3):
            return values
        errors.append("no pixels")
    raise Undecodable("corrupt", f"{name}: {'; '.join(errors)}")


def _interleaved(values: Array, header: JpegHeader) -> Array:
    if values.ndim == 3 and values.shape[:2] != (header.rows, header.columns):
        return np.ascontiguousarray(values.transpose(1, 2, 0))  # interleave mode "none" comes by plane
    return values


def _is_rgb(header: JpegHeader, description: PixelDescription) -> bool:
    """Whether the three components are RGB: the codestream's own marks go before the header's label."""
    if header.adobe_transform is not None and not header.lossless:
        return header.adobe_transform == 0
    if header.component_ids == (82, 71, 66):
        return True
    if header.subsampled:
        return False
    if header.jfif and not header.lossless:
        return False
    return not description.photometric.startswith("YBR")


def _pillow(data: bytes) -> Array:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return np.asarray(image)


def _jpeg_2000(data: bytes) -> Array:
    values: Array = imagecodecs.jpeg2k_decode(data, numthreads=_J2K_THREADS)
    return values


def _openjpeg(data: bytes) -> Array:
    values: Array = openjpeg_decode(data)
    return values
