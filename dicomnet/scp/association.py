"""One association from its first byte to its audit row.

request -> guard -> A-ASSOCIATE-AC -> conversation -> audit
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, connections

from archive.audit import audit_received
from dicomnet.contexts import Answered, Result, negotiate
from dicomnet.diary.entry import End as Ending
from dicomnet.diary.entry import Entry
from dicomnet.diary.writing import entry_close
from dicomnet.dimse.command import Command
from dicomnet.dimse.messages import Messages
from dicomnet.dimse.negotiation import (
    AbortReason,
    Malformed,
    Proposal,
    acceptance_encoded,
    proposal_read,
)
from dicomnet.dimse.tls_wire import NoHandshake, TlsWire
from dicomnet.dimse.wire import Limits, Pdu, PeerGone, Silence, Wire
from dicomnet.scp.conversation import Conversation, End, Operation
from dicomnet.scp.guard import Caller, Channel, TurnedAway, caller_admit
from dicomnet.scp.leftovers import Leftover, Leftovers
from dicomnet.scp.operations import operation_begin
from dicomnet.scp.rejected import RejectedCallers
from dicomnet.scp.served import Served
from dicomnet.scp.slots import Slot
from dicomnet.scp.tally import Tally
from dicomnet.scp.witness import Witness
from dicomnet.tls import peer_certificate

log = logging.getLogger("lightbox.scp")

_AUDIT_EVERY = 5000  # objects of a very long association
rejected = RejectedCallers()
leftovers = Leftovers()


@dataclass(slots=True)
class Association:
    """A connection being served by the thread that calls ``serve``."""

    sock: socket.socket
    address: str
    limits: Limits
    stopping: Callable[[], bool]
    tls: ssl.SSLContext | None = None
    wire: Wire = field(init=False)
    slot: Slot | None = field(default=None, init=False)
    tally: Tally = field(default_factory=Tally)
    entry: Entry | None = None  # once it was let in
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.wire = TlsWire(self.sock, self.limits, self.tls) if self.tls else Wire(self.sock, self.limits)

    def serve(self) -> None:
        """Serve to the end. The connection is closed and the thread's database connections too."""
        try:
            self._serve()
        finally:
            if self.slot is not None:
                self.slot.close()
            connections.close_all()

    def _serve(self) -> None:
        try:
            self.wire.open()
            channel = self._channel()
            proposal = proposal_read(self._request())
        except NoHandshake as error:
            log.warning("%s: TLS did not come about: %s", self.address, error)
            self.wire.close()
            return
        except Malformed as error:
            log.info("%s: malformed request: %s", self.address, error.detail)
            self.wire.abort(error.reason)
            rejected.record_stranger(address=self.address, reason="malformed-request", detail=error.detail)
            return
        except (PeerGone, Silence) as gone:
            self.wire.close()
            if isinstance(gone, Silence):
                rejected.record_stranger(address=self.address, reason="silent-request")
            return
        try:
            caller = caller_admit(proposal, self.address, channel)
            self.slot = caller.slot
        except TurnedAway as turned_away:
            self._reject(proposal, turned_away)
            return
        except (DatabaseError, OSError):
            # Nobody can be told apart from anybody: the peer may try again (PS3.8 9.3.8, no reason given).
            log.exception("%s: the database does not answer", self.address)
            self.wire.abort(AbortReason.NOT_SPECIFIED)
            return
        self._converse(proposal, caller)

    def _channel(self) -> Channel:
        if not isinstance(self.wire.sock, ssl.SSLSocket):
            return Channel()
        try:
            return Channel(tls=True, certificate=peer_certificate(self.wire.sock))
        except ValueError as error:
            raise NoHandshake(f"its certificate cannot be read: {error}") from None

    def _request(self) -> bytes:
        """The whole A-ASSOCIATE-RQ PDU, within the ARTIM time that began with the connection."""
        kind, length = self.wire.header()
        if kind != Pdu.ASSOCIATE_RQ:
            known = kind in Pdu.__members__.values()
            reason = AbortReason.UNEXPECTED_PDU if known else AbortReason.UNRECOGNIZED_PDU
            raise Malformed(reason, f"PDU type {kind} before A-ASSOCIATE-RQ")
        if length > self.limits.max_request:
            raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, f"a request of {length} bytes")
        body = bytearray(struct.pack(">BxL", kind, length))
        while length:
            piece = self.wire.some(length)
            body += piece
            length -= len(piece)
        return bytes(body)

    def _reject(self, proposal: Proposal, turned_away: TurnedAway) -> None:
        with contextlib.suppress(PeerGone, Silence):  # who called is recorded all the same
            self.wire.send(turned_away.rejection.encoded())
        self.wire.close()
        rejected.record(proposal, self.address, turned_away)

    def _converse(self, proposal: Proposal, caller: Caller) -> None:
        answers = negotiate(proposal.contexts, proposal.roles, caller.rights, proposal.extended)
        accepted = {answer.context_id: answer for answer in answers if answer.result is Result.ACCEPTANCE}
        self.entry = entry = _entry(proposal, caller, answers, self.limits.max_pdu)
        # A peer that keeps us waiting takes no database connection meanwhile.
        self.wire.on_silence = connections.close_all
        try:
            self.wire.send(acceptance_encoded(proposal, answers, self.limits.max_pdu))
        except (PeerGone, Silence):
            self.wire.close()
            entry_close(entry=entry, end=Ending.LOST)
            self._finished(proposal, caller, len(accepted), End.LOST, "")
            return
        messages = Messages(self.wire, accepted, peer_max_length=proposal.max_length)
        conversation = Conversation(
            messages,
            lambda command, context, messages: self._begin(command, context, messages, caller),
            Witness(entry, messages),
            stopping=self.stopping,
        )
        end = conversation.run()
        entry_close(entry=entry, end=Ending(end), reason=conversation.reason, detail=conversation.detail)
        self._finished(proposal, caller, len(accepted), end, conversation.detail)

    def _begin(self, command: Command, context: Answered, messages: Messages, caller: Caller) -> Operation:
        if len(self.tally.instance_ids) >= _AUDIT_EVERY:
            try:
                self._audit_received(caller)
            except DatabaseError:
                log.exception("what %s sent could not be audited yet", caller.ae_title)
        return operation_begin(command, context, Served(caller, self.tally, messages))

    def _finished(self, proposal: Proposal, caller: Caller, accepted: int, end: End, why: str) -> None:
        seconds = time.monotonic() - self.began
        counts = self.tally.counts()
        log.info(
            "%s %s %s in %.1f s%s%s",
            caller.ae_title,
            self.address,
            end,
            seconds,
            "".join(f" {name}={count}" for name, count in counts.items()),
            f": {why}" if why else "",
        )
        detail: dict[str, object] = {
            "end": end.value,
            "seconds": round(seconds, 3),
            "contexts_proposed": len(proposal.contexts),
            "contexts_accepted": accepted,
            **counts,
        }
        if self.tls is not None:
            detail["tls"] = True
        for name, text in (("why", why), ("user", proposal.user_identity), ("peer", proposal.implementation)):
            if text:
                detail[name] = text
        leftovers.write(
            Leftover(
                entry=self.entry,
                instance_ids=tuple(self.tally.instance_ids),
                actor_name=caller.ae_title,
                address=self.address,
                success=end in (End.RELEASED, End.STOPPED) and not self.tally.failed,
                detail=detail,
            )
        )

    def _audit_received(self, caller: Caller) -> None:
        ids = self.tally.instance_ids
        audit_received(instance_ids=ids, actor_name=caller.ae_title, source=self.address)
        ids.clear()


def _entry(proposal: Proposal, caller: Caller, answers: list[Answered], max_pdu: int) -> Entry:
    """The diary's entry of an association that was let in."""
    software = " ".join(filter(None, (proposal.implementation, proposal.implementation_uid)))
    entry = Entry(
        outgoing=False,
        peer=caller.ae_title,
        own=proposal.called_ae_title,
        address=caller.address,
        node_id=caller.node.pk if caller.node else None,
        implementation=software,
        max_pdu=proposal.max_length,
        own_max_pdu=max_pdu,
        user_identity=proposal.user_identity,
    )
    entry.negotiated(proposal.contexts, answers)
    return entry
