"""Thumbnails: small, kept by the browser, for people who may see the study."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client
from PIL import Image

from archive.models import Instance, Study
from tests.browser.pictures import disc

pytestmark = pytest.mark.django_db(transaction=True)
Keep = Callable[..., Study]


@pytest.fixture
def instance(keep: Keep) -> Instance:
    keep(Rows=512, Columns=512, PixelData=disc(512, 0.5).tobytes())
    return Instance.objects.get()


def test_thumbnail_is_a_picture_of_at_most_256_pixels(as_rita: Client, instance: Instance) -> None:
    answer = as_rita.get(f"/instances/{instance.pk}/thumbnail")
    assert answer.status_code == 200
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == (256, 256)
    pixels = np.asarray(picture.convert("L"))
    assert pixels[0, 0] < 12  # air
    assert 110 < pixels[128, 128] < 145  # soft tissue in the middle of the window 40/400


def test_browser_asks_once(as_rita: Client, instance: Instance) -> None:
    answer = as_rita.get(f"/instances/{instance.pk}/thumbnail")
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    again = as_rita.get(
        f"/instances/{instance.pk}/thumbnail", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304
    assert "Cache-Control" not in again.headers  # it would replace what the browser keeps


def test_thumbnail_is_for_people_with_a_role(client: Client, nil: AbstractUser, instance: Instance) -> None:
    client.force_login(nil, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/instances/{instance.pk}/thumbnail").status_code == 403


def test_unknown_instance_is_404(as_rita: Client) -> None:
    assert as_rita.get("/instances/12345/thumbnail").status_code == 404


def test_object_without_picture_is_415_with_a_sentence(as_rita: Client, keep: Keep) -> None:
    keep(PixelData=None, Rows=None, Columns=None)
    answer = as_rita.get(f"/instances/{Instance.objects.get().pk}/thumbnail")
    assert answer.status_code == 415
    assert len(answer.content.decode()) > 10
