"""Where the files are: stage an arriving object, place it, read it back.

``stage_open`` and ``stage_open_file`` begin an arrival; ``archive.ingest`` ends it. ``file_open`` and
``file_path`` read what is kept. Nobody else opens a file of the store.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from archive.storage.address import bucket_address
from archive.storage.base import Store, StoredFile
from archive.storage.bucket import BucketStore
from archive.storage.errors import NotStored, OutOfResources
from archive.storage.files import FileStore
from archive.storage.origin import Origin
from archive.storage.part10 import file_meta
from archive.storage.stage import Stage

__all__ = [
    "NotStored",
    "Origin",
    "OutOfResources",
    "Stage",
    "Store",
    "StoredFile",
    "file_open",
    "file_path",
    "stage_open",
    "stage_open_file",
    "store",
]


def store() -> Store:
    """The store that ``PACS_STORE_URL`` names."""
    return _store(settings.PACS_STORE_URL, str(settings.DATA_DIR), os.getpid())


@lru_cache(maxsize=8)
def _store(url: str, data_dir: str, pid: int) -> Store:
    """One a process: connections to a service must not be carried over a fork."""
    address = bucket_address(url)
    root = Path(data_dir) / "store"
    return FileStore(root) if address is None else BucketStore(address, root)


def stage_open(
    *, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, source_ae: str = ""
) -> Stage:
    """Begin an arrival over the network: preamble and file meta are written, the data set follows as sent.

    Raises ``OutOfResources``.
    """
    return Stage(
        directory=store().staging(),
        head=file_meta(
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
            transfer_syntax_uid=transfer_syntax_uid,
            source_ae=source_ae,
        ),
        sop_class_uid=sop_class_uid,
        sop_instance_uid=sop_instance_uid,
        transfer_syntax_uid=transfer_syntax_uid,
        source_ae=source_ae,
    )


def stage_open_file() -> Stage:
    """Begin the arrival of a file that is kept byte for byte, its own group 2 included."""
    return Stage(directory=store().staging())


def file_open(key: str) -> BinaryIO:
    """Open a stored file for reading. Raises ``NotStored``, or ``OSError`` when it cannot be read."""
    return store().open(key)


def file_path(key: str) -> Path | None:
    """The path of a stored file, for readers that map it; None when the store is not a file system."""
    return store().path(key)
