"""Small data sets of messages: read whole, whatever their encoding."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from archive.dicom.reader import Unreadable, read_message
from archive.dicom.tags import tag
from tests import objects


def report(references: int = 40) -> Dataset:
    ds, series = Dataset(), Dataset()
    ds.SpecificCharacterSet = "GB18030"
    ds.PatientName = "Zeng^Jiayi=曾^嘉怡"
    series.SeriesInstanceUID = "1.2.3"
    series.ReferencedImageSequence = []
    for number in range(references):
        image = Dataset()
        image.ReferencedSOPInstanceUID = f"1.2.3.{number}"
        series.ReferencedImageSequence.append(image)
    ds.PerformedSeriesSequence = [series]
    return ds


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
)
def test_every_item_of_every_sequence_is_read(syntax: str) -> None:
    found = read_message(objects.encoded(report(), syntax), transfer_syntax_uid=syntax)
    assert found.text(tag("PatientName")) == "Zeng^Jiayi=曾^嘉怡"
    [series] = found.items(tag("PerformedSeriesSequence"))
    images = series.items(tag("ReferencedImageSequence"))
    assert [image.uid(tag("ReferencedSOPInstanceUID")) for image in images] == [
        f"1.2.3.{number}" for number in range(40)
    ]


def test_items_of_undefined_length_are_read() -> None:
    ds = report(3)
    ds["PerformedSeriesSequence"].is_undefined_length = True
    for item in ds.PerformedSeriesSequence:
        item.is_undefined_length_sequence_item = True
    found = read_message(objects.encoded(ds), transfer_syntax_uid=ExplicitVRLittleEndian)
    assert len(found.items(tag("PerformedSeriesSequence"))[0].items(tag("ReferencedImageSequence"))) == 3


def test_no_data_set_has_no_elements() -> None:
    assert read_message(b"", transfer_syntax_uid=ExplicitVRLittleEndian).elements == {}


def test_default_charset_holds_where_none_is_named() -> None:
    ds = Dataset()
    raw = objects.encoded(ds) + b"\x10\x00\x10\x00PN\x06\x00" + "曾^怡".encode("gb18030") + b" "
    found = read_message(raw, transfer_syntax_uid=ExplicitVRLittleEndian, default_charset="GB18030")
    assert found.text(tag("PatientName")) == "曾^怡"


@pytest.mark.parametrize(
    "data", [b"abc", b"\x10\x00\x10\x00PN\xff\x00ab", objects.encoded(report())[:-9], b"\xff" * 100]
)
def test_what_is_broken_is_said_to_be_so(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_message(data, transfer_syntax_uid=ExplicitVRLittleEndian)


def test_a_deflated_bomb_is_refused() -> None:
    ds = Dataset()
    ds.ImageComments = "a" * (70 << 20)
    with pytest.raises(Unreadable, match="deflate-limit"):
        read_message(
            objects.encoded(ds, DeflatedExplicitVRLittleEndian),
            transfer_syntax_uid=DeflatedExplicitVRLittleEndian,
        )
