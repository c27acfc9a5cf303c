"""What a person draws in the viewer: read from a page, kept, found again. Never another person's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from archive.imaging.measure import Place
from archive.measuring import PLACES, Shape
from archive.models import Instance, Study
from archive.selectors import NotFound, instance_for
from viewer.models import Measurement, Preference

MOST_MARKS: Final = 2000  # of one person on one study
MOST_WINDOWS: Final = 40
_FURTHEST: Final = 1e6
_LARGEST: Final = 1e9


class Unusable(ValueError):
    """What a page sent cannot be taken; the name of the field that is wrong."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something drawn on a frame (1-based)."""

    instance: int
    frame: int
    shape: Shape
    places: tuple[Place, ...]
    text: str = ""


def mark_parse(data: Any) -> Mark:
    """The mark in what a page sent; raises ``Unusable``."""
    if not isinstance(data, dict):
        raise Unusable("mark")
    try:
        shape = Shape(str(data.get("shape")))
    except ValueError:
        raise Unusable("shape") from None
    text = data.get("text", "")
    if not isinstance(text, str) or len(text) > 200:
        raise Unusable("text")
    places = data.get("places")
    if not isinstance(places, list) or len(places) != PLACES[shape]:
        raise Unusable("places")
    found = tuple(_place(place) for place in places)
    return Mark(
        _whole(data, "instance", 2**63 - 1), _whole(data, "frame", 2**31 - 1), shape, found, text.strip()
    )


def _place(place: Any) -> Place:
    if (
        not isinstance(place, list)
        or len(place) != 2
        or not all(type(part) in (int, float) for part in place)
    ):
        raise Unusable("places")
    column, row = place
    if not (math.isfinite(column) and math.isfinite(row)) or max(abs(column), abs(row)) > _FURTHEST:
        raise Unusable("places")
    return float(column), float(row)


def _whole(data: Mapping[str, Any], field: str, most: int) -> int:
    value = data.get(field)
    if type(value) is not int or not 1 <= value <= most:
        raise Unusable(field)
    return value


def mark_instance(*, user: AbstractUser, study: Study, mark: Mark) -> Instance:
    """The image a mark is on, which must be of this study. Raises ``NotFound`` otherwise."""
    instance = instance_for(user=user, pk=mark.instance)
    if instance.series.study_id != study.pk:
        raise NotFound
    return instance


def measurements_of(*, user: AbstractUser, study: Study) -> list[dict[str, Any]]:
    """What this person drew on images of the study that are there, oldest first, as the page keeps it."""
    found = Measurement.objects.filter(user_id=user.pk, study=study, instance__rejected_at__isnull=True)
    return [
        {
            "key": str(one.key),
            "instance": one.instance_id,
            "frame": one.frame,
            "shape": one.shape,
            "places": one.places,
            "text": one.text,
        }
        for one in found.order_by("created_at", "pk")
    ]


def measurement_keep(*, user: AbstractUser, study: Study, key: UUID, mark: Mark) -> None:
    """Keep a mark, or what became of it.

    Raises ``NotFound`` for an image of another study, ``Unusable`` beyond ``MOST_MARKS``.
    """
    instance = mark_instance(user=user, study=study, mark=mark)
    own = Measurement.objects.filter(user_id=user.pk, study=study)
    if not own.filter(key=key).exists() and own.count() >= MOST_MARKS:
        raise Unusable("marks")
    Measurement.objects.update_or_create(
        user_id=user.pk,
        study=study,
        key=key,
        defaults={
            "instance": instance,
            "frame": mark.frame,
            "shape": mark.shape,
            "places": [list(place) for place in mark.places],
            "text": mark.text,
        },
    )


def measurement_remove(*, user: AbstractUser, study: Study, key: UUID) -> None:
    """Forget a mark; one that is not there is no error."""
    Measurement.objects.filter(user_id=user.pk, study=study, key=key).delete()


def windows_of(*, user: AbstractUser) -> list[dict[str, Any]]:
    """The windows a person made for themselves, in their order."""
    preference = Preference.objects.filter(user_id=user.pk).first()
    return list(preference.windows) if preference else []


def windows_keep(*, user: AbstractUser, data: Any) -> None:
    """Keep a person's own windows in place of those before. Raises ``Unusable``."""
    if not isinstance(data, list) or len(data) > MOST_WINDOWS:
        raise Unusable("windows")
    Preference.objects.update_or_create(user_id=user.pk, defaults={"windows": [_window(one) for one in data]})


def _window(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Unusable("windows")
    name, modality = data.get("name"), data.get("modality")
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= 24
        or not isinstance(modality, str)
        or len(modality) > 16
    ):
        raise Unusable("name")
    center, width = _figure(data.get("center")), _figure(data.get("width"))
    if width <= 0:
        raise Unusable("window")
    return {"name": name, "modality": modality, "center": center, "width": width}


def _figure(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > _LARGEST:
        raise Unusable("window")
    return float(value)
