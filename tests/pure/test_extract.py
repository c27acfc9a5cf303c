"""Records are clean whatever the object holds, and display facts are what a viewer needs."""

from __future__ import annotations

import io
import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEGBaseline8Bit, MediaStorageDirectoryStorage

from archive.dicom.extract import InstanceRecord, extract
from archive.dicom.names import PersonName
from archive.dicom.reader import Unreadable, read_header
from tests.objects import ct_slice, part10


def record_of(ds: Dataset | None = None, **options: Any) -> InstanceRecord:
    return extract(read_header(io.BytesIO(part10(ct_slice() if ds is None else ds))), **options)


def test_all_levels_of_a_ct_slice() -> None:
    record = record_of(
        ct_slice(
            SOPInstanceUID="1.2.3.4",
            StudyInstanceUID="1.2.3",
            SeriesInstanceUID="1.2.3.5",
            PatientName="Zhang^Wei=张^伟",
            SpecificCharacterSet="ISO_IR 192",
            IssuerOfPatientID="HOSP",
            BodyPartExamined="CHEST",
            ProtocolName="Thorax",
            StationName="CT1",
            Manufacturer="ACME",
            InstitutionName="Hôpital",
            ReferringPhysicianName="Ref^Erring",
            StudyID="S1",
            FrameOfReferenceUID="1.9",
        )
    )
    patient, study, series = record.patient, record.study, record.series
    assert (patient.patient_id, patient.issuer, patient.birth_date, patient.sex) == (
        "P1",
        "HOSP",
        "19700101",
        "F",
    )
    assert patient.name == PersonName("Zhang^Wei", "张^伟")
    assert (study.study_instance_uid, study.uid_derived) == ("1.2.3", False)
    assert (study.study_date, study.study_time, study.study_id) == ("20261123", "024700", "S1")
    assert (study.accession_number, study.description) == ("A1", "Chest")
    assert (study.institution_name, study.referring_physician_name) == ("Hôpital", "Ref^Erring")
    assert (series.series_instance_uid, series.uid_derived) == ("1.2.3.5", False)
    assert (series.modality, series.series_number, series.description) == ("CT", 2, "Soft 5.0")
    assert (series.body_part, series.protocol_name, series.station_name) == ("CHEST", "Thorax", "CT1")
    assert (series.manufacturer, series.frame_of_reference_uid) == ("ACME", "1.9")
    assert (record.instance_number, record.number_of_frames) == (1, 1)


def test_records_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        record_of().patient.sex = "M"  # type: ignore[misc]


def test_a_missing_study_or_series_is_made_from_the_object_and_always_the_same() -> None:
    first = record_of(ct_slice(SOPInstanceUID="1.2.3", StudyInstanceUID=None, SeriesInstanceUID=""))
    again = record_of(ct_slice(SOPInstanceUID="1.2.3", StudyInstanceUID="", SeriesInstanceUID=None))
    other = record_of(ct_slice(SOPInstanceUID="1.2.4", StudyInstanceUID=None, SeriesInstanceUID=None))
    assert first.study == again.study
    assert first.study.uid_derived
    assert first.series.uid_derived
    assert first.study.study_instance_uid.startswith("2.25.")
    assert first.study.study_instance_uid != first.series.series_instance_uid
    assert first.study.study_instance_uid != other.study.study_instance_uid
    assert first.warnings == ("study-uid-derived", "series-uid-derived")


def test_objects_of_a_study_with_an_impossible_uid_stay_together() -> None:
    one, two = (record_of(ct_slice(StudyInstanceUID="9" * 70)) for _ in range(2))
    assert one.study == two.study
    assert one.study.uid_derived


def test_the_command_helps_out_where_the_data_set_names_no_object() -> None:
    raw = part10(ct_slice(SOPInstanceUID="1.2.3"))
    at = raw.index(b"\x08\x00\x16\x00UI")
    nameless = raw[at : at + 8] + raw[at + 8 : at + 34] + raw[raw.index(b"\x08\x00\x20\x00DA") :]
    with pytest.raises(Unreadable) as caught:
        extract(read_header(io.BytesIO(nameless)))
    assert caught.value.code == "no-sop-instance-uid"
    record = extract(read_header(io.BytesIO(nameless)), sop_instance_uid="1.2.99")
    assert record.sop_instance_uid == "1.2.99"


def test_the_data_set_beats_the_command() -> None:
    record = record_of(ct_slice(SOPInstanceUID="1.2.3"), sop_instance_uid="1.2.4")
    assert record.sop_instance_uid == "1.2.3"
    assert record.warnings == ("uid-differs-from-command",)


def test_impossible_object_uids_are_unreadable() -> None:
    for uid in ("1" * 65, "1.2 3"):
        raw = part10(ct_slice(SOPInstanceUID="1.2.3"))
        bare = raw[read_header(io.BytesIO(raw)).dataset_offset :]
        old = b"\x08\x00\x18\x00UI\x06\x001.2.3\0"
        new = b"\x08\x00\x18\x00UI" + bytes([len(uid), 0]) + uid.encode()
        with pytest.raises(Unreadable) as caught:
            extract(read_header(io.BytesIO(bare.replace(old, new))))
        assert caught.value.code == "bad-uid"


