"""How the worklist says things."""

from __future__ import annotations

from django import template
from django.forms import BoundField

from dicomnet.models import ScheduledStep
from viewer.templatetags.portal import age_words
from viewer.words import age_between, dicom_date

register = template.Library()


@register.filter
def step_age(step: ScheduledStep) -> str:
    """Write how old the patient will be."""
    age = age_between(dicom_date(step.birth_date), step.start_date)
    return age_words(age) if age else ""


@register.inclusion_tag("viewer/worklist/field.html")
def worklist_field(
    field: BoundField, kind: str = "text", choices: str = "", hint: str = "", wide: str = ""
) -> dict[str, object]:
    """Draw a field with its label, its hint and what is wrong with it.

    ``kind`` is the type of the input, or ``select``; ``choices`` the id of a list of proposals.
    """
    value = field.value()
    if kind == "date" and hasattr(value, "isoformat"):
        value = value.isoformat()
    if kind == "time" and hasattr(value, "strftime"):
        value = f"{value:%H:%M}" if not value.second else f"{value:%H:%M:%S}"
    return {
        "seconds": kind == "time" and str(value or "").count(":") > 1,
        "field": field,
        "kind": kind,
        "value": "" if value is None else str(value),
        "list": choices,
        "hint": hint,
        "wide": wide,
    }
