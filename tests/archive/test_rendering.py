"""From a stored instance to pictures: what is promised to screen, thumbnail and film."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from django.utils import translation
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import MPEG4HP41, DeflatedExplicitVRLittleEndian

from archive import rendering
from archive.models import Instance
from archive.rendering import (
    JPEG,
    PNG,
    RENDER_POOL,
    FrameUnavailable,
    View,
    Window,
    frame_picture,
    frame_render,
    frame_stored_value,
    instance_windows,
    thumbnail_render,
)
from archive.rendering_words import SENTENCES
from archive.storage import file_path
from tests.archive.arrivals import receive
from tests.objects import ct_slice

pytestmark = pytest.mark.django_db(transaction=True)

SOFT = View(window=Window(128, 256))


@pytest.fixture(autouse=True)
def _empty_caches() -> None:
    for cache in rendering.CACHES:
        cache.clear()


def stored(ds: Dataset, **options: str) -> Instance:
    return Instance.objects.get(pk=receive(ds, **options).instance_id)


def pixels(picture: rendering.RenderedFrame) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.data)))


def test_a_frame_as_png_is_the_pipelines_own_values() -> None:
    """The ramp 0..255 of the synthetic slice through a window of the same width."""
    instance = stored(ct_slice())
    picture = frame_render(instance=instance, frame=1, view=SOFT, encoding=PNG)
    assert pixels(picture).tolist() == np.arange(256).reshape(16, 16).tolist()
    assert (picture.media_type, picture.lossy_encoding, picture.complete) == ("image/png", False, True)
    assert picture.window == Window(128, 256)
    film = frame_picture(instance=instance, frame=1, view=SOFT)
    np.testing.assert_array_equal(film, pixels(picture))


def test_a_frame_as_jpeg_says_that_it_is_lossy() -> None:
    picture = frame_render(instance=stored(ct_slice()), frame=1, view=View(), encoding=JPEG)
    assert (picture.media_type, picture.lossy_encoding) == ("image/jpeg", True)
    assert picture.window == Window(40, 400)
    assert pixels(picture).shape == (16, 16)


def test_a_smaller_box_scales_and_a_larger_does_not() -> None:
    instance = stored(ct_slice())
    small = frame_render(instance=instance, frame=1, view=View(box=(8, 100)), encoding=PNG)
    assert (small.width, small.height, small.full_width, small.full_height) == (8, 8, 16, 16)
    assert small.scale == 0.5
    large = frame_render(instance=instance, frame=1, view=View(box=(500, 500)), encoding=PNG)
    assert (large.width, large.height, large.scale) == (16, 16, 1.0)


def test_film_takes_twelve_bits_or_colour() -> None:
    instance = stored(ct_slice())
    deep = frame_picture(instance=instance, frame=1, view=SOFT, bits=12)
    assert (deep.dtype, int(deep.max())) == (np.uint16, 4095)
    colour = frame_picture(instance=instance, frame=1, view=SOFT, colour=True)
    assert (colour.shape, colour.dtype) == ((16, 16, 3), np.uint8)


def test_a_thumbnail_is_of_the_middle_frame() -> None:
    ds = ct_slice(NumberOfFrames=3, WindowCenter=50.5, WindowWidth=101)
    ds.PixelData = b"".join(np.full(256, value, "<i2").tobytes() for value in (0, 100, 0))
    picture = thumbnail_render(instance=stored(ds))
    assert pixels(picture).mean() == 255
    assert thumbnail_render(instance=stored(ct_slice()), size=4).width == 4


def test_windows_and_values_under_the_pointer() -> None:
    instance = stored(ct_slice(RescaleIntercept=-1000, RescaleType="HU"))
    assert instance_windows(instance=instance) == [Window(40, 400)]
    assert frame_stored_value(instance=instance, frame=1, x=3, y=2) == {
        "stored": 35,
        "value": -965,
        "unit": "HU",
    }


def test_an_object_without_pixels_has_a_code_and_a_sentence_and_no_windows() -> None:
    instance = stored(ct_slice(PixelData=None))
    with pytest.raises(FrameUnavailable) as caught:
        thumbnail_render(instance=instance)
    assert caught.value.code == "no-pixels"
    assert caught.value.sentence == "This object holds no image."
    assert instance_windows(instance=instance) == []


@pytest.mark.parametrize("frame", [0, -1, 2])
def test_a_frame_that_is_not_there(frame: int) -> None:
    instance = stored(ct_slice())
    with pytest.raises(FrameUnavailable) as caught:
        frame_render(instance=instance, frame=frame, view=View(), encoding=JPEG)
    assert caught.value.code == "no-such-frame"


def test_a_file_that_is_gone_is_the_administrators_to_hear() -> None:
    instance = stored(ct_slice())
    path = file_path(instance.file_key)
    assert isinstance(path, Path)
    path.unlink()
    with pytest.raises(FrameUnavailable) as caught:
        frame_render(instance=instance, frame=1, view=View(), encoding=JPEG)
    assert caught.value.code == "not-stored"


def test_sentences_are_in_the_language_of_the_moment() -> None:
    for code in SENTENCES:
        with translation.override("zh-hans"):
            assert FrameUnavailable(code).sentence
    assert FrameUnavailable("never-heard-of").sentence == str(rendering.OTHERWISE)


def test_many_who_ask_at_once_cost_one_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = stored(ct_slice())
    decoded, all_here = [], threading.Barrier(4)
    original = rendering.raster_read

    def counting(*arguments: object) -> object:
        decoded.append(1)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rendering, "raster_read", counting)

    def ask(center: int) -> int:
        all_here.wait(10)
        view = View(window=Window(center, 100))
        return frame_render(instance=instance, frame=1, view=view, encoding=PNG).width

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [16] * 4
    assert len(decoded) == 1


def test_a_frame_that_cannot_be_decoded_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ds = ct_slice()
    ds.PixelData = b"\0\0"
    instance = stored(ds)
    tried = []
    original = rendering.raster_read

    def counting(*arguments: object) -> object:
        tried.append(1)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rendering, "raster_read", counting)
    for center in (1, 2, 3):
        with pytest.raises(FrameUnavailable) as caught:
            frame_render(instance=instance, frame=1, view=View(window=Window(center, 9)), encoding=PNG)
        assert caught.value.code == "truncated"
    assert len(tried) == 1


def test_a_deflated_object_is_inflated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ds = ct_slice(NumberOfFrames=3)
    ds.PixelData = ds.PixelData * 3
    instance = stored(ds, syntax=DeflatedExplicitVRLittleEndian)
    inflations = []
    original = rendering.pixel_handle

    def counting(*arguments: object) -> object:
        inflations.append(1)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rendering, "pixel_handle", counting)
    for frame in (1, 2, 3):
        assert frame_render(instance=instance, frame=frame, view=SOFT, encoding=PNG).width == 16
    assert len(inflations) == 1


def test_a_file_cut_off_shows_what_is_there_and_says_so() -> None:
    instance = stored(ct_slice())
    path = file_path(instance.file_key)
    assert isinstance(path, Path)
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:-64])
    picture = frame_render(instance=instance, frame=1, view=SOFT, encoding=PNG)
    assert not picture.complete
    assert pixels(picture)[15].tolist() == [0] * 16


def test_a_video_is_named() -> None:
    ds = ct_slice()
    ds.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\x04\0\0\0abcd"
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    instance = stored(ds, syntax=MPEG4HP41)
    with pytest.raises(FrameUnavailable) as caught:
        thumbnail_render(instance=instance)
    assert caught.value.code == "video"


def test_the_pool_renders_without_touching_the_database(django_assert_num_queries: object) -> None:
    instance = stored(ct_slice())
    with django_assert_num_queries(0):  # type: ignore[operator]
        work = RENDER_POOL.submit(frame_render, instance=instance, frame=1, view=SOFT, encoding=JPEG)
        assert work.result(30).width == 16


def test_every_reason_the_imaging_room_gives_has_a_sentence() -> None:
    """Codes are found in the source: a new one without words fails here."""
    room = Path(rendering.__file__).parent
    sources = [*room.glob("imaging/*.py"), room / "dicom" / "frames.py"]
    given = set()
    for path in sources:
        for part in path.read_text().split("Undecodable(")[1:] + path.read_text().split("Unreadable(")[1:]:
            if part.startswith('"'):
                given.add(part.split('"')[1])
    assert len(given) >= 12
    assert given <= set(SENTENCES)


def test_what_the_modality_drew_and_shut_is_on_screen_thumbnail_and_film() -> None:
    ds = ct_slice(WindowCenter=128, WindowWidth=256, ShutterShape="RECTANGULAR")
    ds.ShutterLeftVerticalEdge, ds.ShutterRightVerticalEdge = 5, 16
    ds.ShutterUpperHorizontalEdge, ds.ShutterLowerHorizontalEdge = 1, 16
    ds.PixelData = np.full(256, 100, "<i2").tobytes()
    line = np.zeros((16, 16), np.uint8)
    line[9] = 1
    for element, vr, value in (
        (0x0010, "US", 16), (0x0011, "US", 16), (0x0040, "CS", "G"), (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1), (0x0102, "US", 0), (0x3000, "OW", np.packbits(line, bitorder="little").tobytes()),
    ):  # fmt: skip
        ds.add_new((0x6000, element), vr, value)
    instance = stored(ds)
    expected = np.full((16, 16), 100)
    expected[:, :4], expected[9] = 0, 255
    screen = frame_render(instance=instance, frame=1, view=View(), encoding=PNG)
    np.testing.assert_array_equal(pixels(screen), expected)
    np.testing.assert_array_equal(frame_picture(instance=instance, frame=1, view=View()), expected)
    small = pixels(frame_render(instance=instance, frame=1, view=View(box=(4, 4)), encoding=PNG))
    assert small.tolist() == [[0, 100, 100, 100]] * 2 + [[255] * 4] + [[0, 100, 100, 100]]
    thumbnail = pixels(thumbnail_render(instance=instance)).astype(int)
    assert np.abs(thumbnail - expected).mean() < 8  # a JPEG
    bare = frame_render(instance=instance, frame=1, view=View(overlays=False, shutter=False), encoding=PNG)
    assert (pixels(bare) == 100).all()
