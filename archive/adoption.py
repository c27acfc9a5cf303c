"""A file that is in its place already: read it back, and give it the rows it should have."""

from __future__ import annotations

import hashlib
from typing import Final

from archive.committing import commit
from archive.dicom.extract import InstanceRecord, extract
from archive.dicom.reader import Unreadable, read_header
from archive.holding import hold_locks, quarantine_hold
from archive.identity import record_locks
from archive.indexing import instance_index, outcome_of_file
from archive.outcome import FiledObject, Outcome, Result
from archive.removal import file_withdraw
from archive.storage import Origin, store
from archive.storage.keys import key_arrival, key_parts

CHUNK: Final = 1 << 20


def origin_of(key: str) -> Origin:
    parts = key_parts(key)
    return store().origin_read(parts.origin) if parts else Origin(source="")


def record_read(key: str) -> tuple[InstanceRecord, int]:
    """Read a stored object's header; also where its data set begins.

    Raises ``Unreadable``, ``NotStored``, ``OSError``.
    """
    origin = origin_of(key)
    with store().open(key) as file:
        header = read_header(file)
        record = extract(header, default_charset=origin.default_charset, default_issuer=origin.default_issuer)
        return record, header.dataset_offset


def digests_read(key: str, offset: int) -> tuple[str, str, int]:
    """sha256 of the data set that begins at ``offset`` and of the whole file, and the file's size."""
    dataset, whole = hashlib.sha256(), hashlib.sha256()
    with store().open(key) as file:
        head = file.read(offset)
        whole.update(head)
        size = len(head)
        while chunk := file.read(CHUNK):
            dataset.update(chunk)
            whole.update(chunk)
            size += len(chunk)
    return dataset.hexdigest(), whole.hexdigest(), size


def filed_read(key: str, offset: int) -> FiledObject:
    """What there is to know of a stored file, its bytes read to the end."""
    dataset_digest, file_digest, size = digests_read(key, offset)
    return FiledObject(key, size, dataset_digest, file_digest, origin_of(key).source, key_arrival(key))


def file_adopt(key: str) -> Outcome:
    """Index a stored file that has no row, as if it arrived now; what cannot be indexed is quarantined.

    A file that turns out to be the copy of another is removed. Raises ``OSError``, ``NotStored`` and what
    ``commit`` raises, and leaves the file as it is then.
    """
    try:
        record, offset = record_read(key)
    except Unreadable as reason:
        return _hold(key, reason)
    filed = filed_read(key, offset)
    locks = record_locks(record)

    def work() -> Outcome:
        known = outcome_of_file(key)  # its own arrival may have come to an end meanwhile
        return known or instance_index(record=record, filed=filed, careful=True).outcome

    outcome = commit(work, locks=locks)
    if outcome.kind is Result.DUPLICATE:
        file_withdraw(key, locks=locks)
    return outcome


def _hold(key: str, reason: Unreadable) -> Outcome:
    filed = filed_read(key, 0)
    outcome = quarantine_hold(filed=filed, reason=reason.code, detail=reason.detail)
    file_withdraw(key, locks=hold_locks(filed.file_digest))  # equal bytes may be held already
    return outcome
