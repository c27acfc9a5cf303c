"""``manage.py runjobs``: work off the background jobs, each lane in a process of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any, Final, NoReturn

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections
from django.utils.module_loading import import_string
from django_tasks_db.management.commands.db_worker import Worker

from archive.health import HEARTBEAT_SECONDS, heartbeat_touch
from archive.jobs import LANES, WorkerMark, housekeeping_run, jobs_recover

log = structlog.get_logger(__name__)
STOP_SECONDS: Final = 4.0  # the supervisor gives five
HOUSEKEEPING_SECONDS: Final = 600.0
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_PR_SET_PDEATHSIG: Final = 1


class Command(BaseCommand):
    help = "Works off the background jobs. Without --queue every lane gets a process of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", choices=sorted(lanes_all()), action="append", help="only this lane")
        parser.add_argument("--batch", action="store_true", help="stop when nothing is left to do")

    def handle(self, *, queue: list[str] | None, batch: bool, **options: Any) -> None:
        lanes = queue or lanes_all()
        if len(lanes) == 1 or batch:
            for lane in lanes:
                _lane_run(lane, batch=batch)
        else:
            _Lanes(lanes).run()


class _LaneWorker(Worker):
    """The library's worker; further signals do not tear the job that is being finished."""

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        if self.running:
            super().shutdown(signum, frame)


def lanes_all() -> list[str]:
    """Every lane: those of tasks, and those with a queue of their own (``settings.LANES_OF_THEIR_OWN``)."""
    return [*LANES, *settings.LANES_OF_THEIR_OWN]


def _lane_run(lane: str, *, batch: bool = False) -> None:
    """Work in this process until told to stop; the job under way is finished first."""
    if lane in settings.LANES_OF_THEIR_OWN:
        _own_lane_run(lane, batch=batch)
    else:
        _task_lane_run(lane, batch=batch)


def _own_lane_run(lane: str, *, batch: bool) -> None:
    """A lane whose queue is not a table of tasks: what runs it is named in the settings."""
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread() and not batch:
        for number in _STOPPING:
            signal.signal(number, lambda *_: stop.set())
    mark = WorkerMark(lane)
    try:
        run = import_string(settings.LANES_OF_THEIR_OWN[lane])
        run(worker_id=mark.worker_id, stopping=stop.is_set, batch=batch)
    finally:
        mark.close()


def _task_lane_run(lane: str, *, batch: bool) -> None:
    jobs_recover([lane])
    mark = WorkerMark(lane)
    worker = _LaneWorker(
        queue_names=[lane],
        interval=LANES[lane],
        batch=batch,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=mark.worker_id,
        excluded_queue_names=[],
    )
    if threading.current_thread() is threading.main_thread() and not batch:
        worker.configure_signals()
    if lane == "default" and not batch:
        threading.Thread(target=_keep_house, name="housekeeping", daemon=True).start()
    try:
        worker.run()
    finally:
        mark.close()


def _keep_house() -> None:
    while True:
        try:
            housekeeping_run()
        except DatabaseError as error:
            log.warning("housekeeping has to wait", error=str(error))
        finally:
            connections.close_all()
        time.sleep(HOUSEKEEPING_SECONDS)


class _Lanes:
    """One process a lane: a film that takes minutes must not hold up a connection test."""

    def __init__(self, lanes: list[str]) -> None:
        self.lanes = lanes
        self.running: dict[int, str] = {}
        self.stopping = False

    def run(self) -> None:
        connections.close_all()  # a connection must not be carried over a fork
        for number in _STOPPING:
            signal.signal(number, self._stop)
        for lane in self.lanes:
            self._start(lane)
        while not self.stopping:
            heartbeat_touch(name="jobs")
            self._reap(again=True)
            time.sleep(HEARTBEAT_SECONDS / 2)
        self._end()

    def _start(self, lane: str) -> None:
        """Fork, unless we are to stop. A signal waits until each of the two can take it as its own."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        try:
            if self.stopping:
                return
            pid = os.fork()
            if pid == 0:
                self._be(lane)
            self.running[pid] = lane
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)

    def _be(self, lane: str) -> NoReturn:
        """In the new process: work the lane, and end."""
        status = 1
        try:
            self.running.clear()  # the others are not this one's children
            for number in _STOPPING:
                signal.signal(number, signal.SIG_DFL)
            if sys.platform == "linux":
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
            _lane_run(lane)
            status = 0
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 0
        except Exception:  # the end of a process: nothing above would tell of it
            log.exception("a lane of jobs stopped", lane=lane)
        finally:
            os._exit(status)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        for pid in list(self.running):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                self.running.pop(pid, None)

    def _reap(self, *, again: bool) -> None:
        for pid, lane in list(self.running.items()):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self.running[pid]
                if again and not self.stopping:
                    log.warning("a lane of jobs died and is started again", lane=lane)
                    time.sleep(1)
                    self._start(lane)

    def _end(self) -> None:
        """Jobs under way may finish; what is not done then is taken up at the next start."""
        deadline = time.monotonic() + STOP_SECONDS
        while self.running and time.monotonic() < deadline:
            self._reap(again=False)
            time.sleep(0.02)
        self._signal(signal.SIGKILL)
        while self.running:
            self._reap(again=False)
            time.sleep(0.02)
