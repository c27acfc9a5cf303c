"""The SCP's processes: a doorman that owns the port, and workers that serve associations.

The doorman accepts every connection, waits until its A-ASSOCIATE-RQ is there (or ARTIM is over), keeps the
limits, and passes the open socket to the worker with the fewest associations. The bytes are only peeked
at, so a worker reads each connection from its first byte; until it says that it does, the doorman keeps
the socket too, and gives it to another when that worker dies. A silent connection therefore costs a file
descriptor and no thread, and a thousand of them delay nobody. The doorman has one thread and no database
connection: it can fork a worker again at any time.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
import socket
import ssl
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from archive.health import HEARTBEAT_SECONDS, heartbeat_touch
from dicomnet.dimse.negotiation import AbortReason, Rejection, abort_encoded
from dicomnet.dimse.wire import Limits, Pdu
from dicomnet.scp.listening import what_it_speaks
from dicomnet.scp.worker import CONNECTION, REPORT, TURNED_AWAY, Worker

log = logging.getLogger("lightbox.scp")

STOP_SECONDS = 4.0
_PEEK_BYTES = 32 << 10
_HANDSHAKE_RECORD = 0x16
_BURST = 64  # connections accepted before anybody else is looked at
_QUICK_DEATH = 2.0
_RETRY_SECONDS = 0.02
_VISITOR_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET


@dataclass(frozen=True, slots=True)
class TlsPort:
    """The second door, and what is spoken there."""

    listener: socket.socket
    context: ssl.SSLContext


@dataclass(slots=True)
class _Visitor:
    """A connection whose request is not whole yet."""

    sock: socket.socket
    host: str
    tls: bool
    since: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class _Child:
    """A worker process and what it serves, by number of the connection: its host, and while the worker has
    not begun to read it, the connection itself."""

    pid: int
    channel: socket.socket
    born: float = field(default_factory=time.monotonic)
    serving: dict[int, str] = field(default_factory=dict)
    handed: dict[int, _Visitor] = field(default_factory=dict)

    def close(self) -> None:
        """Close what we hold of it: its channel, and connections it never came to."""
        self.channel.close()
        for visitor in self.handed.values():
            visitor.sock.close()


class Doorman:
    """Runs in the parent process until told to stop."""

    def __init__(
        self, listener: socket.socket, processes: int, limits: Limits, tls: TlsPort | None = None
    ) -> None:
        self._listeners = {listener.fileno(): (listener, False)}
        self._tls = tls.context if tls else None
        if tls is not None:
            self._listeners[tls.listener.fileno()] = (tls.listener, True)
        self._processes = processes
        self._limits = limits
        self._poll = select.epoll()
        self._visitors: dict[int, _Visitor] = {}  # by file descriptor, oldest first
        self._postponed: dict[int, _Visitor] = {}  # those no worker could take yet
        self._children: dict[int, _Child] = {}  # by file descriptor of the channel
        self._per_host: Counter[str] = Counter()
        self._numbers = 0
        self._stopping = False
        self._births: deque[float] = deque()  # when to start a worker again
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)

    # ---- life

    def start(self) -> None:
        """Start the workers and take signals; connections are served from now on."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        self._poll.register(self._wake_read, select.EPOLLIN)
        for _ in range(self._processes):
            self._give_birth()
        for fd in self._listeners:
            self._poll.register(fd, select.EPOLLIN)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; return when no worker is left."""
        heartbeat_touch(name="scp")
        beat = time.monotonic() + HEARTBEAT_SECONDS
        while not self._stopping:
            for fd, events in self._poll.poll(self._patience()):
                self._handle(fd, events)
            now = time.monotonic()
            if now >= beat:
                heartbeat_touch(name="scp")
                beat = now + HEARTBEAT_SECONDS
            self._show_out_the_silent(now)
            for visitor in list(self._postponed.values()):
                self._pass_on(visitor)
            while self._births and self._births[0] <= now:
                self._births.popleft()
                self._give_birth()
        self._stop()

    def _on_stop(self, *_: object) -> None:
        self._stopping = True

    def _patience(self) -> float:
        """Seconds until something is due: a heartbeat at the latest."""
        due = [HEARTBEAT_SECONDS]
        if self._visitors:
            oldest = next(iter(self._visitors.values()))
            due.append(oldest.since + self._limits.artim - time.monotonic())
        if self._births:
            due.append(self._births[0] - time.monotonic())
        if self._postponed:
            due.append(_RETRY_SECONDS)
        return max(0.0, min(due))

    def _stop(self) -> None:
        """Close the door, let the workers finish what is under way, and see every one of them gone."""
        self._listeners_close()
        for visitor in self._visitors.values():
            visitor.sock.close()
        for child in self._children.values():
            child.close()  # a worker whose channel ends stops
        deadline = time.monotonic() + STOP_SECONDS
        waiting = {child.pid for child in self._children.values()}
        while waiting and time.monotonic() < deadline:
            waiting -= {pid for pid in waiting if os.waitpid(pid, os.WNOHANG)[0]}
            time.sleep(0.01)
        for pid in waiting:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    # ---- workers

    def _give_birth(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # What is loaded by now stays shared: the workers' collector would touch, so copy, every page of it.
        gc.collect()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            # The child keeps its channel and nothing else of the doorman's.
            status = 1
            try:
                signal.set_wakeup_fd(-1)
                ours.close()
                self._forget_everything()
                Worker(theirs, self._limits, self._tls).run()
                status = 0
            except BaseException:
                log.exception("a worker stopped")
            finally:
                os._exit(status)
        theirs.close()
        ours.setblocking(False)
        self._children[ours.fileno()] = _Child(pid, ours)
        self._poll.register(ours, select.EPOLLIN)

    def _forget_everything(self) -> None:
        self._poll.close()
        self._listeners_close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        for visitor in self._visitors.values():
            visitor.sock.close()
        for child in self._children.values():
            child.close()

    def _listeners_close(self) -> None:
        for listener, _ in self._listeners.values():
            listener.close()

    def _bury(self, child: _Child) -> None:
        """A worker is gone, and what it served with it: count no more of that, and start another."""
        self._poll.unregister(child.channel)
        del self._children[child.channel.fileno()]
        child.channel.close()
        _, status = os.waitpid(child.pid, 0)
        for host in child.serving.values():
            self._left(host)
        for visitor in child.handed.values():
            self._take_back(visitor)
        if self._stopping:
            return
        log.error("worker %d died (status %d) with %d associations", child.pid, status, len(child.serving))
        now = time.monotonic()
        # One that dies at once would die again: wait, so that the machine has time for the others.
        self._births.append(now + 1.0 if now - child.born < _QUICK_DEATH else now)

    def _take_back(self, visitor: _Visitor) -> None:
        """A connection whose worker died before it read a byte of it: it is passed on once more."""
        self._visitors = {visitor.sock.fileno(): visitor, **self._visitors}
        self._poll.register(visitor.sock, _VISITOR_EVENTS)

    # ---- connections

    def _handle(self, fd: int, events: int) -> None:
        if fd in self._listeners:
            self._accept(*self._listeners[fd])
        elif fd == self._wake_read:
            os.read(fd, 512)
        elif fd in self._children:
            self._hear(self._children[fd])
        elif fd in self._visitors:
            self._look_at(self._visitors[fd], events)

    def _accept(self, listener: socket.socket, tls: bool) -> None:
        for _ in range(_BURST):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.error("a connection could not be accepted: %s", error)
                if not self._visitors:
                    time.sleep(0.05)  # out of file descriptors, and none of ours to close
                    return
                self._dismiss(next(iter(self._visitors.values())))
                return
            sock.setblocking(False)
            visitor = _Visitor(sock, str(address[0]), tls)
            self._visitors[sock.fileno()] = visitor
            self._poll.register(sock, _VISITOR_EVENTS)
            if len(self._visitors) > self._limits.max_waiting:
                self._dismiss(next(iter(self._visitors.values())))

    def _dismiss(self, visitor: _Visitor, answer: bytes = b"") -> None:
        """Send a last word, if any, and close without waiting."""
        self._let_go(visitor)
        with contextlib.suppress(OSError):
            if answer:
                visitor.sock.send(answer)
                visitor.sock.shutdown(socket.SHUT_WR)
            visitor.sock.recv(1 << 20)  # unread bytes would turn the close into a reset
        visitor.sock.close()

    def _let_go(self, visitor: _Visitor) -> None:
        self._poll.unregister(visitor.sock)
        del self._visitors[visitor.sock.fileno()]
        self._postponed.pop(visitor.sock.fileno(), None)

    def _show_out_the_silent(self, now: float) -> None:
        """ARTIM is over (PS3.8 9.2, action AA-2): the transport connection is closed."""
        while self._visitors:
            oldest = next(iter(self._visitors.values()))
            if now - oldest.since < self._limits.artim:
                return
            self._tell("silent-request", oldest.host)
            self._dismiss(oldest)

    def _look_at(self, visitor: _Visitor, events: int) -> None:
        """Pass the connection on when its request is whole, or is none."""
        try:
            seen = visitor.sock.recv(_PEEK_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            seen = b""
        if not seen:
            self._dismiss(visitor)
            return
        whole = self._hello_whole(seen) if visitor.tls else self._request_whole(seen)
        if whole:
            self._pass_on(visitor)
        elif whole is not None:
            if events & (select.EPOLLRDHUP | select.EPOLLHUP):
                self._dismiss(visitor)
        elif visitor.tls:
            log.info("%s: no TLS on the TLS port", visitor.host)
            self._dismiss(visitor)
        else:
            self._turn_down(visitor, seen)

    def _request_whole(self, seen: bytes) -> bool | None:
        """Whether the A-ASSOCIATE-RQ is there, as far as it can be looked at; None when it is none."""
        if seen[0] != Pdu.ASSOCIATE_RQ:
            return None
        if len(seen) < 6:
            return False
        length = 6 + int.from_bytes(seen[2:6], "big")
        return length - 6 > self._limits.max_request or len(seen) >= min(length, _PEEK_BYTES)

    def _hello_whole(self, seen: bytes) -> bool | None:
        """Whether the record with the ClientHello is there (RFC 8446 5.1); None when it is none."""
        if seen[0] != _HANDSHAKE_RECORD:
            return None
        return len(seen) >= 5 and len(seen) >= min(5 + int.from_bytes(seen[3:5], "big"), _PEEK_BYTES)

    def _turn_down(self, visitor: _Visitor, seen: bytes) -> None:
        known = seen[0] in Pdu.__members__.values()
        reason = AbortReason.UNEXPECTED_PDU if known else AbortReason.UNRECOGNIZED_PDU
        self._tell(what_it_speaks(seen), visitor.host)
        self._dismiss(visitor, abort_encoded(reason))

    def _pass_on(self, visitor: _Visitor) -> None:
        busy = self._per_host.total() >= self._limits.max_associations
        if busy or self._per_host[visitor.host] >= self._limits.max_per_host:
            log.warning("%s rejected: too many associations", visitor.host)
            self._tell("local-limit", visitor.host)
            # Under TLS nothing can be said before a handshake, which would cost a thread.
            self._dismiss(visitor, b"" if visitor.tls else Rejection.LOCAL_LIMIT_EXCEEDED.encoded())
            return
        for child in sorted(self._children.values(), key=lambda child: len(child.serving)):
            self._numbers += 1
            note = CONNECTION.pack(self._numbers, visitor.since, visitor.tls) + visitor.host.encode()
            try:
                socket.send_fds(child.channel, [note], [visitor.sock.fileno()])
            except OSError:
                continue  # it is dying, or has not come to the last ones yet
            child.serving[self._numbers] = visitor.host
            child.handed[self._numbers] = visitor
            self._per_host[visitor.host] += 1
            self._let_go(visitor)
            return
        self._postponed[visitor.sock.fileno()] = visitor

    def _tell(self, reason: str, host: str) -> None:
        """Have a worker note in the diary whom we showed out; when all are too busy, nobody does."""
        note = CONNECTION.pack(TURNED_AWAY, time.monotonic(), False) + f"{reason} {host}".encode()
        for child in self._children.values():
            with contextlib.suppress(OSError):
                child.channel.send(note)
                return

    def _hear(self, child: _Child) -> None:
        """A worker tells which connections it reads and which are over; the end of its channel is its own."""
        while True:
            try:
                message = child.channel.recv(REPORT.size)
            except BlockingIOError:
                return
            except ConnectionResetError:
                continue  # it died with notes of ours unread; what it said before is still to be heard
            except OSError:
                message = b""
            if not message:
                self._bury(child)
                return
            number, over = REPORT.unpack(message)
            if visitor := child.handed.pop(number, None):
                visitor.sock.close()
            if over and (host := child.serving.pop(number, None)) is not None:
                self._left(host)

    def _left(self, host: str) -> None:
        self._per_host[host] -= 1
        if self._per_host[host] <= 0:
            del self._per_host[host]
