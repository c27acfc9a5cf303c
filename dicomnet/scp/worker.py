"""A worker process: a thread for each association it is given, until its channel ends."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import signal
import socket
import ssl
import struct
import threading
import time
from queue import SimpleQueue

from django.db import DatabaseError, InterfaceError, connections
from pydicom import config as pydicom_config

from dicomnet.diary.writing import killed_close, process_leave, running_write
from dicomnet.dimse.wire import Limits
from dicomnet.scp.association import Association, leftovers, rejected

log = logging.getLogger("lightbox.scp")

FINISH_SECONDS = 3.0
_STACK_BYTES = 1 << 20  # address space for each thread; hundreds may wait
# its number, when it was accepted (monotonic), whether it speaks TLS; its host follows
CONNECTION = struct.Struct("=Qd?")
REPORT = struct.Struct("=Q?")  # back to the doorman: a number, and whether that connection is over or taken
TURNED_AWAY = 0  # the number of a note without a connection: reason and host of one the doorman showed out
_DIARY_SECONDS = 1.0
_COLLECT_EVERY = 5_000  # allocations
_ARENAS = 2  # of memory: each thread beyond would keep one of its own, and what was ever used of it
_M_ARENA_MAX = -8  # malloc.h


def arenas_limit(most: int) -> None:
    """Let the threads of this process share ``most`` arenas of the C library's memory, where it has them."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, most)


class Worker:
    """Serves what arrives on ``channel`` (see ``server.Doorman``). One for each process."""

    def __init__(self, channel: socket.socket, limits: Limits, tls: ssl.SSLContext | None = None) -> None:
        self._channel = channel
        self._limits = limits
        self._tls = tls
        self._stopping = threading.Event()
        self._live: dict[int, Association] = {}
        self._shown_out: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Serve until the channel ends or SIGTERM comes, then finish what is under way."""
        # The doorman gets the operator's Ctrl-C and closes the channel; TERM may come from a group kill.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self._channel.shutdown(socket.SHUT_RD))
        connections.close_all()
        # What an object on its way in leaves behind is freed by its references; to look for cycles every
        # few hundred allocations costs a tenth of the time that an image takes.
        gc.set_threshold(_COLLECT_EVERY, 10, 10)
        threading.stack_size(_STACK_BYTES)
        arenas_limit(_ARENAS)
        # A UID that is not quite one is the sender's affair here, not worth a warning each.
        pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE
        threading.Thread(target=self._keep_diary, name="diary", daemon=True).start()
        while True:
            try:
                note, fds, _flags, _address = socket.recv_fds(self._channel, 512, 1)
            except OSError:
                break
            if not note:
                break
            for fd in fds:
                self._begin(note, socket.socket(fileno=fd))
            if CONNECTION.unpack_from(note)[0] == TURNED_AWAY:
                reason, _, host = note[CONNECTION.size :].decode().partition(" ")
                self._shown_out.put((reason, host))
        self._finish()
        self._settle_last()
        process_leave()

    def _begin(self, note: bytes, sock: socket.socket) -> None:
        number, since, tls = CONNECTION.unpack_from(note)
        host = note[CONNECTION.size :].decode()
        context = self._tls if tls else None
        association = Association(sock, host, self._limits, self._stopping.is_set, context)
        association.wire.deadline = since + self._limits.artim
        with self._lock:
            self._live[number] = association
        threading.Thread(
            target=self._serve, args=(number, association), name=f"association-{number}", daemon=True
        ).start()

    def _serve(self, number: int, association: Association) -> None:
        try:
            # From here on its bytes are read: nobody else could serve it any more.
            self._report(number, over=False)
            association.serve()
        except Exception:
            log.exception("an association from %s failed", association.address)
            association.wire.sock.close()
        finally:
            with self._lock:
                del self._live[number]
            self._report(number, over=True)

    def _report(self, number: int, *, over: bool) -> None:
        with contextlib.suppress(OSError):
            self._channel.send(REPORT.pack(number, over))

    def _keep_diary(self) -> None:
        """Write what lasts, whom the doorman showed out, and, at first, what a killed worker left open."""
        left_open = True
        while not self._stopping.wait(_DIARY_SECONDS):
            try:
                if left_open:
                    killed_close()
                    left_open = False
                while not self._shown_out.empty():
                    reason, host = self._shown_out.get()
                    rejected.record_stranger(address=host, reason=reason)
                leftovers.settle()
                running_write(entries=[a.entry for a in self._associations() if a.entry is not None])
            except (DatabaseError, InterfaceError, OSError):
                # A full disk among them: it goes on when there is room.
                log.exception("the diary has to wait")
            finally:
                connections.close_all()

    def _finish(self) -> None:
        """Wake those who wait, give those at work a moment, then cut them off: nothing was acknowledged."""
        self._stopping.set()
        deadline = time.monotonic() + FINISH_SECONDS
        while self._associations() and time.monotonic() < deadline:
            for association in self._associations():
                association.wire.wake()
            time.sleep(0.02)
        for association in self._associations():
            association.wire.hang_up()
        end = time.monotonic() + 0.5
        while self._associations() and time.monotonic() < end:
            time.sleep(0.02)

    def _settle_last(self) -> None:
        """The last chance for what could not be written before."""
        if lost := leftovers.settle():
            log.error("the ends of %d associations are lost: they could not be written", lost)
        connections.close_all()

    def _associations(self) -> list[Association]:
        with self._lock:
            return list(self._live.values())
