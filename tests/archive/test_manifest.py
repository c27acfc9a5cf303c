"""The manifest: what is told of a study, in which order it is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from archive.manifest import reading_order
from archive.models import Instance, Patient, Series, Study
from archive.selectors import study_manifest

AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
SAGITTAL = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]


def _image(number: int | None, z: float | None, axes: list[float] = AXIAL, **facts: Any) -> Instance:
    if z is not None:
        facts |= {"image_position": [0.0, 0.0, z], "image_orientation": axes}
    return Instance(sop_instance_uid=f"1.{number}", instance_number=number, facts=facts)


def _numbers(instances: list[Instance]) -> tuple[list[int | None], str, float | None]:
    ordered, by, spacing = reading_order(instances)
    return [one.instance_number for one in ordered], by, spacing


def test_slices_are_read_by_place_in_the_direction_of_their_numbers() -> None:
    assert _numbers([_image(3, -10), _image(1, 0), _image(2, -5)]) == ([1, 2, 3], "position", 5.0)
    assert _numbers([_image(3, 10), _image(1, 0), _image(2, 5)]) == ([1, 2, 3], "position", 5.0)


def test_place_beats_a_number_that_is_out_of_line() -> None:
    found = _numbers([_image(1, 0), _image(4, 5), _image(2, 10), _image(3, 15)])
    assert found == ([1, 4, 2, 3], "position", 5.0)


def test_a_gap_leaves_the_step_untold() -> None:
    assert _numbers([_image(1, 0), _image(2, 5), _image(3, 15)]) == ([1, 2, 3], "position", None)


@pytest.mark.parametrize(
    "images",
    [
        [_image(2, 0), _image(1, 5, SAGITTAL)],
        [_image(2, 0), _image(1, 0)],
        [_image(2, 0), _image(1, None)],
        [_image(2, None)],
    ],
    ids=["two orientations", "two phases in one place", "one without a place", "a lone image"],
)
def test_what_has_no_places_of_its_own_is_read_by_number(images: list[Instance]) -> None:
    numbers, by, spacing = _numbers(images)
    assert (numbers, by, spacing) == (sorted(numbers), "number", None)  # type: ignore[type-var]


def test_an_instance_without_a_number_comes_last() -> None:
    assert _numbers([_image(None, None), _image(7, None)])[0] == [7, None]


@pytest.fixture
def study(db: None) -> Study:
    patient = Patient.objects.create(patient_id="P1", name_ideographic="王^小明", birth_date="19680101")
    study = Study.objects.create(
        patient=patient, study_instance_uid="1.2", sort_key="2026", modalities="CT\\SR"
    )
    series = Series.objects.create(study=study, series_instance_uid="1.2.1", modality="CT", series_number=2)
    for number in (1, 2, 3):
        Instance.objects.create(
            series=series,
            sop_instance_uid=f"1.2.1.{number}",
            instance_number=number,
            rows=512,
            columns=512,
            number_of_frames=1,
            file_size=10,
            file_key=f"k{number}",
            rejected_at=timezone.now() if number == 3 else None,
            facts={
                "windows": [[40, 400, ""]],
                "kvp": 120.0 + number,
                "view_position": "",
                "image_position": [0.0, 0.0, 5.0 * number],
                "image_orientation": AXIAL,
            },
        )
    Series.objects.create(study=study, series_instance_uid="1.2.2", modality="SR")
    return study


def test_what_images_share_is_told_once(study: Study) -> None:
    told = json.loads(json.dumps(study_manifest(study=study)))
    (series,) = told["series"]  # an empty series is not there
    assert series["facts"] == {"windows": [[40, 400, ""]], "image_orientation": AXIAL}
    first, second = series["instances"]  # a rejected instance is not there
    assert first["facts"] == {"kvp": 121.0, "image_position": [0.0, 0.0, 5.0]}
    assert second["facts"] == {"kvp": 122.0, "image_position": [0.0, 0.0, 10.0]}
    assert (series["frames"], series["ordered_by"], series["spacing"]) == (2, "position", 5.0)
    assert (first["number"], first["rows"], first["columns"], first["frames"]) == (1, 512, 512, 1)
    assert told["study"]["modalities"] == ["CT", "SR"]
    assert told["study"]["patient"]["name"]["ideographic"] == "王^小明"


def test_it_takes_two_queries_however_many_images(study: Study, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        study_manifest(study=study)
