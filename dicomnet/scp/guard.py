"""Who may come in. Asked once for each association, of the database: an edit holds from the next one on."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import time
from dataclasses import dataclass

from django.conf import settings

from archive.storage import Origin
from dicomnet.callers import CallerReason, node_for
from dicomnet.contexts import Rights, Service
from dicomnet.dimse.negotiation import Proposal, Rejection, protocol_rejection
from dicomnet.models import AENode
from dicomnet.scp.identity import identity_holds, identity_problem
from dicomnet.scp.slots import Slot, slot_take
from dicomnet.tls import Certificate

log = logging.getLogger("lightbox.scp")

_TRIAL_RIGHTS = Rights(frozenset({Service.ECHO, Service.STORE}))
_RESOLVED_FOR = 60.0  # seconds a name's addresses are remembered


@dataclass(frozen=True, slots=True)
class Caller:
    """An association that was let in."""

    ae_title: str
    address: str
    rights: Rights
    origin: Origin
    node: AENode | None = None  # None: unlisted, under PACS_UNKNOWN_AE=accept
    slot: Slot | None = None  # of a node with a limit: to be closed at the end


@dataclass(frozen=True, slots=True)
class Channel:
    """How the caller is connected, and the certificate it has shown."""

    tls: bool = False
    certificate: Certificate | None = None


class TurnedAway(Exception):
    """An association to reject; ``reason`` is set when it concerns who was calling."""

    def __init__(self, rejection: Rejection, reason: CallerReason | None = None) -> None:
        super().__init__(rejection.name)
        self.rejection = rejection
        self.reason = reason


class HostNames:
    """The addresses behind host names, remembered for a minute. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def addresses(self, host: str) -> frozenset[str]:
        """Every address of a host; none when the name does not resolve now."""
        now = time.monotonic()
        with self._lock:
            at, known = self._known.get(host, (0.0, frozenset()))
            if at and now - at < _RESOLVED_FOR:
                return known
        try:
            found = frozenset(
                _plain(str(info[4][0])) for info in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
            )
        except (OSError, UnicodeError):
            found = frozenset()
        if found:
            with self._lock:
                if len(self._known) > 1000:
                    self._known.clear()
                self._known[host] = (now, found)
        return found


def _plain(address: str) -> str:
    """An address in one spelling: no zone, no IPv4 inside IPv6, one loopback."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return "loopback" if parsed.is_loopback else str(parsed)


_names = HostNames()


def _rights(node: AENode) -> Rights:
    allowed = frozenset(service for service in Service if getattr(node, f"allow_{service}"))
    return Rights(allowed, private_classes=node.accept_private_classes)


PLAIN = Channel()


def caller_admit(proposal: Proposal, address: str, channel: Channel = PLAIN) -> Caller:
    """Decide about one A-ASSOCIATE-RQ. Raises ``TurnedAway`` with the reason of PS3.8 Table 9-21.

    ``proposal.identity_confirmed`` is set when a user identity was checked and the peer wants to know.
    """
    rejection = protocol_rejection(proposal)
    if rejection is not None:
        raise TurnedAway(rejection)
    if proposal.called_ae_title != settings.PACS_AE_TITLE:
        raise TurnedAway(Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED, CallerReason.CALLED_TITLE)
    unknown = Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED
    node = node_for(ae_title=proposal.calling_ae_title)
    if node is None:
        if not (settings.PACS_ACCEPT_UNKNOWN_AE and proposal.calling_ae_title):
            raise TurnedAway(unknown, CallerReason.UNKNOWN_TITLE)
        origin = Origin(source=proposal.calling_ae_title, address=address)
        return Caller(proposal.calling_ae_title, address, _TRIAL_RIGHTS, origin)
    if not node.active:
        raise TurnedAway(unknown, CallerReason.INACTIVE)
    if node.check_host and _plain(address) not in _names.addresses(node.host):
        raise TurnedAway(unknown, CallerReason.OTHER_HOST)
    _channel_check(node, channel)
    _identity_check(node, proposal, address)
    origin = Origin(
        source=node.ae_title,
        address=address,
        default_charset=node.default_charset,
        default_issuer=node.default_issuer,
    )
    return Caller(node.ae_title, address, _rights(node), origin, node, _slot(node))


def _channel_check(node: AENode, channel: Channel) -> None:
    """A node that has to show a certificate has to come over TLS."""
    if (node.tls_required or node.tls_certificate) and not channel.tls:
        raise TurnedAway(Rejection.NO_REASON, CallerReason.NO_TLS)
    shown = channel.certificate
    if node.tls_certificate and (shown is None or not shown.named(node.tls_certificate)):
        raise TurnedAway(Rejection.NO_REASON, CallerReason.OTHER_CERTIFICATE)


def _identity_check(node: AENode, proposal: Proposal, address: str) -> None:
    """Refuse who cannot say who uses the device; confirm who can, if asked to (PS3.7 D.3.3.7.2)."""
    identity = proposal.identity
    problem = identity_problem(node=node, identity=identity, address=address)
    if problem is not None:
        raise TurnedAway(Rejection.NO_REASON, problem)
    if identity is not None and identity.wants_response:
        checked = bool(node.user_identity) or identity_holds(identity=identity, address=address)
        proposal.identity_confirmed = checked


def _slot(node: AENode) -> Slot | None:
    if node.max_associations is None:
        return None
    slot = slot_take(node_id=node.pk, places=node.max_associations)
    if slot is None:
        raise TurnedAway(Rejection.LOCAL_LIMIT_EXCEEDED)
    return slot
