"""What the diary learns of a conversation: each operation's class, status, duration and bytes."""

from __future__ import annotations

import time

from dicomnet.contexts import Answered
from dicomnet.diary.entry import Entry, UnderWay, kind_of
from dicomnet.dimse.command import Answer, Command, Field, answer_of
from dicomnet.dimse.messages import Messages
from dicomnet.status import Category, category


class Witness:
    """A ``conversation.Observer`` that fills in a diary entry. It notes no name, no ID and no instance."""

    def __init__(self, entry: Entry, messages: Messages) -> None:
        self._entry = entry
        self._messages = messages
        self._before = 0  # bytes of data sets before the operation under way
        self._pending = 0
        self._last: Answer | None = None
        messages.on_send = self._sent

    def began(self, command: Command, context: Answered) -> None:
        if command.field == Field.C_CANCEL_RQ:
            return  # it has no answer, and what it cancels is told of
        self._before, self._pending, self._last = self._messages.received, 0, None
        self._entry.under_way = UnderWay(
            kind_of(command.field),
            command.sop_class_uid or context.abstract_syntax,
            time.monotonic(),
            lambda: self._messages.received - self._before,
        )

    def ended(self) -> None:
        under_way, self._entry.under_way = self._entry.under_way, None
        answer = self._last
        if under_way is None or answer is None:
            return
        self._entry.operation(
            under_way.kind,
            under_way.sop_class,
            answer.status,
            seconds=time.monotonic() - under_way.began,
            size=self._messages.received - self._before,
            pending=self._pending,
            counts=answer.counts,
            comment=answer.comment,
        )

    def _sent(self, command_set: bytes) -> None:
        answer = answer_of(command_set)
        if answer is None:
            return  # a request of ours, a sub-operation
        if category(answer.status) is Category.PENDING:
            self._pending += 1
        else:
            self._last = answer
