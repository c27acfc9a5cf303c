"""A wire under TLS. The plain one does not know of it, and is no slower for it.

The socket does not block: under TLS a read may have to write, and what the kernel has is not yet what we can
read, so the waiting is done here, with the same clock as on a plain wire.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time

from dicomnet.dimse.wire import Limits, PeerGone, Silence, Wire

_RECORD_BYTES = 16 << 10


class NoHandshake(PeerGone):
    """TLS did not come about; the message says why."""


class TlsWire(Wire):
    """A connection that becomes readable with ``open``, or one whose handshake is over already."""

    def __init__(self, sock: socket.socket, limits: Limits, context: ssl.SSLContext | None = None) -> None:
        super().__init__(sock, limits)
        self._context = context
        self._tick = min(5.0, limits.artim, limits.idle, limits.pdu)
        self._bell, self._ring = socket.socketpair()  # wakes the reader, see hang_up
        if isinstance(sock, ssl.SSLSocket):
            sock.setblocking(False)
            self._tls = sock

    def open(self) -> None:
        """Shake hands, within the deadline. Raises ``NoHandshake``, ``Silence``."""
        assert self._context is not None
        self.sock.setblocking(False)
        try:
            self._tls = self._context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            raise NoHandshake(str(error)) from None
        self.sock = self._tls
        while True:
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)
            except (OSError, ValueError) as error:
                raise NoHandshake(getattr(error, "reason", None) or str(error)) from None

    def _wait(self, events: int) -> None:
        """Until the kernel has something, or a tick is over. Raises ``Silence`` after the deadline."""
        left = self.deadline - time.monotonic()
        poll = select.poll()
        poll.register(self.sock, events)
        poll.register(self._bell, select.POLLIN)
        ready = dict(poll.poll(1000 * max(0.0, min(left, self._tick))))
        if self._bell.fileno() in ready and self.sock.fileno() not in ready:
            raise PeerGone("hung up")
        if not ready:
            self._quiet()
        if time.monotonic() > self.deadline:
            raise Silence

    def _read(self) -> int:
        """Read what there is behind what the buffer holds; -1 when there is nothing yet."""
        try:
            return self._tls.recv_into(self._view[self._end :])
        except ssl.SSLWantReadError:
            return -1
        except ssl.SSLWantWriteError:
            self._wait(select.POLLOUT)
            return -1
        except (OSError, ValueError) as error:
            raise PeerGone(str(error)) from None

    def _fill(self) -> None:
        while (count := self._read()) < 0:
            self._wait(select.POLLIN)
        if count == 0:
            raise PeerGone("the peer closed the connection")
        if time.monotonic() > self.deadline:
            raise Silence
        self._end += count

    def pending(self) -> bool:
        """Whether something has arrived: TLS's own messages are nothing, the end is something."""
        if self._start < self._end:
            return True
        self._start = self._end = 0
        try:
            count = self._read()
        except PeerGone:
            return True
        self._end += max(0, count)
        return count >= 0

    def send(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._tls.send(view[:_RECORD_BYTES]) :]
            except ssl.SSLWantReadError:
                self._wait_to_send(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait_to_send(select.POLLOUT)
            except (OSError, ValueError) as error:
                raise PeerGone(str(error)) from None

    def _wait_to_send(self, events: int) -> None:
        poll = select.poll()
        poll.register(self.sock, events)
        if not poll.poll(1000 * self.limits.send):
            raise Silence

    def hang_up(self) -> None:
        # An end of the stream that the peer did not announce would be an attack to TLS, which then refuses to
        # send as well (RFC 8446 6.1): the A-ABORT would not go out. So the reader is told, not the stream.
        with contextlib.suppress(OSError):
            self._ring.send(b"!")

    def close(self) -> None:
        """Say that this is the end (RFC 8446 6.1), then close as a plain wire does."""
        self._bell.close()
        self._ring.close()
        if isinstance(self.sock, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self.sock.unwrap()
            if self.sock.fileno() < 0:
                return
            self.sock = socket.socket(fileno=self.sock.detach())
            self.sock.setblocking(True)
        super().close()


def wire_over(sock: socket.socket, limits: Limits) -> Wire:
    """The wire for a connected socket, with TLS or without."""
    return TlsWire(sock, limits) if isinstance(sock, ssl.SSLSocket) else Wire(sock, limits)
