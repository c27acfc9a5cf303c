"""What the study page is told of series: counts, and the middle image to stand for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archive.ingest import Origin, file_ingest
from archive.models import Instance, Study
from archive.overview import series_overview, study_history
from tests import objects

pytestmark = pytest.mark.django_db


def keep(folder: Path, **changes: Any) -> Instance:
    ds = objects.ct_slice(StudyInstanceUID="1.2.3", **changes)
    path = folder / "object.dcm"
    path.write_bytes(objects.part10(ds))
    outcome = file_ingest(path=path, origin=Origin(source="CT1_5F"))
    return Instance.objects.get(pk=outcome.instance_id)


def test_middle_image_by_number_stands_for_its_series(tmp_path: Path) -> None:
    kept = {n: keep(tmp_path, SeriesInstanceUID="1.2.3.1", InstanceNumber=n) for n in (5, 1, 3)}
    (overview,) = series_overview(study=Study.objects.get())
    assert overview.picture == kept[3]
    assert (overview.instances, overview.frames) == (3, 3)


def test_rejected_images_do_not_count(tmp_path: Path) -> None:
    keep(tmp_path, SeriesInstanceUID="1.2.3.1", InstanceNumber=1)
    gone = keep(tmp_path, SeriesInstanceUID="1.2.3.1", InstanceNumber=2)
    Instance.objects.filter(pk=gone.pk).update(rejected_at="2026-11-23T00:00Z")
    (overview,) = series_overview(study=Study.objects.get())
    assert overview.instances == 1


def test_series_without_pixels_has_no_picture(tmp_path: Path) -> None:
    keep(tmp_path, SeriesInstanceUID="1.2.3.1", PixelData=None, Rows=None, Columns=None)
    (overview,) = series_overview(study=Study.objects.get())
    assert overview.picture is None


def test_series_are_in_order_of_their_numbers(tmp_path: Path) -> None:
    keep(tmp_path, SeriesInstanceUID="1.2.3.9", SeriesNumber=9)
    keep(tmp_path, SeriesInstanceUID="1.2.3.2", SeriesNumber=2)
    numbers = [of.series.series_number for of in series_overview(study=Study.objects.get())]
    assert numbers == [2, 9]


def test_queries_do_not_grow_with_the_study(tmp_path: Path, django_assert_num_queries: Any) -> None:
    for number in range(6):
        keep(tmp_path, SeriesInstanceUID=f"1.2.3.{number % 3}", InstanceNumber=number)
    study = Study.objects.get()
    with django_assert_num_queries(3):
        assert len(series_overview(study=study)) == 3


def test_nobody_has_done_anything_yet(tmp_path: Path) -> None:
    keep(tmp_path)
    assert [event.action for event in study_history(study=Study.objects.get())] in ([], ["received"])
