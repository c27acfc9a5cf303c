"""Command sets (PS3.7 6.3 and Annex E): what a message asks or answers, and how to write one."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from dicomnet.dimse.negotiation import AbortReason, Malformed

MAX_COMMAND_BYTES = 64 << 10
NO_DATA_SET = 0x0101
WITH_DATA_SET = 0x0001
RESPONSE = 0x8000


class Field(IntEnum):
    """Command Field (0000,0100) of requests (PS3.7 Table E.1-1); a response has ``RESPONSE`` set as well."""

    C_STORE_RQ = 0x0001
    C_GET_RQ = 0x0010
    C_FIND_RQ = 0x0020
    C_MOVE_RQ = 0x0021
    C_ECHO_RQ = 0x0030
    N_EVENT_REPORT_RQ = 0x0100
    N_GET_RQ = 0x0110
    N_SET_RQ = 0x0120
    N_ACTION_RQ = 0x0130
    N_CREATE_RQ = 0x0140
    N_DELETE_RQ = 0x0150
    C_CANCEL_RQ = 0x0FFF


class Tag(IntEnum):
    """Elements of group 0000 (PS3.7 Annex E)."""

    GROUP_LENGTH = 0x0000
    AFFECTED_SOP_CLASS_UID = 0x0002
    REQUESTED_SOP_CLASS_UID = 0x0003
    COMMAND_FIELD = 0x0100
    MESSAGE_ID = 0x0110
    MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
    MOVE_DESTINATION = 0x0600
    PRIORITY = 0x0700
    COMMAND_DATA_SET_TYPE = 0x0800
    STATUS = 0x0900
    OFFENDING_ELEMENT = 0x0901
    ERROR_COMMENT = 0x0902
    ERROR_ID = 0x0903
    AFFECTED_SOP_INSTANCE_UID = 0x1000
    REQUESTED_SOP_INSTANCE_UID = 0x1001
    EVENT_TYPE_ID = 0x1002
    ATTRIBUTE_IDENTIFIER_LIST = 0x1005
    ACTION_TYPE_ID = 0x1008
    NUMBER_OF_REMAINING_SUBOPERATIONS = 0x1020
    NUMBER_OF_COMPLETED_SUBOPERATIONS = 0x1021
    NUMBER_OF_FAILED_SUBOPERATIONS = 0x1022
    NUMBER_OF_WARNING_SUBOPERATIONS = 0x1023
    MOVE_ORIGINATOR_AE_TITLE = 0x1030
    MOVE_ORIGINATOR_MESSAGE_ID = 0x1031


@dataclass(frozen=True, slots=True)
class SubOperations:
    """How far a retrieval is (PS3.7 9.1.3.1.7 to 9.1.3.1.10)."""

    remaining: int
    completed: int
    failed: int
    warning: int


@dataclass(frozen=True, slots=True)
class Command:
    """A request or a response. Texts are as sent, without padding; empty where the element is missing.

    ``message_id`` of a cancel and of a response is that of the message it is about. ``sop_class_uid`` and
    ``sop_instance_uid`` are the Affected ones, or the Requested ones where the operation names those
    (N-GET, N-SET, N-ACTION, N-DELETE). ``status`` is None in a request.
    """

    field: int
    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    has_data_set: bool
    status: int | None = None
    move_destination: str = ""
    priority: int = 0
    error_comment: str = ""
    type_id: int = 0  # Action Type ID or Event Type ID
    attributes: tuple[int, ...] = ()  # Attribute Identifier List, as 32-bit tags
    sub_operations: SubOperations | None = None  # of a C-MOVE or C-GET response that tells them

    @property
    def is_response(self) -> bool:
        return bool(self.field & RESPONSE)


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(element, value) of an implicit VR little endian command set."""
    offset = 0
    while offset < len(data):
        if offset + 8 > len(data):
            raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "a command element is cut short")
        group, element, length = struct.unpack_from("<HHL", data, offset)
        offset += 8
        if group != 0 or length > len(data) - offset:
            raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "a command set has a wrong length")
        yield element, data[offset : offset + length]
        offset += length


