"""The environment: read once, checked, and refused with one sentence when it is nonsense.

The process environment beats ``.env`` at the root of the checkout. ``.env.example`` names every
variable; ``tests/test_docs.py`` holds the two together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import environ

ROOT = Path(__file__).resolve().parent.parent
_AE_TITLE = re.compile(r"[\x21-\x5b\x5d-\x7e]([\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?")


class ConfigurationError(Exception):
    """A variable holds something that cannot work. The message names the variable and a way out."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The second DICOM port, which speaks TLS. ``port`` None: there is none."""

    port: int | None
    cert: Path | None
    key: Path | None
    ca: Path | None
    client: str  # client certificates: off, optional or required


@dataclass(frozen=True, slots=True)
class Environment:
    """Every setting a site can choose, typed and checked."""

    data_dir: Path
    http_host: str
    http_port: int
    public_url: str
    dicom_host: str
    dicom_port: int
    dicom_processes: int
    tls: Tls
    ae_title: str
    admin_user: str
    admin_password: str
    demo: bool
    accept_unknown_ae: bool
    time_zone: str
    idle_lock_minutes: int
    diary_days: int
    transfer_days: int
    database_url: str
    store_url: str
    debug: bool

    @property
    def public_host(self) -> str:
        return urlsplit(self.public_url).hostname or self.http_host

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https://")


def _port(name: str, text: str, *, zero: bool = True) -> int:
    if not text.isdigit() or not (0 if zero else 1) <= int(text) <= 65535:
        raise ConfigurationError(f"{name} is “{text}”: give a port number, such as 8000.")
    return int(text)


def _file(name: str, text: str) -> Path | None:
    if not text:
        return None
    path = Path(text).expanduser()
    path = path if path.is_absolute() else ROOT / path
    if not path.is_file():
        raise ConfigurationError(f"{name} is “{text}”: there is no such file. Give a file in PEM form.")
    return path


def _tls(get: Callable[[str, str], str]) -> Tls:
    port = get("PACS_DICOM_TLS_PORT", "")
    cert = _file("PACS_DICOM_TLS_CERT", get("PACS_DICOM_TLS_CERT", ""))
    key = _file("PACS_DICOM_TLS_KEY", get("PACS_DICOM_TLS_KEY", ""))
    ca = _file("PACS_DICOM_TLS_CA", get("PACS_DICOM_TLS_CA", ""))
    client = get("PACS_DICOM_TLS_CLIENT", "optional" if ca else "off")
    if (cert is None) != (key is None):
        raise ConfigurationError("PACS_DICOM_TLS_CERT and PACS_DICOM_TLS_KEY belong together: give both.")
    if port and cert is None:
        raise ConfigurationError(
            f"PACS_DICOM_TLS_PORT is “{port}”: TLS needs PACS_DICOM_TLS_CERT and PACS_DICOM_TLS_KEY."
        )
    if client not in {"off", "optional", "required"}:
        raise ConfigurationError(f"PACS_DICOM_TLS_CLIENT is “{client}”: give off, optional or required.")
    if client != "off" and ca is None:
        raise ConfigurationError(
            f"PACS_DICOM_TLS_CLIENT is “{client}”: PACS_DICOM_TLS_CA has to name the authorities to believe."
        )
    return Tls(_port("PACS_DICOM_TLS_PORT", port) if port else None, cert, key, ca, client)


def _flag(name: str, text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ConfigurationError(f"{name} is “{text}”: give 1 or 0.")


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise ConfigurationError(
            f"PACS_PUBLIC_URL is “{text}”: give scheme and host, such as https://pacs.example.org."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _time_zone(text: str) -> str:
    if text:
        if text not in available_timezones():
            raise ConfigurationError(
                f"PACS_TIME_ZONE is “{text}”: give a name of the IANA list, such as Asia/Shanghai."
            )
        return text
    link = os.path.realpath("/etc/localtime")
    name = link.partition("/zoneinfo/")[2]
    return name if name in available_timezones() else "UTC"


def _ae_title(text: str) -> str:
    if not _AE_TITLE.fullmatch(text):
        raise ConfigurationError(
            f"PACS_AE_TITLE is “{text}”: give 1 to 16 ASCII characters without backslash (PS3.5 6.2)."
        )
    return text


def _minutes(name: str, text: str) -> int:
    if not text.isdigit() or not 0 <= int(text) <= 1440:
        raise ConfigurationError(f"{name} is “{text}”: give minutes from 0 (never) to 1440.")
    return int(text)


def _days(name: str, text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 3650:
        raise ConfigurationError(f"{name} is “{text}”: give days from 1 to 3650.")
    return int(text)


def _processes(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise ConfigurationError(f"PACS_DICOM_PROCESSES is “{text}”: give a number from 1 to 64.")
    return int(text)


def read(values: Mapping[str, str] | None = None) -> Environment:
    """Read and check the environment.

    Raises ``ConfigurationError`` with one sentence for the first variable that cannot work.
    """
    if values is None:
        if (ROOT / ".env").is_file():
            environ.Env.read_env(str(ROOT / ".env"), overwrite=False)
        values = os.environ

    def get(name: str, default: str) -> str:
        return values.get(name, "").strip() or default

    unknown_ae = get("PACS_UNKNOWN_AE", "reject")
    if unknown_ae not in {"reject", "accept"}:
        raise ConfigurationError(f"PACS_UNKNOWN_AE is “{unknown_ae}”: give reject or accept.")
    data_dir = Path(get("PACS_DATA_DIR", str(ROOT / "var"))).expanduser()
    http_host = get("PACS_HTTP_HOST", "127.0.0.1")
    http_port = _port("PACS_HTTP_PORT", get("PACS_HTTP_PORT", "8000"))
    shown_host = "127.0.0.1" if http_host in {"0.0.0.0", "::"} else http_host  # noqa: S104
    return Environment(
        data_dir=data_dir if data_dir.is_absolute() else ROOT / data_dir,
        http_host=http_host,
        http_port=http_port,
        public_url=_public_url(get("PACS_PUBLIC_URL", f"http://{shown_host}:{http_port}")),
        dicom_host=get("PACS_DICOM_HOST", "127.0.0.1"),
        dicom_port=_port("PACS_DICOM_PORT", get("PACS_DICOM_PORT", "11112")),
        dicom_processes=_processes(get("PACS_DICOM_PROCESSES", "2")),
        tls=_tls(get),
        ae_title=_ae_title(get("PACS_AE_TITLE", "LIGHTBOX")),
        admin_user=get("PACS_ADMIN_USER", "admin"),
        admin_password=values.get("PACS_ADMIN_PASSWORD", ""),
        demo=_flag("PACS_DEMO", get("PACS_DEMO", "1")),
        accept_unknown_ae=unknown_ae == "accept",
        time_zone=ZoneInfo(_time_zone(get("PACS_TIME_ZONE", ""))).key,
        idle_lock_minutes=_minutes("PACS_IDLE_LOCK_MINUTES", get("PACS_IDLE_LOCK_MINUTES", "15")),
        diary_days=_days("PACS_DIARY_DAYS", get("PACS_DIARY_DAYS", "90")),
        transfer_days=_days("PACS_TRANSFER_DAYS", get("PACS_TRANSFER_DAYS", "90")),
        database_url=get("DATABASE_URL", ""),
        store_url=get("PACS_STORE_URL", ""),
        debug=_flag("PACS_DEBUG", get("PACS_DEBUG", "0")),
    )
