"""Reformats in the browser: opened, scrolled, made thicker, measured, crossed; and refused in words."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.browser.conftest import Portal, Site
from tests.objects import ct_slice

SIDE, COUNT = 64, 32  # pixels of 1 mm, slices 2 mm apart: 62 mm from the first to the last


def value(x: np.ndarray, y: np.ndarray, z: float) -> np.ndarray:
    """Known at each point of the patient; a bright dot around (40, 20, -20)."""
    values = 40 + x + 0.5 * y - z
    return np.where((abs(x - 40) <= 1) & (abs(y - 20) <= 1) & (abs(z + 20) <= 2), 255, values)


def volume(number: int, study: str, **changes: object) -> list[Dataset]:
    series, space = generate_uid(), generate_uid()
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return [
        ct_slice(
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            FrameOfReferenceUID=space,
            SeriesNumber=number,
            StudyDescription="To reformat",
            SeriesDescription="Ramp",
            PatientID="R1",
            PatientName="Plane^Paula",
            InstanceNumber=n + 1,
            ImagePositionPatient=[0, 0, -2 * n],
            Rows=SIDE,
            Columns=SIDE,
            PixelSpacing=[1, 1],
            SliceThickness=2,
            WindowCenter=128,
            WindowWidth=256,
            PixelData=value(columns, rows, -2 * n).astype("<i2").tobytes(),
            **changes,
        )
        for n in range(COUNT)
    ]


@pytest.fixture(scope="module")
def ramp(site: Site) -> int:
    study = generate_uid()
    tilted = volume(2, study)
    for n, ds in enumerate(tilted):
        ds.ImagePositionPatient = [0, 0.5 * n, -2 * n]
    site.ingest(*volume(1, study), *tilted)
    return site.study_id("To reformat")


def viewport(page: Page, number: int) -> Locator:
    return page.locator(".viewport").nth(number)


def corner(page: Page, number: int, name: str) -> Locator:
    return viewport(page, number).locator(f'[data-corner="{name}"]')


def on_screen(
    page: Page, number: int, column: float, row: float, size: tuple[int, int]
) -> tuple[float, float]:
    """Where a place of the fitted frame lies in the page."""
    box = viewport(page, number).bounding_box()
    assert box is not None
    scale = min(box["width"] / size[0], box["height"] / size[1])
    return (
        box["x"] + box["width"] / 2 + (column - size[0] / 2) * scale,
        box["y"] + box["height"] / 2 + (row - size[1] / 2) * scale,
    )


def grey(page: Page, number: int, column: float, row: float, size: tuple[int, int], wanted: float) -> None:
    """Wait until the pixel of a fitted frame is painted in this grey."""
    page.wait_for_function(
        """([number, column, row, width, height, grey]) => {
          const canvas = document.querySelectorAll('.viewport canvas')[number];
          if (!canvas) return false;
          const scale = Math.min(canvas.width / width, canvas.height / height);
          const x = canvas.width / 2 + (column + 0.5 - width / 2) * scale;
          const y = canvas.height / 2 + (row + 0.5 - height / 2) * scale;
          const data = canvas.getContext('2d').getImageData(x, y, 1, 1).data;
          return Math.abs(data[0] - grey) <= 3;
        }""",
        arg=[number, column, row, *size, wanted],
        timeout=20_000,
    )


def reformat(page: Page, name: str) -> None:
    page.get_by_role("button", name="Reformat", exact=True).click()
    page.locator("#reformats").get_by_role("button", name=name).click()
    expect(page.locator("#reformats")).to_be_hidden()


AXIAL, UPRIGHT = (SIDE, SIDE), (SIDE, 63)


def test_a_coronal_is_scrolled_windowed_and_made_a_slab(portal: Portal, ramp: int) -> None:
    page = portal()
    page.goto(f"/studies/{ramp}/view/")
    grey(page, 0, 10, 10, AXIAL, 40 + 10 + 5)

    # Rows of the picture are millimetres from the head: 40 + x + y / 2 + row.
    reformat(page, "Coronal")
    expect(corner(page, 0, "badge-reformat")).to_have_text("REFORMAT · CORONAL")
    expect(corner(page, 0, "place")).to_have_text("Image 32 / 64")  # where the middle of the slice was
    grey(page, 0, 10, 30, UPRIGHT, 40 + 10 + 16 + 30)
    for side, letter in (("left", "R"), ("right", "L"), ("top", "H"), ("bottom", "F")):
        expect(corner(page, 0, f"letter-{side}")).to_have_text(letter)
    page.keyboard.press("Home")
    grey(page, 0, 10, 30, UPRIGHT, 40 + 10 + 30)
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    grey(page, 0, 40, 20, UPRIGHT, 255)

    # Twenty-two planes on, the dot is out of sight, but for a MIP that reaches it.
    for _ in range(22):
        page.keyboard.press("ArrowDown")
    grey(page, 0, 40, 20, UPRIGHT, 40 + 40 + 21 + 20)
    page.keyboard.press("q")
    page.locator("[data-thickness]").fill("50")
    page.locator("#reformats").get_by_role("button", name="MIP", exact=True).click()
    expect(corner(page, 0, "badge-slab")).to_have_text("MIP 50 mm")
    grey(page, 0, 40, 20, UPRIGHT, 255)
    page.locator("#reformats").get_by_role("button", name="MinIP").click()
    grey(page, 0, 40, 20, UPRIGHT, 40 + 40 + 17 / 2 + 20)
    page.keyboard.press("Escape")

    # Dragged 64 pixels wider: a quarter of its own width, and the value 108.5 at its new grey.
    x, y = on_screen(page, 0, 30, 30, UPRIGHT)
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    page.mouse.move(x + 64, y, steps=8)
    grey(page, 0, 40, 20, UPRIGHT, (108.5 - 127.5) / 319 * 255 + 127.5)
    page.mouse.up(button="right")
    expect(corner(page, 0, "window")).to_have_text("W 320 L 128")
    grey(page, 0, 40, 20, UPRIGHT, (108.5 - 127.5) / 319 * 255 + 127.5)

    # The window of a preset, as for any image; and back, and back again.
    page.keyboard.press("3")
    expect(corner(page, 0, "window")).to_have_text("W 1800 L 400")
    reformat(page, "The images as they were taken")
    expect(corner(page, 0, "badge-reformat")).to_be_hidden()
    expect(corner(page, 0, "window")).to_have_text("W 1800 L 400")
    page.keyboard.press("u")
    expect(corner(page, 0, "badge-slab")).to_have_text("MinIP 50 mm")
    # A reformat is no image of the study: it has no star.
    expect(page.get_by_role("button", name="Star")).to_be_disabled()


def test_three_planes_are_crossed_at_a_point_and_measured(portal: Portal, ramp: int) -> None:
    page = portal()
    page.goto(f"/studies/{ramp}/view/")
    grey(page, 0, 10, 10, AXIAL, 55)
    reformat(page, "Three planes")
    expect(page.locator(".viewport")).to_have_count(4)
    for number, plane in enumerate(("AXIAL", "SAGITTAL", "CORONAL")):
        expect(corner(page, number, "badge-reformat")).to_have_text(f"REFORMAT · {plane}")
    grey(page, 3, 10, 10, AXIAL, 55)

    # A press on the coronal at x = 40, z = -20 takes the others there; its own plane stays at y = 31.
    page.keyboard.press("d")
    grey(page, 2, 10, 30, UPRIGHT, 40 + 10 + 16 + 30)
    page.mouse.click(*on_screen(page, 2, 40.5, 20.5, UPRIGHT))
    expect(corner(page, 0, "place")).to_have_text("Image 11 / 32")
    expect(corner(page, 1, "place")).to_have_text("Image 41 / 64")
    expect(corner(page, 3, "place")).to_have_text("Image 11 / 32")
    # Dragged on the axial to y = 20, all planes meet in the dot.
    page.mouse.move(*on_screen(page, 0, 40.5, 30.5, AXIAL))
    page.mouse.down()
    page.mouse.move(*on_screen(page, 0, 40.5, 20.5, AXIAL), steps=3)
    page.mouse.up()
    expect(corner(page, 2, "place")).to_have_text("Image 21 / 64")
    grey(page, 0, 40, 20, AXIAL, 255)
    grey(page, 1, 20, 20, UPRIGHT, 255)
    grey(page, 2, 40, 20, UPRIGHT, 255)
    # Reference lines came with the planes: the coronal is cut by the sagittal and by both axials.
    lines = viewport(page, 2).locator("line.reference")
    expect(lines).to_have_count(3)

    # Thirty millimetres down the coronal are thirty millimetres of the patient.
    page.keyboard.press("l")
    page.mouse.move(*on_screen(page, 2, 10, 10, UPRIGHT))
    page.mouse.down()
    page.mouse.move(*on_screen(page, 2, 10, 40, UPRIGHT), steps=4)
    page.mouse.up()
    label = viewport(page, 2).locator(".mark-label")
    expect(label.locator(".first")).to_have_text(re.compile(r"^L1 · (29\.[6-9]|30|30\.[1-4]) mm$"))
    expect(label).to_contain_text("by pixel spacing")

    # The value under the pointer is the plane's own.
    page.mouse.move(*on_screen(page, 1, 20.5, 20.5, UPRIGHT))
    expect(corner(page, 1, "value")).to_contain_text("255")


def test_a_tilted_series_is_refused_in_words(portal: Portal, ramp: int) -> None:
    page = portal()
    page.goto(f"/studies/{ramp}/view/")
    grey(page, 0, 10, 10, AXIAL, 55)
    page.keyboard.press("ArrowRight")
    expect(corner(page, 0, "series")).to_contain_text("Series 2")
    page.get_by_role("button", name="Reformat", exact=True).click()
    page.locator("#reformats").get_by_role("button", name="Sagittal").click()
    expect(page.locator("[data-reformat-said]")).to_contain_text("tilted gantry")
    expect(page.locator(".viewport")).to_have_count(1)
    expect(corner(page, 0, "badge-reformat")).to_be_hidden()
