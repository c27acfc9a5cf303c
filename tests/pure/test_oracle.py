"""Decoded values and pictures against independent decoders (DCMTK, GDCM, pydicom) over real files.

``oracle_exceptions.csv`` names every file where we differ, and why. The tests want it exact: a
difference that is not listed fails, and so does a line that has no difference any more.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from archive.imaging.greyscale import full_range_window, modality_values
from archive.imaging.params import Undecodable, View
from archive.imaging.pipeline import picture, raster_read
from archive.imaging.source import decode_frame, pixel_handle, source_read

EXCEPTIONS = Path(__file__).with_name("oracle_exceptions.csv")
# Lossy decoders may round differently; the reference's own decoders differ by up to 0.12 in the mean.
LOSSY_TOLERANCE = 0.1
PICTURE_TOLERANCE = 1.0


def _exceptions(kind: str) -> set[str]:
    with EXCEPTIONS.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert all(row["cause"] for row in rows)
    return {row["file"] for row in rows if row["kind"] == kind}


@pytest.fixture(scope="module")
def oracle(corpus: Path) -> dict[str, Any]:
    return json.loads((corpus / "oracle" / "oracle.json").read_text())["files"]


def _entries(oracle: dict[str, Any], corpus: Path) -> Iterator[tuple[str, dict[str, Any], Any, Any]]:
    for name, entry in oracle.items():
        if "frames" in entry:
            with (corpus / "dicom" / name).open("rb") as file:
                source = source_read(file)
                yield name, entry, source, pixel_handle(source, file)


def _canonical(values: np.ndarray) -> bytes:
    """The oracle's form: 8-bit RGB as it is, everything else 32-bit integers, floats raw."""
    if values.dtype.kind == "f" or (values.ndim == 3 and values.dtype == np.uint8):
        return values.tobytes()
    return values.astype("<u4" if values.dtype == np.uint32 else "<i4").tobytes()


def _values_agree(values: np.ndarray, reference: dict[str, Any], *, lossy: bool) -> bool:
    if hashlib.sha256(_canonical(values)).hexdigest() == reference["sha256"]:
        return True
    measured = {"mean": values.mean(dtype=np.float64), "std": values.std(dtype=np.float64)}
    return lossy and all(abs(measured[key] - reference[key]) <= LOSSY_TOLERANCE for key in measured)


def test_stored_values_are_the_references(oracle: dict[str, Any], corpus: Path) -> None:
    different, compared = set(), 0
    for name, entry, source, pixels in _entries(oracle, corpus):
        for number, reference in entry["frames"].items():
            values = decode_frame(source, pixels, int(number) - 1)
            compared += 1
            if not _values_agree(values, reference, lossy=entry["lossy"]):
                different.add(name)
    assert compared > 450
    assert different == _exceptions("values")


def test_every_frame_of_multi_frame_objects_is_the_references(oracle: dict[str, Any], corpus: Path) -> None:
    compared = 0
    for name, entry, source, pixels in _entries(oracle, corpus):
        if "all_frames_sha256" not in entry:
            continue
        frames = (_canonical(decode_frame(source, pixels, frame)) for frame in range(source.frames))
        digests = "".join(hashlib.sha256(frame).hexdigest() for frame in frames)
        assert hashlib.sha256(digests.encode()).hexdigest() == entry["all_frames_sha256"], name
        compared += 1
    assert compared >= 15


def _shown(source: Any, pixels: Any, frame: int, arguments: list[str]) -> np.ndarray:
    """Our picture for what the reference was asked: first window, LUT, or lowest to highest value."""
    raster = replace(raster_read(source, pixels, frame), tint=None)  # the reference shows segments in grey
    lut, overlays = 0 if "+Wl" in arguments else None, "-O" not in arguments
    view = View(voi_lut=lut, auto="+Wm" in arguments, overlays=overlays)
    return picture(raster, source.greyscale(frame), view)[0]


