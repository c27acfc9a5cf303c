"""What becomes of an object that arrives, and the one record that travels through an arrival."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Result(StrEnum):
    """What became of an object that arrived."""

    KEPT = "kept"
    DUPLICATE = "duplicate"  # the same bytes are here already; nothing was written
    VARIANT_KEPT = "variant-kept"  # the same object in another transfer syntax, kept beside the first
    CONFLICT_KEPT = "conflict-kept"  # kept and indexed, and somebody has to look at it
    QUARANTINED = "quarantined"  # kept, not indexed
    REFUSED = "refused"  # not kept: a file that is no DICOM object, found by an import


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to an arrival. ``reason`` is a slug, ``detail`` its sentence in English."""

    kind: Result
    instance_id: int | None = None
    quarantine_id: int | None = None
    warnings: tuple[str, ...] = ()
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FiledObject:
    """A file in its place and what is known of its bytes."""

    key: str
    size: int
    dataset_digest: str
    file_digest: str
    source: str
    arrived: datetime
