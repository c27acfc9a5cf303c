"""Several arrivals, one commit: the disk is asked to flush once for all who wait.

Whoever comes first while no transaction runs becomes the leader and writes for everybody who queued up
meanwhile. Nobody is answered before the commit that holds their rows is on the disk.

SQLite syncs its write-ahead log inside COMMIT, while it keeps every other writer out. So here COMMIT only
writes the log (``synchronous=NORMAL``), the lock goes to the next writer, and the leader syncs the log
itself before anybody is answered: what is answered is as durable as under ``synchronous=FULL``, and the
flushes of several writers run side by side. A power cut in between takes whole transactions back, those
that nobody was told of (the log is synced in order, and again before each checkpoint).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from archive.storage import syscalls

T = TypeVar("T")
MOST_AT_ONCE: Final = 64
ATTEMPTS: Final = 3  # a deadlock on PostgreSQL takes one transaction back; the work itself is sound
LOCK_TIMEOUT: Final = "25s"  # PostgreSQL; a sender that hears nothing for longer gives up


class NotCommitted(Exception):
    """The rows were rolled back: it is certain that they are not there."""


class CommitUnknown(Exception):
    """COMMIT itself failed or the connection broke in it: the rows may be there or not."""


class _Waiting(Generic[T]):
    """One caller's work, its outcome, and the names nobody else may write meanwhile.

    ``taken`` by a leader; ``written`` when its transaction is over, one way or the other; ``settled`` when
    that is on the disk.
    """

    __slots__ = ("error", "locks", "result", "settled", "taken", "work", "written")

    def __init__(self, work: Callable[[], T], locks: Sequence[str]) -> None:
        self.work = work
        self.locks = locks
        self.taken = False
        self.written = False
        self.settled = threading.Event()
        self.result: T
        self.error: Exception | None = None

    def succeed(self, result: T) -> None:
        self.result, self.written = result, True

    def fail(self, error: Exception) -> None:
        self.error, self.written = error, True


_queue: deque[_Waiting[Any]] = deque()
_leading = threading.Lock()


def commit(work: Callable[[], T], *, locks: Sequence[str] = ()) -> T:
    """Run ``work`` in a transaction and return its result once that transaction is durable.

    The transaction may be shared with the work of other threads of this process; if any of them fails,
    each runs again in one of its own, so ``work`` must only touch the database and may run more than
    once. ``locks`` are names (a study, a patient) that no two transactions hold at once.

    Raises ``NotCommitted`` (nothing was written), ``CommitUnknown``, or what ``work`` raised (nothing was
    written).
    """
    waiting = _Waiting(work, locks)
    if connection.in_atomic_block:
        # Inside somebody's transaction another thread could not write for us: it would wait for us.
        _lead([waiting])
    else:
        _queue.append(waiting)
        batch: list[_Waiting[Any]] = []
        with _leading:
            if not waiting.taken:
                with _turn():  # the longer it takes to come, the more will share the commit
                    batch = [_queue.popleft() for _ in range(min(len(_queue), MOST_AT_ONCE))]
                    for one in batch:
                        one.taken = True
                    with _log_unsynced():
                        _lead(batch)
        if batch:
            _settle(batch)
        waiting.settled.wait()
    if waiting.error is not None:
        raise waiting.error
    return waiting.result


def _lead(batch: list[_Waiting[Any]]) -> None:
    """Write for everybody in the batch: together if all goes well, else one by one."""
    try:
        if len(batch) == 1 or not _together(batch):
            for waiting in batch:
                _alone(waiting)
    finally:
        for waiting in batch:
            if not waiting.written:  # the leader was torn away: nobody may wait for it for ever
                waiting.fail(CommitUnknown("the thread that was to commit ended"))


def _settle(batch: list[_Waiting[Any]]) -> None:
    """Sync the log, then let everybody in the batch go."""
    try:
        if any(waiting.error is None for waiting in batch):
            log_sync()
    except BaseException as error:
        for waiting in batch:
            if waiting.error is None:
                waiting.fail(CommitUnknown(f"the log cannot be synced: {error}"))
        if not isinstance(error, OSError):
            raise
    finally:
        for waiting in batch:
            waiting.settled.set()


@contextlib.contextmanager
def _log_unsynced() -> Iterator[None]:
    """Leave the log to ``log_sync`` in here; whatever else this connection commits is synced by SQLite."""
    database = connections[DEFAULT_DB_ALIAS]
    raw = None
    with contextlib.suppress(DatabaseError, InterfaceError):  # the transaction will say what is wrong
        database.ensure_connection()
        if database.vendor == "sqlite" and os.path.exists(f"{database.settings_dict['NAME']}-wal"):
            raw = database.connection
            _pragma(database, "synchronous=NORMAL")
    try:
        yield
    finally:
        if raw is not None and database.connection is raw:
            try:
                _pragma(database, "synchronous=FULL")
            except (DatabaseError, InterfaceError):
                database.close()  # the next one opens as the settings say


def _pragma(database: BaseDatabaseWrapper, setting: str) -> None:
    with database.wrap_database_errors:
        database.connection.execute(f"PRAGMA {setting}")


def log_sync() -> None:
    """Sync SQLite's log: what a reader has seen is then on the disk. Raises ``OSError``."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor == "sqlite":
        with contextlib.suppress(FileNotFoundError):
            syscalls.fdatasync_file(f"{database.settings_dict['NAME']}-wal")


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Stand in line with the other processes that take objects in.

    SQLite lets a second writer poll, sleeping up to 0.1 s in between, and whoever is quick gets the lock;
    a file lock wakes the next at once. Only manners: what keeps writers apart is SQLite itself.
    """
    database = connections[DEFAULT_DB_ALIAS]
    path = str(database.settings_dict["NAME"])
    fd = -1
    if database.vendor == "sqlite":
        with contextlib.suppress(OSError):
            fd = _turn_open(path)
            fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if fd >= 0:
            os.close(fd)


def _turn_open(database: str) -> int:
    """The file beside the database that they lock; made once. A database without a file has none."""
    path, flags = f"{database}-turn", os.O_RDWR | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        if not os.path.isfile(database):
            raise
        return os.open(path, flags | os.O_CREAT, 0o640)


def _together(batch: list[_Waiting[Any]]) -> bool:
    """Try one transaction for all. False when it was rolled back and nobody is settled."""
    committing = False
    try:
        with transaction.atomic(durable=True):
            locks_take(name for waiting in batch for name in waiting.locks)
            results = [waiting.work() for waiting in batch]
            _still_sound()
            committing = True
    except Exception as error:  # noqa: BLE001 - one caller's mistake must not become the others': each runs alone
        if committing:
            _fail_all(batch, CommitUnknown(str(error)))
            connection.close()
            return True
        if isinstance(error, OperationalError) and not _worth_another_try(error):
            # No room, or locked for as long as a sender waits: alone it would be no better, only later.
            _fail_all(batch, _not_committed(error))
            return True
        return False
    for waiting, result in zip(batch, results, strict=True):
        waiting.succeed(result)
    return True


def _alone(waiting: _Waiting[Any]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        committing = False
        try:
            with transaction.atomic(durable=True):
                locks_take(waiting.locks)
                result = waiting.work()
                _still_sound()
                committing = True
        except (DatabaseError, InterfaceError) as error:
            if committing:
                waiting.fail(CommitUnknown(str(error)))
                connection.close()
                return
            if attempt == ATTEMPTS or not _worth_another_try(error):
                waiting.fail(_not_committed(error))
                return
        except Exception as error:  # noqa: BLE001 - belongs to the caller, in whose thread it is raised again
            waiting.fail(error)
            return
        else:
            waiting.succeed(result)
            return


def _still_sound() -> None:
    """A transaction that Django has marked for rollback would end without an error, and without the rows."""
    if transaction.get_rollback():
        raise DatabaseError("the transaction was marked for rollback")


def _fail_all(batch: list[_Waiting[Any]], error: Exception) -> None:
    for waiting in batch:
        waiting.fail(error)


def _worth_another_try(error: Exception) -> bool:
    """A key that was just taken, a deadlock, a serialization failure. Not a full disk, and not a database
    that was locked for as long as a sender waits.
    """
    return isinstance(error, IntegrityError) or getattr(error.__cause__, "sqlstate", "") in {"40001", "40P01"}


def _not_committed(error: Exception) -> NotCommitted:
    wrapped = NotCommitted(str(error))
    wrapped.__cause__ = error
    return wrapped


def locks_take(names: Any) -> None:
    """Hold these names until the transaction ends.

    SQLite has one writer at a time anyhow (BEGIN IMMEDIATE). On PostgreSQL they are advisory locks, taken
    in one order by everybody, so that two takers cannot wait for each other.
    """
    if connection.vendor != "postgresql":
        return
    numbers = sorted(
        {int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True) for name in names}
    )
    if numbers:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(n)"
                " FROM unnest(%s::bigint[]) AS n",
                [LOCK_TIMEOUT, numbers],
            )
