"""Segmentations of a study for the viewer's page: over which image, as which picture, for whom."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client
from PIL import Image
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from archive.models import Instance
from tests import objects, people
from tests.objects import item
from tests.pure.test_segmentation import MASK, group, segmentation
from tests.viewer.sockets import log_in
from tests.viewer.test_frames_consumer import keep, keep_object

pytestmark = pytest.mark.django_db(transaction=True)

STUDY, SPACE = generate_uid(), generate_uid()


@pytest.fixture
def rita(transactional_db: None) -> AbstractUser:
    return people.rita_reader()


@pytest.fixture
def image(transactional_db: None, tmp_path: Path) -> Instance:
    return keep(
        tmp_path,
        StudyInstanceUID=STUDY,
        FrameOfReferenceUID=SPACE,
        PixelSpacing=[1, 1],
        ImagePositionPatient=[0, 0, 7],
        Rows=3,
        Columns=3,
        PixelData=np.zeros((3, 3), "<i2").tobytes() + b"\0\0",
    )


def keep_segmentation(folder: Path, groups: list, **changes: object) -> Instance:
    frames = [MASK, 1 - MASK][: len(groups)]
    placeless = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "PixelSpacing": None}
    made = segmentation("BINARY", frames, groups, StudyInstanceUID=STUDY, **placeless, **changes)
    return keep_object(folder, made)


def test_one_made_from_an_image_lies_over_it(image: Instance, rita: AbstractUser, tmp_path: Path) -> None:
    over = keep_segmentation(tmp_path, [group(1, image.sop_instance_uid), group(2, "1.2.3")])
    client = log_in(rita)
    address = f"/studies/{image.series.study_id}/segmentations/"
    [found] = client.get(address).json()["segmentations"]
    assert found["id"] == over.pk
    assert found["places"] == {f"{image.pk}:1": [0, 0, 3, 3]}
    assert [(s["label"], s["colour"]) for s in found["segments"]] == [
        ("Liver", "#ff0000"),
        ("Tumour", "#50b95f"),
    ]
    answer = client.get(f"{address}{over.pk}/{image.pk}/1.png")
    painted = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert painted[:, :, 3].tolist() == (MASK * 128).tolist()
    assert painted[0, 1, :3].tolist() == [255, 0, 0]
    assert client.get(f"{address}{over.pk}/{image.pk}/2.png").status_code == 404
    # What is no segmentation has no such picture, nor has an image of another study.
    assert client.get(f"{address}{image.pk}/{image.pk}/1.png").status_code == 404
    other = keep_object(tmp_path, objects.ct_slice())
    assert client.get(f"{address}{over.pk}/{other.pk}/1.png").status_code == 404


def test_one_without_a_reference_lies_where_the_patient_is_the_same(
    image: Instance, rita: AbstractUser, tmp_path: Path
) -> None:
    placed = []
    for segment, z in ((1, 7.0), (2, 9.0)):
        one = group(segment)
        one.PlanePositionSequence = Sequence([item(ImagePositionPatient=[1, 0, z])])
        one.PlaneOrientationSequence = Sequence([item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])])
        one.PixelMeasuresSequence = Sequence([item(PixelSpacing=[1, 1])])
        placed.append(one)
    keep_segmentation(tmp_path, placed, FrameOfReferenceUID=SPACE)
    keep_segmentation(tmp_path, placed, FrameOfReferenceUID=generate_uid())
    client = log_in(rita)
    elsewhere, here = client.get(f"/studies/{image.series.study_id}/segmentations/").json()["segmentations"]
    assert here["places"] == {f"{image.pk}:1": [1, 0, 3, 3]}
    assert elsewhere["places"] == {}


def test_one_that_tells_of_more_frames_than_it_holds_shows_what_is_there(
    image: Instance, rita: AbstractUser, tmp_path: Path
) -> None:
    groups = [group(1, image.sop_instance_uid), group(2, image.sop_instance_uid)]
    placeless = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "PixelSpacing": None}
    made = segmentation("BINARY", [MASK], groups, StudyInstanceUID=STUDY, **placeless)
    over = keep_object(tmp_path, made)
    address = f"/studies/{image.series.study_id}/segmentations/"
    client = log_in(rita)
    [found] = client.get(address).json()["segmentations"]
    assert found["places"] == {f"{image.pk}:1": [0, 0, 3, 3]}
    painted = np.asarray(Image.open(io.BytesIO(client.get(f"{address}{over.pk}/{image.pk}/1.png").content)))
    assert painted[:, :, 3].tolist() == (MASK * 128).tolist()


def test_who_may_not_see_the_study_sees_no_segment(image: Instance, tmp_path: Path) -> None:
    over = keep_segmentation(tmp_path, [group(1, image.sop_instance_uid)])
    address = f"/studies/{image.series.study_id}/segmentations/{over.pk}/{image.pk}/1.png"
    assert log_in(people.nobody_nil()).get(address).status_code == 403
    assert Client().get(address).status_code == 302
