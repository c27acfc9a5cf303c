"""C-MOVE and C-GET (PS3.4 C.4.2, C.4.3; PS3.7 9.1.3, 9.1.4): what is asked for, sent object by object.

A C-MOVE sends over associations of its own to a node we know, a C-GET over the contexts of the requester's
association on which it is the SCP. Each sub-operation is followed by a pending response with the counts,
until all are done, the peer cancels, or it is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection, connections
from pynetdicom.sop_class import (
    CompositeInstanceRootRetrieveGet,
    CompositeInstanceRootRetrieveMove,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    PatientStudyOnlyQueryRetrieveInformationModelGet,
    PatientStudyOnlyQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from archive.dicom.attributes import Level
from archive.dicom.identifier import PATIENT_ROOT, PATIENT_STUDY_ONLY, STUDY_ROOT, Mismatch
from archive.dicom.reader import Unreadable
from archive.dicom.retrieval import retrieval_read
from archive.retrieving import StoredObject, objects_wanted
from dicomnet.callers import node_for
from dicomnet.contexts import Answered, Service
from dicomnet.dimse.command import Command, response_encoded
from dicomnet.dimse.negotiation import AbortReason, Malformed
from dicomnet.models import AENode
from dicomnet.querying import identifier_read
from dicomnet.scp.served import Served
from dicomnet.scp.suboperations import Suboperations
from dicomnet.scu.client import NotAssociated, peer_of
from dicomnet.scu.noted import diary_outgoing
from dicomnet.scu.outgoing import Interrupted, Outgoing, Sent, Sub, object_store, plan_of
from dicomnet.scu.storing import objects_send
from dicomnet.status import Status

log = logging.getLogger("lightbox.scp")

_INSTANCE_ONLY: Final = (Level.INSTANCE,)
_CALLED_AGAIN: Final = 2  # times, when a destination breaks off: one object it chokes on costs no others
MODELS: Final[Mapping[str, Sequence[Level]]] = {
    str(PatientRootQueryRetrieveInformationModelMove): PATIENT_ROOT,
    str(PatientRootQueryRetrieveInformationModelGet): PATIENT_ROOT,
    str(StudyRootQueryRetrieveInformationModelMove): STUDY_ROOT,
    str(StudyRootQueryRetrieveInformationModelGet): STUDY_ROOT,
    str(PatientStudyOnlyQueryRetrieveInformationModelMove): PATIENT_STUDY_ONLY,
    str(PatientStudyOnlyQueryRetrieveInformationModelGet): PATIENT_STUDY_ONLY,
    str(CompositeInstanceRootRetrieveMove): _INSTANCE_ONLY,
    str(CompositeInstanceRootRetrieveGet): _INSTANCE_ONLY,
}

Sending = Callable[[Suboperations], Iterator[Sent]]


class _Refused(Exception):
    """The request cannot be carried out: a status, and why."""

    def __init__(self, status: Status, comment: str, offending: int | None = None) -> None:
        super().__init__(comment)
        self.status, self.comment, self.offending = status, comment, offending


def move_answer(command: Command, context: Answered, served: Served, identifier: bytes) -> bytes | None:
    """Answer a C-MOVE with one of the statuses of PS3.4 Table C.4-2."""
    try:
        wanted = _objects(context, served, identifier)
        node = _destination(command)
    except _Refused as refused:
        return _refusal(command, served, refused)

    peer, calling = peer_of(node), settings.PACS_AE_TITLE

    def sending(operations: Suboperations) -> Iterator[Sent]:
        return objects_send(
            peer=peer,
            objects=map(_outgoing, wanted),
            calling=calling,
            noted=partial(diary_outgoing, peer=peer, calling=calling, node=node),
            originator=(served.caller.ae_title, command.message_id),
            stopping=operations.stopping,
            priority=command.priority,
            reopen=_CALLED_AGAIN,
        )

    operations = Suboperations(
        command, context, served, wanted, operation="C-MOVE", destination=peer.ae_title
    )
    return _carried_out(operations, sending)


def get_answer(command: Command, context: Answered, served: Served, identifier: bytes) -> bytes | None:
    """Answer a C-GET with one of the statuses of PS3.4 Table C.4-3."""
    try:
        wanted = _objects(context, served, identifier)
    except _Refused as refused:
        return _refusal(command, served, refused)
    title = served.caller.ae_title
    operations = Suboperations(command, context, served, wanted, operation="C-GET", destination=title)
    return _carried_out(operations, lambda operations: _over_its_own(operations, command, served))


def _objects(context: Answered, served: Served, identifier: bytes) -> list[StoredObject]:
    """What the identifier asks for. Raises ``_Refused``."""
    if connection.errors_occurred:
        connection.close()  # the next query opens another
    served.tally.retrievals += 1
    node = served.caller.node
    charset = node.default_charset if node is not None else ""
    relational = bool((context.extended or b"\0")[0])
    try:
        header = identifier_read(identifier, transfer_syntax=context.transfer_syntax, default_charset=charset)
        retrieval = retrieval_read(header, levels=MODELS[context.abstract_syntax], relational=relational)
        return objects_wanted(retrieval=retrieval)
    except Mismatch as error:
        raise _Refused(Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, error.comment, error.tag) from None
    except Unreadable as error:
        comment = f"Identifier unreadable: {error.code}"
        raise _Refused(Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, comment) from None
    except DatabaseError as error:
        log.error("a retrieval of %s was not answered", served.caller.ae_title, exc_info=error)
        comment = "The archive's database does not answer"
        raise _Refused(Status.UNABLE_TO_CALCULATE_MATCHES, comment) from None


def _destination(command: Command) -> AENode:
    """The node to send to. Raises ``_Refused``."""
    try:
        node = node_for(ae_title=command.move_destination) if command.move_destination else None
    except DatabaseError:
        raise _Refused(Status.UNABLE_TO_CALCULATE_MATCHES, "The archive's database does not answer") from None
    if node is None or not node.active:
        said = "unknown" if node is None else "switched off"
        raise _Refused(Status.MOVE_DESTINATION_UNKNOWN, f"Move Destination {said} here")
    return node


def _refusal(command: Command, served: Served, refused: _Refused) -> bytes:
    served.tally.failed += 1
    return response_encoded(command, refused.status, comment=refused.comment, offending=refused.offending)


def _outgoing(object: StoredObject) -> Outgoing:
    return Outgoing(
        object.sop_class_uid, object.sop_instance_uid, object.transfer_syntax_uid, object.file_key
    )


def _carried_out(operations: Suboperations, sending: Sending) -> bytes | None:
    """Do the sub-operations one after the other; what became of them is recorded in any case."""
    if not operations.total:
        return operations.last_response()
    connections.close_all()  # a receiver that keeps us waiting takes no connection meanwhile
    try:
        for sent in sending(operations):
            operations.done(sent)
    except NotAssociated as error:
        operations.none_possible(f"No association with the destination: {error.failure}")
    finally:
        operations.record()
    operations.raise_what_stopped()
    return operations.last_response()


def _over_its_own(operations: Suboperations, command: Command, served: Served) -> Iterator[Sent]:
    """C-STORE sub-operations over the association of the C-GET (PS3.4 C.4.3.3.1)."""
    messages = served.messages
    usable = [
        context
        for context in messages.accepted.values()
        if context.service is Service.STORE and context.roles is not None and context.roles[1]
    ]

    def response(to: int) -> Command:
        while True:
            answer = messages.response(to=to, cancels=command.message_id)
            if answer is not None:
                return answer
            operations.cancelled = True

    for number, wanted in enumerate(operations.wanted):
        if operations.stopping():
            return
        object = _outgoing(wanted)
        sub = Sub(number % 0xFFFF + 1, priority=command.priority)
        try:
            yield object_store(messages, plan_of(usable, object), object, sub, response)
        except Interrupted as interrupted:
            yield interrupted.sent
            raise Malformed(AbortReason.NOT_SPECIFIED, f"a file cannot be read: {interrupted}") from None
