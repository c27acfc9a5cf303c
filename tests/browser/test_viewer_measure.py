"""Drawing on images: what is measured, how it is changed, undone, kept, and shown to nobody else."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DigitalXRayImageStorageForPresentation, UltrasoundImageStorage, generate_uid

from tests.browser.conftest import Portal, Site
from tests.browser.screens import Screen
from tests.objects import ct_slice

COLUMNS, ROWS = 100, 50  # rows of 2 mm, columns of 1 mm: shown as 50 x 50


def region(left: int, right: int) -> Dataset:
    ds = Dataset()
    ds.RegionLocationMinX0, ds.RegionLocationMaxX1 = left, right
    ds.RegionLocationMinY0, ds.RegionLocationMaxY1 = 0, 49
    ds.PhysicalDeltaX = ds.PhysicalDeltaY = 0.05
    ds.PhysicalUnitsXDirection = ds.PhysicalUnitsYDirection = 3
    ds.RegionSpatialFormat, ds.RegionDataType, ds.RegionFlags = 1, 1, 0
    return ds


def picture(number: int, **changes: object) -> Dataset:
    ramp = np.tile(np.arange(COLUMNS, dtype="<i2"), (ROWS, 1))
    return ct_slice(
        SeriesInstanceUID=generate_uid(),
        SeriesNumber=number,
        StudyDescription="To measure",
        PatientID="M1",
        Rows=ROWS,
        Columns=COLUMNS,
        RescaleSlope=2,
        RescaleIntercept=-10,
        WindowCenter=90,
        WindowWidth=200,
        PixelData=ramp.tobytes(),
        **changes,
    )


@pytest.fixture(scope="module")
def measured(site: Site) -> int:
    """A CT of oblong pixels whose value is 2 * column - 10, a radiograph, an ultrasound of two regions."""
    study = generate_uid()
    site.ingest(
        picture(1, StudyInstanceUID=study, PixelSpacing=[2, 1]),
        picture(
            2,
            StudyInstanceUID=study,
            SOPClassUID=DigitalXRayImageStorageForPresentation,
            Modality="DX",
            PixelSpacing=None,
            ImagerPixelSpacing=[0.2, 0.2],
        ),
        picture(
            3,
            StudyInstanceUID=study,
            SOPClassUID=UltrasoundImageStorage,
            Modality="US",
            PixelSpacing=None,
            SequenceOfUltrasoundRegions=Sequence([region(0, 39), region(60, 99)]),
        ),
    )
    return site.study_id("To measure")


class Sheet:
    """A viewer's page on which is drawn in stored pixels of the fitted image."""

    def __init__(self, page: Page, study: int, columns: float, rows: float) -> None:
        self.page = page
        page.goto(f"/studies/{study}/view/")
        self.shape(columns, rows)
        expect(page.locator('[data-dock="stream"]')).to_have_text(" · as stored")

    def shape(self, columns: float, rows: float) -> None:
        """How large the image is on the screen in square pixels."""
        self.screen = Screen(self.page, int(columns), int(rows))
        self.per = (columns / COLUMNS, rows / ROWS)

    def at(self, column: float, row: float) -> tuple[float, float]:
        """Where a place of the image lies on the page."""
        left, top, width, height = self.screen.stage
        scale = self.screen.scale
        x = left + width / 2 + (column - COLUMNS / 2) * self.per[0] * scale
        return x, top + height / 2 + (row - ROWS / 2) * self.per[1] * scale

    def draw(self, *places: tuple[float, float]) -> None:
        """Press at the first place, let go at the second, and so on."""
        mouse = self.page.mouse
        for number, place in enumerate(places):
            mouse.move(*self.at(*place), steps=3)
            if number % 2 == 0:
                mouse.down()
            else:
                mouse.up()
        if len(places) % 2:
            mouse.up()

    def marks(self, shape: str) -> Locator:
        return self.page.locator(f'[data-shape="{shape}"]')

    def label(self, shape: str, number: int = 0) -> Locator:
        return self.marks(shape).nth(number).locator(".mark-label")


