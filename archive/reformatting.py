"""From a series to planes nobody took: which images make a volume, the volume once in memory, its planes.

    rendered bytes <- plane at the size it is shown in <- plane <- volume <- slices, each decoded once

A plane is named by an instance of its series, the ``digest`` of all that the volume is made of, and a
``Reformat``. A volume is made by one thread of its own, which asks RENDER_POOL for a few slices at a time:
who looks at other images does not wait. Volumes are kept within ``LIMIT`` bytes, the least recently used go
first.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from archive.imaging.cache import ByteCache
from archive.imaging.geometry import fitted_size
from archive.imaging.greyscale import Greyscale
from archive.imaging.params import Encoding, View
from archive.imaging.pipeline import stored_value
from archive.imaging.raster import Raster
from archive.imaging.reformat import Cut, Plane, Reformat, cut_of, plane_raster
from archive.imaging.volume import Grid, Slice, Unfit, Volume, VolumeBuilder, grid_of
from archive.models import Instance
from archive.placing import frames_placed
from archive.rendering import RENDER_POOL, FrameUnavailable, RenderedFrame, frame_passing, raster_render

LIMIT: Final = 1 << 30  # bytes of all volumes that are kept; none may be larger
_PLANES: Final = 96 << 20
_ABREAST: Final = max(1, max(4, os.cpu_count() or 1) // 2)  # slices decoded at once, of the pool's threads
_REMEMBERED: Final = 32  # plans
_CHECK_SECONDS: Final = 15.0  # how long a plan may outlive its images
_RETRY_SECONDS: Final = 5.0  # after a volume could not be made

_Key = tuple[Any, ...]
_makers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="volume")


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a volume is made of: its frames in the order of the grid, and the planes through it."""

    instance: int
    digest: str
    frames: tuple[tuple[Instance, int], ...]
    grid: Grid
    cuts: dict[Plane, Cut]


@dataclass(slots=True, eq=False)
class Making:
    """A volume that is being made, or was. ``future`` raises FrameUnavailable."""

    plan: Plan
    future: Future[Volume] = field(default_factory=Future)
    done: int = 0
    failed_at: float = 0.0

    @property
    def total(self) -> int:
        return len(self.plan.frames)


_lock = threading.Lock()
_plans: OrderedDict[str, tuple[Plan, float]] = OrderedDict()
_makings: OrderedDict[str, Making] = OrderedDict()
_planes: ByteCache[_Key, Raster] = ByteCache(_PLANES, lambda raster: raster.nbytes)


def reformat_plan(*, instance: Instance) -> Plan:
    """What the images around an instance make: those of one frame each of its series, or its own frames.

    Raises FrameUnavailable with the reason.
    """
    images = _images(instance)
    digest = _digest(images)
    with _lock:
        known = _plans.get(digest)
    plan = known[0] if known else _planned(instance, images, digest)
    with _lock:
        _plans[digest] = plan, time.monotonic()
        _plans.move_to_end(digest)
        while len(_plans) > _REMEMBERED:
            _plans.popitem(last=False)
    return plan


def reformat_making(*, plan: Plan) -> Making:
    """The volume of a plan: begun when nobody has yet."""
    with _lock:
        making = _makings.get(plan.digest)
        if making is not None and making.failed_at and time.monotonic() - making.failed_at > _RETRY_SECONDS:
            making = None
        if making is None:
            making = _makings[plan.digest] = Making(plan)
            _makers.submit(_make, making)
        _makings.move_to_end(plan.digest)
    return making


def reformat_found(*, instance: Instance, digest: str) -> Making:
    """The volume a plane's name speaks of. Raises FrameUnavailable, ``reformat-changed`` for another one."""
    with _lock:
        known = _plans.get(digest)
    if known is None or time.monotonic() - known[1] > _CHECK_SECONDS or not _is_of(known[0], instance):
        plan = reformat_plan(instance=instance)
        if plan.digest != digest:
            raise FrameUnavailable("reformat-changed", digest)
        return reformat_making(plan=plan)
    return reformat_making(plan=known[0])


def _is_of(plan: Plan, instance: Instance) -> bool:
    return any(one.pk == instance.pk for one, _frame in plan.frames)


def volumes_forget() -> None:
    """Drop what is kept: for tests and maintenance."""
    with _lock:
        _plans.clear()
        _makings.clear()
    _planes.clear()


# ---------------------------------------------------------------------- what a volume is made of


def _images(instance: Instance) -> list[Instance]:
    if instance.number_of_frames > 1:
        return [instance]
    series = Instance.objects.filter(series_id=instance.series_id, rejected_at__isnull=True)
    found = series.filter(number_of_frames=1)
    return list(found.order_by("pk").defer("warnings", "source", "dataset_digest"))


def _digest(images: list[Instance]) -> str:
    names = "".join(f"{image.pk} {image.file_digest}\n" for image in images)
    return sha256(names.encode()).hexdigest()[:16]


