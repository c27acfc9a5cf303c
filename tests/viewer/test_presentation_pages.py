"""Presentation states and key images as the viewer's page asks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pydicom.uid import generate_uid

from archive.dicom.keyobjects import key_objects_read
from archive.ingest import Origin, file_ingest
from archive.models import AuditEvent, Instance, Star, Study
from archive.storage import file_open
from tests import people
from tests.objects import ct_slice, item, part10, presentation_state, referenced

pytestmark = pytest.mark.django_db


def keep(folder: Path, ds: Any) -> Instance:
    path = folder / f"{generate_uid()}.dcm"
    path.write_bytes(part10(ds))
    outcome = file_ingest(path=path, origin=Origin(source="TEST"))
    return Instance.objects.select_related("series__study").get(pk=outcome.instance_id)


class Room:
    """A study of two slices and a film of three frames, one state of the first slice; another study."""

    def __init__(self, folder: Path) -> None:
        shared = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
        slices = [ct_slice(**shared, InstanceNumber=number) for number in (1, 2)]
        frames = {"NumberOfFrames": 3, "PixelData": bytes(3 * 512), "SeriesInstanceUID": generate_uid()}
        film = ct_slice(StudyInstanceUID=shared["StudyInstanceUID"], **frames)
        circle = item(
            GraphicAnnotationUnits="PIXEL",
            GraphicDimensions=2,
            NumberOfGraphicPoints=1,
            GraphicData=[3.0, 4.0],
            GraphicType="POINT",
            GraphicFilled="N",
        )
        state = presentation_state(
            slices[0],
            film,
            ContentDescription="<b>left</b>",
            ImageRotation=90,
            ImageHorizontalFlip="Y",
            GraphicAnnotationSequence=[
                item(
                    GraphicLayer="A",
                    GraphicObjectSequence=[circle],
                    ReferencedImageSequence=[referenced(film, 2)],
                )
            ],
            MaskSubtractionSequence=[item(MaskOperation="NONE")],
        )
        self.one, self.two = (keep(folder, ds) for ds in slices)
        self.film, self.state = keep(folder, film), keep(folder, state)
        self.other = keep(folder, ct_slice(PatientID="P2"))
        self.study: Study = self.one.series.study

    @property
    def address(self) -> str:
        return f"/studies/{self.study.pk}/"


@pytest.fixture
def room(db: None, tmp_path: Path) -> Room:
    return Room(tmp_path)


def client_of(user: Any, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def post(client: Client, address: str, body: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.post(address, data, content_type="application/json")


def wish(room: Room, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Left lung",
        "instance": room.one.pk,
        "frame": 1,
        "voi": {"center": 40, "width": 300},
        "invert": True,
        "box": None,
        "rotation": 270,
        "flip": False,
        "base": 0,
        **changes,
    }


def test_states_are_listed_in_plain_text(room: Room) -> None:
    answer = client_of(people.rita_reader()).get(f"{room.address}presentations/")
    assert answer.json() == {
        "states": [
            {
                "id": room.state.pk,
                "label": "<b>left</b>",
                "creator": "Wang Fang",
                "when": "2026-11-23 08:15",
                "images": [room.one.pk, room.film.pk],
                "leftOut": ["mask subtraction"],
                "reason": "",
            }
        ]
    }
    assert answer["Content-Type"] == "application/json"


def test_a_state_says_how_its_images_lie_and_what_is_drawn(room: Room) -> None:
    answer = client_of(people.rita_reader()).get(f"{room.address}presentations/{room.state.pk}/").json()
    area = {
        "frames": [],
        "box": [0, 0, 16, 16],
        "mode": "SCALE TO FIT",
        "spacing": None,
        "magnification": None,
    }
    point = {"points": [[3.0, 4.0]], "units": "PIXEL", "closed": False, "filled": False, "colour": "#ffe066"}
    assert (answer["rotation"], answer["flip"], answer["leftOut"]) == (90, True, ["mask"])
    assert answer["images"] == {
        str(room.one.pk): {"frames": [], "areas": [area], "marks": []},
        str(room.film.pk): {
            "frames": [],
            "areas": [area],
            "marks": [{"frames": [2], "layer": "A", "items": [point]}],
        },
    }
    assert AuditEvent.objects.filter(action=AuditEvent.Action.STUDY_VIEWED).count() == 1


def test_an_object_that_is_no_state_says_so(room: Room) -> None:
    answer = client_of(people.rita_reader()).get(f"{room.address}presentations/{room.one.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "presentation")


def test_a_view_is_saved_and_listed(room: Room) -> None:
    client = client_of(people.rita_reader())
    drawn = [{"shape": "POLYLINE", "points": [[1, 2], [3.5, 4]]}]
    words = [{"text": "结节", "anchor": [3, 4]}]
    answer = post(
        client,
        f"{room.address}presentations/",
        wish(room, name="左肺", series=True, graphics=drawn, texts=words),
    )
    assert answer.status_code == 201
    newest = client.get(f"{room.address}presentations/").json()["states"][0]
    assert (newest["id"], newest["label"], newest["creator"]) == (answer.json()["id"], "左肺", "rita")
    assert sorted(newest["images"]) == [room.one.pk, room.two.pk]
    layout = client.get(f"{room.address}presentations/{newest['id']}/").json()
    marks = layout["images"][str(room.one.pk)]["marks"][0]["items"]
    assert [mark.get("points") or mark["text"] for mark in marks] == [[[1, 2], [3.5, 4]], "结节"]
    assert layout["images"][str(room.two.pk)]["marks"] == []  # drawn on the one on the screen


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"instance": "1"}, "instance"),
        ({"frame": 0}, "frame"),
        ({"rotation": 45}, "rotation"),
        ({"flip": 1}, "flip"),
        ({"box": [0, 0, 0, 5]}, "box"),
        ({"box": [0, 0, 1e99, 5]}, "box"),
        ({"voi": {"center": 1}}, "voi"),
        ({"magnification": 0}, "magnification"),
        ({"graphics": [{"shape": "ELLIPSE", "points": [[1, 1]]}]}, "graphics"),
        ({"graphics": [{"shape": "SPIRAL", "points": [[1, 1]]}]}, "graphics"),
        ({"texts": [{"text": "nowhere"}]}, "texts"),
        ({"texts": ["x"]}, "texts"),
    ],
)
def test_a_wish_that_makes_no_sense_is_named(room: Room, changes: dict[str, Any], field: str) -> None:
    answer = post(client_of(people.rita_reader()), f"{room.address}presentations/", wish(room, **changes))
    assert (answer.status_code, answer.json()["code"]) == (400, f"wrong-{field}")
    assert Instance.objects.filter(series__modality="PR").count() == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_message_are_refused(room: Room, body: bytes) -> None:
    client = client_of(people.rita_reader())
    for page in ("presentations/", "keyobjects/", "stars/"):
        assert post(client, room.address + page, body).status_code == 400


def test_who_may_not(room: Room) -> None:
    pages = ["presentations/", f"presentations/{room.state.pk}/", "keyobjects/"]
    nil = client_of(people.nobody_nil())
    for page in pages:
        assert Client().get(room.address + page).status_code == 302
        assert nil.get(room.address + page).status_code == 403
    star = {"instance": room.one.pk, "frame": 1, "on": True}
    assert post(nil, f"{room.address}stars/", star).status_code == 403
    assert post(nil, f"{room.address}presentations/", wish(room)).status_code == 403
    strict = client_of(people.rita_reader(), enforce_csrf_checks=True)
    assert post(strict, f"{room.address}stars/", star).status_code == 403
    assert post(strict, f"{room.address}presentations/", wish(room)).status_code == 403
    assert Star.objects.count() == 0


def test_objects_of_another_study_are_not_there(room: Room) -> None:
    client = client_of(people.rita_reader())
    elsewhere = f"/studies/{room.other.series.study_id}/"
    assert client.get(f"{elsewhere}presentations/{room.state.pk}/").status_code == 404
    assert client.get("/studies/999999/presentations/").status_code == 404
    star = {"instance": room.other.pk, "frame": 1, "on": True}
    assert post(client, f"{room.address}stars/", star).status_code == 404
    for changes in ({"instance": room.other.pk}, {"base": room.other.pk}):
        assert post(client, f"{room.address}presentations/", wish(room, **changes)).status_code == 404
    assert client.get(f"{elsewhere}presentations/").json() == {"states": []}


def test_stars_are_set_taken_and_kept_as_a_selection(room: Room) -> None:
    client = client_of(people.rita_reader())
    stars = f"{room.address}stars/"
    for pk, frame in (
        (room.two.pk, 1),
        (room.film.pk, 3),
        (room.film.pk, 2),
        (room.one.pk, 1),
        (room.one.pk, 1),
    ):
        assert post(client, stars, {"instance": pk, "frame": frame, "on": True}).json() == {"on": True}
    assert post(client, stars, {"instance": room.one.pk, "frame": 1, "on": False}).json() == {"on": False}
    wrong = post(client, stars, {"instance": room.film.pk, "frame": 4, "on": True})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "wrong-frame")
    found = client.get(f"{room.address}keyobjects/").json()
    assert found == {
        "stars": [[room.two.pk, 1], [room.film.pk, 3], [room.film.pk, 2]],
        "selections": [],
    }
    made = post(client, f"{room.address}keyobjects/", {"title": "113004", "description": "会议 <i>"})
    assert made.status_code == 201
    (listed,) = client.get(f"{room.address}keyobjects/").json()["selections"]
    assert (listed["id"], listed["title"], listed["description"]) == (
        made.json()["id"],
        "For teaching",
        "会议 <i>",
    )
    assert (listed["creator"], listed["images"]) == ("rita", [[room.two.pk, []], [room.film.pk, [2, 3]]])
    with file_open(Instance.objects.get(pk=listed["id"]).file_key) as file:
        selected = key_objects_read(file)
    assert (selected.title, selected.title_meaning) == ("113004", "For Teaching")
    event = AuditEvent.objects.get(action=AuditEvent.Action.SAVED)
    assert (event.actor_name, event.object) == ("rita", "会议 <i>")


def test_a_selection_of_nothing_or_for_no_reason_is_refused(room: Room) -> None:
    client = client_of(people.rita_reader())
    none = post(client, f"{room.address}keyobjects/", {"title": "113000", "description": ""})
    assert (none.status_code, none.json()["code"]) == (409, "no-stars")
    rejecting = post(client, f"{room.address}keyobjects/", {"title": "113001", "description": ""})
    assert (rejecting.status_code, rejecting.json()["code"]) == (400, "wrong-title")


def test_what_was_rejected_has_no_star(room: Room) -> None:
    client = client_of(people.rita_reader())
    post(client, f"{room.address}stars/", {"instance": room.one.pk, "frame": 1, "on": True})
    Instance.objects.filter(pk=room.one.pk).update(rejected_at="2026-11-23T00:00:00Z")
    assert client.get(f"{room.address}keyobjects/").json()["stars"] == []
