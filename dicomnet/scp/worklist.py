"""C-FIND of the modality worklist (PS3.4 K.4.1): a pending response for each item, then the last one."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection

from archive.dicom.identifier import Unclear
from archive.dicom.reader import Unreadable
from dicomnet.contexts import Answered
from dicomnet.dimse.command import Command, response_encoded
from dicomnet.scp.served import Served
from dicomnet.status import Status
from dicomnet.worklist_query import answers_worklist, wish_read

log = logging.getLogger("lightbox.scp")


def worklist_answer(command: Command, context: Answered, served: Served, identifier: bytes) -> bytes:
    """Answer a worklist query: Success, or Cancel, or the failure of PS3.4 Table K.4-1."""
    served.tally.queries += 1
    if connection.errors_occurred:
        connection.close()  # the next query opens another
    caller = served.caller
    try:
        wish = wish_read(identifier=identifier, context=context, node=caller.node, calling=caller.ae_title)
    except Unclear as error:
        served.tally.failed += 1
        comment = error.comment
        return response_encoded(command, Status.CANNOT_UNDERSTAND, comment=comment, offending=error.tag)
    except Unreadable as error:
        served.tally.failed += 1
        comment = f"Identifier unreadable: {error.code}"
        return response_encoded(command, Status.CANNOT_UNDERSTAND, comment=comment)
    pages = answers_worklist(wish)
    while True:
        try:
            page = next(pages, None)
        except Exception as error:  # noqa: BLE001  the peer gets a status, whatever broke here
            return _broken(command, served, error)
        if page is None:
            return response_encoded(command, Status.SUCCESS)
        if not _send(page, command, context, served):
            return response_encoded(command, Status.CANCEL)


def _send(page: list[tuple[bytes, bool]], command: Command, context: Answered, served: Served) -> bool:
    """Send the items of a page; False when the peer does not want any more (PS3.7 9.3.2.3)."""
    messages = served.messages
    for item, supported in page:
        if messages.cancelled(command.message_id):
            return False
        status = Status.PENDING if supported else Status.PENDING_OPTIONAL_KEYS_UNSUPPORTED
        messages.send(context.context_id, response_encoded(command, status, data_set=True), [item])
        served.tally.answers += 1
    return not messages.cancelled(command.message_id)


def _broken(command: Command, served: Served, error: Exception) -> bytes:
    """Something here gave way: the database, or we."""
    log.error("a worklist query of %s was not answered", served.caller.ae_title, exc_info=error)
    served.tally.failed += 1
    if isinstance(error, DatabaseError):
        comment = "The archive's database does not answer"
        return response_encoded(command, Status.OUT_OF_RESOURCES, comment=comment)
    comment = "Query failed; the archive's log says why"
    return response_encoded(command, Status.CANNOT_UNDERSTAND, comment=comment)
