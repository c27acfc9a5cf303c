"""The A-ASSOCIATE PDUs (PS3.8 9.3): what a requester proposes, and the bytes we answer with.

Most items are decoded and encoded by pynetdicom's classes. The frame around them is walked here, because
PS3.8 9.3.1 wants items of an unknown type ignored, and because modalities pad AE titles with NUL.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from pydicom.uid import UID
from pynetdicom import pdu_items
from pynetdicom._globals import APPLICATION_CONTEXT_NAME
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)

from archive.storage.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicomnet.contexts import Answered, Proposed, extended_answered, roles_answered


class AbortReason(IntEnum):
    """Reason of an A-ABORT by the service provider (PS3.8 Table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PARAMETER = 4
    UNEXPECTED_PARAMETER = 5
    INVALID_PARAMETER_VALUE = 6


class Rejection(IntEnum):
    """(result, source, reason) of an A-ASSOCIATE-RJ (PS3.8 Table 9-21), packed into one number."""

    NO_REASON = 0x010101
    APPLICATION_CONTEXT_NOT_SUPPORTED = 0x010102
    CALLING_AE_TITLE_NOT_RECOGNIZED = 0x010103
    CALLED_AE_TITLE_NOT_RECOGNIZED = 0x010107
    PROTOCOL_VERSION_NOT_SUPPORTED = 0x010202
    LOCAL_LIMIT_EXCEEDED = 0x020302

    def encoded(self) -> bytes:
        """The A-ASSOCIATE-RJ PDU."""
        pdu = A_ASSOCIATE_RJ()
        pdu.result, pdu.source, pdu.reason_diagnostic = self.value.to_bytes(3, "big")
        return bytes(pdu.encode())


class Malformed(Exception):
    """What arrived is not what PS3.8 allows here: the association is aborted with ``reason``."""

    def __init__(self, reason: AbortReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """User Identity sub-item (PS3.7 D.3.3.7): a name, with a passcode (kind 2) or without (kind 1)."""

    kind: int
    name: str
    passcode: str = field(default="", repr=False)
    wants_response: bool = False


class TooLong(Malformed):
    """A PDU is longer than we said we take (PS3.8 D.1)."""

    def __init__(self, detail: str) -> None:
        super().__init__(AbortReason.INVALID_PARAMETER_VALUE, detail)


@dataclass(slots=True)
class Proposal:
    """An A-ASSOCIATE-RQ in our words."""

    called_ae_title: str
    calling_ae_title: str
    protocol_version: int
    address_fields: bytes  # both titles and the reserved bytes, which the answer repeats
    application_context: str = ""
    contexts: list[Proposed] = field(default_factory=list)
    roles: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    extended: dict[str, bytes] = field(default_factory=dict)  # SOP class -> application information
    max_length: int = 0
    asynchronous: bool = False
    user_identity: str = ""
    identity: UserIdentity | None = None
    identity_confirmed: bool = False  # answered positively (PS3.7 D.3.3.7.2)
    implementation: str = ""
    implementation_uid: str = ""


def abort_encoded(reason: AbortReason, *, by_provider: bool = True) -> bytes:
    """The A-ABORT PDU (PS3.8 9.3.8). By the service user the reason is not significant: 0."""
    pdu = A_ABORT_RQ()
    pdu.source = 2 if by_provider else 0
    pdu.reason_diagnostic = int(reason) if by_provider else 0
    return bytes(pdu.encode())


def _ae_title(field_bytes: bytes) -> str:
    """The text of an AE title field: padding of spaces and NULs goes, other bytes stay tellable apart."""
    return field_bytes.strip(b" \0").decode("latin-1")


def items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (type, whole item) pairs of a variable field. Every length has to fit (PS3.8 9.3.1)."""
    offset = 0
    while offset < len(data):
        if offset + 4 > len(data):
            raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "an item's header is cut short")
        kind, length = struct.unpack_from(">BxH", data, offset)
        if offset + 4 + length > len(data):
            raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "an item is longer than its PDU")
        yield kind, data[offset : offset + 4 + length]
        offset += 4 + length


def item_decoded(item_class: type[Any], data: bytes) -> Any:
    """A pynetdicom item with its fields set; whatever it cannot take is an invalid parameter."""
    item = item_class()
    try:
        item.decode(data)
        return item.to_primitive() if hasattr(item, "to_primitive") else item
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        AssertionError,
        struct.error,
    ) as error:
        raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, f"{item_class.__name__}: {error}") from error


def _context(data: bytes) -> Proposed:
    """A proposed context (PS3.8 9.3.2.2). Read here: there are up to 128, and pynetdicom takes its time."""
    if len(data) < 8 or not data[4] & 1:
        raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "a presentation context has no ID")
    abstract_syntax, transfer_syntaxes = "", []
    for kind, item in items(data[8:]):
        if kind == 0x30:
            abstract_syntax = _uid(item)
        elif kind == 0x40:
            transfer_syntaxes.append(_uid(item))
    return Proposed(data[4], abstract_syntax, tuple(transfer_syntaxes))


def _uid(item: bytes) -> str:
    if len(item) > 4 + 64:
        raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "a UID is longer than 64 bytes")
    return item[4:].strip(b" \0").decode("latin-1")


def _context_answered(answer: Answered) -> bytes:
    """The item that answers a context (PS3.8 9.3.3.2)."""
    syntax = answer.transfer_syntax.encode("latin-1")
    head = struct.pack(
        ">BxHBxBxBxH", 0x21, 8 + len(syntax), answer.context_id, answer.result, 0x40, len(syntax)
    )
    return head + syntax


def _user_information(proposal: Proposal, data: bytes) -> None:
    for kind, item in items(data[4:]):
        if kind == 0x51:
            proposal.max_length = (
                item_decoded(pdu_items.MaximumLengthSubItem, item).maximum_length_received or 0
            )
        elif kind == 0x52:
            proposal.implementation_uid = item[4:].decode("latin-1").strip(" \0")[:64]
        elif kind == 0x53:
            proposal.asynchronous = True
        elif kind == 0x54:
            role = item_decoded(pdu_items.SCP_SCU_RoleSelectionSubItem, item)
            proposal.roles[str(role.sop_class_uid)] = (bool(role.scu_role), bool(role.scp_role))
        elif kind == 0x55:
            proposal.implementation = item[4:].decode("latin-1").strip(" \0")[:16]
        elif kind == 0x56:
            extended = item_decoded(pdu_items.SOPClassExtendedNegotiationSubItem, item)
            information = extended.service_class_application_information or b""
            proposal.extended[str(extended.sop_class_uid)] = bytes(information)
        elif kind == 0x58:
            proposal.identity = identity = _user_identity(item)
            named = identity.kind in (1, 2)
            proposal.user_identity = identity.name[:64] if named else f"type {identity.kind}"


def _user_identity(item: bytes) -> UserIdentity:
    """Who the peer says it is. Of tickets and assertions (kinds 3 to 5) only that there was one."""
    shown = item_decoded(pdu_items.UserIdentitySubItemRQ, item)
    kind, wants = int(shown.user_identity_type or 0), bool(shown.positive_response_requested)
    if kind not in (1, 2):
        return UserIdentity(kind, "", wants_response=wants)
    passcode = shown.secondary_field or b""
    return UserIdentity(
        kind,
        (shown.primary_field or b"").decode("utf-8", "replace"),
        passcode.decode("utf-8", "replace"),
        wants,
    )


def proposal_read(pdu: bytes) -> Proposal:
    """Read a whole A-ASSOCIATE-RQ PDU. Raises ``Malformed``, nothing else, for any bytes."""
    if len(pdu) < 74:
        raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "the A-ASSOCIATE-RQ is too short")
    (version,) = struct.unpack_from(">H", pdu, 6)
    proposal = Proposal(_ae_title(pdu[10:26]), _ae_title(pdu[26:42]), version, bytes(pdu[10:74]))
    for kind, item in items(pdu[74:]):
        if kind == 0x10:
            proposal.application_context = item[4:].decode("latin-1").strip(" \0")
        elif kind == 0x20:
            proposal.contexts.append(_context(item))
        elif kind == 0x50:
            _user_information(proposal, item)
    ids = [context.context_id for context in proposal.contexts]
    if len(set(ids)) != len(ids):
        raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "a presentation context ID comes twice")
    return proposal


def protocol_rejection(proposal: Proposal) -> Rejection | None:
    """What the ACSE itself refuses, before anyone asks who is calling (PS3.8 9.3.2, PS3.7 A.2.1)."""
    if not proposal.protocol_version & 1:
        return Rejection.PROTOCOL_VERSION_NOT_SUPPORTED
    if proposal.application_context != APPLICATION_CONTEXT_NAME:
        return Rejection.APPLICATION_CONTEXT_NOT_SUPPORTED
    return None


def _user_information_answered(proposal: Proposal, answers: Sequence[Answered], max_length: int) -> list[Any]:
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    version = ImplementationVersionNameNotification()
    length.maximum_length_received = max_length
    implementation.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    items: list[Any] = [length, implementation, version]
    for uid, (as_scu, as_scp) in roles_answered(answers).items():
        role = SCP_SCU_RoleSelectionNegotiation()
        role.sop_class_uid, role.scu_role, role.scp_role = UID(uid), as_scu, as_scp
        items.append(role)
    if proposal.asynchronous:
        # One operation at a time, both ways: the default, said aloud (PS3.7 D.3.3.3).
        window = AsynchronousOperationsWindowNegotiation()
        window.maximum_number_operations_invoked = window.maximum_number_operations_performed = 1
        items.append(window)
    if proposal.identity_confirmed:
        confirmed = UserIdentityNegotiation()
        confirmed.server_response = b""
        items.append(confirmed)
    for uid, information in extended_answered(answers).items():
        agreed = SOPClassExtendedNegotiation()
        agreed.sop_class_uid = UID(uid)
        agreed.service_class_application_information = information
        items.append(agreed)
    return items


def acceptance_encoded(proposal: Proposal, answers: Sequence[Answered], max_length: int) -> bytes:
    """The A-ASSOCIATE-AC PDU. A user identity that was not checked is accepted without a positive response,
    which is how an acceptor without identity checks answers (PS3.7 D.3.3.7.2)."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID(APPLICATION_CONTEXT_NAME)
    primitive.result, primitive.result_source = 0, 1
    primitive.presentation_context_definition_results_list = []
    primitive.user_information = _user_information_answered(proposal, answers, max_length)
    primitive.called_ae_title = primitive.calling_ae_title = "ANY"
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(primitive)
    encoded = pdu.encode()
    after_application = 78 + int.from_bytes(encoded[76:78], "big")
    # PS3.8 Table 9-17: the address fields are sent back as they were received, and tested by nobody.
    body = encoded[6:10] + proposal.address_fields + encoded[74:after_application]
    body += b"".join(map(_context_answered, answers)) + encoded[after_application:]
    return struct.pack(">BxL", 0x02, len(body)) + body
