"""How a file leaves the store: only when no row names it, and never between somebody's rename and commit.

Two ways lead here. An arrival was rolled back, or turned out to be here already: ``file_withdraw``. Rows
were deleted: ``removal_note`` in their transaction, ``removals_finish`` after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog
from django.db import DatabaseError, InterfaceError, transaction

from archive.committing import locks_take
from archive.models import FileRemoval, Instance, InstanceVariant, QuarantinedObject
from archive.storage import store

log = structlog.get_logger(__name__)
_AT_ONCE = 500


def keys_named(keys: Sequence[str]) -> set[str]:
    """Those of these files that a row names."""
    named: set[str] = set()
    for start in range(0, len(keys), _AT_ONCE):
        some = list(keys[start : start + _AT_ONCE])
        for rows in (
            Instance.objects.filter(file_key__in=some),
            InstanceVariant.objects.filter(file_key__in=some),
            QuarantinedObject.objects.filter(file_key__in=some, state=QuarantinedObject.State.HELD),
        ):
            named.update(rows.values_list("file_key", flat=True))
    return named


def file_withdraw(key: str, *, locks: Sequence[str]) -> bool:
    """Remove a file that was placed but got no row; say whether it is gone.

    Asks the database first, holding the locks of the arrival: somebody who rebuilds the index may have
    found the file in its place and written a row for it. If the database cannot be asked, the file stays,
    for ``fsck``.
    """
    try:
        with transaction.atomic():
            locks_take(locks)
            if keys_named([key]):
                return False
            store().remove(key)
    except (DatabaseError, InterfaceError, OSError) as error:
        log.warning("a file without a row stays, fsck will report it", file=key, error=str(error))
        return False
    return True


def removal_note(keys: Iterable[str]) -> None:
    """Note files whose rows are being deleted. Call it in the transaction that deletes them."""
    FileRemoval.objects.bulk_create((FileRemoval(file_key=key) for key in keys), ignore_conflicts=True)


def removals_finish() -> int:
    """Remove every file that was noted; return how many are gone. Safe at any time, also after a crash."""
    done = 0
    while notes := list(FileRemoval.objects.order_by("pk")[:_AT_ONCE]):
        named = keys_named([note.file_key for note in notes])
        gone = []
        for note in notes:
            if note.file_key not in named:
                try:
                    store().remove(note.file_key)
                except OSError as error:
                    log.warning("a file cannot be removed", file=note.file_key, error=str(error))
                    continue
                done += 1
            gone.append(note.pk)
        FileRemoval.objects.filter(pk__in=gone).delete()
        if len(gone) < len(notes):
            break
    return done
