"""What a study page shows of a study, without loading its instances."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from archive.models import AuditEvent, Instance, Series, Study
from archive.selectors import series_of


@dataclass(frozen=True, slots=True)
class SeriesOverview:
    """A series, how many instances and frames it has, and the image that stands for it (its middle one).

    ``first`` is the key of its first instance, whatever that is.
    """

    series: Series
    instances: int
    frames: int
    picture: Instance | None
    first: int = 0


def series_overview(*, study: Study) -> list[SeriesOverview]:
    """Return the series of a study in order. Two queries more than ``series_of``, however many instances."""
    rows = Instance.objects.filter(series__study=study, rejected_at__isnull=True)
    by_series: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for series_id, number, pk, frames in rows.values_list(
        "series_id", "instance_number", "pk", "number_of_frames"
    ):
        by_series[series_id].append((number if number is not None else 1 << 31, pk, frames))
    middles = {series_id: _middle(found) for series_id, found in by_series.items()}
    pictures = Instance.objects.in_bulk([pk for pk in middles.values() if pk])
    return [
        SeriesOverview(
            series=series,
            instances=len(by_series[series.pk]),
            frames=sum(frames for _number, _pk, frames in by_series[series.pk]),
            picture=pictures.get(middles[series.pk]),
            first=min(by_series[series.pk], default=(0, 0, 0))[1],
        )
        for series in series_of(study=study)
    ]


def _middle(found: list[tuple[int, int, int]]) -> int:
    """The key of the middle image in order of instance number; 0 when there is no image."""
    images = sorted((number, pk) for number, pk, frames in found if frames)
    return images[len(images) // 2][1] if images else 0


def study_history(*, study: Study, limit: int = 12) -> list[AuditEvent]:
    """Return what was done with a study, newest first."""
    found = AuditEvent.objects.filter(study_instance_uid=study.study_instance_uid)
    return list(found.select_related("actor").order_by("-id")[:limit])
