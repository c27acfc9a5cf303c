"""How the page names a plane of a reformat where it would name an instance. Pure.

``r<instance>.<digest>.<plane>.<slab>.<tenths of a millimetre>``, as
``r17.0123456789abcdef.coronal.mip.100``: an instance of the series, by which it is decided who may see it,
the digest of all the volume is made of (``archive.reformatting``), and what is wanted of it. Thickness 0 is
one plane.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from archive.imaging.reformat import Plane, Reformat, Slab

MOST_TENTHS: Final = 2000  # of a slab
_NAME: Final = re.compile(r"r([0-9]{1,18})\.([0-9a-f]{16})\.([a-z]+)\.([a-z]+)\.([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReformatName:
    """Which volume, and what of it."""

    digest: str
    reformat: Reformat


def reformat_name_parse(text: str) -> tuple[int, ReformatName] | None:
    """The instance and what is wanted; None for any other text."""
    found = _NAME.fullmatch(text)
    if found is None:
        return None
    instance, digest, plane, slab, tenths = found.groups()
    known = plane in set(Plane) and slab in set(Slab)
    if not known or int(instance) < 1 or int(tenths) > MOST_TENTHS:
        return None
    return int(instance), ReformatName(digest, Reformat(Plane(plane), Slab(slab), int(tenths) / 10))
