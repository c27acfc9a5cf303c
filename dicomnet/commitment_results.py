"""What others answered to our requests for storage commitment (PS3.4 J.3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.utils import timezone

from archive.events import event_record
from dicomnet.commitment_datasets import Report
from dicomnet.models import AENode, Commitment, CommitmentObject

Direction, State = Commitment.Direction, Commitment.State
_AT_ONCE: Final = 500


@transaction.atomic
def commitment_result_record(*, report: Report) -> Commitment | None:
    """Write down what a node answered to a request of ours; None when the transaction is none of ours.

    Objects are told apart by their instance UID alone, and what we did not ask about is passed over. An
    answer that comes again, or after we gave up, is written all the same: the last word counts.
    """
    asked = Commitment.objects.filter(direction=Direction.ASKED, transaction_uid=report.transaction_uid)
    commitment = asked.select_for_update().first()
    if commitment is None:
        return None
    reasons = {name.sop_instance_uid: 0 for name in report.committed}
    reasons.update((name.sop_instance_uid, reason) for name, reason in report.failed)
    objects = list(commitment.objects_named.all())
    for one in objects:
        one.failure_reason = reasons.get(one.sop_instance_uid, one.failure_reason)
    CommitmentObject.objects.bulk_update(objects, ["failure_reason"], batch_size=_AT_ONCE)
    complete = all(one.failure_reason is not None for one in objects)
    commitment.state, commitment.finished_at = State.DONE, timezone.now()
    commitment.error, commitment.error_detail = "" if complete else "result-incomplete", {}
    commitment.save()
    event_record(topic="commitment", key=str(commitment.pk))
    return commitment


def commitment_results(*, node: AENode, sop_instance_uids: Sequence[str]) -> dict[str, int | None]:
    """What a node said of the objects we asked it about: 0 committed, None no answer yet, else a Failure
    Reason. The newest answer counts; objects it was never asked about are not there.
    """
    results: dict[str, int | None] = {}
    for start in range(0, len(sop_instance_uids), _AT_ONCE):
        rows = CommitmentObject.objects.filter(
            commitment__node=node,
            commitment__direction=Direction.ASKED,
            sop_instance_uid__in=sop_instance_uids[start : start + _AT_ONCE],
        ).order_by("id")
        for uid, reason in rows.values_list("sop_instance_uid", "failure_reason"):
            results[uid] = results.get(uid) if reason is None else reason
    return results
