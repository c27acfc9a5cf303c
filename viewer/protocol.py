"""What the viewer's page and the frame socket say to each other. Pure: text and bytes in, records out.

The page speaks JSON, one object a message, told apart by ``op``:

``frame``     show this frame in that viewport. A newer one for the same viewport takes its place.
``prefetch``  frames that will probably be wanted next; a newer list takes the place of the older.
``drawn``     the reply to ``seq`` is on the screen: its credit comes back.
``probe``     the stored value at a pixel.
``ping``      are you there; the reply carries the same ``seq``.

Where ``instance`` stands, the name of a reformat may stand (``viewer.reformat_name``).

The server answers with pictures in binary messages (``FrameHeader``, then a part of the JPEG or PNG, or of
the picture's steps or their table) and with JSON for everything else: ``unavailable`` (this frame cannot be
shown, and why), ``probe``, ``pong``, ``error``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntFlag, StrEnum
from typing import Any, NoReturn

from archive.imaging.params import JPEG, PNG, STEPS, TABLE, Encoding, View, VoiFunction, Window
from viewer.reformat_name import ReformatName, reformat_name_parse

MESSAGE_LIMIT = 4096  # characters of one message of the page
PREFETCH_LIMIT = 16  # frames of one prefetch message
VIEWPORTS = 64
SIDE_LIMIT = 8192  # of the box a picture is asked to fit in
CHUNK = 256 * 1024  # bytes of a picture in one message; daphne refuses messages above 1 MiB
_U32 = 2**32 - 1
_MAGNITUDE = 1e9  # of a window's centre and width
_NARROWEST = 1e-6


class Fault(StrEnum):
    """What was wrong with a message."""

    BINARY = "binary"
    TOO_LONG = "too-long"
    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    UNKNOWN_OP = "unknown-op"
    MISSING = "missing"
    WRONG_VALUE = "wrong-value"


class ProtocolError(Exception):
    """A message that cannot be taken: which fault, in which field, of which request (where known)."""

    def __init__(self, fault: Fault, field: str = "", seq: int | None = None) -> None:
        super().__init__(f"{fault.value} {field}".strip())
        self.fault = fault
        self.field = field
        self.seq = seq

    def reply(self) -> dict[str, Any]:
        return {"op": "error", "code": self.fault.value, "field": self.field, "seq": self.seq}


class Quality(StrEnum):
    """How a picture travels: ``moving`` is small and quick, ``settled`` is exact.

    While a window is dragged it travels in two exact parts: its ``steps`` once, then a ``table`` a window.
    """

    MOVING = "moving"
    SETTLED = "settled"
    STEPS = "steps"
    TABLE = "table"

    @property
    def encoding(self) -> Encoding:
        return _ENCODINGS[self]


_ENCODINGS = {Quality.MOVING: JPEG, Quality.SETTLED: PNG, Quality.STEPS: STEPS, Quality.TABLE: TABLE}


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """One frame (1-based, as in DICOM) of one instance, as it shall look in one viewport."""

    seq: int
    viewport: int
    instance: int
    frame: int
    view: View
    quality: Quality
    prefetch: bool = False
    presentation: int = 0  # the instance of a presentation state to show it under; 0: none
    reformat: ReformatName | None = None  # then ``frame`` is a plane of it


@dataclass(frozen=True, slots=True)
class PrefetchRequest:
    """Frames that will probably be wanted next, nearest first."""

    viewport: int
    frames: tuple[FrameRequest, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The reply to ``seq`` is on the screen or was thrown away."""

    seq: int


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """The value stored at column ``x``, row ``y`` (0-based) of a frame."""

    seq: int
    viewport: int
    instance: int
    frame: int
    x: int
    y: int
    reformat: ReformatName | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    seq: int


Request = FrameRequest | PrefetchRequest | Drawn | ProbeRequest | Ping


