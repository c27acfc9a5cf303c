"""A segmentation over the image: off, on, in its colour, with its name, under any window."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pydicom.uid import generate_uid

from tests.browser.conftest import Portal, Site
from tests.browser.test_viewer_reformat import AXIAL, SIDE, grey, on_screen
from tests.objects import ct_slice
from tests.pure.test_segmentation import group, segmentation


@pytest.fixture(scope="module")
def segmented(site: Site) -> int:
    """Two images of one grey; over the first lie a red segment on its left and a green one below right."""
    one = {"StudyInstanceUID": generate_uid(), "PatientID": "S1", "PatientName": "Segment^Sam"}
    series = generate_uid()
    images = [
        ct_slice(
            StudyDescription="Segmented",
            SeriesInstanceUID=series,
            SeriesNumber=1,
            InstanceNumber=number,
            ImagePositionPatient=[0, 0, -number],
            Rows=SIDE,
            Columns=SIDE,
            PixelSpacing=[1, 1],
            WindowCenter=128,
            WindowWidth=256,
            PixelData=np.full((SIDE, SIDE), 100, "<i2").tobytes(),
            **one,
        )
        for number in (1, 2)
    ]
    left, low = np.zeros((SIDE, SIDE), int), np.zeros((SIDE, SIDE), int)
    left[:, :24] = 1
    low[40:, 40:] = 1
    uid = images[0].SOPInstanceUID
    over = segmentation(
        "BINARY",
        [left, low],
        [group(1, uid), group(2, uid)],
        StudyDescription="Segmented",
        SeriesDescription="Organs",
        SeriesNumber=9,
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
        PixelSpacing=None,
        **one,
    )
    site.ingest(*images, over)
    return site.study_id("Segmented")


def seen(page: Page, column: float, row: float) -> list[int]:
    """The colour on the screen over a place of the image, everything that lies over it counted in."""
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    x, y = on_screen(page, 0, column, row, AXIAL)
    return [int(part) for part in shot[int(y), int(x)]]


def test_segments_lie_over_the_image_in_their_colours(portal: Portal, segmented: int) -> None:
    page = portal()
    page.goto(f"/studies/{segmented}/view/")
    grey(page, 0, 32, 20, AXIAL, 100)
    assert seen(page, 12.5, 20.5) == [100, 100, 100]

    page.get_by_role("button", name="Segmentations", exact=True).click()
    row = page.locator("#segments").get_by_role("button", name="Organs")
    expect(row).to_contain_text("Liver")
    expect(row).to_contain_text("Tumour")
    row.click()
    expect(row).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".viewport .segment-name")).to_have_text(["Liver", "Tumour"])
    page.wait_for_function(
        "fetch(document.querySelector('image.segment').href.baseVal).then((answer) => answer.ok)"
    )

    # Half of what lies below, half of the colour: (100 + 255) / 2, (100 + 0) / 2.
    for _ in range(100):
        if seen(page, 12.5, 20.5) != [100, 100, 100]:
            break
        page.wait_for_timeout(50)
    assert seen(page, 12.5, 20.5) == pytest.approx([178, 50, 50], abs=3)
    assert seen(page, 23.3, 35.5) == pytest.approx([178, 50, 50], abs=3)
    assert seen(page, 24.7, 35.5) == [100, 100, 100]
    assert seen(page, 41.5, 45.5) == pytest.approx([90, 143, 98], abs=3)

    # Another window changes what lies below, and only that.
    page.keyboard.press("3")  # bone: centre 400, width 1800
    below = round((100 - 399.5) / 1799 * 255 + 127.5)
    grey(page, 0, 32, 20, AXIAL, below)
    assert seen(page, 12.5, 20.5) == pytest.approx([(below + 255) / 2, below / 2, below / 2], abs=3)
    # It turns with the image.
    page.keyboard.press("]")
    page.wait_for_function("document.querySelector('image.segment') !== null")
    assert seen(page, 40.5, 12.5) == pytest.approx([(below + 255) / 2, below / 2, below / 2], abs=3)
    page.keyboard.press("[")

    # Nothing lies over the other image.
    page.keyboard.press("ArrowDown")
    expect(page.locator("image.segment")).to_have_count(0)
    expect(page.locator(".viewport .segment-name")).to_have_count(0)
