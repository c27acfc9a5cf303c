"""The C-STORE sub-operations of a retrieval, counted (PS3.4 C.4.2.1.6 to C.4.2.1.9), and their responses."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from django.db import DatabaseError, transaction
from pydicom.uid import ImplicitVRLittleEndian

from archive.audit import audit_sent
from archive.dicom.tags import tag
from archive.dicom.writing import data_set_encoded
from archive.retrieving import StoredObject
from dicomnet.contexts import Answered
from dicomnet.dimse.command import Command, Tag, response_encoded
from dicomnet.scp.served import Served
from dicomnet.scu.outgoing import Sent
from dicomnet.status import Category, Status, category

log = logging.getLogger("lightbox.scp")

_FAILED_LIST: Final = tag("FailedSOPInstanceUIDList")
_MOST: Final = 0xFFFF  # a count is a US, and so is the length of a UI in explicit VR


class Suboperations:
    """Those of one C-MOVE or C-GET. ``done`` is told of each, in order of ``wanted``."""

    def __init__(
        self,
        command: Command,
        context: Answered,
        served: Served,
        wanted: Sequence[StoredObject],
        *,
        operation: str,
        destination: str,
    ) -> None:
        self._command, self._context, self._served = command, context, served
        self._operation, self._destination = operation, destination
        self.wanted = wanted
        self.total = len(wanted)
        self.cancelled = False
        self._completed = self._warned = 0
        self._failed: list[str] = []
        self._stopped: Exception | None = None
        self._comment = ""
        self._studies = {object.sop_instance_uid: object.study_id for object in wanted}
        self._counts: dict[int, tuple[int, int]] = {}  # of a study: sent, failed

    def stopping(self) -> bool:
        """Whether to begin no further one: the requester has cancelled, or its association ended."""
        if self._stopped is None and not self.cancelled:
            try:
                self.cancelled = self._served.messages.cancelled(self._command.message_id)
            except Exception as error:  # noqa: BLE001  raised again when the sub-operations have ended
                self._stopped = error
        return self.cancelled or self._stopped is not None

    def raise_what_stopped(self) -> None:
        """Raise what ended the requester's association while sub-operations went elsewhere."""
        if self._stopped is not None:
            raise self._stopped

    # ---- counting

    def done(self, sent: Sent) -> None:
        """Count one, and say so to the requester while others remain."""
        kind = Category.FAILURE if sent.status is None else category(sent.status)
        failed = kind not in (Category.SUCCESS, Category.WARNING)
        if failed:
            self._failed.append(sent.sop_instance_uid)
            self._note_failure(sent)
        elif kind is Category.WARNING:
            self._warned += 1
        else:
            self._completed += 1
        study = self._studies[sent.sop_instance_uid]
        before = self._counts.get(study, (0, 0))
        self._counts[study] = (before[0] + (not failed), before[1] + failed)
        if self._remaining and self._stopped is None:
            self._pending()

    def _note_failure(self, sent: Sent) -> None:
        reason = sent.reason or f"status {sent.status:04X}"
        log.warning("%s to %s: %s: %s", self._operation, self._destination, sent.sop_instance_uid, reason)
        self._comment = self._comment or f"First failure: {reason}"

    def none_possible(self, why: str) -> None:
        """None could be carried out at all."""
        log.warning("%s to %s: %s", self._operation, self._destination, why)
        self._comment = why
        self._failed = [object.sop_instance_uid for object in self.wanted]
        for study in self._studies.values():
            self._counts[study] = (0, self._counts.get(study, (0, 0))[1] + 1)

    @property
    def _remaining(self) -> int:
        return self.total - self._completed - self._warned - len(self._failed)

    def _numbers(self, *, remaining: bool) -> dict[Tag, int | str]:
        numbers: dict[Tag, int | str] = {
            Tag.NUMBER_OF_COMPLETED_SUBOPERATIONS: min(self._completed, _MOST),
            Tag.NUMBER_OF_FAILED_SUBOPERATIONS: min(len(self._failed), _MOST),
            Tag.NUMBER_OF_WARNING_SUBOPERATIONS: min(self._warned, _MOST),
        }
        if remaining:
            numbers[Tag.NUMBER_OF_REMAINING_SUBOPERATIONS] = min(self._remaining, _MOST)
        return numbers

    # ---- saying

    def _pending(self) -> None:
        numbers = self._numbers(remaining=True)
        response = response_encoded(self._command, Status.PENDING, more=numbers)
        try:
            self._served.messages.send(self._context.context_id, response)
        except Exception as error:  # noqa: BLE001  raised again when the sub-operations have ended
            self._stopped = error

    def last_response(self) -> bytes | None:
        """Send the last response when it has a data set, which names what failed; else return it."""
        status = self._status()
        more = self._numbers(remaining=status is Status.CANCEL)
        comment = self._comment if self._failed else ""
        if not self._failed or status is Status.SUCCESS:
            return response_encoded(self._command, status, comment=comment, more=more)
        response = response_encoded(self._command, status, comment=comment, data_set=True, more=more)
        self._served.messages.send(self._context.context_id, response, [self._failed_list()])
        return None

    def _status(self) -> Status:
        if self.cancelled and self._remaining:
            return Status.CANCEL
        if self.total and len(self._failed) == self.total:
            return Status.UNABLE_TO_PERFORM_SUBOPERATIONS
        if self._failed or self._warned:
            return Status.SUBOPERATIONS_WITH_FAILURES
        return Status.SUCCESS

    def _failed_list(self) -> bytes:
        """The identifier of a response that is no success (C.4.2.1.4.2); cut to what a UI can hold."""
        syntax = self._context.transfer_syntax
        text = "\\".join(self._failed)
        if syntax != ImplicitVRLittleEndian and len(text) >= _MOST:
            text = text[:_MOST].rpartition("\\")[0]
        return data_set_encoded({_FAILED_LIST: text}, transfer_syntax_uid=syntax)

    def record(self) -> None:
        """Count it all for the association, and write who got which study into the audit trail."""
        tally, caller = self._served.tally, self._served.caller
        tally.sent += self._completed + self._warned
        tally.failed += len(self._failed)
        try:
            with transaction.atomic():
                audit_sent(
                    counts=self._counts,
                    actor_name=caller.ae_title,
                    source=caller.address,
                    destination=self._destination,
                    operation=self._operation,
                )
        except DatabaseError:
            log.exception("what was sent to %s could not be audited", self._destination)
