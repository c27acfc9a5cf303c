"""Which operation answers which request: the one list of what this server does over DIMSE.

A service is offered when its SOP classes stand in ``dicomnet.contexts`` and its requests stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from dicomnet.contexts import Answered, Service
from dicomnet.dimse.command import Command, Field, response_encoded
from dicomnet.scp.commitment import action_answer, event_answer
from dicomnet.scp.conversation import Operation
from dicomnet.scp.find import find_answer
from dicomnet.scp.mpps import mpps_answer
from dicomnet.scp.retrieve import get_answer, move_answer
from dicomnet.scp.served import Served
from dicomnet.scp.store import Refusal, StoreOperation, store_begin
from dicomnet.scp.verify import EchoOperation
from dicomnet.scp.worklist import worklist_answer
from dicomnet.status import Status

MOST_IDENTIFIER_BYTES: Final = 4 << 20


Begin = Callable[[Command, Answered, Served], Operation]
Answer = Callable[[Command, Answered, Served, bytes], bytes | None]
"""Given the whole data set: send what comes before the last response, return the last one's command set."""


class Ignored:
    """A message without a response."""

    def write(self, fragment: memoryview) -> None:
        pass

    def finish(self) -> bytes | None:
        return None

    def abandon(self) -> None:
        pass


class SmallRequest:
    """A request whose data set is small: collected, bounded, and answered when it is whole."""

    def __init__(self, command: Command, context: Answered, served: Served, answer: Answer) -> None:
        self._command, self._context, self._served, self._answer = command, context, served, answer
        self._collected = bytearray()
        self._too_long = False

    def write(self, fragment: memoryview) -> None:
        if len(self._collected) + len(fragment) > MOST_IDENTIFIER_BYTES:
            self._too_long = True
        else:
            self._collected += fragment

    def finish(self) -> bytes | None:
        if self._too_long:
            self._served.tally.failed += 1
            comment = "The data set is too long"
            return response_encoded(self._command, _no_room(self._command), comment=comment)
        return self._answer(self._command, self._context, self._served, bytes(self._collected))

    def abandon(self) -> None:
        self._served.tally.incomplete += 1


def _no_room(command: Command) -> Status:
    """Each kind of service has a status of its own for it (PS3.7 C.4.2 and the services of PS3.4; C.5.20)."""
    composite = command.field in (Field.C_FIND_RQ, Field.C_MOVE_RQ, Field.C_GET_RQ)
    return Status.OUT_OF_RESOURCES if composite else Status.RESOURCE_LIMITATION


def small_request(answer: Answer) -> Begin:
    """The beginning of a request that ``answer`` answers once its data set is whole."""
    return lambda command, context, served: SmallRequest(command, context, served, answer)


def _echo(command: Command, context: Answered, served: Served) -> Operation:
    return EchoOperation(command, served.tally)


def _store(command: Command, context: Answered, served: Served) -> StoreOperation | Refusal:
    caller = served.caller
    return store_begin(command, context, rights=caller.rights, origin=caller.origin, tally=served.tally)


_OPERATIONS: Mapping[tuple[int, Service], Begin] = {
    (Field.C_ECHO_RQ, Service.ECHO): _echo,
    (Field.C_STORE_RQ, Service.STORE): _store,
    (Field.C_FIND_RQ, Service.FIND): small_request(find_answer),
    (Field.C_FIND_RQ, Service.WORKLIST): small_request(worklist_answer),
    (Field.N_CREATE_RQ, Service.MPPS): small_request(mpps_answer),
    (Field.N_SET_RQ, Service.MPPS): small_request(mpps_answer),
    (Field.N_GET_RQ, Service.MPPS): small_request(mpps_answer),
    (Field.C_MOVE_RQ, Service.MOVE): small_request(move_answer),
    (Field.C_GET_RQ, Service.GET): small_request(get_answer),
    (Field.N_ACTION_RQ, Service.COMMIT): small_request(action_answer),
    (Field.N_EVENT_REPORT_RQ, Service.COMMIT): small_request(event_answer),
}


def operation_begin(command: Command, context: Answered, served: Served) -> Operation:
    """The operation a command asks for; the context decides which commands there are (PS3.7 9.1, 10.1)."""
    if command.field == Field.C_CANCEL_RQ:
        return Ignored()  # what it would cancel is over, and a cancel has no response
    begin = _OPERATIONS.get((command.field, context.service)) if context.service is not None else None
    if begin is None:
        comment = "This operation does not belong to the SOP class"
        return Refusal(command, Status.UNRECOGNIZED_OPERATION, comment, served.tally)
    return begin(command, context, served)


def operations_offered() -> frozenset[tuple[int, Service]]:
    """The requests (Command Field) that are answered, and the service of each."""
    return frozenset(_OPERATIONS)
