"""System checks of the DICOM side: what an operator can get wrong, said before it hurts."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.utils.translation import gettext as _

from dicomnet.tls import TlsNotUsable, certificates_used, client_context, days_left, server_context

TAG = "dicomnet"
WARN_DAYS = 30


def _addresses(host: str) -> list[str]:
    try:
        return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, None, flags=socket.AI_PASSIVE)})
    except (OSError, UnicodeError):
        return []


def dicom_address(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The address to listen on exists, and an open door is meant."""
    host = settings.PACS_DICOM_HOST
    addresses = _addresses(host)
    if not addresses:
        return [
            Error(
                _("PACS_DICOM_HOST is “%(host)s”, which is no address of this machine.") % {"host": host},
                hint=_("Give 127.0.0.1 for this machine only, or 0.0.0.0 for the network."),
                id="dicomnet.E001",
            )
        ]
    open_to_all = not all(ipaddress.ip_address(a.partition("%")[0]).is_loopback for a in addresses)
    if open_to_all and settings.PACS_ACCEPT_UNKNOWN_AE:
        return [
            Warning(
                _("Any machine of the network may store here: PACS_UNKNOWN_AE is “accept”."),
                hint=_("Set PACS_UNKNOWN_AE=reject, and add the devices as AE nodes."),
                id="dicomnet.W001",
            )
        ]
    return []


def tls_usable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Key, certificate and authorities fit together, and none of them ends soon."""
    found: list[CheckMessage] = []
    try:
        if settings.PACS_DICOM_TLS_PORT is not None:
            server_context()
        if settings.PACS_DICOM_TLS_CERT is not None or settings.PACS_DICOM_TLS_CA is not None:
            client_context()
        for variable, certificate in certificates_used():
            left = days_left(certificate)
            words = {"what": certificate.common_name or certificate.fingerprint, "variable": variable}
            words["day"] = f"{certificate.not_after:%Y-%m-%d}"
            if left < 0:
                text = _("The certificate “%(what)s” of %(variable)s ended on %(day)s.") % words
                hint = _("Put a new one in its place, and restart.")
                found.append(Warning(text, hint=hint, id="dicomnet.W003"))  # the archive goes on without TLS
            elif left <= WARN_DAYS:
                text = _("The certificate “%(what)s” of %(variable)s ends on %(day)s.") % words
                found.append(Warning(text, hint=_("Order a new one now."), id="dicomnet.W002"))
    except TlsNotUsable as error:
        text = _("TLS cannot be used: %(error)s") % {"error": error}
        hint = _("Correct the variables PACS_DICOM_TLS_….")
        found.append(Error(text, hint=hint, id="dicomnet.E002"))
    return found
