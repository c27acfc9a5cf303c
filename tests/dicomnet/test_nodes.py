"""AE nodes and unknown callers as rows."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from archive.models import AuditEvent, Event
from dicomnet import callers
from dicomnet.callers import CallerReason, node_for, unknown_caller_record
from dicomnet.contexts import Service
from dicomnet.models import AENode, Printer, UnknownCaller
from dicomnet.nodes import node_upsert, printer_upsert
from tests.people import ada_administrator

pytestmark = pytest.mark.django_db


def rights(node: AENode) -> set[str]:
    return {service.value for service in Service if getattr(node, f"allow_{service}")}


def test_every_service_has_its_right() -> None:
    columns = {field.name for field in AENode._meta.get_fields() if field.name.startswith("allow_")}
    assert columns == {f"allow_{service}" for service in Service}


def test_a_new_node_may_echo_store_and_find() -> None:
    node, created = node_upsert(ae_title="CT1", host="10.1.1.1", port=104)
    assert created
    assert node.active
    assert node.check_host
    assert rights(node) == {"echo", "store", "find"}


def test_a_known_node_keeps_what_is_not_said() -> None:
    AENode.objects.create(
        ae_title="CT1", host="a", port=1, allow_store=False, default_charset="GB18030", active=False
    )
    node, created = node_upsert(ae_title="CT1", host="b", port=2)
    assert not created
    assert (node.host, node.port, node.active, node.default_charset) == ("b", 2, True, "GB18030")
    assert rights(node) == {"echo", "find"}


def test_rights_given_are_exactly_those() -> None:
    node, _ = node_upsert(ae_title="CT1", host="a", port=1, allow=[Service.MOVE, Service.PRINT])
    assert rights(AENode.objects.get(pk=node.pk)) == {"move", "print"}


@pytest.mark.parametrize(
    ("title", "host", "port", "field"),
    [
        ("", "h", 104, "ae_title"),
        (" CT1", "h", 104, "ae_title"),
        ("SEVENTEEN_LETTERS", "h", 104, "ae_title"),
        ("A\\B", "h", 104, "ae_title"),
        ("医院", "h", 104, "ae_title"),
        ("CT1", "", 104, "host"),
        ("CT1", "two words", 104, "host"),
        ("CT1", "http://h/", 104, "host"),
        ("CT1", "h", 0, "port"),
        ("CT1", "h", 65536, "port"),
    ],
)
def test_what_cannot_work_is_refused(title: str, host: str, port: int, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        node_upsert(ae_title=title, host=host, port=port)
    assert list(caught.value.message_dict) == [field]
    assert not AENode.objects.exists()


def test_a_change_is_audited_with_who_made_it() -> None:
    ada = ada_administrator()
    node_upsert(ae_title="CT1", host="h", port=104, allow=[Service.ECHO], by=ada)
    event = AuditEvent.objects.get(action=AuditEvent.Action.NODE_CHANGED)
    assert (event.actor, event.object) == (ada, "CT1")
    assert event.detail == {"host": "h", "port": 104, "created": True, "allow": ["echo"]}


def test_adding_a_caller_takes_it_off_the_list() -> None:
    unknown_caller_record(ae_title="CT1", host="10.0.0.1", reason=CallerReason.UNKNOWN_TITLE)
    unknown_caller_record(ae_title="CT2", host="10.0.0.2", reason=CallerReason.UNKNOWN_TITLE)
    node_upsert(ae_title="CT1", host="10.0.0.1", port=104)
    assert list(UnknownCaller.objects.values_list("ae_title", flat=True)) == ["CT2"]


def test_node_for() -> None:
    node, _ = node_upsert(ae_title="CT1", host="h", port=104)
    assert node_for(ae_title="CT1") == node
    assert node_for(ae_title="ct1") is None
    assert node_for(ae_title="") is None


def test_a_printer_under_its_title() -> None:
    printer, created = printer_upsert(ae_title="FILM", host="h", port=104)
    assert created
    assert (printer.name, printer.ae_title, printer.active) == ("FILM", "FILM", True)
    Printer.objects.filter(pk=printer.pk).update(name="Dry imager, floor 2", supports_colour=True)
    again, created = printer_upsert(ae_title="FILM", host="other", port=105)
    assert not created
    assert (again.pk, again.name, again.host, again.port) == (printer.pk, "Dry imager, floor 2", "other", 105)
    assert again.supports_colour


def test_calls_are_counted() -> None:
    first = unknown_caller_record(ae_title="X", host="10.0.0.1", reason=CallerReason.UNKNOWN_TITLE)
    again = unknown_caller_record(ae_title="X", host="10.0.0.1", reason=CallerReason.UNKNOWN_TITLE, calls=7)
    other = unknown_caller_record(ae_title="X", host="10.0.0.2", reason=CallerReason.UNKNOWN_TITLE)
    assert first.pk == again.pk != other.pk
    assert again.calls == 8
    assert again.last_at > first.last_at
    assert list(Event.objects.order_by("id").values_list("topic", "key")) == [
        ("caller", str(first.pk)),
        ("caller", str(first.pk)),
        ("caller", str(other.pk)),
    ]


def test_the_oldest_callers_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "MAX_UNKNOWN_CALLERS", 3)
    for number in range(5):
        unknown_caller_record(ae_title=f"X{number}", host="h", reason=CallerReason.UNKNOWN_TITLE)
    assert set(UnknownCaller.objects.values_list("ae_title", flat=True)) == {"X2", "X3", "X4"}


def test_a_title_may_be_anything_a_peer_sent() -> None:
    caller = unknown_caller_record(ae_title="é\0x" * 20, host="h" * 100, reason=CallerReason.INACTIVE)
    assert "\0" not in caller.ae_title
    assert len(caller.ae_title) <= 16
    assert len(caller.host) <= 64


@pytest.mark.parametrize("reason", list(CallerReason))
def test_each_reason_says_what_to_do(reason: CallerReason) -> None:
    with translation.override("en"):
        assert len(str(reason.sentence).split(". ")) == 2
