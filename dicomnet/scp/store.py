"""C-STORE (PS3.4 B, PS3.7 9.1.1): bytes as sent into the archive, and the status that tells the truth.

Success is answered only when the object is kept: file and row. Whatever cannot be indexed but was kept in
quarantine is answered C000, so that nobody at the sender believes it can be found.
"""

from __future__ import annotations

import logging
import re

from django.db import connection

from archive.ingest import Outcome, OutcomeUnknown, Result, instance_ingest
from archive.storage import Origin, OutOfResources, Stage, stage_open
from dicomnet.contexts import Answered, Rights, Service, service_of
from dicomnet.dimse.command import Command, Tag, response_encoded
from dicomnet.scp.tally import Tally
from dicomnet.status import Status

log = logging.getLogger("lightbox.scp")

# What a sender writes into a UID is not always digits; what is not printable is not a name for anything.
_NAME = re.compile(r"[\x21-\x7e]{1,64}")


class Refusal:
    """An operation that is answered with a failure; its data set is read to the end and dropped."""

    def __init__(
        self, command: Command, status: Status, comment: str, tally: Tally, *, offending: Tag | None = None
    ) -> None:
        self._response = response_encoded(command, status, comment=comment, offending=offending)
        self._tally = tally

    def write(self, fragment: memoryview) -> None:
        self._tally.received_bytes += len(fragment)

    def finish(self) -> bytes | None:
        self._tally.failed += 1
        return self._response

    def abandon(self) -> None:
        self._tally.incomplete += 1


class StoreOperation:
    """One arriving object."""

    def __init__(self, command: Command, context: Answered, origin: Origin, tally: Tally) -> None:
        self._command = command
        self._origin = origin
        self._tally = tally
        self._failure: tuple[Status, str] | None = None
        self._stage: Stage | None = None
        try:
            self._stage = stage_open(
                sop_class_uid=command.sop_class_uid or context.abstract_syntax,
                sop_instance_uid=command.sop_instance_uid,
                transfer_syntax_uid=context.transfer_syntax,
                source_ae=origin.source,
            )
        except Exception as error:  # noqa: BLE001  the peer gets a status, whatever broke here
            self._fail(error)

    def write(self, fragment: memoryview) -> None:
        self._tally.received_bytes += len(fragment)
        if self._stage is None:
            return  # it failed before: the rest is read so that the status can be answered
        try:
            self._stage.write(fragment)
        except Exception as error:  # noqa: BLE001  the peer gets a status, whatever broke here
            self._fail(error)

    def finish(self) -> bytes | None:
        if self._stage is not None:
            stage, self._stage = self._stage, None
            if connection.errors_occurred:
                connection.close()  # the next query opens another
            try:
                return self._answer(instance_ingest(stage=stage, origin=self._origin))
            except Exception as error:  # noqa: BLE001  the peer gets a status, whatever broke here
                self._fail(error)
        assert self._failure is not None
        self._tally.failed += 1
        status, comment = self._failure
        return response_encoded(self._command, status, comment=comment)

    def abandon(self) -> None:
        self._tally.incomplete += 1
        self._drop_stage()

    def _drop_stage(self) -> None:
        stage, self._stage = self._stage, None
        if stage is not None:
            stage.abandon()

    def _fail(self, error: Exception) -> None:
        """Remember the first failure as a status of PS3.4 Table B.2-1 or PS3.7 C.5."""
        if isinstance(error, OutOfResources):
            log.error("no room for an object from %s: %s", self._origin.source, error)
            self._failure = (Status.OUT_OF_RESOURCES, "The archive has no room for it now")
        elif isinstance(error, OutcomeUnknown):
            log.error("the outcome of an object from %s is unknown: %s", self._origin.source, error)
            # A full disk or a database that went away in COMMIT: a sender that hears A700 tries again later.
            self._failure = (Status.OUT_OF_RESOURCES, "It may or may not be kept; send it again")
        else:
            log.error("an object from %s was not kept", self._origin.source, exc_info=error)
            self._failure = (Status.PROCESSING_FAILURE, "Processing failed; the archive's log says why")
        self._drop_stage()

    def _answer(self, outcome: Outcome) -> bytes:
        if outcome.kind is Result.QUARANTINED:
            self._tally.quarantined += 1
            comment = f"Kept in quarantine: {outcome.reason}"
            return response_encoded(self._command, Status.CANNOT_UNDERSTAND, comment=comment)
        self._tally.stored += 1
        self._tally.duplicates += outcome.kind is Result.DUPLICATE
        self._tally.conflicts += outcome.kind is Result.CONFLICT_KEPT
        if outcome.instance_id is not None and outcome.kind is not Result.DUPLICATE:
            self._tally.instance_ids.append(outcome.instance_id)
        return response_encoded(self._command, Status.SUCCESS)


def store_begin(
    command: Command, context: Answered, *, rights: Rights, origin: Origin, tally: Tally
) -> StoreOperation | Refusal:
    """Begin a C-STORE, or its refusal when the command itself cannot stand."""
    sop_class = command.sop_class_uid or context.abstract_syntax
    if service_of(sop_class, private_classes=rights.private_classes) is not Service.STORE:
        comment = "Not a storage SOP class this peer may send"
        return Refusal(command, Status.SOP_CLASS_NOT_SUPPORTED, comment, tally)
    if not _NAME.fullmatch(command.sop_instance_uid):
        missing = "no" if not command.sop_instance_uid else "no valid"
        comment = f"The command has {missing} Affected SOP Instance UID"
        return Refusal(
            command,
            Status.INVALID_ATTRIBUTE_VALUE,
            comment,
            tally,
            offending=Tag.AFFECTED_SOP_INSTANCE_UID,
        )
    if not command.has_data_set:
        return Refusal(command, Status.CANNOT_UNDERSTAND, "A C-STORE without a data set", tally)
    return StoreOperation(command, context, origin, tally)
