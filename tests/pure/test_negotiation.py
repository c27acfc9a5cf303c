"""A-ASSOCIATE PDUs (PS3.8 9.3): read from any bytes, answered by the book."""

from __future__ import annotations

import contextlib
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomnet.contexts import Rights, Service, negotiate
from dicomnet.dimse.negotiation import (
    AbortReason,
    Malformed,
    Proposal,
    Rejection,
    abort_encoded,
    acceptance_encoded,
    proposal_read,
    protocol_rejection,
)
from tests.wire.peer import CT, EXPLICIT, IMPLICIT, VERIFICATION, associate_rq, context_item, item

ALL = Rights(frozenset(Service))
ROLE = item(0x54, struct.pack(">H", len(CT)) + CT.encode() + b"\1\1")
ASYNC = item(0x53, struct.pack(">HH", 5, 5))
EXTENDED = item(0x56, struct.pack(">H", len(CT)) + CT.encode() + b"\2\0\3\0\1\0")
USER = item(0x58, b"\2\1" + struct.pack(">H", 3) + b"bob" + struct.pack(">H", 6) + b"secret")


def answer(pdu: bytes) -> bytes:
    proposal = proposal_read(pdu)
    return acceptance_encoded(
        proposal, negotiate(proposal.contexts, proposal.roles, ALL, proposal.extended), 131072
    )


def test_a_request_is_read() -> None:
    proposal = proposal_read(
        associate_rq([(1, CT, [IMPLICIT, EXPLICIT]), (3, VERIFICATION, [IMPLICIT])], calling=b"CT1")
    )
    assert proposal.called_ae_title == "LIGHTBOX"
    assert proposal.calling_ae_title == "CT1"
    assert proposal.application_context == "1.2.840.10008.3.1.1.1"
    assert proposal.max_length == 16384
    assert [(c.context_id, c.abstract_syntax, c.transfer_syntaxes) for c in proposal.contexts] == [
        (1, CT, (IMPLICIT, EXPLICIT)),
        (3, VERIFICATION, (IMPLICIT,)),
    ]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"CT1\0".ljust(16, b"\0"), "CT1"),
        (b"  CT 1", "CT 1"),
        (b" " * 16, ""),
        (b"\xe9", "é"),
        (b"ct1", "ct1"),
    ],
)
def test_titles_lose_their_padding_and_nothing_else(sent: bytes, read: str) -> None:
    assert proposal_read(associate_rq([(1, CT, [EXPLICIT])], calling=sent)).calling_ae_title == read


def test_unknown_items_are_ignored() -> None:
    """PS3.8 9.3.1."""
    pdu = associate_rq([(1, CT, [EXPLICIT])], user=item(0x77, b"new"), after=item(0x99, b"newer"))
    assert len(proposal_read(pdu).contexts) == 1


def test_the_extras_are_read() -> None:
    proposal = proposal_read(associate_rq([(1, CT, [EXPLICIT])], user=ROLE + ASYNC + EXTENDED + USER))
    assert proposal.roles == {CT: (True, True)}
    assert proposal.asynchronous
    assert proposal.extended == {CT: b"\2\0\3\0\1\0"}
    assert proposal.user_identity == "bob"


def test_a_passcode_is_kept_nowhere() -> None:
    assert "secret" not in repr(proposal_read(associate_rq([(1, CT, [EXPLICIT])], user=USER)))


def test_the_answer_repeats_the_address_fields() -> None:
    pdu = bytearray(associate_rq([(1, CT, [EXPLICIT])], calling=b"\xe9\0x"))
    pdu[42:74] = bytes(range(32))
    assert answer(bytes(pdu))[10:74] == pdu[10:74]


def test_the_answer_is_an_a_associate_ac_that_fits() -> None:
    encoded = answer(associate_rq([(1, CT, [EXPLICIT]), (3, "1.2.3", [EXPLICIT])]))
    assert struct.unpack_from(">BxL", encoded) == (2, len(encoded) - 6)
    assert item(0x21, bytes([1, 0, 0, 0]) + item(0x40, EXPLICIT.encode())) in encoded
    assert item(0x21, bytes([3, 0, 3, 0]) + item(0x40, IMPLICIT.encode())) in encoded
    assert item(0x51, struct.pack(">L", 131072)) in encoded


