"""What a codestream says of itself: read before it is decoded, and believed before the header is.

JPEG markers: ITU-T T.81 Annex B (SOF, APP0 JFIF, APP14 Adobe), T.87 for JPEG-LS. JPEG 2000: T.800 Annex A
(SIZ, COD) and Annex I (the JP2 boxes that some archives leave around the codestream).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from archive.imaging.params import Undecodable

_JP2 = b"\x00\x00\x00\x0cjP  "
_SOC_SIZ = b"\xff\x4f\xff\x51"
_JXL_BOXES = (b"jxlc", b"jxlp")
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_JPEG_LS = 0xF7
_START_OF_SCAN = 0xDA
# JPEG XL's short forms of width to height, ISO/IEC 18181-1 D.2.
_JXL_RATIOS = tuple(Fraction(*pair) for pair in ((1, 1), (6, 5), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)))
_TILE_PART_BYTES = 14  # SOT and SOD


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Frame header of a JPEG or JPEG-LS codestream."""

    sof: int
    precision: int
    rows: int
    columns: int
    component_ids: tuple[int, ...]
    sampling: tuple[tuple[int, int], ...]
    adobe_transform: int | None
    jfif: bool
    near: int = 0  # JPEG-LS: by how much a value may miss, T.87 C.2.3

    @property
    def lossless(self) -> bool:
        return self.sof in _LOSSLESS

    @property
    def jpeg_ls(self) -> bool:
        return self.sof == _JPEG_LS

    @property
    def subsampled(self) -> bool:
        return len(set(self.sampling)) > 1


@dataclass(frozen=True, slots=True)
class J2kHeader:
    """Image and tile size, and the multiple component transform, of a JPEG 2000 codestream."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    transformed: bool  # RCT or ICT: the decoder gives back RGB
    reversible: bool  # the 5-3 wavelet; with the 9-7 one values are lossy and overshoot


def is_jpeg(data: bytes) -> bool:
    return data[:3] == b"\xff\xd8\xff"


def is_j2k(data: bytes) -> bool:
    return data[:4] == _SOC_SIZ or data[:8] == _JP2


def is_jxl(data: bytes) -> bool:
    return data[:2] == b"\xff\x0a" or data[:8] == b"\x00\x00\x00\x0cJXL "


def jpeg_header(data: bytes) -> JpegHeader:
    """Frame header and colour hints; raises Undecodable when there is no frame header before the scan."""
    position, adobe, jfif = 2, None, False
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in _STANDALONE:
            position += 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        body = data[position + 4 : position + 2 + length]
        if marker in _SOF:
            # Colour hints may follow the frame header, never the scan.
            later = _colour_hints(data, position + 2 + length)
            found = _frame_header(marker, body, adobe if adobe is not None else later[0], jfif or later[1])
            return replace(found, near=_near(data, later[2])) if found.jpeg_ls else found
        if marker == _START_OF_SCAN:
            break
        adobe, jfif = _hint(marker, body, adobe, jfif)
        position += 2 + length
    raise Undecodable("corrupt", "JPEG without a frame header")


def _hint(marker: int, body: bytes, adobe: int | None, jfif: bool) -> tuple[int | None, bool]:
    if marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
        adobe = body[11]
    if marker == 0xE0 and body[:4] == b"JFIF":
        jfif = True
    return adobe, jfif


def _colour_hints(data: bytes, position: int) -> tuple[int | None, bool, int]:
    """What the segments between frame header and scan say, and where they end."""
    adobe, jfif = None, False
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != _START_OF_SCAN:
        (length,) = struct.unpack_from(">H", data, position + 2)
        adobe, jfif = _hint(data[position + 1], data[position + 4 : position + 2 + length], adobe, jfif)
        position += 2 + max(length, 2)
    return adobe, jfif, position


def _near(data: bytes, scan: int) -> int:
    """NEAR behind the components of a JPEG-LS scan header; zero is lossless, T.87 C.2.3."""
    at = scan + 5 + 2 * data[scan + 4] if scan + 5 <= len(data) else len(data)
    return data[at] if at < len(data) and data[scan + 1] == _START_OF_SCAN else 0


def _frame_header(sof: int, body: bytes, adobe: int | None, jfif: bool) -> JpegHeader:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise Undecodable("corrupt", "JPEG frame header cut short")
    precision, rows, columns, count = struct.unpack_from(">BHHB", body)
    parts = [body[6 + 3 * i : 9 + 3 * i] for i in range(count)]
    return JpegHeader(
        sof=sof,
        precision=precision,
        rows=rows,
        columns=columns,
        component_ids=tuple(part[0] for part in parts),
        sampling=tuple((part[1] >> 4, part[1] & 15) for part in parts),
        adobe_transform=adobe,
        jfif=jfif,
    )


def j2k_codestream(data: bytes) -> bytes:
    """The bare codestream, taken out of its JP2 boxes where there are any (T.800 I.4)."""
    if data[:8] != _JP2:
        return data
    for kind, content in _boxes(data):
        if kind == b"jp2c":
            return content
    found = data.find(_SOC_SIZ)
    if found < 0:
        raise Undecodable("corrupt", "JP2 without a codestream")
    return data[found:]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each box, T.800 I.4; a length of zero means to the end."""
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if length == 1 and position + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        length = length or len(data) - position
        if length < head:
            return
        yield kind, data[position + head : position + length]
        position += length


