"""The conversation after A-ASSOCIATE-AC: request, operation, response, until release, abort or silence.

To be read from top to bottom: this is all there is to an association. What breaks PS3.8 or PS3.7 ends in an
A-ABORT that says why.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from dicomnet.contexts import Answered
from dicomnet.dimse.command import Command
from dicomnet.dimse.messages import AbortedByPeer, Messages, Released
from dicomnet.dimse.negotiation import AbortReason, Malformed, TooLong
from dicomnet.dimse.wire import PeerGone, Silence


class End(StrEnum):
    """How an association came to its end."""

    RELEASED = "released"
    ABORTED = "aborted"  # by the peer
    LOST = "lost"  # the connection went away
    SILENT = "silent"  # we waited long enough
    MALFORMED = "malformed"  # we aborted it
    STOPPED = "stopped"  # this server is stopping


class Operation(Protocol):
    """One request under way. It answers, whatever happens: its methods raise nothing of their own.

    ``finish`` may use the ``Messages`` it was begun with for further responses, for sub-operations and to
    notice a cancel; what those raise goes through.
    """

    def write(self, fragment: memoryview) -> None:
        """Take a piece of the data set; the view is good only during the call."""

    def finish(self) -> bytes | None:
        """The request is whole: return the last response's command set (None: there is none)."""

    def abandon(self) -> None:
        """The association ended before ``finish`` did."""


Begin = Callable[[Command, Answered, Messages], Operation]


class Observer(Protocol):
    """Sees each operation pass. It must be quick, and must not raise."""

    def began(self, command: Command, context: Answered) -> None:
        """A request has come, before anything is done about it."""

    def ended(self) -> None:
        """It is over, and its last response, if it has one, is on its way."""


class Conversation:
    """Serves the requests that come over ``messages``. How it ended is told by ``run``, ``reason`` (a slug,
    where there is more to say than that) and ``detail``."""

    def __init__(
        self, messages: Messages, begin: Begin, observer: Observer, *, stopping: Callable[[], bool]
    ) -> None:
        self._messages = messages
        self._wire = messages.wire
        self._begin = begin
        self._observer = observer
        self._stopping = stopping
        self._operation: Operation | None = None
        self.detail = ""
        self.reason = ""

    def run(self) -> End:
        """Serve until the end. The connection is closed afterwards."""
        try:
            end = self._serve()
        except Malformed as error:
            self.detail = error.detail
            self.reason = "pdu-too-long" if isinstance(error, TooLong) else ""
            self._abandon()
            self._wire.abort(error.reason)
            return End.MALFORMED
        except Silence:
            self._abandon()
            self._wire.abort(AbortReason.NOT_SPECIFIED)
            return End.SILENT
        except Released:
            end = End.RELEASED
        except AbortedByPeer:
            end = End.ABORTED
        except PeerGone:
            end = End.STOPPED if self._stopping() else End.LOST
        self._abandon()
        if end is End.STOPPED:
            self._wire.abort(AbortReason.NOT_SPECIFIED, by_provider=False)
        else:
            self._wire.close()
        return end

    def _serve(self) -> End:
        messages = self._messages
        while not self._stopping():
            context, command = messages.request()
            self._observer.began(command, context)
            self._operation = operation = self._begin(command, context, messages)
            if command.has_data_set:
                messages.data(context, operation.write)
            response = operation.finish()
            self._operation = None
            if response is not None:
                messages.send(context.context_id, response)
            self._observer.ended()
        return End.STOPPED

    def _abandon(self) -> None:
        operation, self._operation = self._operation, None
        if operation is not None:
            operation.abandon()
