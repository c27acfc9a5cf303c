"""From an Instance to a picture: caches, threads and files around ``archive.imaging``.

    rendered bytes <- viewport-size raster <- decoded raster <- source (header, frame index) <- file

Each step is kept in a cache of its own, bounded by bytes, keyed by the instance and the digest of its file. A
step that several ask for at once is done once. All of it may be called from any thread; RENDER_POOL is where
sockets and views send it, so that neither the event loop nor Django's one shared thread waits for pixels.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from archive.imaging.cache import ByteCache
from archive.imaging.encode import encoded
from archive.imaging.greyscale import Chosen, Greyscale
from archive.imaging.params import (
    JPEG,
    PNG,
    STEPS,
    TABLE,
    Encoding,
    EncodingFormat,
    Undecodable,
    View,
    VoiFunction,
    Window,
)
from archive.imaging.pipeline import (
    grey_parts,
    grey_steps,
    picture,
    picture_size,
    raster_read,
    stored_value,
    wants_range,
)
from archive.imaging.raster import Raster
from archive.imaging.source import ImageSource, pixel_handle, source_read
from archive.models import Instance
from archive.rendering_words import OTHERWISE, sentence_for
from archive.storage import NotStored, file_open

__all__ = [
    "JPEG",
    "OTHERWISE",
    "PNG",
    "RENDER_POOL",
    "STAMP",
    "Encoding",
    "EncodingFormat",
    "FrameUnavailable",
    "RenderedFrame",
    "View",
    "VoiFunction",
    "Window",
    "frame_greys",
    "frame_passing",
    "frame_picture",
    "frame_render",
    "frame_stored",
    "frame_stored_value",
    "instance_windows",
    "raster_render",
    "thumbnail_render",
    "unavailable",
]

Array = npt.NDArray[Any]
_Key = tuple[Any, ...]

# The codecs release the GIL: a few threads keep all cores busy, more would only take memory.
RENDER_POOL = ThreadPoolExecutor(max_workers=max(4, os.cpu_count() or 1), thread_name_prefix="render")

STAMP = 8
_MIB = 1 << 20
_BIG_FRAME = 64 * _MIB
_THUMBNAIL = replace(JPEG, quality=80)
# Frames beyond _BIG_FRAME are decoded one at a time, whoever asks: their sum is what fills a memory.
_big_decode = threading.Semaphore(1)


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """A picture ready to send, and what is true of it.

    ``full_width`` and ``full_height`` are the columns and rows as stored; ``scale`` is picture width over
    columns. ``window`` is the one in effect: none for lookup tables and untouched colour. ``complete``: false
    when the file ends inside the frame and zeros stand for what is missing.
    """

    data: bytes
    media_type: str
    width: int
    height: int
    full_width: int
    full_height: int
    lossy_encoding: bool
    window: Window | None
    scale: float
    complete: bool = True


_sources: ByteCache[_Key, ImageSource] = ByteCache(64 * _MIB, lambda source: source.nbytes)
_inflated: ByteCache[_Key, bytes] = ByteCache(256 * _MIB, len)
_frames: ByteCache[_Key, Raster] = ByteCache(384 * _MIB, lambda raster: raster.nbytes)
_viewports: ByteCache[_Key, Raster] = ByteCache(192 * _MIB, lambda raster: raster.nbytes)
_failures: ByteCache[_Key, Undecodable] = ByteCache(_MIB, lambda error: 512 + len(error.detail))
_rendered: ByteCache[_Key, RenderedFrame] = ByteCache(64 * _MIB, lambda frame: len(frame.data))


# Tests and maintenance empty them; nothing else needs to know them.
CACHES: tuple[ByteCache[_Key, Any], ...] = (_sources, _inflated, _frames, _viewports, _rendered, _failures)


class FrameUnavailable(Exception):
    """No picture: ``code`` for machines, ``detail`` for the log, ``sentence`` for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail

    @property
    def sentence(self) -> str:
        """What happened, why, what to do; in the language that is active when it is asked for."""
        return sentence_for(self.code)


