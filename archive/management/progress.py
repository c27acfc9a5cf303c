"""A bar for people who wait at a terminal, and nothing for a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self, TextIO

from django.core.management.base import OutputWrapper

_WIDTH: Final = 30
_EVERY: Final = 0.1


class ProgressBar:
    """``with ProgressBar(self.stderr) as bar: bar.show(done, total)``. Silent unless the stream is a
    terminal.
    """

    def __init__(self, stream: TextIO | OutputWrapper) -> None:
        self._stream = stream
        self._shown_at = 0.0
        self._started = time.monotonic()
        self._active = stream.isatty()
        self._drawn = False

    def show(self, done: int, total: int) -> None:
        """Draw the bar, at most ten times a second."""
        now = time.monotonic()
        if not self._active or (now - self._shown_at < _EVERY and done < total):
            return
        self._shown_at = now
        filled = _WIDTH * done // max(total, 1)
        rate = done / max(now - self._started, 0.001)
        bar = "█" * filled + "░" * (_WIDTH - filled)
        self._put(f"\r{bar} {done}/{total}  {rate:.0f}/s ")
        self._drawn = True

    def clear(self) -> None:
        """Take the bar away, so that a line can be written in its place."""
        if self._drawn:
            self._put("\r" + " " * (_WIDTH + 40) + "\r")
            self._drawn = False

    def _put(self, text: str) -> None:
        if isinstance(self._stream, OutputWrapper):
            self._stream.write(text, ending="")
        else:
            self._stream.write(text)
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
