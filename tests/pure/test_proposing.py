"""What we propose, byte by byte, and what of an answer is understood (PS3.8 9.3.2, 9.3.3, PS3.7 D.3.3)."""

from __future__ import annotations

import contextlib
import struct

import pytest

from dicomnet.contexts import Answered, Proposed, Result, Service
from dicomnet.dimse.negotiation import Malformed, proposal_read
from dicomnet.dimse.proposing import acceptance_read, contexts_numbered, proposal_encoded, three_bytes

CT, FIND = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.2.2.1"
EXPLICIT, IMPLICIT, J2K = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.90"
CONTEXTS = [Proposed(1, CT, (J2K,)), Proposed(3, CT, (EXPLICIT, IMPLICIT))]


def item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(body)) + body


def answered(number: int, result: int, syntax: bytes) -> bytes:
    return item(0x21, bytes([number, 0, result, 0]) + item(0x40, syntax))


def acceptance(*items: bytes, user: bytes = b"") -> bytes:
    body = struct.pack(">HH", 1, 0) + b"DEST".ljust(16) + b"ME".ljust(16) + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + b"".join(items)
    body += item(0x50, item(0x51, struct.pack(">L", 16384)) + item(0x52, b"1.2.3") + user)
    return struct.pack(">BxL", 2, len(body)) + body


def test_a_proposal_says_what_was_asked_for() -> None:
    pdu = proposal_encoded(
        called="DEST",
        calling="LIGHTBOX",
        contexts=CONTEXTS,
        max_length=131072,
        roles={CT: (False, True)},
        extended={FIND: b"\x01"},
    )
    assert struct.unpack_from(">BxL", pdu) == (1, len(pdu) - 6)
    proposal = proposal_read(pdu)
    assert (proposal.called_ae_title, proposal.calling_ae_title) == ("DEST", "LIGHTBOX")
    assert proposal.application_context == "1.2.840.10008.3.1.1.1"
    assert proposal.contexts == CONTEXTS
    assert proposal.roles == {CT: (False, True)}
    assert proposal.extended == {FIND: b"\x01"}
    assert proposal.max_length == 131072
    assert proposal.implementation == "LIGHTBOX_1"


def test_contexts_have_odd_numbers_up_to_255() -> None:
    numbered = contexts_numbered([(CT, [EXPLICIT])] * 128)
    assert [context.context_id for context in numbered[:3]] == [1, 3, 5]
    assert numbered[-1].context_id == 255
    with pytest.raises(ValueError, match="129"):
        contexts_numbered([(CT, [EXPLICIT])] * 129)


def test_an_answer_gives_contexts_roles_and_limits() -> None:
    role = item(0x54, struct.pack(">H", len(CT)) + CT.encode() + b"\0\1")
    name = item(0x55, b"THEM_1")
    pdu = acceptance(answered(1, 4, b""), answered(3, 0, IMPLICIT.encode()), user=role + name)
    found = acceptance_read(pdu, CONTEXTS)
    assert found.accepted == {3: Answered(3, CT, IMPLICIT, Result.ACCEPTANCE, Service.STORE)}
    assert found.results == {1: Result.TRANSFER_SYNTAXES_NOT_SUPPORTED, 3: Result.ACCEPTANCE}
    assert found.roles == {CT: (False, True)}
    assert (found.max_length, found.implementation) == (16384, "THEM_1")


def test_a_syntax_that_was_not_proposed_is_not_accepted() -> None:
    found = acceptance_read(acceptance(answered(1, 0, EXPLICIT.encode())), CONTEXTS)
    assert found.accepted == {}
    assert found.results == {1: Result.TRANSFER_SYNTAXES_NOT_SUPPORTED}


def test_what_was_not_asked_and_what_is_unknown_is_passed_over() -> None:
    odd = item(0x99, b"?") + answered(77, 0, EXPLICIT.encode()) + answered(1, 9, b"")
    found = acceptance_read(acceptance(odd, user=item(0x5F, b"?")), CONTEXTS)
    assert found.accepted == {}
    assert found.results == {1: Result.NO_REASON}


@pytest.mark.parametrize("cut", [10, 73, 90, 120, 150])
def test_an_answer_that_is_cut_off_is_malformed_or_says_less(cut: int) -> None:
    pdu = acceptance(answered(3, 0, IMPLICIT.encode()))[:cut]
    accepted = set()
    with contextlib.suppress(Malformed):
        accepted = set(acceptance_read(pdu, CONTEXTS).accepted)
    assert accepted <= {3}


def test_every_mutation_of_an_answer_is_read_or_malformed() -> None:
    pdu = bytearray(acceptance(answered(1, 0, J2K.encode()), answered(3, 0, IMPLICIT.encode())))
    for at in range(len(pdu)):
        for value in (0, 1, 0x40, 0xFF):
            before, pdu[at] = pdu[at], value
            with contextlib.suppress(Malformed):
                acceptance_read(bytes(pdu), CONTEXTS)
            pdu[at] = before


def test_a_rejection_has_three_bytes() -> None:
    assert three_bytes(bytes.fromhex("0300 00000004 00 01 01 07")) == (1, 1, 7)
    assert three_bytes(b"\x07") == (0, 0, 0)
