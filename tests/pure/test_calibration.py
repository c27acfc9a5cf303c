"""What a pixel measures and on whose word: PS3.3 10.7, and ultrasound regions."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from archive.dicom.reader import read_header
from archive.imaging.calibration import Basis, Calibration, Refusal, Scale, calibration_read, scale_at
from tests.objects import ct_slice, part10


def calibration(**changes: Any) -> Calibration:
    return calibration_read(read_header(io.BytesIO(part10(ct_slice(**changes)))))


@pytest.mark.parametrize(
    ("attributes", "basis", "spacing"),
    [
        ({"PixelSpacing": [0.5, 0.25]}, Basis.SPACING, (0.5, 0.25)),
        ({"PixelSpacing": None}, Basis.NONE, None),
        ({"PixelSpacing": [0, 0]}, Basis.NONE, None),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.2, 0.2]}, Basis.DETECTOR, (0.2, 0.2)),
        # Repeated, it is no calibration: PS3.3 10.7.1.3.
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, Basis.DETECTOR, (0.2, 0.2)),
        (
            {"PixelSpacing": [0.15, 0.15], "ImagerPixelSpacing": [0.2, 0.2]},
            Basis.GEOMETRY,
            (0.15, 0.15),
        ),
        (
            {
                "PixelSpacing": [0.15, 0.15],
                "ImagerPixelSpacing": [0.2, 0.2],
                "PixelSpacingCalibrationType": "FIDUCIAL",
            },
            Basis.FIDUCIAL,
            (0.15, 0.15),
        ),
        (
            {
                "PixelSpacing": None,
                "ImagerPixelSpacing": [0.2, 0.2],
                "EstimatedRadiographicMagnificationFactor": 1.25,
            },
            Basis.MAGNIFICATION,
            (0.16, 0.16),
        ),
        ({"PixelSpacing": None, "NominalScannedPixelSpacing": [0.1, 0.1]}, Basis.NOMINAL, (0.1, 0.1)),
    ],
)
def test_the_basis_of_a_length(
    attributes: dict[str, Any], basis: Basis, spacing: tuple[float, float] | None
) -> None:
    found = calibration(**attributes)
    assert found.basis is basis
    assert found.spacing == (pytest.approx(spacing) if spacing else None)


def test_without_a_spacing_the_shape_of_a_pixel_still_counts() -> None:
    found = calibration(PixelSpacing=None, PixelAspectRatio=[4, 2])
    assert scale_at(found, [(0, 0)]) == Scale(Basis.NONE, (2.0, 1.0), "")


def region(left: int, right: int, units: int = 3, delta: float = 0.05) -> Dataset:
    ds = Dataset()
    ds.RegionLocationMinX0, ds.RegionLocationMaxX1 = left, right
    ds.RegionLocationMinY0, ds.RegionLocationMaxY1 = 0, 99
    ds.PhysicalDeltaX, ds.PhysicalDeltaY = delta, 2 * delta
    ds.PhysicalUnitsXDirection = ds.PhysicalUnitsYDirection = units
    ds.RegionSpatialFormat, ds.RegionDataType, ds.RegionFlags = 1, 1, 0
    return ds


def test_a_length_in_one_region_has_its_scale() -> None:
    found = calibration(SequenceOfUltrasoundRegions=Sequence([region(0, 49), region(50, 99, delta=0.1)]))
    # Centimetres are told in millimetres: (down, along).
    assert scale_at(found, [(10, 10), (40, 90)]) == Scale(Basis.REGION, (1.0, 0.5), "mm")
    assert scale_at(found, [(60, 10), (90, 90)]) == Scale(Basis.REGION, (2.0, 1.0), "mm")


def test_across_two_regions_there_is_no_length() -> None:
    found = calibration(SequenceOfUltrasoundRegions=Sequence([region(0, 49), region(60, 99)]))
    assert scale_at(found, [(10, 10), (70, 10)]) is Refusal.TWO_REGIONS
    assert scale_at(found, [(10, 10), (55, 10)]) is Refusal.OUTSIDE_REGIONS
    assert scale_at(found, [(52, 10), (55, 10)]) == Scale(Basis.NONE, (1.0, 1.0), "")


def test_a_region_inside_another_is_the_one_drawn_in() -> None:
    found = calibration(SequenceOfUltrasoundRegions=Sequence([region(0, 99), region(20, 40, delta=0.1)]))
    assert scale_at(found, [(25, 1), (30, 1)]) == Scale(Basis.REGION, (2.0, 1.0), "mm")


def test_a_region_of_something_else_than_lengths_refuses() -> None:
    found = calibration(SequenceOfUltrasoundRegions=Sequence([region(0, 99, units=7)]))
    assert scale_at(found, [(25, 1), (30, 1)]) is Refusal.OTHER_UNITS
