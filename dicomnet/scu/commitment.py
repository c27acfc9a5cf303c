"""Storage commitment on an association of ours: results we report, requests we make (PS3.4 J.3)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connections
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context, build_role, evt
from pynetdicom.association import Association

from archive.custody import ObjectName
from dicomnet.commitment_datasets import (
    ACTION_REQUEST,
    PUSH_MODEL,
    WELL_KNOWN,
    NotValid,
    Report,
    report_dataset,
    report_read,
    request_dataset,
)
from dicomnet.diary.entry import Entry
from dicomnet.scu.client import Failure, NotAssociated, Patience, Peer, association
from dicomnet.status import Category, Status, category

log = logging.getLogger("lightbox.commit")

PATIENCE = Patience(connect=3.0, answer=10.0, network=60.0)
ResultTaker = Callable[[Report], bool]
"""Write down a result that came on the association of its request; say whether it is one of ours."""


class Refused(Exception):
    """The peer answered with a failure: its DIMSE status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


@dataclass(slots=True)
class CommitmentCall:
    """An open association. Its methods raise ``Refused``, and ``NotAssociated`` when no answer comes."""

    association: Association
    _messages: int = 0
    _requested: int = 0
    _results: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def report(self, report: Report) -> None:
        """Tell a result: N-EVENT-REPORT, heard when this returns."""
        status, _ = self.association.send_n_event_report(
            report_dataset(report), report.event_type, PUSH_MODEL, WELL_KNOWN, msg_id=self._message_id()
        )
        self._judge(status)

    def request(self, transaction_uid: str, names: Sequence[ObjectName]) -> None:
        """Ask for the commitment of objects: N-ACTION; its result comes later."""
        status, _ = self.association.send_n_action(
            request_dataset(transaction_uid, names),
            ACTION_REQUEST,
            PUSH_MODEL,
            WELL_KNOWN,
            msg_id=self._message_id(),
        )
        self._judge(status)
        self._requested += 1

    def linger(self, seconds: float) -> None:
        """Give the peer this long to send each result on this association (PS3.4 J.3.3 lets it)."""
        while self._requested and self.association.is_established:
            if not self._results.acquire(timeout=seconds):
                return
            self._requested -= 1

    def result_came(self) -> None:
        self._results.release()

    def _message_id(self) -> int:
        self._messages = self._messages % 65535 + 1
        return self._messages

    def _judge(self, status: Dataset) -> None:
        number = getattr(status, "Status", None)
        if number is None:
            aborted = self.association.is_aborted
            raise NotAssociated(Failure.ABORTED if aborted else Failure.NO_ANSWER)
        if category(number) not in (Category.SUCCESS, Category.WARNING):
            raise Refused(number)


@contextmanager
def commitment_call(
    peer: Peer,
    *,
    as_provider: bool,
    take: ResultTaker,
    linger: float = 0.0,
    patience: Patience = PATIENCE,
    entry: Entry | None = None,
) -> Iterator[CommitmentCall]:
    """An association for storage commitment, released at the end.

    ``as_provider``: we open it to tell results, so we propose to be the SCP of the class and not its SCU
    (PS3.7 D.3.3.4). A peer that accepts the context without a word about roles is told all the same: many
    do not know role selection. One that refuses the role is not. Otherwise we ask, and ``take`` gets what
    the peer answers within ``linger`` seconds on this association. Raises ``NotAssociated``.
    """
    context = build_context(PUSH_MODEL, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    roles = [build_role(PUSH_MODEL, scu_role=False, scp_role=True)] if as_provider else []
    calls: list[CommitmentCall] = []

    def reported(event: Any) -> tuple[int, None]:
        try:
            return _reported(event, take), None
        finally:
            connections.close_all()  # this is a thread of the association's
            for call in calls:
                call.result_came()

    handlers = [] if as_provider else [(evt.EVT_N_EVENT_REPORT, reported)]
    with association(
        peer, [context], patience=patience, roles=roles, handlers=handlers, entry=entry
    ) as opened:
        answered = opened.acceptor.role_selection.get(UID(PUSH_MODEL))
        if as_provider and answered is not None and not answered.scp_role:
            raise NotAssociated(Failure.ROLE_REFUSED)
        call = CommitmentCall(opened)
        calls.append(call)
        yield call
        call.linger(linger)


def _reported(event: Any, take: ResultTaker) -> int:
    """The status for an N-EVENT-REPORT that came on our association."""
    try:
        known = take(report_read(event.event_information))
    except NotValid:
        return Status.INVALID_ARGUMENT_VALUE
    except DatabaseError:
        log.exception("the result of a commitment could not be written")
        return Status.PROCESSING_FAILURE
    except Exception:  # noqa: BLE001  the peer gets a status, whatever it sent
        return Status.PROCESSING_FAILURE
    return Status.SUCCESS if known else Status.INVALID_ARGUMENT_VALUE
