"""How long transfers and retrievals are remembered once they are over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from dicomnet.models import Retrieval, Transfer

_A_TURN: Final = 5000  # of each; the rest goes the next time


def transfers_keep() -> int:
    """Remove those that ended longer ago than the site keeps them, with their objects; returns how many.

    What waits or is under way stays, however old. One at a time: nobody waits for a long transaction, and
    one that is tried again meanwhile stays whole. What a rule has sent is remembered elsewhere for good.
    """
    before = timezone.now() - timedelta(days=settings.PACS_TRANSFER_DAYS)
    return sum(_prune(_ended(kind.objects.all(), before)) for kind in (Transfer, Retrieval))


def _ended(rows: QuerySet[Any], before: datetime) -> QuerySet[Any]:
    return rows.filter(state__in=("done", "failed", "cancelled"), finished_at__lt=before)


def _prune(rows: QuerySet[Any]) -> int:
    removed = 0
    for pk in list(rows.order_by("id").values_list("pk", flat=True)[:_A_TURN]):
        with transaction.atomic():
            found = rows.select_for_update().filter(pk=pk).first()
            if found is not None:
                found.delete()
                removed += 1
    return removed