def test_extras_are_answered_by_the_book() -> None:
    encoded = answer(associate_rq([(1, CT, [EXPLICIT])], user=ROLE + ASYNC + EXTENDED + USER))
    assert item(0x54, struct.pack(">H", len(CT)) + CT.encode() + b"\1\1") in encoded
    assert item(0x53, struct.pack(">HH", 1, 1)) in encoded
    assert item(0x56, struct.pack(">H", len(CT)) + CT.encode() + b"\2\0\0\0\0\0") in encoded
    assert b"\x59\0" not in encoded  # no positive response to an identity nobody checked


def test_extras_nobody_asked_for_are_not_answered() -> None:
    encoded = answer(associate_rq([(1, CT, [EXPLICIT])]))
    assert b"\x53\0\0\4" not in encoded
    assert b"\x54\0" not in encoded


@pytest.mark.parametrize(
    ("changes", "rejection"),
    [
        ({"version": 2}, Rejection.PROTOCOL_VERSION_NOT_SUPPORTED),
        ({"version": 3}, None),
        ({"application": "1.2.3"}, Rejection.APPLICATION_CONTEXT_NOT_SUPPORTED),
        ({}, None),
    ],
)
def test_protocol(changes: dict[str, object], rejection: Rejection | None) -> None:
    proposal: Proposal = proposal_read(associate_rq([(1, CT, [EXPLICIT])], **changes))  # type: ignore[arg-type]
    assert protocol_rejection(proposal) is rejection


def test_rejections_and_aborts_are_the_numbers_of_the_tables() -> None:
    assert Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED.encoded() == bytes.fromhex("03000000000400010107")
    assert Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED.encoded() == bytes.fromhex("03000000000400010103")
    assert Rejection.LOCAL_LIMIT_EXCEEDED.encoded() == bytes.fromhex("03000000000400020302")
    assert abort_encoded(AbortReason.INVALID_PARAMETER_VALUE) == bytes.fromhex("07000000000400000206")
    assert abort_encoded(AbortReason.NOT_SPECIFIED, by_provider=False) == bytes.fromhex(
        "07000000000400000000"
    )


@pytest.mark.parametrize(
    "pdu",
    [
        associate_rq([(2, CT, [EXPLICIT])]),  # an even ID
        associate_rq([(1, CT, [EXPLICIT]), (1, VERIFICATION, [EXPLICIT])]),
        associate_rq([(1, "1." * 40, [EXPLICIT])]),
        associate_rq([(1, CT, [EXPLICIT])])[:-1],
        associate_rq([(1, CT, [EXPLICIT])])[:60],
        associate_rq([], after=b"\x20\0\xff\xff"),
        associate_rq([], after=item(0x20, b"")),
        associate_rq([(1, CT, [EXPLICIT])], user=item(0x54, b"\0\xff1.2")),
        associate_rq([(1, CT, [EXPLICIT])], user=item(0x58, b"\2")),
    ],
)
def test_wrong_bytes_are_malformed(pdu: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        proposal_read(pdu)
    assert caught.value.reason is AbortReason.INVALID_PARAMETER_VALUE


@pytest.mark.parametrize("seed", range(40))
def test_a_mutated_request_is_answered_or_malformed(seed: int) -> None:
    """A hundred mutations for each seed."""
    chance = random.Random(seed)
    whole = associate_rq(
        [(n, CT, [IMPLICIT, EXPLICIT]) for n in (1, 3, 5)], user=ROLE + ASYNC + EXTENDED + USER
    )
    for _ in range(100):
        pdu = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            pdu[chance.randrange(6, len(pdu))] = chance.randrange(256)
        with contextlib.suppress(Malformed):
            assert answer(bytes(pdu[: chance.choice([len(pdu), chance.randrange(6, len(pdu))])]))[0] == 2


@given(st.binary(max_size=300))
def test_any_variable_items_are_answered_or_malformed(items: bytes) -> None:
    with contextlib.suppress(Malformed):
        answer(associate_rq([(1, CT, [EXPLICIT])]) + items)


def test_a_context_without_abstract_syntax_is_no_class() -> None:
    pdu = associate_rq([], after=item(0x20, bytes([1, 0, 0, 0]) + item(0x40, EXPLICIT.encode())))
    assert item(0x21, bytes([1, 0, 3, 0]) + item(0x40, IMPLICIT.encode())) in answer(pdu)


def test_one_item_of_each_context() -> None:
    assert context_item((1, CT, [])) in associate_rq([(1, CT, [])])
    assert item(0x21, bytes([1, 0, 4, 0]) + item(0x40, IMPLICIT.encode())) in answer(
        associate_rq([(1, CT, [])])
    )