def _planned(instance: Instance, images: list[Instance], digest: str) -> Plan:
    try:
        if instance.number_of_frames > 1:
            slices = frames_placed(instance=instance)
            frames = [(instance, number) for number in range(1, len(slices) + 1)]
        else:
            slices = [_slice(image) for image in images]
            frames = [(image, 1) for image in images]
        grid = grid_of(slices)
        if grid.nbytes > LIMIT:
            raise Unfit("too-large", f"{grid.nbytes} bytes")
        cuts = {plane: cut_of(grid, plane) for plane in Plane}
    except Unfit as unfit:
        raise FrameUnavailable(f"reformat-{unfit.code}", unfit.detail) from unfit
    return Plan(instance.pk, digest, tuple(frames[index] for index in grid.order), grid, cuts)


def _slice(image: Instance) -> Slice:
    if image.facts.get("samples", 1) != 1:
        raise Unfit("colour")
    return frames_placed(instance=image)[0]


# ---------------------------------------------------------------------- the volume


def _make(making: Making) -> None:
    """In the maker's thread: one volume after the other, so that only one grows at a time."""
    try:
        _room_make(making.plan.grid.nbytes)
        volume = _volume(making)
    except Exception as error:  # noqa: BLE001  # the boundary of a thread: those who wait are told
        making.failed_at = time.monotonic()
        making.future.set_exception(_reason(error))
        return
    making.future.set_result(volume)


def _reason(error: Exception) -> Exception:
    if isinstance(error, Unfit):
        return FrameUnavailable(f"reformat-{error.code}", error.detail)
    if isinstance(error, MemoryError):
        return FrameUnavailable("reformat-too-large", str(error))
    return error


def _room_make(needed: int) -> None:
    """Forget volumes, the least recently used first, until there is room for one more."""
    with _lock:
        made = [digest for digest, one in _makings.items() if one.future.done() and not one.failed_at]
        kept = sum(_makings[digest].plan.grid.nbytes for digest in made)
        for digest in made:
            if kept + needed <= LIMIT:
                break
            kept -= _makings.pop(digest).plan.grid.nbytes


def _volume(making: Making) -> Volume:
    builder = VolumeBuilder(making.plan.grid)
    spaces = set()
    for raster, greyscale, space in _slices(making.plan):
        spaces.add(space)
        if len(spaces) > 1:
            raise Unfit("frame-of-reference")
        builder.put(making.done, raster, greyscale)
        making.done += 1
    return builder.volume()


def _slices(plan: Plan) -> Iterator[tuple[Raster, Greyscale, str]]:
    """The slices in order, a few of them decoded at once."""
    waiting: deque[Future[tuple[Raster, Greyscale, str]]] = deque()
    for instance, frame in plan.frames:
        waiting.append(RENDER_POOL.submit(frame_passing, instance=instance, frame=frame))
        if len(waiting) >= _ABREAST:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


# ---------------------------------------------------------------------- planes


def reformat_render(
    *, making: Making, frame: int, reformat: Reformat, view: View, encoding: Encoding
) -> RenderedFrame:
    """Plane ``frame`` (1-based) of a volume that is ready, as ``encoding`` says.

    By the pipeline of every image. Raises FrameUnavailable. Thread-safe.
    """
    volume = making.future.result()
    raster = reformat_raster(making=making, frame=frame, reformat=reformat)
    size = fitted_size(*raster.size, (1.0, 1.0), view.box)
    if size != raster.size:
        whole = raster
        key = (making.plan.digest, reformat, frame, size)
        raster = _planes.get_or_make(key, lambda: whole.resized(size))
    return raster_render(
        raster=raster,
        greyscale=volume.greyscale,
        view=view,
        encoding=encoding,
        identity=making.plan.digest,
    )


def reformat_raster(*, making: Making, frame: int, reformat: Reformat) -> Raster:
    """Plane ``frame`` (1-based) as stored values, not to be changed. Raises FrameUnavailable."""
    volume, cut = making.future.result(), making.plan.cuts[reformat.plane]
    if not 1 <= frame <= cut.planes:
        raise FrameUnavailable("no-such-frame", f"plane {frame} of {cut.planes}")
    return _planes.get_or_make(
        (making.plan.digest, reformat, frame),
        lambda: plane_raster(volume, cut, frame - 1, reformat.slab, reformat.thickness),
    )


def reformat_value(*, making: Making, frame: int, reformat: Reformat, x: int, y: int) -> dict[str, Any]:
    """What lies at column ``x``, row ``y`` (from 0), as ``rendering.frame_stored_value`` tells it."""
    raster = reformat_raster(making=making, frame=frame, reformat=reformat)
    shut = raster.layers.shut if raster.layers else None
    width, height = raster.size
    if not (0 <= x < width and 0 <= y < height) or (shut is not None and shut[y, x]):
        raise FrameUnavailable("outside", f"{x}, {y}")
    return stored_value(raster, making.future.result().greyscale, x, y)
