"""Slices of the demonstration: CT and MR."""

from __future__ import annotations

import datetime
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from archive.demonstration import head, radiographs
from archive.demonstration.cast import Part
from archive.demonstration.datasets import Built, attributes, data_set, seed_of, set_pixels
from archive.demonstration.painting import Array, Plane, resized, smooth
from archive.demonstration.thorax import Person, thorax

_CT_TOP, _CT_STEP, _CT_FIELD = 158.0, 2.5, 370.0
_ORIGINAL: Final = ["ORIGINAL", "PRIMARY", "AXIAL"]


def _planes(center: Array | tuple[float, float, float], pixel: float, size: int) -> dict[str, Any]:
    """Geometry of a transverse slice through ``center``."""
    corner = (size - 1) / 2 * pixel
    return {
        "ImagePositionPatient": [
            round(center[0] - corner, 3),
            round(center[1] - corner, 3),
            round(center[2], 3),
        ],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [round(pixel, 6)] * 2,
        "SliceLocation": round(center[2], 3),
        "PatientPosition": "HFS",
    }


# -- CT


def _hounsfield(ds: Dataset, hu: Array) -> None:
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    set_pixels(ds, np.clip(np.rint(hu) + 1024, 0, 4095).astype(np.uint16))


def chest_ct(part: Part, today: datetime.date) -> Built:
    plane = Plane.square(512, _CT_FIELD)
    person = thorax(Person(seed=3))
    soft, lung = (series for series in part.study.series if series.builder == "chest_ct")
    technique = {
        "KVP": 120,
        "XRayTubeCurrent": 210,
        "ContrastBolusAgent": "Iohexol 350",
        "AcquisitionNumber": 1,
    }
    previous = None
    for number in range(part.first, part.last + 1):
        z = _CT_TOP - _CT_STEP * (number - 1)
        clean = person.cut(z, plane)
        rng = np.random.default_rng(seed_of(part, number))
        ds = data_set(part.study, lung, number, CTImageStorage, today, **technique)
        ds.update(
            attributes(
                SliceThickness=2.5, SpacingBetweenSlices=2.5, ConvolutionKernel="LUNG", ImageType=_ORIGINAL
            )
        )
        ds.update(attributes(**_planes((0, 0, z), plane.step, 512), WindowCenter=-600, WindowWidth=1500))
        _hounsfield(ds, clean + _grain(rng, clean.shape, 34))
        yield lung, number, ds, ExplicitVRLittleEndian
        if number % 2 == 0 and previous is not None:
            half = number // 2
            ds = data_set(part.study, soft, half, CTImageStorage, today, **technique)
            ds.update(
                attributes(
                    SliceThickness=5, SpacingBetweenSlices=5, ConvolutionKernel="SOFT", ImageType=_ORIGINAL
                )
            )
            ds.update(attributes(**_planes((0, 0, z + _CT_STEP / 2), plane.step, 512)))
            ds.update(
                attributes(
                    WindowCenter=[50, 300],
                    WindowWidth=[400, 1800],
                    WindowCenterWidthExplanation=["SOFT", "BONE"],
                )
            )
            _hounsfield(ds, smooth((clean + previous) / 2) + _grain(rng, clean.shape, 13, 2))
            yield soft, half, ds, ExplicitVRLittleEndian
        previous = clean


def _grain(rng: np.random.Generator, shape: tuple[int, ...], deviation: float, coarse: int = 1) -> Array:
    """Noise of a reconstruction: neighbours share it."""
    noise = smooth(rng.standard_normal(shape, dtype=np.float32), coarse)
    return noise * np.float32(deviation / noise.std())


def scout(part: Part, today: datetime.date) -> Built:
    """The coronal survey picture from which slices are planned."""
    (series,) = (series for series in part.study.series if series.builder == "scout")
    front, _ = radiographs.projections(Person(seed=3, lesion=None), 200, -200, 4.0, 1.6)
    picture = resized(front, 512, 512) * np.float32(900 / front.max())
    ds = data_set(
        part.study, series, 1, CTImageStorage, today, KVP=120, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )
    ds.update(
        attributes(
            ImagePositionPatient=[-206, 0, 200],
            ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
            PixelSpacing=[round(400 / 512, 6), round(412 / 512, 6)],
            PatientPosition="HFS",
            WindowCenter=100,
            WindowWidth=900,
        )
    )
    _hounsfield(ds, smooth(picture) - 300 + _grain(np.random.default_rng(seed_of(part)), (512, 512), 9))
    yield series, 1, ds, ExplicitVRLittleEndian


def head_ct(part: Part, today: datetime.date) -> Built:
    (series,) = part.study.series
    plane = Plane.square(512, 240)
    skull = head.Head(seed_of(part), head.BLEED)
    for number in range(part.first, part.last + 1):
        z = 5.0 * number - 52
        ds = data_set(part.study, series, number, CTImageStorage, today, KVP=120, ImageType=_ORIGINAL)
        ds.update(
            attributes(**_planes((0, 0, z), plane.step, 512), SliceThickness=5, ConvolutionKernel="HEAD")
        )
        ds.update(attributes(WindowCenter=40, WindowWidth=80))
        _hounsfield(ds, skull.cut(z, plane, head.CT))
        yield series, number, ds, ExplicitVRLittleEndian


# -- MR

_MR: Final[dict[int, tuple[head.Contrast, dict[str, Any]]]] = {
    2: (head.T1, {"RepetitionTime": 520, "EchoTime": 12, "WindowCenter": 620, "WindowWidth": 1250}),
    3: (head.T2, {"RepetitionTime": 4200, "EchoTime": 98, "WindowCenter": 850, "WindowWidth": 1800}),
    4: (
        head.FLAIR,
        {
            "RepetitionTime": 9000,
            "EchoTime": 110,
            "InversionTime": 2500,
            "WindowCenter": 680,
            "WindowWidth": 1400,
        },
    ),
}


def brain_mr(part: Part, today: datetime.date) -> Built:
    plane = Plane.square(256, 230)
    skull = head.Head(seed_of(part), head.WHITE_MATTER_SPOTS)
    for series, number in part.objects:
        look, technique = _MR[series.number]
        z = 5.6 * number - 56
        ds = data_set(part.study, series, number, MRImageStorage, today, **technique)
        ds.update(
            attributes(**_planes((0, 0, z), plane.step, 256), SliceThickness=5, SpacingBetweenSlices=5.6)
        )
        ds.update(
            attributes(MagneticFieldStrength=3, FlipAngle=90, ScanningSequence="SE", MRAcquisitionType="2D")
        )
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "SE"]
        set_pixels(ds, np.clip(skull.cut(z, plane, look), 0, 4095).astype(np.uint16))
        yield series, number, ds, ExplicitVRLittleEndian