def test_a_medium_index_is_no_object() -> None:
    with pytest.raises(Unreadable) as caught:
        record_of(ct_slice(SOPClassUID=MediaStorageDirectoryStorage))
    assert caught.value.code == "dicomdir"


def test_over_long_and_illegal_values_are_taken() -> None:
    ds = ct_slice(
        PatientID="P" * 400,
        PatientName="N" * 5000,
        PatientSex="undisclosed by the patient",
        StudyDescription="D" * 60_000,
        Modality="ct and more than sixteen",
        InstanceNumber=None,
        SeriesNumber=None,
    )
    record = record_of(ds)
    assert len(record.patient.patient_id) == 245
    assert len(record.patient.name_raw) == 1024
    assert len(record.study.description) == 1024
    assert len(record.series.modality) == 16
    assert len(record.patient.sex) == 16
    assert record.instance_number is None


def test_numbers_beyond_a_column_are_left_out() -> None:
    raw = part10(ct_slice(InstanceNumber=1)).replace(
        b"\x20\x00\x13\x00IS\x02\x001 ", b"\x20\x00\x13\x00IS\x0c\x00123456789012"
    )
    assert extract(read_header(io.BytesIO(raw))).instance_number is None


def test_illegal_dates_are_left_out_with_a_warning() -> None:
    raw = part10(ct_slice()).replace(b"20261123", b"20269999")
    record = extract(read_header(io.BytesIO(raw)))
    assert record.study.study_date == ""
    assert record.warnings == ("study-date-illegal",)


def test_defaults_of_a_sender_fill_what_its_objects_leave_out() -> None:
    raw = part10(ct_slice(PatientName="Aa^Bb")).replace(b"Aa^Bb", "Łu^Bb".encode("iso8859-2"))
    record = extract(read_header(io.BytesIO(raw)), default_charset="ISO_IR 101", default_issuer="WARD")
    assert record.patient.name_raw == "Łu^Bb"
    assert record.patient.issuer == "WARD"
    assert record_of(ct_slice(IssuerOfPatientID="X"), default_issuer="WARD").patient.issuer == "X"


@given(st.text(max_size=200))
def test_any_patient_is_taken_and_fits_its_columns(text: str) -> None:
    raw = part10(ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName="@@", PatientID="##"))
    coded = text.encode("utf-8", "replace")
    coded += b" " * (len(coded) % 2)
    size = len(coded).to_bytes(2, "little")
    raw = raw.replace(b"PN\x02\x00@@", b"PN" + size + coded).replace(b"LO\x02\x00##", b"LO" + size + coded)
    patient = extract(read_header(io.BytesIO(raw))).patient
    assert "\0" not in patient.name_raw + patient.patient_id
    assert len(patient.patient_id) <= 255


# -- display facts


def facts(**changes: Any) -> dict[str, Any]:
    shown = record_of(ct_slice(**changes)).display.as_json()
    assert json.loads(json.dumps(shown, allow_nan=False)) == json.loads(json.dumps(shown))
    return shown


def test_facts_of_a_ct_slice() -> None:
    shown = facts(
        KVP="120", Exposure="50", SliceThickness="5", SliceLocation="-3.5", ImageType=["ORIGINAL", "PRIMARY"]
    )
    assert shown["photometric_interpretation"] == "MONOCHROME2"
    assert (shown["bits_allocated"], shown["bits_stored"], shown["signed"]) == (16, 16, True)
    assert shown["windows"] == ((40.0, 400.0, ""),)
    assert shown["rescale"] == (1.0, 0.0, "")
    assert (shown["pixel_spacing"], shown["spacing_basis"]) == ((0.7, 0.7), "pixel")
    assert shown["image_position"] == (0.0, 0.0, 0.0)
    assert shown["image_orientation"] == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert (shown["slice_thickness"], shown["slice_location"]) == (5.0, -3.5)
    assert (shown["kvp"], shown["exposure_mas"]) == (120.0, 50.0)
    assert shown["image_type"] == ("ORIGINAL", "PRIMARY")
    assert "lossy" not in shown


def test_several_windows_keep_their_names_and_senseless_ones_go() -> None:
    shown = facts(
        WindowCenter=[40, -600, 1],
        WindowWidth=[400, 1500, 0],
        WindowCenterWidthExplanation=["SOFT", "LUNG", "NONE"],
        VOILUTFunction="SIGMOID",
    )
    assert shown["windows"] == ((40.0, 400.0, "SOFT"), (-600.0, 1500.0, "LUNG"))
    assert shown["voi_function"] == "SIGMOID"


@pytest.mark.parametrize(
    ("changes", "spacing", "basis"),
    [
        ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), "pixel"),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "imager"),
        ({"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "imager"),
        ({"PixelSpacing": [0.09, 0.09], "ImagerPixelSpacing": [0.1, 0.1]}, (0.09, 0.09), "pixel"),
        ({"PixelSpacing": None, "NominalScannedPixelSpacing": [0.5, 0.5]}, (0.5, 0.5), "nominal"),
        ({"PixelSpacing": [0, 0]}, None, None),
        ({"PixelSpacing": None}, None, None),
    ],
)
def test_spacing_and_where_it_comes_from(
    changes: dict[str, Any], spacing: tuple[float, float] | None, basis: str | None
) -> None:
    shown = facts(**changes)
    assert shown.get("pixel_spacing") == spacing
    assert shown.get("spacing_basis") == basis


