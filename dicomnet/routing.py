"""Routing: what arrives is put on its way by rules, each object to each destination at most once.

Arrivals are followed by the outbox. That a study was touched is written together with how far the outbox
was read, and what goes where together with the fact that it does; so a process can die between any two
statements and nothing is lost or doubled. As a net below that, studies touched of late are looked at once
more at every start and every hour: to look again changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from archive.events import EventTail
from archive.models import Study
from archive.selectors import studies_by_key
from dicomnet.models import AENode, RoutedInstance, RoutingDue, RoutingPosition, RoutingRule, Transfer
from dicomnet.routing_match import Arrival, arrivals_of, rule_matches
from dicomnet.sending import put_off_until, transfer_create, transfer_extend

SWEEP_EVERY: Final = timedelta(hours=1)
SWEEP_BACK: Final = timedelta(hours=2)
AT_ONCE: Final = 50  # studies a round
CALM_SECONDS: Final = 1.0
When = RoutingRule.When


class Router:
    """Follows the outbox and applies the rules. One is at work in the lane that sends."""

    def __init__(self) -> None:
        self._tail: EventTail | None = None
        self._swept: datetime | None = None
        self._looked: dict[int, float] = {}  # study -> when its rules looked last

    def look(self) -> bool:
        """Take one round; say whether something was routed or waits to be. Raises ``DatabaseError``."""
        rules = list(RoutingRule.objects.filter(active=True).prefetch_related("destinations"))
        if not rules:
            self._tail = None
            return False
        try:
            self._read()
        except BaseException:
            self._tail = None  # what it read was not written: read it again
            raise
        return self._work(rules)

    def _work(self, rules: Sequence[RoutingRule]) -> bool:
        """Look at what is due; at a study that is growing not more often than every ``CALM_SECONDS``."""
        soon = time.monotonic() - CALM_SECONDS
        self._looked = {study: at for study, at in self._looked.items() if at > soon}
        now = timezone.now()
        rows = RoutingDue.objects.filter(look_at__lte=now).exclude(study_id__in=list(self._looked))
        dues = list(rows.order_by("look_at", "id")[:AT_ONCE])
        for due in dues:
            _due_work(due, rules, now)
            self._looked[due.study_id] = time.monotonic()
        return bool(dues)

    def _read(self) -> None:
        """Note the studies of new events, together with how far was read."""
        now = timezone.now()
        position = RoutingPosition.objects.first()
        if self._tail is None:
            self._tail = EventTail(position=(position.last, position.skipped) if position else (0, []))
        studies = {int(key) for topic, key in self._tail.poll() if topic == "study" and key.isdigit()}
        sweeping = position is not None and (self._swept is None or now - self._swept > SWEEP_EVERY)
        last, skipped = self._tail.position
        if position is None or studies or (position.last, position.skipped) != (last, skipped):
            with transaction.atomic():
                _dues_note(dict.fromkeys(studies, now))
                RoutingPosition.objects.update_or_create(
                    pk=1, defaults={"last": last, "skipped": skipped, "read_at": now}
                )
        if position is not None and sweeping:
            _sweep(min(position.read_at, now) - SWEEP_BACK)
            self._swept = now


def _sweep(since: datetime) -> None:
    """Note studies touched of late that nothing is noted of. Those wait since their last image came."""
    noted = Exists(RoutingDue.objects.filter(study=OuterRef("pk")))
    lately = Study.objects.filter(~noted, updated_at__gte=since).values_list("pk", "updated_at")
    with transaction.atomic():
        _dues_note(dict(lately))


def _dues_note(touched: Mapping[int, datetime]) -> None:
    """Note studies and when something came for them; their rules look anew."""
    if not touched:
        return
    rows = list(RoutingDue.objects.filter(study_id__in=touched))
    for row in rows:
        row.touched_at = row.look_at = touched[row.study_id]
        row.fresh = True
    RoutingDue.objects.bulk_update(rows, ["touched_at", "look_at", "fresh"])
    new = touched.keys() - {row.study_id for row in rows}
    there = Study.objects.filter(pk__in=new).values_list("pk", flat=True)
    RoutingDue.objects.bulk_create(
        [RoutingDue(study_id=pk, touched_at=touched[pk], look_at=touched[pk]) for pk in there]
    )


def _due_work(due: RoutingDue, rules: Sequence[RoutingRule], now: datetime) -> None:
    """Apply the rules that are due to a study; the others come when it has rested long enough for them."""
    rested = (now - due.touched_at).total_seconds()
    looking = [
        rule for rule in rules if (due.fresh if rule.when == When.ARRIVING else rule.quiet_seconds <= rested)
    ]
    later = [rule.quiet_seconds for rule in rules if rule.when == When.QUIET and rule not in looking]
    with transaction.atomic():
        for study in studies_by_key(keys=[due.study_id]):
            study_route(study=study, rules=looking)
        same = RoutingDue.objects.filter(pk=due.pk, touched_at=due.touched_at)
        if later:
            same.update(fresh=False, look_at=due.touched_at + timedelta(seconds=min(later)))
        else:
            same.delete()


def study_route(*, study: Study, rules: Sequence[RoutingRule]) -> int:
    """Put on its way what these rules want of a study and what is not yet; return how many transfers changed.

    Call it in a transaction. To call it again changes nothing.
    """
    if not rules:
        return 0
    arrivals = arrivals_of(study=study, since=min(rule.since for rule in rules))
    addresses = {node.ae_title: (node.host, node.port) for node in AENode.objects.all()}
    changed = 0
    for rule in rules:
        wanted = [arrival for arrival in arrivals if arrival.at >= rule.since and rule_matches(rule, arrival)]
        for node in rule.destinations.all():
            going = [one for one in wanted if not _came_from(one, node, addresses)]
            changed += _send(study, rule, node, going)
    return changed


def _came_from(arrival: Arrival, node: AENode, addresses: dict[str, tuple[str, int]]) -> bool:
    """An object never goes back to where it came from, not by another name of that machine either."""
    return arrival.source == node.ae_title or addresses.get(arrival.source) == (node.host, node.port)


def _send(study: Study, rule: RoutingRule, node: AENode, arrivals: Sequence[Arrival]) -> int:
    keys = [arrival.stored.pk for arrival in arrivals]
    routed = RoutedInstance.objects.filter(node=node, instance__series__study=study)
    known = set(routed.values_list("instance_id", flat=True)) if keys else set()
    objects = [arrival.stored for arrival in arrivals if arrival.stored.pk not in known]
    if not objects:
        return 0
    transfer = Transfer.objects.filter(study=study, node=node, rule=rule).order_by("-id").first()
    if transfer is None or not transfer_extend(transfer=transfer, objects=objects):
        transfer = transfer_create(
            node=node, study=study, objects=objects, rule=rule, not_before=put_off_until(node=node)
        )
    RoutedInstance.objects.bulk_create(
        [RoutedInstance(instance_id=one.pk, node=node, rule=rule, transfer=transfer) for one in objects],
        batch_size=500,
    )
    return 1
