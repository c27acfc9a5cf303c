"""What is drawn: measured from stored pixels, kept for the person who drew it, reached by nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client
from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from archive.models import AuditEvent, Instance, Study
from tests.objects import item
from viewer.models import Measurement

pytestmark = pytest.mark.django_db
Keep = Callable[..., Study]


@pytest.fixture
def study(keep: Keep) -> Study:
    """16 x 16, value = 3 * stored - 100, stored = place in the image; pixels of 0.5 mm (down) by 0.25."""
    return keep(RescaleSlope=3, RescaleIntercept=-100, PixelSpacing=[0.5, 0.25])


def image(study: Study) -> int:
    return Instance.objects.get(series__study=study).pk


def mark(study: Study, **changes: Any) -> dict[str, Any]:
    return {"instance": image(study), "frame": 1, "shape": "length", "places": [[2, 2], [6, 5]], **changes}


def send(client: Client, address: str, data: Any, method: str = "post") -> Any:
    return getattr(client, method)(address, json.dumps(data), content_type="application/json")


def measured(client: Client, study: Study, **changes: Any) -> dict[str, Any]:
    answer = send(client, f"/studies/{study.pk}/measure/", mark(study, **changes))
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_a_length_is_measured_in_the_patient(as_rita: Client, study: Study) -> None:
    found = measured(as_rita, study)  # 4 columns of 0.25, 3 rows of 0.5
    assert found == {"basis": "spacing", "number": pytest.approx(np.hypot(1, 1.5)), "unit": "mm"}


def test_a_frame_is_measured_by_its_own_spacing(as_rita: Client, keep: Keep) -> None:
    def measures(*spacing: float) -> Dataset:
        return item(PixelMeasuresSequence=Sequence([item(PixelSpacing=list(spacing))]))

    study = keep(
        NumberOfFrames=3,
        PixelSpacing=None,
        PixelData=bytes(1536),
        SharedFunctionalGroupsSequence=Sequence([measures(0.5, 0.25)]),
        PerFrameFunctionalGroupsSequence=Sequence([item(), measures(2, 4), item()]),
    )
    lengths = [measured(as_rita, study, frame=frame)["number"] for frame in (1, 2, 3)]
    assert lengths == [pytest.approx(np.hypot(1, 1.5)), pytest.approx(np.hypot(16, 6)), lengths[0]]


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
def test_a_region_tells_the_modality_values_inside(as_rita: Client, study: Study, shape: str) -> None:
    found = measured(as_rita, study, shape=shape, places=[[3, 2], [9, 6]])
    values = np.arange(256).reshape(16, 16) * 3.0 - 100
    column, row = np.meshgrid(np.arange(16) + 0.5, np.arange(16) + 0.5)
    inside = (column > 3) & (column < 9) & (row > 2) & (row < 6)
    if shape == "ellipse":
        inside = ((column - 6) / 3) ** 2 + ((row - 4) / 2) ** 2 < 1
    chosen = values[inside]
    assert found["statistics"] == {
        "count": int(inside.sum()),
        "mean": pytest.approx(chosen.mean()),
        "deviation": pytest.approx(chosen.std()),
        "low": chosen.min(),
        "high": chosen.max(),
    }
    assert found["number"] == pytest.approx(6 * 0.25 * 4 * 0.5 * (np.pi / 4 if shape == "ellipse" else 1))
    low, high = chosen.min(), chosen.max()
    assert found["window"] == [(low + high + 1) / 2, high - low + 1]


def test_padding_does_not_count(as_rita: Client, keep: Keep) -> None:
    pixels = np.full((16, 16), 10, "<i2")
    pixels[:, :8] = -2000
    study = keep(PixelPaddingValue=-2000, PixelData=pixels.tobytes())
    found = measured(as_rita, study, shape="rectangle", places=[[0, 0], [16, 16]])
    assert (found["statistics"]["count"], found["statistics"]["mean"]) == (128, 10)


def test_a_probe_tells_the_value_of_the_pixel(as_rita: Client, study: Study) -> None:
    assert measured(as_rita, study, shape="probe", places=[[5.9, 2.1]])["number"] == 37 * 3 - 100
    assert measured(as_rita, study, shape="probe", places=[[-1, 2]])["refusal"] == "empty"


def test_what_is_drawn_is_kept_changed_and_forgotten(
    as_rita: Client, study: Study, rita: AbstractUser
) -> None:
    key = uuid4()
    address = f"/studies/{study.pk}/measurements/{key}/"
    assert send(as_rita, address, mark(study), "put").status_code == 204
    assert send(as_rita, address, mark(study, places=[[1, 1], [2, 2]]), "put").status_code == 204
    kept = carried(as_rita, study)
    assert kept == [
        {
            "key": str(key),
            "instance": image(study),
            "frame": 1,
            "shape": "length",
            "places": [[1, 1], [2, 2]],
            "text": "",
        }
    ]
    assert as_rita.delete(address).status_code == 204
    assert carried(as_rita, study) == []


def carried(client: Client, study: Study) -> Any:
    html = client.get(f"/studies/{study.pk}/view/").content.decode()
    return json.loads(
        html.partition('id="viewer-study" type="application/json">')[2].partition("</script>")[0]
    )["marks"]


def test_another_persons_marks_are_neither_seen_nor_changed(
    as_rita: Client, study: Study, omar: AbstractUser
) -> None:
    key = uuid4()
    address = f"/studies/{study.pk}/measurements/{key}/"
    send(as_rita, address, mark(study), "put")
    other = Client()
    other.force_login(omar, backend="django.contrib.auth.backends.ModelBackend")
    assert carried(other, study) == []
    assert other.delete(address).status_code == 204
    assert send(other, address, mark(study, places=[[0, 0], [9, 9]]), "put").status_code == 204
    assert carried(as_rita, study)[0]["places"] == [[2, 2], [6, 5]]
    assert Measurement.objects.count() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": "circle"},
        {"places": [[1, 1]]},
        {"places": [[1, 1], [1, "2"]]},
        {"places": [[1, 1], [1, 1e7]]},
        {"places": [[1, True], [1, 1]]},
        {"frame": 0},
        {"instance": "1"},
        {"text": "x" * 201},
    ],
)
def test_what_cannot_be_a_mark_is_refused(as_rita: Client, study: Study, wrong: dict[str, Any]) -> None:
    for address, method in (
        (f"/studies/{study.pk}/measure/", "post"),
        (f"/studies/{study.pk}/measurements/{uuid4()}/", "put"),
    ):
        assert send(as_rita, address, mark(study, **wrong), method).status_code == 400
    assert not Measurement.objects.exists()


def test_an_image_of_another_study_or_rejected_is_not_there(
    as_rita: Client, study: Study, keep: Keep
) -> None:
    other = keep(StudyDescription="Other")
    for address, method in (
        (f"/studies/{study.pk}/measure/", "post"),
        (f"/studies/{study.pk}/measurements/{uuid4()}/", "put"),
    ):
        assert send(as_rita, address, mark(other), method).status_code == 404
    send(as_rita, f"/studies/{study.pk}/measurements/{uuid4()}/", mark(study), "put")
    Instance.objects.filter(pk=image(study)).update(rejected_at=timezone.now())
    assert send(as_rita, f"/studies/{study.pk}/measure/", mark(study)).status_code == 404
    assert carried(as_rita, study) == []


def test_people_without_a_role_measure_nothing(client: Client, nil: AbstractUser, study: Study) -> None:
    client.force_login(nil, backend="django.contrib.auth.backends.ModelBackend")
    assert send(client, f"/studies/{study.pk}/measure/", mark(study)).status_code == 403
    assert send(client, f"/studies/{study.pk}/measurements/{uuid4()}/", mark(study), "put").status_code == 403


def test_own_windows_are_kept_for_a_person(as_rita: Client, study: Study, omar: AbstractUser) -> None:
    window = {"name": "肝", "modality": "CT", "center": 70.5, "width": 120}
    assert send(as_rita, "/windows/", [window], "put").status_code == 204
    html = as_rita.get(f"/studies/{study.pk}/view/").content.decode()
    assert '"center": 70.5' in html
    other = Client()
    other.force_login(omar, backend="django.contrib.auth.backends.ModelBackend")
    assert '"center": 70.5' not in other.get(f"/studies/{study.pk}/view/").content.decode()
    for wrong in ([{**window, "width": 0}], [{**window, "name": ""}], {"a": 1}, [window] * 41):
        assert send(as_rita, "/windows/", wrong, "put").status_code == 400


def test_a_prior_is_carried_for_the_same_patient_only(as_rita: Client, keep: Keep, study: Study) -> None:
    prior = keep(StudyInstanceUID=generate_uid(), StudyDate="20260501", StudyDescription="Before")
    stranger = keep(PatientID="P2", PatientName="Else^Someone", StudyInstanceUID=generate_uid())
    answer = as_rita.get(f"/studies/{prior.pk}/stacks/?beside={study.pk}")
    assert answer.status_code == 200
    record = answer.json()
    assert record["socket"].startswith(f"/ws/frames/{prior.pk}/")
    assert record["prior"].startswith("PRIOR · ")
    assert [stack["images"][0]["id"] for stack in record["stacks"]] == [image(prior)]
    assert 'data-stack="' in record["strip"]
    assert AuditEvent.objects.filter(study_instance_uid=prior.study_instance_uid).exists()
    assert as_rita.get(f"/studies/{stranger.pk}/stacks/?beside={study.pk}").status_code == 404
    assert as_rita.get(f"/studies/{prior.pk}/stacks/").status_code == 404


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
def test_a_region_of_a_colour_image_tells_each_colour_by_itself(
    as_rita: Client, keep: Keep, shape: str
) -> None:
    pixels = np.random.default_rng(8).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    study = keep(
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        PixelSpacing=[0.5, 0.25],
        PixelData=pixels.tobytes(),
    )
    found = measured(as_rita, study, shape=shape, places=[[3, 2], [9, 6]])
    column, row = np.meshgrid(np.arange(16) + 0.5, np.arange(16) + 0.5)
    inside = (column > 3) & (column < 9) & (row > 2) & (row < 6)
    if shape == "ellipse":
        inside = ((column - 6) / 3) ** 2 + ((row - 4) / 2) ** 2 < 1
    assert "statistics" not in found
    assert found["channels"] == [
        {
            "count": int(inside.sum()),
            "mean": pytest.approx(values.mean()),
            "deviation": pytest.approx(values.std()),
            "low": values.min(),
            "high": values.max(),
        }
        for values in (pixels[inside, channel].astype(float) for channel in range(3))
    ]
    assert found["number"] == pytest.approx(6 * 0.25 * 4 * 0.5 * (np.pi / 4 if shape == "ellipse" else 1))
