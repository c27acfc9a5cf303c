"""Which frame a socket makes next, and how much it may owe its page. No Django, no sockets.

Bounded whatever the page does: one waiting request a viewport (the latest wins), one prefetch list a
viewport, two renders at a time, and no more pictures on the way than ``UNDRAWN_FRAMES`` and
``UNDRAWN_BYTES`` allow.
A page that stops drawing stops being sent to; one that stops reading costs that much memory and no more.
"""

from __future__ import annotations

from collections import deque

from viewer.protocol import Fault, FrameRequest, PrefetchRequest, ProtocolError

RENDERS = 2
UNDRAWN_FRAMES = 24
UNDRAWN_BYTES = 16 * 1024 * 1024
MESSAGES_PER_SECOND = 1500  # a page at 250 pictures a second sends 500
MESSAGES_BURST = 3000


class Flow:
    """The requests of one socket. ``next`` hands out work until there is none, or no credit for it."""

    def __init__(self) -> None:
        self._waiting: dict[int, FrameRequest] = {}
        self._prefetch: dict[int, deque[FrameRequest]] = {}
        self._running: dict[int, FrameRequest] = {}
        self._undrawn: dict[int, int] = {}
        self._undrawn_bytes = 0
        self._seq = -1
        self.superseded = 0

    def want(self, request: FrameRequest) -> None:
        """The latest request for a viewport takes the place of one that has not begun."""
        self._count(request)
        if self._waiting.pop(request.viewport, None) is not None:
            self.superseded += 1
        self._waiting[request.viewport] = request

    def want_soon(self, request: PrefetchRequest) -> None:
        """The latest list takes the place of what is left of the one before."""
        for frame in request.frames:
            self._count(frame)
        self._prefetch.pop(request.viewport, None)
        if request.frames:
            self._prefetch[request.viewport] = deque(request.frames)

    def _count(self, request: FrameRequest) -> None:
        """Numbers grow, so each names one picture: what is owed could not be counted otherwise."""
        if request.seq <= self._seq:
            raise ProtocolError(Fault.WRONG_VALUE, "seq", request.seq)
        self._seq = request.seq

    def next(self) -> FrameRequest | None:
        """What to render now, or None. Frames come before prefetches; viewports take turns."""
        if len(self._running) >= RENDERS or not self._credit():
            return None
        request = self._next_frame() or self._next_prefetch()
        if request is not None:
            self._running[request.seq] = request
        return request

    def _next_frame(self) -> FrameRequest | None:
        busy = {request.viewport for request in self._running.values() if not request.prefetch}
        for viewport in self._waiting:
            if viewport not in busy:  # replies of one viewport keep their order
                return self._waiting.pop(viewport)
        return None

    def _next_prefetch(self) -> FrameRequest | None:
        if self._running or not self._prefetch:  # never beside a frame somebody waits for
            return None
        viewport = next(iter(self._prefetch))
        queue = self._prefetch.pop(viewport)
        request = queue.popleft()
        if queue:
            self._prefetch[viewport] = queue  # to the end: viewports take turns
        return request

    def _credit(self) -> bool:
        return len(self._undrawn) < UNDRAWN_FRAMES and self._undrawn_bytes < UNDRAWN_BYTES

    def done(self, request: FrameRequest, size: int) -> None:
        """The render of ``request`` is over and ``size`` bytes are on their way (0: nothing was sent)."""
        self._running.pop(request.seq, None)
        if size:
            self._undrawn[request.seq] = size
            self._undrawn_bytes += size

    def drawn(self, seq: int) -> None:
        """The credit for ``seq`` comes back; a seq that is not owed changes nothing."""
        self._undrawn_bytes -= self._undrawn.pop(seq, 0)

    @property
    def idle(self) -> bool:
        return not (self._waiting or self._prefetch or self._running)


class Rate:
    """A bucket of messages: a page that floods is told to go, before its messages fill the memory."""

    def __init__(self, now: float) -> None:
        self._left = float(MESSAGES_BURST)
        self._at = now

    def allows(self, now: float) -> bool:
        self._left = min(MESSAGES_BURST, self._left + (now - self._at) * MESSAGES_PER_SECOND)
        self._at = now
        self._left -= 1
        return self._left >= 0
