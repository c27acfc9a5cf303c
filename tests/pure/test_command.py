"""Command sets in and out (PS3.7 6.3): whatever comes in, a request or Malformed comes of it."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomnet.dimse.command import (
    Answer,
    Command,
    Tag,
    answer_of,
    cancel_encoded,
    command_decoded,
    response_encoded,
)
from dicomnet.dimse.messages import p_data_encoded
from dicomnet.dimse.negotiation import Malformed
from dicomnet.status import Status
from tests.wire.peer import command, echo_command, element

CT = "1.2.840.10008.5.1.4.1.1.2"


def test_a_store_request() -> None:
    assert command_decoded(command(x0110=7, x1000="1.2.33")) == Command(
        field=0x0001, message_id=7, sop_class_uid=CT, sop_instance_uid="1.2.33", has_data_set=True
    )


def test_an_echo_request() -> None:
    assert command_decoded(echo_command(9)) == Command(0x0030, 9, "1.2.840.10008.1.1", "", False)


def test_padding_is_not_part_of_a_uid() -> None:
    assert command_decoded(command(x1000=b"1.2\0")).sop_instance_uid == "1.2"
    assert command_decoded(command(x1000=b"1.23  ")).sop_instance_uid == "1.23"


def test_missing_uids_are_for_the_operation_to_judge() -> None:
    assert command_decoded(command(x0002=None, x1000=None)).sop_class_uid == ""


@pytest.mark.parametrize("missing", ["x0100", "x0110", "x0800"])
def test_what_cannot_be_answered_is_malformed(missing: str) -> None:
    with pytest.raises(Malformed):
        command_decoded(command(**{missing: None}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        command()[:-1],
        command() + b"\0",
        command() + struct.pack("<HHL", 8, 0x1000, 0),  # another group
        command() + struct.pack("<HHL", 0, 0x1001, 0xFFFFFFFF),
        command(x0100=b"\1"),
        command(x0100=0x8001),  # a response without its status
    ],
)
def test_wrong_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        command_decoded(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_malformed_or_a_command(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        command_decoded(data)


REQUEST = Command(0x0001, 7, CT, "1.2.3", True)


def test_the_response_to_a_store() -> None:
    body = (
        element(0x0002, CT)
        + element(0x0100, 0x8001)
        + element(0x0120, 7)
        + element(0x0800, 0x0101)
        + element(0x0900, 0xA700)
        + element(0x0902, b"no room ")
        + element(0x1000, "1.2.3")
    )
    expected = element(0, struct.pack("<L", len(body))) + body
    assert response_encoded(REQUEST, Status.OUT_OF_RESOURCES, comment="no room") == expected


def test_the_offending_element_is_a_tag() -> None:
    encoded = response_encoded(
        REQUEST, Status.INVALID_ATTRIBUTE_VALUE, offending=Tag.AFFECTED_SOP_INSTANCE_UID
    )
    assert element(0x0901, b"\0\0\0\x10") in encoded


def test_a_comment_is_cut_to_64_characters_of_ascii() -> None:
    encoded = response_encoded(REQUEST, Status.CANNOT_UNDERSTAND, comment="é" + "x" * 100)
    assert element(0x0902, b"?" + b"x" * 63) in encoded


@pytest.mark.parametrize("max_length", [0, 7, 16, 64, 16384])
def test_a_response_is_cut_as_the_peer_wants_it(max_length: int) -> None:
    command_set = response_encoded(REQUEST, Status.SUCCESS)
    stream, joined, flags = p_data_encoded(5, command_set, max_length), b"", []
    while stream:
        kind, length, pdv_length, context_id, control = struct.unpack_from(">BxLLBB", stream)
        assert (kind, context_id, length) == (4, 5, pdv_length + 4)
        assert not max_length or length <= max_length
        joined += stream[12 : 6 + length]
        flags.append(control)
        stream = stream[6 + length :]
    assert joined == command_set
    assert flags == [1] * (len(flags) - 1) + [3]


def test_an_answer_of_ours_is_read_back() -> None:
    request = command_decoded(command())
    assert answer_of(response_encoded(request, 0)) == Answer(0)
    counts = {
        Tag.NUMBER_OF_REMAINING_SUBOPERATIONS: 9,
        Tag.NUMBER_OF_COMPLETED_SUBOPERATIONS: 5,
        Tag.NUMBER_OF_FAILED_SUBOPERATIONS: 2,
        Tag.NUMBER_OF_WARNING_SUBOPERATIONS: 1,
    }
    encoded = response_encoded(request, 0xB000, comment="Some failed", more=counts)
    assert answer_of(encoded) == Answer(0xB000, "Some failed", (5, 2, 1))


def test_a_request_of_ours_is_no_answer() -> None:
    assert answer_of(cancel_encoded(7)) is None
