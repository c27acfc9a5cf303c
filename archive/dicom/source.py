"""Bytes of an object at a position, read in blocks, with a bound on what is held."""

from __future__ import annotations

import zlib
from typing import BinaryIO

_BLOCK = 32 * 1024
_INFLATE_LIMIT = 128 << 20  # what a deflated data set may grow to before its pixel data


class Unreadable(Exception):
    """An object that cannot be understood. ``code`` is a slug, ``detail`` says where and why."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Source:
    """A window over a file: ``data`` holds the bytes from ``base`` on.

    ``size`` is where the bytes end, None as long as that is not known (deflated data).
    """

    __slots__ = ("_file", "base", "data", "size")

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.base = 0
        self.size: int | None = size
        self.data = b""

    def seek_to(self, position: int, length: int = 0) -> None:
        """Move the window to start at ``position`` and hold at least ``length`` bytes, if there are."""
        length = max(length, _BLOCK)
        self._file.seek(position)
        block = self._file.read(length)
        while block and len(block) < length:  # a raw file may give less than it has
            more = self._file.read(length - len(block))
            if not more:
                break
            block += more
        self.data = block
        self.base = position

    def bytes_at(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes at ``position``; fewer only at the end."""
        start = position - self.base
        if start < 0 or start + length > len(self.data):
            self.seek_to(position, length)
            start = 0
        return self.data[start : start + length]


class InflatedSource(Source):
    """The same over a deflated data set (PS3.5 A.5), going forward only.

    Positions count inflated bytes from ``start``, so that they continue those of the meta header.
    """

    __slots__ = ("_inflate", "_position", "_start")

    def __init__(self, file: BinaryIO, start: int) -> None:
        super().__init__(file, 0)
        self.size = None
        self.base = self._start = self._position = start
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        file.seek(start)

    def seek_to(self, position: int, length: int = 0) -> None:
        """As for a file; raises Unreadable for a broken stream and one that grows without end."""
        if position < self.base:
            raise Unreadable("broken-header", "a deflated data set is read forwards only")
        length = max(length, _BLOCK)
        held = self.data[position - self.base :]
        skip = position - self._position
        while skip > 0 and (block := self._block(min(skip, _BLOCK))):
            skip -= len(block)
        parts, have = [held], len(held)
        while have < length and (block := self._block(length - have)):
            parts.append(block)
            have += len(block)
        self.data = b"".join(parts)
        self.base = position

    def _block(self, length: int) -> bytes:
        """The next inflated bytes, at most ``length``; empty at the end."""
        while self.size is None:
            source = self._inflate.unconsumed_tail or self._file.read(_BLOCK)
            try:
                block = self._inflate.decompress(source, length)
            except zlib.error as error:
                raise Unreadable("broken-deflate", str(error)) from None
            if block:
                self._position += len(block)
                if self._position - self._start > _INFLATE_LIMIT:
                    raise Unreadable(
                        "deflate-limit", f"more than {_INFLATE_LIMIT} bytes before its pixel data"
                    )
                return block
            if self._inflate.eof or not source:
                self.size = self._position
        return b""
