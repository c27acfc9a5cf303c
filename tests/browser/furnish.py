"""Furnishes the site of the browser tests, in a process of its own: tables, people, studies.

``python -m tests.browser.furnish new`` makes all; ``... ingest FILE...`` takes in files.
The studies are few and told apart by name, so that a test can say what it sees.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pacs_site.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from pydicom.dataset import Dataset  # noqa: E402
from pydicom.uid import (  # noqa: E402
    BasicTextSRStorage,
    DigitalXRayImageStorageForPresentation,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from archive.ingest import Origin, file_ingest  # noqa: E402
from tests import objects, people  # noqa: E402
from tests.browser.pictures import disc  # noqa: E402

MARKUP = "<img src=x onerror=alert(1)>"
SLICES = 24


class WithoutMigrations:
    """Tables straight from the models, of every app: quicker, and a proxy cannot stand on another way."""

    def __contains__(self, app: str) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


def tables() -> None:
    settings.MIGRATION_MODULES = WithoutMigrations()
    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    call_command("compilecatalogue", verbosity=0)


def cast() -> None:
    rita, omar = people.rita_reader(), people.omar_operator()
    rita.first_name, rita.last_name = "Rita", "Reader"
    omar.first_name, omar.last_name = "小明", "林"
    rita.save()
    omar.save()
    people.ada_administrator()
    people.nobody_nil()
    people.lena_linguist()


def stack(count: int = SLICES, size: int = 128, **changes: Any) -> list[Dataset]:
    """A CT series of one body."""
    series = generate_uid()
    changes.setdefault("StudyInstanceUID", generate_uid())
    return [
        objects.ct_slice(
            SeriesInstanceUID=series,
            InstanceNumber=number,
            Rows=size,
            Columns=size,
            SliceThickness=5,
            ImagePositionPatient=[0, 0, -5 * number],
            PixelData=disc(size, number / count).tobytes(),
            **changes,
        )
        for number in range(1, count + 1)
    ]


def report(**changes: Any) -> Dataset:
    """A structured report: no picture."""
    ds = objects.ct_slice(
        SOPClassUID=BasicTextSRStorage, Modality="SR", SeriesDescription="Dose report", **changes
    )
    for keyword in ("Rows", "Columns", "PixelData", "BitsAllocated", "WindowCenter", "WindowWidth"):
        delattr(ds, keyword)
    return ds


def cine(**changes: Any) -> Dataset:
    """A colour ultrasound of twelve frames."""
    size, frames = 96, 12
    pixels = np.zeros((frames, size, size, 3), dtype="u1")
    for frame in range(frames):
        pixels[frame, 10 + frame * 5 : 24 + frame * 5, 20:76] = (200, 60, 40)
    ds = objects.ct_slice(
        SOPClassUID=UltrasoundMultiFrameImageStorage,
        Modality="US",
        SeriesDescription="Four chambers",
        PixelRepresentation=0,
        HighBit=7,
        BitsAllocated=8,
        BitsStored=8,
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        Rows=size,
        Columns=size,
        PixelData=pixels.tobytes(),
        **changes,
    )
    ds.PlanarConfiguration, ds.NumberOfFrames, ds.FrameTime = 0, frames, 40
    for keyword in ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept"):
        delattr(ds, keyword)
    return ds


def radiograph(**changes: Any) -> Dataset:
    """A plain ramp as a digital radiograph."""
    size = 200
    pixels = np.tile(np.linspace(0, 4095, size, dtype="<u2"), (size, 1))
    return objects.ct_slice(
        SOPClassUID=DigitalXRayImageStorageForPresentation,
        Modality="DX",
        PixelRepresentation=0,
        BitsStored=12,
        HighBit=11,
        Rows=size,
        Columns=size,
        WindowCenter=2048,
        WindowWidth=4096,
        PixelData=pixels.tobytes(),
        **changes,
    )


def person(ds: Dataset, name: str, patient_id: str, birth: str, sex: str) -> Dataset:
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = name, patient_id, birth, sex
    return ds


def wang() -> list[Dataset]:
    """The one with everything: two CT series and a report today, and two priors."""
    today = f"{timezone.localdate():%Y%m%d}"
    study = {"StudyInstanceUID": generate_uid(), "StudyDate": today, "StudyTime": "001200"}
    study |= {"StudyDescription": "Chest and abdomen with contrast", "AccessionNumber": "A2611230147"}
    found = stack(**study, SeriesDescription="Soft 5.0")
    found += stack(8, **study, SeriesDescription="Lung 1.0", SeriesNumber=3)
    found.append(report(**study, SeriesNumber=9))
    prior = {"StudyDescription": "Chest, low dose", "AccessionNumber": "A25"}
    found += stack(6, **prior, StudyDate="20251120", StudyTime="140200")
    found.append(radiograph(StudyDescription="Chest PA", StudyDate="20241002", StudyTime="084000"))
    return [person(ds, "Wang^Xiaoming=王^小明", "00482913", "19680314", "M") for ds in found]


def others() -> list[Dataset]:
    dated = {"StudyTime": "101500"}
    return [
        person(
            cine(StudyDescription="Heart", StudyDate="20261120", **dated),
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "90017735",
            "19820101",
            "M",
        ),
        person(
            radiograph(StudyDescription="Left hand, bone age", StudyDate="20261121", **dated),
            "Müller^Jürgen",
            "20551093",
            "19540611",
            "M",
        ),
        person(
            radiograph(StudyDescription="Chest PA and lateral", StudyDate="20261119", **dated),
            "Li^Na=李^娜",
            "00519926",
            "19970202",
            "F",
        ),
        person(
            radiograph(StudyDescription="Knee", StudyDate="20261118", **dated),
            "Zhao^Lei=赵^磊",
            "00519926",
            "19610909",
            "M",
        ),
        person(
            radiograph(StudyDescription=f"{MARKUP} <b>bold</b>", StudyDate="20261117", **dated),
            f"{MARKUP}^<script>alert(2)</script>",
            "<i>7</i>",
            "19900101",
            "O",
        ),
    ]


def ingest(paths: list[Path]) -> None:
    for path in paths:
        outcome = file_ingest(path=path, origin=Origin(source="CT1_5F"))
        print(outcome.kind, outcome.instance_id)


def ingest_all(found: list[Dataset]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, ds in enumerate(found):
            path = Path(folder) / f"{number:04}.dcm"
            path.write_bytes(objects.part10(ds))
            paths.append(path)
        ingest(paths)


def main(command: str, *arguments: str) -> None:
    if command == "new":
        tables()
        cast()
        ingest_all(wang() + others())
    else:
        ingest([Path(argument) for argument in arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
