"""Objects decoded for receivers that take native syntaxes only: the same pixels, the same everything else."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    MPEG4HP41,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from archive.dicom.reader import Unreadable, read_header
from archive.imaging.params import Undecodable
from archive.imaging.source import decode_frame, pixel_handle, source_read
from archive.imaging.transcode import NATIVE, CannotTranscode, data_set_transcoded, transcodable
from archive.storage.part10 import file_meta
from tests.objects import ct_slice, encoded
from tests.pure.test_oracle import _canonical, _exceptions, _values_agree

EXPLICIT, IMPLICIT = NATIVE
# What may differ between an object and its native form; tags.
PIXEL_MODULE = {0x00280004, 0x00280006, 0x00280101, 0x00280102, 0x00282110,
                0x7FE00001, 0x7FE00002, 0x7FE00010, 0x00880200}  # fmt: skip

LUTS = {0x00283000, 0x00283010}


def as_file(data: bytes, syntax: str) -> io.BytesIO:
    meta = file_meta(sop_class_uid="1.2.3", sop_instance_uid="1.2.3.4", transfer_syntax_uid=syntax)
    return io.BytesIO(meta + data)


def native(data: bytes, syntax: str, target: str = EXPLICIT) -> bytes:
    with data_set_transcoded(as_file(data, syntax), transfer_syntax_uid=syntax, target=target) as out:
        return out.read()


def parsed(data: bytes, syntax: str = EXPLICIT) -> Dataset:
    return pydicom.dcmread(as_file(data, syntax))


def compressed(codestreams: list[bytes], **changes: Any) -> bytes:
    """A CT slice whose pixel data are these codestreams."""
    ds = ct_slice(**changes)
    ds.PixelData = encapsulate(codestreams)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return encoded(ds, ExplicitVRLittleEndian)


RAMP = np.arange(-128, 128, dtype="<i2").reshape(16, 16)  # signed, 16 bits
CODECS = {
    JPEGLosslessSV1: lambda v: imagecodecs.ljpeg_encode(v, bitspersample=16),
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEG2000Lossless: lambda v: imagecodecs.jpeg2k_encode(v, level=0, codecformat="j2k"),
    HTJ2KLossless: imagecodecs.htj2k_encode,
}


@pytest.mark.parametrize("target", NATIVE)
@pytest.mark.parametrize("syntax", [*CODECS, RLELossless])
def test_a_lossless_codestream_becomes_the_values_it_holds(syntax: str, target: str) -> None:
    if syntax == RLELossless:
        ds = ct_slice(PixelData=RAMP.tobytes())
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
        del ds.file_meta
        data = encoded(ds)
    else:
        data = compressed([CODECS[syntax](RAMP.view("<u2"))])
    result = parsed(native(data, syntax, target), target)
    assert result.PixelData == RAMP.tobytes()
    assert result["PixelData"].VR == "OW"
    assert (result.BitsStored, result.HighBit, result.PixelRepresentation) == (16, 15, 1)
    assert result.PhotometricInterpretation == "MONOCHROME2"


@pytest.mark.parametrize("high_bit", [11, 15])
@pytest.mark.parametrize("representation", [0, 1])
def test_bits_beside_those_stored_are_kept(representation: int, high_bit: int) -> None:
    """PS3.5 8.1.1 once let overlays lie there."""
    values = (np.arange(256, dtype="<u2") | 0x8000).reshape(16, 16)
    data = compressed(
        [imagecodecs.jpegls_encode(values)],
        BitsStored=12, HighBit=high_bit, PixelRepresentation=representation,
    )  # fmt: skip
    result = parsed(native(data, JPEGLSLossless))
    assert result.PixelData == values.tobytes()
    assert (result.BitsStored, result.HighBit) == (12, high_bit)


def test_frames_stay_in_order_and_their_number_is_kept() -> None:
    frames = [np.full((16, 16), number, "<u2") for number in (7, 5, 300)]
    data = compressed([imagecodecs.jpegls_encode(frame) for frame in frames], NumberOfFrames=3)
    result = parsed(native(data, JPEGLSLossless))
    assert result.NumberOfFrames == 3
    assert [int(frame[0, 0]) for frame in result.pixel_array] == [7, 5, 300]


def test_a_colour_jpeg_becomes_rgb_and_stays_marked_as_lossy() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, :, 0] = 200
    data = compressed(
        [imagecodecs.jpeg8_encode(red, level=95, colorspace="RGB", outcolorspace="YCBCR")],
        SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", PlanarConfiguration=0,
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0,
    )  # fmt: skip
    result = parsed(native(data, JPEGBaseline8Bit))
    assert result.PhotometricInterpretation == "RGB"
    assert result.PlanarConfiguration == 0
    assert result.LossyImageCompression == "01"
    assert result["PixelData"].VR == "OB"
    assert len(result.PixelData) == 768
    assert np.abs(result.pixel_array.astype(int) - red).max() <= 3


def test_ybr_that_was_compressed_without_loss_is_not_converted() -> None:
    values = np.arange(768, dtype=np.uint16).astype(np.uint8).reshape(16, 16, 3)
    data = compressed(
        [imagecodecs.jpegls_encode(values)],
        SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL", PlanarConfiguration=1,
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0,
    )  # fmt: skip
    result = parsed(native(data, JPEGLSLossless))
    assert (result.PhotometricInterpretation, result.PlanarConfiguration) == ("YBR_FULL", 0)
    assert result.PixelData == values.tobytes()
    assert "LossyImageCompression" not in result


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_codestream_that_is_cut_off_is_refused(syntax: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 65536, (16, 16), np.uint16)
    stream = CODECS[syntax](noise)
    with pytest.raises(CannotTranscode):
        native(compressed([stream[: int(len(stream) * share)]]), syntax)


def test_an_rle_segment_that_ends_early_is_refused() -> None:
    plane = b"\x7f" + bytes(range(128))  # 128 of 256 bytes
    frame = struct.pack("<16L", 2, 64, 64 + len(plane), *[0] * 13) + plane + plane
    with pytest.raises(CannotTranscode, match="truncated"):
        native(compressed([frame]), RLELossless)


def test_a_codestream_of_another_size_is_refused() -> None:
    stream = imagecodecs.jpegls_encode(np.zeros((8, 16), np.uint16))
    with pytest.raises(CannotTranscode, match="size-differs"):
        native(compressed([stream]), JPEGLSLossless)


def test_a_missing_frame_is_refused() -> None:
    stream = imagecodecs.jpegls_encode(np.zeros((16, 16), np.uint16))
    with pytest.raises(CannotTranscode, match="missing-frames"):
        native(compressed([stream], NumberOfFrames=2), JPEGLSLossless)


def test_frames_of_different_kinds_are_refused() -> None:
    lossy = imagecodecs.jpeg8_encode(np.zeros((16, 16), np.uint8))
    exact = imagecodecs.jpegls_encode(np.zeros((16, 16), np.uint8))
    small = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    with pytest.raises(CannotTranscode, match="mixed-frames"):
        native(compressed([exact, lossy], NumberOfFrames=2, **small), JPEGLSLossless)


@pytest.mark.parametrize("syntax", [MPEG4HP41, "1.2.3.4", "1.2.840.10008.1.2.4.94"])
def test_video_unknown_and_referenced_pixels_are_not_for_decoding(syntax: str) -> None:
    assert not transcodable(syntax)
    with pytest.raises(CannotTranscode, match="unknown-syntax"):
        native(encoded(ct_slice()), syntax)


def test_a_deflated_object_is_inflated() -> None:
    ds = ct_slice()
    assert native(encoded(ds, DeflatedExplicitVRLittleEndian), DeflatedExplicitVRLittleEndian) == encoded(ds)


def test_a_deflated_object_that_is_cut_off_is_refused() -> None:
    data = encoded(ct_slice(), DeflatedExplicitVRLittleEndian)
    with pytest.raises(CannotTranscode, match="broken-deflate"):
        native(data[: len(data) // 2], DeflatedExplicitVRLittleEndian)


def rich() -> Dataset:
    """Sequences in sequences, private elements, numbers of every width."""
    ds = ct_slice()
    inner = Dataset()
    inner.ReferencedSOPInstanceUID = "1.2.3"
    inner.SimpleFrameList = [1, 70000]
    outer = Dataset()
    outer.ReferencedImageSequence = Sequence([inner, Dataset()])
    outer.CodeValue = "T-D3000"
    ds.AnatomicRegionSequence = Sequence([outer])
    ds.ReferencedStudySequence = Sequence([])
    ds.SmallestImagePixelValue = -5
    ds["SmallestImagePixelValue"].VR = "SS"
    ds.FrameIncrementPointer = 0x00181063
    ds.EventTimeOffset = 1.5
    block = ds.private_block(0x0029, "ACME 1.0", create=True)
    block.add_new(1, "DS", "2.5")
    return ds


def test_explicit_becomes_implicit() -> None:
    ds = rich()
    assert native(encoded(ds), EXPLICIT, IMPLICIT) != encoded(ds)
    result = parsed(native(encoded(ds), EXPLICIT, IMPLICIT), IMPLICIT)
    assert result.AnatomicRegionSequence[0].ReferencedImageSequence[0].SimpleFrameList == [1, 70000]
    assert len(result.AnatomicRegionSequence[0].ReferencedImageSequence) == 2
    assert result.AnatomicRegionSequence[0].CodeValue == "T-D3000"
    assert (result.SmallestImagePixelValue, result.EventTimeOffset) == (-5, 1.5)
    assert result[0x0029, 0x1001].value in ("2.5", 2.5, b"2.5 ")
    assert result.PixelData == ds.PixelData


def test_implicit_becomes_explicit_with_the_vrs_of_the_dictionary() -> None:
    ds = rich()
    result = parsed(native(encoded(ds, ImplicitVRLittleEndian), IMPLICIT, EXPLICIT))
    assert result["SmallestImagePixelValue"].VR == "SS"  # signed pixels
    assert result["PixelData"].VR == "OW"
    assert result[0x0029, 0x0010].VR == "LO"
    assert result.get_item((0x0029, 0x1001)).VR == "UN"  # nobody else's dictionary is asked
    assert result.get_item((0x0029, 0x1001)).value == b"2.5 "
    assert result.AnatomicRegionSequence[0].ReferencedImageSequence[0].SimpleFrameList == [1, 70000]
    assert result.PatientName == "Doe^Jane"


def test_big_endian_becomes_little() -> None:
    ds = rich()
    result = parsed(native(encoded(ds, ExplicitVRBigEndian), ExplicitVRBigEndian))
    assert result.AnatomicRegionSequence[0].ReferencedImageSequence[0].SimpleFrameList == [1, 70000]
    assert (result.Rows, result.SmallestImagePixelValue, result.EventTimeOffset) == (16, -5, 1.5)
    assert result.FrameIncrementPointer == 0x00181063
    # pydicom writes the pixel bytes as they are: what it called big endian
    assert result.PixelData == np.frombuffer(ds.PixelData, ">u2").astype("<u2").tobytes()


def test_group_lengths_go_and_nothing_else_of_the_bytes() -> None:
    uids = {"SOPInstanceUID": "1.2.3", "StudyInstanceUID": "1.2.4", "SeriesInstanceUID": "1.2.5"}
    data = encoded(ct_slice(**uids))
    length = struct.pack("<HH2sHL", 8, 0, b"UL", 4, 99)
    before = compressed([imagecodecs.jpegls_encode(RAMP.view("<u2"))], **uids)
    result = native(length + before, JPEGLSLossless)
    at = data.index(struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW"))
    assert result[:at] == data[:at]
    assert result[at + 12 :] == RAMP.tobytes()


def test_an_icon_that_is_compressed_goes_one_that_is_not_stays() -> None:
    icon = Dataset()
    icon.Rows = icon.Columns = 2
    icon.SamplesPerPixel, icon.PhotometricInterpretation = 1, "MONOCHROME2"
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.PixelData = b"\x01\x02\x03\x04"
    stream = imagecodecs.jpegls_encode(RAMP.view("<u2"))
    kept = parsed(native(compressed([stream], IconImageSequence=Sequence([icon])), JPEGLSLossless))
    assert kept.IconImageSequence[0].PixelData == b"\x01\x02\x03\x04"
    icon.PixelData = encapsulate([stream])
    icon["PixelData"].is_undefined_length = True
    icon["PixelData"].VR = "OB"
    gone = parsed(native(compressed([stream], IconImageSequence=Sequence([icon])), JPEGLSLossless))
    assert "IconImageSequence" not in gone
    assert gone.PixelData == RAMP.tobytes()


# ---- real files


def _transcoded(path: Path, target: str) -> tuple[str, bytes] | None:
    with path.open("rb") as file:
        try:
            syntax = read_header(file).transfer_syntax_uid
            with data_set_transcoded(file, transfer_syntax_uid=syntax, target=target) as out:
                return syntax, out.read()
        except (Unreadable, CannotTranscode):
            return None


@pytest.mark.parametrize("target", NATIVE)
def test_native_pixels_of_real_files_are_the_references(corpus: Path, target: str) -> None:
    oracle = json.loads((corpus / "oracle" / "oracle.json").read_text())["files"]
    different, compared = set(), 0
    for name, entry in oracle.items():
        found = _transcoded(corpus / "dicom" / name, target) if "frames" in entry else None
        if found is None or found[0] == target:
            continue
        file = as_file(found[1], target)
        source = source_read(file)
        for number, reference in entry["frames"].items():
            compared += 1
            values = decode_frame(source, pixel_handle(source, file), int(number) - 1)
            if not _values_agree(values, reference, lossy=entry["lossy"]):
                different.add(name)
    assert compared > 150
    assert different <= _exceptions("values")


def test_all_frames_of_real_files_are_those_of_the_original(corpus: Path) -> None:
    compared = 0
    for path in sorted(path for path in (corpus / "dicom").rglob("*") if path.is_file()):
        found = _transcoded(path, EXPLICIT)
        if found is None or found[0] == EXPLICIT:
            continue
        file = as_file(found[1], EXPLICIT)
        try:
            with path.open("rb") as original:
                before, after = source_read(original), source_read(file)
                pixels = pixel_handle(before, original)
                assert after.frames == before.frames, path
                for frame in range(before.frames):
                    expected = decode_frame(before, pixels, frame)
                    given = decode_frame(after, file, frame)
                    assert _digest(given) == _digest(expected), (path, frame)
                compared += 1
        except Undecodable:
            continue
    assert compared > 100


def _digest(values: Any) -> str:
    return hashlib.sha256(_canonical(values)).hexdigest()


@pytest.mark.parametrize("target", NATIVE)
def test_everything_but_the_pixels_of_real_files_is_as_it_was(corpus: Path, target: str) -> None:
    compared = 0
    for path in sorted(path for path in (corpus / "dicom" / "pixel").rglob("*") if path.is_file()):
        found = _transcoded(path, target)
        if found is None or found[0] == target:
            continue
        before, after = pydicom.dcmread(path, force=True), parsed(found[1], target)
        big_endian = found[0] == ExplicitVRBigEndian
        tags = {int(tag) for tag in before.keys() if tag.element}  # noqa: SIM118
        assert tags - {int(tag) for tag in after.keys()} <= PIXEL_MODULE, path  # noqa: SIM118
        # UN is little endian wherever it stands (PS3.5 6.2.2), which pydicom does not know.
        unknown = {tag for tag in tags if big_endian and before.get_item(tag).VR == "UN"}
        for tag in sorted(tags - PIXEL_MODULE - unknown):
            private = tag >> 16 & 1 and not big_endian and before.get_item(tag).VR != "SQ"
            # Without VRs, pydicom makes bytes of what were lists or texts: the explicit form tells enough.
            if target == IMPLICIT and (tag in LUTS or tag >> 16 & 1):
                continue
            if private and isinstance(before.get_item(tag).value, bytes):  # only its bytes can tell
                assert (after.get_item(tag).value or b"") == before.get_item(tag).value, (path, hex(tag))
                continue
            assert _plain(after[tag]) == _plain(before[tag], swap=big_endian), (path, hex(tag))
        compared += 1
    assert compared > 60


def _plain(element: Any, *, swap: bool = False) -> Any:
    """A value without its VR: in implicit VR, pydicom's own dictionaries say what it is."""
    value = element.value
    if value is None or value == "" or (element.VR == "SQ" and not value):
        return ""
    if element.VR == "SQ":
        public = (
            [inner for inner in item if inner.tag.element and not inner.tag.is_private] for item in value
        )
        return [[_plain(inner, swap=swap) for inner in item] for item in public]
    if isinstance(value, bytes):
        return np.frombuffer(value, ">u2").astype("<u2").tobytes() if swap and element.VR == "OW" else value
    if element.VR in ("US", "SS") and isinstance(value, int):
        return value % 65536
    return str(value).strip(" \0")
