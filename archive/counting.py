"""How many studies there are: asked by every page of the list, so never by counting a million rows."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Max

from archive.models import Study

EXACT_TO: Final = 20_000  # so few are simply counted
BASE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class _Base:
    """How many studies had an id up to ``last`` at a moment."""

    last: int
    count: int
    until: float


_bases: dict[str, _Base] = {}
_lock = threading.Lock()


def studies_total() -> int:
    """Return how many studies there are.

    Exact; but on PostgreSQL, above ``EXACT_TO``, a study that was deleted is counted for some minutes more.
    """
    rejected = Study.objects.filter(rejected_at__isnull=False).count()
    if connections[DEFAULT_DB_ALIAS].vendor == "sqlite":
        return Study.objects.count() - rejected  # quick: SQLite counts its smallest index page by page
    return _all_on_postgresql() - rejected


def _all_on_postgresql() -> int:
    """What was counted lately, and what came since; PostgreSQL reads every row to count them."""
    name = str(connections[DEFAULT_DB_ALIAS].settings_dict["NAME"])
    last = Study.objects.aggregate(last=Max("id"))["last"] or 0
    base = _bases.get(name)
    if base is not None and base.until > time.monotonic() and base.last <= last:
        return base.count + (Study.objects.filter(id__gt=base.last).count() if base.last < last else 0)
    with _lock:
        count = Study.objects.filter(id__lte=last).count()
        if count > EXACT_TO:
            _bases[name] = _Base(last, count, time.monotonic() + BASE_SECONDS)
    return count
