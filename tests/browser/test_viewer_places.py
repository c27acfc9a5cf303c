"""Frames of a multi-frame image lie where their functional groups say: linked and cut like slices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, generate_uid

from tests.browser.conftest import Portal, Site
from tests.browser.test_viewer_layout import (
    SIDE,
    columns_of,
    layout,
    middle_grey,
    place,
    rows_of,
    slices,
    viewport,
)
from tests.objects import ct_slice, item

FRAMES = 6


def enhanced(**shared: Any) -> Dataset:
    """Six axial frames, the n-th at z = -10 n and of grey 40 + n."""
    pixels = np.stack([np.full((SIDE, SIDE), 40 + n, "<i2") for n in range(1, FRAMES + 1)])
    groups = item(
        PixelMeasuresSequence=Sequence([item(PixelSpacing=[1, 1], SliceThickness=10)]),
        PlaneOrientationSequence=Sequence([item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]),
        PixelValueTransformationSequence=Sequence(
            [item(RescaleIntercept=0, RescaleSlope=1, RescaleType="HU")]
        ),
        FrameVOILUTSequence=Sequence([item(WindowCenter=128, WindowWidth=256)]),
    )
    frames = [
        item(PlanePositionSequence=Sequence([item(ImagePositionPatient=[0, 0, -10 * n])]))
        for n in range(1, FRAMES + 1)
    ]
    ds = ct_slice(
        **shared,
        SOPClassUID=EnhancedCTImageStorage,
        SeriesInstanceUID=generate_uid(),
        SeriesNumber=1,
        StudyDescription="Frames and slices",
        PatientID="L2",
        PatientName="Plane^Petra",
        Rows=SIDE,
        Columns=SIDE,
        NumberOfFrames=FRAMES,
        SharedFunctionalGroupsSequence=Sequence([groups]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
        PixelData=pixels.tobytes(),
    )
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        if keyword in ds:
            del ds[keyword]
    return ds


@pytest.fixture(scope="module")
def frames(site: Site) -> int:
    """The frames, axial slices each 4 mm and coronal ones, in one space."""
    one = {"StudyInstanceUID": generate_uid(), "FrameOfReferenceUID": generate_uid()}
    coronal = {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1], "SeriesNumber": 3}
    found = slices(15, lambda n: [0, 0, -4 * n], 100, SeriesNumber=2, **one)
    found += slices(3, lambda n: [0, 10 * n, 0], 150, **coronal, **one)
    for ds in found:
        ds.StudyDescription, ds.PatientID = "Frames and slices", "L2"
    site.ingest(enhanced(**one), *found)
    return site.study_id("Frames and slices")


def test_frames_are_linked_and_cut_where_they_lie(portal: Portal, frames: int) -> None:
    page = portal()
    page.goto(f"/studies/{frames}/view/")
    middle_grey(page, 0, 41)
    layout(page, "2x2")
    middle_grey(page, 1, 101)
    middle_grey(page, 2, 151)

    # Frame 1 at z = -10 lies at row 10.5 of the coronal image.
    page.keyboard.press("g")
    line = viewport(page, 2).locator("line.reference")
    expect(line).to_have_count(2)
    assert rows_of(page, 2, line)[0] == pytest.approx(10.5, abs=0.15)
    assert columns_of(page, 2, line.first) == pytest.approx((0, SIDE), abs=0.15)

    # Linked: frame 4 at z = -40 is image 10 of the slices, and image 5 of those, at z = -20, is frame 2.
    page.keyboard.press("j")
    expect(viewport(page, 0)).to_have_attribute("data-linked", "true")
    viewport(page, 0).click()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    middle_grey(page, 0, 44)
    middle_grey(page, 1, 110)
    expect(place(page, 1)).to_have_text("Image 10 / 15")
    page.wait_for_function(
        "document.querySelectorAll('.viewport')[2].querySelector('.line-number').textContent === '4'"
    )
    assert rows_of(page, 2, line)[0] == pytest.approx(40.5, abs=0.15)
    viewport(page, 1).click()
    for _ in range(5):
        page.keyboard.press("ArrowUp")
    expect(place(page, 1)).to_have_text("Image 5 / 15")
    expect(place(page, 0)).to_have_text("Frame 2 / 6")
    middle_grey(page, 0, 42)