def request_parse(text: str | None) -> Request:
    """The typed request in a message, or ``ProtocolError``; nothing else is raised, whatever the text."""
    if text is None:
        raise ProtocolError(Fault.BINARY)
    if len(text) > MESSAGE_LIMIT:
        raise ProtocolError(Fault.TOO_LONG)
    try:
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ProtocolError(Fault.NOT_JSON) from None
    if not isinstance(message, dict):
        raise ProtocolError(Fault.NOT_AN_OBJECT)
    fields = _Fields(message)
    match message.get("op"):
        case "frame":
            return fields.frame()
        case "prefetch":
            return fields.prefetch()
        case "drawn":
            return Drawn(fields.integer("seq", 0, _U32))
        case "probe":
            return fields.probe()
        case "ping":
            return Ping(fields.integer("seq", 0, _U32))
    raise ProtocolError(Fault.UNKNOWN_OP, "op", fields.seq)


def look_parse(message: dict[str, Any]) -> View:
    """``voi`` and ``invert`` of a message that is no request for a frame. Raises ``ProtocolError``."""
    return _Fields(message).look()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


class _Fields:
    """Reads the fields of one message; every doubt is a ``ProtocolError`` that names the field."""

    def __init__(self, message: dict[str, Any]) -> None:
        self._message = message
        seq = message.get("seq")
        self.seq = seq if type(seq) is int and 0 <= seq <= _U32 else None

    def frame(self) -> FrameRequest:
        instance, reformat = self.target()
        return FrameRequest(
            seq=self.integer("seq", 0, _U32),
            viewport=self.integer("viewport", 0, VIEWPORTS - 1),
            instance=instance,
            frame=self.integer("frame", 1, 2**31 - 1),
            view=self.view(),
            quality=self.quality(),
            presentation=self.presentation(),
            reformat=reformat,
        )

    def prefetch(self) -> PrefetchRequest:
        viewport = self.integer("viewport", 0, VIEWPORTS - 1)
        view, quality, state = self.view(), self.quality(), self.presentation()
        rows = self._value("frames")
        if not isinstance(rows, list) or len(rows) > PREFETCH_LIMIT:
            raise self._wrong("frames")
        frames = []
        for row in rows:
            if not isinstance(row, list) or len(row) != 3:
                raise self._wrong("frames")
            instance, reformat = self._target("frames", row[1])
            seq, frame = (
                self._bounded("frames", row[0], 0, _U32),
                self._bounded("frames", row[2], 1, 2**31 - 1),
            )
            frames.append(FrameRequest(seq, viewport, instance, frame, view, quality, True, state, reformat))
        return PrefetchRequest(viewport, tuple(frames))

    def probe(self) -> ProbeRequest:
        instance, reformat = self.target()
        return ProbeRequest(
            seq=self.integer("seq", 0, _U32),
            viewport=self.integer("viewport", 0, VIEWPORTS - 1),
            instance=instance,
            frame=self.integer("frame", 1, 2**31 - 1),
            x=self.integer("x", 0, 2**31 - 1),
            y=self.integer("y", 0, 2**31 - 1),
            reformat=reformat,
        )

    def target(self) -> tuple[int, ReformatName | None]:
        return self._target("instance", self._value("instance"))

    def _target(self, field: str, value: Any) -> tuple[int, ReformatName | None]:
        """An instance, or a reformat and the instance it is of."""
        if isinstance(value, str) and (named := reformat_name_parse(value)):
            return named
        return self._bounded(field, value, 1, 2**63 - 1), None

    def presentation(self) -> int:
        return self._bounded("presentation", self._message.get("presentation", 0), 0, 2**63 - 1)

    def view(self) -> View:
        return replace(self.look(), box=self._box())

    def look(self) -> View:
        invert = self._message.get("invert", False)
        if type(invert) is not bool:
            raise self._wrong("invert")
        return View(invert=invert, **self._voi())

    def _voi(self) -> dict[str, Any]:
        """``null``: the object's own choice; ``{auto}``, ``{lut}`` or ``{center, width, function}``."""
        voi = self._message.get("voi")
        if voi is None:
            return {}
        if not isinstance(voi, dict):
            raise self._wrong("voi")
        if voi.get("auto") is True:
            return {"auto": True}
        if "lut" in voi:
            return {"voi_lut": self._bounded("voi", voi["lut"], 0, 255)}
        try:
            function = VoiFunction(voi.get("function", VoiFunction.LINEAR))
        except ValueError:
            raise self._wrong("voi") from None
        center = self._number("voi", voi.get("center"), -_MAGNITUDE)
        return {"window": Window(center, self._number("voi", voi.get("width"), _NARROWEST), function)}

    def _box(self) -> tuple[int, int]:
        size = self._value("size")
        if not isinstance(size, list) or len(size) != 2:
            raise self._wrong("size")
        width, height = (self._bounded("size", side, 1, SIDE_LIMIT) for side in size)
        return width, height

    def quality(self) -> Quality:
        try:
            return Quality(self._value("quality"))
        except ValueError:
            raise self._wrong("quality") from None

    def integer(self, field: str, low: int, high: int) -> int:
        return self._bounded(field, self._value(field), low, high)

    def _value(self, field: str) -> Any:
        if field not in self._message:
            raise ProtocolError(Fault.MISSING, field, self.seq)
        return self._message[field]

    def _bounded(self, field: str, value: Any, low: int, high: int) -> int:
        if type(value) is not int or not low <= value <= high:
            raise self._wrong(field)
        return value

    def _number(self, field: str, value: Any, low: float) -> float:
        if type(value) not in (int, float) or not low <= value <= _MAGNITUDE:  # 1e999 is infinite
            raise self._wrong(field)
        return float(value)

    def _wrong(self, field: str) -> ProtocolError:
        return ProtocolError(Fault.WRONG_VALUE, field, self.seq)