def frame_render(*, instance: Instance, frame: int, view: View, encoding: Encoding) -> RenderedFrame:
    """The frame (1-based, as in DICOM) as ``encoding`` says; raises FrameUnavailable. Thread-safe.

    STEPS and TABLE begin with ``STAMP`` bytes, the same for the same file: parts of two are no picture.
    """
    key = (*_key(instance), frame, view, encoding)
    with unavailable():
        return _rendered.get_or_make(key, lambda: _render(instance, frame, view, encoding))


def frame_picture(
    *, instance: Instance, frame: int, view: View, bits: int = 8, colour: bool = False
) -> Array:
    """Display values of the frame for film, by the pipeline of the screen; raises FrameUnavailable.

    (rows, columns) of ``bits`` each, or with ``colour`` uint8 (rows, columns, 3).
    """
    with unavailable():
        source = _source(instance)
        pixels = _viewport(instance, source, frame, view)
        values, _ = picture(
            pixels, source.greyscale(frame - 1), view, bits=8 if colour else bits, colour=colour
        )
    return np.repeat(values[:, :, None], 3, axis=2) if colour and values.ndim == 2 else values


def thumbnail_render(*, instance: Instance, frame: int | None = None, size: int = 256) -> RenderedFrame:
    """A small JPEG of a frame, the middle one by default; raises FrameUnavailable("no-pixels") if none."""
    if frame is None:
        with unavailable():
            frame = (_source(instance).frames + 1) // 2
    return frame_render(instance=instance, frame=frame, view=View(box=(size, size)), encoding=_THUMBNAIL)


def instance_windows(*, instance: Instance, frame: int = 1) -> list[Window]:
    """The windows the object itself offers for a frame, in its order; none for objects without pixels."""
    try:
        with unavailable():
            return list(_source(instance).greyscale(frame - 1).windows)
    except FrameUnavailable:
        return []


def frame_greys(*, instance: Instance, frame: int, view: View) -> tuple[Greyscale, Chosen, bool] | None:
    """The grey steps that make the picture of a frame, see ``pipeline.grey_steps``; None for a colour frame.

    Raises FrameUnavailable.
    """
    with unavailable():
        source = _source(instance)
        if source.palette is not None or source.description.colour:
            return None
        greyscale = source.greyscale(frame - 1)
        raster = _frame(instance, source, frame) if wants_range(greyscale, view) else None
        return grey_steps(raster, greyscale, view)


def frame_stored_value(*, instance: Instance, frame: int, x: int, y: int) -> dict[str, Any]:
    """What lies at column ``x``, row ``y`` (from 0): ``stored``, ``value`` and its ``unit``, or ``rgb``."""
    with unavailable():
        source = _source(instance)
        return stored_value(_frame(instance, source, frame), source.greyscale(frame - 1), x, y)


def frame_stored(*, instance: Instance, frame: int) -> tuple[Raster, Greyscale]:
    """The whole frame as stored and what its values mean, not to be changed; raises FrameUnavailable."""
    with unavailable():
        source = _source(instance)
        return _frame(instance, source, frame), source.greyscale(frame - 1)


def frame_passing(*, instance: Instance, frame: int) -> tuple[Raster, Greyscale, str]:
    """As ``frame_stored``, and the Frame of Reference UID; not kept for others: for who reads a whole
    series."""
    with unavailable():
        source = _source(instance)
        if not 1 <= frame <= source.frames:
            raise Undecodable("no-such-frame", f"frame {frame} of {source.frames}")
        raster = _frames.get((*_key(instance), frame)) or _decoded(instance, source, frame)
        return raster, source.greyscale(frame - 1), source.frame_of_reference_uid


