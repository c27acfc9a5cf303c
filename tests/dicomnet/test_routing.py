"""Rules: what they want, that each object goes to each destination once, and that nothing goes in circles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pydicom.uid import generate_uid

from archive.models import AuditEvent, Event, Instance, Study
from archive.storage import Origin
from dicomnet import routing
from dicomnet.models import AENode, RoutedInstance, RoutingDue, RoutingPosition, RoutingRule, Transfer
from dicomnet.routing import Router
from dicomnet.routing_match import Traits, rule_preview, traits_match
from tests import people
from tests.archive.arrivals import receive, study_of
from tests.objects import ct_slice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    return settings.DATA_DIR


def node(title: str, **changes: Any) -> AENode:
    number = AENode.objects.count()
    return AENode.objects.create(**{"ae_title": title, "host": f"10.0.0.{number}", "port": 104, **changes})


def rule(*destinations: AENode, **changes: Any) -> RoutingRule:
    name = changes.pop("name", f"rule {RoutingRule.objects.count() + 1}")
    made = RoutingRule.objects.create(name=name, **changes)
    made.destinations.set(destinations)
    return made


def arrive(source: str = "CT1", **changes: Any) -> Study:
    return study_of(receive(ct_slice(**changes), origin=Origin(source)))


def sent() -> list[tuple[str, int]]:
    return list(Transfer.objects.order_by("id").values_list("destination", "total"))


def routed(router: Router | None = None) -> list[tuple[str, int]]:
    """Let everything be routed, by a new process if no other is given; what is on its way where."""
    router = router or Router()
    router._looked = {}
    while router.look():
        pass
    return sent()


# -- conditions ---------------------------------------------------------------------------------------

TRAITS = Traits(
    modality="CT",
    source="CT1_5F",
    descriptions=("Thorax nativ", "Lung 1.0", "CHEST^ROUTINE"),
    body_part="CHEST",
    at=datetime(2026, 11, 25, 22, 30, tzinfo=UTC),  # a Wednesday
)


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"modalities": "ct"}, True),
        ({"modalities": "MR, CT"}, True),
        ({"modalities": "MR，US"}, False),
        ({"callers": "ct1_5f"}, True),
        ({"callers": "CT1"}, False),
        ({"description": "thorax"}, True),
        ({"description": "lung"}, True),
        ({"description": "routine"}, True),
        ({"description": "abdomen"}, False),
        ({"body_part": "chest"}, True),
        ({"body_part": "HEAD"}, False),
        ({"modalities": "CT", "body_part": "HEAD"}, False),
        ({"weekdays": "2"}, True),
        ({"weekdays": "013456"}, False),
        ({"time_from": time(22), "time_to": time(23)}, True),
        ({"time_from": time(22, 30)}, True),
        ({"time_to": time(22, 30)}, False),
        ({"time_from": time(22), "time_to": time(6)}, True),
        ({"time_from": time(23), "time_to": time(6)}, False),
    ],
)
def test_every_condition_must_hold(conditions: dict[str, Any], holds: bool) -> None:
    assert traits_match(RoutingRule(**conditions), TRAITS) is holds


# -- what goes where -----------------------------------------------------------------------------------


def test_what_arrives_goes_to_every_destination_of_the_rules_it_meets() -> None:
    west, east = node("WEST"), node("EAST")
    rule(west, east, modalities="CT")
    rule(east, modalities="MR")
    arrive(Modality="CT")
    arrive(Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")
    arrive(Modality="US")
    assert sorted(routed()) == [("EAST", 1), ("EAST", 1), ("WEST", 1)]


def test_a_study_that_grows_stays_one_transfer() -> None:
    rule(node("WEST"))
    study = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    arrive(**study)
    assert routed() == [("WEST", 1)]
    arrive(**study)
    assert routed() == [("WEST", 2)]
    Transfer.objects.update(state="sending")
    arrive(**study)
    assert routed() == [("WEST", 3)]
    Transfer.objects.update(state="done")
    arrive(**study)
    assert routed() == [("WEST", 4)]
    assert Transfer.objects.get().state == "waiting"


def test_after_a_person_cancelled_new_images_make_a_transfer_of_their_own() -> None:
    rule(node("WEST"))
    study = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    arrive(**study)
    routed()
    Transfer.objects.update(state="cancelled")
    arrive(**study)
    assert routed() == [("WEST", 1), ("WEST", 1)]


def test_two_rules_with_one_destination_send_once() -> None:
    west = node("WEST")
    first, _second = rule(west, order=1, name="all"), rule(west, order=2, modalities="CT", name="CT")
    arrive()
    assert routed() == [("WEST", 1)]
    assert Transfer.objects.get().rule == first


def test_what_was_there_before_the_rule_stays() -> None:
    rule(node("EAST"), name="old")
    study = arrive()
    late = rule(node("WEST"), name="new")
    assert late.since > Instance.objects.get().created_at
    assert routed() == [("EAST", 1)]
    arrive(StudyInstanceUID=study.study_instance_uid, SeriesInstanceUID=generate_uid())
    assert sorted(routed()) == [("EAST", 2), ("WEST", 1)]


def test_rejected_images_do_not_go() -> None:
    rule(node("WEST"))
    arrive()
    Instance.objects.update(rejected_at=timezone.now())
    assert routed() == []


def test_a_study_goes_once_it_is_quiet() -> None:
    rule(node("WEST"), when="quiet", quiet_seconds=60)
    study = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    arrive(**study)
    arrive(**study)
    router = Router()
    assert routed(router) == []
    past(59)
    assert routed() == []  # a new process does not begin to count anew
    past(1)
    assert routed(router) == [("WEST", 2)]
    assert not RoutingDue.objects.exists()


def test_rules_with_different_rests_look_in_their_turn() -> None:
    rule(node("NOW"))
    rule(node("SOON"), when="quiet", quiet_seconds=10)
    rule(node("LATE"), when="quiet", quiet_seconds=100)
    arrive()
    assert routed() == [("NOW", 1)]
    past(10)
    assert routed() == [("NOW", 1), ("SOON", 1)]
    past(90)
    assert routed() == [("NOW", 1), ("SOON", 1), ("LATE", 1)]


def past(seconds: int) -> None:
    """Let this much time have gone by since anything was touched."""
    for due in RoutingDue.objects.all():
        due.touched_at -= timedelta(seconds=seconds)
        due.look_at -= timedelta(seconds=seconds)
        due.save()


def test_who_joins_a_queue_that_is_put_off_waits_with_it() -> None:
    west = node("WEST")
    rule(west)
    arrive()
    routed()
    later = timezone.now() + timedelta(seconds=600)
    Transfer.objects.update(next_attempt_at=later)
    arrive()
    routed()
    assert list(Transfer.objects.values_list("next_attempt_at", flat=True)) == [later, later]


# -- no circles ---------------------------------------------------------------------------------------


def test_an_object_never_goes_back_to_where_it_came_from() -> None:
    west = node("WEST")
    rule(west, node("EAST"))
    arrive(source="WEST")
    assert routed() == [("EAST", 1)]


def test_nor_to_the_same_machine_under_another_name() -> None:
    node("WEST_SEND", host="10.9.9.9", port=104)
    rule(node("WEST_STORE", host="10.9.9.9", port=104))
    arrive(source="WEST_SEND")
    assert routed() == []


def test_an_object_that_comes_round_again_is_not_sent_again() -> None:
    """A sends to us, we to B and C, each sends what it gets on, and so it comes back from both."""
    rule(node("B"), node("C"))
    ds = ct_slice()
    for source in ("A", "B", "C", "A"):
        receive(ds, origin=Origin(source))
        routed()
    assert sent() == [("B", 1), ("C", 1)]


# -- restarts -----------------------------------------------------------------------------------------


def test_what_arrived_while_nothing_ran_goes_after_the_start() -> None:
    rule(node("WEST"))
    arrive()
    assert routed() == [("WEST", 1)]
    arrive()  # nobody looks
    assert routed() == [("WEST", 1), ("WEST", 1)]  # another process


@pytest.mark.parametrize("moment", ["studies_by_key", "_send", "transfer_create"])
def test_a_round_that_dies_anywhere_is_done_over_and_nothing_doubles(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(node("WEST"), node("EAST"))
    arrive()
    original = getattr(routing, moment)

    class Killed(Exception):
        pass

    def dying(*args: Any, **kwargs: Any) -> Any:
        original(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(routing, moment, dying)
        with pytest.raises(Killed):
            Router().look()
    assert sent() == []
    assert sorted(routed()) == [("EAST", 1), ("WEST", 1)]


def test_events_that_were_pruned_before_they_were_read_are_made_up_for() -> None:
    rule(node("WEST"))
    arrive()
    routed()
    arrive()
    Event.objects.all().delete()
    assert routed() == [("WEST", 1), ("WEST", 1)]


def test_an_event_that_commits_late_is_not_missed() -> None:
    """On PostgreSQL a smaller id can appear after a larger one."""
    rule(node("WEST"))
    arrive()
    router = Router()
    router.look()
    study = arrive()
    held = Event.objects.order_by("-id").first()
    assert held is not None
    Event.objects.filter(pk=held.pk).delete()
    later = Event.objects.create(topic="study", key="999999")
    router.look()
    position = RoutingPosition.objects.get()
    assert later.pk == held.pk + 1
    # What earlier tests took from the sequence is missing as well, before it.
    assert (position.last, position.skipped[-1]) == (later.pk, held.pk)
    Event.objects.create(pk=held.pk, topic="study", key=str(study.pk))
    assert routed() == [("WEST", 1), ("WEST", 1)]  # another process, which knows what was skipped


def test_the_database_itself_refuses_to_route_twice() -> None:
    west = node("WEST")
    rule(west)
    arrive()
    routed()
    instance = Instance.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        RoutedInstance.objects.create(instance=instance, node=west)


# -- the admin ----------------------------------------------------------------------------------------


@pytest.fixture
def as_ada(client: Client) -> Iterator[Client]:
    from archive.access import roles_ensure

    roles_ensure()
    client.force_login(people.ada_administrator(), backend="django.contrib.auth.backends.ModelBackend")
    return client


def form(*destinations: AENode, **changes: Any) -> dict[str, Any]:
    return {
        "name": "CT to west", "active": "on", "order": 100, "modalities": "CT", "callers": "",
        "description": "", "body_part": "", "time_from": "", "time_to": "",
        "destinations": [one.pk for one in destinations], "when": "arriving", "quiet_seconds": 60, **changes,
    }  # fmt: skip


def test_an_administrator_makes_a_rule_and_it_is_recorded(as_ada: Client) -> None:
    west = node("WEST")
    answer = as_ada.post("/admin/dicomnet/routingrule/add/", form(west, weekdays=["4", "0"]))
    assert answer.status_code == 302
    made = RoutingRule.objects.get()
    assert (made.name, made.weekdays, list(made.destinations.all())) == ("CT to west", "04", [west])
    assert AuditEvent.objects.filter(action="rule-changed", object="CT to west").count() == 1


def test_switching_a_rule_on_again_is_for_what_arrives_from_then_on(as_ada: Client) -> None:
    west = node("WEST")
    old = rule(west, name="CT to west", active=False, since=datetime(2026, 1, 1, tzinfo=UTC))
    as_ada.post(f"/admin/dicomnet/routingrule/{old.pk}/change/", form(west))
    old.refresh_from_db()
    assert timezone.now() - old.since < timedelta(minutes=1)
    since = old.since
    as_ada.post(f"/admin/dicomnet/routingrule/{old.pk}/change/", form(west, description="chest"))
    old.refresh_from_db()
    assert (old.description, old.since) == ("chest", since)


def test_a_rule_is_tried_on_past_studies_without_sending_anything(as_ada: Client) -> None:
    west = node("WEST")
    arrive(Modality="CT", PatientName="Doe^Jane")
    arrive(Modality="CT", PatientID="P2")
    arrive(Modality="MR", PatientID="P3")
    found = rule_preview(rule=RoutingRule(modalities="CT"))
    assert (found.looked, len(found.studies), found.images) == (3, 2, 2)
    answer = as_ada.post("/admin/dicomnet/routingrule/preview/", form(west))
    assert "It would have sent 2 of the last 3 studies." in answer.content.decode()
    assert not RoutingRule.objects.exists()
    assert routed() == []


def test_a_rule_that_is_not_complete_is_not_tried(as_ada: Client) -> None:
    answer = as_ada.post("/admin/dicomnet/routingrule/preview/", form())
    assert "Complete the rule first" in answer.content.decode()


def test_only_administrators_reach_the_rules(client: Client) -> None:
    client.force_login(people.omar_operator(), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/dicomnet/routingrule/").status_code in (302, 403)
    assert client.post("/admin/dicomnet/routingrule/preview/", form()).status_code in (302, 403)


def test_the_pages_of_rules_are_there(as_ada: Client) -> None:
    made = rule(node("WEST"), modalities="CT", time_from=time(22), time_to=time(6), weekdays="01")
    text = as_ada.get("/admin/dicomnet/routingrule/").content.decode()
    assert "CT · 22:00–06:00 · Monday, Tuesday" in text
    text = as_ada.get(f"/admin/dicomnet/routingrule/{made.pk}/change/").content.decode()
    assert "Try it on past studies" in text
