"""The A-ASSOCIATE PDUs from the requester's side (PS3.8 9.3): what we propose, and what became of it.

The counterpart of ``negotiation``: items are encoded and decoded by pynetdicom's classes, the frame around
the answer's is walked here, because PS3.8 9.3.1 wants items of an unknown type ignored.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydicom.uid import UID
from pynetdicom import pdu_items
from pynetdicom._globals import APPLICATION_CONTEXT_NAME
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassExtendedNegotiation,
)
from pynetdicom.presentation import PresentationContext

from archive.storage.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicomnet.contexts import Answered, Proposed, Result, Roles, service_of
from dicomnet.dimse.negotiation import AbortReason, Malformed, item_decoded, items

MOST_CONTEXTS = 128  # their IDs are the odd numbers of a byte (PS3.8 9.3.2.2)


@dataclass(slots=True)
class Acceptance:
    """An A-ASSOCIATE-AC in our words: the contexts that were accepted, by ID, and what was agreed."""

    accepted: dict[int, Answered] = field(default_factory=dict)
    results: dict[int, Result] = field(default_factory=dict)  # of every context that was answered
    roles: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    extended: dict[str, bytes] = field(default_factory=dict)
    max_length: int = 0
    implementation: str = ""


def contexts_numbered(wanted: Iterable[tuple[str, Sequence[str]]]) -> list[Proposed]:
    """Presentation contexts, at most ``MOST_CONTEXTS``, for (abstract syntax, transfer syntaxes) pairs."""
    proposed = [
        Proposed(2 * number + 1, abstract_syntax, tuple(transfer_syntaxes))
        for number, (abstract_syntax, transfer_syntaxes) in enumerate(wanted)
    ]
    if len(proposed) > MOST_CONTEXTS:
        raise ValueError(f"{len(proposed)} presentation contexts in one association")
    return proposed


def proposal_encoded(
    *,
    called: str,
    calling: str,
    contexts: Sequence[Proposed],
    max_length: int,
    roles: Roles | None = None,
    extended: Mapping[str, bytes] | None = None,
) -> bytes:
    """The A-ASSOCIATE-RQ PDU. ``roles`` are (we as SCU, we as SCP), PS3.7 D.3.3.4."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID(APPLICATION_CONTEXT_NAME)
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    definitions = []
    for proposed in contexts:
        context = PresentationContext()
        context.context_id = proposed.context_id
        context.abstract_syntax = UID(proposed.abstract_syntax)
        context.transfer_syntax = [UID(uid) for uid in proposed.transfer_syntaxes]
        definitions.append(context)
    primitive.presentation_context_definition_list = definitions
    primitive.user_information = _user_information(max_length, roles or {}, extended or {})
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return bytes(pdu.encode())


def _user_information(max_length: int, roles: Roles, extended: Mapping[str, bytes]) -> list[Any]:
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    version = ImplementationVersionNameNotification()
    length.maximum_length_received = max_length
    implementation.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    said: list[Any] = [length, implementation, version]
    for uid, (as_scu, as_scp) in roles.items():
        role = SCP_SCU_RoleSelectionNegotiation()
        role.sop_class_uid, role.scu_role, role.scp_role = UID(uid), as_scu, as_scp
        said.append(role)
    for uid, information in extended.items():
        wish = SOPClassExtendedNegotiation()
        wish.sop_class_uid, wish.service_class_application_information = UID(uid), information
        said.append(wish)
    return said


def acceptance_read(pdu: bytes, contexts: Iterable[Proposed]) -> Acceptance:
    """Read a whole A-ASSOCIATE-AC PDU that answers ``contexts``. Raises ``Malformed``, nothing else.

    A context counts as accepted only with a transfer syntax that was proposed for it.
    """
    if len(pdu) < 74:
        raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "the A-ASSOCIATE-AC is too short")
    asked = {context.context_id: context for context in contexts}
    acceptance = Acceptance()
    for kind, item in items(pdu[74:]):
        if kind == 0x21 and len(item) >= 8:
            _context_answered(acceptance, asked.get(item[4]), item)
        elif kind == 0x50:
            _user_information_answered(acceptance, item)
    return acceptance


def _context_answered(acceptance: Acceptance, asked: Proposed | None, item: bytes) -> None:
    if asked is None:
        return
    known = item[6] in Result.__members__.values()
    result = Result(item[6]) if known else Result.NO_REASON
    if result is Result.ACCEPTANCE:
        answer = item_decoded(pdu_items.PresentationContextItemAC, item)
        syntax = str(answer.transfer_syntax[0]) if answer.transfer_syntax else ""
        if syntax in asked.transfer_syntaxes:
            uid = asked.abstract_syntax
            service = service_of(uid, private_classes=True)
            acceptance.accepted[asked.context_id] = Answered(asked.context_id, uid, syntax, result, service)
        else:
            result = Result.TRANSFER_SYNTAXES_NOT_SUPPORTED
    acceptance.results[asked.context_id] = result


def _user_information_answered(acceptance: Acceptance, data: bytes) -> None:
    for kind, item in items(data[4:]):
        if kind == 0x51:
            length = item_decoded(pdu_items.MaximumLengthSubItem, item)
            acceptance.max_length = length.maximum_length_received or 0
        elif kind == 0x54:
            role = item_decoded(pdu_items.SCP_SCU_RoleSelectionSubItem, item)
            acceptance.roles[str(role.sop_class_uid)] = (bool(role.scu_role), bool(role.scp_role))
        elif kind == 0x55:
            acceptance.implementation = item[4:].decode("latin-1").strip(" \0")[:16]
        elif kind == 0x56:
            agreed = item_decoded(pdu_items.SOPClassExtendedNegotiationSubItem, item)
            information = agreed.service_class_application_information or b""
            acceptance.extended[str(agreed.sop_class_uid)] = bytes(information)


def three_bytes(pdu: bytes) -> tuple[int, int, int]:
    """What an A-ASSOCIATE-RJ says (result, source, reason), or an A-ABORT (0, source, reason)."""
    result, source, reason = struct.unpack_from("BBB", pdu.ljust(10, b"\0"), 7)
    return result, source, reason
