"""The manifest: what a viewer is told of a study before it asks for the first frame.

``{"study": {...}, "series": [{..., "facts": {...}, "instances": [{..., "facts": {...}}]}]}``

Series are in order of their number, instances in the order they are read in. ``facts`` are
``archive.dicom.extract.DisplayFacts``; what all instances of a series share stands once, at the series, so a
reader merges ``{**series.facts, **instance.facts}``. Values that are absent or empty are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from archive.models import Instance, Series, Study

_CLOSE: Final = 1e-3  # direction cosines, and millimetres, that count as equal
_PER_INSTANCE: Final = frozenset({"image_position", "slice_location", "content_time"})


def manifest_of(*, study: Study, series: Sequence[Series]) -> dict[str, Any]:
    """Return the manifest of these series of a study."""
    instances: dict[int, list[Instance]] = {one.pk: [] for one in series}
    found = Instance.objects.filter(series__in=series, rejected_at__isnull=True)
    for instance in found.defer("file_key", "file_digest", "dataset_digest", "warnings", "source"):
        instances[instance.series_id].append(instance)
    return {
        "study": _study(study),
        "series": [_series(one, instances[one.pk]) for one in series],
    }


def _study(study: Study) -> dict[str, Any]:
    patient = study.patient
    return {
        "id": study.pk,
        "uid": study.study_instance_uid,
        "date": study.study_date,
        "time": study.study_time,
        "description": study.description,
        "accession": study.accession_number,
        "modalities": study.modalities.split("\\") if study.modalities else [],
        "conflict": study.conflict,
        "patient": {
            "id": patient.patient_id,
            "name": {
                "alphabetic": patient.name_alphabetic,
                "ideographic": patient.name_ideographic,
                "phonetic": patient.name_phonetic,
            },
            "birth_date": patient.birth_date,
            "sex": patient.sex,
        },
    }


def _series(series: Series, instances: list[Instance]) -> dict[str, Any]:
    ordered, by, spacing = reading_order(instances)
    shared = _shared_facts(ordered)
    return {
        "id": series.pk,
        "uid": series.series_instance_uid,
        "modality": series.modality,
        "number": series.series_number,
        "description": series.description,
        "body_part": series.body_part,
        "laterality": series.laterality,
        "station": series.station_name,
        "manufacturer": series.manufacturer,
        "frame_of_reference": series.frame_of_reference_uid,
        "ordered_by": by,
        "spacing": spacing,
        "frames": sum(instance.number_of_frames for instance in ordered),
        "facts": shared,
        "instances": [_instance(instance, shared) for instance in ordered],
    }


def _instance(instance: Instance, shared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": instance.pk,
        "uid": instance.sop_instance_uid,
        "class": instance.sop_class_uid,
        "syntax": instance.transfer_syntax_uid,
        "number": instance.instance_number,
        "frames": instance.number_of_frames,
        "rows": instance.rows,
        "columns": instance.columns,
        "bytes": instance.file_size,
        "facts": {
            key: value
            for key, value in instance.facts.items()
            if value not in (None, "", []) and key not in shared
        },
    }


def _shared_facts(instances: Sequence[Instance]) -> dict[str, Any]:
    """What every instance says alike. A lone instance shares nothing with nobody: its facts stay with it."""
    if len(instances) < 2:
        return {}
    first, *others = (instance.facts for instance in instances)
    return {
        key: value
        for key, value in first.items()
        if value not in (None, "", [])
        and key not in _PER_INSTANCE
        and all(facts.get(key) == value for facts in others)
    }


def reading_order(instances: Sequence[Instance]) -> tuple[list[Instance], str, float | None]:
    """Return the instances as they are read, what orders them, and the step between them in mm.

    By place along the normal (PS3.3 C.7.6.2.1.1) when all lie in parallel planes, each in a place of
    its own; in the direction in which their numbers rise. Otherwise (localisers, phases, films) by number.
    The step is given when it is the same throughout.
    """
    numbered = sorted(instances, key=_by_number)
    places = _places(numbered)
    if places is None:
        return numbered, "number", None
    ordered = sorted(zip(places, range(len(numbered)), strict=True))
    if _falls(ordered):
        ordered.reverse()
    steps = [abs(b[0] - a[0]) for a, b in pairwise(ordered)]
    step = sum(steps) / len(steps)
    even = max(steps) - min(steps) <= max(_CLOSE, step * 0.01)
    return [numbered[index] for _, index in ordered], "position", round(step, 4) if even else None


def _by_number(instance: Instance) -> tuple[bool, int, str]:
    number = instance.instance_number
    return number is None, number or 0, instance.sop_instance_uid


def _places(instances: Sequence[Instance]) -> list[float] | None:
    """How far each lies along the common normal; None unless there is one and no two share a place."""
    if len(instances) < 2:
        return None
    normal: tuple[float, float, float] | None = None
    orientation: list[float] = []
    places = []
    for instance in instances:
        position = instance.facts.get("image_position")
        axes = instance.facts.get("image_orientation")
        if not position or not axes or len(position) != 3 or len(axes) != 6:
            return None
        if normal is None:
            orientation, normal = axes, _normal(axes)
        elif any(abs(a - b) > _CLOSE for a, b in zip(axes, orientation, strict=True)):
            return None
        places.append(sum(a * b for a, b in zip(position, normal, strict=True)))
    ordered = sorted(places)
    if any(b - a <= _CLOSE for a, b in pairwise(ordered)):
        return None
    return places


def _normal(axes: Sequence[float]) -> tuple[float, float, float]:
    (a, b, c), (d, e, f) = axes[:3], axes[3:]
    return b * f - c * e, c * d - a * f, a * e - b * d


def _falls(ordered: Sequence[tuple[float, int]]) -> bool:
    """Whether the numbers fall as the place rises: the index is the rank of the instance's number."""
    middle = len(ordered) // 2
    before = sum(index for _, index in ordered[:middle]) / middle
    after = sum(index for _, index in ordered[-middle:]) / middle
    return after < before
