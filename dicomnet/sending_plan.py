"""The dry run: what a node would take as it is, converted, or not at all, asked of the node itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from archive.events import event_record
from archive.selectors import StoredObject, objects_of, studies_by_key
from dicomnet.models import TransferPlan
from dicomnet.scu.client import NotAssociated, Patience, Peer, peer_of
from dicomnet.scu.storing import Outgoing, Way, objects_plan

KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Group:
    """Objects that go in the same way for the same reason. ``way`` is as-is, converted or refused."""

    way: str
    sop_class_uid: str
    transfer_syntax_uid: str  # as stored
    sent_as: str  # as it would go; empty when refused
    reason: str
    count: int


_WAYS = {Way.AS_IS: "as-is", Way.TRANSCODED: "converted", Way.NOT_AT_ALL: "refused"}


def outgoing_of(stored: StoredObject) -> Outgoing:
    return Outgoing(
        stored.sop_class_uid, stored.sop_instance_uid, stored.transfer_syntax_uid, stored.file_key
    )


def transfer_plan_execute(
    *,
    plan_id: int,
    patience: Patience = Patience(),  # noqa: B008  frozen
) -> None:
    """Ask the node and keep the answer for a day. A plan that is over is left alone."""
    TransferPlan.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    plan = (
        TransferPlan.objects.select_related("node")
        .filter(pk=plan_id, state=TransferPlan.State.WAITING)
        .first()
    )
    if plan is None:
        return
    objects = [
        outgoing_of(stored)
        for study in studies_by_key(keys=plan.studies)
        for stored in objects_of(study=study, series=plan.series)
    ]
    node = plan.node
    began = time.monotonic()
    try:
        plan.groups = [
            asdict(group) for group in _groups(node_peer=peer_of(node), objects=objects, patience=patience)
        ]
        plan.state = TransferPlan.State.DONE
    except NotAssociated as error:
        plan.state = TransferPlan.State.FAILED
        plan.error, plan.error_detail = error.failure.value, error.detail[:255]
    plan.milliseconds = (time.monotonic() - began) * 1000
    plan.finished_at = timezone.now()
    with transaction.atomic():
        plan.save()
        event_record(topic="transfer-plan", key=str(plan.pk))


def _groups(*, node_peer: Peer, objects: Iterable[Outgoing], patience: Patience) -> list[Group]:
    counted: Counter[tuple[str, str, str, str, str]] = Counter()
    planned = objects_plan(peer=node_peer, objects=objects, calling=settings.PACS_AE_TITLE, patience=patience)
    for one, plan in planned:
        sent_as = plan.context.transfer_syntax if plan.context else ""
        counted[_WAYS[plan.way], one.sop_class_uid, one.transfer_syntax_uid, sent_as, plan.reason] += 1
    order = list(_WAYS.values())
    found = [Group(*key, count=count) for key, count in counted.items()]
    return sorted(found, key=lambda group: (order.index(group.way), -group.count))
