"""One object over an association that is there (PS3.4 B, PS3.7 9.1.1): how it would go, and sending it.

The data set goes out as the bytes that follow group 2 of the stored file, when the peer takes the object's
own transfer syntax; else decoded to a native one, when it takes that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final

from archive.dicom.reader import Unreadable, dataset_offset
from archive.imaging.transcode import NATIVE, CannotTranscode, data_set_transcoded, transcodable
from archive.storage import NotStored, OutOfResources, file_open, store
from archive.storage.part10 import MOST_META_BYTES, own_dataset_offset
from dicomnet.contexts import Answered
from dicomnet.dimse.command import Command, Field, Tag, request_encoded
from dicomnet.dimse.messages import Messages

_PIECE: Final = 512 << 10


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One object to send."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    file_key: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one.

    ``status`` is that of the C-STORE response, None when none was had: then ``reason`` is a slug that says
    why: ``class-not-accepted``, ``syntax-not-accepted``, ``cannot-transcode``, ``file-missing``,
    ``file-unreadable``, or ``lost`` when the association ended before.
    """

    sop_instance_uid: str
    status: int | None
    reason: str = ""
    transfer_syntax_uid: str = ""  # as sent
    comment: str = ""  # Error Comment of the response, or detail of the reason
    seconds: float = 0.0


class Way(StrEnum):
    """How an object goes to a receiver."""

    AS_IS = "as is"
    TRANSCODED = "transcoded"
    NOT_AT_ALL = "not at all"


@dataclass(frozen=True, slots=True)
class Plan:
    """How one object would go; ``reason`` says why not."""

    way: Way
    context: Answered | None = None
    reason: str = ""


def plan_of(accepted: Iterable[Answered], object: Outgoing) -> Plan:
    """How an object goes over these accepted contexts, as far as labels tell.

    A codestream that turns out to be broken is only found when it is sent.
    """
    usable = {c.transfer_syntax: c for c in accepted if c.abstract_syntax == object.sop_class_uid}
    if own := usable.get(object.transfer_syntax_uid):
        return Plan(Way.AS_IS, own)
    if not usable:
        return Plan(Way.NOT_AT_ALL, reason="class-not-accepted")
    native = next((usable[uid] for uid in NATIVE if uid in usable), None)
    if native is None:
        return Plan(Way.NOT_AT_ALL, reason="syntax-not-accepted")
    if not transcodable(object.transfer_syntax_uid):
        return Plan(Way.NOT_AT_ALL, reason="cannot-transcode")
    return Plan(Way.TRANSCODED, native)


@dataclass(frozen=True, slots=True)
class Sub:
    """What a C-STORE request says besides the object."""

    message_id: int
    originator: tuple[str, int] | None = None  # AE title and message ID of the C-MOVE behind it
    priority: int = 0


class Interrupted(Exception):
    """The file could not be read to its end while it was being sent: the message can only be aborted."""

    def __init__(self, sent: Sent) -> None:
        super().__init__(sent.comment)
        self.sent = sent


def object_store(
    messages: Messages, plan: Plan, object: Outgoing, sub: Sub, response: Callable[[int], Command]
) -> Sent:
    """Send one object as planned; ``response`` waits for the answer to a message ID.

    Raises ``Interrupted`` and what ends an association; all else that is wrong is in ``Sent``.
    """
    context, uid = plan.context, object.sop_instance_uid
    if context is None:
        return Sent(uid, None, plan.reason)
    began = time.monotonic()
    try:
        with _data_set(plan, context, object) as data:
            first = data.read(_PIECE)
            _request(messages, context, object, sub, _pieces(first, data, uid))
    except NotStored:
        return Sent(uid, None, "file-missing")
    except (Unreadable, OSError) as error:
        return Sent(uid, None, "file-unreadable", comment=str(error))
    except (CannotTranscode, OutOfResources) as error:
        return Sent(uid, None, "cannot-transcode", comment=str(error))
    answer = response(sub.message_id)
    seconds = time.monotonic() - began
    return Sent(uid, answer.status, "", context.transfer_syntax, answer.error_comment, seconds)


@contextmanager
def _data_set(plan: Plan, context: Answered, object: Outgoing) -> Iterator[BinaryIO]:
    """The object's data set in the syntax of the context, at its beginning."""
    with file_open(object.file_key) as file:
        if plan.way is Way.AS_IS:
            offset = own_dataset_offset(file.read(MOST_META_BYTES))
            file.seek(dataset_offset(file) if offset is None else offset)
            yield file
            return
        own, target = object.transfer_syntax_uid, context.transfer_syntax
        folder = str(store().staging())
        with data_set_transcoded(file, transfer_syntax_uid=own, target=target, folder=folder) as native:
            yield native


def _pieces(piece: bytes, data: BinaryIO, uid: str) -> Iterator[bytes]:
    while piece:
        yield piece
        try:
            piece = data.read(_PIECE)
        except OSError as error:
            raise Interrupted(Sent(uid, None, "file-unreadable", comment=str(error))) from error


def _request(
    messages: Messages, context: Answered, object: Outgoing, sub: Sub, pieces: Iterator[bytes]
) -> None:
    more: dict[Tag, int | str] = {
        Tag.PRIORITY: sub.priority,
        Tag.AFFECTED_SOP_INSTANCE_UID: object.sop_instance_uid,
    }
    if sub.originator is not None:
        more[Tag.MOVE_ORIGINATOR_AE_TITLE], more[Tag.MOVE_ORIGINATOR_MESSAGE_ID] = sub.originator
    command = request_encoded(
        Field.C_STORE_RQ, sub.message_id, sop_class_uid=object.sop_class_uid, data_set=True, more=more
    )
    messages.send(context.context_id, command, pieces)
