"""Frame bytes to stored values: literal numbers, labels that lie, bytes that are hostile."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.uid import (
    HEVCMP51,
    JPEG2000,
    MPEG4HP41,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from archive.dicom.frames import FrameBytes
from archive.imaging.codestream import jxl_size
from archive.imaging.decode import DEFLATED_IMAGE_FRAME, frame_values
from archive.imaging.description import PixelDescription, PixelKind, describe_checked
from archive.imaging.params import Undecodable

JPEG_XL_LOSSLESS = "1.2.840.10008.1.2.4.110"


def described(rows: int = 2, columns: int = 2, **changes: Any) -> PixelDescription:
    changes.setdefault("bits_stored", changes.get("bits_allocated", 16))
    changes.setdefault("high_bit", changes["bits_stored"] - 1)
    return PixelDescription(rows=rows, columns=columns, **changes)


def native(data: bytes, description: PixelDescription, bit_offset: int = 0) -> list[Any]:
    return frame_values(FrameBytes(data, False, bit_offset), description).tolist()


def compressed(data: bytes, description: PixelDescription) -> np.ndarray:
    return frame_values(FrameBytes(data, True), description)


def refused(data: bytes, description: PixelDescription, *, encapsulated: bool = True) -> str:
    with pytest.raises(Undecodable) as caught:
        frame_values(FrameBytes(data, encapsulated), description)
    return caught.value.code


RAMP = np.arange(64, dtype=np.uint16).reshape(8, 8) * 60


# Native


def test_sixteen_bits_little_and_big_endian() -> None:
    assert native(struct.pack("<4H", 1, 2, 3, 65535), described()) == [[1, 2], [3, 65535]]
    assert native(struct.pack(">4h", 1, -2, 3, -4), described(signed=True, big_endian=True)) == [
        [1, -2],
        [3, -4],
    ]


def test_thirty_two_bits_big_endian() -> None:
    data = struct.pack(">4I", 1, 2, 3, 4_000_000_000)
    assert native(data, described(bits_allocated=32, big_endian=True)) == [[1, 2], [3, 4_000_000_000]]


def test_garbage_above_bits_stored_is_dropped_before_the_sign_is_extended() -> None:
    """Twelve bits stored: 0xF801 holds 0x801, which is -2047, and 0xA7FF holds 2047."""
    data = struct.pack("<4H", 0xF801, 0xA7FF, 0x0FFF, 0xF000)
    assert native(data, described(bits_stored=12, signed=True)) == [[-2047, 2047], [-1, 0]]
    assert native(data, described(bits_stored=12)) == [[2049, 2047], [4095, 0]]


def test_values_stored_below_an_odd_high_bit_are_shifted_down() -> None:
    """Old objects keep 12 bits at the top of the word: High Bit 15."""
    assert native(struct.pack("<4H", 0x1234, 0, 0xFFF0, 0x0010), described(bits_stored=12, high_bit=15)) == [
        [0x123, 0],
        [4095, 1],
    ]


def test_a_high_bit_that_cannot_be_is_not_believed() -> None:
    assert native(struct.pack("<4H", 1, 2, 3, 4), described(bits_stored=12, high_bit=40)) == [[1, 2], [3, 4]]


def test_single_bits_fill_bytes_from_below() -> None:
    d = described(rows=1, columns=10, bits_allocated=1)
    assert native(bytes([0b00000101, 0b10]), d) == [[1, 0, 1, 0, 0, 0, 0, 0, 0, 1]]
    assert native(bytes([0b10100000, 0b01000000]), d, bit_offset=5) == [[1, 0, 1, 0, 0, 0, 0, 0, 0, 1]]


def test_float_and_double_pixel_data() -> None:
    floats = described(kind=PixelKind.FLOAT, bits_allocated=32)
    assert native(struct.pack("<4f", 0.5, -1.5, 2, 3), floats) == [[0.5, -1.5], [2, 3]]
    doubles = described(kind=PixelKind.DOUBLE, bits_allocated=64, big_endian=True)
    assert native(struct.pack(">4d", 0.1, -1e300, 2, 3), doubles) == [[0.1, -1e300], [2, 3]]


def test_colour_by_pixel_and_by_plane() -> None:
    d = {"rows": 1, "columns": 2, "samples": 3, "photometric": "RGB", "bits_allocated": 8}
    assert native(bytes([1, 2, 3, 4, 5, 6]), described(**d)) == [[[1, 2, 3], [4, 5, 6]]]
    assert native(bytes([1, 4, 2, 5, 3, 6]), described(**d, planar=True)) == [[[1, 2, 3], [4, 5, 6]]]


def test_a_frame_cut_off_in_its_second_half_is_completed_and_earlier_it_is_refused() -> None:
    assert native(struct.pack("<3H", 7, 8, 9), described()) == [[7, 8], [9, 0]]
    assert refused(b"\0\0", described(), encapsulated=False) == "truncated"


# Compressed: the codestreams are made by the encoders of imagecodecs


@pytest.mark.parametrize(
    ("encode", "syntax"),
    [
        (lambda a: imagecodecs.jpeg8_encode(a, lossless=True, bitspersample=12), JPEGLosslessSV1),
        (imagecodecs.jpegls_encode, JPEGLSLossless),
        (lambda a: imagecodecs.jpeg2k_encode(a, codecformat="J2K", reversible=True), JPEG2000Lossless),
    ],
)
def test_lossless_syntaxes_give_back_what_went_in(encode: Any, syntax: str) -> None:
    values = compressed(encode(RAMP), described(8, 8, bits_stored=12, transfer_syntax_uid=syntax))
    np.testing.assert_array_equal(values, RAMP)


def test_unsigned_codestreams_of_signed_pixels_are_sign_extended() -> None:
    stored = (RAMP.astype(np.int16) - 2000) & 0xFFF
    data = imagecodecs.jpeg8_encode(stored.astype(np.uint16), lossless=True, bitspersample=12)
    values = compressed(
        data, described(8, 8, bits_stored=12, signed=True, transfer_syntax_uid=JPEGLosslessSV1)
    )
    assert values.dtype == np.int16
    np.testing.assert_array_equal(values, RAMP.astype(np.int16) - 2000)


def test_signed_twelve_bit_jpeg_is_sign_extended() -> None:
    """A flat frame survives lossy compression: 0xF00 in twelve bits is -256."""
    data = imagecodecs.jpeg8_encode(np.full((8, 8), 0xF00, np.uint16), 95, bitspersample=12)
    values = compressed(
        data, described(8, 8, bits_stored=12, signed=True, transfer_syntax_uid=JPEGExtended12Bit)
    )
    assert np.abs(values + 256).max() <= 1


def test_lossy_overshoot_above_bits_stored_is_clamped_not_wrapped() -> None:
    data = imagecodecs.jpeg8_encode(np.full((8, 8), 1030, np.uint16), 95, bitspersample=12)
    values = compressed(data, described(8, 8, bits_stored=10, transfer_syntax_uid=JPEGExtended12Bit))
    assert (values == 1023).all()


def test_a_signed_jpeg_2000_codestream_beats_an_unsigned_header() -> None:
    stored = RAMP.astype(np.int16) - 2000
    data = imagecodecs.jpeg2k_encode(stored, codecformat="J2K", reversible=True)
    np.testing.assert_array_equal(compressed(data, described(8, 8, signed=False)), stored)


def test_jp2_boxes_around_the_codestream_are_taken_off() -> None:
    data = imagecodecs.jpeg2k_encode(RAMP, codecformat="JP2", reversible=True)
    assert data[4:8] == b"jP  "
    np.testing.assert_array_equal(compressed(data, described(8, 8)), RAMP)


def test_the_codestreams_size_beats_the_headers() -> None:
    data = imagecodecs.jpegls_encode(RAMP)
    assert compressed(data, described(100, 4)).shape == (8, 8)


def test_jpeg_under_a_native_label_is_recognised() -> None:
    data = imagecodecs.jpegls_encode(RAMP)
    values = compressed(data, described(8, 8, transfer_syntax_uid=ExplicitVRLittleEndian))
    np.testing.assert_array_equal(values, RAMP)


def test_uncompressed_pixels_under_a_compressed_label_are_recognised() -> None:
    values = compressed(RAMP.tobytes(), described(8, 8, transfer_syntax_uid=JPEGLSLossless))
    np.testing.assert_array_equal(values, RAMP)


def test_deflated_frames() -> None:
    raw = zlib.compressobj(wbits=-15)
    data = raw.compress(RAMP.tobytes()) + raw.flush()
    values = compressed(data, described(8, 8, transfer_syntax_uid=DEFLATED_IMAGE_FRAME))
    np.testing.assert_array_equal(values, RAMP)


def rle(*segments: bytes) -> bytes:
    offsets, at = [], 64
    for segment in segments:
        offsets.append(at)
        at += len(segment)
    return struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


def test_rle_puts_the_most_significant_bytes_first() -> None:
    """PS3.5 G.2: a literal run of four high bytes, then a replicated low byte."""
    data = rle(bytes([3, 1, 2, 3, 4]) + b"\0", bytes([0xFD, 9]))
    assert compressed(data, described(transfer_syntax_uid=RLELossless)).tolist() == [
        [0x0109, 0x0209],
        [0x0309, 0x0409],
    ]


def test_rle_colour_comes_by_plane_and_labelled_422_is_whole() -> None:
    data = rle(bytes([0xFF, 10]), bytes([0xFF, 128]), bytes([0xFF, 128]))
    d = described(
        1, 2, samples=3, photometric="YBR_FULL_422", bits_allocated=8, transfer_syntax_uid=RLELossless
    )
    assert compressed(data, d).tolist() == [[[10, 10, 10], [10, 10, 10]]]


def test_rle_under_a_private_native_label_is_recognised() -> None:
    data = rle(bytes([0xFD, 1]), bytes([0xFD, 2]))
    assert compressed(data, described(transfer_syntax_uid="1.2.3.4")).tolist() == [[258, 258], [258, 258]]


# Bits beside Bits Stored: overlays and garbage are no greys, whatever the compression (PS3.5 8.1.1, 8.2)


def _rle(a: np.ndarray) -> bytes:
    raw = a.view(np.uint8).reshape(-1, a.dtype.itemsize)
    planes = [raw[:, i].tobytes() for i in reversed(range(a.dtype.itemsize))]
    runs = [b"".join(b"\x3f" + p[i : i + 64] for i in range(0, len(p), 64)) for p in planes]
    return rle(*(run + bytes(len(run) % 2) for run in runs))


LOSSLESS = [
    pytest.param(
        lambda a: imagecodecs.jpeg8_encode(a, lossless=True, bitspersample=a.itemsize * 8),
        JPEGLosslessSV1,
        id="jpeg",
    ),
    pytest.param(imagecodecs.jpegls_encode, JPEGLSLossless, id="jpeg-ls"),
    pytest.param(
        lambda a: imagecodecs.jpeg2k_encode(a, codecformat="J2K", reversible=True), JPEG2000Lossless, id="j2k"
    ),
    pytest.param(imagecodecs.htj2k_encode, HTJ2KLossless, id="htj2k"),
    pytest.param(_rle, RLELossless, id="rle"),
    pytest.param(lambda a: imagecodecs.jpegxl_encode(a, lossless=True), JPEG_XL_LOSSLESS, id="jxl"),
]


@pytest.mark.parametrize(("encode", "syntax"), LOSSLESS)
@pytest.mark.parametrize("signed", [False, True])
def test_overlay_bits_above_bits_stored_are_no_grey_in_a_lossless_codestream(
    encode: Any, syntax: str, signed: bool
) -> None:
    """Twelve bits stored, an overlay in bit 12 and another in bit 15."""
    words = RAMP.copy()
    words[::2] |= 0x1000
    words[:, 3] |= 0x8000
    d = described(8, 8, bits_stored=12, signed=signed, transfer_syntax_uid=syntax)
    values = compressed(encode(words), d)
    expected = RAMP.astype(np.int16)
    if signed:
        expected = np.where(expected > 2047, expected - 4096, expected)
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(("encode", "syntax"), LOSSLESS)
def test_overlay_bits_in_the_byte_of_a_six_bit_image_are_no_grey(encode: Any, syntax: str) -> None:
    bytes_ = np.arange(64, dtype=np.uint8).reshape(8, 8) | np.uint8(0x80)
    d = described(8, 8, bits_allocated=8, bits_stored=6, transfer_syntax_uid=syntax)
    np.testing.assert_array_equal(compressed(encode(bytes_), d), np.arange(64).reshape(8, 8))


@pytest.mark.parametrize(("encode", "syntax"), LOSSLESS)
@pytest.mark.parametrize("signed", [False, True])
def test_values_below_an_odd_high_bit_are_shifted_down_in_a_lossless_codestream(
    encode: Any, syntax: str, signed: bool
) -> None:
    """Twelve bits at the top of the word, an overlay in bit 0: as the same object has them uncompressed."""
    words = (RAMP << 4) | 1
    d = described(8, 8, bits_stored=12, high_bit=15, signed=signed, transfer_syntax_uid=syntax)
    values = compressed(encode(words), d)
    np.testing.assert_array_equal(values, frame_values(FrameBytes(words.tobytes(), False), d))
    assert values[7, 7] == (63 * 60 - 4096 if signed else 63 * 60)


@pytest.mark.parametrize("high_bit", [15, 11])
def test_a_codestream_of_no_more_than_bits_stored_needs_no_shift(high_bit: int) -> None:
    """The encoder has taken the stored bits out of their words: High Bit speaks of what once was."""
    data = imagecodecs.jpeg8_encode(RAMP, lossless=True, bitspersample=12)
    d = described(8, 8, bits_stored=12, high_bit=high_bit, transfer_syntax_uid=JPEGLosslessSV1)
    np.testing.assert_array_equal(compressed(data, d), RAMP)


def test_overlay_bits_in_a_signed_codestream_are_no_grey() -> None:
    words = (RAMP.astype(np.int16) - 2000) & 0x0FFF | 0x1000
    data = imagecodecs.jpeg2k_encode(words.astype(np.int16), codecformat="J2K", reversible=True)
    d = described(8, 8, bits_stored=12, signed=True, transfer_syntax_uid=JPEG2000Lossless)
    np.testing.assert_array_equal(compressed(data, d), RAMP.astype(np.int16) - 2000)


def test_a_palettes_indices_are_rid_of_overlay_bits_as_well() -> None:
    words = np.arange(64, dtype=np.uint16).reshape(8, 8) | 0x0100
    d = described(8, 8, bits_stored=8, photometric="PALETTE COLOR", transfer_syntax_uid=JPEGLSLossless)
    np.testing.assert_array_equal(compressed(imagecodecs.jpegls_encode(words), d), words & 0xFF)


def test_near_lossless_overshoot_is_clamped_not_wrapped() -> None:
    """JPEG-LS may miss by NEAR: 1023 comes out as 1024 or more, and a mask would make white black."""
    values = np.array([[1020, 1023, 1023, 1021] * 2, [1023, 1017, 1022, 1023] * 2] * 4, np.uint16)
    values[0, 0] = 4095  # the codestream has twelve bits
    data = imagecodecs.jpegls_encode(values, level=3)
    assert (imagecodecs.jpegls_decode(data) > 1023).sum() > 1
    d = described(8, 8, bits_stored=10, transfer_syntax_uid=JPEGLSNearLossless)
    assert compressed(data, d).min() >= 1014
    assert compressed(data, d).max() == 1023


def test_lossy_values_below_an_odd_high_bit_are_shifted_down() -> None:
    data = imagecodecs.jpeg2k_encode(np.full((8, 8), 0x8000, np.uint16), 60, codecformat="J2K")
    d = described(8, 8, bits_stored=12, high_bit=15, transfer_syntax_uid=JPEG2000)
    assert np.abs(compressed(data, d).astype(int) - 0x800).max() <= 1


# Which colour is it?


def colour_jpeg(*, transform: str) -> bytes:
    """A flat red frame whose components are stored as RGB or as YCbCr."""
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, :, 0] = 250
    return imagecodecs.jpeg8_encode(red, 95, colorspace="RGB", outcolorspace=transform)


def colour_of(data: bytes, photometric: str) -> list[int]:
    d = described(
        16, 16, samples=3, photometric=photometric, bits_allocated=8, transfer_syntax_uid=JPEGBaseline8Bit
    )
    return compressed(data, d)[8, 8].tolist()


def test_a_jfif_codestream_labelled_rgb_is_ycbcr() -> None:
    data = colour_jpeg(transform="YCBCR")
    assert b"JFIF" in data[:32]
    red, green, blue = colour_of(data, "RGB")
    assert red > 240
    assert max(green, blue) < 10


def test_an_adobe_rgb_codestream_labelled_ybr_is_rgb() -> None:
    data = colour_jpeg(transform="RGB")
    assert b"Adobe" in data[:64]
    red, green, blue = colour_of(data, "YBR_FULL_422")
    assert red > 240
    assert max(green, blue) < 10


@pytest.mark.parametrize(("photometric", "expected"), [("RGB", [250, 0, 0]), ("YBR_FULL_422", [255, 0, 0])])
def test_without_marks_in_the_codestream_the_label_decides(photometric: str, expected: list[int]) -> None:
    """The same components: 250, 0, 0 as RGB, and as Y, CB, CR an impossible colour that clips."""
    data = colour_jpeg(transform="RGB")
    at = data.index(b"\xff\xee")
    bare = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    bare = _renumbered(bare)
    red, green, blue = colour_of(bare, photometric)
    if photometric == "RGB":
        assert red > 240
        assert max(green, blue) < 10
    else:
        assert (red, green, blue) == (71, 255, 23)


def _renumbered(data: bytes) -> bytes:
    """Component ids "RGB" would tell the colour as well: make them 1, 2, 3."""
    changed = bytearray(data)
    sof, sos = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    for i in range(3):
        changed[sof + 10 + 3 * i] = changed[sos + 5 + 2 * i] = i + 1
    return bytes(changed)


# Hostile


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rows": 0}, "no-size"),
        ({"columns": 0}, "no-size"),
        ({"rows": 65536}, "no-size"),
        ({"rows": 65535, "columns": 65535}, "too-large"),
        ({"bits_allocated": 48}, "bits"),
        ({"bits_allocated": 3}, "bits"),
        ({"samples": 0}, "samples"),
        ({"samples": 17}, "samples"),
        ({"samples": 3, "bits_allocated": 1}, "bits"),
    ],
)
def test_headers_that_make_no_sense_are_refused_before_any_pixel(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Undecodable) as caught:
        describe_checked(described(**changes))
    assert caught.value.code == code


@pytest.mark.parametrize("bits_stored", [0, 17, 65535, -1])
def test_bits_stored_beyond_bits_allocated_are_all_of_them(bits_stored: int) -> None:
    d = describe_checked(described(bits_stored=bits_stored))
    assert (d.bits_stored, d.high_bit) == (16, 15)


def test_a_jpeg_of_65535_by_65535_in_a_hundred_bytes_is_refused_before_it_is_decoded() -> None:
    frame = b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00" + b"\xff\xda" + bytes(90)
    assert refused(frame, described()) == "too-large"


def siz(columns: int, rows: int, tile: int) -> bytes:
    """The SIZ marker segment of one 8-bit component, T.800 A.5.1."""
    return struct.pack(">HHH8IH3B", 0xFF51, 41, 0, columns, rows, 0, 0, tile, tile, 0, 0, 1, 7, 1, 1)


def test_a_jpeg_2000_of_four_billion_columns_is_refused() -> None:
    siz = struct.pack(
        ">HHHIIIIIIIIH3B", 0xFF51, 41, 0, 2**32 - 1, 2**32 - 1, 0, 0, 2**32 - 1, 2**32 - 1, 0, 0, 1, 7, 1, 1
    )
    assert refused(b"\xff\x4f" + siz + bytes(60), described()) == "too-large"


def test_more_jpeg_2000_tiles_than_bytes_are_refused() -> None:
    assert refused(b"\xff\x4f" + siz(4096, 4096, 1) + bytes(60), described()) == "corrupt"


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff\xe0",
        b"\xff\xd8\xff\xda" + bytes(50),
        b"\xff\x4f\xff\x51",
        b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
        b"\xff\x0a" + bytes(30),
    ],
)
def test_damaged_codestreams_are_corrupt(data: bytes) -> None:
    assert refused(data, described()) == "corrupt"


@pytest.mark.parametrize(
    "data",
    [
        bytes(63),
        bytes(64),
        struct.pack("<16I", 2, 64, 4_000_000_000, *[0] * 13) + b"abc",
        struct.pack("<16I", 2, 70, 64, *[0] * 13) + b"abcdefgh",
        struct.pack("<16I", 15, *[64] * 15),
        rle(b"\x81\x55" * 100_000, b"\x81\x55"),
        rle(bytes([3, 1]), bytes([3, 1])),
    ],
)
def test_damaged_rle_is_corrupt(data: bytes) -> None:
    assert refused(data, described(transfer_syntax_uid=RLELossless)) == "corrupt"


def test_rle_that_ends_early_is_truncated_before_memory_is_taken() -> None:
    large = described(20_000, 10_000, transfer_syntax_uid=RLELossless)
    assert refused(rle(b"\xfd\1", b"\xfd\1"), large) == "truncated"
    assert refused(rle(b"\0\1", b"\0\1"), described(transfer_syntax_uid=RLELossless)) == "truncated"


def test_a_codestream_far_larger_than_its_header_is_refused() -> None:
    """Eight thousand squared in a header of two: neither is believed."""
    frame = b"\xff\xd8\xff\xc0\x00\x0b\x08\x20\x00\x20\x01\x01\x01\x11\x00" + b"\xff\xda" + bytes(90)
    assert refused(frame, described()) == "too-large"


def test_jpeg_xl_and_its_declared_size() -> None:
    picture = np.zeros((300, 517, 3), np.uint8)
    picture[:, :, 1] = 99
    data = imagecodecs.jpegxl_encode(picture, lossless=True)
    d = described(300, 517, samples=3, photometric="RGB", bits_allocated=8)
    np.testing.assert_array_equal(compressed(data, d), picture)
    assert jxl_size(data) == (300, 517)
    assert jxl_size(imagecodecs.jpegxl_encode(picture[:128, :256], lossless=True)) == (128, 256)
    huge = b"\xff\x0a" + (0b11 << 1 | (2**30 - 1) << 3 | 1 << 33).to_bytes(12, "little")
    assert refused(huge, d) == "too-large"


def test_a_deflated_frame_that_explodes_is_read_no_further_than_a_frame() -> None:
    raw = zlib.compressobj(wbits=-15)
    bomb = raw.compress(bytes(32 << 20)) + raw.flush()
    values = compressed(bomb, described(8, 8, transfer_syntax_uid=DEFLATED_IMAGE_FRAME))
    assert values.shape == (8, 8)


def test_a_jpeg_ls_cut_off_is_refused_and_one_without_its_end_marker_is_read() -> None:
    noise = np.random.default_rng(0).integers(0, 65535, (64, 64), np.uint16)
    data = imagecodecs.jpegls_encode(noise)
    assert data.endswith(b"\xff\xd9")
    assert refused(data[: len(data) // 2], described(64, 64)) == "corrupt"
    np.testing.assert_array_equal(compressed(data[:-2], described(64, 64)), noise)


@pytest.mark.parametrize("syntax", [MPEG4HP41, HEVCMP51])
def test_video_is_named(syntax: str) -> None:
    assert refused(bytes(100), described(transfer_syntax_uid=syntax)) == "video"


def test_bytes_of_no_known_kind_are_named() -> None:
    assert refused(b"????", described(transfer_syntax_uid="1.2.3")) == "unknown-syntax"


def test_codestreams_damaged_anywhere_never_do_worse_than_raise() -> None:
    """A sample of what was done at length: bytes flipped all over each kind of codestream."""
    random = np.random.default_rng(1)
    streams = [
        imagecodecs.jpeg8_encode(RAMP, lossless=True, bitspersample=12),
        imagecodecs.jpeg8_encode(RAMP, 90, bitspersample=12),
        imagecodecs.jpeg2k_encode(RAMP, codecformat="J2K", reversible=True),
        rle(bytes([0xC1, 1]), bytes([0xC1, 2])),
    ]
    for stream in streams:
        for _ in range(60):
            damaged = bytearray(stream)
            for at in random.integers(2, len(stream), 4):
                damaged[at] = random.integers(256)
            try:
                values = compressed(bytes(damaged), described(8, 8, transfer_syntax_uid=RLELossless))
            except Undecodable:
                continue
            assert values.nbytes <= 512 << 20
