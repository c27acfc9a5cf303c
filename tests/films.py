"""Studies, printers and pictures for the tests of film."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from archive.imaging.cache import ByteCache
from archive.imaging.params import View, Window
from archive.models import Instance, Patient, Series, Study
from dicomnet.film.layout import Cell
from dicomnet.models import Printer

GRIDS = {"8INX10IN": [400, 500], "14INX17IN": [700, 850]}


def film_study(images: int = 3, **facts: Any) -> Study:
    """A CT study of Wang Xiaoming with so many 64 x 64 images, as rows only: there are no files."""
    patient = Patient.objects.create(
        patient_id="00482913",
        patient_name="WANG^XIAOMING=王^小明",
        name_alphabetic="WANG^XIAOMING",
        name_ideographic="王^小明",
        birth_date="19680302",
        sex="M",
        anonymous_study_uid=generate_uid(),
    )
    study = Study.objects.create(
        patient=patient,
        study_instance_uid=generate_uid(),
        study_date="20261123",
        study_time="024700",
        sort_key="20261123024700",
        description="Chest and abdomen",
        institution_name="Lightbox General",
        modalities="CT",
    )
    series = Series.objects.create(
        study=study,
        series_instance_uid=generate_uid(),
        modality="CT",
        series_number=2,
        description="Soft 5.0",
    )
    for number in range(1, images + 1):
        Instance.objects.create(
            series=series,
            sop_instance_uid=generate_uid(),
            sop_class_uid=CTImageStorage,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            instance_number=number,
            rows=64,
            columns=64,
            number_of_frames=1,
            facts={"photometric_interpretation": "MONOCHROME2", **facts},
            file_key=generate_uid(),
            file_size=1,
            dataset_digest="0" * 64,
            file_digest="0" * 64,
        )
    return study


def film_cells(study: Study) -> list[Cell]:
    rows = Instance.objects.filter(series__study=study).order_by("instance_number")
    return [Cell(instance.pk) for instance in rows]


def film_printer(port: int = 1, **changes: Any) -> Printer:
    values: dict[str, Any] = {
        "name": "FILM_5F",
        "ae_title": "FILM",
        "host": "127.0.0.1",
        "port": port,
        "film_grids": GRIDS,
        "media": ["BLUE FILM", "PAPER"],
        "pixel_pitch_um": 300.0,
        "timeout_seconds": 5,
        **changes,
    }
    return Printer.objects.create(**values)


def picture_of(instance: Instance, bits: int = 8, colour: bool = False) -> np.ndarray:
    """What stands for a rendered frame: a ramp that is different for each image number."""
    white = (1 << bits) - 1
    ramp = np.linspace(0, white, 64 * 64).reshape(64, 64)
    ramp = np.roll(ramp, 11 * (instance.instance_number or 0), axis=1)
    grey = ramp.astype("u1" if bits == 8 else "u2")
    return np.stack([grey, grey[::-1], grey.T], axis=2) if colour else grey


@contextmanager
def drawn_frames() -> Iterator[None]:
    """Stand in for the rendering of files: the tests of print services need none."""

    def frame_picture(
        *,
        instance: Instance,
        frame: int,
        view: View,
        bits: int = 8,
        colour: bool = False,
        state: Instance | None = None,
    ) -> np.ndarray:
        return picture_of(instance, bits, colour)

    def instance_windows(*, instance: Instance) -> list[Window]:
        return [Window(40, 400)]

    with (
        mock.patch("dicomnet.sheets.presentation_frame_picture", frame_picture),
        mock.patch("dicomnet.sheets.instance_windows", instance_windows),
        mock.patch("dicomnet.sheets.PICTURES", ByteCache(0, len)),
    ):
        yield
