"""System checks of store and database: what an operator can get wrong, said before an image depends on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections
from django.utils.translation import gettext as _

from archive.storage.address import StoreAddressError, bucket_address
from archive.storage.keys import OBJECTS, STAGING

TAG: Final = "archive"
LOW_DISK_BYTES: Final = 2 << 30
# Locks and flushes over these are not what SQLite needs (https://www.sqlite.org/faq.html#q5).
_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ncpfs", "afs"})


def checks_register() -> None:
    register(store_usable, TAG)
    register(sqlite_safe, TAG)
    register(database_durable, Tags.database)


def store_usable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The store's address makes sense, its folder can be written, and a rename in it does not copy."""
    try:
        bucket_address(settings.PACS_STORE_URL)
    except StoreAddressError as error:
        return [
            Error(
                str(error),
                hint=_("The access key comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."),
                id="archive.E001",
            )
        ]
    root = Path(settings.DATA_DIR) / "store"
    there = next(path for path in (root, *root.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return [
            Error(
                _("The store %(folder)s cannot be written.") % {"folder": root},
                hint=_("Give PACS_DATA_DIR a folder that the account of the service may write to."),
                id="archive.E002",
            )
        ]
    return [*_one_file_system(root), *_disk_low(there)]


def _one_file_system(root: Path) -> list[CheckMessage]:
    staging, objects = root / STAGING, root / OBJECTS
    if staging.exists() and objects.exists() and staging.stat().st_dev != objects.stat().st_dev:
        return [
            Error(
                _("%(staging)s and %(objects)s are on different file systems: nothing can be stored.")
                % {"staging": staging, "objects": objects},
                hint=_("Move the whole folder %(root)s, not parts of it.") % {"root": root},
                id="archive.E003",
            )
        ]
    return []


def _disk_low(folder: Path) -> list[CheckMessage]:
    free = shutil.disk_usage(folder).free
    if free >= LOW_DISK_BYTES:
        return []
    return [
        Warning(
            _("The disk of %(folder)s has %(megabytes)d MB left.")
            % {"folder": folder, "megabytes": free >> 20},
            hint=_("When it is full, senders are told to come again (status A700)."),
            id="archive.W001",
        )
    ]


def sqlite_safe(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """SQLite runs as the design asks: write-ahead log, full flushes, writers that wait."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    options = database.get("OPTIONS", {})
    pragmas = "".join(str(options.get("init_command", "")).lower().split())
    found: list[CheckMessage] = []
    if "journal_mode=wal" not in pragmas or "synchronous=full" not in pragmas:
        found.append(
            Error(
                _("SQLite would answer before a row is on the disk, or let readers block writers."),
                hint=_("Keep journal_mode=WAL and synchronous=FULL in OPTIONS['init_command']."),
                id="archive.E004",
            )
        )
    if options.get("transaction_mode") != "IMMEDIATE":
        found.append(
            Error(
                _("SQLite would fail with “database is locked” when two associations store at once."),
                hint=_("Keep transaction_mode IMMEDIATE in OPTIONS."),
                id="archive.E005",
            )
        )
    kind = file_system(Path(settings.DATA_DIR))
    if kind in _NETWORK:
        found.append(
            Warning(
                _("The database is on a network file system (%(kind)s): SQLite can lose rows there.")
                % {"kind": kind},
                hint=_("Use a local disk, or PostgreSQL through DATABASE_URL."),
                id="archive.W002",
            )
        )
    return found


def file_system(path: Path, mounts: str = "/proc/mounts") -> str:
    """The kind of file system a path is on; empty where the system does not tell."""
    try:
        lines = Path(mounts).read_text().splitlines()
    except OSError:
        return ""
    real, best, kind = str(path.resolve()), "", ""
    for line in lines:
        _device, point, this_kind = line.split(" ")[:3]
        point = point.replace("\\040", " ")
        if (real + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, kind = point, this_kind
    return kind


def database_durable(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """PostgreSQL flushes before it says committed. Asked of the server, so only with ``--database``."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "postgresql":
            continue
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
                flush, commit = cursor.fetchone()
        except DatabaseError:
            continue  # that it cannot be reached is told elsewhere
        if flush == "off" or commit == "off":
            found.append(
                Warning(
                    _("PostgreSQL says committed before the rows are on the disk."),
                    hint=_("Set fsync and synchronous_commit to on in postgresql.conf."),
                    id="archive.W003",
                )
            )
    return found
