"""Waveforms: samples become values in their unit, values become millimetres on paper."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian

from archive.dicom.tree import read_tree
from archive.dicom.waveform import Group, Waveform, waveform_of
from archive.imaging.traces import Sheet, sheet_drawn
from tests.documents import channel, code, group, waveform
from tests.objects import part10


def read(ds: Dataset) -> Waveform:
    return waveform_of(read_tree(io.BytesIO(part10(ds))))


def one(samples: Any, dtype: str, interpretation: str = "SS", **changes: Any) -> Group:
    array = np.array(samples, dtype=dtype).reshape(len(samples), -1)
    channels = changes.pop("channels", [channel("I") for _ in range(array.shape[1])])
    return read(waveform(group(array, channels, interpretation, **changes))).groups[0]


def test_value_is_sample_times_sensitivity_times_correction_plus_baseline() -> None:
    lead = channel("II", "0.5", ChannelSensitivityCorrectionFactor="1.1", ChannelBaseline="-2")
    found = one([[0, 7], [100, 7], [-4, 7]], "<i2", channels=[lead, channel("V1", "1.25", "uV")])
    assert found.values(0).round(6).tolist() == [-2.0, 53.0, -4.2]
    assert found.values(1).tolist() == [8.75, 8.75, 8.75]


@pytest.mark.parametrize(
    ("dtype", "interpretation", "samples"),
    [
        ("i1", "SB", [-128, 0, 127]),
        ("u1", "UB", [0, 128, 255]),
        ("<i2", "SS", [-32768, 1, 32767]),
        ("<u2", "US", [0, 32768, 65535]),
        ("<i4", "SL", [-(2**31), 0, 2**31 - 1]),
        ("<u4", "UL", [0, 1, 2**32 - 1]),
    ],
)
def test_samples_are_read_as_they_are_interpreted(
    dtype: str, interpretation: str, samples: list[int]
) -> None:
    assert one(samples, dtype, interpretation).values(0).tolist() == samples


def test_companded_samples_are_expanded_as_g_711_says() -> None:
    """Tables 2 and 1 of ITU-T G.711: the greatest, the least of either sign."""
    assert one([0x00, 0x7F, 0x80, 0xFF, 0xF0], "u1", "MB").values(0).tolist() == [-8031, 0, 8031, 0, 15 * 2]
    assert one([0x2A, 0xAA, 0x55, 0xD5], "u1", "AB").values(0).tolist() == [-4032, 4032, -1, 1]


def test_padding_is_no_value() -> None:
    found = one([5, -999, 6], "<i2", WaveformPaddingValue=np.array([-999], "<i2").tobytes())
    assert np.isnan(found.values(0)).tolist() == [False, True, False]


def test_big_endian_samples_are_read_as_such() -> None:
    ds = waveform(group(np.array([[1], [256]], ">i2"), [channel("I")]))
    found = waveform_of(read_tree(io.BytesIO(part10(ds, ExplicitVRBigEndian))))
    assert found.groups[0].values(0).tolist() == [1, 256]


def test_missing_samples_are_said_and_the_rest_is_there() -> None:
    found = one([1, 2, 3], "<i2", NumberOfWaveformSamples=10)
    assert (found.complete, found.values(0).tolist()) == (False, [1, 2, 3])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"WaveformSampleInterpretation": "XX"}, "interpretation"),
        ({"WaveformBitsAllocated": 12}, "interpretation"),
        ({"NumberOfWaveformChannels": 5}, "channels"),
        ({"WaveformData": b""}, "no-samples"),
        ({"SamplingFrequency": "0"}, "no-frequency"),
    ],
)
def test_what_cannot_be_drawn_has_a_reason(changes: dict[str, Any], problem: str) -> None:
    assert one([1, 2], "<i2", **changes).problem == problem


def test_values_equal_those_of_an_independent_reader(corpus: Path) -> None:
    for name in ("waveform/ecg-ele__pydicom__waveform_ecg.dcm", "pixel/ecg-defl__dicomParser__wave_dfl.dcm"):
        path = corpus / "dicom" / name
        with path.open("rb") as file:
            found = waveform_of(read_tree(file))
        theirs = dcmread(path)
        for number, mine in enumerate(found.groups):
            values = np.array([mine.values(channel) for channel in range(len(mine.channels))]).T
            assert np.array_equal(values, theirs.waveform_array(number))
            assert values.shape[1] == 12


def draw(found: Group, **asked: Any) -> Sheet:
    return sheet_drawn(found, [], 1, **{"speed": 25.0, "gain": 10.0, "start": 0.0} | asked)


def test_a_second_is_25_mm_and_a_millivolt_10_mm() -> None:
    """100 Hz: a sample every 0.25 mm, from 20 mm on; 1 mV is 10 mm up."""
    trace = draw(one([0, 1, 0, -1], "<i2")).traces[0]
    assert trace.zero == 15.0  # 10 mm of deflection and 5 mm of room
    assert trace.path == "M20 15L20.25 5L20.5 15L20.75 25"
    assert trace.pulse == "M9 15h2v-10h5v10h2"
    quick = draw(one([0, 1], "<i2"), speed=50.0, gain=20.0).traces[0]
    assert quick.path == "M20 25L20.5 5"


def test_microvolts_are_drawn_on_the_same_scale() -> None:
    trace = draw(one([0, 800], "<i2", channels=[channel("I", "1.25", "uV")])).traces[0]
    assert trace.path == "M20 15L20.25 5"


def test_pen_is_lifted_where_no_sample_was_taken() -> None:
    found = one([0, 1, -9, 1, 0], "<i2", WaveformPaddingValue=np.array([-9], "<i2").tobytes())
    assert draw(found).traces[0].path == "M20 15L20.25 5M20.75 5L21 15"


def test_no_peak_is_lost_where_samples_share_a_column() -> None:
    samples = np.zeros(2000, "<i2")
    samples[1003] = 2
    found = one(samples, "<i2", SamplingFrequency="2000")
    assert " 5L" in draw(found).traces[0].path  # zero lies at 25 mm, the peak 20 mm above
    assert draw(found).traces[0].zero == 25.0


def test_other_units_fill_a_strip_and_say_what_a_millimetre_is() -> None:
    found = one([80, 120], "<i2", channels=[channel("ART", "1", "mm[Hg]")])
    trace = draw(found).traces[0]
    assert (trace.per_mm, trace.level, trace.unit, trace.pulse) == (2.0, 100.0, "mm[Hg]", "")
    assert trace.path == "M20 15L20.25 -5".replace("15", "25").replace("-5", "5")


def test_long_recordings_are_turned_page_by_page() -> None:
    found = one(np.zeros(3000, "<i2"), "<i2")
    sheet = draw(found, start=10.0)
    assert (sheet.start, round(sheet.stop, 6)) == (10.0, 20.01)
    assert [mark.text for mark in sheet.seconds][:2] == ["10", "11"]


def test_annotations_are_marked_at_their_sample() -> None:
    note = Dataset()
    note.ConceptNameCodeSequence = code("5.10.2.1", "SCPECG", "P Onset")
    note.ReferencedWaveformChannels, note.TemporalRangeType = [1, 0], "POINT"
    note.ReferencedSamplePositions = 41
    ds = waveform(
        group(np.zeros((100, 1), "<i2"), [channel("I")]), WaveformAnnotationSequence=Sequence([note])
    )
    found = read(ds)
    sheet = sheet_drawn(found.groups[0], found.annotations, 1, speed=25.0, gain=10.0, start=0.0)
    assert [(mark.x, mark.text) for mark in sheet.marks] == [(30.0, "P Onset")]
    assert sheet_drawn(found.groups[0], found.annotations, 2, speed=25.0, gain=10.0, start=0.0).marks == ()
