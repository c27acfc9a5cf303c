"""Turning and flipping: the picture, its letters, the value under the pointer and the scale go together."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from pydicom.uid import generate_uid

from tests.browser.conftest import Portal, Site
from tests.browser.screens import Screen
from tests.objects import ct_slice

COLUMNS, ROWS = 120, 80
# A corner is told from the others by its grey: top left, top right, bottom left, bottom right.
CORNERS = {"tl": 40, "tr": 90, "bl": 150, "br": 220}


@pytest.fixture(scope="module")
def quarters(site: Site) -> int:
    """A study with one CT image of four quarters, each of another grey; 1 mm pixels, 1 mm."""
    pixels = np.zeros((ROWS, COLUMNS), "<i2")
    top, left = ROWS // 2, COLUMNS // 2
    pixels[:top, :left], pixels[:top, left:] = CORNERS["tl"], CORNERS["tr"]
    pixels[top:, :left], pixels[top:, left:] = CORNERS["bl"], CORNERS["br"]
    site.ingest(
        ct_slice(
            StudyInstanceUID=generate_uid(),
            SeriesInstanceUID=generate_uid(),
            StudyDescription="Quarters",
            PatientID="Q1",
            Rows=ROWS,
            Columns=COLUMNS,
            PixelSpacing=[1, 1],
            WindowCenter=128,
            WindowWidth=256,
            PixelData=pixels.tobytes(),
        )
    )
    return site.study_id("Quarters")


# Keys since the last row, the corners as they lie then (tl tr bl br), the letters (left right top bottom).
TURNS = [
    ("", "tl tr bl br", "R L A P"),
    ("]", "bl tl br tr", "P A R L"),
    ("]", "br bl tr tl", "L R P A"),
    ("]", "tr br tl bl", "A P L R"),
    ("]", "tl tr bl br", "R L A P"),
    ("f", "tr tl br bl", "L R A P"),
    ("]", "br tr bl tl", "P A L R"),
    ("Shift+F", "bl tl br tr", "P A R L"),
    ("[", "tl tr bl br", "R L A P"),
    ("Shift+F", "bl br tl tr", "R L P A"),
]


def test_picture_letters_and_values_turn_together(portal: Portal, quarters: int) -> None:
    page = portal()
    page.goto(f"/studies/{quarters}/view/")
    upright = Screen(page, COLUMNS, ROWS)
    for number, (key, order, letters) in enumerate(TURNS):
        if key:
            page.keyboard.press(key)
        odd = number in (1, 3, 6, 7)
        screen = Screen(page, ROWS, COLUMNS) if odd else upright
        width, height = (ROWS, COLUMNS) if odd else (COLUMNS, ROWS)
        places = [(width * x, height * y) for y in (0.25, 0.75) for x in (0.25, 0.75)]
        screen.expect_greys(
            {place: CORNERS[corner] for place, corner in zip(places, order.split(), strict=True)}
        )
        for side, letter in zip(("left", "right", "top", "bottom"), letters.split(), strict=True):
            screen.expect_corner(f"letter-{side}", letter)
    page.keyboard.press("x")
    upright.expect_greys({(30, 20): CORNERS["tl"], (90, 60): CORNERS["br"]})


def test_the_value_and_the_scale_follow_a_turned_picture(portal: Portal, quarters: int) -> None:
    page = portal()
    page.goto(f"/studies/{quarters}/view/")
    screen = Screen(page, ROWS, COLUMNS)
    page.get_by_role("button", name="Rotate").click()
    # The stored column 10, row 70 lies at column 80 - 1 - 70 = 9, row 10 of the turned picture.
    screen.expect_greys({(9, 10): CORNERS["bl"]})
    screen.move_to(*screen.at(9, 10))
    expect(screen.corner("value")).to_have_text(re.compile(r"^150( HU)? at 10, 70$"))
    bar = screen.corner("bar").bounding_box()
    assert bar is not None
    centimetres = float(screen.corner("bar").get_attribute("data-cm") or 0)
    assert abs(bar["width"] - 10 * centimetres * screen.scale) < 1
    page.keyboard.press("z")
    x, y = screen.at(60, 30)
    screen.drag(0, -100, start=(x, y))
    screen.move_to(x, y)
    expect(screen.corner("value")).to_have_text(re.compile(r" at 30, 19$"))  # column 30, row 80 - 1 - 60


def test_a_film_begins_with_the_picture_turned_as_it_is_seen(portal: Portal, quarters: int) -> None:
    page = portal("omar")
    page.goto(f"/studies/{quarters}/view/")
    Screen(page, COLUMNS, ROWS).expect_greys({(30, 20): CORNERS["tl"]})
    page.keyboard.press("]")
    page.keyboard.press("f")
    Screen(page, ROWS, COLUMNS).expect_greys({(20, 30): CORNERS["tl"], (60, 90): CORNERS["br"]})
    link = page.locator("#print")
    expect(link).to_have_attribute("href", re.compile(r"&turn=3&mirror=1$"))
    page.goto(str(link.get_attribute("href")))
    sheet = page.locator("body[data-digest]")
    sheet.wait_for(state="attached")
    seen = page.evaluate(f"JSON.parse(sessionStorage['film-{quarters}']).cells")
    assert [(cell["turn"], cell["mirror"]) for cell in seen] == [(3, True)]
    before = sheet.get_attribute("data-digest")
    page.locator(".film-cell").first.click()
    page.keyboard.press("[")
    expect(page.locator("body")).not_to_have_attribute("data-digest", str(before))
    page.get_by_role("button", name="Flip").click()
    page.wait_for_function(f"JSON.parse(sessionStorage['film-{quarters}']).cells[0].mirror === false")
    seen = page.evaluate(f"JSON.parse(sessionStorage['film-{quarters}']).cells")
    assert [(cell["turn"], cell["mirror"]) for cell in seen] == [(2, False)]
