"""Decoded frames as the native pixel data of another object (PS3.5 8.1, 8.2): the same pixels, or none.

What was compressed without loss keeps every bit of its samples, those beside Bits Stored too. What had to
be converted on decoding (YBR of a lossy JPEG) becomes RGB. Each frame that is made is read back and compared
with what the screen shows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom.uid import RLELossless

from archive.dicom.frames import FrameBytes
from archive.imaging import codecs
from archive.imaging.codecs import Samples
from archive.imaging.codestream import is_j2k, is_jpeg, is_jxl, j2k_codestream
from archive.imaging.colour import rgb_values
from archive.imaging.decode import (
    DEFLATED_IMAGE_FRAME,
    frame_samples,
    frame_values,
    grey_values,
    looks_like_rle,
)
from archive.imaging.description import PixelDescription, PixelKind
from archive.imaging.native import sign_extended
from archive.imaging.params import Undecodable
from archive.imaging.source import ImageSource, frame_read

Array = npt.NDArray[Any]
_END_MARK = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_TAIL_BYTES = 64  # padding that may follow it


@dataclass(frozen=True, slots=True)
class NativeForm:
    """What the header must say of the native pixels, and whether loss has been suffered on the way."""

    description: PixelDescription
    lossy: bool


def native_form(source: ImageSource, pixels: BinaryIO) -> NativeForm:
    """The form that the first frame decides on, and that all of them have to keep. Raises Undecodable."""
    return _Frame(source, pixels, 0).form


def native_frames_write(source: ImageSource, pixels: BinaryIO, form: NativeForm, out: BinaryIO) -> None:
    """Write all frames, one after the other, in memory for one frame. Raises Undecodable."""
    packed = _Bits(out) if form.description.bits_allocated == 1 else None
    for number in range(source.frames):
        frame = _Frame(source, pixels, number)
        if frame.form != form:
            raise Undecodable("mixed-frames", f"frame {number + 1} is of another kind than the first")
        if packed:
            packed.add(frame.values)
        else:
            out.write(frame.checked())
    if packed:
        packed.end()


class _Frame:
    """One frame, decoded as it is to be written."""

    def __init__(self, source: ImageSource, pixels: BinaryIO, number: int) -> None:
        self._d = d = source.description
        if d.kind is not PixelKind.INTEGER or d.samples not in (1, 3):
            raise Undecodable("samples", f"{d.samples} {d.kind} samples a pixel")
        frame = frame_read(source, pixels, number)
        _check_whole(frame)
        samples = frame_samples(frame, d)
        self._check_shape(samples)
        self._shown = rgb_values(samples, d) if d.colour else grey_values(samples, d)
        high_bit = d.bits_stored - 1
        raw = _raw_values(frame.data, d)
        if raw is not None:
            self.values, photometric, high_bit = raw, _unconverted(d.photometric), d.high_bit
        elif d.colour:
            self.values, photometric = _colour(samples, self._shown, d)
        else:
            (self.values, high_bit), photometric = _grey(samples, self._shown, d), d.photometric
        description = dataclasses.replace(
            d, photometric=photometric, planar=False, high_bit=high_bit, big_endian=False
        )
        self.form = NativeForm(description, samples.lossy)

    def _check_shape(self, samples: Samples) -> None:
        d = self._d
        expected = (d.rows, d.columns, 3) if d.colour else (d.rows, d.columns)
        if samples.values.shape != expected:
            raise Undecodable("size-differs", f"{samples.values.shape} for {expected}")
        if samples.precision > max(8, d.bits_allocated):
            raise Undecodable("bits", f"{samples.precision} bits for {d.bits_allocated} allocated")

    def checked(self) -> bytes:
        """The frame's native bytes, which read back as exactly what the screen shows of the original."""
        kind = "i" if self.values.dtype.kind == "i" else "u"
        data = self.values.astype(f"<{kind}{self._d.bits_allocated // 8}").tobytes()
        again = frame_values(FrameBytes(data, encapsulated=False), self.form.description)
        if not np.array_equal(again, self._shown):
            raise Undecodable("contradiction", "the header does not describe what the codestream holds")
        return data


def _raw_values(data: bytes, d: PixelDescription) -> Array | None:
    """The samples with all their bits, of a frame whose compression knows nothing of samples (RLE)."""
    if is_jpeg(data) or is_j2k(data) or is_jxl(data):
        return None
    if d.transfer_syntax_uid != RLELossless and not looks_like_rle(data):
        inflated = d.transfer_syntax_uid == DEFLATED_IMAGE_FRAME
        if inflated and len(codecs.inflated_bytes(data, d)) < (d.frame_bits + 7) // 8:
            raise Undecodable("truncated", "a deflated frame ends early")
        return None
    native = codecs.rle_bytes(data, d, whole=True)
    if d.bits_allocated == 1:
        return None
    values = np.frombuffer(native, f"<u{d.bits_allocated // 8}").reshape(d.samples, d.rows, d.columns)
    return values.transpose(1, 2, 0) if d.colour else values[0]


def _check_whole(frame: FrameBytes) -> None:
    """A picture that is cut off may be shown, never passed on as if it were whole."""
    if not frame.complete:
        raise Undecodable("truncated", "the file ends inside the frame")
    stream = j2k_codestream(frame.data) if is_j2k(frame.data) else frame.data
    if (is_jpeg(stream) or is_j2k(stream)) and _END_MARK not in stream[-_TAIL_BYTES:]:
        raise Undecodable("truncated", "the codestream has no end")


def _grey(samples: Samples, shown: Array, d: PixelDescription) -> tuple[Array, int]:
    """The words of a codestream that has more in them than Bits Stored (overlays), else what is shown."""
    believed = samples.signed and not d.signed
    if samples.lossy or believed or samples.precision <= d.bits_stored or d.bits_allocated == 1:
        return shown, d.bits_stored - 1
    wide = samples.values.view(f"u{samples.values.dtype.itemsize}").astype(f"u{d.bits_allocated // 8}")
    high_bit = d.high_bit if d.bits_stored <= d.high_bit + 1 <= samples.precision else d.bits_stored - 1
    return (sign_extended(wide, samples.precision) if d.signed else wide), high_bit


def _colour(samples: Samples, shown: Array, d: PixelDescription) -> tuple[Array, str]:
    """The samples, and what they are: as labelled where nothing was lost yet, else RGB as shown."""
    exact = not samples.lossy and not samples.rgb
    if exact and _unconverted(d.photometric) == "YBR_FULL":
        return samples.values, "YBR_FULL"
    return shown, "RGB"


def _unconverted(photometric: str) -> str:
    """What samples are that no decoder has converted: nothing native is called after a compression."""
    if photometric in ("YBR_RCT", "YBR_ICT"):
        return "RGB"
    return "YBR_FULL" if photometric == "YBR_FULL_422" else photometric


class _Bits:
    """Frames of single bits side by side, not padded to bytes (PS3.5 8.1.1)."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._held: Array = np.zeros(0, np.uint8)

    def add(self, values: Array) -> None:
        bits = np.concatenate([self._held, values.reshape(-1).astype(np.uint8)])
        whole = len(bits) // 8 * 8
        self._out.write(np.packbits(bits[:whole], bitorder="little").tobytes())
        self._held = bits[whole:]

    def end(self) -> None:
        self._out.write(np.packbits(self._held, bitorder="little").tobytes())
