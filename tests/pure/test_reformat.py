"""Reformats against a phantom whose value is known at every point of the patient, and against numpy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from archive.imaging.greyscale import Greyscale
from archive.imaging.params import View, Window
from archive.imaging.pipeline import picture
from archive.imaging.raster import Raster, raster_from
from archive.imaging.reformat import Cut, Plane, Slab, cut_of, plane_raster
from archive.imaging.volume import Slice, Unfit, Volume, VolumeBuilder, grid_of

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
# Rows turned by 30 degrees about the head-foot axis, columns tilted by 20 degrees towards the feet.
C, S = np.cos(np.radians(30)), np.sin(np.radians(30))
TILT = np.radians(20)
OBLIQUE = (C, S, 0.0, -S * np.cos(TILT), C * np.cos(TILT), -np.sin(TILT))


def normal_of(orientation: tuple[float, ...]) -> np.ndarray:
    return np.cross(orientation[:3], orientation[3:])


def slices_at(
    depths: list[float],
    orientation: tuple[float, ...] = AXIAL,
    spacing: tuple[float, float] = (1.0, 1.0),
    rows: int = 24,
    columns: int = 20,
    corner: tuple[float, float, float] = (-10.0, -12.0, 5.0),
) -> list[Slice]:
    normal = normal_of(orientation)
    return [
        Slice(tuple(np.array(corner) + normal * depth), orientation, spacing, rows, columns)
        for depth in depths
    ]


def points_of(one: Slice) -> np.ndarray:
    """Where the middle of each pixel lies: (rows, columns, 3), PS3.3 C.7.6.2.1.1."""
    along, down = np.array(one.orientation[:3]), np.array(one.orientation[3:])
    rows, columns = np.mgrid[: one.rows, : one.columns]
    return (
        np.array(one.position)
        + rows[..., None] * one.spacing[0] * down
        + columns[..., None] * one.spacing[1] * along
    )


def volume_of(slices: list[Slice], value: Callable[[np.ndarray], np.ndarray]) -> Volume:
    grid = grid_of(slices)
    builder = VolumeBuilder(grid)
    for place, index in enumerate(grid.order):
        stored = np.rint(value(points_of(slices[index]))).astype(np.int16)
        builder.put(place, raster_from(stored, None), Greyscale(windows=(Window(0, 400),)))
    return builder.volume()


def ramp(points: np.ndarray) -> np.ndarray:
    """A value that rises evenly in all three directions of the patient."""
    return points @ np.array([7.0, -5.0, 11.0]) - 40


def point_of(cut: Cut, number: int, row: int, column: int) -> np.ndarray:
    return (
        cut.corner
        + cut.forward * cut.offsets[number]
        + cut.down * cut.steps[0] * row
        + cut.right * cut.steps[1] * column
    )


def stored(raster: Raster) -> np.ndarray:
    return raster.stored()


UNEVEN = [0, 2, 4, 6, 9, 12, 15, 17, 19, 22.5]


@pytest.mark.parametrize("plane", Plane)
@pytest.mark.parametrize(
    ("orientation", "depths", "spacing"),
    [
        (AXIAL, [2.5 * n for n in range(12)], (1.0, 1.0)),
        (AXIAL, UNEVEN, (0.8, 0.8)),
        (AXIAL, [3 * n for n in range(9)], (1.5, 1.0)),
        ((-1.0, 0.0, 0.0, 0.0, -1.0, 0.0), [2 * n for n in range(10)], (1.0, 1.0)),
        (CORONAL, [1.5 * n for n in range(10)], (1.0, 1.0)),
        ((0.0, 1.0, 0.0, 0.0, 0.0, -1.0), UNEVEN, (1.0, 1.0)),
        (OBLIQUE, [2 * n for n in range(14)], (1.0, 1.0)),
        (OBLIQUE, UNEVEN, (1.2, 0.9)),
    ],
)
def test_on_a_ramp_each_point_has_the_value_of_its_place(
    plane: Plane, orientation: tuple[float, ...], depths: list[float], spacing: tuple[float, float]
) -> None:
    """Fifty points of each kind of plane equal the analytic value to 1, wherever the series was taken."""
    volume = volume_of(slices_at(depths, orientation, spacing), ramp)
    cut = cut_of(volume.grid, plane)
    random = np.random.default_rng(1)
    seen = 0
    while seen < 50:
        number = int(random.integers(cut.planes))
        raster = plane_raster(volume, cut, number, Slab.MEAN, 0)
        row, column = int(random.integers(cut.rows)), int(random.integers(cut.columns))
        if raster.layers is not None and raster.layers.shut is not None and raster.layers.shut[row, column]:
            continue
        seen += 1
        assert abs(stored(raster)[row, column] - ramp(point_of(cut, number, row, column))) <= 1


@pytest.mark.parametrize("plane", Plane)
def test_planes_face_the_patient_as_is_usual_however_the_series_lies(plane: Plane) -> None:
    usual = {
        Plane.AXIAL: (1, 0, 0, 0, 1, 0),
        Plane.CORONAL: (1, 0, 0, 0, 0, -1),
        Plane.SAGITTAL: (0, 1, 0, 0, 0, -1),
    }[plane]
    forward = {Plane.AXIAL: (0, 0, -1), Plane.CORONAL: (0, 1, 0), Plane.SAGITTAL: (1, 0, 0)}[plane]
    for orientation in (AXIAL, CORONAL, OBLIQUE, (0.0, -1.0, 0.0, 1.0, 0.0, 0.0)):
        cut = cut_of(grid_of(slices_at([float(n) for n in range(9)], orientation)), plane)
        assert cut.orientation == pytest.approx(usual)
        assert cut.forward.tolist() == pytest.approx(forward)
        assert cut.offsets[0] == 0
        assert (np.diff(cut.offsets) > 0).all()


@pytest.mark.parametrize("depths", [[2.5 * n for n in range(12)], UNEVEN])
def test_a_plane_where_a_slice_lies_is_that_slice(depths: list[float]) -> None:
    """Value for value, and grey for grey through the one pipeline, whatever order they came in."""
    random = np.random.default_rng(2)
    slices = slices_at(depths)
    slices = [slices[index] for index in random.permutation(len(slices))]
    pixels = [random.integers(-1000 - 50 * n, 2000, (24, 20)).astype(np.int16) for n in range(len(slices))]
    greyscale = Greyscale(slope=2.0, intercept=-100.0, windows=(Window(40, 900),), unit="HU")
    grid = grid_of(slices)
    builder = VolumeBuilder(grid)
    for place, index in enumerate(grid.order):
        builder.put(place, raster_from(pixels[index], None), greyscale)
    volume = builder.volume()
    cut = cut_of(grid, Plane.AXIAL)
    assert (cut.planes, cut.rows, cut.columns) == (len(slices), 24, 20)
    for number in range(cut.planes):
        raster = plane_raster(volume, cut, number, Slab.MIP, 0)
        place = point_of(cut, number, 0, 0)
        index = next(i for i, one in enumerate(slices) if np.allclose(one.position, place))
        assert np.array_equal(stored(raster), pixels[index])
        for view in (View(), View(window=Window(300, 1500)), View(window=Window(0, 50), invert=True)):
            original, _ = picture(raster_from(pixels[index], None), greyscale, view)
            assert np.array_equal(picture(raster, greyscale, view)[0], original)


def test_between_two_slices_a_coronal_is_interpolated_by_their_places() -> None:
    """Against numpy alone: rows of the picture from head to feet, each from the two slices around it."""
    random = np.random.default_rng(3)
    slices = slices_at(UNEVEN)
    block = random.integers(0, 4000, (len(UNEVEN), 24, 20)).astype(np.int16)
    builder = VolumeBuilder(grid_of(slices))
    for place, one in enumerate(block):
        builder.put(place, raster_from(one, None), Greyscale())
    volume = builder.volume()
    cut = cut_of(volume.grid, Plane.CORONAL)
    assert (cut.planes, cut.rows, cut.columns) == (24, 23, 20)
    for number in (0, 7, 23):
        found = stored(plane_raster(volume, cut, number, Slab.MEAN, 0))
        for row in range(23):
            depth = 22.5 - row
            above = next(i for i, place in enumerate(UNEVEN) if place >= depth)
            below = max(above - 1, 0)
            way = UNEVEN[above] - UNEVEN[below]
            part = (depth - UNEVEN[below]) / way if way else 0
            expected = block[below, number] * (1 - part) + block[above, number] * part
            assert np.abs(found[row] - expected).max() <= 0.51


@pytest.mark.parametrize(("plane", "axis"), [(Plane.AXIAL, 0), (Plane.CORONAL, 1), (Plane.SAGITTAL, 2)])
def test_a_slab_is_the_highest_lowest_or_mean_of_its_values(plane: Plane, axis: int) -> None:
    """Slices 1 mm apart as their pixels: numpy over the block is the whole truth."""
    random = np.random.default_rng(4)
    slices = slices_at([float(n) for n in range(18)])
    block = random.integers(-900, 3000, (18, 24, 20)).astype(np.int16)
    builder = VolumeBuilder(grid_of(slices))
    for place, one in enumerate(block):
        builder.put(place, raster_from(one, None), Greyscale())
    volume = builder.volume()
    cut = cut_of(volume.grid, plane)
    number = 8
    # The slices rise towards the head, axial planes are counted from there; pictures show the head at the
    # top.
    place = 17 - number if plane is Plane.AXIAL else number
    upright = [np.moveaxis(block, axis, 0)[p] for p in range(max(place - 3, 0), place + 4)]
    expected = {
        Slab.MIP: np.max(upright, axis=0),
        Slab.MINIP: np.min(upright, axis=0),
        Slab.MEAN: np.mean(upright, axis=0),
    }
    for slab, values in expected.items():
        found = stored(plane_raster(volume, cut, number, slab, 6.0))
        shown = values if plane is Plane.AXIAL else values[::-1]
        assert np.abs(found - shown).max() <= 0.51
        if slab is not Slab.MEAN:
            assert np.array_equal(found, shown)


def test_an_uneven_slab_counts_each_slice_for_its_part_of_the_way() -> None:
    volume = volume_of(slices_at([0, 1, 2, 3, 4, 6, 8, 10, 12]), lambda points: points[..., 2] * 10)
    cut = cut_of(volume.grid, Plane.AXIAL)
    number = int(np.flatnonzero(np.isclose(cut.offsets, 12 - 4))[0])  # the slice at 4
    # At 2, 3, 4 and 6 with the weights 1, 1, 1.5 and 2; the lowest slice lies at z = 5.
    expected = ((70 * 1) + (80 * 1) + (90 * 1.5) + (110 * 2)) / 5.5
    assert stored(plane_raster(volume, cut, number, Slab.MEAN, 4.0))[3, 3] == round(expected)


def test_an_askew_slab_holds_the_highest_of_the_planes_in_it() -> None:
    volume = volume_of(slices_at([float(n) for n in range(20)], OBLIQUE), ramp)
    cut = cut_of(volume.grid, Plane.CORONAL)
    number = cut.planes // 2
    alone = [plane_raster(volume, cut, number + step, Slab.MEAN, 0) for step in (-2, -1, 0, 1, 2)]
    shut = [np.zeros((cut.rows, cut.columns)) if one.layers is None else one.layers.shut for one in alone]
    everywhere = np.max(shut, axis=0) == 0
    assert everywhere.sum() > 20
    for slab, reduce in ((Slab.MIP, np.max), (Slab.MINIP, np.min), (Slab.MEAN, np.mean)):
        found = stored(plane_raster(volume, cut, number, slab, 4.0))
        expected = reduce([stored(one) for one in alone], axis=0)
        assert np.abs(found - expected)[everywhere].max() <= 1


def test_where_the_volume_is_not_a_picture_is_black_whatever_the_window() -> None:
    volume = volume_of(slices_at([float(n) for n in range(20)], OBLIQUE), ramp)
    cut = cut_of(volume.grid, Plane.AXIAL)
    raster = plane_raster(volume, cut, cut.planes // 2, Slab.MEAN, 0)
    for view in (View(window=Window(-5000, 10)), View(window=Window(-5000, 10), invert=True)):
        values, _ = picture(raster, volume.greyscale, view)
        assert values[0, 0] == 0  # a corner of the box around the volume


def changed(slices: list[Slice], index: int, **changes: object) -> list[Slice]:
    return [replace(one, **changes) if at == index else one for at, one in enumerate(slices)]  # type: ignore[arg-type]


EVEN = slices_at([3.0 * n for n in range(12)])


@pytest.mark.parametrize(
    ("code", "slices"),
    [
        ("few", EVEN[:7]),
        ("gap", EVEN[:5] + EVEN[6:]),
        ("gap", slices_at([0, 1, 2, 3, 4, 5, 9, 13, 17, 21])),
        ("gap", [EVEN[0], *EVEN[2:]]),
        ("same-place", [*EVEN, EVEN[4]]),
        ("orientation", changed(EVEN, 3, orientation=(1.0, 0.0, 0.0, 0.0, 0.995, 0.0999))),
        ("sizes", changed(EVEN, 3, rows=23)),
        ("sizes", changed(EVEN, 3, spacing=(1.01, 1.01))),
        ("no-position", changed(EVEN, 3, position=())),
        ("no-position", changed(EVEN, 3, position=(0.0, 0.0, float("nan")))),
        ("no-position", [replace(one, orientation=(1.0, 0.0, 0.0, 1.0, 0.0, 0.0)) for one in EVEN]),
    ],
)
def test_slices_that_make_no_volume_are_refused_with_the_reason(code: str, slices: list[Slice]) -> None:
    with pytest.raises(Unfit) as caught:
        grid_of(slices)
    assert caught.value.code == code


def test_a_tilted_gantry_is_refused_and_rounding_is_not() -> None:
    tilted = [
        replace(one, position=(one.position[0], one.position[1] + 0.27 * 3 * n, one.position[2]))
        for n, one in enumerate(EVEN)
    ]
    with pytest.raises(Unfit, match="tilted"):
        grid_of(tilted)
    rounded = [
        replace(one, position=(one.position[0] + 0.02 * (n % 2), *one.position[1:]))
        for n, one in enumerate(EVEN)
    ]
    assert grid_of(rounded).depths.tolist() == pytest.approx([3.0 * n for n in range(12)])


def test_uneven_slices_of_two_steps_are_no_gap() -> None:
    assert len(grid_of(slices_at([0, 2.5, 5, 7.5, 10, 15, 20, 25, 30])).depths) == 9


@pytest.mark.parametrize(
    ("code", "raster", "greyscale"),
    [
        ("colour", Raster(np.zeros((24, 20, 3), np.uint8), (20, 24)), Greyscale()),
        ("values", raster_from(np.zeros((24, 20), np.float32), None), Greyscale()),
        ("values", raster_from(np.zeros((24, 20), np.int16), None), Greyscale(slope=2.0)),
        ("sizes", raster_from(np.zeros((20, 24), np.int16), None), Greyscale()),
    ],
)
def test_values_that_cannot_be_mixed_are_refused(code: str, raster: Raster, greyscale: Greyscale) -> None:
    builder = VolumeBuilder(grid_of(EVEN))
    builder.put(0, raster_from(np.zeros((24, 20), np.int16), None), Greyscale())
    with pytest.raises(Unfit) as caught:
        builder.put(1, raster, greyscale)
    assert caught.value.code == code


def test_a_range_of_more_than_sixteen_bits_is_refused() -> None:
    builder = VolumeBuilder(grid_of(EVEN))
    for place in range(12):
        value = -30000 if place else 40000
        builder.put(place, raster_from(np.full((24, 20), value, np.int32), None), Greyscale())
    with pytest.raises(Unfit, match="values"):
        builder.volume()


def test_a_slice_whose_file_ends_early_makes_every_plane_partial() -> None:
    builder = VolumeBuilder(grid_of(EVEN))
    for place in range(12):
        raster = raster_from(np.full((24, 20), place, np.int16), None)
        builder.put(place, replace(raster, complete=place != 5), Greyscale())
    volume = builder.volume()
    assert not plane_raster(volume, cut_of(volume.grid, Plane.AXIAL), 0, Slab.MEAN, 0).complete
