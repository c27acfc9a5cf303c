"""Bytes of a native frame to stored values, PS3.5 8.1 and 8.2."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from archive.imaging.description import PixelDescription, PixelKind
from archive.imaging.params import Undecodable

Array = npt.NDArray[Any]
_FLOATS = {PixelKind.FLOAT: "f4", PixelKind.DOUBLE: "f8"}


def native_values(data: bytes, description: PixelDescription, bit_offset: int = 0) -> Array:
    """Values as stored: (rows, columns) or (rows, columns, samples), masked and sign-extended.

    A frame cut off in its second half is completed with zeros, as other readers do; one cut off earlier
    raises Undecodable("truncated").
    """
    d = description
    if d.bits_allocated == 1:
        return _bits(data, d, bit_offset)
    data = _completed(data, (d.frame_bits + 7) // 8)
    order = ">" if d.big_endian else "<"
    if d.kind is not PixelKind.INTEGER:
        flat = np.frombuffer(data, order + _FLOATS[d.kind], d.rows * d.columns)
        return flat.astype(flat.dtype.newbyteorder("="), copy=False).reshape(d.rows, d.columns)
    flat = np.frombuffer(data, f"{order}u{d.bits_allocated // 8}", d.frame_bits // d.bits_allocated)
    values = flat.astype(flat.dtype.newbyteorder("="), copy=False)
    return masked(_shaped(values, d), d.bits_stored, d.high_bit, d.signed)


def masked(values: Array, bits_stored: int, high_bit: int, signed: bool) -> Array:
    """What lies outside Bits Stored is not pixel data (overlays, garbage): drop it, then extend the sign."""
    allocated = values.dtype.itemsize * 8
    if not bits_stored <= high_bit + 1 <= allocated:
        high_bit = bits_stored - 1
    low_bit = high_bit + 1 - bits_stored
    if bits_stored == allocated:
        return values.view(f"i{values.dtype.itemsize}") if signed else values
    if not signed:
        mask: Array = np.right_shift(values, low_bit) & values.dtype.type((1 << bits_stored) - 1)
        return mask
    return sign_extended(np.right_shift(values, low_bit), bits_stored)


def sign_extended(values: Array, bits: int) -> Array:
    """Two's complement of the lowest ``bits``, PS3.5 8.1.1: up until the sign is on top, then back."""
    unused = values.dtype.itemsize * 8 - bits
    top = np.left_shift(values, unused).view(f"i{values.dtype.itemsize}")
    extended: Array = np.right_shift(top, unused)
    return extended


def _bits(data: bytes, d: PixelDescription, bit_offset: int) -> Array:
    """PS3.5 8.1.1: single bits fill bytes from the lowest bit; frames are not padded to bytes."""
    count = d.rows * d.columns
    data = _completed(data, (bit_offset + count + 7) // 8)
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    return bits[bit_offset : bit_offset + count].reshape(d.rows, d.columns)


def _completed(data: bytes, needed: int) -> bytes:
    missing = needed - len(data)
    if missing <= 0:
        return data
    if missing > needed // 2:
        raise Undecodable("truncated", f"{len(data)} of {needed} bytes")
    return data + bytes(missing)


def _shaped(values: Array, d: PixelDescription) -> Array:
    if d.subsampled:
        return _from_422(values, d)
    if d.samples == 1:
        return values.reshape(d.rows, d.columns)
    if d.planar:
        return np.ascontiguousarray(values.reshape(d.samples, d.rows, d.columns).transpose(1, 2, 0))
    return values.reshape(d.rows, d.columns, d.samples)


def _from_422(values: Array, d: PixelDescription) -> Array:
    """Y1 Y2 CB CR for two neighbouring pixels, PS3.3 C.7.6.3.1.2."""
    quads = values[: len(values) // 4 * 4].reshape(-1, 4)
    full = np.zeros((d.rows * d.columns, 3), values.dtype)
    pairs = full[: len(quads) * 2]
    pairs[0::2, 0], pairs[1::2, 0] = quads[:, 0], quads[:, 1]
    pairs[0::2, 1:] = pairs[1::2, 1:] = quads[:, 2:]
    return full.reshape(d.rows, d.columns, 3)
