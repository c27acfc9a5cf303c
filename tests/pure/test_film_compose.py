"""The bitmap of a sheet, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from dicomnet.film.compose import Picture, compose, fitted, picture_box, screen_copy, screen_part, turned
from dicomnet.film.layout import Box, Cell, Film, Grid, Labels, Sheet, cell_boxes

FILM = Film(400, 500, 100.0)


def sheet(columns: int, rows: int, labels: Labels | None = None) -> Sheet:
    cells = tuple(Cell(number + 1) for number in range(columns * rows))
    return Sheet(Grid(columns, rows), cells, labels or Labels())


def flat(value: int, height: int, width: int, dtype: str = "u1") -> np.ndarray:
    return np.full((height, width), value, dtype)


def test_each_picture_lies_in_its_own_cell_and_the_rest_is_dark():
    boxes = cell_boxes(Grid(2, 1), FILM)
    film = compose(sheet(2, 1), {0: Picture(flat(90, 50, 50)), 1: Picture(flat(200, 50, 50))}, FILM)
    assert film.shape == (500, 400)
    assert film.dtype == np.uint8
    assert sorted(np.unique(film)) == [0, 90, 200]
    left = picture_box(boxes[0], 50, 50)
    assert (film[left.top : left.top + left.height, left.left : left.left + left.width] == 90).all()
    assert int((film == 90).sum()) == left.width * left.height
    assert film[:, 200].max() == 0  # the gap


def test_a_picture_of_the_very_size_of_its_cell_is_not_touched():
    box = cell_boxes(Grid(1, 1), FILM)[0]
    noise = np.random.default_rng(7).integers(0, 256, (box.height, box.width), dtype="u1")
    film = compose(sheet(1, 1), {0: Picture(noise)}, FILM)
    assert np.array_equal(film[box.top : box.top + box.height, box.left : box.left + box.width], noise)


def test_a_wide_picture_keeps_its_shape():
    assert picture_box(Box(10, 20, 100, 100), 200, 50) == Box(10, 20 + 37, 100, 25)
    assert picture_box(Box(10, 20, 100, 100), 50, 200) == Box(10 + 37, 20, 25, 100)


def test_enlarging_a_step_keeps_its_levels_and_clips_the_overshoot():
    step = np.zeros((8, 8), "u2")
    step[:, 4:] = 4095
    large = fitted(step, Box(0, 0, 80, 80), Film(400, 500, 100.0, bits=12))
    assert large.dtype == np.uint16
    assert large.max() == 4095
    assert large.min() == 0
    assert (large[:, :20] == 0).all()
    assert (large[:, 60:] == 4095).all()


def test_twelve_bits_stay_twelve_bits():
    film = Film(400, 500, 100.0, bits=12)
    bitmap = compose(sheet(1, 1), {0: Picture(flat(4095, 30, 30, "u2"))}, film)
    assert bitmap.dtype == np.uint16
    assert bitmap.max() == 4095


def test_grey_pictures_on_a_colour_film_are_grey():
    film = Film(400, 500, 100.0, colour=True)
    colour = np.zeros((50, 50, 3), "u1")
    colour[:, :, 0] = 250
    bitmap = compose(sheet(2, 1), {0: Picture(flat(90, 50, 50)), 1: Picture(colour)}, film)
    assert bitmap.shape == (500, 400, 3)
    assert {tuple(int(v) for v in pixel) for pixel in bitmap.reshape(-1, 3)} == {
        (0, 0, 0),
        (90, 90, 90),
        (250, 0, 0),
    }


def test_labels_are_written_in_the_strips_and_nowhere_else():
    labels = Labels("王小明 WANG", "", "", "1 / 2")
    bitmap = compose(sheet(1, 1, labels), {}, FILM)
    box = cell_boxes(Grid(1, 1), FILM)[0]
    assert bitmap[: box.top].max() == 255
    assert bitmap[box.top + box.height :].max() == 255
    assert bitmap[box.top : box.top + box.height].max() == 0
    assert bitmap[: box.top, 320:].max() == 0  # the right upper corner has no text


def test_hanzi_are_drawn_as_themselves_not_as_boxes():
    def drawn(name: str) -> np.ndarray:
        return compose(sheet(1, 1, Labels(name)), {}, FILM)

    assert not np.array_equal(drawn("王"), drawn("李"))
    assert not np.array_equal(drawn("王"), drawn("\U0010fffd"))  # a character no font has


def test_a_name_too_long_for_the_film_ends_before_its_neighbour():
    labels = Labels("WANG " * 60, "General Hospital", "", "")
    bitmap = compose(sheet(1, 1, labels), {}, Film(1000, 1200, 100.0))
    strip = bitmap[:60]
    inked = np.flatnonzero(strip.max(axis=0))
    gaps = np.diff(inked)
    assert inked[-1] < 1000 - 19
    assert gaps.max() >= 20  # between the name and the hospital


def test_corner_text_is_read_on_white():
    white = Picture(flat(255, 100, 100), "12", "W 400  L 40")
    bitmap = compose(sheet(1, 1), {0: white}, FILM)
    plain = compose(sheet(1, 1), {0: Picture(white.pixels)}, FILM)
    changed = bitmap != plain
    assert changed.any()
    assert bitmap[changed].min() < 60  # the rim is dark


def test_the_same_sheet_gives_the_same_bytes():
    pictures = {0: Picture(flat(90, 50, 70), "1", "W 1  L 2")}
    first = compose(sheet(1, 1, Labels("李雷")), pictures, FILM)
    assert np.array_equal(first, compose(sheet(1, 1, Labels("李雷")), pictures, FILM))


def test_the_screen_copy_is_the_mean_of_what_it_stands_for():
    film = Film(400, 500, 100.0)
    bitmap = np.zeros((500, 400), "u1")
    bitmap[::2, ::2] = 200
    small = screen_copy(bitmap, film, 200, 250)
    assert small.shape == (250, 200)
    assert (small == 50).all()


def test_a_screen_never_enlarges():
    assert screen_copy(np.zeros((500, 400), "u1"), FILM, 4000, 5000).shape == (500, 400)


def test_one_to_one_shows_the_pixels_of_the_film():
    film = Film(400, 500, 100.0, bits=12)
    bitmap = (np.arange(400 * 500, dtype="u2").reshape(500, 400) % 4096).astype("u2")
    part = screen_part(bitmap, film, Box(100, 200, 50, 40))
    assert np.array_equal(part, (bitmap[200:240, 100:150] >> 4).astype("u1"))


@pytest.mark.parametrize("box", [Box(-50, -50, 100, 100), Box(390, 490, 100, 100), Box(5000, 5000, 10, 10)])
def test_a_part_beyond_the_edge_is_cut(box: Box):
    part = screen_part(np.zeros((500, 400), "u1"), FILM, box)
    assert 1 <= part.shape[0] <= 100
    assert 1 <= part.shape[1] <= 100


def test_a_picture_is_mirrored_first_and_then_turned_clockwise():
    picture = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    assert turned(picture, 1, mirror=False).tolist() == [[4, 1], [5, 2], [6, 3]]
    assert turned(picture, 2, mirror=False).tolist() == [[6, 5, 4], [3, 2, 1]]
    assert turned(picture, 3, mirror=False).tolist() == [[3, 6], [2, 5], [1, 4]]
    assert turned(picture, 0, mirror=True).tolist() == [[3, 2, 1], [6, 5, 4]]
    assert turned(picture, 1, mirror=True).tolist() == [[6, 3], [5, 2], [4, 1]]
