"""List and study page say whether all is here that modalities reported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pydicom.uid import ExplicitVRLittleEndian

from archive.models import Instance, Study
from dicomnet.mpps import Message, performed_create, performed_set
from tests import objects
from tests.reports import begun, ended

Keep = Callable[..., Study]


@pytest.fixture
def study(keep: Keep) -> Study:
    kept = keep(StudyInstanceUID="1.2.826.5", SOPInstanceUID="1.1")
    Study.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    return kept


def report(*instances: str) -> None:
    for operation, ds in (
        (performed_create, begun("1.2.826.5")),
        (performed_set, ended(instances=instances)),
    ):
        data = objects.encoded(ds)
        operation(sop_instance_uid="1.9", message=Message(data, ExplicitVRLittleEndian))


def test_a_study_nobody_reported_is_received(as_rita: Client, study: Study) -> None:
    page = as_rita.get(reverse("study-list")).content.decode()
    assert '<span class="state done">Received</span>' in page
    assert "study-whole" not in as_rita.get(reverse("study", args=[study.pk])).content.decode()


def test_a_study_that_lacks_something_is_partial(as_rita: Client, study: Study) -> None:
    report("1.1", "1.2", "1.3")
    page = as_rita.get(reverse("study-list")).content.decode()
    assert '<span class="state part" title="1 of 3 reported images are here">Partial</span>' in page
    page = as_rita.get(reverse("study", args=[study.pk])).content.decode()
    assert 'data-state="partial"' in page
    assert "1 of 3 reported images are here" in page


def test_a_whole_study_is_complete(as_rita: Client, study: Study) -> None:
    report("1.1")
    page = as_rita.get(reverse("study-list")).content.decode()
    assert '<span class="state done" title="1 of 1 reported image is here">Complete</span>' in page


def test_what_the_archive_vouched_for_is_said(as_rita: Client, study: Study, keep: Keep) -> None:
    """Received, performed, committed: the third is said once somebody asked."""
    page = reverse("study", args=[study.pk])
    assert "study-committed" not in as_rita.get(page).content.decode()
    Instance.objects.update(committed_at=timezone.now())
    assert '<dd id="study-committed">all images</dd>' in as_rita.get(page).content.decode()
    keep(StudyInstanceUID="1.2.826.5", SOPInstanceUID="1.2")
    assert '<dd id="study-committed">1 of 2 images</dd>' in as_rita.get(page).content.decode()
