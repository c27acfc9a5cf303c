"""One frame's bytes to stored values: the only door to every transfer syntax.

The bytes decide how they are read: archives hold frames whose label lies (JPEG under a native syntax, native
pixels under a JPEG one). The header decides what the values mean, unless the codestream knows better.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.uid import HEVCM10P51, HEVCMP51, MPEGTransferSyntaxes, RLELossless

from archive.dicom.frames import FrameBytes
from archive.imaging import codecs
from archive.imaging.codecs import Samples
from archive.imaging.codestream import is_j2k, is_jpeg, is_jxl
from archive.imaging.colour import rgb_values
from archive.imaging.description import PixelDescription
from archive.imaging.native import masked, native_values, sign_extended
from archive.imaging.params import Undecodable

Array = npt.NDArray[Any]

# PS3.5 A.4.13; too young to be named by the dictionary in use.
DEFLATED_IMAGE_FRAME = "1.2.840.10008.1.2.8.1"
_VIDEO = {*MPEGTransferSyntaxes, HEVCMP51, HEVCM10P51}


def frame_values(frame: FrameBytes, description: PixelDescription) -> Array:
    """Stored values (rows, columns), or uint8 RGB (rows, columns, 3).

    Greyscale values are masked to Bits Stored and sign-extended; palette indices stay indices. Raises
    Undecodable, with bounded memory, whatever the bytes are.
    """
    samples = frame_samples(frame, description)
    if samples.values.ndim == 3:
        return rgb_values(samples, description)
    return grey_values(samples, description)


def values_and_words(frame: FrameBytes, description: PixelDescription) -> tuple[Array, Array | None]:
    """Greys as ``frame_values`` gives them, and the words they were stored in, with all their bits.

    No words where loss has been suffered: what is beside the values is then no longer what was drawn there.
    """
    allocated = description.bits_allocated
    whole = dataclasses.replace(description, bits_stored=allocated, high_bit=allocated - 1, signed=False)
    found = frame_samples(frame, whole)
    signed = found.signed and found.values.dtype.kind == "i"  # native words have no sign yet
    values = grey_values(dataclasses.replace(found, signed=signed), description)
    if found.lossy or found.values.dtype.kind == "f":
        return values, None
    return values, found.values.view(f"u{found.values.dtype.itemsize}")


def frame_samples(frame: FrameBytes, description: PixelDescription) -> Samples:
    """The samples as the frame holds them, before anything is made of them. Raises as ``frame_values``."""
    return _encapsulated(frame.data, description) if frame.encapsulated else _native(frame, description)


def _native(frame: FrameBytes, d: PixelDescription) -> Samples:
    values = native_values(frame.data, d, frame.bit_offset)
    return Samples(values, d.bits_stored, signed=True)  # mask and sign have been dealt with


def _encapsulated(data: bytes, d: PixelDescription) -> Samples:
    if d.transfer_syntax_uid in _VIDEO:
        raise Undecodable("video", d.transfer_syntax_uid)
    if is_jpeg(data):
        return codecs.jpeg_samples(data, d)
    if is_j2k(data):
        return codecs.j2k_samples(data, d)
    if is_jxl(data):
        return codecs.jxl_samples(data, d)
    if d.transfer_syntax_uid == RLELossless or looks_like_rle(data):
        planes = dataclasses.replace(d, planar=True, photometric=_unpacked(d.photometric), big_endian=False)
        return _native(FrameBytes(codecs.rle_bytes(data, d), encapsulated=False), planes)
    native = dataclasses.replace(d, big_endian=False)
    if d.transfer_syntax_uid == DEFLATED_IMAGE_FRAME:
        return _native(FrameBytes(codecs.inflated_bytes(data, d), encapsulated=False), native)
    if len(data) >= (d.frame_bits + 7) // 8:
        return _native(FrameBytes(data, encapsulated=False), native)
    raise Undecodable("unknown-syntax", f"{d.transfer_syntax_uid}: {data[:8].hex()}")


def looks_like_rle(data: bytes) -> bool:
    """PS3.5 G.5: up to 15 segments, the first right behind the table."""
    return len(data) > 64 and 1 <= data[0] <= 15 and data[1:8] == b"\0\0\0\x40\0\0\0"


def _unpacked(photometric: str) -> str:
    """RLE planes are never subsampled, whatever the label says."""
    return photometric.removesuffix("_422") if photometric.startswith("YBR_FULL") else photometric


def grey_values(samples: Samples, d: PixelDescription) -> Array:
    """Stored values of one sample a pixel, with their sign; what lies beside Bits Stored is no part of them.

    A codestream may hold whole words (PS3.5 8.2 lets it): then they are read as native words are, High Bit
    included. One that holds no more than Bits Stored is complete in itself, and one whose sign the header
    denies is believed.
    """
    values = samples.values
    if values.dtype.kind == "f" or (samples.signed and not d.signed):
        return values
    bits = min(samples.precision, d.bits_stored)
    if samples.precision > bits:
        low_bit = d.high_bit + 1 - bits if bits <= d.high_bit + 1 <= samples.precision else 0
        if samples.lossy:
            values = _clamped(np.right_shift(values, low_bit), bits, signed=samples.signed)
        else:
            words = np.right_shift(values.view(f"u{values.dtype.itemsize}"), low_bit)
            return masked(words, bits, bits - 1, d.signed)
    return sign_extended(values, bits) if d.signed and not samples.signed else values


def _clamped(values: Array, bits: int, *, signed: bool) -> Array:
    """Compression overshoots what the modality stored: a white that is wrapped would turn black."""
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    return np.clip(values, values.dtype.type(low), values.dtype.type(high))
