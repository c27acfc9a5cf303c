"""Certificates: read, named, and said in time that they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from dicomnet import checks
from dicomnet.checks import tls_usable
from dicomnet.tls import (
    TlsNotUsable,
    certificates_of,
    client_context,
    days_left,
    fingerprint_of,
    server_context,
)
from tests import people
from tests.wire.certificates import Pair, authority, signed


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    folder = tmp_path_factory.mktemp("certificates")
    ca = authority(folder)
    return {"ca": ca} | {f"{days}": signed(folder, ca, f"lightbox{days}", days=days) for days in (365, 20)}


def using(pair: Pair, **changes: Any) -> Any:
    return override_settings(
        **{
            "PACS_DICOM_TLS_PORT": 2762,
            "PACS_DICOM_TLS_CERT": pair.cert,
            "PACS_DICOM_TLS_KEY": pair.key,
            "PACS_DICOM_TLS_CA": None,
            "PACS_DICOM_TLS_CLIENT": "off",
        }
        | changes
    )


def test_a_certificate_says_whose_it_is_and_when_it_ends(pairs: dict[str, Pair]) -> None:
    (found,) = certificates_of(pairs["20"].cert)
    assert (found.common_name, found.fingerprint) == ("lightbox20", pairs["20"].fingerprint)
    assert days_left(found) in (19, 20)
    assert found.named("lightbox20")
    assert found.named(f" {found.fingerprint.upper()} ")
    assert not found.named("lightbox2")
    assert not found.named("f" * 64)


def test_a_fingerprint_is_known_in_every_spelling() -> None:
    assert fingerprint_of("AB:" * 31 + "ab") == "ab" * 32
    assert (fingerprint_of("ab" * 31), fingerprint_of("ct1"), fingerprint_of("")) == ("", "", "")


@pytest.mark.parametrize(
    ("left", "found"), [(31, []), (30, ["dicomnet.W002"]), (0, ["dicomnet.W002"]), (-1, ["dicomnet.W003"])]
)
def test_the_check_warns_a_month_before(
    pairs: dict[str, Pair], monkeypatch: pytest.MonkeyPatch, left: int, found: list[str]
) -> None:
    monkeypatch.setattr(checks, "days_left", lambda certificate: left)
    with using(pairs["365"]):
        assert [message.id for message in tls_usable(None)] == found


def test_the_check_says_what_cannot_be_used(pairs: dict[str, Pair], tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    for changes in (
        {"PACS_DICOM_TLS_KEY": pairs["20"].key},  # of another certificate
        {"PACS_DICOM_TLS_CERT": tmp_path / "text.pem"},
        {"PACS_DICOM_TLS_CA": tmp_path / "text.pem", "PACS_DICOM_TLS_CLIENT": "required"},
    ):
        with using(pairs["365"], **changes):
            (message,) = tls_usable(None)
            assert message.id == "dicomnet.E002"
            with pytest.raises(TlsNotUsable):
                server_context()


def test_without_tls_there_is_nothing_to_check() -> None:
    assert tls_usable(None) == []
    client_context()  # calling over TLS needs nothing of ours


def test_what_is_spoken_is_what_the_profiles_name(pairs: dict[str, Pair]) -> None:
    with using(pairs["365"]):
        spoken = {cipher["name"] for cipher in server_context().get_ciphers()}
    assert spoken == {
        "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    }  # fmt: skip


@pytest.mark.django_db
def test_the_admin_says_until_when_it_holds(pairs: dict[str, Pair]) -> None:
    client = Client()
    client.force_login(people.ada_administrator(), backend="django.contrib.auth.backends.ModelBackend")
    with using(pairs["20"]):
        ends = f"{certificates_of(pairs['20'].cert)[0].not_after:%Y-%m-%d}"
        page = client.get("/admin/dicomnet/aenode/").content.decode()
        assert f"TLS on port 2762: certificate “lightbox20” until {ends}" in page
        assert f"of PACS_DICOM_TLS_CERT ends on {ends}." in client.get("/admin/").content.decode()
    assert "TLS on port" not in client.get("/admin/dicomnet/aenode/").content.decode()
