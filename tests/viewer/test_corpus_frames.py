"""Every real file the archive takes in, over the frame socket: a picture, or a sentence that says why not."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async

from archive.ingest import Origin, file_ingest
from archive.models import Instance
from archive.rendering_words import SENTENCES
from tests import people
from tests.viewer.sockets import Page, Picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

PATIENCE = 60.0  # seconds for one frame; a hang, not a slow machine


def ingest_folder(folder: Path) -> list[Instance]:
    """Take in what can be taken in; a name seen twice under one UID is a variant, not an instance."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in {".csv", ".txt", ".md", ".json"}:
            file_ingest(path=path, origin=Origin(source="TEST"))
    found = Instance.objects.select_related("series__study").order_by("series__study_id", "pk")
    return list(found)


async def faults_of(instances: list[Instance], user: object) -> tuple[list[str], int, int]:
    """What went wrong, pictures, sentences."""
    faults, pictures, sentences = [], 0, 0
    for study_id, group in groupby(instances, key=lambda instance: instance.series.study_id):
        async with Page(study_id, user) as page:
            for instance in group:
                for frame in sorted({1, max(1, instance.number_of_frames)}):
                    await page.want(instance.pk, frame, size=[256, 256], quality="moving")
                    reply = await page.hear(PATIENCE)
                    if isinstance(reply, Picture):
                        pictures += 1
                        fault = fault_of(reply)
                    else:
                        sentences += 1
                        known = reply["op"] == "unavailable" and reply["code"] in SENTENCES
                        fault = "" if known and len(reply["sentence"]) > 15 else str(reply)
                    if fault:
                        faults.append(f"{instance.sop_instance_uid} frame {frame}: {fault}")
    return faults, pictures, sentences


def fault_of(picture: Picture) -> str:
    height, width = picture.pixels.shape[:2]
    if (width, height) != (picture.fields["width"], picture.fields["height"]):
        return f"{width} x {height} pixels, the header says otherwise: {picture.fields}"
    return "" if max(width, height) <= 256 else f"{width} x {height} does not fit the box"


async def test_every_real_file_gives_a_picture_or_a_sentence(corpus: Path) -> None:
    instances = await sync_to_async(ingest_folder)(corpus / "dicom")
    assert len(instances) > 300
    faults, pictures, sentences = await faults_of(instances, await sync_to_async(people.rita_reader)())
    assert faults == []
    assert pictures > 250
    assert sentences > 0
