"""Every real object that is not an image has a page, and none is blank."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from archive.documents import Kind, ObjectUnavailable, object_kind
from archive.ingest import Origin, file_ingest
from archive.models import Instance

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

# What stands on a page of each kind when there is something on it.
SHOWN = {
    Kind.REPORT: r'class="(concept|section-name)"',
    Kind.WAVEFORM: r'class="curve" d="M',
    Kind.DOCUMENT: r'<iframe class="document-frame"|class="report clinical"',
    Kind.VIDEO: r"<video ",
    Kind.ATTRIBUTES: r'<td class="value">',
}


def kind_of(instance: Instance) -> Kind:
    try:
        return object_kind(instance=instance)
    except ObjectUnavailable:
        return Kind.ATTRIBUTES


def ingest_documents(folder: Path) -> list[Instance]:
    """Take in what has no rows and columns, and the video; slices of one file set stand for each other."""
    with (folder / "manifest.csv").open() as lines:
        rows = [row for row in csv.DictReader(lines) if not int(row["rows"] or 0)]
    names = [row["file"] for row in rows if "TINY_ALPHA" not in row["file"]]
    for name in [*names, "generated/video-h264.dcm"]:
        file_ingest(path=folder / name, origin=Origin(source="TEST"))
    return list(Instance.objects.order_by("pk"))


def test_every_real_object_has_a_page_and_its_attributes(
    corpus: Path, rita: AbstractUser, client: Client
) -> None:
    client.force_login(rita, backend="django.contrib.auth.backends.ModelBackend")
    faults, kinds = [], dict.fromkeys(Kind, 0)
    for instance in ingest_documents(corpus / "dicom"):
        kind = kind_of(instance)
        kinds[kind] += 1
        answer = client.get(f"/instances/{instance.pk}/")
        if kind is Kind.IMAGE:
            if answer.status_code != 302:
                faults.append(f"{instance.file_key}: an image is no page, {answer.status_code}")
        elif answer.status_code != 200 or not re.search(SHOWN[kind], answer.content.decode()):
            faults.append(f"{instance.file_key}: {kind} {answer.status_code}")
        listed = client.get(f"/instances/{instance.pk}/attributes/").content.decode()
        if '<td class="value">' not in listed:
            faults.append(f"{instance.file_key}: no attributes")
    assert faults == []
    assert kinds == {
        Kind.IMAGE: 4,  # they say so, without rows or columns
        Kind.REPORT: 7,
        Kind.WAVEFORM: 2,
        Kind.DOCUMENT: 3,
        Kind.VIDEO: 1,
        Kind.ATTRIBUTES: 31,
    }
