"""Pictures of the demonstration that are no slices: radiographs, mammograms, an ultrasound loop."""

from __future__ import annotations

import datetime
import io
from typing import Final

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    UltrasoundMultiFrameImageStorage,
)

from archive.demonstration import echo as loop
from archive.demonstration import radiographs
from archive.demonstration.cast import Part, Series
from archive.demonstration.datasets import Built, attributes, data_set, seed_of, set_frames, set_pixels
from archive.demonstration.painting import Array
from archive.demonstration.thorax import Person

_CR_HEIGHT_MM: Final = 420.0


# -- projections


def _sop_class(series: Series) -> str:
    return (
        ComputedRadiographyImageStorage if series.modality == "CR" else DigitalXRayImageStorageForPresentation
    )


def _radiograph(part: Part, series: Series, number: int, today: datetime.date, view: str) -> Dataset:
    ds = data_set(
        part.study, series, number, _sop_class(series), today, ViewPosition=view, KVP=125, Exposure=2
    )
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.PatientOrientation = ["P", "F"] if view == "LL" else ["L", "F"]
    ds.BurnedInAnnotation = "NO"
    return ds


def _show(ds: Dataset, pixels: radiographs.Pixels) -> None:
    low, high = (float(value) for value in np.percentile(pixels[::8, ::8], (3, 99.7)))
    ds.WindowCenter, ds.WindowWidth = round((low + high) / 2), round(high - low)
    set_pixels(ds, pixels)


def chest_cr(part: Part, today: datetime.date) -> Built:
    """Front and side of one person, on large plates with ruler and step wedge."""
    person = Person(seed=5, arms=True, contrast=False, lesion=None, table=False, width=0.92)
    pictures = radiographs.projections(person, 205, 205 - _CR_HEIGHT_MM, 1.7, 0.8)
    rows = 2520
    pixel = _CR_HEIGHT_MM / rows
    for (series, number), picture, view in zip(part.objects, pictures, ("PA", "LL"), strict=True):
        columns = round(picture.shape[1] * 0.8 / pixel)
        pixels = radiographs.film(
            _padded(picture, 0.8), rows, max(columns, 2080), seed_of(part, number), ruler_mm=pixel
        )
        ds = _radiograph(part, series, number, today, view)
        ds.PixelSpacing = ds.ImagerPixelSpacing = [round(pixel, 6)] * 2
        _show(ds, pixels)
        yield series, number, ds, ExplicitVRLittleEndian


def _padded(picture: Array, across: float) -> Array:
    """Air at both sides, so that the plate is at least 350 mm wide."""
    lacking = max(0, round(2080 * _CR_HEIGHT_MM / 2520 / across) - picture.shape[1])
    return np.pad(picture, [(0, 0), (lacking // 2, lacking - lacking // 2)])


_BODIES: Final = {
    "wang-dx": Person(
        seed=3, arms=True, contrast=False, lesion=(-72.0, -18.0, 52.0), lesion_radius=7, table=False
    ),
    "mueller-dx": Person(
        seed=11, arms=True, contrast=False, lesion=None, table=False, heart=1.22, width=1.06
    ),
    "shan-cr": Person(
        seed=12, arms=True, contrast=False, lesion=(60.0, 10.0, -20.0), lesion_radius=19, table=False
    ),
    "zeng-dx": Person(seed=13, arms=True, contrast=False, lesion=None, table=False, width=0.86, heart=1.05),
    "nguyen-cr": Person(
        seed=14, arms=True, contrast=False, lesion=(-60.0, 22.0, 88.0), lesion_radius=13, table=False
    ),
}


def chest_small(part: Part, today: datetime.date) -> Built:
    ((series, number),) = part.objects
    picture, _ = radiographs.projections(_BODIES[part.study.key], 205, -205, 3.6, 1.2)
    rows = 1248
    size = (0.55 if part.study.key == "zeng-dx" else 1.0) * 410 / rows  # a child
    pixels = radiographs.film(picture, rows, round(picture.shape[1] * 1.2 / 410 * rows), seed_of(part))
    ds = _radiograph(part, series, number, today, "AP" if "AP" in series.description else "PA")
    ds.ImagerPixelSpacing = [round(size, 6)] * 2
    _show(ds, pixels)
    yield series, number, ds, ExplicitVRLittleEndian


def forearm(part: Part, today: datetime.date) -> Built:
    ((series, number),) = part.objects
    pixels = radiographs.forearm(1440, 720, seed_of(part))
    if series.laterality == "L":
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    radiographs.draw_text(pixels, series.laterality, (60, 60), 70)
    ds = _radiograph(part, series, number, today, "AP")
    ds.ImagerPixelSpacing = [0.25, 0.25]
    _show(ds, pixels)
    yield series, number, ds, ExplicitVRLittleEndian


def breast(part: Part, today: datetime.date) -> Built:
    """MONOCHROME1, kept without loss in JPEG-LS."""
    for series, number in part.objects:
        left = series.laterality == "L"
        pixels = radiographs.breast(2560, 2048, seed_of(part, series.number), left=left, mass=left)
        ds = data_set(part.study, series, number, DigitalMammographyXRayImageStorageForPresentation, today)
        ds.update(attributes(ViewPosition="CC", KVP=28, Exposure=85, ImageType=["ORIGINAL", "PRIMARY", ""]))
        ds.PatientOrientation = ["A", "R"] if left else ["P", "L"]
        ds.ImagerPixelSpacing = [0.1, 0.1]
        ds.PresentationLUTShape = "INVERSE"
        ds.WindowCenter, ds.WindowWidth = 2300, 3400
        set_pixels(ds, pixels, photometric="MONOCHROME1")
        set_frames(ds, [bytes(imagecodecs.jpegls_encode(pixels))], 0)
        yield series, number, ds, JPEGLSLossless


# -- ultrasound


def echo(part: Part, today: datetime.date) -> Built:
    ((series, number),) = part.objects
    frames = []
    for picture in loop.Echo(seed_of(part)).frames():
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=88, subsampling="4:2:2")
        frames.append(buffer.getvalue())
    ds = data_set(part.study, series, number, UltrasoundMultiFrameImageStorage, today)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    ds.NumberOfFrames, ds.FrameTime = len(frames), loop.FRAME_TIME
    ds.FrameIncrementPointer = 0x00181063
    ds.CineRate = ds.RecommendedDisplayFrameRate = round(1000 / loop.FRAME_TIME)
    ds.SequenceOfUltrasoundRegions = Sequence([_region()])
    ds.Rows, ds.Columns, ds.SamplesPerPixel = loop.HEIGHT, loop.WIDTH, 3
    ds.PhotometricInterpretation, ds.PlanarConfiguration = "YBR_FULL_422", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    size = loop.WIDTH * loop.HEIGHT * 3 * len(frames)
    set_frames(ds, frames, size / sum(len(frame) for frame in frames))
    yield series, number, ds, JPEGBaseline8Bit


def _region() -> Dataset:
    """PS3.3 C.8.5.5: the sector, in centimetres."""
    return attributes(
        RegionSpatialFormat=1,
        RegionDataType=1,
        RegionFlags=0,
        RegionLocationMinX0=60,
        RegionLocationMinY0=20,
        RegionLocationMaxX1=580,
        RegionLocationMaxY1=436,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=loop.MM_PER_PIXEL / 10,
        PhysicalDeltaY=loop.MM_PER_PIXEL / 10,
    )
