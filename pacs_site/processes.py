"""The processes of `make run`, forked from the supervisor, and the pipes that take what they print.

The supervisor loads once what all of them import and has one thread, no event loop and no connection of
any kind, so that it can fork at any time: a service starts, and starts again, without loading a thing.
"""

from __future__ import annotations

import ctypes
import io
import multiprocessing
import os
import runpy
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any, Final

_FORK: Final = multiprocessing.get_context("fork")
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
_LOOK_SECONDS: Final = 0.1
_REST_SECONDS: Final = 2.0
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_COLOURS: Final = {"web": 36, "scp": 35, "jobs": 33}


@dataclass
class Child:
    """One process of ours, with a session and so a process group of its own.

    ``work`` is what it does. ``outlives``: it goes on when the supervisor is killed, and ends by itself.
    """

    name: str
    work: Callable[[], None]
    outlives: bool = False
    _process: ForkProcess | None = None
    _groups: list[int] = field(default_factory=list)  # of every start of which something is left
    _started: deque[float] = field(default_factory=lambda: deque(maxlen=5))

    def start(self) -> None:
        """Fork, and return when it has its group: ``signal`` reaches it from then on.

        What an earlier start left behind, such as a job that is being finished, goes on until we stop.
        """
        waiting, begun = os.pipe()
        process = _FORK.Process(target=self._begin, args=(os.getpid(), begun), name=self.name)
        self._started.append(time.monotonic())
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # not ours to take in its name
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        assert process.pid
        self._process = process
        self._groups.append(process.pid)
        os.close(begun)
        with open(waiting, "rb") as pipe:
            pipe.read()

    def status(self) -> int | None:
        """Its exit status, or minus the signal that ended it; None while it runs or was never started."""
        self._groups = [group for group in self._groups if _signal_group(group, 0)]
        return None if self._process is None else self._process.exitcode

    def may_start(self) -> bool:
        """Not in a rush: what dies at once waits for something that takes a moment to come back."""
        return time.monotonic() - self._started[-1] >= _REST_SECONDS

    def dies_often(self) -> bool:
        full = len(self._started) == self._started.maxlen
        return full and self._started[-1] - self._started[0] < 30

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and all that it started, whichever of them are there."""
        for group in self._groups:
            _signal_group(group, number)

    def end(self, deadline: float) -> None:
        """Wait until ``deadline`` (monotonic); then whatever is left of it goes, also grandchildren whose
        parent went first."""
        if self._process is not None:
            self._process.join(max(0.0, deadline - time.monotonic()))
            self.signal(signal.SIGKILL)
            self._process.join()

    def _begin(self, parent: int, begun: int) -> None:
        os.setsid()  # Ctrl-C reaches the supervisor alone; it passes it on in order
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if sys.platform == "linux":
            system = ctypes.CDLL(None)
            system.prctl(_PR_SET_NAME, f"lightbox-{self.name}".encode())  # what top and ps -e show
            if not self.outlives:  # no orphan keeps a port
                system.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        os.close(begun)
        if self.outlives or os.getppid() == parent:
            self.work()


def _signal_group(group: int, number: int) -> bool:
    """Say whether there was somebody to hear it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


class Errand:
    """Something done once by a process of its own, for its answer."""

    def __init__(self, name: str, work: Callable[[], Any]) -> None:
        self._work = work
        self._hear, self._say = _FORK.Pipe(duplex=False)
        self.child = Child(name, self._do)

    def start(self) -> None:
        self.child.start()
        self._say.close()

    def answer(self, stopping: Callable[[], bool]) -> Any:
        """What ``work`` returned; None when we are to stop before it is done. Raises ``EOFError`` when its
        process ended without an answer."""
        with self._hear:
            while not stopping():
                if self._hear.poll(_LOOK_SECONDS):
                    return self._hear.recv()
        return None

    def _do(self) -> None:
        self._hear.close()
        self._say.send(self._work())


class Scribe:
    """Puts the name of a service in front of each of its lines, in a process of its own.

    The pipes stay open in the supervisor, so that neither a service nor the scribe misses the other when it
    is started again.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._pipes = {name: os.pipe() for name in names}
        self.child = Child("logs", self._write, outlives=True)

    def take(self, name: str) -> None:
        """In the service ``name``: what it prints, or what it starts prints, goes through its pipe."""
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(self._pipes[name][1], 1)
        os.dup2(self._pipes[name][1], 2)
        self._close(reading=True, writing=True)

    def end(self, deadline: float) -> None:
        """In the supervisor, when no service is left: wait until the last line is out, or the deadline."""
        self._close(reading=True, writing=True)
        self.child.end(deadline)

    def _write(self) -> None:
        for number in _STOPPING:
            signal.signal(number, signal.SIG_IGN)  # it ends after the last line, not before
        self._close(reading=False, writing=True)
        readers = [
            threading.Thread(target=_prefix, args=(name, pipe[0])) for name, pipe in self._pipes.items()
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    def _close(self, *, reading: bool, writing: bool) -> None:
        for read_end, write_end in self._pipes.values():
            if reading:
                os.close(read_end)
            if writing:
                os.close(write_end)


def _prefix(name: str, read_end: int) -> None:
    mark = f"\x1b[{_COLOURS[name]}m{name:>4}\x1b[0m" if sys.stdout.isatty() else f"{name:>4}"
    with open(read_end, "rb") as stream:
        for line in stream:
            text = line.decode(errors="replace").rstrip()
            if text:
                with suppress(OSError):  # nobody reads us: the service must not wait for that
                    sys.stdout.write(
                        f"{mark} | {text}\n"
                    )  # at once: print would let another thread in between
                    sys.stdout.flush()


def module_run(root: Path, module: str, *arguments: str) -> None:
    """Do in this process what ``python -m MODULE ARGUMENTS`` does in a new one, from the folder ``root``.

    Lines are printed at once, into a pipe as well.
    """
    os.chdir(root)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
