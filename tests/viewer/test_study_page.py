"""The study page: series, facts, priors, history."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from archive.models import AuditEvent, Series, Study

pytestmark = pytest.mark.django_db
Keep = Callable[..., Study]


def test_series_are_there_with_numbers_and_counts(as_rita: Client, keep: Keep) -> None:
    study = keep(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1", SliceThickness=5)
    keep(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1", InstanceNumber=2, SliceThickness=5)
    text = as_rita.get(f"/studies/{study.pk}/").content.decode()
    series = Series.objects.get()
    assert f'id="series-{series.pk}"' in text
    assert "Soft 5.0" in text
    assert "5.0 mm" in text
    assert "2 images" in text


def test_priors_are_the_other_studies_of_the_patient(as_rita: Client, keep: Keep) -> None:
    study = keep()
    prior = keep(StudyDate="20251120", StudyDescription="Chest, low dose")
    stranger = keep(PatientID="P2", PatientName="Roe^Richard")
    text = as_rita.get(f"/studies/{study.pk}/").content.decode()
    assert f'class="prior" href="/studies/{prior.pk}/"' in text
    assert f"/studies/{stranger.pk}/" not in text
    assert '<span class="faint">1 y</span>' in text


def test_viewing_is_recorded_and_shown_as_history(as_rita: Client, rita: AbstractUser, keep: Keep) -> None:
    rita.first_name, rita.last_name = "Rita", "Reader"
    rita.save()
    study = keep()
    text = as_rita.get(f"/studies/{study.pk}/").content.decode()
    event = AuditEvent.objects.get(action="study-viewed")
    assert (event.actor, event.study_instance_uid) == (rita, study.study_instance_uid)
    assert "Viewed by Rita Reader" in text


def test_live_update_is_no_second_look(as_rita: Client, keep: Keep) -> None:
    study = keep()
    as_rita.get(f"/studies/{study.pk}/", headers={"X-Background": "1"})
    assert not AuditEvent.objects.filter(action="study-viewed").exists()


def test_study_that_is_not_there_is_a_404_in_words(as_rita: Client) -> None:
    answer = as_rita.get("/studies/999/")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.content.decode()


def test_person_without_role_sees_no_study(client: Client, nil: AbstractUser, keep: Keep) -> None:
    study = keep()
    client.force_login(nil, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/studies/{study.pk}/").status_code == 403


def test_made_up_uid_is_said(as_rita: Client, keep: Keep) -> None:
    study = keep(StudyInstanceUID=None)
    assert "No Study Instance UID." in as_rita.get(f"/studies/{study.pk}/").content.decode()


def test_two_people_under_one_id_are_said(as_rita: Client, keep: Keep) -> None:
    keep(PatientName="Li^Na", PatientBirthDate="19970202", PatientSex="F")
    study = keep(PatientName="Zhao^Lei", PatientBirthDate="19610909", PatientSex="M")
    text = as_rita.get(f"/studies/{study.pk}/").content.decode()
    assert "Another patient has this ID" in text
    assert "ONE ID, TWO PEOPLE" in text
