"""What the diary learns of an association on a wire of our own: its contexts, our requests, their answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from dicomnet.contexts import Answered, Proposed, Result
from dicomnet.diary.entry import Entry, UnderWay, kind_of
from dicomnet.dimse.command import Command, Field, command_decoded
from dicomnet.dimse.messages import Messages
from dicomnet.dimse.proposing import Acceptance
from dicomnet.status import Category, category

Noted = Callable[[], AbstractContextManager[Entry | None]]
"""Begins the diary's entry of an association that is about to be opened; ``nullcontext`` keeps none."""


class WiredNoting:
    """Fills in an entry from the messages of an association. Requests of the peer's are none of ours."""

    def __init__(self, entry: Entry, messages: Messages) -> None:
        self._entry = entry
        self._asked: dict[int, UnderWay] = {}
        self._pending = 0
        messages.on_send = self._sent
        messages.on_response = self._answered

    def _sent(self, command_set: bytes) -> None:
        command = command_decoded(command_set)
        if command.is_response or command.field == Field.C_CANCEL_RQ:
            return
        under_way = UnderWay(kind_of(command.field), command.sop_class_uid, time.monotonic(), lambda: 0)
        self._asked[command.message_id] = self._entry.under_way = under_way

    def _answered(self, command: Command) -> None:
        under_way = self._asked.get(command.message_id)
        if under_way is None or command.status is None:
            return
        if category(command.status) is Category.PENDING:
            self._pending += 1
            return
        del self._asked[command.message_id]
        self._entry.under_way = None
        done = command.sub_operations
        self._entry.operation(
            under_way.kind,
            under_way.sop_class,
            command.status,
            seconds=time.monotonic() - under_way.began,
            pending=self._pending,
            counts=(done.completed, done.failed, done.warning) if done else (0, 0, 0),
            comment=command.error_comment,
        )
        self._pending = 0


def agreed_note(entry: Entry, contexts: Sequence[Proposed], acceptance: Acceptance) -> None:
    """Note what became of each context, and who the peer says it is."""
    answers = []
    for asked in contexts:
        result = acceptance.results.get(asked.context_id, Result.NO_REASON)
        refused = Answered(asked.context_id, asked.abstract_syntax, "", result)
        answers.append(acceptance.accepted.get(asked.context_id, refused))
    entry.negotiated(contexts, answers)
    entry.max_pdu = acceptance.max_length
    entry.implementation = acceptance.implementation