def _same_size(shown: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The reference keeps pictures of at most 256 pixels: large ones were averaged down to that."""
    if shown.shape == reference.shape:
        return shown
    assert max(reference.shape[:2]) == 256
    return np.asarray(Image.fromarray(shown).resize(reference.shape[1::-1], Image.Resampling.BOX))


def test_pictures_are_within_one_grey_level_of_the_references(oracle: dict[str, Any], corpus: Path) -> None:
    different, compared = set(), 0
    for name, entry, source, pixels in _entries(oracle, corpus):
        for drawn in entry["render"].get("pictures", []):
            if "png" not in drawn:
                continue
            reference = np.asarray(Image.open(corpus / "oracle" / drawn["png"]))
            shown = _shown(source, pixels, drawn["frame"] - 1, entry["render"]["render_args"])
            shown = _same_size(shown, reference)
            compared += 1
            if shown.shape != reference.shape or _mean_difference(shown, reference) > PICTURE_TOLERANCE:
                different.add(name)
    assert compared > 370
    assert different == _exceptions("picture") | _exceptions("padding")


def test_pictures_with_padding_agree_when_it_is_part_of_the_range(
    oracle: dict[str, Any], corpus: Path
) -> None:
    """The reference spreads padding over the greys as well; with its window ours is the same picture."""
    padded = _exceptions("padding")
    assert padded
    for name, entry, source, pixels in _entries(oracle, corpus):
        if name not in padded:
            continue
        values = modality_values(decode_frame(source, pixels, 0), source.greyscale(0))
        view = View(window=full_range_window(values.min(), values.max()))
        reference = np.asarray(Image.open(corpus / "oracle" / entry["render"]["pictures"][0]["png"]))
        shown = picture(raster_read(source, pixels, 0), source.greyscale(0), view)[0]
        assert _mean_difference(_same_size(shown, reference), reference) <= PICTURE_TOLERANCE, name


def _mean_difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_overlays_of_real_files_are_where_pydicom_finds_them(corpus: Path) -> None:
    """Own data and planes in unused bits, in one file even; each marked pixel can be told from the image."""
    marked = {}
    for path in sorted((corpus / "dicom").rglob("*verl*.dcm")) + sorted(
        (corpus / "dicom").rglob("*ovly*.dcm")
    ):
        dataset = pydicom.dcmread(path)
        groups = [group for group in range(0x6000, 0x6020, 2) if (group, 0x0010) in dataset]
        expected = np.zeros((dataset.Rows, dataset.Columns), bool)
        for group in groups:
            if (group, 0x3000) in dataset:
                expected |= dataset.overlay_array(group).astype(bool)
            else:
                words = np.frombuffer(dataset.PixelData, "<u2").reshape(expected.shape)
                expected |= (words >> dataset[group, 0x0102].value & 1).astype(bool)
        with path.open("rb") as file:
            source = source_read(file)
            raster = raster_read(source, file, 0)
        on, off = (picture(raster, source.greyscale(0), View(overlays=o))[0] for o in (True, False))
        np.testing.assert_array_equal(on != off, expected)
        marked[path.name.split("__")[-1]] = int(expected.sum())
    assert marked == {
        "examples_overlay.dcm": 222,
        "MR-SIEMENS-DICOM-WithOverlays.dcm": 323,
        "ovly_p01.dcm": 2278,
    }


@pytest.mark.parametrize("syntax", ["rle", "deflate", "j2k", "expb"])
@pytest.mark.parametrize("alignment", ["liver", "liver_nonbyte_aligned"])
def test_segments_of_single_bits_are_the_same_in_every_syntax(
    corpus: Path, syntax: str, alignment: str
) -> None:
    """No other decoder reads the RLE and deflated ones: the uncompressed file is their reference."""
    folder = corpus / "dicom"
    plain = {"liver": "seg/seg-ele-mono2__dcmqi__liver.dcm"}
    names = sorted(folder.glob(f"pixel/seg-*__{alignment}_{syntax}.dcm"))
    if not names:
        assert (alignment, syntax) == ("liver_nonbyte_aligned", "expb")
        return
    original = folder / plain.get(alignment, f"pixel/seg-ele-mono2__pydicom-data__{alignment}.dcm")
    assert _all_frames(names[0]) == _all_frames(original)


def _all_frames(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        source = source_read(file)
        return [decode_frame(source, file, frame).tobytes() for frame in range(source.frames)]


def test_every_real_file_gives_a_picture_or_a_reason(corpus: Path) -> None:
    """Whatever comes: a raster or Undecodable, nothing else, and most of them a raster."""
    reasons: dict[str, int] = {}
    rasters = 0
    for path in sorted(path for path in (corpus / "dicom").rglob("*") if path.is_file()):
        with path.open("rb") as file:
            try:
                source = source_read(file)
                raster_read(source, pixel_handle(source, file), 0)
                rasters += 1
            except Undecodable as reason:
                reasons[reason.code] = reasons.get(reason.code, 0) + 1
    assert rasters >= 340
    assert set(reasons) <= {"no-pixels", "broken-header", "no-size", "bits", "truncated", "corrupt", "video",
                            "too-large", "unknown-syntax", "no-fragments"}  # fmt: skip
