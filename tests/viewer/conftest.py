"""What the portal's tests share: Chinese is compiled, people and a study exist when asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from archive.ingest import Origin, file_ingest
from archive.models import Instance, Study
from tests import objects, people
from viewer.management.commands.compilecatalogue import catalogue_compile


@pytest.fixture(scope="session", autouse=True)
def catalogue() -> None:
    catalogue_compile()


@pytest.fixture
def rita(db: None) -> AbstractUser:
    return people.rita_reader()


@pytest.fixture
def omar(db: None) -> AbstractUser:
    return people.omar_operator()


@pytest.fixture
def ada(db: None) -> AbstractUser:
    return people.ada_administrator()


@pytest.fixture
def nil(db: None) -> AbstractUser:
    return people.nobody_nil()


@pytest.fixture
def as_rita(client: Client, rita: AbstractUser) -> Client:
    client.force_login(rita, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def keep(db: None, tmp_path: Path) -> Callable[..., Study]:
    """Take a CT image in; ``changes`` set its attributes. Returns its study."""

    def keep_one(**changes: Any) -> Study:
        ds = objects.ct_slice(**changes)
        path = tmp_path / f"{ds.SOPInstanceUID}.dcm"
        path.write_bytes(objects.part10(ds))
        outcome = file_ingest(path=path, origin=Origin(source="CT1_5F"))
        return Study.objects.get(series__instances=Instance.objects.get(pk=outcome.instance_id))

    return keep_one