class Flag(IntFlag):
    """What the page must know about a picture before it draws it."""

    PREVIEW = 1  # lossy for the sake of speed: a settled one will follow
    WINDOW = 2  # the header's window is the one that was used
    PREFETCHED = 4
    PNG = 8
    PARTIAL = 16  # the file ends inside the frame: what is missing is black


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """The first 52 bytes of a binary message, little endian.

    ====== === =====================================================
    offset type meaning
    ====== === =====================================================
    0      u8  version, 1
    1      u8  flags (``Flag``)
    2      u16 viewport
    4      u32 seq of the request
    8      u32 width, 12 height: of this picture
    16     u32 full width, 20 full height: columns and rows as stored
    24     f32 milliseconds the server took
    28     f64 window centre, 36 width
    44     u32 length of the whole picture, 48 offset of this part
    ====== === =====================================================
    """

    seq: int
    viewport: int
    flags: Flag
    width: int
    height: int
    full_width: int
    full_height: int
    milliseconds: float
    center: float = 0.0
    window_width: float = 0.0

    LAYOUT = struct.Struct("<BBHIIIIIfddII")
    VERSION = 1

    def messages(self, data: bytes) -> Iterator[bytes]:
        """The binary messages that carry ``data``, none longer than ``CHUNK`` and a header."""
        for offset in range(0, len(data), CHUNK):
            yield self._pack(len(data), offset) + data[offset : offset + CHUNK]

    def _pack(self, total: int, offset: int) -> bytes:
        return self.LAYOUT.pack(
            self.VERSION,
            self.flags,
            self.viewport,
            self.seq,
            self.width,
            self.height,
            self.full_width,
            self.full_height,
            self.milliseconds,
            self.center,
            self.window_width,
            total,
            offset,
        )


def unavailable_reply(request: FrameRequest, code: str, sentence: str) -> dict[str, Any]:
    """The frame cannot be shown: the sentence stands in its place, the neighbours go on."""
    return {
        "op": "unavailable",
        "seq": request.seq,
        "viewport": request.viewport,
        "prefetch": request.prefetch,
        "code": code,
        "sentence": sentence,
    }
