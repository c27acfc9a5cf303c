"""Associations that we open: one way to open them, and one word for each way in which that fails."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from dicomnet.diary.entry import Entry
from dicomnet.models import AENode, Printer
from dicomnet.scu.noting import Noting
from dicomnet.tls import TlsNotUsable, client_context


class Failure(StrEnum):
    """Why there is no association (any more)."""

    NAME_NOT_RESOLVED = "name-not-resolved"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    REJECTED_CALLING = "rejected-calling"
    REJECTED_CALLED = "rejected-called"
    REJECTED_LIMIT = "rejected-limit"
    REJECTED = "rejected"
    ABORTED = "aborted"
    CLOSED = "closed"
    NO_ANSWER = "no-answer"
    NOTHING_ACCEPTED = "nothing-accepted"
    ROLE_REFUSED = "role-refused"
    NO_TLS = "no-tls"


class NotAssociated(Exception):
    """No association; ``detail`` is for the technically minded."""

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(f"{failure}: {detail}" if detail else failure.value)
        self.failure = failure
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom to call."""

    ae_title: str
    host: str
    port: int
    tls: bool = False
    certificate: str = ""  # see ``dicomnet.tls.client_context``


def peer_of(node: AENode | Printer) -> Peer:
    """How a node or a printer wants to be called."""
    return Peer(node.ae_title, node.host, node.port, node.tls_call, node.tls_certificate)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait: for the transport, for the answer to a request, for anything else to arrive."""

    connect: float = 5.0
    answer: float = 10.0
    network: float = 30.0


class _Checkpoint(threading.Event):
    """Where pynetdicom's reactor waits while a request is under way, without the gap of the stock one.

    There the reactor says that it is paused before it waits: a request made between its waking up and its
    taking that back goes out beside a running reactor, which then swallows the response. Here passing the
    checkpoint and being no longer paused are one step, which ``clear`` cannot come between.
    """

    def __init__(self, association: Association) -> None:
        super().__init__()
        self._association = association
        self._passing = threading.Lock()
        self.set()

    def wait(self, timeout: float | None = None) -> bool:
        while super().wait(timeout):
            with self._passing:
                if self.is_set():
                    self._association._is_paused = False
                    return True
        return False

    def clear(self) -> None:
        with self._passing:
            super().clear()


@dataclass(slots=True)
class _Seen:
    """What happened before the association was, or was not, there."""

    connected: bool = False
    accepted: bool = False
    aborted_by: int | None = None

    def on_open(self, _event: Any) -> None:
        self.connected = True

    def on_pdu(self, event: Any) -> None:
        if isinstance(event.pdu, A_ASSOCIATE_AC):
            self.accepted = True
        elif isinstance(event.pdu, A_ABORT_RQ):
            self.aborted_by = event.pdu.source


def tcp_open(peer: Peer, patience: Patience = Patience()) -> socket.socket:
    """Open a transport connection, with TLS if the peer wants it. Raises ``NotAssociated``."""
    try:
        sock = socket.create_connection((peer.host, peer.port), patience.connect)
    except (socket.gaierror, UnicodeError) as error:
        raise NotAssociated(Failure.NAME_NOT_RESOLVED, str(error)) from None
    except ConnectionRefusedError as error:
        raise NotAssociated(Failure.REFUSED, str(error)) from None
    except TimeoutError as error:
        raise NotAssociated(Failure.TIMEOUT, str(error)) from None
    except OSError as error:
        raise NotAssociated(Failure.UNREACHABLE, str(error)) from None
    if not peer.tls:
        return sock
    try:
        return _tls_context(peer).wrap_socket(sock, server_hostname=peer.host)
    except (OSError, ValueError) as error:
        sock.close()
        raise NotAssociated(Failure.NO_TLS, str(error)) from None


def _tls_context(peer: Peer) -> ssl.SSLContext:
    try:
        return client_context(certificate=peer.certificate)
    except TlsNotUsable as error:
        raise NotAssociated(Failure.NO_TLS, str(error)) from None


def tcp_check(peer: Peer, patience: Patience = Patience()) -> str:
    """Open and close a transport connection; return the address that answered.

    Raises ``NotAssociated``.
    """
    with tcp_open(peer, patience) as sock:
        try:
            return str(sock.getpeername()[0])
        except OSError as error:  # it was taken back at once
            raise NotAssociated(Failure.UNREACHABLE, str(error)) from None


@contextmanager
def association(
    peer: Peer,
    contexts: Sequence[PresentationContext],
    *,
    calling: str = "",
    patience: Patience = Patience(),
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[tuple[Any, Callable[[Any], Any]]] = (),
    entry: Entry | None = None,
) -> Iterator[Association]:
    """An established association that is released at the end, or aborted when the body raises.

    ``roles`` are proposed (PS3.7 D.3.3.4); ``handlers`` are pynetdicom's, for what the peer may ask.
    ``entry`` is the diary's (``dicomnet.scu.noted``), filled in here when it is given. Raises
    ``NotAssociated`` when the association does not come about.
    """
    ae = AE(calling or settings.PACS_AE_TITLE)
    ae.connection_timeout = patience.connect
    ae.acse_timeout = patience.answer
    ae.dimse_timeout = patience.network
    ae.network_timeout = patience.network
    seen = _Seen()
    noting = Noting(entry, contexts) if entry is not None else None
    began = time.monotonic()
    try:
        opened = ae.associate(
            peer.host,
            peer.port,
            contexts=list(contexts),
            ae_title=peer.ae_title,
            ext_neg=list(roles),
            tls_args=(_tls_context(peer), peer.host) if peer.tls else None,
            evt_handlers=[
                (evt.EVT_CONN_OPEN, seen.on_open),
                (evt.EVT_PDU_RECV, seen.on_pdu),
                *(noting.handlers() if noting else ()),
                *handlers,
            ],
        )
    except (socket.gaierror, UnicodeError) as error:
        raise NotAssociated(Failure.NAME_NOT_RESOLVED, str(error)) from None
    if not opened.is_established:
        if not seen.connected:
            tcp_check(peer, patience)  # it says why
        raise _explained(opened, seen, time.monotonic() - began, patience)
    opened._reactor_checkpoint = _Checkpoint(opened)
    if noting is not None:
        noting.established(opened)
    try:
        yield opened
    except BaseException:
        opened.abort()
        raise
    else:
        if opened.is_established:
            opened.release()
    finally:
        if noting is not None:
            noting.ended(opened, aborted_by_peer=seen.aborted_by is not None)


def _explained(opened: Association, seen: _Seen, waited: float, patience: Patience) -> NotAssociated:
    if opened.is_rejected:
        return _rejection(opened)
    if seen.accepted:
        return NotAssociated(Failure.NOTHING_ACCEPTED)
    if seen.aborted_by is not None:
        return NotAssociated(Failure.ABORTED, "by its user" if seen.aborted_by == 0 else "by its provider")
    if waited >= patience.answer - 0.2:
        return NotAssociated(Failure.NO_ANSWER, f"{patience.answer:g} s")
    return NotAssociated(Failure.CLOSED)


def _rejection(opened: Association) -> NotAssociated:
    answer = opened.acceptor.primitive
    assert answer is not None
    return rejection(answer.result or 0, answer.result_source or 0, answer.diagnostic or 0)


def rejection(result: int, source: int, reason: int) -> NotAssociated:
    """PS3.8 Table 9-21: (source, reason) tells; the result only says whether to try again."""
    detail = f"result {result}, source {source}, reason {reason}"
    if (source, reason) == (1, 3):
        return NotAssociated(Failure.REJECTED_CALLING, detail)
    if (source, reason) == (1, 7):
        return NotAssociated(Failure.REJECTED_CALLED, detail)
    if (source, reason) in {(3, 1), (3, 2)}:
        return NotAssociated(Failure.REJECTED_LIMIT, detail)
    return NotAssociated(Failure.REJECTED, detail)
