"""How many studies there are is right at once, though it is not counted each time."""

from __future__ import annotations

import pytest
from django.utils import timezone

from archive import counting
from archive.counting import studies_total
from archive.deletion import study_delete
from archive.models import Patient, Study
from archive.reindexing import index_rebuild
from tests.people import ada_administrator


def _studies(first: int, last: int) -> list[Study]:
    patient = Patient.objects.create(patient_id=f"P{first}")
    return [
        Study.objects.create(patient=patient, study_instance_uid=f"1.2.{number}", sort_key="20261101")
        for number in range(first, last)
    ]


@pytest.mark.django_db(transaction=True)
def test_the_total_follows_arrival_rejection_deletion_and_a_rebuilt_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "EXACT_TO", 0)
    monkeypatch.setattr(counting, "_bases", {})
    studies = _studies(0, 5)
    assert studies_total() == 5
    _studies(5, 7)
    assert studies_total() == 7
    Study.objects.filter(pk=studies[0].pk).update(rejected_at=timezone.now())
    assert studies_total() == 6
    study_delete(study=studies[1], by=ada_administrator())
    assert studies_total() == 5
    index_rebuild()  # there are no files
    assert studies_total() == 0
