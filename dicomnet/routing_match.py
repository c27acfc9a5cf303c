"""Does a rule want an object? And what would a rule have done with the studies of late?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from django.db.models import Count, Min
from django.utils import timezone

from archive.models import Instance, Study
from archive.query import studies_listed
from archive.selectors import StoredObject, objects_of
from dicomnet.models import RoutingRule


@dataclass(frozen=True, slots=True)
class Traits:
    """What rules look at."""

    modality: str
    source: str
    descriptions: tuple[str, ...]
    body_part: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object that arrived, and its traits."""

    stored: StoredObject
    traits: Traits

    @property
    def source(self) -> str:
        return self.traits.source

    @property
    def at(self) -> datetime:
        return self.traits.at


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would have done with the newest studies."""

    looked: int
    studies: list[Study]
    images: int


_TRAITS = (
    "series__modality", "source", "series__study__description", "series__description",
    "series__protocol_name", "series__body_part",
)  # fmt: skip


def arrivals_of(*, study: Study, since: datetime) -> list[Arrival]:
    """Return what has arrived in a study since then, in order."""
    rows = Instance.objects.filter(series__study=study, created_at__gte=since)
    traits = {pk: _traits(row, at) for pk, at, *row in rows.values_list("pk", "created_at", *_TRAITS)}
    return [Arrival(stored, traits[stored.pk]) for stored in objects_of(study=study) if stored.pk in traits]


def rule_matches(rule: RoutingRule, arrival: Arrival) -> bool:
    return traits_match(rule, arrival.traits)


def traits_match(rule: RoutingRule, traits: Traits) -> bool:
    """Say whether every condition holds. Case does not count; times are those of the archive's clock."""
    local = timezone.localtime(traits.at)
    holds = (
        _one_of(rule.modalities, traits.modality),
        _one_of(rule.callers, traits.source),
        _within(rule.description, traits.descriptions),
        _within(rule.body_part, (traits.body_part,)),
        not rule.weekdays or str(local.weekday()) in rule.weekdays,
        _in_time(rule.time_from, rule.time_to, local.time()),
    )
    return all(holds)


def rule_preview(*, rule: RoutingRule, limit: int = 100) -> Preview:
    """Say what a rule, saved or not, would have sent of the newest studies. Nothing is sent."""
    newest = list(studies_listed().select_related("patient").order_by("-updated_at")[:limit])
    shown = Instance.objects.filter(series__study__in=newest, rejected_at__isnull=True)
    rows = shown.values_list("series__study", *_TRAITS).annotate(first=Min("created_at"), images=Count("pk"))
    counted: dict[int, int] = {}
    for study_id, *row, first, images in rows.order_by():
        if traits_match(rule, _traits(row, first)):
            counted[study_id] = counted.get(study_id, 0) + images
    return Preview(len(newest), [one for one in newest if one.pk in counted], sum(counted.values()))


def _traits(row: Sequence[str], at: datetime) -> Traits:
    modality, source, study, series, protocol, body_part = row
    return Traits(modality, source, (study, series, protocol), body_part, at)


def words_of(listed: str) -> list[str]:
    """The words of a list that a person typed: commas, semicolons and spaces part them."""
    for mark in ",;，；、":
        listed = listed.replace(mark, " ")
    return listed.split()


def _one_of(listed: str, value: str) -> bool:
    wanted = [word.casefold() for word in words_of(listed)]
    return not wanted or value.casefold() in wanted


def _within(wanted: str, values: Sequence[str]) -> bool:
    text = wanted.strip().casefold()
    return not text or any(text in value.casefold() for value in values)


def _in_time(first: time | None, last: time | None, now: time) -> bool:
    """From the first up to, and without, the last; over midnight when the last is the earlier one."""
    first, last = first or time.min, last or time.max
    if first <= last:
        return first <= now < last or (last == time.max and now >= first)
    return now >= first or now < last
