"""Long objects and slow decodes: what one viewer costs the memory, and the others."""

from __future__ import annotations

import io
import tracemalloc
from concurrent.futures import Future
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless

from archive import rendering
from archive.imaging.cache import ByteCache
from archive.models import Instance
from archive.rendering import PNG, RENDER_POOL, RenderedFrame, View, Window, frame_render
from archive.storage import file_open
from tests.archive.arrivals import receive
from tests.objects import ct_slice

pytestmark = pytest.mark.django_db(transaction=True)

FRAMES, SIDE = 1000, 128
FRAME_BYTES = SIDE * SIDE * 2
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _empty_caches() -> None:
    for cache in rendering.CACHES:
        cache.clear()


def stored(syntax: str = ExplicitVRLittleEndian, **changes: Any) -> Instance:
    return Instance.objects.get(pk=receive(ct_slice(**changes), syntax=syntax).instance_id)


def long_object(kind: str) -> Instance:
    """A thousand frames; in frame n every pixel is n + column."""
    columns = np.tile(np.arange(SIDE, dtype="<u2"), (SIDE, 1))
    frames = [(columns + number).tobytes() for number in range(1, FRAMES + 1)]
    size = {"NumberOfFrames": FRAMES, "Rows": SIDE, "Columns": SIDE, "PixelRepresentation": 0}
    if kind == "native":
        return stored(PixelData=b"".join(frames), **size)
    encoded = [
        bytes(imagecodecs.jpegls_encode(np.frombuffer(frame, "<u2").reshape(SIDE, SIDE))) for frame in frames
    ]
    return stored(JPEGLSLossless, PixelData=encapsulate(encoded, has_bot=kind == "table"), **size)


class Counting(io.BufferedIOBase):
    """A file that counts what is read of it."""

    taken = 0

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._file.read(-1 if size is None else size)
        Counting.taken += len(data)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


@pytest.mark.parametrize("kind", ["native", "table", "no table"])
def test_a_thousand_frames_scroll_in_bounded_memory_one_read_at_a_time(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = long_object(kind)
    for name in ("_frames", "_viewports", "_rendered"):
        weigh = (lambda frame: len(frame.data)) if name == "_rendered" else lambda raster: raster.nbytes
        monkeypatch.setattr(rendering, name, ByteCache(2 * MIB, weigh))
    monkeypatch.setattr(rendering, "file_open", lambda key: Counting(file_open(key)))
    view = View(window=Window(600, 1200))
    frame_render(instance=instance, frame=1, view=view, encoding=PNG)  # reads the header and the frame index
    tracemalloc.start()
    try:
        for number in range(2, FRAMES + 1):
            Counting.taken = 0
            picture = frame_render(instance=instance, frame=number, view=view, encoding=PNG)
            assert Counting.taken <= FRAME_BYTES + 4096, number
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 12 * MIB  # of 32 in the object
    # PS3.3 C.11.2.1.2.1 at value 1000 + 64: ((1064 - 599.5) / 1199 + 0.5) * 255 = 226.3
    assert np.asarray(Image.open(io.BytesIO(picture.data)))[5, 64] == 226


def test_a_slow_decode_lets_everybody_else_go_on() -> None:
    noise = np.random.default_rng(1).integers(0, 4096, (2048, 2048), dtype="<u2")
    stream = bytes(imagecodecs.jpeg2k_encode(noise, level=0, codecformat="j2k"))
    size = {"Rows": 2048, "Columns": 2048, "PixelRepresentation": 0}
    slow = stored(JPEG2000Lossless, PixelData=encapsulate([stream]), **size)
    quick = stored(NumberOfFrames=FRAMES, Rows=4, Columns=4, PixelData=bytes(32 * FRAMES))
    ask: dict[str, Any] = {"view": View(), "encoding": PNG}
    frame_render(instance=quick, frame=1, **ask)
    waiting: Future[RenderedFrame] = RENDER_POOL.submit(frame_render, instance=slow, frame=1, **ask)
    meanwhile = 0
    while not waiting.done() and meanwhile < FRAMES - 1:
        meanwhile += 1
        RENDER_POOL.submit(frame_render, instance=quick, frame=1 + meanwhile, **ask).result()
    assert waiting.result().width == 2048
    assert meanwhile > 20
