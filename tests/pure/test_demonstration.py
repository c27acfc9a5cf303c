"""The demonstration shows what it says: plausible values, true rulers, names in many character sets."""

from __future__ import annotations

import datetime
import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames

from archive.demonstration.building import build
from archive.demonstration.cast import STUDIES, Part, Study, parts
from archive.demonstration.samples import samples
from archive.dicom.extract import InstanceRecord, extract
from archive.dicom.names import PersonName
from archive.dicom.reader import read_header

TODAY = datetime.date(2026, 11, 23)


def study(key: str) -> Study:
    return next(study for study in STUDIES if study.key == key)


def part(key: str, builder: str, first: int = 1, last: int = 1) -> Part:
    return Part(study(key), builder, first, last)


def objects(wanted: Part) -> list[tuple[FileDataset, InstanceRecord]]:
    made = list(build(wanted, TODAY))
    assert {uid for uid, _ in made} == wanted.uids
    return [(dcmread(io.BytesIO(data)), extract(read_header(io.BytesIO(data)))) for _, data in made]


@pytest.fixture(scope="module")
def chest() -> list[tuple[FileDataset, InstanceRecord]]:
    """Two slices at the level of the lesion and the one of 5 mm that they make."""
    return objects(part("wang-ct", "chest_ct", 43, 44))


def hounsfield(ds: FileDataset, x: float, y: float) -> float:
    """Mean of a small square at a place in mm."""
    spacing, corner = ds.PixelSpacing, ds.ImagePositionPatient
    column, row = round((x - corner[0]) / spacing[1]), round((y - corner[1]) / spacing[0])
    square = ds.pixel_array[row - 2 : row + 3, column - 2 : column + 3]
    return float(square.mean() * ds.RescaleSlope + ds.RescaleIntercept)


@pytest.mark.parametrize(
    ("x", "y", "low", "high"),
    [
        (-160, -160, -1024, -950),  # air
        (70, 40, -930, -780),  # lung
        (-72, -18, 0, 90),  # the lesion
        (30, 104, 30, 90),  # muscle of the back
        (0, 66, 60, 700),  # a vertebra or a disc
        (-15, -26, 230, 380),  # the aorta, with contrast
        (0, 16, -1024, -900),  # the windpipe
    ],
)
def test_hounsfield_units_are_plausible(
    chest: list[tuple[FileDataset, InstanceRecord]], x: float, y: float, low: float, high: float
) -> None:
    slice_at_lesion = next(ds for ds, _ in chest if ds.InstanceNumber == 43)
    assert low <= hounsfield(slice_at_lesion, x, y) <= high


def test_the_chest_has_enough_slices_and_they_lie_apart(
    chest: list[tuple[FileDataset, InstanceRecord]],
) -> None:
    assert max(series.count for series in study("wang-ct").series) >= 120
    first, second, thick = (
        ds for ds, _ in sorted(chest, key=lambda made: (-made[0].SeriesNumber, made[0].InstanceNumber))
    )
    assert first.Rows == first.Columns == 512
    assert first.ImagePositionPatient[2] - second.ImagePositionPatient[2] == pytest.approx(2.5)
    middle = (first.ImagePositionPatient[2] + second.ImagePositionPatient[2]) / 2
    assert thick.ImagePositionPatient[2] == pytest.approx(middle)
    assert thick.pixel_array[400:430, 200:300].std() < first.pixel_array[400:430, 200:300].std()


def test_parts_cover_each_object_once() -> None:
    uids = [uid for one in parts() for uid in one.uids]
    planned = [one.sop_instance_uid(s, n + 1) for one in STUDIES for s in one.series for n in range(s.count)]
    assert sorted(uids) == sorted(planned)
    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)


def test_the_same_key_makes_the_same_bytes() -> None:
    wanted = part("hong-dx", "forearm")
    assert list(build(wanted, TODAY)) == list(build(wanted, TODAY))


