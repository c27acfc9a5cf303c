"""`/dicom-web/` asks who is there: a challenge, never a redirect."""

from __future__ import annotations

from base64 import b64encode

import pytest
from django.test import Client

from tests.people import PASSWORD, rita_reader

pytestmark = pytest.mark.django_db


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


@pytest.mark.parametrize("address", ["/dicom-web/", "/dicom-web/studies", "/dicom-web/studies/1.2/series"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_stranger_is_challenged(client: Client, address: str, method: str) -> None:
    answer = getattr(client, method)(address)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Basic realm="api"'


def test_wrong_password_is_challenged_again(client: Client) -> None:
    rita_reader()
    assert client.get("/dicom-web/studies", headers=basic("rita", "wrong")).status_code == 401


def test_somebody_known_hears_what_is_not_there(client: Client) -> None:
    rita_reader()
    answer = client.get("/dicom-web/studies", headers=basic("rita", PASSWORD))
    assert answer.status_code == 404
    assert answer.json() == {"detail": "This archive does not offer DICOMweb yet."}


def test_password_in_the_clear_is_refused_from_elsewhere(client: Client) -> None:
    rita_reader()
    answer = client.get("/dicom-web/studies", headers=basic("rita", PASSWORD), REMOTE_ADDR="10.1.2.3")
    assert answer.status_code == 401
    assert answer.json() == {"detail": "A password needs https here."}
    secure = client.get(
        "/dicom-web/studies", headers=basic("rita", PASSWORD), REMOTE_ADDR="10.1.2.3", secure=True
    )
    assert secure.status_code == 404
