"""System checks of the DICOM side."""

from __future__ import annotations

from typing import Any

import pytest

from dicomnet.checks import dicom_address


@pytest.mark.parametrize(
    ("host", "accept", "ids"),
    [
        ("127.0.0.1", False, []),
        ("127.0.0.1", True, []),
        ("localhost", True, []),
        ("0.0.0.0", False, []),
        ("0.0.0.0", True, ["dicomnet.W001"]),
        ("no-such-host.invalid", False, ["dicomnet.E001"]),
    ],
)
def test_the_address(settings: Any, host: str, accept: bool, ids: list[str]) -> None:
    settings.PACS_DICOM_HOST, settings.PACS_ACCEPT_UNKNOWN_AE = host, accept
    found = dicom_address(None)
    assert [message.id for message in found] == ids
    assert all(message.hint for message in found)
