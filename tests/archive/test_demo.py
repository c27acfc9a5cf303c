"""The demonstration is loaded once, through the ingest, and a second time changes nothing."""

from __future__ import annotations

from io import StringIO
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from archive.access import Act, may
from archive.demonstration import loading
from archive.demonstration.cast import STUDIES
from archive.models import Event, Instance, Patient, Study

FEW = tuple(study for study in STUDIES if study.key in {"hong-dx", "li-nan-dx", "chen-mr"})

pytestmark = pytest.mark.django_db(transaction=True)


def run_demo() -> str:
    out = StringIO()
    load = loading.demonstration_load

    def few(**options: object) -> loading.Loaded:
        return load(**{**options, "studies": FEW, "with_samples": False, "workers": 2})  # type: ignore[arg-type]

    with patch("archive.management.commands.demo.demonstration_load", few):
        call_command("demo", stdout=out)
    return out.getvalue()


def test_the_command_loads_studies_and_people_once() -> None:
    first = run_demo()
    assert "Demonstration: 74 of 74 objects" in first
    assert first.endswith("Demonstration ready: 74 objects added, 0 there before.\n")
    assert Study.objects.count() == 3
    brain = Study.objects.get(modalities="MR")
    assert (brain.number_of_series, brain.number_of_instances, brain.description) == (3, 72, "头颅平扫")
    assert brain.patient.name_ideographic == "陈^丽华"
    assert brain.source == "DEMO"
    rows = (Instance.objects.count(), Event.objects.count(), Patient.objects.count())
    assert run_demo() == "Demonstration ready: 0 objects added, 74 there before.\n"
    assert rows == (Instance.objects.count(), Event.objects.count(), Patient.objects.count())


def test_what_is_lacking_is_made_again() -> None:
    run_demo()
    lost = Instance.objects.filter(series__modality="MR").order_by("pk").first()
    assert lost is not None
    lost.delete()
    assert "1 objects added, 73 there before" in run_demo()


def test_people_have_roles_and_no_password_that_works() -> None:
    loading.people_ensure()
    loading.people_ensure()
    rita, omar = (get_user_model().objects.get(username=name) for name in ("rita", "omar"))
    assert not rita.has_usable_password()
    assert may(user=rita, act=Act.VIEW)
    assert not may(user=rita, act=Act.PRINT)
    assert may(user=omar, act=Act.PRINT)


def test_samples_of_pydicom_come_in_too() -> None:
    loaded = loading.demonstration_load(report=lambda done, total: None, studies=())
    assert loaded.added >= 80
    again = loading.demonstration_load(report=lambda done, total: None, studies=())
    assert (again.added, again.present) == (0, loaded.added)
