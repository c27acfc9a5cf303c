"""Nodes, printers and callers in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django_tasks_db.models import DBTaskResult

from archive.models import AuditEvent
from dicomnet.models import AENode, NodeProbe, Printer, UnknownCaller
from dicomnet.nodes import CallerReason, unknown_caller_record
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Client:
    client = Client()
    client.force_login(people.ada_administrator(), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def node() -> AENode:
    return AENode.objects.create(ae_title="CT2_ER", host="10.20.7.42", port=104)


def _form(**changes: Any) -> dict[str, Any]:
    form = {
        "ae_title": "CT2_ER", "host": "10.20.7.42", "port": 104, "description": "", "active": "on",
        "check_host": "on", "allow_echo": "on", "allow_store": "on", "allow_find": "on",
        "default_charset": "", "default_issuer": "", "worklist_charset": "", "worklist_name_form": "kept",
        "retrieve_by": "move",
    }  # fmt: skip
    return {name: value for name, value in (form | changes).items() if value is not None}


def _events() -> list[tuple[str, str, dict[str, Any]]]:
    return [(event.actor_name, event.object, event.detail) for event in AuditEvent.objects.order_by("id")]


def test_a_node_is_added_and_recorded(ada: Client) -> None:
    assert ada.post("/admin/dicomnet/aenode/add/", _form(default_charset="GB18030")).status_code == 302
    node = AENode.objects.get()
    assert (node.ae_title, node.allow_store, node.allow_move, node.default_charset) == (
        "CT2_ER", True, False, "GB18030",
    )  # fmt: skip
    ((actor, title, detail),) = _events()
    assert (actor, title, detail["added"], detail["values"]["host"]) == ("ada", "CT2_ER", True, "10.20.7.42")


def test_a_change_says_what_was_before_and_after(ada: Client, node: AENode) -> None:
    ada.post(f"/admin/dicomnet/aenode/{node.pk}/change/", _form(port=11112, allow_find=None))
    assert _events() == [("ada", "CT2_ER", {"changed": {"port": [104, 11112], "allow_find": [True, False]}})]


def test_a_deletion_is_recorded(ada: Client, node: AENode) -> None:
    ada.post(f"/admin/dicomnet/aenode/{node.pk}/delete/", {"post": "yes"})
    assert not AENode.objects.exists()
    assert _events() == [("ada", "CT2_ER", {"deleted": True})]


@pytest.mark.parametrize(
    "changes",
    [{"ae_title": "SEVENTEEN_LETTERS"}, {"ae_title": ""}, {"host": ""}, {"port": 0}, {"port": 65536}],
)
def test_an_address_that_cannot_work_is_refused(ada: Client, changes: dict[str, Any]) -> None:
    assert ada.post("/admin/dicomnet/aenode/add/", _form(**changes)).status_code == 200
    assert not AENode.objects.exists()
    assert _events() == []


def test_a_charset_that_is_not_in_the_list_is_kept(ada: Client, node: AENode) -> None:
    AENode.objects.update(default_charset="ISO_IR 126")
    ada.post(f"/admin/dicomnet/aenode/{node.pk}/change/", _form(default_charset="ISO_IR 126", port=105))
    assert AENode.objects.get().default_charset == "ISO_IR 126"


# ---------------------------------------------------------------------- connection test


def test_a_test_is_queued_and_followed_not_doubled(ada: Client, node: AENode) -> None:
    address = f"/admin/dicomnet/aenode/{node.pk}/probe/"
    for _ in range(2):
        assert 'data-running="1"' in ada.post(address).content.decode()
    probe = NodeProbe.objects.get()
    assert probe.node == node
    assert DBTaskResult.objects.get().queue_name == "interactive"


def test_the_panel_tells_each_step_and_what_to_do(ada: Client, node: AENode) -> None:
    step = {
        "name": "tcp",
        "code": "refused",
        "outcome": "failed",
        "detail": {"host": "10.20.7.42", "port": 104},
    }
    NodeProbe.objects.create(node=node, state="done", ok=False, steps=[step])
    page = ada.get(f"/admin/dicomnet/aenode/{node.pk}/probe/panel/").content.decode()
    assert 'data-running=""' in page
    assert "10.20.7.42 is there, but nothing listens on port 104." in page
    assert "correct the port." in page


def test_a_test_nobody_takes_up_does_not_run_for_ever(
    ada: Client, node: AENode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomnet.admin.probing.LOST_AFTER_SECONDS", -1)
    NodeProbe.objects.create(node=node)
    page = ada.get(f"/admin/dicomnet/aenode/{node.pk}/probe/panel/").content.decode()
    assert "Are the background jobs running?" in page
    assert 'data-running=""' in page


def test_a_printer_is_tested_as_a_printer(ada: Client) -> None:
    printer = Printer.objects.create(name="FILM_5F", ae_title="DRYVIEW", host="10.0.0.9", port=104)
    ada.post(f"/admin/dicomnet/printer/{printer.pk}/probe/")
    probe = NodeProbe.objects.get()
    assert (probe.printer, probe.node) == (printer, None)


def test_only_administrators_test(node: AENode) -> None:
    client = Client()
    client.force_login(people.omar_operator(), backend="django.contrib.auth.backends.ModelBackend")
    client.post(f"/admin/dicomnet/aenode/{node.pk}/probe/")
    assert not NodeProbe.objects.exists()


# ---------------------------------------------------------------------- unknown callers


def _admit(client: Client, caller: UnknownCaller) -> str:
    address = f"/admin/dicomnet/unknowncaller/{caller.pk}/admit/"
    assert client.get(address).status_code == 405
    return client.post(address, follow=True).content.decode()


def test_one_click_adds_a_caller(ada: Client) -> None:
    caller = unknown_caller_record(ae_title="US3", host="10.20.7.66", reason=CallerReason.UNKNOWN_TITLE)
    page = ada.get("/admin/dicomnet/unknowncaller/").content.decode()
    assert "No AE node has this title. Add it if you expect this device." in page
    assert "US3 is a node now." in _admit(ada, caller)
    node = AENode.objects.get()
    assert (node.ae_title, node.host, node.port, node.allow_store, node.allow_move) == (
        "US3", "10.20.7.66", 104, True, False,
    )  # fmt: skip
    assert not UnknownCaller.objects.exists()
    ((actor, title, detail),) = _events()
    assert (actor, title, detail["created"]) == ("ada", "US3", True)


def test_one_click_takes_the_new_host_and_keeps_port_and_rights(ada: Client, node: AENode) -> None:
    AENode.objects.update(port=4242, allow_find=False)
    caller = unknown_caller_record(ae_title="CT2_ER", host="10.9.9.9", reason=CallerReason.OTHER_HOST)
    assert "CT2_ER is let in from 10.9.9.9 now." in _admit(ada, caller)
    node.refresh_from_db()
    assert (node.host, node.port, node.allow_find) == ("10.9.9.9", 4242, False)


def test_one_click_switches_a_node_on(ada: Client, node: AENode) -> None:
    AENode.objects.update(active=False)
    _admit(ada, unknown_caller_record(ae_title="CT2_ER", host="10.20.7.42", reason=CallerReason.INACTIVE))
    assert AENode.objects.get().active


def test_who_called_somebody_else_is_set_right_at_their_end(ada: Client) -> None:
    caller = unknown_caller_record(ae_title="XA1", host="10.0.0.3", reason=CallerReason.CALLED_TITLE)
    assert "formaction" not in ada.get("/admin/dicomnet/unknowncaller/").content.decode()
    _admit(ada, caller)
    assert not AENode.objects.exists()
