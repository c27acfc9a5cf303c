"""File, row, then Success: the one way by which an object comes into the archive.

The order is the promise. The bytes are staged to a temporary file while they are hashed; the header is
read back from it; the file is flushed, renamed to its place, the place's folders are flushed; one
transaction writes patient, study, series, instance, counters and an event; only when that is on the disk
does ``instance_ingest`` return. So a row without its file cannot be, and what was answered with success
is there after a power cut.
"""

from __future__ import annotations

import hashlib
import io
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from archive.committing import CommitUnknown, NotCommitted, commit, log_sync
from archive.dicom.extract import InstanceRecord, extract
from archive.dicom.reader import Unreadable, read_header
from archive.holding import hold_again, hold_locks, quarantine_hold
from archive.identity import record_locks
from archive.indexing import Indexed, chain_remember, instance_index, outcome_of_file
from archive.outcome import FiledObject, Outcome, Result
from archive.removal import file_withdraw
from archive.storage import Origin, OutOfResources, Stage, stage_open_file, store
from archive.storage.keys import key_arrival, object_key, quarantine_key
from archive.variants import duplicate_find

__all__ = [
    "Origin",
    "OutOfResources",
    "Outcome",
    "OutcomeUnknown",
    "Result",
    "file_ingest",
    "instance_ingest",
]

log = structlog.get_logger(__name__)
CHUNK: Final = 1 << 20
# What an import leaves where it is: whoever imports still has it.
NOT_OURS: Final = frozenset({"not-dicom", "empty", "dicomdir"})


class OutcomeUnknown(Exception):
    """COMMIT failed in a way that does not tell whether the rows are there. The file stays.

    The sender must take the object as not stored and send it again; ``fsck`` tells what became of this one.
    """


def instance_ingest(*, stage: Stage, origin: Origin) -> Outcome:
    """Take a completely written stage into the archive; see the module for the order.

    When this returns, the object is on the disk and, unless it is quarantined, in the index; a duplicate
    was there before. Raises ``OutOfResources`` (nothing of it is left) or ``OutcomeUnknown`` (the file
    stays). The stage is used up in every case.
    """
    with stage:
        try:
            return _ingest(stage, origin)
        except (DatabaseError, InterfaceError, OSError) as error:
            raise OutOfResources(f"index or store cannot be read: {error}") from error


def file_ingest(*, path: Path, origin: Origin) -> Outcome:
    """Take a copy of a file, byte for byte, its own group 2 included.

    A file that is no DICOM object at all is refused, not quarantined: whoever imports it still has it. Raises
    ``OSError`` when the file cannot be read, else what ``instance_ingest`` raises.
    """
    with path.open("rb") as source:
        return stream_ingest(source=source, origin=origin)


def stream_ingest(*, source: BinaryIO, origin: Origin) -> Outcome:
    """``file_ingest`` for something that can only be read once, from front to back."""
    head = source.read(CHUNK)
    refusal = _sniff(head)
    if refusal is not None:
        return refusal
    with stage_open_file() as stage:
        while head:
            stage.write(head)
            head = source.read(CHUNK)
        return instance_ingest(stage=stage, origin=origin)


def _sniff(head: bytes) -> Outcome | None:
    """Refuse by its first bytes what is no DICOM object, before any of it is copied."""
    try:
        extract(read_header(io.BytesIO(head)))
    except Unreadable as reason:
        if reason.code in NOT_OURS:
            return Outcome(Result.REFUSED, reason=reason.code, detail=reason.detail)
    return None


# ---------------------------------------------------------------------- an arrival, step by step


def _ingest(stage: Stage, origin: Origin) -> Outcome:
    try:
        record, dataset_digest = _read_back(stage, origin)
    except Unreadable as reason:
        return _quarantine(stage, origin, reason.code, reason.detail)
    duplicate = duplicate_find(record=record, dataset_digest=dataset_digest)
    if duplicate is not None:
        log_sync()  # it may have been committed a moment ago
        return duplicate
    key = object_key(
        study_instance_uid=record.study.study_instance_uid,
        sop_instance_uid=record.sop_instance_uid,
        origin=store().origin_keep(origin),
    )
    filed = _filed(key, stage, dataset_digest, origin)
    store().place(stage, key)
    return _index(record, filed, origin)


def _filed(key: str, stage: Stage, dataset_digest: str, origin: Origin) -> FiledObject:
    return FiledObject(
        key=key,
        size=stage.size,
        dataset_digest=dataset_digest,
        file_digest=stage.file_digest,
        source=origin.source,
        arrived=key_arrival(key),
    )


