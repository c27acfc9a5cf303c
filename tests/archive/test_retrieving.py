"""Which objects a retrieval gives, in which order."""

from __future__ import annotations

import pytest
from django.utils import timezone

from archive.dicom.attributes import Level
from archive.dicom.retrieval import Retrieval
from archive.models import Instance, Study
from archive.retrieving import objects_wanted
from tests.archive.arrivals import receive
from tests.objects import ct_slice

pytestmark = pytest.mark.django_db(transaction=True)


def uids(level: Level, **keys: tuple[str, ...]) -> list[str]:
    by_level = {Level[name.upper()]: values for name, values in keys.items()}
    return [found.sop_instance_uid for found in objects_wanted(retrieval=Retrieval(level, by_level))]


@pytest.fixture
def studies() -> None:
    """P1: study 1.1 with series 1.1.2 (number 2) and 1.1.1 (number 1), study 1.3; P2: study 1.2."""
    for patient, study, series, number, image in (
        ("P1", "1.1", "1.1.2", 2, 1), ("P1", "1.1", "1.1.1", 1, 2), ("P1", "1.1", "1.1.1", 1, 1),
        ("P2", "1.2", "1.2.1", 1, 1), ("P1", "1.3", "1.3.1", 1, 1),
    ):  # fmt: skip
        receive(
            ct_slice(PatientID=patient, PatientName=patient, StudyInstanceUID=study, SeriesInstanceUID=series,
                     SeriesNumber=number, InstanceNumber=image, SOPInstanceUID=f"{series}.{image}")
        )  # fmt: skip


def test_a_study_comes_by_series_and_image_number(studies: None) -> None:
    assert uids(Level.STUDY, study=("1.1",)) == ["1.1.1.1", "1.1.1.2", "1.1.2.1"]


def test_every_level_and_lists(studies: None) -> None:
    assert uids(Level.PATIENT, patient=("P1",)) == ["1.1.1.1", "1.1.1.2", "1.1.2.1", "1.3.1.1"]
    assert uids(Level.STUDY, study=("1.2", "1.3")) == ["1.2.1.1", "1.3.1.1"]
    assert uids(Level.SERIES, study=("1.1",), series=("1.1.2", "1.2.1")) == ["1.1.2.1"]
    assert uids(Level.INSTANCE, instance=("1.2.1.1", "1.1.1.2", "9")) == ["1.1.1.2", "1.2.1.1"]
    assert uids(Level.STUDY, patient=("P2",), study=("1.1",)) == []


def test_a_long_list_gives_each_object_once(studies: None) -> None:
    wanted = (*(f"9.{number}" for number in range(1200)), "1.1.1.1", "1.2.1.1")
    assert uids(Level.INSTANCE, instance=wanted) == ["1.1.1.1", "1.2.1.1"]


def test_rejected_images_and_studies_are_not_there(studies: None) -> None:
    Instance.objects.filter(sop_instance_uid="1.1.1.1").update(rejected_at=timezone.now())
    Study.objects.filter(study_instance_uid="1.3").update(rejected_at=timezone.now())
    assert uids(Level.PATIENT, patient=("P1",)) == ["1.1.1.2", "1.1.2.1"]


def test_of_several_under_one_uid_the_first_is_given(studies: None) -> None:
    [before] = objects_wanted(retrieval=Retrieval(Level.INSTANCE, {Level.INSTANCE: ("1.2.1.1",)}))
    receive(ct_slice(PatientID="P2", PatientName="P2", StudyInstanceUID="1.2", SeriesInstanceUID="1.2.1",
                     SeriesNumber=1, SOPInstanceUID="1.2.1.1", WindowCenter=99))  # fmt: skip
    [after] = objects_wanted(retrieval=Retrieval(Level.INSTANCE, {Level.INSTANCE: ("1.2.1.1",)}))
    assert after == before
