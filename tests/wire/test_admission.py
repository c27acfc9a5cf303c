"""Who may come in, said by the nodes in the database, at the next association, without a restart."""

from __future__ import annotations

import json

import pytest

from tests.wire.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Peer,
    Rejected,
    associate_rq,
    echo_seconds,
    item,
)
from tests.wire.server import Scp

CONTEXTS = [(1, VERIFICATION, [IMPLICIT]), (3, CT, [EXPLICIT])]
CALLING, CALLED = (1, 1, 3), (1, 1, 7)


def rejection(scp: Scp, **said: bytes) -> tuple[int, int, int] | None:
    """(result, source, reason), or None when it was let in."""
    try:
        with Peer.associated(scp.port, CONTEXTS, **said):
            return None
    except Rejected as error:
        return error.args[0]


def results(scp: Scp, calling: bytes) -> dict[int, int]:
    with Peer.associated(scp.port, CONTEXTS, calling=calling) as peer:
        return peer.results


def test_a_known_caller_is_let_in(shared_scp: Scp) -> None:
    assert results(shared_scp, b"STORESCU") == {1: 0, 3: 0}


def test_titles_are_compared_as_they_are(shared_scp: Scp) -> None:
    assert rejection(shared_scp, called=b"lightbox") == CALLED
    assert rejection(shared_scp, called=b"LIGHTBOX1") == CALLED
    assert rejection(shared_scp, calling=b"storescu") == CALLING
    assert rejection(shared_scp, calling=b" STORESCU ") is None  # padding is not part of it
    assert rejection(shared_scp, calling=b"STORESCU\0\0", called=b"LIGHTBOX\0") is None
    assert rejection(shared_scp, calling=b"") == CALLING


def test_the_protocol_is_checked_first(shared_scp: Scp) -> None:
    assert rejection(shared_scp, version=2) == (1, 2, 2)  # type: ignore[arg-type]
    assert rejection(shared_scp, application="1.2.3") == (1, 1, 2)  # type: ignore[arg-type]


def test_an_edit_holds_from_the_next_association_on(shared_scp: Scp) -> None:
    shared_scp.node("MR1", allow_store=0)
    assert results(shared_scp, b"MR1") == {1: 0, 3: 1}
    shared_scp.execute("UPDATE dicomnet_aenode SET allow_store = 1, allow_echo = 0 WHERE ae_title = 'MR1'")
    assert results(shared_scp, b"MR1") == {1: 1, 3: 0}
    shared_scp.execute("UPDATE dicomnet_aenode SET active = 0 WHERE ae_title = 'MR1'")
    assert rejection(shared_scp, calling=b"MR1") == CALLING
    shared_scp.execute("UPDATE dicomnet_aenode SET active = 1, host = '192.0.2.7' WHERE ae_title = 'MR1'")
    assert rejection(shared_scp, calling=b"MR1") == CALLING
    shared_scp.execute("UPDATE dicomnet_aenode SET check_host = 0 WHERE ae_title = 'MR1'")
    assert rejection(shared_scp, calling=b"MR1") is None
    shared_scp.execute("DELETE FROM dicomnet_aenode WHERE ae_title = 'MR1'")
    assert rejection(shared_scp, calling=b"MR1") == CALLING


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "127.0.0.2"])
def test_a_host_may_be_a_name(shared_scp: Scp, host: str) -> None:
    title = f"HOST{host[-1]}{len(host)}"
    shared_scp.node(title, host=host)
    assert rejection(shared_scp, calling=title.encode()) is None


