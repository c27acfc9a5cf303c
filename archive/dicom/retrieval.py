"""The identifier of a retrieval (PS3.4 C.4.2.1.4, C.4.3.1.3): level and unique keys, nothing else counts.

At the level itself a list of UIDs may stand. Above it each level of the information model names one entity,
unless relational retrieval was negotiated (C.4.2.2.1, C.4.2.2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from archive.dicom.attributes import Level, attributes_of
from archive.dicom.header import Header
from archive.dicom.identifier import Mismatch
from archive.dicom.tags import tag

_LEVEL: Final = tag("QueryRetrieveLevel")
# Keys of Composite Instance Root retrieval (Y.3): they ask for some frames of an object, not for all of it.
_FRAMES: Final = tuple(tag(keyword) for keyword in ("SimpleFrameList", "CalculatedFrameList", "TimeRange"))


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What is to be retrieved: all instances that have, at each level named, one of these values."""

    level: Level
    keys: dict[Level, tuple[str, ...]]


def retrieval_read(header: Header, *, levels: Sequence[Level], relational: bool) -> Retrieval:
    """Read an identifier for the model with these levels. Raises ``Mismatch``, nothing else."""
    text = header.text(_LEVEL).upper()
    level = next((level for level in levels if level.value == text), None)
    if level is None:
        allowed = ", ".join(level.value for level in levels)
        said = "is missing" if not text else "is not of this information model"
        raise Mismatch(_LEVEL, f"Query/Retrieve Level {said}: {allowed}")
    for frames in _FRAMES:
        if frames in header:
            raise Mismatch(frames, "Single frames cannot be retrieved here")
    keys: dict[Level, tuple[str, ...]] = {}
    for above in levels[: levels.index(level)]:
        if found := _values(header, above):
            keys[above] = found
            if len(found) > 1:
                raise _mismatch(above, "needs a single value above the level")
        elif not relational:
            raise _mismatch(above, "is missing: retrieval here is hierarchical")
    keys[level] = _values(header, level)
    if not keys[level]:
        raise _mismatch(level, "is missing")
    return Retrieval(level, keys)


def _values(header: Header, level: Level) -> tuple[str, ...]:
    unique = attributes_of(level)[0]
    texts = [header.text(unique.tag)] if level is Level.PATIENT else header.texts(unique.tag)
    found = tuple(dict.fromkeys(text for text in texts if text))
    if any(character in text for text in found for character in "*?") and level is not Level.PATIENT:
        raise _mismatch(level, "takes no wildcard in a retrieval")
    return found


def _mismatch(level: Level, comment: str) -> Mismatch:
    unique = attributes_of(level)[0]
    return Mismatch(unique.tag, f"{unique.keyword} {comment}")
