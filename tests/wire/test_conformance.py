"""Every claim of CONFORMANCE.md is negotiated with a running server; what is not claimed is refused.

The claims are read from the document, not from the code that wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pydicom._uid_dict import UID_dictionary

from tests.wire.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Context,
    Peer,
    Rejected,
    command,
    echo_command,
    item,
    pdu,
    pdv,
)
from tests.wire.server import Scp

TEXT = (Path(__file__).resolve().parents[2] / "CONFORMANCE.md").read_text()
RIGHTS = ("echo", "store", "find", "move", "get", "worklist", "mpps", "commit", "print")
ACCEPTED, USER_REJECTION, NO_CLASS, NO_SYNTAX = 0, 1, 3, 4
UID = r"[0-9.]+"


def section(title: str) -> str:
    """What stands between a heading and the next one of its rank."""
    rank, _, _ = title.partition(" ")
    found = re.search(
        rf"^{re.escape(title)}.*?$(.*?)(?=^#{{1,{len(rank)}}} |\Z)", TEXT, re.MULTILINE | re.DOTALL
    )
    assert found, title
    return found[1]


CLASSES = dict(re.findall(rf"^\| [^|]+ \| ({UID}) \| ([^|]+) \|$", section("## Annex A."), re.MULTILINE))
SYNTAXES = {
    uid: services.split(", ")
    for uid, services in re.findall(
        rf"^\| [^|]+ \| ({UID}) \| ([^|]+) \|$", section("## Annex B."), re.MULTILINE
    )
}
RIGHT_OF = dict(re.findall(r"^\| ([^|]+) \| SCP \| `(\w+)` \|", section("## 1. Overview"), re.MULTILINE))


def value(part: str, name: str) -> str:
    """What a table says beside a name."""
    found = re.search(rf"^\| {re.escape(name)} \| (.*?) \|$", part, re.MULTILINE)
    assert found, name
    return found[1]


def role(uid: str, scu: int, scp: int) -> bytes:
    return item(0x54, len(uid).to_bytes(2, "big") + uid.encode() + bytes([scu, scp]))


@pytest.fixture(scope="module")
def trusted(shared_scp: Scp) -> Scp:
    """A server that knows a node with every right, and one with every right but private classes."""
    shared_scp.node("TRUSTED", **{f"allow_{right}": 1 for right in RIGHTS})
    return shared_scp


def results(scp: Scp, pairs: Sequence[tuple[str, Sequence[str]]], calling: bytes = b"TRUSTED") -> list[int]:
    """The result of each (class, syntaxes), on as many associations as that takes."""
    found: list[int] = []
    for start in range(0, len(pairs), 128):
        some = pairs[start : start + 128]
        contexts: list[Context] = [(2 * n + 1, uid, syntaxes) for n, (uid, syntaxes) in enumerate(some)]
        with Peer.associated(scp.port, contexts, calling=calling) as peer:
            found += [peer.results[2 * n + 1] for n in range(len(some))]
            peer.release()
    return found


def first_of_each() -> Iterator[tuple[str, str]]:
    """A class of each service."""
    for service in RIGHT_OF:
        yield service, next(uid for uid, of in CLASSES.items() if of == service)


def test_the_document_was_read() -> None:
    assert len(CLASSES) > 200
    assert len(SYNTAXES) > 50
    assert CLASSES[VERIFICATION] == "Verification"
    assert CLASSES[CT] == "Storage"
    assert set(CLASSES.values()) == set(RIGHT_OF)


def test_every_class_is_accepted(trusted: Scp) -> None:
    refused = [
        uid
        for uid, result in zip(
            CLASSES, results(trusted, [(uid, [EXPLICIT, IMPLICIT]) for uid in CLASSES]), strict=True
        )
        if result != ACCEPTED
    ]
    assert refused == []


def test_every_syntax_is_accepted_and_no_other(trusted: Scp) -> None:
    every = sorted(uid for uid, (_, kind, *_) in UID_dictionary.items() if kind == "Transfer Syntax")
    for service, uid in first_of_each():
        claimed = {syntax for syntax, services in SYNTAXES.items() if service in services}
        found = results(trusted, [(uid, [syntax]) for syntax in every])
        assert {s for s, result in zip(every, found, strict=True) if result == ACCEPTED} == claimed, service


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.3.10",  # a medium's directory
        "1.2.840.10008.5.1.1.9",  # greyscale print
        "1.2.840.10008.5.1.1.16",  # a printer
        "1.2.840.10008.5.1.4.1.2.5.3",  # retrieval without bulk data
        "1.2.840.10008.5.1.4.34.6.1",  # unified procedure step
        "1.2.840.10008.5.1.4.41",  # product characteristics
        "1.2.840.10008.1.20.2",  # storage commitment pull, retired
        "1.2.840.10008.1.2",  # no SOP class
        "1.2.840.113619.4.30",  # private
        "1.2.840.10008.5.1.4.1.1.999.1",  # newer than the tables
    ],
)
def test_what_is_not_claimed_is_refused(trusted: Scp, uid: str) -> None:
    assert uid not in CLASSES
    assert results(trusted, [(uid, [EXPLICIT, IMPLICIT])]) == [NO_CLASS]


def test_every_sop_class_of_the_standard_is_claimed_or_refused(trusted: Scp) -> None:
    known = sorted(
        uid for uid, (_, kind, *_) in UID_dictionary.items() if kind in ("SOP Class", "Meta SOP Class")
    )
    found = results(trusted, [(uid, [EXPLICIT, IMPLICIT]) for uid in known])
    assert {uid for uid, result in zip(known, found, strict=True) if result == ACCEPTED} == set(
        CLASSES
    ) & set(known)


def test_a_context_without_a_usable_syntax_is_refused(trusted: Scp) -> None:
    assert results(trusted, [(CT, ["no syntax"]), (CT, [])]) == [NO_SYNTAX, NO_SYNTAX]


def test_private_classes_are_a_matter_of_the_node(trusted: Scp) -> None:
    trusted.node("PRIVATE", accept_private_classes=1)
    pairs = [("1.2.840.113619.4.30", [EXPLICIT]), ("1.2.840.10008.5.1.4.1.1.999.1", [EXPLICIT])]
    assert results(trusted, pairs, b"PRIVATE") == [ACCEPTED, ACCEPTED]


def test_every_service_needs_its_right(trusted: Scp) -> None:
    for service, uid in first_of_each():
        title = f"NO_{RIGHT_OF[service].upper()}"
        trusted.node(title, **{f"allow_{right}": int(right != RIGHT_OF[service]) for right in RIGHTS})
        assert results(trusted, [(uid, [EXPLICIT, IMPLICIT])], title.encode()) == [USER_REJECTION], service


def test_roles_are_answered_as_claimed(trusted: Scp) -> None:
    for number, (service, uid) in enumerate(first_of_each(), 1):
        told = value(section(f"### 5.{number} {service}"), "roles a requester may take")
        contexts: list[Context] = [(1, uid, [EXPLICIT, IMPLICIT])]
        with Peer.associated(trusted.port, contexts, calling=b"TRUSTED", user=role(uid, 1, 1)) as peer:
            [answered] = [body for kind, body in peer.user if kind == 0x54]
        assert (answered[-2] == 1, answered[-1] == 1) == ("SCU" in told, "SCP" in told), service


def test_extended_negotiation_is_answered_as_claimed(trusted: Scp) -> None:
    for number, (service, uid) in enumerate(first_of_each(), 1):
        part = section(f"### 5.{number} {service}")
        asked = item(0x56, len(uid).to_bytes(2, "big") + uid.encode() + b"\1" * 6)
        contexts: list[Context] = [(1, uid, [EXPLICIT, IMPLICIT])]
        with Peer.associated(trusted.port, contexts, calling=b"TRUSTED", user=asked) as peer:
            answered = [body[2 + len(uid) :] for kind, body in peer.user if kind == 0x56]
        if "extended negotiation" not in part:
            assert answered == [], service
            continue
        told = value(part, "extended negotiation, when all is asked")
        (information,) = answered
        for byte in re.findall(r"(\d) \(", told):
            assert int(byte) in information, service


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"version": 2}, "has no protocol version 1"),
        ({"application": "1.2.3"}, "names another application context"),
        ({"called": b"OTHER"}, "calls another AE title than ours, letter by letter"),
        ({"calling": b"NOBODY"}, "comes from an AE title that is no active node"),
    ],
)
def test_associations_are_rejected_as_claimed(trusted: Scp, said: dict[str, bytes], why: str) -> None:
    part = section("### 4.2 Acceptance")
    (numbers,) = re.findall(rf"^\| {re.escape(why)}.*\| (\d), (\d), (\d) \|$", part, re.MULTILINE)
    with pytest.raises(Rejected) as caught:
        Peer.associated(trusted.port, **({"calling": b"TRUSTED"} | said))
    assert caught.value.args[0] == tuple(map(int, numbers))


def test_the_limit_of_associations_is_told_as_claimed(start: Callable[..., Scp]) -> None:
    (numbers,) = re.findall(
        r"too many associations.*\| (\d), (\d), (\d) \|$", section("### 4.2"), re.MULTILINE
    )
    scp = start("--max-associations", "1")
    with Peer.associated(scp.port), pytest.raises(Rejected) as caught:
        Peer.associated(scp.port)
    assert caught.value.args[0] == tuple(map(int, numbers))


def test_what_we_say_of_ourselves(trusted: Scp) -> None:
    part = section("### 4.1 General")
    window = item(0x53, b"\0\5\0\5")
    with Peer.associated(trusted.port, calling=b"TRUSTED", user=window) as peer:
        user = dict(peer.user)
        assert value(part, "largest PDU received").startswith(f"{peer.max_length} bytes")
    assert user[0x52].decode() == value(part, "implementation class UID")
    assert user[0x55].decode() == value(part, "implementation version name")
    assert user[0x53] == b"\0\1\0\1"
    assert value(part, "asynchronous operations") == "1 invoked, 1 performed"


def test_an_operation_of_another_service_gets_the_claimed_status(trusted: Scp) -> None:
    assert value(section("### 5.1 Verification"), "0211").startswith("Unrecognized operation")
    contexts: list[Context] = [(1, VERIFICATION, [IMPLICIT]), (3, CT, [EXPLICIT])]
    with Peer.associated(trusted.port, contexts, calling=b"TRUSTED") as peer:
        peer.send(pdu(4, pdv(1, 3, command(x0800=0x0101))))
        assert peer.read_status() == 0x0211
        peer.send(pdu(4, pdv(3, 3, echo_command())))
        assert peer.read_status() == 0x0211
        peer.release()