def _required(values: Mapping[int, bytes], tag: Tag) -> int:
    value = values.get(tag, b"")
    if len(value) != 2:
        raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, f"the command has no {tag.name}")
    return int.from_bytes(value, "little")


def _optional(values: Mapping[int, bytes], *tags: int) -> int:
    found = next((values[tag] for tag in tags if len(values.get(tag, b"")) == 2), b"\0\0")
    return int.from_bytes(found, "little")


def _text(values: Mapping[int, bytes], *tags: Tag) -> str:
    found = next((values[tag] for tag in tags if values.get(tag)), b"")
    return found.strip(b" \0").decode("latin-1")


def _tags(values: Mapping[int, bytes]) -> tuple[int, ...]:
    raw = values.get(Tag.ATTRIBUTE_IDENTIFIER_LIST, b"")
    return tuple(group << 16 | element for group, element in struct.iter_unpack("<HH", raw[: len(raw) & ~3]))


def command_decoded(data: bytes) -> Command:
    """Read a whole command set. Raises ``Malformed``, nothing else, for any bytes."""
    values = dict(_elements(data))
    field = _required(values, Tag.COMMAND_FIELD)
    # A cancel and a response name the message they are about (PS3.7 9.3.2.3, Annex E).
    about_another = field == Field.C_CANCEL_RQ or field & RESPONSE
    named = Tag.MESSAGE_ID_BEING_RESPONDED_TO if about_another else Tag.MESSAGE_ID
    return Command(
        field=field,
        message_id=_required(values, named),
        sop_class_uid=_text(values, Tag.AFFECTED_SOP_CLASS_UID, Tag.REQUESTED_SOP_CLASS_UID),
        sop_instance_uid=_text(values, Tag.AFFECTED_SOP_INSTANCE_UID, Tag.REQUESTED_SOP_INSTANCE_UID),
        has_data_set=_required(values, Tag.COMMAND_DATA_SET_TYPE) != NO_DATA_SET,
        status=_required(values, Tag.STATUS) if field & RESPONSE else None,
        move_destination=_text(values, Tag.MOVE_DESTINATION),
        priority=_optional(values, Tag.PRIORITY),
        error_comment=_text(values, Tag.ERROR_COMMENT),
        type_id=_optional(values, Tag.ACTION_TYPE_ID, Tag.EVENT_TYPE_ID),
        attributes=_tags(values),
        sub_operations=_sub_operations(values),
    )


def _sub_operations(values: Mapping[int, bytes]) -> SubOperations | None:
    if not values.keys() & _COUNTS:
        return None
    return SubOperations(*(_optional(values, tag) for tag in _COUNTS))


