"""Transfers and retrievals that are over are remembered for a set time; those under way stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from archive.jobs import housekeeping_run
from dicomnet.keeping import transfers_keep
from dicomnet.models import AENode, Retrieval, Transfer, TransferItem

pytestmark = pytest.mark.django_db


@pytest.fixture
def west() -> AENode:
    return AENode.objects.create(ae_title="WEST", host="127.0.0.1", port=1)


def a_transfer(node: AENode, state: str, days: float | None) -> Transfer:
    ended = None if days is None else timezone.now() - timedelta(days=days)
    made = Transfer.objects.create(node=node, destination="WEST", state=state, total=2, finished_at=ended)
    TransferItem.objects.bulk_create(
        TransferItem(transfer=made, sop_instance_uid=f"1.2.{number}") for number in (1, 2)
    )
    return made


def test_what_is_over_goes_with_its_objects_after_the_days_that_are_set(west: AENode, settings: Any) -> None:
    settings.PACS_TRANSFER_DAYS = 30
    for state in ("done", "failed", "cancelled"):
        a_transfer(west, state, 31)
    kept = [a_transfer(west, state, 29) for state in ("done", "failed", "cancelled")]
    assert transfers_keep() == 3
    assert set(Transfer.objects.values_list("pk", flat=True)) == {one.pk for one in kept}
    assert TransferItem.objects.count() == 6


def test_what_is_not_over_stays_however_old(west: AENode, settings: Any) -> None:
    settings.PACS_TRANSFER_DAYS = 1
    for state in ("waiting", "sending"):
        old = a_transfer(west, state, None)
        Transfer.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=900))
    # tried again after it had failed
    again = a_transfer(west, "waiting", 400)
    assert transfers_keep() == 0
    assert Transfer.objects.filter(pk=again.pk).exists()


def test_retrievals_likewise_and_by_housekeeping(west: AENode) -> None:
    for state, days in (("done", 91), ("done", 89), ("waiting", None), ("failed", 91)):
        ended = None if days is None else timezone.now() - timedelta(days=days)
        Retrieval.objects.create(
            node=west, source="WEST", study_instance_uid="1.2", state=state, finished_at=ended
        )
    housekeeping_run()
    assert list(Retrieval.objects.order_by("id").values_list("state", flat=True)) == ["done", "waiting"]
