"""What is said before a film is printed."""

from __future__ import annotations

from dicomnet.film.advice import Advice, Level, Source, sheet_advice
from dicomnet.film.layout import Cell, Film, Grid, Sheet

FILM = Film(1000, 1200, 100.0)  # one cell of 960 x 1076, or two of 477 x 1076
ONE = Sheet(Grid(1, 1), (Cell(1),))
TWO = Sheet(Grid(2, 1), (Cell(1), Cell(2)))


def test_a_picture_that_fits_needs_no_word():
    assert sheet_advice(ONE, FILM, {0: Source(512, 512)}) == []


def test_what_is_shrunk_is_said_with_how_much():
    advice = sheet_advice(ONE, FILM, {0: Source(2000, 2000)})
    assert advice == [Advice(Level.WARN, "shrunk", (1,), {"least": 48, "most": 48})]


def test_several_cells_make_one_sentence():
    advice = sheet_advice(TWO, FILM, {0: Source(954, 954), 1: Source(1000, 1000)})
    assert advice == [Advice(Level.WARN, "shrunk", (1, 2), {"least": 48, "most": 50})]


def test_small_images_are_said_to_show_their_pixels():
    advice = sheet_advice(ONE, FILM, {0: Source(64, 64)})
    assert advice == [Advice(Level.INFO, "enlarged", (1,), {"least": 15, "most": 15})]


def test_colour_on_a_grey_film_is_a_loss_on_a_colour_film_not():
    source = {0: Source(512, 512, colour=True)}
    assert sheet_advice(ONE, FILM, source) == [Advice(Level.WARN, "colour-lost", (1,))]
    assert sheet_advice(ONE, Film(1000, 1200, 100.0, colour=True), source) == []


def test_losses_come_before_surprises():
    advice = sheet_advice(TWO, FILM, {0: Source(64, 64, lossy=True), 1: Source(1000, 1000)})
    assert [(one.level, one.code) for one in advice] == [
        (Level.WARN, "shrunk"),
        (Level.INFO, "enlarged"),
        (Level.INFO, "lossy"),
    ]
