"""What the diary learns of an association that pynetdicom carries: its contexts, operations and end."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext

from dicomnet.contexts import Answered, Proposed, Result
from dicomnet.diary.entry import End, Entry, UnderWay, kind_of
from dicomnet.status import Category, category

_RESPONSE = 0x8000
_COUNTS = (
    "NumberOfCompletedSuboperations",
    "NumberOfFailedSuboperations",
    "NumberOfWarningSuboperations",
)


class Noting:
    """Fills in an entry from pynetdicom's events. Requests of the peer's are none of ours, and not noted."""

    def __init__(self, entry: Entry, contexts: Sequence[PresentationContext]) -> None:
        self._entry = entry
        self._proposed = [
            Proposed(2 * number + 1, str(c.abstract_syntax), tuple(map(str, c.transfer_syntax)))
            for number, c in enumerate(contexts)
        ]
        self._lock = threading.Lock()  # answers come in the reactor's thread
        self._pending = 0
        entry.negotiated(self._proposed)

    def handlers(self) -> list[tuple[Any, Any]]:
        return [(evt.EVT_DIMSE_SENT, self._sent), (evt.EVT_DIMSE_RECV, self._received)]

    def established(self, opened: Association) -> None:
        """Note what was agreed, and who they say they are."""
        entry = self._entry
        accepted = {context.context_id: context for context in opened.accepted_contexts}
        refused = {context.context_id: context.result for context in opened.rejected_contexts}
        entry.negotiated(self._proposed, [_answered(c, accepted, refused) for c in self._proposed])
        acceptor = opened.acceptor
        entry.max_pdu = acceptor.maximum_length or 0
        entry.own_max_pdu = opened.requestor.maximum_length or 0
        names = (acceptor.implementation_version_name, acceptor.implementation_class_uid)
        entry.implementation = " ".join(str(name) for name in names if name)

    def ended(self, opened: Association, *, aborted_by_peer: bool) -> None:
        """Note how it ended; nothing of it is changed afterwards."""
        if aborted_by_peer:
            end = End.ABORTED
        elif opened.is_released:
            end = End.RELEASED
        else:  # pynetdicom itself aborts when an answer does not come in time
            end = End.BROKEN_OFF if opened._sent_abort else End.LOST
        with self._entry.lock:
            self._entry.over(end)

    def _sent(self, event: Any) -> None:
        command = event.message.command_set
        field = int(command.get("CommandField", 0))
        if field & _RESPONSE or field == 0x0FFF:
            return
        data = event.message.data_set
        size = data.getbuffer().nbytes if data is not None else 0
        with self._lock:
            self._pending = 0
            self._entry.under_way = UnderWay(
                kind_of(field), _class_of(command), time.monotonic(), lambda: size
            )

    def _received(self, event: Any) -> None:
        command = event.message.command_set
        status = command.get("Status")
        if not int(command.get("CommandField", 0)) & _RESPONSE or status is None:
            return
        with self._lock:
            if category(int(status)) is Category.PENDING:
                self._pending += 1
                return
            under_way, self._entry.under_way = self._entry.under_way, None
            if under_way is None:
                return
            completed, failed, warned = (int(command.get(name) or 0) for name in _COUNTS)
            self._entry.operation(
                under_way.kind,
                under_way.sop_class,
                int(status),
                seconds=time.monotonic() - under_way.began,
                size=under_way.size(),
                pending=self._pending,
                counts=(completed, failed, warned),
            )


def _class_of(command: Any) -> str:
    return str(command.get("AffectedSOPClassUID") or command.get("RequestedSOPClassUID") or "")


def _answered(context: Proposed, accepted: dict[Any, Any], refused: dict[Any, Any]) -> Answered:
    taken = accepted.get(context.context_id)
    if taken is not None:
        syntax = str(taken.transfer_syntax[0])
        return Answered(context.context_id, context.abstract_syntax, syntax, Result.ACCEPTANCE)
    result = refused.get(context.context_id)
    known = Result(result) if result in set(Result) - {Result.ACCEPTANCE} else Result.NO_REASON
    return Answered(context.context_id, context.abstract_syntax, "", known)