def test_every_tool_measures_what_is_stored_and_undo_takes_it_back(portal: Portal, measured: int) -> None:
    page = portal()
    sheet = Sheet(page, measured, 100, 100)

    # 30 columns of 1 mm and 20 rows of 2 mm: 50 mm.
    page.keyboard.press("l")
    sheet.draw((10, 10), (40, 30))
    expect(sheet.label("length")).to_have_text("L1 · 50 mmby pixel spacing")
    line = sheet.marks("length").locator(".mark-line").first
    x0, y0 = (float(part) for part in (line.get_attribute("points") or "").split()[0].split(","))
    left, top, _, _ = sheet.screen.stage
    expected = sheet.at(10, 10)
    assert (x0 + left, y0 + top) == (pytest.approx(expected[0], abs=1), pytest.approx(expected[1], abs=1))

    # An end is moved by its handle, the whole by its line, and undone step by step.
    sheet.draw((40, 30), (40, 10))
    expect(sheet.label("length")).to_contain_text("L1 · 30 mm")
    sheet.draw((25, 10), (25, 20))
    expect(sheet.label("length")).to_contain_text("L1 · 30 mm")
    page.keyboard.press("u")
    page.keyboard.press("u")
    expect(sheet.label("length")).to_contain_text("L1 · 50 mm")
    page.keyboard.press("u")
    expect(sheet.marks("length")).to_have_count(0)
    page.keyboard.press("Shift+U")
    expect(sheet.label("length")).to_contain_text("L1 · 50 mm")

    # One column across and half a row down: 45 degrees of the patient.
    page.keyboard.press("a")
    sheet.draw((80, 40), (60, 40))
    sheet.draw((80, 30))
    expect(sheet.label("angle")).to_have_text("A1 · 45°")
    page.keyboard.press("c")
    sheet.draw((60, 5), (80, 5))
    sheet.draw((60, 15), (80, 10))
    expect(sheet.label("cobb")).to_have_text(re.compile(r"^C1 · 26\.6°$"))

    # Columns 10 to 19 of the ramp: -10 + 2 * 10 .. -10 + 2 * 19.
    page.keyboard.press("Shift+E")
    sheet.draw((10.1, 40.1), (20.1, 45.1))
    expect(sheet.label("rectangle")).to_have_text(
        re.compile(r"R1 · 100 mm².*mean 19 SD 5\.7( HU)?10 to 28, 50 pixelsby pixel spacing$")
    )
    page.keyboard.press("8")
    sheet.screen.expect_corner("window", "W 19 L 19.5")

    page.keyboard.press("e")
    sheet.draw((60, 20), (90, 28))
    expect(sheet.label("ellipse")).to_contain_text("E1 · 377 mm²")
    page.keyboard.press("b")
    sheet.draw((30.5, 5.5))
    expect(sheet.label("probe")).to_have_text(re.compile(r"^B1 · 50( HU)?$"))
    page.keyboard.press("r")
    sheet.draw((5, 5), (12, 8))
    expect(sheet.marks("arrow")).to_have_count(1)
    page.keyboard.press("t")
    sheet.draw((45, 45))
    page.locator(".mark-field").fill("<b>here</b>")
    page.keyboard.press("Enter")
    expect(sheet.label("text")).to_have_text("<b>here</b>")

    # All turn with the picture, and come back when the page does.
    page.keyboard.press("]")
    expect(sheet.label("length")).to_contain_text("L1 · 50 mm")
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.keyboard.press("Delete")
    expect(sheet.marks("text")).to_have_count(0)
    page.reload()
    for shape in ("length", "angle", "cobb", "rectangle", "ellipse", "probe", "arrow"):
        expect(sheet.marks(shape)).to_have_count(1)
    expect(sheet.marks("text")).to_have_count(0)
    expect(sheet.label("cobb")).to_have_text(re.compile(r"^C1 · 26\.6°$"))

    # Nobody else sees them.
    other = portal(person="omar")
    elsewhere = Sheet(other, measured, 100, 100)
    expect(elsewhere.page.locator("[data-mark]")).to_have_count(0)


def test_lengths_say_their_basis_or_refuse(portal: Portal, measured: int) -> None:
    page = portal(person="omar")
    sheet = Sheet(page, measured, 100, 100)
    page.keyboard.press("ArrowRight")
    sheet.shape(100, 50)
    expect(page.locator('[data-corner="size"], [data-corner="series"]').first).to_contain_text("Series 2")
    page.keyboard.press("l")
    sheet.screen.expect_greys({(50, 25): 127.5}, tolerance=130)
    sheet.draw((10, 10), (40, 10))
    expect(sheet.label("length")).to_have_text("L1 · 6 mmat the detector, not in the patient")
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-corner="series"]')).to_contain_text("Series 3")
    expect(page.locator("[data-mark]")).to_have_count(0)
    sheet.draw((10, 10), (30, 10))
    expect(sheet.label("length")).to_have_text("L2 · 10 mmby the ultrasound region")
    sheet.draw((10, 30), (70, 30))
    expect(sheet.label("length", 1)).to_contain_text("L3 · across two regions: no common scale")
    expect(sheet.label("length", 1)).to_have_class(re.compile("doubtful"))


def test_marks_that_wait_to_be_kept_are_kept_when_the_page_is_left(portal: Portal, measured: int) -> None:
    page = portal(person="omar")
    sheet = Sheet(page, measured, 100, 100)
    line = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 500, "downloadThroughput": -1, "uploadThroughput": -1}
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", slow)
    page.keyboard.press("b")
    for row in range(5, 45, 10):
        sheet.draw((30.5, row + 0.5))
    expect(sheet.marks("probe")).to_have_count(4)
    page.goto("/studies/")
    line.send("Network.emulateNetworkConditions", {**slow, "latency": 0})
    for _ in range(10):  # what was sent on leaving may arrive after the next page
        Sheet(page, measured, 100, 100)
        if sheet.marks("probe").count() == 4:
            break
    expect(sheet.marks("probe")).to_have_count(4)
