"""The guard's decision, and what flows on from a node to its objects."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from dicomnet.callers import CallerReason
from dicomnet.contexts import Rights, Service
from dicomnet.dimse.negotiation import Proposal, Rejection, proposal_read
from dicomnet.models import AENode
from dicomnet.scp.guard import HostNames, TurnedAway, caller_admit
from tests.wire.peer import CT, EXPLICIT, associate_rq

pytestmark = pytest.mark.django_db


def proposal(**said: Any) -> Proposal:
    return proposal_read(associate_rq([(1, CT, [EXPLICIT])], **{"calling": b"CT1", **said}))


def node(**changes: Any) -> AENode:
    return AENode.objects.create(**{"ae_title": "CT1", "host": "10.0.0.1", "port": 104, **changes})


def turned_away(said: Proposal, address: str = "10.0.0.1") -> tuple[Rejection, CallerReason | None]:
    with pytest.raises(TurnedAway) as caught:
        caller_admit(said, address)
    return caught.value.rejection, caught.value.reason


def test_a_node_is_admitted_with_its_rights_and_defaults() -> None:
    known = node(
        allow_find=False,
        allow_move=True,
        accept_private_classes=True,
        default_charset="GB18030",
        default_issuer="WARD7",
    )
    caller = caller_admit(proposal(), "10.0.0.1")
    assert caller.node == known
    assert caller.rights == Rights(frozenset({Service.ECHO, Service.STORE, Service.MOVE}), True)
    assert caller.origin.source == "CT1"
    assert caller.origin.address == "10.0.0.1"
    assert caller.origin.default_charset == "GB18030"
    assert caller.origin.default_issuer == "WARD7"


def test_reasons() -> None:
    calling = Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED
    assert turned_away(proposal()) == (calling, CallerReason.UNKNOWN_TITLE)
    known = node()
    assert turned_away(proposal(), "10.0.0.2") == (calling, CallerReason.OTHER_HOST)
    AENode.objects.filter(pk=known.pk).update(active=False)
    assert turned_away(proposal()) == (calling, CallerReason.INACTIVE)
    assert turned_away(proposal(called=b"WRONG")) == (
        Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED,
        CallerReason.CALLED_TITLE,
    )
    assert turned_away(proposal(version=2)) == (Rejection.PROTOCOL_VERSION_NOT_SUPPORTED, None)


@pytest.mark.parametrize(
    ("host", "address", "welcome"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("10.0.0.1", "10.0.0.11", False),
        ("fe80::1", "fe80::1%eth0", True),
        ("FE80:0::1", "fe80::1", True),
        ("localhost", "127.0.0.1", True),
        ("localhost", "::1", True),
        ("127.0.0.1", "127.0.1.1", True),
        ("no-such-host.invalid", "10.0.0.1", False),
        ("", "10.0.0.1", False),
        ("x" * 70, "10.0.0.1", False),
    ],
)
def test_hosts(host: str, address: str, welcome: bool) -> None:
    node(host=host)
    if welcome:
        assert caller_admit(proposal(), address).ae_title == "CT1"
    else:
        assert turned_away(proposal(), address)[1] is CallerReason.OTHER_HOST


def test_any_host_when_the_node_says_so() -> None:
    node(check_host=False)
    assert caller_admit(proposal(), "192.0.2.1").ae_title == "CT1"


def test_a_name_is_resolved_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        if host == "down":
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    names = HostNames()
    assert [names.addresses("ct1.example") for _ in range(3)] == [{"10.0.0.5"}] * 3
    assert [names.addresses("down") for _ in range(2)] == [frozenset()] * 2
    # A name that did not resolve is asked again: the next association may be luckier.
    assert asked == ["ct1.example", "down", "down"]


def test_trials_let_unlisted_titles_echo_and_store(settings: Any) -> None:
    settings.PACS_ACCEPT_UNKNOWN_AE = True
    caller = caller_admit(proposal(), "192.0.2.1")
    assert caller.node is None
    assert caller.rights == Rights(frozenset({Service.ECHO, Service.STORE}), False)
    node()
    assert turned_away(proposal(), "192.0.2.1")[1] is CallerReason.OTHER_HOST
