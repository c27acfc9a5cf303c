"""How many studies there are: asked by every page of the list, so never by counting a million rows."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Max

from archive.models import StudiesGone, Study

EXACT_TO: Final = 20_000  # so few are simply counted
BASE_SECONDS: Final = 300.0  # PostgreSQL may show a row with a lower id later


@dataclass(frozen=True, slots=True)
class _Base:
    """How many studies had an id up to ``last`` at a moment, when studies had gone ``gone`` times."""

    last: int
    count: int
    gone: int
    until: float


_bases: dict[str, _Base] = {}
_lock = threading.Lock()


def studies_total() -> int:
    """Return how many studies there are: what was counted lately, and what came since.

    Both databases read as many rows as they count. Exact, for whoever deletes studies says so
    (``studies_gone``).
    """
    rejected = Study.objects.filter(rejected_at__isnull=False).count()
    return _all() - rejected


def studies_gone() -> None:
    """Say that studies were deleted. In the transaction that deletes them, last."""
    StudiesGone.objects.create()


def _all() -> int:
    name = str(connections[DEFAULT_DB_ALIAS].settings_dict["NAME"])
    last = Study.objects.aggregate(last=Max("id"))["last"] or 0
    gone = StudiesGone.objects.count()  # not the last id: ids do not commit in order
    base = _bases.get(name)
    if base is not None and base.gone == gone and base.until > time.monotonic() and base.last <= last:
        return base.count + (Study.objects.filter(id__gt=base.last).count() if base.last < last else 0)
    with _lock:
        count = Study.objects.filter(id__lte=last).count()
        if count > EXACT_TO:
            _bases[name] = _Base(last, count, gone, time.monotonic() + BASE_SECONDS)
    return count