def _read_back(stage: Stage, origin: Origin) -> tuple[InstanceRecord, str]:
    """Read the header of the staged file: what counts is what is in the file, not what was announced."""
    with stage.open() as file:
        header = read_header(file, transfer_syntax_uid=stage.transfer_syntax_uid or None)
        record = extract(
            header,
            sop_class_uid=stage.sop_class_uid or None,
            sop_instance_uid=stage.sop_instance_uid or None,
            default_charset=origin.default_charset,
            default_issuer=origin.default_issuer,
        )
        if not stage.verbatim:
            return record, stage.dataset_digest
        return record, _digest_from(file, header.dataset_offset)


def _digest_from(file: BinaryIO, offset: int) -> str:
    """sha256 of the data set of a file: what follows group 2."""
    digest = hashlib.sha256()
    file.seek(offset)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _quarantine(stage: Stage, origin: Origin, reason: str, detail: str) -> Outcome:
    again = hold_again(file_digest=stage.file_digest, file_size=stage.size, reason=reason, detail=detail)
    if again is not None:
        return again
    key = quarantine_key(file_digest=stage.file_digest, origin=store().origin_keep(origin))
    filed = _filed(key, stage, "", origin)
    store().place(stage, key)
    outcome = _hold(
        filed,
        reason=reason,
        detail=detail,
        sop_class_uid=stage.sop_class_uid,
        sop_instance_uid=stage.sop_instance_uid,
        transfer_syntax_uid=stage.transfer_syntax_uid,
    )
    file_withdraw(
        key, locks=hold_locks(filed.file_digest)
    )  # another arrival of equal bytes may have been first
    return outcome


def _hold(filed: FiledObject, **facts: str) -> Outcome:
    locks = hold_locks(filed.file_digest)
    try:
        return quarantine_hold(filed=filed, **facts)
    except CommitUnknown as error:
        return _ask_again(filed.key, error)
    except NotCommitted as error:
        file_withdraw(filed.key, locks=locks)
        raise OutOfResources(f"the quarantine cannot be written: {error}") from error


def _index(record: InstanceRecord, filed: FiledObject, origin: Origin) -> Outcome:
    locks = record_locks(record)
    tries = count()

    def work() -> Indexed:
        return instance_index(record=record, filed=filed, careful=next(tries) > 0)

    try:
        indexed = commit(work, locks=locks)
        outcome = indexed.outcome
        if indexed.chain:
            chain_remember(record=record, chain=indexed.chain)
    except CommitUnknown as error:
        outcome = _ask_again(filed.key, error)
    except NotCommitted as error:
        if isinstance(error.__cause__, OperationalError | InterfaceError):
            file_withdraw(filed.key, locks=locks)
            raise OutOfResources(f"the index cannot be written: {error}") from error
        outcome = _hold_unindexable(record, filed, error)
    except OSError as error:  # the store does not say whether a file is there
        file_withdraw(filed.key, locks=locks)
        raise OutOfResources(f"the store cannot be read: {error}") from error
    except Exception as error:  # noqa: BLE001 - whatever the index trips over, the object is kept
        outcome = _hold_unindexable(record, filed, error)
    if outcome.kind is Result.DUPLICATE:  # somebody else's arrival of the same object was first
        file_withdraw(filed.key, locks=locks)
    return outcome


def _hold_unindexable(record: InstanceRecord, filed: FiledObject, error: Exception) -> Outcome:
    """The object can be read and the index will not have it: keep it, and say why."""
    log.error("an object cannot be indexed", sop_instance_uid=record.sop_instance_uid, exc_info=error)
    return _hold(
        filed,
        reason="not-indexable",
        detail=str(error),
        sop_class_uid=record.sop_class_uid,
        sop_instance_uid=record.sop_instance_uid,
        transfer_syntax_uid=record.transfer_syntax_uid,
    )


def _ask_again(key: str, error: CommitUnknown) -> Outcome:
    """Ask over a new connection whether the commit came through: the file's name is in the row, or it is not.

    That the row is not to be seen proves nothing, a server may still be at work on it.
    """
    connection.close()
    try:
        found = outcome_of_file(key)
    except (DatabaseError, InterfaceError):
        found = None
    if found is None:
        log.error("the outcome of a commit is unknown, the file stays", file=key, error=str(error))
        raise OutcomeUnknown(str(error)) from error
    return found
