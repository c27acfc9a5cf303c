"""The environment is read once, and nonsense is refused with the variable's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_site import env


def test_defaults_need_nothing() -> None:
    read = env.read({})
    assert (read.http_host, read.http_port, read.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert (read.dicom_host, read.dicom_port, read.ae_title) == ("127.0.0.1", 11112, "LIGHTBOX")
    assert (read.demo, read.accept_unknown_ae, read.https, read.database_url) == (True, False, False, "")
    assert read.data_dir == env.ROOT / "var"


def test_relative_data_folder_lies_below_the_checkout() -> None:
    assert env.read({"PACS_DATA_DIR": "./elsewhere"}).data_dir == env.ROOT / "elsewhere"


def test_public_url_decides_host_and_https() -> None:
    read = env.read({"PACS_PUBLIC_URL": "https://pacs.example.org/"})
    assert (read.public_url, read.public_host, read.https) == (
        "https://pacs.example.org",
        "pacs.example.org",
        True,
    )


def test_listening_everywhere_is_not_an_address_people_type() -> None:
    assert env.read({"PACS_HTTP_HOST": "0.0.0.0"}).public_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PACS_HTTP_PORT", "eighty"),
        ("PACS_DICOM_PORT", "70000"),
        ("PACS_PUBLIC_URL", "pacs.example.org"),
        ("PACS_PUBLIC_URL", "https://pacs.example.org/sub"),
        ("PACS_AE_TITLE", "SEVENTEEN_LETTERS"),
        ("PACS_AE_TITLE", "BACK\\SLASH"),
        ("PACS_UNKNOWN_AE", "maybe"),
        ("PACS_TIME_ZONE", "Mars/Olympus"),
        ("PACS_DEMO", "perhaps"),
        ("PACS_DICOM_PROCESSES", "0"),
        ("PACS_IDLE_LOCK_MINUTES", "-1"),
    ],
)
def test_nonsense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(env.ConfigurationError, match=name):
        env.read({name: value})


def test_without_tls_variables_there_is_no_tls() -> None:
    assert env.read({}).tls == env.Tls(port=None, cert=None, key=None, ca=None, client="off")


def test_tls_variables_are_read_together(tmp_path: Path) -> None:
    names = {"PACS_DICOM_TLS_CERT": "c.pem", "PACS_DICOM_TLS_KEY": "k.pem", "PACS_DICOM_TLS_CA": "a.pem"}
    values = {"PACS_DICOM_TLS_PORT": "2762"}
    for name, file in names.items():
        (tmp_path / file).touch()
        values[name] = str(tmp_path / file)
    read = env.read(values).tls
    assert (read.port, read.cert, read.client) == (2762, tmp_path / "c.pem", "optional")
    assert env.read(values | {"PACS_DICOM_TLS_CLIENT": "required"}).tls.client == "required"
    for name, value in (("CERT", "/nowhere.pem"), ("KEY", ""), ("CLIENT", "perhaps"), ("PORT", "dicom")):
        with pytest.raises(env.ConfigurationError, match=f"PACS_DICOM_TLS_{name}"):
            env.read(values | {f"PACS_DICOM_TLS_{name}": value})
    with pytest.raises(env.ConfigurationError, match="PACS_DICOM_TLS_CA"):
        env.read(values | {"PACS_DICOM_TLS_CA": "", "PACS_DICOM_TLS_CLIENT": "required"})
    with pytest.raises(env.ConfigurationError, match="PACS_DICOM_TLS_CERT"):
        env.read({"PACS_DICOM_TLS_PORT": "2762"})
