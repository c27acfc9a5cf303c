"""The viewer's page: who sees it, what it carries, what it records."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pydicom.uid import generate_uid

from archive.ingest import Origin, file_ingest
from archive.models import AuditEvent, Instance, Study
from tests import people
from tests.objects import ct_slice, part10

pytestmark = pytest.mark.django_db


def keep(folder: Path, **changes: Any) -> Instance:
    path = folder / f"{generate_uid()}.dcm"
    path.write_bytes(part10(ct_slice(**changes)))
    outcome = file_ingest(path=path, origin=Origin(source="TEST"))
    return Instance.objects.select_related("series__study").get(pk=outcome.instance_id)


@pytest.fixture
def study(transactional_db: None, tmp_path: Path) -> Study:
    """Series 2 of three slices out of order, series 3 of one film of five frames and one still."""
    shared = {"StudyInstanceUID": generate_uid()}
    series = {**shared, "SeriesInstanceUID": generate_uid()}
    for number in (2, 3, 1):
        keep(tmp_path, **series, InstanceNumber=number, ImagePositionPatient=[0, 0, -float(number)])
    clips = {
        **shared,
        "SeriesInstanceUID": generate_uid(),
        "SeriesNumber": 3,
        "Modality": "US",
        "SeriesDescription": "Heart",
        "Rows": 4,
        "Columns": 4,
        "ImageOrientationPatient": None,
        "ImagePositionPatient": None,
    }
    keep(tmp_path, **clips, InstanceNumber=1, NumberOfFrames=5, FrameTime=40, PixelData=bytes(160))
    still = keep(tmp_path, **clips, InstanceNumber=2, PixelData=bytes(32))
    return still.series.study


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def carried(client: Client, study: Study, query: str = "") -> dict[str, Any]:
    html = client.get(f"/studies/{study.pk}/view/{query}").content.decode()
    found = re.search(r'<script id="viewer-study" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


def test_the_page_carries_stacks_in_reading_order(study: Study) -> None:
    page = carried(client_of(people.rita_reader()), study)
    assert [(stack["series"]["number"], len(stack["images"])) for stack in page["stacks"]] == [
        (2, 3),
        (3, 1),
        (3, 1),
    ]
    numbers = [Instance.objects.get(pk=image["id"]).instance_number for image in page["stacks"][0]["images"]]
    assert numbers == [1, 2, 3]
    slices, still, film = page["stacks"]
    assert slices["facts"]["letters"] == {"left": "R", "right": "L", "top": "A", "bottom": "P"}
    assert slices["facts"]["windows"] == [[40.0, 400.0, ""]]
    assert slices["facts"]["full"] == [16, 16]
    assert [image["frames"] for image in (still["images"][0], film["images"][0])] == [1, 5]
    assert film["facts"]["frameTime"] == 40.0
    assert page["socket"] == f"/ws/frames/{study.pk}/?language=en"


@pytest.mark.parametrize(("query", "place"), [("", 0), ("?series=%d", 1), ("?series=nonsense", 0)])
def test_a_link_says_where_to_begin(study: Study, query: str, place: int) -> None:
    series = study.series.get(series_number=3)
    page = carried(client_of(people.rita_reader()), study, query % series.pk if "%" in query else query)
    assert page["start"]["stack"] == page["stacks"][place]["key"]


def test_a_link_to_an_instance_opens_its_stack(study: Study) -> None:
    film = Instance.objects.get(number_of_frames=5)
    page = carried(client_of(people.rita_reader()), study, f"?instance={film.pk}&frame=3")
    assert page["start"] == {"stack": f"i{film.pk}", "instance": film.pk, "frame": 3}


def test_opening_is_recorded(study: Study) -> None:
    rita = people.rita_reader()
    client_of(rita).get(f"/studies/{study.pk}/view/")
    event = AuditEvent.objects.get(action=AuditEvent.Action.STUDY_VIEWED)
    assert (event.actor, event.study_instance_uid, event.source) == (
        rita,
        study.study_instance_uid,
        "127.0.0.1",
    )


def test_only_who_may_print_is_led_to_the_film(study: Study) -> None:
    assert carried(client_of(people.rita_reader()), study)["print"] == ""
    assert carried(client_of(people.omar_operator()), study)["print"] == f"/studies/{study.pk}/print/"


def test_who_may_not_look(study: Study) -> None:
    address = f"/studies/{study.pk}/view/"
    assert Client().get(address).status_code == 302
    assert client_of(people.nobody_nil()).get(address).status_code == 403
    assert client_of(people.rita_reader()).get("/studies/999999/view/").status_code == 404


def test_a_name_cannot_leave_its_place(transactional_db: None, tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    image = keep(tmp_path, PatientName=f"{hostile}^X", StudyDescription=hostile, SeriesDescription=hostile)
    html = client_of(people.rita_reader()).get(f"/studies/{image.series.study_id}/view/").content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_study_without_images_says_so(transactional_db: None, tmp_path: Path) -> None:
    image = keep(tmp_path, Rows=None, Columns=None, PixelData=None, Modality="SR")
    html = client_of(people.rita_reader()).get(f"/studies/{image.series.study_id}/view/").content.decode()
    assert "No images to show in this study." in html
    assert "viewer/main.js" not in html
