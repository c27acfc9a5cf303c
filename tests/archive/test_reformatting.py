"""From a stored series to its planes: which images make a volume, and what becomes of it when they change."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
from django.utils import translation
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, generate_uid

from archive import reformatting, rendering
from archive.imaging.params import STEPS, TABLE
from archive.imaging.reformat import Plane, Reformat, Slab
from archive.models import Instance
from archive.reformatting import (
    LIMIT,
    Making,
    reformat_found,
    reformat_making,
    reformat_plan,
    reformat_raster,
    reformat_render,
    reformat_value,
    volumes_forget,
)
from archive.rendering import PNG, RENDER_POOL, STAMP, FrameUnavailable, View, Window, frame_render
from archive.rendering_words import SENTENCES
from tests.archive.arrivals import receive
from tests.objects import ct_slice, item

pytestmark = pytest.mark.django_db(transaction=True)

SIDE, COUNT = 16, 10
VIEW = View(window=Window(1500, 3000))


@pytest.fixture(autouse=True)
def _empty_caches() -> Iterator[None]:
    for cache in rendering.CACHES:
        cache.clear()
    volumes_forget()
    yield
    volumes_forget()


def block() -> np.ndarray:
    """Whatever it is, it is the same each time: (slices, rows, columns)."""
    return np.random.default_rng(5).integers(0, 3000, (COUNT, SIDE, SIDE)).astype("<i2")


def series(count: int = COUNT, step: float = 2.0, **changes: object) -> list[Dataset]:
    one = {"SeriesInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid()} | changes
    return [
        ct_slice(
            InstanceNumber=number + 1,
            ImagePositionPatient=[-8, -8, 100 - step * number],
            PixelSpacing=[1, 1],
            PixelData=block()[number % COUNT].tobytes(),
            **one,
        )
        for number in range(count)
    ]


def stored(found: list[Dataset]) -> list[Instance]:
    return [Instance.objects.get(pk=receive(ds).instance_id) for ds in found]


def made(instance: Instance) -> Making:
    making = reformat_making(plan=reformat_plan(instance=instance))
    making.future.result(60)
    return making


def pixels(picture: rendering.RenderedFrame) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.data)))


def test_an_axial_plane_is_the_original_slice_pixel_for_pixel() -> None:
    images = stored(series())
    making = made(images[3])
    assert (making.done, making.total) == (10, 10)
    for number, image in enumerate(images, 1):  # numbered from the head, as axial planes are
        plane = reformat_render(
            making=making, frame=number, reformat=Reformat(Plane.AXIAL), view=VIEW, encoding=PNG
        )
        original = frame_render(instance=image, frame=1, view=VIEW, encoding=PNG)
        assert np.array_equal(pixels(plane), pixels(original))
        assert (plane.full_width, plane.full_height, plane.window) == (16, 16, Window(1500, 3000))
        small = View(window=VIEW.window, box=(9, 9))
        plane = reformat_render(
            making=making, frame=number, reformat=Reformat(Plane.AXIAL), view=small, encoding=PNG
        )
        assert np.array_equal(
            pixels(plane), pixels(frame_render(instance=image, frame=1, view=small, encoding=PNG))
        )


def test_coronal_and_sagittal_planes_hold_the_stored_values_of_their_place() -> None:
    making = made(stored(series())[0])
    coronal = reformat_raster(making=making, frame=5, reformat=Reformat(Plane.CORONAL))
    assert coronal.size == (16, 19)  # 18 mm from the first slice to the last, one row a millimetre
    assert np.array_equal(coronal.stored()[::2], block()[:, 4, :])
    sagittal = reformat_raster(making=making, frame=7, reformat=Reformat(Plane.SAGITTAL, Slab.MIP, 2.0))
    assert np.array_equal(sagittal.stored()[::2], block()[:, :, 5:8].max(axis=2))
    value = reformat_value(making=making, frame=5, reformat=Reformat(Plane.CORONAL), x=3, y=4)
    assert value == {"stored": block()[2, 4, 3], "value": block()[2, 4, 3], "unit": ""}


def test_the_parts_of_a_dragged_window_make_the_plane() -> None:
    """Steps once, a table for each window: together they are the lossless picture."""
    making = made(stored(series())[0])
    what = {"making": making, "frame": 5, "reformat": Reformat(Plane.CORONAL)}
    steps = reformat_render(view=VIEW, encoding=STEPS, **what)
    for window in (Window(1500, 3000), Window(700, 90)):
        view = View(window=window)
        table = reformat_render(view=view, encoding=TABLE, **what)
        assert table.data[:STAMP] == steps.data[:STAMP]
        greys = np.frombuffer(table.data[STAMP:], np.uint8)
        places = np.frombuffer(steps.data[STAMP:], "<u2").reshape(19, 16)
        assert np.array_equal(greys[places], pixels(reformat_render(view=view, encoding=PNG, **what)))
    other = made(stored(series())[0])
    assert (
        reformat_render(view=VIEW, encoding=TABLE, **what | {"making": other}).data[:STAMP]
        != steps.data[:STAMP]
    )


def enhanced() -> Dataset:
    """All slices in one object, their places in functional groups, out of order."""
    order = np.random.default_rng(6).permutation(COUNT)
    shared = item(
        PixelMeasuresSequence=Sequence([item(PixelSpacing=[1, 1])]),
        PlaneOrientationSequence=Sequence([item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]),
    )
    places = [
        item(PlanePositionSequence=Sequence([item(ImagePositionPatient=[-8, -8, 100 - 2 * int(n)])]))
        for n in order
    ]
    return ct_slice(
        SOPClassUID=EnhancedCTImageStorage,
        NumberOfFrames=COUNT,
        PixelData=b"".join(block()[n].tobytes() for n in order),
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(places),
        PixelSpacing=None,
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
    )


def test_the_frames_of_one_object_make_a_volume_by_their_own_places() -> None:
    making = made(stored([enhanced()])[0])
    coronal = reformat_raster(making=making, frame=5, reformat=Reformat(Plane.CORONAL))
    assert np.array_equal(coronal.stored()[::2], block()[:, 4, :])


def refused(found: list[Dataset]) -> str:
    [instance, *_] = stored(found)
    with pytest.raises(FrameUnavailable) as caught:
        made(instance)
    assert caught.value.code in SENTENCES
    return caught.value.code


def test_a_series_that_makes_no_volume_is_refused_with_a_sentence() -> None:
    assert refused(series(count=5)) == "reformat-few"
    assert refused(series()[:4] + series()[5:]) in {"reformat-few", "reformat-gap"}
    with_gap = series()
    del with_gap[4]
    assert refused(with_gap) == "reformat-gap"
    assert refused([*series(), *[ct_slice(PixelSpacing=None)]][-1:]) == "reformat-few"
    detector = series(ImagerPixelSpacing=[1, 1])
    assert refused(detector) == "reformat-no-position"
    spaces = series()
    for ds in spaces:
        ds.FrameOfReferenceUID = generate_uid()
    assert refused(spaces) == "reformat-frame-of-reference"
    slopes = series()
    slopes[6].RescaleSlope = 2
    assert refused(slopes) == "reformat-values"
    with translation.override("en"):
        assert "tilted gantry" in FrameUnavailable("reformat-tilted").sentence


def test_a_volume_that_is_too_large_is_refused_before_anything_is_read() -> None:
    instance, *_ = stored(series(Rows=16))
    Instance.objects.update(rows=9000, columns=9000)
    with (
        mock.patch.object(reformatting, "frame_passing") as passing,
        pytest.raises(FrameUnavailable, match="too-large"),
    ):
        made(instance)
    assert LIMIT == 1 << 30
    passing.assert_not_called()


def test_a_name_of_a_volume_that_has_changed_is_refused() -> None:
    """Another slice would move every plane: what was asked for is not shown under an old number."""
    found = series()
    images = stored(found[:9])
    making = made(images[0])
    assert reformat_found(instance=images[0], digest=making.plan.digest) is making
    stored(found[9:])
    with (
        mock.patch.object(reformatting, "_CHECK_SECONDS", -1.0),
        pytest.raises(FrameUnavailable, match="reformat-changed"),
    ):
        reformat_found(instance=images[0], digest=making.plan.digest)
    # Nor may an image of elsewhere borrow it.
    [other] = stored([ct_slice()])
    with pytest.raises(FrameUnavailable):
        reformat_found(instance=other, digest=making.plan.digest)


def test_planes_there_are_none_of() -> None:
    making = made(stored(series())[0])
    for frame in (0, 17):
        with pytest.raises(FrameUnavailable, match="no-such-frame"):
            reformat_raster(making=making, frame=frame, reformat=Reformat(Plane.SAGITTAL))
    with pytest.raises(FrameUnavailable, match="outside"):
        reformat_value(making=making, frame=1, reformat=Reformat(Plane.CORONAL), x=16, y=0)


def test_a_slice_that_cannot_be_decoded_is_told_and_tried_again_later() -> None:
    found = series()
    found[3].PixelData = b""
    instance, *_ = stored(found)
    plan = reformat_plan(instance=instance)
    making = reformat_making(plan=plan)
    with pytest.raises(FrameUnavailable, match=r"truncated|no-"):
        making.future.result(60)
    assert reformat_making(plan=plan) is making
    with mock.patch.object(reformatting, "_RETRY_SECONDS", -1.0):
        assert reformat_making(plan=plan) is not making


def test_while_a_volume_is_made_others_find_a_thread() -> None:
    """Slices take half the pool's threads at most, and many who ask for one volume make it once."""
    instance, *_ = stored(series())
    hold, free = threading.Event(), threading.Event()
    busy = threading.Semaphore(0)

    def slow(**wanted: object) -> object:
        busy.release()
        hold.wait(60)
        return rendering.frame_passing(**wanted)  # type: ignore[arg-type]

    with mock.patch.object(reformatting, "frame_passing", slow):
        plan = reformat_plan(instance=instance)
        making = reformat_making(plan=plan)
        assert all(reformat_making(plan=plan) is making for _ in range(8))
        assert busy.acquire(timeout=60)
        RENDER_POOL.submit(free.set).result(60)
        assert free.is_set()
        assert not making.future.done()
        hold.set()
        making.future.result(60)
    assert making.done == 10


def test_volumes_are_kept_within_their_bytes_the_least_used_goes_first() -> None:
    one, other = made(stored(series())[0]), made(stored(series())[0])
    size = one.plan.grid.nbytes
    assert size == COUNT * SIDE * SIDE * 2
    reformat_making(plan=one.plan)  # used again: the other one is the older now
    with mock.patch.object(reformatting, "LIMIT", 2 * size):
        third = made(stored(series())[0])
    assert reformat_making(plan=one.plan) is one
    assert reformat_making(plan=third.plan) is third
    again = reformat_making(plan=other.plan)
    assert again is not other
    again.future.result(60)
