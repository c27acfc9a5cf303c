"""What the header says of the pixels, PS3.3 C.7.6.3, with nonsense refused before memory is touched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from archive.imaging.params import Undecodable

# One decoded frame may take this much. The largest real ones (mammograms, slide overviews) stay below 100 MB.
MAX_FRAME_BYTES = 512 << 20
_UNBORNE_BYTES = 64 << 20
_INTEGER_BITS = (1, 8, 16, 32, 64)


class PixelKind(StrEnum):
    INTEGER = "integer"  # Pixel Data (7FE0,0010)
    FLOAT = "float"  # Float Pixel Data (7FE0,0008)
    DOUBLE = "double"  # Double Float Pixel Data (7FE0,0009)


@dataclass(frozen=True, slots=True)
class PixelDescription:
    """Image Pixel Module of one object."""

    rows: int
    columns: int
    samples: int = 1
    photometric: str = "MONOCHROME2"
    bits_allocated: int = 16
    bits_stored: int = 16
    high_bit: int = 15
    signed: bool = False
    planar: bool = False
    kind: PixelKind = PixelKind.INTEGER
    big_endian: bool = False
    transfer_syntax_uid: str = ""

    @property
    def colour(self) -> bool:
        return self.samples > 1

    @property
    def subsampled(self) -> bool:
        """YBR_FULL_422 and YBR_PARTIAL_422 share one CB and CR between two pixels, PS3.3 C.7.6.3.1.2."""
        return self.samples == 3 and self.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422")

    @property
    def frame_bits(self) -> int:
        """Size of one native frame."""
        samples = 2 if self.subsampled else self.samples
        return self.rows * self.columns * samples * self.bits_allocated

    @property
    def decoded_bytes(self) -> int:
        return self.rows * self.columns * self.samples * max(1, self.bits_allocated // 8)


def describe_checked(description: PixelDescription) -> PixelDescription:
    """The description, made consistent where that is safe; raises Undecodable where it is not."""
    d = description
    if not (1 <= d.rows <= 65535 and 1 <= d.columns <= 65535):
        raise Undecodable("no-size", f"{d.rows} rows, {d.columns} columns")
    if d.samples not in (1, 3, 4):
        raise Undecodable("samples", f"{d.samples} samples per pixel")
    if d.kind is PixelKind.INTEGER and d.bits_allocated not in _INTEGER_BITS:
        raise Undecodable("bits", f"{d.bits_allocated} bits allocated")
    if d.bits_allocated == 1 and d.samples != 1:
        raise Undecodable("bits", "1 bit allocated for colour")
    if d.decoded_bytes > MAX_FRAME_BYTES:
        raise Undecodable("too-large", f"a frame of {d.decoded_bytes} bytes")
    if not 1 <= d.bits_stored <= d.bits_allocated:
        return replace(d, bits_stored=d.bits_allocated, high_bit=d.bits_allocated - 1)
    return d


def size_checked(
    rows: int, columns: int, samples: int, bytes_per_sample: int, header: PixelDescription
) -> None:
    """The limit for what a codestream declares of itself: small where its header does not bear it out."""
    if rows < 1 or columns < 1:
        raise Undecodable("no-size", f"codestream of {rows} rows, {columns} columns")
    borne_out = min(MAX_FRAME_BYTES, max(_UNBORNE_BYTES, 4 * header.decoded_bytes))
    if rows * columns * samples * bytes_per_sample > borne_out:
        raise Undecodable("too-large", f"codestream of {rows} x {columns} x {samples}")
