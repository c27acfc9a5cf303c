"""Associations that we open, in the diary.

    with diary_outgoing(peer=Peer("CT1", "10.0.0.7", 104), calling="LIGHTBOX", node=node) as entry:
        with association(peer, contexts, entry=entry) as opened:
            ...

``scu.client.association`` fills the entry in by itself. Whoever speaks through other means calls
``entry.negotiated``, ``entry.operation`` for each answer and ``entry.over`` at the end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, connections, transaction

from dicomnet.diary.entry import End, Entry
from dicomnet.diary.writing import entry_close, entry_write, running_write
from dicomnet.models import AENode
from dicomnet.scu.client import NotAssociated, Peer

log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0


@contextmanager
def diary_outgoing(*, peer: Peer, calling: str, node: AENode | None = None) -> Iterator[Entry]:
    """An entry for one association with ``peer``, written when the body ends and, when that takes long, now
    and then before. What the body raises goes through; the diary itself raises nothing.
    """
    entry = Entry(
        outgoing=True,
        peer=peer.ae_title,
        own=calling,
        address=peer.host,
        port=peer.port,
        node_id=node.pk if node else None,
    )
    over = threading.Event()
    writer: threading.Thread | None = None
    if not connection.in_atomic_block:  # in a transaction nobody else could write
        writer = threading.Thread(target=_write_now_and_then, args=(entry, over), name="diary", daemon=True)
        writer.start()
    try:
        yield entry
    except NotAssociated as error:
        _close(entry, End.FAILED, error.failure.value, error.detail)
        raise
    except BaseException:
        _close(entry, End.BROKEN_OFF)
        raise
    else:
        _close(entry, End.RELEASED)
    finally:
        over.set()
        if writer is not None:
            writer.join()
        _write(entry)


def _close(entry: Entry, end: End, reason: str = "", detail: str = "") -> None:
    """Say how it ended, unless that was said where it was known better."""
    if entry.end is None:
        entry_close(entry=entry, end=end, reason=reason, detail=detail)


def _write(entry: Entry) -> None:
    try:
        with transaction.atomic():
            entry_write(entry=entry)
    except DatabaseError:
        log.exception("an association with %s could not be noted", entry.peer)


def _write_now_and_then(entry: Entry, over: threading.Event) -> None:
    while not over.wait(_LOOK_SECONDS):
        try:
            running_write(entries=[entry])
        except DatabaseError:
            log.exception("the diary has to wait")
        finally:
            connections.close_all()
