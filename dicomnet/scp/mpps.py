"""Modality performed procedure steps over DIMSE (PS3.4 F.7, F.8; PS3.7 10.1): N-CREATE, N-SET, N-GET."""

from __future__ import annotations

import logging
import struct

from django.db import DatabaseError, connection
from pynetdicom.sop_class import ModalityPerformedProcedureStep, ModalityPerformedProcedureStepRetrieve

from dicomnet.contexts import Answered
from dicomnet.dimse.command import Command, Field, Tag, response_encoded
from dicomnet.mpps import Answer, Message, performed_create, performed_set
from dicomnet.mpps_retrieve import performed_get
from dicomnet.scp.served import Served
from dicomnet.status import Category, Status, category

log = logging.getLogger("lightbox.scp")

_REPORTED = str(ModalityPerformedProcedureStep)
_RETRIEVED = str(ModalityPerformedProcedureStepRetrieve)


def mpps_answer(command: Command, context: Answered, served: Served, data: bytes) -> bytes | None:
    """Answer an N-CREATE or N-SET once its report is written, or an N-GET."""
    if connection.errors_occurred:
        connection.close()  # the next query opens another
    belongs = _RETRIEVED if command.field == Field.N_GET_RQ else _REPORTED
    if context.abstract_syntax != belongs:
        served.tally.failed += 1
        comment = "This operation does not belong to the SOP class"
        return response_encoded(command, Status.UNRECOGNIZED_OPERATION, comment=comment)
    try:
        if command.field != Field.N_GET_RQ:
            return _reported(command, context, served, data)
        found = performed_get(
            sop_instance_uid=command.sop_instance_uid,
            attributes=command.attributes,
            transfer_syntax_uid=context.transfer_syntax,
        )
    except Exception as error:
        log.exception("a step report of %s was not answered", served.caller.ae_title)
        served.tally.failed += 1
        database = isinstance(error, DatabaseError)
        comment = (
            "The archive's database does not answer" if database else "Failed; the archive's log says why"
        )
        return response_encoded(command, Status.PROCESSING_FAILURE, comment=comment)
    return _got(command, context, served, found)


def _reported(command: Command, context: Answered, served: Served, data: bytes) -> bytes:
    node = served.caller.node
    message = Message(
        data,
        context.transfer_syntax,
        source=served.caller.ae_title,
        default_charset=node.default_charset if node is not None else "",
    )
    report = performed_create if command.field == Field.N_CREATE_RQ else performed_set
    return _answered(command, served, report(sop_instance_uid=command.sop_instance_uid, message=message))


def _answered(command: Command, served: Served, answer: Answer) -> bytes:
    if category(answer.status) is Category.FAILURE:
        served.tally.failed += 1
    else:
        served.tally.reports += 1
    more: dict[Tag, int | str | bytes] = {}
    if answer.attributes:
        more[Tag.ATTRIBUTE_IDENTIFIER_LIST] = b"".join(
            struct.pack("<HH", key >> 16, key & 0xFFFF) for key in answer.attributes
        )
    if answer.error_id is not None:
        more[Tag.ERROR_ID] = answer.error_id
    if answer.sop_instance_uid:
        more[Tag.AFFECTED_SOP_INSTANCE_UID] = answer.sop_instance_uid
    return response_encoded(command, answer.status, comment=answer.comment, more=more)


def _got(command: Command, context: Answered, served: Served, found: bytes | None) -> bytes | None:
    if found is None:
        served.tally.failed += 1
        return response_encoded(command, Status.NO_SUCH_SOP_INSTANCE, comment="No such step was reported")
    response = response_encoded(command, Status.SUCCESS, data_set=True)
    served.messages.send(context.context_id, response, [found])
    served.tally.answers += 1
    return None
