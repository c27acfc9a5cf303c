"""The index, made anew from the files: after a lost or damaged database, or an update that reads more.

One transaction: until its commit everybody sees the old index, and a crash in the middle changes nothing.
Objects come in the order in which they first arrived, so the same files give the same patients, studies
and conflicts. Rows that were there before keep their keys, so that links, print jobs and lists stay
right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from django.db import connection, transaction
from django.db.models import Model

from archive.adoption import filed_read, origin_of, record_read
from archive.counting import studies_gone
from archive.dicom.reader import Unreadable
from archive.holding import hold_write
from archive.indexing import chain_remember, chains_forget, instance_index
from archive.models import (
    FileRemoval,
    Instance,
    InstanceVariant,
    Patient,
    PatientTerm,
    QuarantinedObject,
    Series,
    SeriesRequest,
    Study,
    StudyTerm,
)
from archive.outcome import FiledObject, Result
from archive.rekeying import digests_saved, rows_restore, rows_save
from archive.storage import NotStored, store
from archive.storage.keys import OBJECTS, QUARANTINE, key_arrival

# Children first: they are emptied in this order.
INDEX: Final[tuple[type[Model], ...]] = (
    InstanceVariant,
    Instance,
    SeriesRequest,
    Series,
    StudyTerm,
    Study,
    PatientTerm,
    Patient,
)
_AT_ONCE: Final = 500


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did. ``surplus``: second copies of what is indexed, left for ``fsck --repair``.

    ``lost``: objects that were in the index and whose file is gone.
    """

    indexed: int = 0
    quarantined: int = 0
    surplus: int = 0
    lost: int = 0
    unreadable: list[str] = field(default_factory=list)


class RebuildError(Exception):
    """The index was left as it was; the message says why."""


def index_rebuild(
    *,
    skip_unreadable: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rebuilt:
    """Drop patients, studies, series, instances and variants, and make them again from the stored files.

    What arrives meanwhile waits, and is told to come again if that takes long. Raises ``RebuildError``
    when the disk will not give a file (unless such files are to be left out), ``OSError`` and
    ``DatabaseError``; nothing has changed then.
    """
    rebuilt = Rebuilt()
    try:
        with transaction.atomic(durable=True):
            _writers_stop()
            known = rows_save()
            for model in INDEX:
                rows = model._default_manager.all()
                rows._raw_delete(rows.db)
            studies_gone()
            total = _queue_fill()
            for done, key in enumerate(_queue(), start=1):
                _rebuild_one(key, rebuilt)
                progress(done, total)
            if rebuilt.unreadable and not skip_unreadable:
                raise RebuildError(
                    f"{len(rebuilt.unreadable)} files cannot be read, first {rebuilt.unreadable[0]}. "
                    "The index is as it was. Give --skip-unreadable to leave them out."
                )
            rebuilt.lost = known - rows_restore()
    finally:
        chains_forget()  # the keys in it were provisional
    return rebuilt


def _writers_stop() -> None:
    """On PostgreSQL others may go on reading, not writing. SQLite has one writer anyhow."""
    if connection.vendor == "postgresql":
        tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in INDEX)
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")


# ---------------------------------------------------------------------- which files, in which order


def _queue_fill() -> int:
    """List the files that need rows in a temporary table, which also sorts them; return how many."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS reindex_queue")
        cursor.execute("CREATE TEMPORARY TABLE reindex_queue (arrival BIGINT, file_key VARCHAR(255))")
        total = 0
        for some in _listed():
            cursor.executemany("INSERT INTO reindex_queue VALUES (%s, %s)", some)
            total += len(some)
        cursor.execute("CREATE INDEX reindex_queue_order ON reindex_queue (arrival, file_key)")
    return total


def _listed() -> Iterator[list[tuple[int, str]]]:
    for area in (OBJECTS, QUARANTINE):
        for bucket in store().buckets(area):
            keys = [file.key for file in store().files(bucket)]
            for start in range(0, len(keys), _AT_ONCE):
                some = set(keys[start : start + _AT_ONCE])
                some -= set(FileRemoval.objects.filter(file_key__in=some).values_list("file_key", flat=True))
                held = QuarantinedObject.objects.filter(file_key__in=some, state=QuarantinedObject.State.HELD)
                some -= set(held.values_list("file_key", flat=True))
                yield [(_microseconds(key), key) for key in some]


def _microseconds(key: str) -> int:
    return int(key_arrival(key).timestamp() * 1_000_000)


def _queue() -> Iterator[str]:
    last: tuple[int, str] = (-1, "")
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT arrival, file_key FROM reindex_queue"
                " WHERE arrival > %s OR (arrival = %s AND file_key > %s)"
                " ORDER BY arrival, file_key LIMIT %s",
                [last[0], last[0], last[1], _AT_ONCE],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1]
        yield from (key for _, key in rows)


# ---------------------------------------------------------------------- one file


def _rebuild_one(key: str, rebuilt: Rebuilt) -> None:
    try:
        _index_one(key, rebuilt)
    except Unreadable as reason:
        hold_write(filed=filed_read(key, 0), reason=reason.code, detail=reason.detail)
        rebuilt.quarantined += 1
    except (OSError, NotStored):
        rebuilt.unreadable.append(key)


def _index_one(key: str, rebuilt: Rebuilt) -> None:
    record, offset = record_read(key)
    digests = digests_saved(key)
    if digests is None:
        filed = filed_read(key, offset)
    else:  # the bytes need not be read again; fsck does that
        filed = FiledObject(key, *digests, origin_of(key).source, key_arrival(key))
    indexed = instance_index(record=record, filed=filed, careful=True, announce=False)
    if indexed.chain:
        chain_remember(record=record, chain=indexed.chain)
    if indexed.outcome.kind is Result.DUPLICATE:
        rebuilt.surplus += 1
    else:
        rebuilt.indexed += 1
