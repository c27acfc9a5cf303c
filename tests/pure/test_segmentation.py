"""Segmentations (PS3.3 C.8.20): their own picture in colour, and which of them lies over which image."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import SegmentationStorage

from archive.imaging.params import Undecodable, View
from archive.imaging.pipeline import picture, raster_read, stored_value
from archive.imaging.segmentation import (
    Coverage,
    Segment,
    Segmentation,
    coverages_of,
    segment_frames_over,
    segments_composed,
)
from archive.imaging.source import ImageSource, decode_frame, source_read
from tests.objects import ct_slice, part10

RED_LAB = [35579, 53664, 50858]  # sRGB red under D50


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, Sequence(value) if keyword.endswith("Sequence") else value)
    return made


def group(segment: int, uid: str = "", frames: Any = None) -> Dataset:
    source = item(ReferencedSOPInstanceUID=uid)
    if frames:
        source.ReferencedFrameNumber = frames
    derived = [item(DerivationImageSequence=[item(SourceImageSequence=[source])])] if uid else [Dataset()]
    derived[0].SegmentIdentificationSequence = Sequence([item(ReferencedSegmentNumber=segment)])
    return derived[0]


def segmentation(kind: str, frames: list[np.ndarray], groups: list[Dataset], **changes: Any) -> Dataset:
    binary = kind == "BINARY"
    bits = 1 if binary else 8
    ds = ct_slice(
        SOPClassUID=SegmentationStorage, Modality="SEG", Rows=frames[0].shape[0], Columns=frames[0].shape[1],
        BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=0,
        NumberOfFrames=len(frames),
        WindowCenter=None, WindowWidth=None, RescaleSlope=None, RescaleIntercept=None, **changes,
    )  # fmt: skip
    ds.SegmentationType = kind
    if kind == "FRACTIONAL":
        ds.MaximumFractionalValue = 200
    ds.SegmentSequence = Sequence(
        [
            item(SegmentNumber=1, SegmentLabel="Liver", RecommendedDisplayCIELabValue=RED_LAB),
            item(SegmentNumber=2, SegmentLabel="Tumour"),
        ]
    )
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    flat = np.stack(frames).reshape(-1)
    data = np.packbits(flat, bitorder="little").tobytes() if binary else flat.astype(np.uint8).tobytes()
    ds.PixelData = data + bytes(len(data) % 2)
    ds["PixelData"].VR = "OB"
    return ds


def read(ds: Dataset) -> tuple[ImageSource, io.BytesIO]:
    file = io.BytesIO(part10(ds))
    return source_read(file), file


def shown(ds: Dataset, frame: int = 0, **options: Any) -> np.ndarray:
    source, file = read(ds)
    return picture(raster_read(source, file, frame), source.greyscale(frame), View(), **options)[0]


MASK = np.array([[0, 1, 1], [0, 0, 1], [1, 0, 0]])
BINARY = segmentation("BINARY", [MASK, 1 - MASK], [group(1, "1.2.3"), group(2, "1.2.4", [2, 5])])


def test_a_binary_segment_is_shown_in_its_colour() -> None:
    """Nine bits a frame: the second one starts within a byte."""
    np.testing.assert_array_equal(shown(BINARY), MASK[:, :, None] * np.array([255, 0, 0]))
    np.testing.assert_array_equal(shown(BINARY, 1), (1 - MASK)[:, :, None] * np.array([80, 185, 95]))


def test_paper_without_colour_and_the_probe_get_what_is_stored() -> None:
    np.testing.assert_array_equal(shown(BINARY, colour=False), MASK * 255)
    source, file = read(BINARY)
    assert stored_value(raster_read(source, file, 0), source.greyscale(0), 1, 0)["stored"] == 1


def test_a_fractional_segment_is_as_strong_as_it_is_sure() -> None:
    """Maximum Fractional Value 200, which no pixel of this frame reaches: 100 is half."""
    ds = segmentation("FRACTIONAL", [np.array([[0, 50], [100, 100]])], [group(1)])
    assert shown(ds)[:, :, 0].tolist() == [[0, 64], [128, 128]]


def test_a_label_map_has_the_colours_of_its_segments() -> None:
    ds = segmentation("LABELMAP", [np.array([[0, 1], [2, 7]])], [Dataset()])
    black, red, green = [0, 0, 0], [255, 0, 0], [80, 185, 95]
    assert shown(ds).tolist() == [[black, red], [green, black]]


def test_which_frames_lie_over_an_image() -> None:
    found = read(BINARY)[0].segmentation
    assert found is not None
    over = [
        [one.frame for one in segment_frames_over(found, sop_instance_uid=uid, frame=frame)]
        for uid, frame in (("1.2.3", 1), ("1.2.3", 9), ("1.2.4", 2), ("1.2.4", 5), ("1.2.4", 1), ("1.2", 1))
    ]
    assert over == [[0], [0], [1], [1], [], []]
    assert [segment.label for segment in found.segments] == ["Liver", "Tumour"]


def test_what_the_shared_group_says_holds_for_all_frames() -> None:
    ds = segmentation("BINARY", [MASK, MASK], [Dataset(), Dataset()])
    ds.SharedFunctionalGroupsSequence = Sequence([group(2, "1.2.3")])
    found = read(ds)[0].segmentation
    assert found is not None
    assert [one.segment for one in found.frames] == [2, 2]
    assert len(segment_frames_over(found, sop_instance_uid="1.2.3", frame=1)) == 2


def test_segments_are_laid_over_the_image() -> None:
    source, file = read(BINARY)
    found = source.segmentation
    assert found is not None
    coverages = coverages_of(found, found.frames[0], decode_frame(source, file, 0))
    composed = segments_composed(np.full((3, 3), 100, np.uint8), coverages)
    assert composed[0].tolist() == [[100, 100, 100], [178, 50, 50], [178, 50, 50]]


def test_a_cover_is_averaged_to_the_picture_and_a_foreign_one_refused() -> None:
    segment = Segment(1, "", (255, 255, 255))
    cover = np.zeros((4, 8), np.uint8)
    cover[:, :3] = 255
    composed = segments_composed(np.zeros((2, 4), np.uint8), [Coverage(segment, cover)], opacity=1)
    assert composed[:, :, 0].tolist() == [[255, 128, 0, 0]] * 2
    with pytest.raises(Undecodable):
        segments_composed(np.zeros((4, 4), np.uint8), [Coverage(segment, cover)])
    with pytest.raises(Undecodable):
        segments_composed(np.zeros((8, 16), np.uint8), [Coverage(segment, cover)])


def test_a_label_map_is_taken_apart_into_its_segments() -> None:
    ds = segmentation("LABELMAP", [np.array([[0, 1], [2, 7]])], [group(0, "1.2.3")])
    source, file = read(ds)
    found = source.segmentation
    assert isinstance(found, Segmentation)
    coverages = coverages_of(found, found.frames[0], decode_frame(source, file, 0))
    assert [(c.segment.label, c.cover.tolist()) for c in coverages] == [
        ("Liver", [[0, 255], [0, 0]]),
        ("Tumour", [[0, 0], [255, 0]]),
    ]


def test_the_liver_of_a_real_segmentation_lies_over_its_three_slices(corpus: Path) -> None:
    with (corpus / "dicom" / "seg" / "seg-ele-mono2__dcmqi__liver.dcm").open("rb") as file:
        source = source_read(file)
        found = source.segmentation
        assert found is not None
        uids = [one.references[0].sop_instance_uid for one in found.frames]
        assert len(set(uids)) == 3
        assert [
            [one.frame for one in segment_frames_over(found, sop_instance_uid=uid, frame=1)] for uid in uids
        ] == [[0], [1], [2]]
        coloured = picture(raster_read(source, file, 0), source.greyscale(0), View())[0]
    assert coloured.shape == (512, 512, 3)
    assert {tuple(c) for c in np.unique(coloured.reshape(-1, 3), axis=0).tolist()} == {
        (0, 0, 0), found.segments[0].colour,
    }  # fmt: skip
