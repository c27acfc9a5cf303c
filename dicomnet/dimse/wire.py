"""A connected socket with one read buffer and a clock: exact reads, streamed reads, whole writes.

Every wait ends. The kernel's receive timeout wakes the reader a few times a minute; the deadline that the
caller has set decides. (Python's own socket timeouts cost a poll before each read.)
"""

from __future__ import annotations

import contextlib
import mmap
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from dicomnet.dimse.negotiation import AbortReason, abort_encoded

BUFFER_BYTES = 320 << 10
_HEADROOM = 64 << 10  # left behind what is gathered, for the next read
_LINGER_BYTES = 1 << 20
_MOST_PARTS = 512  # at once; the kernel takes 1024 (IOV_MAX)


class Pdu(IntEnum):
    """PDU types (PS3.8 9.3)."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    P_DATA_TF = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


class PeerGone(Exception):
    """The transport connection ended, or was reset, without a release or an abort."""


class Silence(Exception):
    """Nothing, or too little, arrived before the deadline; or the peer reads nothing of what we send."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Patience and sizes. Times in seconds.

    ``artim`` bounds the whole A-ASSOCIATE-RQ from the connection on, and the wait for the peer to close at
    the end (PS3.8 9.1.5). ``idle`` is the pause an association may make between messages, ``pdu`` the time
    one PDU may take once it has begun, ``send`` how long an answer may wait for a slow reader.
    """

    artim: float = 10.0
    idle: float = 600.0
    pdu: float = 60.0
    send: float = 30.0
    max_pdu: int = 131072
    max_request: int = 1 << 20
    max_associations: int = 1000
    max_per_host: int = 500
    max_waiting: int = 2000


class Wire:
    """One connection. Not for sharing between threads, except ``wake``."""

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self.sock = sock
        self.limits = limits
        self.busy = True  # False only while waiting for the next message
        self.deadline = time.monotonic() + limits.artim
        self.on_silence: Callable[[], None] = lambda: None  # called now and then while nothing comes
        # Anonymous memory: a page that no byte has come to costs nothing, and most connections are quiet.
        self._buffer = mmap.mmap(-1, BUFFER_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0  # of what has arrived and was not read
        self._gathered = 0  # bytes at the beginning of the buffer, see gather
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        tick = min(5.0, limits.artim, limits.idle, limits.pdu)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(tick))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(limits.send))

    def open(self) -> None:
        """Make the connection ready to be read; nothing to do on a plain one."""

    def within(self, seconds: float) -> None:
        """Give everything read from now on this long."""
        self.deadline = time.monotonic() + seconds

    def _fill(self) -> None:
        """Read what there is, at least one byte, behind what the buffer holds."""
        while True:
            try:
                count = self.sock.recv_into(self._view[self._end :])
            except BlockingIOError:
                count = -1
            except OSError as error:
                raise PeerGone(str(error)) from None
            if count == 0:
                raise PeerGone("the peer closed the connection")
            if time.monotonic() > self.deadline:
                raise Silence
            if count > 0:
                self._end += count
                return
            self._quiet()

    def _quiet(self) -> None:
        """Nothing comes: hold no more than has to be."""
        if self._start == self._end and not self._gathered:
            self._let_go()
        self.on_silence()

    def _let_go(self) -> None:
        """Give the memory of the buffer back; it reads as zeros until something comes."""
        self._buffer.madvise(mmap.MADV_DONTNEED)

    def take(self, count: int) -> bytes:
        """Exactly ``count`` bytes, which has to be a small number."""
        if self._start + count > BUFFER_BYTES:
            unread = self._end - self._start
            self._buffer.move(self._gathered, self._start, unread)
            self._start, self._end = self._gathered, self._gathered + unread
        while self._end - self._start < count:
            self._fill()
        taken = bytes(self._view[self._start : self._start + count])
        self._start += count
        return taken

    def some(self, limit: int) -> memoryview:
        """Between one and ``limit`` bytes; the view is good until the next read."""
        if self._start == self._end:
            self._start = self._end = 0
            self._fill()
        size = min(limit, self._end - self._start)
        view = self._view[self._start : self._start + size]
        self._start += size
        return view

    def gather(self, limit: int) -> int:
        """Take between one and ``limit`` bytes and lay them behind those gathered before; return how many.

        What PDUs cut into pieces is whole again this way, and costs one write instead of many. Ask
        ``gathered`` when there is no ``room`` for more.
        """
        if self._start == self._end:
            self._start = self._end = self._gathered
            self._fill()
        size = min(limit, self._end - self._start)
        if self._start != self._gathered:
            self._buffer.move(self._gathered, self._start, size)
        self._gathered += size
        self._start += size
        return size

    @property
    def room(self) -> bool:
        """Whether more can be gathered."""
        return self._gathered <= BUFFER_BYTES - _HEADROOM

    def gathered(self) -> memoryview:
        """What was gathered since the last call; the view is good until the next read."""
        size, self._gathered = self._gathered, 0
        return self._view[:size]

    def header(self) -> tuple[int, int]:
        """Type and length of the next PDU (PS3.8 9.3.1)."""
        kind, length = struct.unpack(">BxL", self.take(6))
        return kind, length

    def pending(self) -> bool:
        """Whether something has arrived that was not read. Does not wait."""
        if self._start < self._end:
            return True
        poll = select.poll()  # select() knows no descriptor above 1023
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

    def send(self, data: bytes | bytearray) -> None:
        try:
            self.sock.sendall(data)
        except BlockingIOError:
            raise Silence from None
        except OSError as error:
            raise PeerGone(str(error)) from None

    def send_parts(self, parts: Sequence[bytes | memoryview]) -> None:
        """Send one part after the other, without joining them where the socket can do without."""
        if isinstance(self.sock, ssl.SSLSocket):
            self.send(b"".join(parts))
            return
        views = [memoryview(part) for part in parts if len(part)]
        first = 0
        while first < len(views):
            try:
                sent = self.sock.sendmsg(views[first : first + _MOST_PARTS])
            except BlockingIOError:
                raise Silence from None
            except OSError as error:
                raise PeerGone(str(error)) from None
            while first < len(views) and sent >= len(views[first]):
                sent -= len(views[first])
                first += 1
            if sent:
                views[first] = views[first][sent:]

    def wake(self) -> None:
        """End the wait of a reader that has nothing under way (called from another thread)."""
        if not self.busy:
            self.hang_up()

    def hang_up(self) -> None:
        """Let the reader come to the end of what has arrived (called from another thread)."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RD)

    def abort(self, reason: AbortReason, *, by_provider: bool = True) -> None:
        """Send A-ABORT and close."""
        with contextlib.suppress(PeerGone, Silence):
            self.send(abort_encoded(reason, by_provider=by_provider))
        self.close()

    def release(self, request: bytes) -> None:
        """Send A-RELEASE-RQ, wait as long as ARTIM for the answer, and close."""
        with contextlib.suppress(PeerGone, Silence):
            self.send(request)
            self.within(self.limits.artim)
            while True:
                kind, length = self.header()
                while length:
                    length -= len(self.some(length))
                if kind in (Pdu.RELEASE_RP, Pdu.ABORT):
                    break
        self.close()

    def close(self) -> None:
        """Close, giving the peer a moment to do so first.

        Closing with unread bytes would reset the connection, and take our last PDU from a peer that has
        not read it yet; so what still comes is thrown away, bounded in bytes and time (PS3.8 Sta13).
        """
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(min(1.0, self.limits.artim)))
            discarded = 0
            end = time.monotonic() + min(2.0, self.limits.artim)
            while discarded < _LINGER_BYTES and time.monotonic() < end:
                count = self.sock.recv_into(self._view)
                if count == 0:
                    break
                discarded += count
        self.sock.close()
        self._let_go()  # whoever still holds the wire holds no memory


def _timeval(seconds: float) -> bytes:
    """A struct timeval of at least a microsecond: zero would mean to wait for ever."""
    whole, micro = divmod(max(1, int(seconds * 1_000_000)), 1_000_000)
    return struct.pack("@ll", whole, micro)
