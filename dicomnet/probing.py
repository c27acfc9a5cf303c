"""Connection tests as rows: each step is saved, and told of, when it is over."""

from __future__ import annotations

import logging
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from archive.events import event_record
from dicomnet.models import NodeProbe
from dicomnet.print_run import printer_condition_record
from dicomnet.scu.client import Patience, peer_of
from dicomnet.scu.noted import diary_outgoing
from dicomnet.scu.probe import Outcome, Step, probe

log = logging.getLogger(__name__)


def node_probe_execute(*, probe_id: int, patience: Patience = Patience()) -> None:  # noqa: B008  frozen
    """Run a waiting test to its end. A test that another worker took, or that is over, is left alone."""
    claimed = NodeProbe.objects.filter(pk=probe_id, state=NodeProbe.State.WAITING)
    if not claimed.update(state=NodeProbe.State.RUNNING):
        return
    row = NodeProbe.objects.select_related("node", "printer").get(pk=probe_id)
    target = row.node or row.printer
    assert target is not None
    peer = peer_of(target)
    calling: str = settings.PACS_AE_TITLE
    try:
        for step in probe(
            peer,
            calling=calling,
            printer=row.printer is not None,
            patience=patience,
            noted=partial(diary_outgoing, peer=peer, calling=calling, node=row.node),
        ):
            _step_save(row, step)
    except Exception:
        log.exception("the connection test of %s failed", target.ae_title)
        _step_save(row, Step("association", "unexpected", Outcome.FAILED))
    with transaction.atomic():
        row.state, row.finished_at = NodeProbe.State.DONE, timezone.now()
        row.ok = bool(row.steps) and all(step["outcome"] != Outcome.FAILED for step in row.steps)
        row.save(update_fields=["state", "finished_at", "ok"])
        event_record(topic="probe", key=str(row.pk))


def _step_save(row: NodeProbe, step: Step) -> None:
    with transaction.atomic():
        row.steps = [*row.steps, step.to_dict()]
        row.accepted = step.accepted or row.accepted
        row.save(update_fields=["steps", "accepted"])
        if row.printer is not None and step.detail.get("status"):
            printer_condition_record(
                printer=row.printer, condition=step.detail["status"], info=step.detail["info"]
            )
        event_record(topic="probe", key=str(row.pk))
