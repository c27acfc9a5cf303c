"""Several viewports: layouts, series dragged into them, what is linked, where slices cut each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.browser.conftest import Portal, Site
from tests.objects import ct_slice

SIDE = 64


def slices(count: int, place: Any, grey: int, **changes: Any) -> list[Dataset]:
    series = generate_uid()
    return [
        ct_slice(
            SeriesInstanceUID=series,
            StudyDescription="Two planes",
            PatientID="L1",
            PatientName="Plane^Petra",
            InstanceNumber=number,
            ImagePositionPatient=place(number),
            Rows=SIDE,
            Columns=SIDE,
            PixelSpacing=[1, 1],
            WindowCenter=128,
            WindowWidth=256,
            PixelData=np.full((SIDE, SIDE), grey + number, "<i2").tobytes(),
            **changes,
        )
        for number in range(1, count + 1)
    ]


@pytest.fixture(scope="module")
def planes(site: Site) -> int:
    """Axial slices each 10 mm and each 4 mm, and coronal ones, in one space; and one elsewhere."""
    study, space = generate_uid(), generate_uid()
    one = {"StudyInstanceUID": study, "FrameOfReferenceUID": space}
    found = slices(6, lambda n: [0, 0, -10 * n], 40, SeriesNumber=1, **one)
    found += slices(15, lambda n: [0, 0, -4 * n], 100, SeriesNumber=2, **one)
    coronal = {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1], "SeriesNumber": 3}
    found += slices(3, lambda n: [0, 10 * n, 0], 150, **coronal, **one)
    found += slices(4, lambda n: [0, 0, -10 * n], 200, SeriesNumber=4, StudyInstanceUID=study)
    site.ingest(*found)
    return site.study_id("Two planes")


def viewport(page: Page, number: int) -> Locator:
    return page.locator(".viewport").nth(number)


def place(page: Page, number: int) -> Locator:
    return viewport(page, number).locator('[data-corner="place"]')


def middle_grey(page: Page, number: int, grey: int) -> None:
    """Wait until the middle of a viewport is painted in this grey."""
    page.wait_for_function(
        """([number, grey]) => {
          const canvas = document.querySelectorAll('.viewport canvas')[number];
          if (!canvas) return false;
          const [x, y] = [canvas.width / 2 + 20, canvas.height / 2 + 20];
          const data = canvas.getContext('2d').getImageData(x, y, 1, 1).data;
          return Math.abs(data[0] - grey) <= 2;
        }""",
        arg=[number, grey],
        timeout=10_000,
    )


def layout(page: Page, shape: str) -> None:
    page.get_by_role("button", name="Layout", exact=True).click()
    page.locator(f'[data-layout="{shape}"]').click()


def test_layouts_drops_links_and_lines(portal: Portal, planes: int) -> None:
    page = portal()
    page.goto(f"/studies/{planes}/view/")
    middle_grey(page, 0, 41)

    # New viewports take the series that are not shown yet; those beyond stay empty.
    layout(page, "2x3")
    expect(page.locator(".viewport")).to_have_count(6)
    for number, grey in enumerate((41, 101, 151, 201)):
        middle_grey(page, number, grey)
    expect(viewport(page, 5)).to_contain_text("Drag a series here")

    # A click makes a viewport the active one: keys and slider are its.
    viewport(page, 1).click()
    page.keyboard.press("ArrowDown")
    middle_grey(page, 1, 102)
    middle_grey(page, 0, 41)
    page.keyboard.press("Tab")
    expect(viewport(page, 2)).to_have_attribute("data-active", "")

    # A series is dragged from the strip.
    page.locator(".thumb").nth(3).drag_to(viewport(page, 5))
    middle_grey(page, 5, 201)
    expect(viewport(page, 5)).to_have_attribute("data-active", "")

    # Reference lines: axial image 1 at z = -10 lies at row 10.5 of the coronal image, over all its columns.
    page.keyboard.press("g")
    line = viewport(page, 2).locator("line.reference")
    expect(line).to_have_count(2)  # of both axial stacks; the one in another space has none
    assert rows_of(page, 2, line) == [pytest.approx(10.5, abs=0.15), pytest.approx(8.5, abs=0.15)]
    assert columns_of(page, 2, line.first) == pytest.approx((0, SIDE), abs=0.15)
    expect(viewport(page, 0).locator("line.reference")).to_have_count(1)
    expect(viewport(page, 3).locator("line.reference")).to_have_count(0)

    # Linked: image 4 at z = -40 is image 10 of the other axial stack; no other place is the same.
    page.keyboard.press("j")
    expect(viewport(page, 0)).to_have_attribute("data-linked", "true")
    expect(viewport(page, 3)).to_have_attribute("data-linked", "false")
    viewport(page, 0).click()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    middle_grey(page, 0, 44)
    middle_grey(page, 1, 110)
    expect(place(page, 1)).to_have_text("Image 10 / 15")
    expect(place(page, 3)).to_have_text("Image 1 / 4")
    expect(place(page, 2)).to_have_text("Image 1 / 3")
    page.wait_for_function(
        "document.querySelectorAll('.viewport')[2].querySelector('.line-number').textContent === '4'"
    )
    assert rows_of(page, 2, line) == [pytest.approx(40.5, abs=0.15), pytest.approx(40.5, abs=0.15)]

    # The same window and zoom, when asked for.
    page.get_by_role("button", name="Link", exact=True).click()
    page.get_by_role("button", name="Same window").click()
    page.get_by_role("button", name="Same zoom").click()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    for number in range(4):
        expect(viewport(page, number).locator('[data-corner="window"]')).to_have_text("W 1800 L 400")
    page.keyboard.press("Shift+0")
    expect(viewport(page, 2).locator('[data-corner="zoom"]')).to_have_text("zoom 1×")

    # Twice pressed, one has the whole stage; again, all are back. Fewer viewports keep the active one.
    viewport(page, 2).dblclick()
    expect(viewport(page, 0)).to_be_hidden()
    box = viewport(page, 2).bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (1184, 670)
    viewport(page, 2).dblclick()
    expect(viewport(page, 0)).to_be_visible()
    layout(page, "1x1")
    expect(page.locator(".viewport")).to_have_count(1)
    expect(place(page, 0)).to_have_text("Image 1 / 3")


def ends(page: Page, number: int, line: Locator) -> list[float]:
    """The ends of a line in stored pixels of the fitted frame of a viewport."""
    width, height = viewport(page, number).evaluate(
        "(element) => [element.clientWidth, element.clientHeight]"
    )
    scale = min(width, height) / SIDE
    left, top = (width - SIDE * scale) / 2, (height - SIDE * scale) / 2
    x1, y1, x2, y2 = (float(line.get_attribute(name) or "nan") for name in ("x1", "y1", "x2", "y2"))
    return [(x1 - left) / scale, (y1 - top) / scale, (x2 - left) / scale, (y2 - top) / scale]


def rows_of(page: Page, number: int, lines: Locator) -> list[float]:
    return [ends(page, number, line)[1] for line in lines.all()]


def columns_of(page: Page, number: int, line: Locator) -> tuple[float, float]:
    x1, _, x2, _ = ends(page, number, line)
    return min(x1, x2), max(x1, x2)


def test_the_place_of_a_cut_is_right_for_tilted_planes(portal: Portal) -> None:
    page = portal("")
    page.goto("/login/")
    page.evaluate("async () => { window.planes = await import('/static/js/viewer/layout/planes.js'); }")
    shape = "columns: 100, rows: 80, spacing: [2, 1], spacingBasis: 'pixel'"
    axial = f"planes.planeOf({{ position: [0, 0, 0], orientation: [1, 0, 0, 0, 1, 0], {shape} }})"
    # Tilted by 45 degrees about x, through y = 40: z = y - 40 along it.
    tilted = (
        "planes.planeOf({ position: [20, 0, -40], orientation: [1, 0, 0, 0, Math.SQRT1_2, Math.SQRT1_2],"
        " columns: 50, rows: 100, spacing: [1, 1], spacingBasis: 'pixel' })"
    )
    cut = page.evaluate(f"planes.crossing({axial}, {tilted})")
    (x0, y0), (x1, y1) = sorted(cut)
    # x from 19.5 to 69.5 in columns of 1 mm from -0.5; y = 40 in rows of 2 mm from -1.
    assert (x0, x1) == (pytest.approx(20), pytest.approx(70))
    assert y0 == y1 == pytest.approx(20.5)
    # A slice that ends before the plane does not cut it, nor does one that faces the same way.
    short = tilted.replace("rows: 100", "rows: 20")
    assert page.evaluate(f"planes.crossing({axial}, {short})") is None
    assert page.evaluate(f"planes.crossing({axial}, {axial.replace('[0, 0, 0]', '[0, 0, 9]')})") is None
    # Without a position, or measured at the detector, there is no plane.
    assert page.evaluate(f"planes.planeOf({{ orientation: [1, 0, 0, 0, 1, 0], {shape} }})") is None