def _render(instance: Instance, frame: int, view: View, encoding: Encoding) -> RenderedFrame:
    source = _source(instance)
    raster = _viewport(instance, source, frame, view)
    return raster_render(
        raster=raster,
        greyscale=source.greyscale(frame - 1),
        view=view,
        encoding=encoding,
        identity=instance.file_digest,
    )


def raster_render(
    *, raster: Raster, greyscale: Greyscale, view: View, encoding: Encoding, identity: str
) -> RenderedFrame:
    """The picture of a raster that has the size it is shown in. Raises FrameUnavailable.

    ``identity``: what the stamp of STEPS and TABLE is made from, the same for what may be put together.
    """
    with unavailable():
        if encoding in (STEPS, TABLE):
            part, window = grey_parts(raster, greyscale, view, encoding.format)
            data = hashlib.blake2b(identity.encode(), digest_size=STAMP).digest() + part
        else:
            values, window = picture(raster, greyscale, view)
            data = encoded(values, encoding)
    width, height = raster.size
    columns, rows = raster.full_size
    return RenderedFrame(
        data=data,
        media_type=encoding.media_type,
        width=width,
        height=height,
        full_width=columns,
        full_height=rows,
        lossy_encoding=encoding.lossy,
        window=window,
        scale=width / columns,
        complete=raster.complete,
    )


def _viewport(instance: Instance, source: ImageSource, frame: int, view: View) -> Raster:
    """The frame at the size it is shown in: kept, so that a window change does not average again."""
    key = (*_key(instance), frame, view.box)
    found = _viewports.get(key)
    if found is not None:
        return found
    raster = _frame(instance, source, frame)
    size = picture_size(source, raster, view.box)
    if size == raster.size:
        return raster
    return _viewports.get_or_make(key, lambda: raster.resized(size))


def _frame(instance: Instance, source: ImageSource, frame: int) -> Raster:
    if not 1 <= frame <= source.frames:
        raise Undecodable("no-such-frame", f"frame {frame} of {source.frames}")

    key = (*_key(instance), frame)
    failure = _failures.get(key)
    if failure is not None:
        raise Undecodable(failure.code, failure.detail)

    try:
        return _frames.get_or_make(key, lambda: _decoded(instance, source, frame))
    except Undecodable as error:
        remembered = Undecodable(error.code, error.detail)
        # Damaged bytes can keep a decoder busy for seconds: once is enough.
        _failures.get_or_make(key, lambda: remembered)
        raise


def _decoded(instance: Instance, source: ImageSource, frame: int) -> Raster:
    with file_open(instance.file_key) as file, _room_for(source):
        return raster_read(source, _pixels(instance, source, file), frame - 1)


def _source(instance: Instance) -> ImageSource:
    def make() -> ImageSource:
        with file_open(instance.file_key) as file:
            return source_read(file)

    return _sources.get_or_make(_key(instance), make)


def _pixels(instance: Instance, source: ImageSource, file: BinaryIO) -> BinaryIO:
    if source.deflated is None:
        return file
    key = _key(instance)
    return io.BytesIO(_inflated.get_or_make(key, lambda: pixel_handle(source, file).read()))


def _key(instance: Instance) -> _Key:
    return instance.pk, instance.file_digest


@contextmanager
def _room_for(source: ImageSource) -> Iterator[None]:
    if source.description.decoded_bytes <= _BIG_FRAME:
        yield
    else:
        with _big_decode:
            yield


@contextmanager
def unavailable() -> Iterator[None]:
    """Whatever keeps a frame from being shown leaves as one exception, ``FrameUnavailable``."""
    try:
        yield
    except Undecodable as error:
        raise FrameUnavailable(error.code, error.detail) from error
    except NotStored as error:
        raise FrameUnavailable("not-stored", str(error)) from error
    except OSError as error:
        raise FrameUnavailable("unreadable", str(error)) from error
    except MemoryError as error:
        raise FrameUnavailable("too-large", str(error)) from error