_COUNTS = (
    Tag.NUMBER_OF_REMAINING_SUBOPERATIONS,
    Tag.NUMBER_OF_COMPLETED_SUBOPERATIONS,
    Tag.NUMBER_OF_FAILED_SUBOPERATIONS,
    Tag.NUMBER_OF_WARNING_SUBOPERATIONS,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response says of its operation. ``counts`` are those of sub-operations: completed, failed,
    with a warning."""

    status: int
    comment: str = ""
    counts: tuple[int, int, int] = (0, 0, 0)


_HEADER = struct.Struct("<HHL")
_DONE = tuple(map(int, _COUNTS[1:]))
_TOLD = frozenset({int(Tag.STATUS), int(Tag.ERROR_COMMENT), *_DONE})


def answer_of(command_set: bytes) -> Answer | None:
    """Read a response that was encoded here; None for a request. Quick: it is done for every image."""
    offset, end = 0, len(command_set)
    values: dict[int, bytes] = {}
    while offset < end:
        _group, tag, length = _HEADER.unpack_from(command_set, offset)
        offset += 8 + length
        if tag in _TOLD:
            values[tag] = command_set[offset - length : offset]
    status = values.pop(0x0900, None)
    if status is None:
        return None
    number = int.from_bytes(status, "little")
    if not values:
        return Answer(number)
    completed, failed, warned = (_optional(values, tag) for tag in _DONE)
    return Answer(number, _text(values, Tag.ERROR_COMMENT), (completed, failed, warned))


_UIDS = frozenset(
    {
        Tag.AFFECTED_SOP_CLASS_UID,
        Tag.REQUESTED_SOP_CLASS_UID,
        Tag.AFFECTED_SOP_INSTANCE_UID,
        Tag.REQUESTED_SOP_INSTANCE_UID,
    }
)


def command_encoded(values: Mapping[Tag, int | str | bytes]) -> bytes:
    """A command set with its group length: numbers as US, texts padded as their VR wants, bytes as given."""
    body = b"".join(_encoded(tag, values[tag]) for tag in sorted(values))
    return _encoded(Tag.GROUP_LENGTH, struct.pack("<L", len(body))) + body


def _encoded(tag: Tag, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        value = struct.pack("<H", value)
    elif isinstance(value, str):
        value = value.encode("latin-1", "replace")
        value += (b"\0" if tag in _UIDS else b" ") * (len(value) % 2)
    return struct.pack("<HHL", 0, tag, len(value)) + value


def response_encoded(
    command: Command,
    status: int,
    *,
    comment: str = "",
    offending: int | None = None,
    data_set: bool = False,
    more: Mapping[Tag, int | str | bytes] | None = None,
) -> bytes:
    """The response's command set. ``comment`` is cut to the 64 characters of an LO; ``data_set`` says that
    one follows; ``offending`` is the tag of the element that is to blame; ``more`` are further elements, as
    the counts of sub-operations."""
    values: dict[Tag, int | str | bytes] = {
        Tag.COMMAND_FIELD: command.field | RESPONSE,
        Tag.MESSAGE_ID_BEING_RESPONDED_TO: command.message_id,
        Tag.COMMAND_DATA_SET_TYPE: WITH_DATA_SET if data_set else NO_DATA_SET,
        Tag.STATUS: status,
    }
    if command.sop_class_uid:
        values[Tag.AFFECTED_SOP_CLASS_UID] = command.sop_class_uid
    if command.sop_instance_uid:
        values[Tag.AFFECTED_SOP_INSTANCE_UID] = command.sop_instance_uid
    if offending is not None:
        values[Tag.OFFENDING_ELEMENT] = struct.pack("<HH", offending >> 16, offending & 0xFFFF)
    if comment:
        values[Tag.ERROR_COMMENT] = comment.encode("ascii", "replace").decode()[:64]
    return command_encoded({**values, **(more or {})})


def request_encoded(
    field: Field, message_id: int, *, sop_class_uid: str, data_set: bool, more: Mapping[Tag, int | str]
) -> bytes:
    """A request's command set; ``more`` are the elements that only this operation has."""
    named = (Field.N_GET_RQ, Field.N_SET_RQ, Field.N_ACTION_RQ, Field.N_DELETE_RQ)
    values: dict[Tag, int | str | bytes] = {
        Tag.REQUESTED_SOP_CLASS_UID if field in named else Tag.AFFECTED_SOP_CLASS_UID: sop_class_uid,
        Tag.COMMAND_FIELD: field,
        Tag.MESSAGE_ID: message_id,
        Tag.COMMAND_DATA_SET_TYPE: WITH_DATA_SET if data_set else NO_DATA_SET,
    }
    return command_encoded({**values, **more})


def cancel_encoded(message_id: int) -> bytes:
    """A C-CANCEL-RQ for that message (PS3.7 9.3.2.3)."""
    return command_encoded(
        {
            Tag.COMMAND_FIELD: Field.C_CANCEL_RQ,
            Tag.MESSAGE_ID_BEING_RESPONDED_TO: message_id,
            Tag.COMMAND_DATA_SET_TYPE: NO_DATA_SET,
        }
    )
