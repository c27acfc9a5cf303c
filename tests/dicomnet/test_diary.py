"""The association diary: what is kept of an association, for how long, and how its page tells it."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from archive.jobs import WorkerMark, housekeeping_run
from dicomnet.callers import CallerReason
from dicomnet.contexts import Proposed, Rights, Service, negotiate
from dicomnet.diary import writing
from dicomnet.diary.entry import MIXED, MOST_RUNS, End, Entry, UnderWay
from dicomnet.diary.page import described, page_of, summary_of
from dicomnet.diary.reasons import REASONS
from dicomnet.diary.statuses import status_steps, status_words
from dicomnet.diary.writing import diary_prune, entry_close, entry_write, killed_close, running_write
from dicomnet.dimse.negotiation import Rejection, proposal_read
from dicomnet.models import AENode, Association
from dicomnet.scp.guard import TurnedAway
from dicomnet.scp.rejected import REPEAT_SECONDS, SAME_ROW_SECONDS, RejectedCallers
from dicomnet.scu.client import Failure, NotAssociated, Peer
from dicomnet.scu.noted import diary_outgoing
from tests import people
from tests.wire.peer import CT, EXPLICIT, IMPLICIT, VERIFICATION, associate_rq

pytestmark = pytest.mark.django_db

MR, PRIVATE, FIND = "1.2.840.10008.5.1.4.1.1.4", "1.2.276.0.1", "1.2.840.10008.5.1.4.1.2.2.1"


@pytest.fixture
def ada() -> Client:
    client = Client()
    client.force_login(people.ada_administrator(), backend="django.contrib.auth.backends.ModelBackend")
    return client


def an_entry(**changes: Any) -> Entry:
    said = {"peer": "CT2_ER", "own": "LIGHTBOX", "address": "10.20.7.42", "outgoing": False} | changes
    entry = Entry(**said)
    proposed = [
        Proposed(1, VERIFICATION, (IMPLICIT,)),
        Proposed(3, CT, (EXPLICIT, IMPLICIT)),
        Proposed(5, PRIVATE, (EXPLICIT,)),
    ]
    entry.negotiated(proposed, negotiate(proposed, {}, Rights(frozenset({Service.STORE}))))
    return entry


def row_of(entry: Entry, end: End = End.RELEASED, **said: str) -> Association:
    entry_close(entry=entry, end=end, **said)
    return Association.objects.get(pk=entry_write(entry=entry))


# ---------------------------------------------------------------------- what is kept


def test_operations_are_kept_as_runs_by_kind_class_and_status() -> None:
    entry = an_entry()
    for number in range(214):
        entry.operation("C-STORE", CT, 0x0000, seconds=0.01 * (number % 3), size=1000)
        if number % 100 == 50:
            entry.operation("C-STORE", CT, 0xA700, seconds=0.5, comment="The archive has no room for it now")
    row = row_of(entry)
    kept, refused = sorted(row.operations, key=lambda run: -run["n"])
    assert (kept["k"], kept["c"], kept["r"], kept["n"], kept["b"]) == ("C-STORE", CT, "0000", 214, 214_000)
    assert (refused["r"], refused["n"], refused["s"]) == ("A700", 2, 0.5)
    assert refused["m"] == "The archive has no room for it now"
    assert kept["s"] == 0.02
    assert kept["f"] <= kept["l"]
    assert (row.outcome, row.end, row.reason) == ("problems", "released", "released")


def test_contexts_are_kept_with_the_answer_and_why_not() -> None:
    row = row_of(an_entry())
    assert row.contexts == {
        "s": [IMPLICIT, EXPLICIT],
        "c": [
            [VERIFICATION, [0], 1, "echo"],
            [CT, [1, 0], 0, 1],
            [PRIVATE, [1], 3, "private"],
        ],
    }


def test_no_uid_of_an_object_comes_in_by_a_comment() -> None:
    entry = an_entry()
    entry.operation("N-GET", FIND, 0x0112, seconds=0.1, comment="no instance 1.2.840.113619.2.5.1")
    row = row_of(entry)
    assert "113619" not in json.dumps(row.operations)


def test_an_endless_variety_of_operations_stays_small() -> None:
    entry = an_entry()
    for number in range(1000):
        entry.operation("C-STORE", f"1.2.{number}", 0x0000, seconds=0.1, size=10)
    row = row_of(entry)
    assert len(row.operations) == MOST_RUNS + 1
    mixed = next(run for run in row.operations if run.get("c", MIXED) == MIXED)
    assert mixed["n"] == 1000 - MOST_RUNS
    assert "several SOP classes" in page_of(row).lines[-2].text


@pytest.mark.parametrize(
    ("end", "status", "outcome"),
    [
        (End.RELEASED, 0x0000, "well"),
        (End.RELEASED, 0xB000, "well"),  # a coercion
        (End.RELEASED, 0xC000, "problems"),
        (End.RELEASED, 0xFE00, "well"),  # they asked for it
        (End.STOPPED, 0x0000, "well"),
        (End.ABORTED, 0x0000, "problems"),
        (End.LOST, 0x0000, "problems"),
        (End.SILENT, 0x0000, "problems"),
        (End.MALFORMED, 0x0000, "broken"),
        (End.REJECTED, 0x0000, "rejected"),
        (End.FAILED, 0x0000, "rejected"),
    ],
)
def test_the_outcome_in_a_word(end: End, status: int, outcome: str) -> None:
    entry = an_entry()
    entry.operation("C-STORE", CT, status, seconds=0.1)
    assert row_of(entry, end).outcome == outcome


def test_a_move_that_failed_for_some_is_a_problem() -> None:
    entry = an_entry()
    entry.operation("C-MOVE", FIND, 0xB000, seconds=0.1, counts=(10, 2, 0), pending=4)
    row = row_of(entry)
    assert row.outcome == "problems"
    assert (row.operations[0]["d"], row.operations[0]["x"], row.operations[0]["p"]) == (10, 2, 4)


def test_refused_contexts_are_a_problem_only_when_nothing_was_asked() -> None:
    assert row_of(an_entry()).outcome == "problems"
    entry = an_entry()
    entry.operation("C-STORE", CT, 0x0000, seconds=0.1)
    assert row_of(entry).outcome == "well"


@pytest.mark.parametrize("end", [End.ABORTED, End.LOST, End.SILENT, End.BROKEN_OFF])
def test_what_was_under_way_stays_in_sight(end: End) -> None:
    entry = an_entry()
    entry.operation("C-STORE", CT, 0x0000, seconds=0.1, size=500)
    entry.under_way = UnderWay("C-STORE", CT, time.monotonic(), lambda: 123)
    row = row_of(entry, end)
    assert (row.outcome, row.reason) == ("broken", f"{end}-midway")
    assert (row.operations[-1]["r"], row.operations[-1]["b"]) == (None, 123)
    page = page_of(row)
    assert page.lines[-2].text == "Began C-STORE, CT image; 123 bytes came: it came to no end"
    assert page.second.startswith("1 object (500 bytes) is kept and safe. One had begun")


def test_odd_characters_and_long_texts_fit_the_columns() -> None:
    row = row_of(
        an_entry(peer="A\0B\n\x7f" + "X" * 40, implementation="é" * 300, user_identity="u" * 300),
        End.MALFORMED,
        detail="\0" * 999,
    )
    assert row.peer == "A?B??XXXXXXXXXXX"
    assert (len(row.implementation), len(row.user_identity), len(row.detail)) == (96, 64, 255)


# ---------------------------------------------------------------------- while it runs


def test_a_long_association_is_seen_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    entry = an_entry(since=now[0])
    entry.operation("C-STORE", CT, 0x0000, seconds=0.1)
    assert running_write(entries=[entry]) == 0
    now[0] += 2.1
    assert running_write(entries=[entry]) == 1
    row = Association.objects.get()
    assert (row.outcome, row.end, row.ended, row.operations[0]["n"]) == ("running", "", None, 1)
    entry.operation("C-STORE", CT, 0x0000, seconds=0.1)
    now[0] += 5
    assert running_write(entries=[entry]) == 0  # not so soon again
    now[0] += 6
    assert running_write(entries=[entry]) == 1
    now[0] += 60
    assert running_write(entries=[entry]) == 0  # nothing new
    assert row_of(entry).pk == row.pk
    assert running_write(entries=[entry]) == 0  # over
    row.refresh_from_db()
    assert (row.outcome, row.process, row.operations[0]["n"]) == ("well", "", 2)


def test_rows_of_a_killed_process_are_closed() -> None:
    entry_write(entry=an_entry())
    alive = Association.objects.get()
    assert killed_close() == 0
    mark = WorkerMark("diary")
    dead = Association.objects.create(
        direction="in", outcome="running", peer="X", began=timezone.now(), process=mark.worker_id
    )
    assert killed_close() == 0
    mark.close()
    assert killed_close() == 1
    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.outcome, dead.end, dead.reason) == ("broken", "killed", "killed")
    assert dead.ended is not None
    assert alive.outcome == "running"


def test_rows_of_another_machine_are_believed_for_a_day() -> None:
    for hours in (1, 25):
        Association.objects.create(
            direction="in", outcome="running", began=timezone.now() - timedelta(hours=hours),
            process="elsewhere.diary.7.abcd",
        )  # fmt: skip
    assert killed_close() == 1
    assert Association.objects.get(outcome="running").began > timezone.now() - timedelta(hours=2)


def test_a_process_has_one_mark_and_leaves_none() -> None:
    writing.process_leave()
    name = writing.process_mark()
    assert writing.process_mark() == name
    assert writing.mark_alive(name) is True
    writing.process_leave()
    assert writing.mark_alive(name) is False


# ---------------------------------------------------------------------- kept for a set time


def test_old_rows_go_and_younger_ones_stay(settings: Any) -> None:
    settings.PACS_DIARY_DAYS = 30
    for days in (1, 29, 31, 400):
        began = timezone.now() - timedelta(days=days)
        Association.objects.create(direction="in", outcome="well", began=began)
    assert diary_prune() == 2
    assert Association.objects.count() == 2


def test_housekeeping_prunes_the_diary() -> None:
    Association.objects.create(
        direction="in", outcome="well", began=timezone.now() - timedelta(days=91), process=""
    )
    housekeeping_run()
    assert not Association.objects.exists()


def test_a_node_may_go_and_its_diary_stays() -> None:
    node = AENode.objects.create(ae_title="CT2_ER", host="10.20.7.42", port=104)
    row = row_of(an_entry(node_id=node.pk))
    node.delete()
    row.refresh_from_db()
    assert (row.node, row.peer) == (None, "CT2_ER")


# ---------------------------------------------------------------------- who is turned away


def call(callers: RejectedCallers, title: bytes = b"CT9", reason: CallerReason | None = None) -> None:
    pdu = associate_rq([(1, CT, [EXPLICIT])], calling=title)
    away = TurnedAway(Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED, reason or CallerReason.UNKNOWN_TITLE)
    callers.record(proposal_read(pdu), "10.0.0.1", away)


def test_a_rejected_caller_has_a_row_and_its_calls_of_an_hour_share_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    callers = RejectedCallers()
    for _ in range(100):
        call(callers)
    row = Association.objects.get()
    assert (row.outcome, row.end, row.reason, row.calls) == ("rejected", "rejected", "unknown-title", 1)
    assert (row.peer, row.own, row.address) == ("CT9", "LIGHTBOX", "10.0.0.1")
    assert row.contexts["c"] == [[CT, [0], None]]
    now[0] += REPEAT_SECONDS
    call(callers)
    row.refresh_from_db()
    assert row.calls == 101
    assert "It called 101 times." in page_of(row).second
    now[0] += SAME_ROW_SECONDS
    call(callers)
    assert Association.objects.count() == 2
    Association.objects.all().delete()  # pruned meanwhile
    now[0] += REPEAT_SECONDS
    call(callers)
    assert Association.objects.get().calls == 1


def test_a_rejected_node_is_found_under_its_node() -> None:
    node = AENode.objects.create(ae_title="CT9", host="10.0.0.9", port=104)
    call(RejectedCallers(), reason=CallerReason.OTHER_HOST)
    assert Association.objects.get().node == node


def test_strangers_that_say_nothing_cannot_fill_the_diary() -> None:
    callers = RejectedCallers()
    for number in range(200):
        callers.record_stranger(address=f"10.0.0.{number}", reason="silent-request")
        callers.record_stranger(address="10.1.1.1", reason="malformed-request", detail="PDU type 9")
    assert Association.objects.count() == 30
    row = Association.objects.get(reason="malformed-request")
    assert (row.peer, row.detail, row.outcome) == ("", "PDU type 9", "rejected")


# ---------------------------------------------------------------------- what we open


def test_an_association_of_ours_is_kept_with_its_operations() -> None:
    node = AENode.objects.create(ae_title="WS1", host="10.0.0.5", port=11112)
    with diary_outgoing(peer=Peer("WS1", "10.0.0.5", 11112), calling="LIGHTBOX", node=node) as entry:
        entry.operation("C-STORE", CT, 0x0000, seconds=0.2, size=1 << 20)
    row = Association.objects.get()
    assert (row.direction, row.outcome, row.node, row.port) == ("out", "well", node, 11112)
    page = page_of(row)
    assert page.headline == "We called WS1, and all we asked for was done."
    assert page.lines[0].text == "We called WS1 at 10.0.0.5, port 11112, as LIGHTBOX"


@pytest.mark.parametrize("failure", list(Failure))
def test_an_attempt_that_fails_says_why_and_what_to_do(failure: Failure) -> None:
    outgoing = diary_outgoing(peer=Peer("WS1", "10.0.0.5", 11112), calling="LIGHTBOX")
    with pytest.raises(NotAssociated), outgoing:
        raise NotAssociated(failure, "errno 111")
    row = Association.objects.get()
    assert (row.outcome, row.end, row.reason, row.detail) == ("unreached", "failed", failure, "errno 111")
    page = page_of(row)
    assert "WS1" in page.headline or "10.0.0.5" in page.headline
    assert page.steps


def test_what_breaks_here_breaks_the_entry_and_goes_through() -> None:
    outgoing = diary_outgoing(peer=Peer("WS1", "10.0.0.5", 11112), calling="LIGHTBOX")
    with pytest.raises(ZeroDivisionError), outgoing as entry:  # noqa: PT012  the entry is of the block
        entry.under_way = UnderWay("C-STORE", CT, time.monotonic(), lambda: 5)
        raise ZeroDivisionError
    row = Association.objects.get()
    assert (row.outcome, row.reason) == ("broken", "broken-off-midway")


# ---------------------------------------------------------------------- in words


def test_every_reason_that_is_written_has_words() -> None:
    rejections = {r.name.lower().replace("_", "-") for r in Rejection} - {
        "no-reason",
        "calling-ae-title-not-recognized",
        "called-ae-title-not-recognized",
        "local-limit-exceeded",
    }
    written = rejections | set(CallerReason) | {f"failed/{failure}" for failure in Failure}
    written |= {"released", "stopped", "killed", "malformed", "pdu-too-long", "local-limit"}
    written |= {"silent-request", "malformed-request", "tls-not-offered", "http", "not-dicom"}
    for end in (End.SILENT, End.ABORTED, End.LOST, End.BROKEN_OFF):
        written |= {end.value, f"{end}-midway"}
    assert written - set(REASONS) == set()
    assert len([slug for slug in REASONS if REASONS[slug].steps]) >= 20


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("C-STORE", 0x0000, "kept"),
        ("C-STORE", 0xA700, "out of resources"),
        ("C-STORE", 0xA7FF, "out of resources"),
        ("C-STORE", 0xA900, "the object contradicts its SOP class"),
        ("C-STORE", 0xC123, "not understood"),
        ("C-STORE", 0x0110, "processing failed"),
        ("C-STORE", 0x0122, "SOP class not supported"),
        ("C-MOVE", 0xA801, "unknown move destination"),
        ("C-MOVE", 0xA702, "out of resources: none could be sent"),
        ("C-MOVE", 0xB000, "some could not be sent"),
        ("C-FIND", 0xA900, "the request contradicts its SOP class"),
        ("C-FIND", 0xFE00, "cancelled"),
        ("N-SET", 0x4242, "failed, with a code of its own"),
        ("N-SET", 0xB123, "done with a warning that has no name here"),
    ],
)
def test_statuses_in_words(kind: str, status: int, words: str) -> None:
    assert str(status_words(kind=kind, status=status)) == words


@pytest.mark.parametrize(
    ("kind", "status"),
    [("C-STORE", code) for code in (0xA700, 0xA900, 0xC000, 0x0106, 0x0110, 0x0122, 0x0124)]
    + [("C-FIND", code) for code in (0xA700, 0xA900, 0xC000)]
    + [("C-MOVE", code) for code in (0xA701, 0xA702, 0xA801, 0xA900, 0xB000)]
    + [("C-GET", 0xA702), ("N-SET", 0x0112), ("N-CREATE", 0x0111), ("N-SET", 0x0211), ("X", 0x9999)],
)
def test_a_failure_comes_with_what_to_do(kind: str, status: int) -> None:
    for outgoing in (False, True):
        assert all(str(head) and str(body) for head, body in status_steps(
            kind=kind, status=status, outgoing=outgoing
        ))  # fmt: skip
        assert status_steps(kind=kind, status=status, outgoing=outgoing)


def test_the_page_tells_what_was_refused_and_what_to_do() -> None:
    entry = an_entry(implementation="CTACQ_42 1.2.3", max_pdu=32768, own_max_pdu=131072)
    entry.operation("C-STORE", CT, 0x0000, seconds=6.2, size=112 << 20)
    entry.operation("C-STORE", CT, 0xA700, seconds=0.1, comment="The archive has no room for it now")
    row = row_of(entry)
    page = page_of(row)
    assert page.headline == "CT2_ER and we spoke to the end, but not everything worked."
    assert page.second == "1 object (112.0 MB) is kept and safe. 1 was not taken."
    assert [line.text for line in page.lines] == [
        "Called us from 10.20.7.42, as CT2_ER for LIGHTBOX",
        "We took 1 of 3 contexts",
        "Sent 1 × CT image, 112.0 MB: kept",
        "Sent 1 × CT image, 0 bytes: out of resources",
        "Released",
    ]
    assert page.lines[1].notes == (
        "Refused Verification SOP Class: the node has no right to: echo",
        "Refused 1.2.276.0.1: private SOP classes are switched off for this node",
    )
    assert [line.operation for line in page.lines][2:4] == ["C-STORE 0000", "C-STORE A700"]
    assert [line.tone for line in page.lines] == ["", "", "", "bad", ""]
    assert [head for head, _body in page.steps] == [
        "Make room, and see that the database runs.",
        "Then send again from CT2_ER.",
        "Give CT2_ER the missing right",
        "Allow private SOP classes for CT2_ER,",
    ]
    assert ("Largest PDU", "32,768 theirs, 131,072 ours", False) in page.facts
    assert [(c.name, c.accepted) for c in page.contexts][1] == ("CT image", "Explicit LE")
    assert summary_of(row) == "C-STORE 2"
    assert "C-STORE A700" in described(row, page)


def test_the_page_speaks_chinese_as_far_as_the_catalogue_does() -> None:
    entry = an_entry()
    entry.operation("C-FIND", FIND, 0x0000, seconds=0.1, pending=12)
    with translation.override("zh-hans"):
        page = page_of(row_of(entry, End.RELEASED))
    assert page.lines  # every sentence takes its names in every language


# ---------------------------------------------------------------------- the admin


def rows(count: int, **changes: Any) -> list[Association]:
    now = timezone.now()
    made = []
    for n in range(count):
        values = {
            "direction": "in", "outcome": "well", "end": "released", "reason": "released", "peer": f"CT{n}",
            "own": "LIGHTBOX", "address": f"10.0.0.{n}", "began": now - timedelta(minutes=n),
        }  # fmt: skip
        made.append(Association.objects.create(**(values | changes)))
    return made


def test_the_list_is_newest_first_and_filtered(ada: Client) -> None:
    node = AENode.objects.create(ae_title="CT1", host="10.0.0.1", port=104)
    rows(3)
    (own,) = rows(1, node=node, outcome="broken", peer="CT7", reason="lost-midway", end="lost")
    shown = ada.get("/admin/dicomnet/association/").context["cl"].result_list
    assert [row.peer for row in shown] == ["CT7", "CT0", "CT1", "CT2"]
    for query in (f"node__id__exact={node.pk}", "outcome__exact=broken", "q=ct7", "q=CT7"):
        shown = ada.get(f"/admin/dicomnet/association/?{query}").context["cl"].result_list
        assert list(shown) == [own], query
    shown = ada.get("/admin/dicomnet/association/?q=10.0.0.2").context["cl"].result_list
    assert [row.peer for row in shown] == ["CT2"]
    assert len(ada.get("/admin/dicomnet/association/?direction__exact=out").context["cl"].result_list) == 0


def test_a_page_leads_to_its_neighbours_and_its_node(ada: Client) -> None:
    node = AENode.objects.create(ae_title="CT1", host="10.0.0.1", port=104)
    newer, row, older = rows(3, peer="CT1", node=node)
    page = ada.get(f"/admin/dicomnet/association/{row.pk}/change/").content.decode()
    for found in (newer, older):
        assert f'href="/admin/dicomnet/association/{found.pk}/change/"' in page
    assert f'href="/admin/dicomnet/aenode/{node.pk}/change/#probe"' in page


def test_the_same_thing_before_is_counted(ada: Client) -> None:
    now = timezone.now()
    for days in (0, 1, 1, 40):
        rows(
            1,
            peer="CT1",
            outcome="broken",
            end="lost",
            reason="lost-midway",
            began=now - timedelta(days=days),
        )
    rows(5, peer="CT1")
    first = Association.objects.get(outcome="broken", began=now)
    page = ada.get(f"/admin/dicomnet/association/{first.pk}/change/").content.decode()
    assert "It ended like this 3 times." in page
    assert page.count('class="lit"') == 2


def test_titles_are_shown_as_text(ada: Client) -> None:
    (row,) = rows(1, peer="<b>x</b>", detail="<script>1</script>", outcome="rejected", reason="unknown-title",
                  end="rejected")  # fmt: skip
    page = ada.get(f"/admin/dicomnet/association/{row.pk}/change/").content.decode()
    assert "<b>x</b>" not in page
    assert "<script>1" not in page


def test_nobody_changes_the_diary(ada: Client) -> None:
    (row,) = rows(1)
    assert ada.post(f"/admin/dicomnet/association/{row.pk}/change/", {"peer": "X"}).status_code in (200, 403)
    assert ada.post(f"/admin/dicomnet/association/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert ada.get("/admin/dicomnet/association/add/").status_code == 403
    assert Association.objects.get().peer == "CT0"
    assert ada.get("/admin/dicomnet/association/999999/change/").status_code == 404
    assert ada.get("/admin/dicomnet/association/x/change/").status_code == 404


def test_the_diary_is_for_administrators() -> None:
    (row,) = rows(1)
    client = Client()
    client.force_login(people.omar_operator(), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/admin/dicomnet/association/{row.pk}/change/").status_code in (302, 403)
    assert client.get("/admin/dicomnet/association/").status_code in (302, 403)


def test_nodes_and_callers_lead_to_the_diary(ada: Client) -> None:
    node = AENode.objects.create(ae_title="CT1", host="10.0.0.1", port=104)
    (row,) = rows(1, node=node, peer="CT1")
    listed = ada.get("/admin/dicomnet/aenode/").content.decode()
    assert f'href="/admin/dicomnet/association/{row.pk}/change/"' in listed
    page = ada.get(f"/admin/dicomnet/aenode/{node.pk}/change/").content.decode()
    assert f'href="/admin/dicomnet/association/?node__id__exact={node.pk}"' in page
    call(RejectedCallers())
    assert (
        'href="/admin/dicomnet/association/?q=CT9"'
        in ada.get("/admin/dicomnet/unknowncaller/").content.decode()
    )


@pytest.mark.parametrize("query", ["", "?outcome__exact=broken", "?q=CT1", "?node__id__exact=1"])
def test_the_list_reads_neither_all_rows_nor_their_contexts(
    ada: Client, query: str, django_assert_max_num_queries: Any
) -> None:
    rows(60)
    with django_assert_max_num_queries(20) as asked:
        ada.get(f"/admin/dicomnet/association/{query}")
    page = [q["sql"] for q in asked.captured_queries if "dicomnet_association" in q["sql"]]
    assert page
    assert not any('"dicomnet_association"."contexts"' in sql for sql in page)
