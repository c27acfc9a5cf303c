"""C-FIND (PS3.4 C.4.1, PS3.7 9.1.2): a pending response for each match as it is found, then the last one."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection

from archive.dicom.identifier import Mismatch, Unclear
from archive.dicom.reader import Unreadable
from dicomnet.contexts import Answered
from dicomnet.dimse.command import Command, response_encoded
from dicomnet.querying import answers_find, question_read
from dicomnet.scp.served import Served
from dicomnet.status import Status

log = logging.getLogger("lightbox.scp")


def find_answer(command: Command, context: Answered, served: Served, identifier: bytes) -> bytes:
    """Answer a C-FIND: Success, or Cancel, or the failure of PS3.4 Table C.4-1."""
    served.tally.queries += 1
    if connection.errors_occurred:
        connection.close()  # the next query opens another
    try:
        question = question_read(identifier=identifier, context=context, node=served.caller.node)
    except Unclear as error:
        return _failed(command, served, Status.CANNOT_UNDERSTAND, error.comment, error.tag)
    except Mismatch as error:
        return _failed(command, served, Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, error.comment, error.tag)
    except Unreadable as error:
        return _failed(command, served, Status.CANNOT_UNDERSTAND, f"Identifier unreadable: {error.code}")
    complete = question.query.complete
    status = Status.PENDING if complete else Status.PENDING_OPTIONAL_KEYS_UNSUPPORTED
    pending = response_encoded(command, status, data_set=True)
    pages = answers_find(question)
    while True:
        try:
            page = next(pages, None)
        except Exception as error:  # noqa: BLE001  the peer gets a status, whatever broke here
            return _broken(command, served, error)
        if page is None:
            return response_encoded(command, Status.SUCCESS)
        if not _send(page, pending, command, context, served):
            pages.close()
            return response_encoded(command, Status.CANCEL)


def _send(page: list[bytes], pending: bytes, command: Command, context: Answered, served: Served) -> bool:
    """Send the answers of a page; False when the peer does not want any more (PS3.7 9.3.2.3)."""
    messages = served.messages
    for answer in page:
        if messages.cancelled(command.message_id):
            return False
        messages.send(context.context_id, pending, [answer])
        served.tally.answers += 1
    return not messages.cancelled(command.message_id)


def _failed(
    command: Command, served: Served, status: Status, comment: str, offending: int | None = None
) -> bytes:
    served.tally.failed += 1
    return response_encoded(command, status, comment=comment, offending=offending)


def _broken(command: Command, served: Served, error: Exception) -> bytes:
    """Something here gave way: the database, or we."""
    log.error("a query of %s was not answered", served.caller.ae_title, exc_info=error)
    if isinstance(error, DatabaseError):
        return _failed(command, served, Status.OUT_OF_RESOURCES, "The archive's database does not answer")
    return _failed(command, served, Status.CANNOT_UNDERSTAND, "Query failed; the archive's log says why")