def test_names_and_words_read_as_they_were_meant() -> None:
    for key, builder in (("hong-dx", "forearm"), ("li-nan-dx", "forearm"), ("chen-mr", "brain_mr")):
        wanted = study(key)
        _, record = objects(part(key, builder))[0]
        assert record.patient.name == PersonName.parse(wanted.patient.name)
        assert record.study.description == wanted.description
        assert record.warnings == ()


def test_there_are_names_of_all_kinds() -> None:
    people = {one.patient for one in STUDIES}
    assert len(people) >= 10
    assert {person.charset for person in people} >= {
        "GB18030",
        "ISO_IR 192",
        "ISO_IR 100",
        "\\ISO 2022 IR 58",
    }
    assert len({one.days_ago for one in STUDIES}) >= 5
    assert min(one.days_ago for one in STUDIES) == 0


def test_studies_end_today() -> None:
    _, record = objects(part("chen-mr", "brain_mr"))[0]
    assert record.study.study_date == "20261123"
    _, record = objects(part("hong-dx", "forearm"))[0]
    assert record.study.study_date == "20261120"


def test_the_ruler_is_as_long_as_it_says() -> None:
    front, side = objects(part("li-cr", "chest_cr"))
    for ds, record in (front, side):
        pixels = ds.pixel_array
        assert ds.Rows >= 2500 or ds.Columns >= 2500
        assert min(ds.Rows, ds.Columns) >= 2000
        assert ds.BitsStored == 12
        assert record.display.spacing_basis == "imager"
        upright = np.flatnonzero(pixels[:, round(ds.Columns * 0.03)] == 4095)
        length = (upright[-1] - upright[0]) * ds.PixelSpacing[0]
        assert length == pytest.approx(100, abs=0.6)
    wedge = front[0].pixel_array[round(front[0].Rows * 0.56) + 20 :: 63, -100][:16].astype(int)
    assert list(wedge) == [4095 * step // 15 for step in range(16)]


def test_a_mammogram_is_dark_where_it_is_dense_in_pixels() -> None:
    for ds, record in objects(part("ouyang-mg", "breast")):
        frame = next(generate_frames(ds.PixelData, number_of_frames=1))
        pixels = imagecodecs.jpegls_decode(frame)
        assert (ds.PhotometricInterpretation, ds.BitsStored, pixels.shape) == (
            "MONOCHROME1",
            12,
            (2560, 2048),
        )
        at_wall = 40 if ds.ImageLaterality == "L" else -40
        assert pixels[1280, at_wall] < 3600 < pixels[40, -at_wall]  # tissue, air
        assert record.series.laterality == ds.ImageLaterality


def test_the_ultrasound_loop_moves_and_knows_its_scale() -> None:
    ((ds, record),) = objects(part("obrien-us", "echo"))
    frames = [
        np.asarray(Image.open(io.BytesIO(one))) for one in generate_frames(ds.PixelData, number_of_frames=60)
    ]
    assert len(frames) == ds.NumberOfFrames == 60
    assert frames[0].shape == (480, 640, 3)
    assert np.abs(frames[0].astype(int) - frames[5]).mean() > 1
    assert (record.display.frame_time_ms, record.display.spacing_basis) == (40.0, "region")
    assert record.display.lossy
    assert record.display.pixel_spacing == (pytest.approx(0.4), pytest.approx(0.4))


def test_fluid_is_bright_in_t2_and_dark_in_flair() -> None:
    made = {ds.SeriesNumber: ds for ds, _ in objects(part("chen-mr", "brain_mr", 13, 13))}
    t1, t2, flair = (int(made[number].pixel_array[108:150, 104:152].max()) for number in (2, 3, 4))
    assert t2 > 1500
    assert max(t1, flair) < t2
    assert made[3].Rows == 256
    assert made[3].BitsStored == 12


def test_samples_are_local_files_of_different_identity() -> None:
    found, left_out = samples()
    assert len(found) >= 80
    assert left_out >= 10
    assert all(path.is_file() for path in found.values())
