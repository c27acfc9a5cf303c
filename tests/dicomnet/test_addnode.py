"""`manage.py addnode`, as DESIGN and README promise it."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from archive.models import AuditEvent
from dicomnet.models import AENode, Printer

pytestmark = pytest.mark.django_db


def addnode(*arguments: str) -> str:
    out = io.StringIO()
    call_command("addnode", *arguments, stdout=out)
    return out.getvalue().strip()


def test_it_adds_then_changes() -> None:
    assert addnode("CT1", "10.0.0.1", "104") == "Added CT1 at 10.0.0.1:104; it may echo, store, find."
    assert addnode("CT1", "10.0.0.2", "105") == "Changed CT1 at 10.0.0.2:105; it may echo, store, find."
    assert AENode.objects.count() == 1


def test_rights() -> None:
    said = addnode("WS", "ws", "104", "--allow", "echo, store,find,move,get,worklist,mpps,commit,print")
    assert said == "Added WS at ws:104; it may echo, store, find, move, get, worklist, mpps, commit, print."
    assert addnode("WS", "ws", "104", "--allow", "echo") == "Changed WS at ws:104; it may echo."
    assert addnode("WS", "ws", "104", "--allow", "") == "Changed WS at ws:104; it may nothing."
    assert addnode("WS", "ws", "104") == "Changed WS at ws:104; it may nothing."


def test_a_printer() -> None:
    said = addnode("FILM", "10.0.0.9", "104", "--allow", "echo", "--printer")
    assert said == "Added FILM at 10.0.0.9:104; it may echo. It is a printer."
    printer = Printer.objects.get()
    assert (printer.ae_title, printer.host, printer.port) == ("FILM", "10.0.0.9", 104)
    assert printer.film_grids["14INX17IN"] == [3456, 4216]  # it prints before anybody describes it
    assert not addnode("CT1", "10.0.0.1", "104").endswith("printer.")
    assert Printer.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("A\\B", "h", "104"), "An AE title has 1 to 16 ASCII characters, no backslash."),
        (("CT1", "a b", "104"), "Give a host name or an IP address."),
        (("CT1", "h", "70000"), "Give a port from 1 to 65535."),
        (("CT1", "h", "0"), "Give a port from 1 to 65535."),
        (("CT1", "h", "http"), "PORT is “http”: give a number from 1 to 65535."),
        (
            ("CT1", "h", "104", "--allow", "echo,fly"),
            "--allow does not know “fly”: give some of echo,store,find,move,get,worklist,mpps,commit,print.",
        ),
    ],
)
def test_mistakes_are_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError) as caught:
        addnode(*arguments)
    assert str(caught.value) == sentence
    assert not AENode.objects.exists()
    assert not AuditEvent.objects.exists()
