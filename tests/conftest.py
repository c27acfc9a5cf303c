"""What every kind of test shares: the kind as a marker, the corpus, one lock for heavy things."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

# How long an example takes says how busy the machine is.
settings.register_profile("lightbox", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lightbox")
HERE = Path(__file__).parent
_KINDS = {
    "pure": "pure",
    "archive": "db",
    "dicomnet": "db",
    "viewer": "db",
    "wire": "wire",
    "browser": "browser",
    "torture": "torture",
    "bench": "bench",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test's folder is its kind."""
    for item in items:
        folder = Path(item.path).relative_to(HERE).parts[0]
        if folder in _KINDS:
            item.add_marker(getattr(pytest.mark, _KINDS[folder]))


def corpus_root() -> Path | None:
    """The folder of real files: PACS_TEST_CORPUS, by default ``../shared`` beside the checkout."""
    root = Path(os.environ.get("PACS_TEST_CORPUS") or HERE.parent.parent / "shared")
    return root if (root / "dicom" / "manifest.csv").is_file() else None


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Root of the corpus (``dicom/`` and ``oracle/`` below it); skips where there is none."""
    root = corpus_root()
    if root is None:
        pytest.skip("no corpus: set PACS_TEST_CORPUS")
    return root


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Close what other threads of this process still have open before the test database is dropped.

    Channels' test client keeps them from closing their connections themselves.
    """
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
