"""Where the frames of a multi-frame image lie, as the viewer's page asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, generate_uid

from archive.ingest import Origin, file_ingest
from archive.models import Instance
from tests import people
from tests.objects import ct_slice, item, part10

pytestmark = pytest.mark.django_db(transaction=True)


def keep(folder: Path, **changes: Any) -> Instance:
    path = folder / f"{generate_uid()}.dcm"
    path.write_bytes(part10(ct_slice(**changes)))
    outcome = file_ingest(path=path, origin=Origin(source="TEST"))
    return Instance.objects.select_related("series__study").get(pk=outcome.instance_id)


@pytest.fixture
def enhanced(tmp_path: Path) -> Instance:
    """Two axial frames of 16 x 16, of which the second has a spacing of its own and no position."""
    shared = item(
        PixelMeasuresSequence=Sequence([item(PixelSpacing=[0.5, 0.25])]),
        PlaneOrientationSequence=Sequence([item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]),
    )
    frames = [
        item(PlanePositionSequence=Sequence([item(ImagePositionPatient=[1, 2, -3.5])])),
        item(PixelMeasuresSequence=Sequence([item(PixelSpacing=[2, 2])])),
    ]
    return keep(
        tmp_path,
        SOPClassUID=EnhancedCTImageStorage,
        NumberOfFrames=2,
        PixelData=bytes(1024),
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
    )


def places_of(image: Instance, user: AbstractUser, study: int | None = None) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/studies/{study or image.series.study_id}/places/{image.pk}/")


def test_each_frame_has_its_own_place_and_what_is_not_known_is_left_out(enhanced: Instance) -> None:
    letters = {"left": "R", "right": "L", "top": "A", "bottom": "P"}
    axial = {"orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], "letters": letters, "spacingBasis": "pixel"}
    assert places_of(enhanced, people.rita_reader()).json() == {
        "frames": [
            {"position": [1.0, 2.0, -3.5], "spacing": [0.5, 0.25], **axial},
            {"spacing": [2.0, 2.0], **axial},
        ]
    }


def test_only_who_may_see_the_study_and_only_its_images(enhanced: Instance, tmp_path: Path) -> None:
    other = keep(tmp_path, StudyInstanceUID=generate_uid()).series.study_id
    assert places_of(enhanced, people.nobody_nil()).status_code == 403
    assert places_of(enhanced, people.rita_reader(), other).status_code == 404


def test_a_file_that_is_gone_is_said_in_words(enhanced: Instance) -> None:
    Instance.objects.filter(pk=enhanced.pk).update(file_key="gone/nowhere.dcm", file_digest="0" * 64)
    answer = places_of(enhanced, people.rita_reader())
    assert answer.status_code == 422
    assert answer.json()["sentence"].startswith("The file of this image is missing in the store.")
