"""Which frame a socket makes next: the latest wins, what is owed is bounded whatever the page does."""

from __future__ import annotations

import pytest

from archive.imaging.params import View
from viewer.consumers.flow import MESSAGES_BURST, UNDRAWN_BYTES, UNDRAWN_FRAMES, Flow, Rate
from viewer.protocol import FrameRequest, PrefetchRequest, ProtocolError, Quality


def frame(seq: int, viewport: int = 0, *, prefetch: bool = False) -> FrameRequest:
    return FrameRequest(seq, viewport, 1, 1, View(box=(64, 64)), Quality.MOVING, prefetch=prefetch)


def soon(*seqs: int, viewport: int = 0) -> PrefetchRequest:
    return PrefetchRequest(viewport, tuple(frame(seq, viewport, prefetch=True) for seq in seqs))


def test_the_latest_request_of_a_viewport_wins() -> None:
    flow = Flow()
    first = frame(1)
    flow.want(first)
    assert flow.next() == first
    for seq in range(2, 1000):
        flow.want(frame(seq))
    assert flow.next() is None  # one at a time for one viewport
    flow.done(first, 10)
    assert flow.next() == frame(999)
    assert flow.superseded == 997


def test_two_viewports_render_side_by_side_and_a_third_waits() -> None:
    flow = Flow()
    for number in range(3):
        flow.want(frame(number, viewport=number))
    assert [flow.next(), flow.next(), flow.next()] == [frame(0, 0), frame(1, 1), None]


def test_prefetch_waits_for_frames_and_goes_one_by_one() -> None:
    flow = Flow()
    flow.want_soon(soon(1, 2))
    flow.want(frame(3))
    assert flow.next() == frame(3)
    assert flow.next() is None
    flow.done(frame(3), 0)
    early = flow.next()
    assert early == frame(1, prefetch=True)
    assert flow.next() is None
    flow.want(frame(4))
    assert flow.next() == frame(4)  # a frame somebody waits for starts beside it


def test_a_new_prefetch_list_takes_the_place_of_the_old() -> None:
    flow = Flow()
    flow.want_soon(soon(1, 2, 3))
    flow.want_soon(soon(4))
    assert flow.next() == frame(4, prefetch=True)
    flow.done(frame(4, prefetch=True), 0)
    assert flow.next() is None
    assert flow.idle


def test_viewports_take_turns_at_prefetching() -> None:
    flow = Flow()
    flow.want_soon(soon(1, 2, viewport=0))
    flow.want_soon(soon(3, 4, viewport=1))
    served = []
    while request := flow.next():
        served.append(request.seq)
        flow.done(request, 0)
    assert served == [1, 3, 2, 4]


def test_a_page_that_draws_nothing_is_sent_a_bounded_number_of_pictures() -> None:
    flow, sent = Flow(), 0
    for seq in range(1000):
        flow.want(frame(seq))
        if request := flow.next():
            flow.done(request, 1000)
            sent += 1
    assert sent == UNDRAWN_FRAMES


def test_a_page_that_draws_nothing_is_sent_a_bounded_number_of_bytes() -> None:
    flow, sent = Flow(), 0
    for seq in range(100):
        flow.want(frame(seq))
        if request := flow.next():
            flow.done(request, 5_000_000)
            sent += 5_000_000
    assert UNDRAWN_BYTES <= sent < UNDRAWN_BYTES + 5_000_000


def test_credit_comes_back_once_for_what_was_owed() -> None:
    flow = Flow()
    for seq in range(UNDRAWN_FRAMES):
        flow.want(frame(seq))
        request = flow.next()
        assert request is not None
        flow.done(request, 1)
    flow.want(frame(100))
    assert flow.next() is None
    flow.drawn(77)  # never sent
    assert flow.next() is None
    flow.drawn(3)
    flow.drawn(3)
    assert flow.next() == frame(100)


def test_numbers_must_grow() -> None:
    flow = Flow()
    flow.want(frame(5))
    with pytest.raises(ProtocolError) as caught:
        flow.want(frame(5))
    assert (caught.value.field, caught.value.seq) == ("seq", 5)
    with pytest.raises(ProtocolError):
        flow.want_soon(soon(6, 6))


def test_a_flood_is_told_from_a_busy_page() -> None:
    busy, now = Rate(0.0), 0.0
    for _ in range(10_000):
        now += 1 / 250
        assert busy.allows(now)
    flood = Rate(0.0)
    assert all(flood.allows(0.0) for _ in range(MESSAGES_BURST))
    assert not flood.allows(0.0)
