"""The demonstration has a worklist of its day."""

from __future__ import annotations

from datetime import date

import pytest

from dicomnet.models import ScheduledStep
from dicomnet.worklist_demonstration import demonstration_plan

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 25)


def test_a_day_is_planned_once() -> None:
    assert demonstration_plan(day=DAY) == 12
    assert demonstration_plan(day=DAY) == 0
    assert ScheduledStep.objects.filter(start_date=DAY).count() == 12
    states = set(ScheduledStep.objects.values_list("state", flat=True))
    assert states == {"scheduled", "in-progress", "completed", "no-show"}


def test_every_name_has_a_latin_form() -> None:
    demonstration_plan(day=DAY)
    names = dict(ScheduledStep.objects.values_list("name_ideographic", "name_alphabetic"))
    assert names["单^雄"] == "Shan^Xiong"
    assert "" not in names.values()
