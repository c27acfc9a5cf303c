"""Reformats as a page sees them: asked for, named, drawn over the frame socket, measured; and who may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AbstractUser
from django.test import Client
from pydicom.uid import generate_uid

from archive import reformatting
from archive.models import Instance
from archive.reformatting import volumes_forget
from tests import people
from tests.objects import ct_slice
from tests.viewer.sockets import Page, log_in
from tests.viewer.test_frames_consumer import keep_object
from viewer.protocol import Flag, FrameRequest, ProtocolError, request_parse

pytestmark = pytest.mark.django_db(transaction=True)

VALUES = np.random.default_rng(9).integers(0, 256, (9, 16, 16)).astype("<i2")
WINDOW = {"center": 128, "width": 256}


@pytest.fixture
def rita(transactional_db: None) -> AbstractUser:
    return people.rita_reader()


@pytest.fixture
def images(transactional_db: None, tmp_path: Path) -> list[Instance]:
    """Nine slices from the head to the feet, 1 mm apart as their pixels."""
    volumes_forget()
    one = {"SeriesInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid()}
    return [
        keep_object(
            tmp_path,
            ct_slice(
                InstanceNumber=number,
                ImagePositionPatient=[0, 0, -number],
                PixelSpacing=[1, 1],
                PixelData=values.tobytes(),
                **one,
            ),
        )
        for number, values in enumerate(VALUES)
    ]


def asked(client: Client, image: Instance) -> dict[str, Any]:
    """As a page asks: again and again until the volume is there."""
    while True:
        answer = client.get(f"/studies/{image.series.study_id}/reformat/{image.pk}/")
        assert answer.status_code == 200, answer.content
        found = answer.json()
        if "name" in found:
            return dict(found)
        assert found["total"] == 9


def test_the_page_is_told_where_the_planes_lie(images: list[Instance], rita: AbstractUser) -> None:
    found = asked(log_in(rita), images[2])
    assert found["name"].startswith(f"r{images[2].pk}.")
    assert found["step"] == 1
    assert found["planes"]["coronal"] == {
        "columns": 16,
        "rows": 9,
        "spacing": [1, 1],
        "orientation": [1, 0, 0, 0, 0, -1],
        "corner": [0, 0, 0],
        "forward": [0, 1, 0],
        "offsets": [float(n) for n in range(16)],
        "letters": {"left": "R", "right": "L", "top": "H", "bottom": "F"},
    }
    assert found["planes"]["sagittal"]["letters"] == {"left": "A", "right": "P", "top": "H", "bottom": "F"}
    assert found["planes"]["axial"]["offsets"] == [float(n) for n in range(9)]


async def test_planes_come_over_the_frame_socket(images: list[Instance], rita: AbstractUser) -> None:
    found = await sync_to_async(asked)(await sync_to_async(log_in)(rita), images[0])
    async with Page(images[0].series.study_id, rita) as page:
        axial = await page.picture(f"{found['name']}.axial.mean.0", 4, voi=WINDOW)
        original = await page.picture(images[3].pk, voi=WINDOW)
        coronal = await page.picture(f"{found['name']}.coronal.mip.20", 8, voi=WINDOW)
        moving = await page.picture(f"{found['name']}.coronal.mip.20", 8, quality="moving")
        await page.say(
            {"op": "probe", "seq": 99, "viewport": 0, "instance": f"{found['name']}.coronal.mean.0"}
            | {"frame": 8, "x": 3, "y": 2}
        )
        probe = await page.hear()
    assert np.array_equal(axial.pixels, original.pixels)
    assert np.array_equal(axial.pixels, VALUES[3])
    assert np.array_equal(coronal.pixels, VALUES[:, 6:9, :].max(axis=1))
    assert coronal.flags == Flag.PNG | Flag.WINDOW
    assert moving.flags == Flag.PREVIEW | Flag.WINDOW
    assert isinstance(probe, dict)
    assert (probe["op"], probe["stored"]) == ("probe", VALUES[2, 7, 3])


async def test_a_volume_that_was_forgotten_is_made_again(images: list[Instance], rita: AbstractUser) -> None:
    found = await sync_to_async(asked)(await sync_to_async(log_in)(rita), images[0])
    volumes_forget()
    async with Page(images[0].series.study_id, rita) as page:
        seqs = [
            await page.want(f"{found['name']}.sagittal.mean.0", 3, voi=WINDOW, viewport=n) for n in (0, 1)
        ]
        pictures = [await page.hear(), await page.hear()]
    assert sorted(one.fields["seq"] for one in pictures) == seqs
    for one in pictures:
        assert np.array_equal(one.pixels, VALUES[:, :, 2])


async def test_planes_of_another_study_or_volume_are_refused(
    images: list[Instance], rita: AbstractUser, tmp_path: Path
) -> None:
    found = await sync_to_async(asked)(await sync_to_async(log_in)(rita), images[0])
    other = await sync_to_async(keep_object)(tmp_path, ct_slice())
    _, digest = found["name"].split(".")
    async with Page(other.series.study_id, rita) as page:
        here = await page.refusal(f"{found['name']}.axial.mean.0", 1)
        borrowed = await page.refusal(f"r{other.pk}.{digest}.axial.mean.0", 1)
    assert here["code"] == "not-in-study"
    assert borrowed["code"] in {"reformat-changed", "reformat-few"}
    async with Page(images[0].series.study_id, rita) as page:
        changed = await page.refusal(f"r{images[0].pk}.{'0' * 16}.axial.mean.0", 1)
        beyond = await page.refusal(f"{found['name']}.axial.mean.0", 10)
    assert (changed["code"], beyond["code"]) == ("reformat-changed", "no-such-frame")
    assert "Open the reformat again" in changed["sentence"]


def test_who_may_not_see_the_study_is_told_nothing(images: list[Instance], nil: AbstractUser) -> None:
    address = f"/studies/{images[0].series.study_id}/reformat/{images[0].pk}/"
    assert log_in(nil).get(address).status_code == 403
    assert Client().get(address).status_code == 302


def test_an_image_of_another_study_has_no_reformat_here(
    images: list[Instance], rita: AbstractUser, tmp_path: Path
) -> None:
    other = keep_object(tmp_path, ct_slice())
    client = log_in(rita)
    assert client.get(f"/studies/{images[0].series.study_id}/reformat/{other.pk}/").status_code == 404
    refused = client.get(f"/studies/{other.series.study_id}/reformat/{other.pk}/")
    assert refused.status_code == 422
    assert "at least eight" in refused.json()["sentence"]


def test_lengths_and_values_on_a_plane_are_those_of_the_patient(
    images: list[Instance], rita: AbstractUser
) -> None:
    client = log_in(rita)
    found = asked(client, images[0])
    address = f"/studies/{images[0].series.study_id}/measure/"
    on = {"instance": f"{found['name']}.coronal.mean.0", "frame": 8, "text": ""}

    def measured(shape: str, places: list[list[float]]) -> dict[str, Any]:
        answer = client.post(address, on | {"shape": shape, "places": places}, "application/json")
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    assert measured("length", [[1, 1], [4, 5]]) == {"basis": "spacing", "number": 5.0, "unit": "mm"}
    region = measured("rectangle", [[2, 1], [6, 4]])
    inside = VALUES[1:4, 7, 2:6]
    assert region["number"] == 12.0
    assert region["statistics"]["count"] == 12
    assert region["statistics"]["mean"] == pytest.approx(inside.mean())
    assert region["statistics"]["deviation"] == pytest.approx(inside.std())
    assert measured("probe", [[3.5, 2.5]])["number"] == VALUES[2, 7, 3]

    # A volume that is not there is begun, and not waited for.
    volumes_forget()
    with mock.patch.object(reformatting, "_make"):
        answer = client.post(address, on | {"shape": "probe", "places": [[3.5, 2.5]]}, "application/json")
    assert answer.status_code == 422
    assert "being read again" in answer.json()["sentence"]
    volumes_forget()


BARE = {"op": "frame", "seq": 1, "viewport": 0, "frame": 1, "size": [9, 9], "quality": "moving"}


@pytest.mark.parametrize(
    "name",
    [
        "r1.0123456789abcdef.coronal.mip",
        "r0.0123456789abcdef.coronal.mip.10",
        "r1.0123456789abcdeF.coronal.mip.10",
        "r1.0123456789abcdef.oblique.mip.10",
        "r1.0123456789abcdef.coronal.most.10",
        "r1.0123456789abcdef.coronal.mip.2001",
        "r1.0123456789abcdef.coronal.mip.-1",
        "r1.0123456789abcdef.coronal.mip.10\n",
        "r٣.0123456789abcdef.coronal.mip.10",
        "1",
    ],
)
def test_names_that_are_none(name: str) -> None:
    assert isinstance(
        request_parse(json.dumps(BARE | {"instance": "r1.0123456789abcdef.coronal.mip.2000"})), FrameRequest
    )
    with pytest.raises(ProtocolError) as caught:
        request_parse(json.dumps(BARE | {"instance": name}))
    assert caught.value.field == "instance"
