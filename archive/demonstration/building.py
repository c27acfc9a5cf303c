"""Objects of the demonstration, made part by part: seeded by their keys, so always the same."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Final

from archive.demonstration import pictures, sections
from archive.demonstration.cast import Part
from archive.demonstration.datasets import Built, written

_BUILDERS: Final[dict[str, Callable[[Part, datetime.date], Built]]] = {
    "chest_ct": sections.chest_ct,
    "scout": sections.scout,
    "head_ct": sections.head_ct,
    "brain_mr": sections.brain_mr,
    "chest_cr": pictures.chest_cr,
    "chest_small": pictures.chest_small,
    "forearm": pictures.forearm,
    "breast": pictures.breast,
    "echo": pictures.echo,
}


def build(part: Part, today: datetime.date) -> Iterator[tuple[str, bytes]]:
    """The objects of a part, each as (SOP Instance UID, file)."""
    for series, number, ds, syntax in _BUILDERS[part.builder](part, today):
        yield part.study.sop_instance_uid(series, number), written(ds, syntax)