def test_a_host_that_does_not_resolve_lets_nobody_in(shared_scp: Scp) -> None:
    shared_scp.node("LOST", host="no-such-host.invalid")
    assert rejection(shared_scp, calling=b"LOST") == CALLING


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"calling": b"STRANGER"}, "unknown-title"),
        ({"calling": b"OFF"}, "inactive"),
        ({"calling": b"ELSEWHERE"}, "other-host"),
        ({"calling": b"ECHOSCU", "called": b"ARCHIVE"}, "called-title"),
    ],
)
def test_a_rejected_caller_is_noted_with_the_reason(
    shared_scp: Scp, said: dict[str, bytes], reason: str
) -> None:
    if said["calling"] == b"OFF":
        shared_scp.node("OFF", active=0)
    if said["calling"] == b"ELSEWHERE":
        shared_scp.node("ELSEWHERE", host="192.0.2.9")
    assert rejection(shared_scp, **said) is not None
    [(pk, host, calls)] = shared_scp.wait_query(
        "SELECT id, host, calls FROM dicomnet_unknowncaller WHERE ae_title = ? AND reason = ?",
        said["calling"].decode(),
        reason,
    )
    assert (host, calls) == ("127.0.0.1", 1)
    assert shared_scp.wait_query("SELECT 1 FROM archive_event WHERE topic = 'caller' AND key = ?", str(pk))


def test_hundreds_of_strangers_do_not_fill_the_database(scp: Scp) -> None:
    for number in range(300):
        assert rejection(scp, calling=f"STRANGER{number}".encode()) == CALLING
    for _ in range(100):
        assert rejection(scp, calling=b"PERSISTENT") == CALLING
    assert echo_seconds(scp.port) < 5
    [(callers,)] = scp.query("SELECT count(*) FROM dicomnet_unknowncaller")
    [(audited,)] = scp.query("SELECT count(*) FROM archive_auditevent WHERE success = 0")
    # Thirty a minute for each of the two workers, and what a slow minute adds.
    assert 30 <= callers <= 120
    assert audited <= 2 * callers


def test_unlisted_callers_may_echo_and_store_when_the_site_says_so(start) -> None:  # type: ignore[no-untyped-def]
    scp = start(PACS_UNKNOWN_AE="accept")
    scp.node("STRICT", host="192.0.2.1")
    assert results(scp, b"ANYBODY") == {1: 0, 3: 0}
    assert rejection(scp, calling=b"STRICT") == CALLING  # it is listed, and calls from elsewhere
    assert rejection(scp, calling=b"ANYBODY", called=b"OTHER") == CALLED
    assert rejection(scp, calling=b"") == CALLING


def test_an_association_is_audited_without_patient_data(shared_scp: Scp) -> None:
    user = item(0x58, b"\2\0\0\5alice\0\6secret") + item(0x55, b"SCANNER_7")
    shared_scp.node("AUDITED")
    peer = Peer(shared_scp.port)
    peer.send(associate_rq([*CONTEXTS, (5, "1.2.3", [IMPLICIT])], calling=b"AUDITED", user=user))
    peer.read_answer()
    assert peer.echo() == 0
    peer.release()
    [(actor, source, success, detail)] = shared_scp.wait_query(
        "SELECT actor_name, source, success, detail FROM archive_auditevent WHERE actor_name = 'AUDITED'"
    )
    assert (actor, source, success) == ("AUDITED", "127.0.0.1", 1)
    told = json.loads(detail)
    assert told.pop("seconds") >= 0
    assert told == {
        "end": "released",
        "contexts_proposed": 3,
        "contexts_accepted": 2,
        "echoed": 1,
        "user": "alice",
        "peer": "SCANNER_7",
    }


def test_a_hundred_and_twenty_eight_contexts(shared_scp: Scp) -> None:
    contexts = [(n, CT if n % 4 == 1 else VERIFICATION, [EXPLICIT, IMPLICIT]) for n in range(1, 256, 2)]
    with Peer.associated(shared_scp.port, contexts) as peer:
        assert peer.results == dict.fromkeys(range(1, 256, 2), 0)
        assert peer.echo(context_id=255) == 0x0000


def test_no_context_at_all_is_no_reason_to_reject(shared_scp: Scp) -> None:
    with Peer.associated(shared_scp.port, []) as peer:
        peer.release()
