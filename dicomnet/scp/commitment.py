"""Storage commitment over DIMSE (PS3.4 J): N-ACTION asks us, N-EVENT-REPORT brings what we asked for.

An N-ACTION is answered Success when it is on the disk together with the task that will report its result;
the result goes out on an association of its own. To a node that is set so it goes out on this one, if that
can be done at once and nothing else has come meanwhile.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from django.db import DatabaseError

from dicomnet.commitment import commitment_hand_over, commitment_receive
from dicomnet.commitment_datasets import (
    ACTION_REQUEST,
    EVENT_ALL,
    EVENT_FAILURES,
    PUSH_MODEL,
    WELL_KNOWN,
    NotReadable,
    NotValid,
    dataset_decoded,
    dataset_encoded,
    report_dataset,
    report_read,
    request_read,
)
from dicomnet.commitment_results import commitment_result_record
from dicomnet.commitment_run import commitment_examine, heard, put_off, report_of
from dicomnet.contexts import Answered
from dicomnet.dimse.command import Command, Field, Tag, request_encoded, response_encoded
from dicomnet.dimse.messages import Messages
from dicomnet.models import Commitment
from dicomnet.scp.served import Served
from dicomnet.status import Category, Status, category

log = logging.getLogger("lightbox.commit")

HOLD_SECONDS: Final = 30.0  # for the answer to a report on the same association
EXAMINE_SECONDS: Final = 5.0  # the peer waits meanwhile: what takes longer is reported otherwise
FIRST_MESSAGE_ID: Final = 0xF000  # of our requests on a peer's association


def action_answer(command: Command, context: Answered, served: Served, data: bytes) -> bytes | None:
    """Answer an N-ACTION (PS3.4 J.3.2; the statuses are those of PS3.7 10.1.4.1.10)."""
    refusal = _wrong_target(command)
    if refusal is None and command.type_id != ACTION_REQUEST:
        refusal = Status.NO_SUCH_ACTION_TYPE, "The only action type is 1, Request Storage Commitment"
    if refusal is not None:
        return _refused(command, served, *refusal)
    node = served.caller.node
    if node is None:  # an unlisted caller: there would be nobody to report to
        return _refused(command, served, Status.NOT_AUTHORIZED, "Only a known node can be told the result")
    here = node.commit_same_association
    try:
        request = request_read(dataset_decoded(data, context.transfer_syntax))
        commitment = commitment_receive(
            node=node,
            transaction_uid=request.transaction_uid,
            names=request.names,
            hold_seconds=HOLD_SECONDS if here else 0.0,
        )
    except (NotReadable, NotValid, DatabaseError) as error:
        return _refused(command, served, *_failure(error))
    served.tally.commitments += 1
    response = response_encoded(command, Status.SUCCESS, more={Tag.ACTION_TYPE_ID: ACTION_REQUEST})
    if not here:
        return response
    served.messages.send(context.context_id, response)
    _report_here(commitment, context, served.messages)
    return None


def event_answer(command: Command, context: Answered, served: Served, data: bytes) -> bytes | None:
    """Answer an N-EVENT-REPORT: the result of a request of ours (PS3.4 J.3.3, PS3.7 10.1.1.1.8)."""
    refusal = _wrong_target(command)
    if refusal is None and command.type_id not in (EVENT_ALL, EVENT_FAILURES):
        refusal = Status.NO_SUCH_EVENT_TYPE, "The event types are 1 and 2"
    if refusal is not None:
        return _refused(command, served, *refusal)
    try:
        report = report_read(dataset_decoded(data, context.transfer_syntax))
        commitment = commitment_result_record(report=report)
    except (NotReadable, NotValid, DatabaseError) as error:
        return _refused(command, served, *_failure(error))
    if commitment is None:
        comment = "No request with this Transaction UID was made here"
        return _refused(command, served, Status.INVALID_ARGUMENT_VALUE, comment)
    return response_encoded(command, Status.SUCCESS, more={Tag.EVENT_TYPE_ID: command.type_id})


def _wrong_target(command: Command) -> tuple[Status, str] | None:
    """The SOP class has one instance, and everybody knows its UID (PS3.4 J.3.5)."""
    if command.sop_class_uid != PUSH_MODEL:
        return Status.NO_SUCH_SOP_CLASS, "Not the Storage Commitment Push Model SOP class"
    if command.sop_instance_uid != WELL_KNOWN:
        return Status.NO_SUCH_SOP_INSTANCE, f"The SOP instance is {WELL_KNOWN}"
    return None


def _failure(error: Exception) -> tuple[Status, str]:
    if isinstance(error, NotValid):
        return Status.INVALID_ARGUMENT_VALUE, str(error)
    if isinstance(error, NotReadable):
        return Status.PROCESSING_FAILURE, "The data set cannot be read"
    log.error("a storage commitment could not be written", exc_info=error)
    return Status.PROCESSING_FAILURE, "Processing failed; the archive's log says why"


def _refused(command: Command, served: Served, status: Status, comment: str) -> bytes:
    served.tally.failed += 1
    return response_encoded(command, status, comment=comment)


# ---------------------------------------------------------------------- the result, on the same association


def _report_here(commitment: Commitment, context: Answered, messages: Messages) -> None:
    """Report on the association of the request, or let the queued task do it on another one.

    A peer that has sent something by now, a release or another request, is not kept waiting.
    """
    report = None
    try:
        if commitment_examine(commitment, until=time.monotonic() + EXAMINE_SECONDS):
            report = report_of(commitment)
        if report is None or messages.wire.pending():
            commitment_hand_over(commitment=commitment)
            return
    except DatabaseError:
        log.exception("the result of a commitment could not be found out here")
        return  # the claim ends, and the task does it
    message_id = FIRST_MESSAGE_ID + commitment.pk % 0x0F00
    request = request_encoded(
        Field.N_EVENT_REPORT_RQ,
        message_id,
        sop_class_uid=PUSH_MODEL,
        data_set=True,
        more={Tag.AFFECTED_SOP_INSTANCE_UID: WELL_KNOWN, Tag.EVENT_TYPE_ID: report.event_type},
    )
    data = dataset_encoded(report_dataset(report), context.transfer_syntax)
    messages.ask(
        context.context_id, message_id, request, [data], lambda answer: _answered(commitment, answer)
    )


def _answered(commitment: Commitment, answer: Command) -> None:
    status = answer.status or 0
    try:
        if category(status) in (Category.SUCCESS, Category.WARNING):
            heard(commitment)
        else:
            put_off([commitment], "refused", {"status": f"{status:04X}"})
            commitment_hand_over(commitment=commitment)
    except DatabaseError:
        log.exception("that a result was heard could not be written")  # it will be told again