def j2k_header(data: bytes) -> J2kHeader:
    """SIZ and COD of a bare codestream."""
    if data[:4] != _SOC_SIZ or len(data) < 43:
        raise Undecodable("corrupt", "JPEG 2000 without SIZ")
    _, _, x1, y1, x0, y0, tile_x, tile_y, _, _, count = struct.unpack_from(">HHIIIIIIIIH", data, 4)
    if x1 <= x0 or y1 <= y0 or not count:
        raise Undecodable("no-size", "JPEG 2000 of no size")
    rows, columns = y1 - y0, x1 - x0
    _check_tiles(rows, columns, tile_y, tile_x, len(data))
    depth = data[42]
    transformed, reversible = _j2k_markers(data)
    return J2kHeader(
        rows=rows,
        columns=columns,
        components=count,
        precision=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        transformed=transformed,
        reversible=reversible,
    )


def _check_tiles(rows: int, columns: int, tile_rows: int, tile_columns: int, size: int) -> None:
    """Each tile needs a tile-part header: more tiles than the bytes can hold is a lie that costs minutes."""
    if not tile_rows or not tile_columns:
        raise Undecodable("corrupt", "JPEG 2000 with tiles of no size")
    tiles = -(-rows // tile_rows) * -(-columns // tile_columns)
    if tiles * _TILE_PART_BYTES > size:
        raise Undecodable("corrupt", f"{tiles} JPEG 2000 tiles in {size} bytes")


def _j2k_markers(data: bytes) -> tuple[bool, bool]:
    """Multiple component transform, and whether the wavelet is the reversible one: COD, T.800 A.6.1."""
    position, transformed, reversible = 2, False, False
    while position + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == 0xFF90 or marker < 0xFF00:  # start of tile-part: the main header is over
            break
        if marker == 0xFF52 and position + 14 <= len(data):
            transformed, reversible = data[position + 8] == 1, data[position + 13] == 1
        position += 2 + max(length, 2)
    return transformed, reversible


def jxl_size(data: bytes) -> tuple[int, int]:
    """(rows, columns) that a JPEG XL codestream declares, bare or in its boxes, ISO/IEC 18181-1 D.2."""
    stream = data
    if data[:2] != b"\xff\x0a":
        starts = (
            content[4 if kind == b"jxlp" else 0 :] for kind, content in _boxes(data) if kind in _JXL_BOXES
        )
        stream = next(starts, b"")
    if stream[:2] != b"\xff\x0a" or len(stream) < 12:
        raise Undecodable("corrupt", "JPEG XL without a codestream")
    bits = _Bits(int.from_bytes(stream[2:12], "little"))
    eighths = bits.take(1) == 1
    rows = bits.extent(eighths=eighths)
    ratio = bits.take(3)
    return rows, int(rows * _JXL_RATIOS[ratio - 1]) if ratio else bits.extent(eighths=eighths)


class _Bits:
    """Bits from the lowest on."""

    def __init__(self, value: int) -> None:
        self._value = value

    def take(self, count: int) -> int:
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        return taken

    def extent(self, *, eighths: bool) -> int:
        if eighths:
            return 8 * (1 + self.take(5))
        return 1 + self.take((9, 13, 18, 30)[self.take(2)])
