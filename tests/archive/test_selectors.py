"""What pages read: by whom, and never what was rejected."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from archive.models import Instance, Patient, Series, Study
from archive.query import StudyCriteria
from archive.selectors import (
    NotFound,
    archive_counts,
    instance_for,
    instances_of,
    priors_of,
    series_of,
    study_for,
    study_page,
)
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def studies() -> list[Study]:
    patient = Patient.objects.create(patient_id="P1")
    return [
        Study.objects.create(patient=patient, study_instance_uid=f"1.{day}", sort_key=f"202611{day:02d}")
        for day in range(1, 8)
    ]


def _instance(study: Study, uid: str, number: int | None = None) -> Instance:
    series, _ = Series.objects.get_or_create(study=study, series_instance_uid="1.9")
    return Instance.objects.create(
        series=series, sop_instance_uid=uid, instance_number=number, file_size=1, file_key=uid
    )


def test_a_page_says_where_it_is(studies: list[Study]) -> None:
    rita = people.rita_reader()
    page = study_page(user=rita, criteria=StudyCriteria(), page=2, page_size=3)
    assert [row.sort_key for row in page.rows] == ["20261104", "20261103", "20261102"]
    assert (page.total, page.more, page.page, page.pages, page.first, page.last) == (7, False, 2, 3, 4, 6)


@pytest.mark.parametrize(("asked", "shown"), [(0, 1), (-5, 1), (99, 3)])
def test_a_page_that_is_not_there_is_the_nearest(studies: list[Study], asked: int, shown: int) -> None:
    page = study_page(user=people.rita_reader(), criteria=StudyCriteria(), page=asked, page_size=3)
    assert (page.page, bool(page.rows)) == (shown, True)


def test_an_empty_list_has_one_empty_page() -> None:
    page = study_page(user=people.rita_reader(), criteria=StudyCriteria(text="nobody"))
    assert (page.rows, page.total, page.page, page.pages, page.first, page.last) == ([], 0, 1, 1, 0, 0)


def test_without_a_role_nothing_is_seen(studies: list[Study]) -> None:
    nil = people.nobody_nil()
    with pytest.raises(PermissionDenied):
        study_page(user=nil, criteria=StudyCriteria())
    with pytest.raises(PermissionDenied):
        study_for(user=nil, pk=studies[0].pk)
    with pytest.raises(PermissionDenied):
        instance_for(user=nil, pk=_instance(studies[0], "1.9.1").pk)


def test_what_is_rejected_is_as_what_never_was(studies: list[Study]) -> None:
    rita, study = people.rita_reader(), studies[0]
    image = _instance(study, "1.9.1")
    assert study_for(user=rita, pk=study.pk) == study
    assert instance_for(user=rita, pk=image.pk) == image
    Study.objects.filter(pk=study.pk).update(rejected_at=timezone.now())
    for missing in (study.pk, 10**9):
        with pytest.raises(NotFound):
            study_for(user=rita, pk=missing)
    with pytest.raises(NotFound):
        instance_for(user=rita, pk=image.pk)
    assert archive_counts().studies == 6
    assert study.pk not in {prior.pk for prior in priors_of(study=studies[1])}


def test_a_rejected_instance_vanishes_and_its_series_with_the_last(studies: list[Study]) -> None:
    study = studies[0]
    first, second = _instance(study, "1.9.2", 2), _instance(study, "1.9.1", 1)
    series = first.series
    assert instances_of(series=series) == [second, first]
    Instance.objects.filter(pk=first.pk).update(rejected_at=timezone.now())
    assert instances_of(series=series) == [second]
    assert series_of(study=study) == [series]
    Instance.objects.update(rejected_at=timezone.now())
    assert series_of(study=study) == []


def test_priors_are_the_same_persons_newest_first(studies: list[Study]) -> None:
    other = Patient.objects.create(patient_id="P2")
    Study.objects.create(patient=other, study_instance_uid="2.1", sort_key="20261120")
    assert [prior.sort_key[-2:] for prior in priors_of(study=studies[3], limit=3)] == ["07", "06", "05"]