def test_an_ultrasound_region_gives_the_scale() -> None:
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType = 1, 1
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 10, 20
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 600, 450
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.03, 0.04
    shown = facts(PixelSpacing=None, SequenceOfUltrasoundRegions=Sequence([region]))
    assert shown["regions"] == ((10.0, 20.0, 600.0, 450.0, pytest.approx(0.3), pytest.approx(0.4)),)
    assert shown["pixel_spacing"] == (pytest.approx(0.4), pytest.approx(0.3))
    assert shown["spacing_basis"] == "region"


@pytest.mark.parametrize(
    ("changes", "milliseconds"),
    [
        ({"FrameTime": "40"}, 40.0),
        ({"FrameTimeVector": [0, 30, 50]}, 40.0),
        ({"CineRate": "25"}, 40.0),
        ({"RecommendedDisplayFrameRate": "10", "CineRate": "25"}, 100.0),
        ({"FrameTime": "0"}, None),
    ],
)
def test_the_time_of_a_frame(changes: dict[str, Any], milliseconds: float | None) -> None:
    assert facts(**changes).get("frame_time_ms") == milliseconds


@pytest.mark.parametrize(
    ("changes", "times"),
    [
        ({"FrameTimeVector": [0, 30, 50]}, (30.0, 50.0, 40.0)),
        ({"FrameTimeVector": [0, 40, 40.5]}, None),  # one rate
        ({"FrameTimeVector": [0, 30, 0]}, None),
        ({"FrameTimeVector": [0]}, None),
        ({"FrameTimeVector": [0, 30, 50], "FrameTime": "40"}, None),
    ],
)
def test_how_long_each_frame_stands_where_they_differ(changes: dict, times: tuple | None) -> None:
    assert facts(**changes).get("frame_times_ms") == times


def test_lossy_by_flag_or_by_syntax() -> None:
    shown = facts(LossyImageCompression="01", LossyImageCompressionRatio=["5", "12.5"])
    assert (shown["lossy"], shown["lossy_ratio"]) == (True, 12.5)
    header = read_header(io.BytesIO(part10(ct_slice())), transfer_syntax_uid=JPEGBaseline8Bit)
    assert extract(header).display.lossy


def test_functional_groups_of_the_first_frame_are_laid_over() -> None:
    def group(**values: Any) -> Sequence:
        item = Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        return Sequence([item])

    shared, first, second = Dataset(), Dataset(), Dataset()
    shared.PixelMeasuresSequence = group(PixelSpacing=[0.4, 0.5], SliceThickness=3)
    shared.PlaneOrientationSequence = group(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    shared.PixelValueTransformationSequence = group(RescaleSlope=2, RescaleIntercept=-5, RescaleType="US")
    first.PlanePositionSequence = group(ImagePositionPatient=[1, 2, 3])
    first.FrameVOILUTSequence = group(WindowCenter=100, WindowWidth=200, WindowCenterWidthExplanation="A")
    second.PlanePositionSequence = group(ImagePositionPatient=[7, 7, 7])
    removed = dict.fromkeys(
        (
            "PixelSpacing",
            "ImageOrientationPatient",
            "ImagePositionPatient",
            "WindowCenter",
            "WindowWidth",
            "RescaleSlope",
            "RescaleIntercept",
        )
    )
    shown = facts(
        **removed,
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence([first, second]),
    )
    assert shown["pixel_spacing"] == (0.4, 0.5)
    assert shown["slice_thickness"] == 3.0
    assert shown["image_orientation"] == (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    assert shown["image_position"] == (1.0, 2.0, 3.0)
    assert shown["rescale"] == (2.0, -5.0, "US")
    assert shown["windows"] == ((100.0, 200.0, "A"),)


def test_acquisition_moment_from_either_attribute() -> None:
    shown = facts(AcquisitionDateTime="20261123081530.5+0800")
    assert (shown["acquisition_date"], shown["acquisition_time"]) == ("20261123", "081530.5")


def test_facts_of_every_file_of_the_corpus_are_json(corpus: Path) -> None:
    taken = 0
    for path in sorted((corpus / "dicom").rglob("*")):
        if path.is_dir() or path.suffix == ".csv":
            continue
        try:
            record = extract(read_header(path), sop_class_uid="1.2", sop_instance_uid="1.2.3")
        except Unreadable:
            continue
        json.dumps(record.display.as_json(), allow_nan=False)
        taken += 1
    assert taken >= 480


def test_enhanced_objects_of_the_corpus_say_where_they_are(corpus: Path) -> None:
    record = extract(read_header(corpus / "dicom/enhanced/mr-ele-mono2__nema__BRTUMMM1.dcm"))
    assert record.display.pixel_spacing is not None
    assert record.display.image_orientation is not None
    assert record.number_of_frames > 1
