"""AE nodes: found, registered, tested. The SCP needs only ``callers``, who is calling."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from archive.audit import audit_record
from archive.events import event_record
from archive.models import AuditEvent
from dicomnet.callers import CallerReason, node_for, unknown_caller_record
from dicomnet.contexts import Service
from dicomnet.jobs import node_probe_run
from dicomnet.models import AENode, NodeProbe, Printer, UnknownCaller
from dicomnet.printing import printer_defaults

__all__ = [
    "CallerReason",
    "ae_title_valid",
    "node_for",
    "node_probe_start",
    "node_upsert",
    "printer_upsert",
    "unknown_caller_record",
]

DEFAULT_RIGHTS = frozenset({Service.ECHO, Service.STORE, Service.FIND})

# PS3.5 6.2, AE: up to 16 of the default repertoire, no backslash, no control character, not only spaces.
_AE_TITLE = re.compile(r"[\x21-\x5b\x5d-\x7e]([\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?")
_HOST = re.compile(r"[A-Za-z0-9._:%\-\[\]]{1,255}")


def ae_title_valid(title: str) -> bool:
    """Whether a text can be an AE title as it stands."""
    return _AE_TITLE.fullmatch(title) is not None


def _checked(*, title: str, host: str, port: int) -> None:
    problems: dict[str, Promise] = {}
    if not ae_title_valid(title):
        problems["ae_title"] = _("An AE title has 1 to 16 ASCII characters, no backslash.")
    if not _HOST.fullmatch(host):
        problems["host"] = _("Give a host name or an IP address.")
    if not 1 <= port <= 65535:
        problems["port"] = _("Give a port from 1 to 65535.")
    if problems:
        raise ValidationError({name: str(text) for name, text in problems.items()})


@transaction.atomic
def node_upsert(
    *,
    ae_title: str,
    host: str,
    port: int,
    allow: Collection[Service] | None = None,
    by: AbstractUser | None = None,
    by_name: str = "",
) -> tuple[AENode, bool]:
    """Register a node, or change the address of the one with this title; returns (node, was it new?).

    ``allow`` are its rights: exactly these. None leaves a known node's rights as they are and gives a new one
    echo, store and find. The node becomes active. Raises ``ValidationError``.
    """
    _checked(title=ae_title, host=host, port=port)
    node = AENode.objects.select_for_update().filter(ae_title=ae_title).first()
    created = node is None
    if node is None:
        node = AENode(ae_title=ae_title)
    node.host, node.port, node.active = host, port, True
    if allow is not None or created:
        rights = DEFAULT_RIGHTS if allow is None else frozenset(allow)
        for service in Service:
            setattr(node, f"allow_{service}", service in rights)
    node.save()
    UnknownCaller.objects.filter(ae_title=ae_title, reason=CallerReason.UNKNOWN_TITLE).delete()
    audit_record(
        action=AuditEvent.Action.NODE_CHANGED,
        actor=by,
        actor_name=by_name,
        object=ae_title,
        detail={
            "host": host,
            "port": port,
            "created": created,
            "allow": [service.value for service in Service if getattr(node, f"allow_{service}")],
        },
    )
    return node, created


@transaction.atomic
def printer_upsert(
    *, ae_title: str, host: str, port: int, by: AbstractUser | None = None, by_name: str = ""
) -> tuple[Printer, bool]:
    """Register a printer under its AE title, or change the address of the one that has it."""
    _checked(title=ae_title, host=host, port=port)
    printer = Printer.objects.select_for_update().filter(ae_title=ae_title).order_by("id").first()
    created = printer is None
    if printer is None:
        printer = Printer(name=ae_title, ae_title=ae_title, **printer_defaults())
    printer.host, printer.port, printer.active = host, port, True
    printer.save()
    audit_record(
        action=AuditEvent.Action.NODE_CHANGED,
        actor=by,
        actor_name=by_name,
        object=ae_title,
        detail={"host": host, "port": port, "created": created, "printer": True},
    )
    return printer, created


@transaction.atomic
def node_probe_start(
    *, node: AENode | None = None, printer: Printer | None = None, by: AbstractUser | None = None
) -> NodeProbe:
    """Queue a connection test on the interactive lane; follow it by the event topic ``probe``."""
    if (node is None) == (printer is None):
        raise ValueError("give a node or a printer")
    probe = NodeProbe.objects.create(node=node, printer=printer)
    event_record(topic="probe", key=str(probe.pk))
    node_probe_run.enqueue(probe.pk)
    return probe
