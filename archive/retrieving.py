"""What a retrieval asks for, as the files to send. Rejected studies and instances are not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archive.dicom.attributes import Level
from archive.dicom.retrieval import Retrieval
from archive.query import instances_listed

_AT_ONCE: Final = 500  # UIDs in one query
_PATHS: Final = {
    Level.PATIENT: "series__study__patient__patient_id",
    Level.STUDY: "series__study__study_instance_uid",
    Level.SERIES: "series__series_instance_uid",
    Level.INSTANCE: "sop_instance_uid",
}
_ORDER: Final = ("series__study_id", "series__series_number", "series_id", "instance_number", "pk")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An instance as it is kept; of several that came under one UID, the first."""

    study_id: int
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    file_key: str


def objects_wanted(*, retrieval: Retrieval) -> list[StoredObject]:
    """Return every instance that is asked for, once, in the order of studies, series and images."""
    found = instances_listed()
    for level, values in retrieval.keys.items():
        if level is not retrieval.level:
            found = found.filter(**{f"{_PATHS[level]}__in": values})
    objects: dict[str, StoredObject] = {}
    for some in _chunks(retrieval.keys[retrieval.level]):
        for row in _rows(found.filter(**{f"{_PATHS[retrieval.level]}__in": some})):
            objects.setdefault(row.sop_instance_uid, row)
    return list(objects.values())


def _rows(found: Any) -> Iterator[StoredObject]:
    fields = ("series__study_id", "sop_class_uid", "sop_instance_uid", "transfer_syntax_uid", "file_key")
    for row in found.order_by(*_ORDER).values_list(*fields).iterator(chunk_size=2000):
        yield StoredObject(*row)


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
