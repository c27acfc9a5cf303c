"""Sheets: what is read, what is turned away, and where the cells lie."""

from __future__ import annotations

import pytest

from archive.imaging.params import VoiFunction, Window
from dicomnet.film.layout import (
    Box,
    Cell,
    Film,
    Grid,
    Labels,
    LayoutError,
    Sheet,
    cell_boxes,
    film_size_mm,
    film_turned,
    sheets_fill,
)


def test_image_display_format_is_columns_then_rows():
    assert Grid.parse("STANDARD\\4,5") == Grid(columns=4, rows=5)
    assert Grid.parse("4,5") == Grid(4, 5)
    assert str(Grid(4, 5)) == "STANDARD\\4,5"


@pytest.mark.parametrize(
    "text", ["", "STANDARD\\0,1", "STANDARD\\13,1", "ROW\\1,2", "4x5", "STANDARD\\4,5,6", "4,-1"]
)
def test_a_layout_nobody_can_print_is_turned_away(text: str):
    with pytest.raises(LayoutError) as caught:
        Grid.parse(text)
    assert caught.value.code == "bad-layout"


def test_a_sheet_is_the_same_after_a_round_through_json():
    sheet = Sheet(
        Grid(2, 1),
        (Cell(7, 3, Window(40, 400, VoiFunction.SIGMOID), invert=True, turn=3, mirror=True), None),
        Labels("王小明", "", "2026-11-23", "1 / 2"),
    )
    assert sheet.to_dict() == {
        "layout": "STANDARD\\2,1",
        "cells": [
            {
                "instance": 7,
                "frame": 3,
                "window": [40, 400, "SIGMOID"],
                "invert": True,
                "turn": 3,
                "mirror": True,
            },
            None,
        ],
        "labels": {
            "top_left": "王小明",
            "top_right": "",
            "bottom_left": "2026-11-23",
            "bottom_right": "1 / 2",
        },
    }
    assert Sheet.from_dict(sheet.to_dict()) == sheet


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("7", "bad-cell"),
        ({}, "bad-cell"),
        ({"instance": 0}, "bad-cell"),
        ({"instance": True}, "bad-cell"),
        ({"instance": 7, "frame": 1.5}, "bad-cell"),
        ({"instance": 7, "window": [40]}, "bad-window"),
        ({"instance": 7, "window": [40, 0]}, "bad-window"),
        ({"instance": 7, "window": [40, float("nan")]}, "bad-window"),
        ({"instance": 7, "window": [float("inf"), 400]}, "bad-window"),
        ({"instance": 7, "window": [40, 400, "LOG"]}, "bad-window"),
        ({"instance": 7, "window": "40,400"}, "bad-window"),
    ],
)
def test_nonsense_in_a_cell_is_named(cell: object, code: str):
    with pytest.raises(LayoutError) as caught:
        Sheet.from_dict({"layout": "1,1", "cells": [cell]})
    assert caught.value.code == code


def test_more_cells_than_places_is_no_sheet():
    with pytest.raises(LayoutError, match="too-many-cells"):
        Sheet(Grid(1, 1), (Cell(1), Cell(2)))


def test_landscape_turns_the_grid_of_the_film():
    upright = film_turned([4096, 5120], orientation="PORTRAIT", pitch_um=78.5, bits=12, colour=False)
    across = film_turned([4096, 5120], orientation="LANDSCAPE", pitch_um=78.5, bits=12, colour=False)
    assert (upright.columns, upright.rows) == (4096, 5120)
    assert (across.columns, across.rows) == (5120, 4096)


def test_colour_is_eight_bit_whatever_the_printer_does_in_grey():
    film = film_turned([4096, 5120], orientation="PORTRAIT", pitch_um=78.5, bits=12, colour=True)
    assert (film.bits, film.white) == (8, 255)


def test_cells_fill_the_film_between_margins_and_labels():
    film = Film(1000, 1200, 100.0)  # 100 x 120 mm: margin 20 px, gap 6 px, label strip 20 + 36 + 6 px
    boxes = cell_boxes(Grid(2, 2), film)
    assert boxes == (
        Box(20, 62, 477, 535),
        Box(503, 62, 477, 535),
        Box(20, 603, 477, 535),
        Box(503, 603, 477, 535),
    )


@pytest.mark.parametrize("grid", [Grid(3, 7), Grid(7, 3), Grid(5, 6), Grid(12, 12)])
def test_cells_never_overlap_and_never_leave_the_film(grid: Grid):
    film = Film(1003, 1201, 100.0)
    boxes = cell_boxes(grid, film)
    assert len(boxes) == grid.cells
    assert {box.width for box in boxes} <= {boxes[0].width - 1, boxes[0].width, boxes[0].width + 1}
    seen: set[tuple[int, int]] = set()
    for box in boxes:
        assert box.left >= 0
        assert box.left + box.width <= film.columns
        assert box.top + box.height <= film.rows
        corners = {
            (x, y) for x in range(box.left, box.left + box.width) for y in (box.top, box.top + box.height - 1)
        }
        assert not corners & seen
        seen |= corners


def test_cells_too_small_to_see_anything_are_refused():
    with pytest.raises(LayoutError, match="cells-too-small"):
        cell_boxes(Grid(12, 12), Film(200, 250, 100.0))


def test_images_beyond_the_last_cell_go_to_the_next_sheet():
    cells = [Cell(number) for number in range(1, 8)]
    sheets = sheets_fill(cells, Grid(3, 1))
    assert [[cell.instance_id for cell in sheet] for sheet in sheets] == [[1, 2, 3], [4, 5, 6], [7]]
    assert sheets_fill([], Grid(3, 1)) == ()


def test_film_size_terms_are_millimetres():
    assert film_size_mm("14INX17IN") == pytest.approx((355.6, 431.8))
    assert film_size_mm("8_5INX11IN") == pytest.approx((215.9, 279.4))
    assert film_size_mm("24CMX30CM") == (240.0, 300.0)
    assert film_size_mm("A4") == (210.0, 297.0)
    assert film_size_mm("HUGE") is None
