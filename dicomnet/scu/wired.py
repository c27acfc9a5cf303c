"""Associations that we open on a wire of our own, where data sets pass as bytes.

``client.association`` serves what needs pynetdicom's services; here are only messages (``Messages``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dicomnet.contexts import Proposed, Roles
from dicomnet.diary.entry import Entry
from dicomnet.dimse.messages import Messages
from dicomnet.dimse.negotiation import AbortReason, Malformed
from dicomnet.dimse.proposing import Acceptance, acceptance_read, proposal_encoded, three_bytes
from dicomnet.dimse.tls_wire import wire_over
from dicomnet.dimse.wire import Limits, Pdu, PeerGone, Silence, Wire
from dicomnet.scu.client import Failure, NotAssociated, Patience, Peer, rejection, tcp_open
from dicomnet.scu.wired_noting import WiredNoting, agreed_note

_MOST_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Wired:
    """An established association: its messages, and what was agreed."""

    messages: Messages
    acceptance: Acceptance


@contextmanager
def wired_association(
    peer: Peer,
    contexts: Sequence[Proposed],
    *,
    calling: str,
    patience: Patience,
    roles: Roles | None = None,
    extended: Mapping[str, bytes] | None = None,
    entry: Entry | None = None,
) -> Iterator[Wired]:
    """An established association that is released at the end, or aborted when the body raises.

    ``entry`` is the diary's, filled in here when it is given. The association may have no accepted context
    at all. Raises ``NotAssociated`` when it does not come about, and what ``Messages`` raises when it ends in
    between.
    """
    limits = Limits(artim=patience.answer, idle=patience.network, pdu=patience.network, send=patience.network)
    if entry is not None:
        entry.negotiated(contexts)
    wire = wire_over(tcp_open(peer, patience), limits)
    try:
        wire.send(
            proposal_encoded(
                called=peer.ae_title,
                calling=calling,
                contexts=contexts,
                max_length=limits.max_pdu,
                roles=roles,
                extended=extended,
            )
        )
        acceptance = acceptance_read(_answer(wire), contexts)
    except Malformed as error:
        wire.abort(error.reason)
        raise NotAssociated(Failure.ABORTED, f"by us: {error.detail}") from None
    except Silence:
        wire.abort(AbortReason.NOT_SPECIFIED, by_provider=False)
        raise NotAssociated(Failure.NO_ANSWER, f"{patience.answer:g} s") from None
    except PeerGone as error:
        wire.close()
        raise NotAssociated(Failure.CLOSED, str(error)) from None
    except BaseException:
        wire.close()
        raise
    messages = Messages(wire, acceptance.accepted, peer_max_length=acceptance.max_length)
    if entry is not None:
        agreed_note(entry, contexts, acceptance)
        WiredNoting(entry, messages)
    try:
        yield Wired(messages, acceptance)
    except Malformed as error:
        wire.abort(error.reason)
        raise
    except GeneratorExit:  # whoever used it wants no more
        messages.release()
        raise
    except BaseException:
        wire.abort(AbortReason.NOT_SPECIFIED, by_provider=False)
        raise
    messages.release()


def _answer(wire: Wire) -> bytes:
    """The whole A-ASSOCIATE-AC PDU; what else may come instead is raised."""
    kind, length = wire.header()
    if kind not in (Pdu.ASSOCIATE_AC, Pdu.ASSOCIATE_RJ, Pdu.ABORT):
        raise Malformed(AbortReason.UNEXPECTED_PDU, f"PDU type {kind} in answer to A-ASSOCIATE-RQ")
    if length > _MOST_ANSWER_BYTES:
        raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, f"an answer of {length} bytes")
    body = bytearray(struct.pack(">BxL", kind, length))
    while length:
        piece = wire.some(length)
        body += piece
        length -= len(piece)
    if kind == Pdu.ASSOCIATE_AC:
        return bytes(body)
    wire.close()
    result, source, reason = three_bytes(bytes(body))
    if kind == Pdu.ASSOCIATE_RJ:
        raise rejection(result, source, reason)
    raise NotAssociated(Failure.ABORTED, "by its user" if source == 0 else "by its provider")
