"""Messages on an association: command sets and data sets, in and out, over P-DATA (PS3.8 9.3.5, Annex E).

Pulled, not pushed: whoever serves or asks calls for the next message. Bytes of a data set are gathered
in the socket's buffer and go to their taker a buffer at a time: a PDU may be cut anywhere, a fragment
(PDV) may be of any size, several may share a PDU, and what is held is bounded. Command sets, which are
small, are collected. What breaks PS3.8 or PS3.7 raises ``Malformed``; nothing ends in a guess.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dicomnet.contexts import Answered
from dicomnet.dimse.command import MAX_COMMAND_BYTES, Command, Field, command_decoded
from dicomnet.dimse.negotiation import AbortReason, Malformed, TooLong
from dicomnet.dimse.wire import Pdu, Wire

_RELEASE_RP = struct.pack(">BxLL", Pdu.RELEASE_RP, 4, 0)
_RELEASE_RQ = struct.pack(">BxLL", Pdu.RELEASE_RQ, 4, 0)
_PDV_HEADER = struct.Struct(">LBB")
_HEADERS = struct.Struct(">BxLLBB")  # of a P-DATA-TF with one PDV
_COMMAND, _LAST = 0x01, 0x02
_BATCH_BYTES = 512 << 10  # handed to the kernel at once
_MOST_PDUS = 2048  # prepared at once
_OWN_PDU_BYTES = 128 << 10  # where the peer sets no limit


class Released(Exception):
    """The peer asked for the release, and has its answer."""


class AbortedByPeer(Exception):
    """A-ABORT arrived."""


@dataclass(frozen=True, slots=True)
class _Pdv:
    context: Answered
    size: int
    is_command: bool
    last: bool


class Messages:
    """The messages of an established association on ``wire``, with its accepted contexts by ID.

    Every reading method may raise ``Malformed``, ``Released``, ``AbortedByPeer`` and what ``Wire`` raises.
    """

    def __init__(self, wire: Wire, accepted: Mapping[int, Answered], *, peer_max_length: int) -> None:
        self.wire = wire
        self.accepted = accepted
        self._peer_max_length = peer_max_length
        self._left = 0  # bytes of the P-DATA-TF under way that are not read yet
        self._asked: dict[int, Callable[[Command], None]] = {}  # our requests whose answers may come any time
        self.received = 0  # bytes of data sets so far
        self.on_send: Callable[[bytes], None] | None = None  # told each command set before it goes out
        self.on_response: Callable[[Command], None] | None = None  # told each response that comes

    # ---- in

    def request(self) -> tuple[Answered, Command]:
        """Wait, as long as an association may idle, for the next request. A cancel counts as one."""
        context, command = self._command(idle=True)
        if command.is_response:
            raise Malformed(AbortReason.UNEXPECTED_PARAMETER, "a response to nothing we asked")
        return context, command

    def response(self, *, to: int, cancels: int | None = None) -> Command | None:
        """Wait for the response to our request number ``to``.

        None when the peer cancels its own request number ``cancels`` meanwhile: call again for the
        response.
        """
        _, command = self._command(idle=False)
        if command.is_response and command.message_id == to:
            return command
        if command.field == Field.C_CANCEL_RQ and cancels is not None:
            return None if command.message_id == cancels else self.response(to=to, cancels=cancels)
        raise Malformed(AbortReason.UNEXPECTED_PARAMETER, "not the response that is waited for")

    def message(self) -> tuple[Answered, Command]:
        """Wait for the next message: a response to us, or a sub-operation of what we asked (C-GET)."""
        return self._command(idle=False)

    def cancelled(self, message_id: int) -> bool:
        """Whether the peer has asked meanwhile to cancel this request of its. Does not wait."""
        while self._left or self.wire.pending():
            _, command = self._command(idle=False)
            if command.field != Field.C_CANCEL_RQ:
                raise Malformed(AbortReason.UNEXPECTED_PARAMETER, "a message before the last one's response")
            if command.message_id == message_id:
                return True
        return False

    def data(self, context: Answered, take: Callable[[memoryview], None]) -> None:
        """Read the data set that follows a command; each view is good only during the call of ``take``."""
        wire, last = self.wire, False
        while not last:
            pdv = self._pdv()
            if pdv.is_command:
                raise Malformed(AbortReason.UNEXPECTED_PARAMETER, "a command inside another message")
            if pdv.context is not context:
                raise Malformed(AbortReason.UNEXPECTED_PARAMETER, "a data set on another context")
            size, last = pdv.size, pdv.last
            while size:
                count = wire.gather(size)
                size -= count
                self.received += count
                if not wire.room:
                    take(wire.gathered())
        if rest := wire.gathered():
            take(rest)

    def _command(self, *, idle: bool) -> tuple[Answered, Command]:
        collected = bytearray()
        first: Answered | None = None
        while True:
            pdv = self._pdv(idle=idle and first is None)
            if not pdv.is_command:
                raise Malformed(AbortReason.UNEXPECTED_PARAMETER, "a data set without its command")
            if first not in (None, pdv.context):
                raise Malformed(AbortReason.UNEXPECTED_PARAMETER, "a command inside another message")
            if len(collected) + pdv.size > MAX_COMMAND_BYTES:
                raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "a command set without end")
            first = pdv.context
            collected += self.wire.take(pdv.size) if pdv.size else b""
            if pdv.last:
                command = command_decoded(bytes(collected))
                if command.is_response and self.on_response is not None:
                    self.on_response(command)
                if command.is_response and command.message_id in self._asked:
                    self._heard(pdv.context, command)
                    return self._command(idle=idle)
                return pdv.context, command

    def _heard(self, context: Answered, command: Command) -> None:
        if command.has_data_set:
            self.data(context, lambda fragment: None)
        self._asked.pop(command.message_id)(command)

    def _pdv(self, *, idle: bool = False) -> _Pdv:
        """The header of the next PDV. The PDVs of a P-DATA-TF fill it exactly (PS3.8 9.3.5)."""
        if not self._left:
            self._left = self._p_data(idle=idle)
        if self._left < _PDV_HEADER.size:
            raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "a PDU ends inside a PDV header")
        size, context_id, control = _PDV_HEADER.unpack(self.wire.take(_PDV_HEADER.size))
        size -= 2
        self._left -= _PDV_HEADER.size + size
        if size < 0 or self._left < 0:
            raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, "a PDV does not fit its PDU")
        context = self.accepted.get(context_id)
        if context is None:
            raise Malformed(
                AbortReason.INVALID_PARAMETER_VALUE, f"presentation context {context_id} was not accepted"
            )
        # PS3.8 E.2: only the two lowest bits are tested by a receiver.
        return _Pdv(context, size, bool(control & _COMMAND), bool(control & _LAST))

    def _p_data(self, *, idle: bool) -> int:
        """Wait for the next P-DATA-TF and return its length; every other PDU ends the association."""
        wire, limits = self.wire, self.wire.limits
        wire.within(limits.idle if idle else limits.pdu)
        wire.busy = not idle
        kind, length = wire.header()
        wire.busy = True
        wire.within(limits.pdu)
        if kind == Pdu.P_DATA_TF:
            if length > limits.max_pdu:
                raise TooLong(f"a PDU of {length} bytes is too long")
            return length
        if kind in (Pdu.RELEASE_RQ, Pdu.ABORT):
            if length != 4:
                raise Malformed(AbortReason.INVALID_PARAMETER_VALUE, f"a control PDU of {length} bytes")
            wire.take(4)  # they carry nothing we need
            if kind == Pdu.ABORT:
                raise AbortedByPeer
            wire.send(_RELEASE_RP)
            raise Released
        if kind in (Pdu.ASSOCIATE_RQ, Pdu.ASSOCIATE_AC, Pdu.ASSOCIATE_RJ, Pdu.RELEASE_RP):
            raise Malformed(AbortReason.UNEXPECTED_PDU, f"PDU type {kind} has no place here")
        raise Malformed(AbortReason.UNRECOGNIZED_PDU, f"PDU type {kind} is unknown")

    # ---- out

    def send(
        self, context_id: int, command_set: bytes, data_set: Iterable[bytes | memoryview] | None = None
    ) -> None:
        """Send a message. The pieces of ``data_set`` may be of any size, and must not change afterwards; an
        iterable without any makes an empty data set. What is held of them is bounded."""
        if self.on_send is not None:
            self.on_send(command_set)
        batch = _Batch(self.wire, context_id, self._peer_max_length)
        batch.add(memoryview(command_set), command=True, last=True)
        if data_set is not None:
            waiting: memoryview | None = None  # the last piece needs its mark
            for piece in data_set:
                if waiting is not None and len(waiting):
                    batch.add(waiting)
                waiting = memoryview(piece)
            batch.add(waiting or memoryview(b""), last=True)
        batch.flush()

    def ask(
        self,
        context_id: int,
        message_id: int,
        command_set: bytes,
        data_set: Iterable[bytes | memoryview],
        heard: Callable[[Command], None],
    ) -> None:
        """Send a request without waiting: ``heard`` gets the response, while something else is read.

        The peer may go on with requests of its own meanwhile. ``message_id`` must be free; a response that
        never comes is never told of.
        """
        self._asked[message_id] = heard
        self.send(context_id, command_set, data_set)

    def release(self) -> None:
        """Ask for the release and wait for its answer; the connection is closed afterwards.

        What still arrives before the answer is passed over. Raises nothing: the peer may be gone already.
        """
        self.wire.release(_RELEASE_RQ)


class _Batch:
    """Pieces of a message on their way to the kernel, many at once and never copied."""

    def __init__(self, wire: Wire, context_id: int, peer_max_length: int) -> None:
        self._wire, self._context_id, self._peer_max_length = wire, context_id, peer_max_length
        # A peer may ask for PDUs of a few bytes, each of which costs us more than it holds.
        room = peer_max_length - 6 if peer_max_length > 6 else _OWN_PDU_BYTES
        self._most = min(_BATCH_BYTES, _MOST_PDUS * room)
        self._parts: list[bytes | memoryview] = []
        self._size = 0

    def add(self, piece: memoryview, *, command: bool = False, last: bool = False) -> None:
        while len(piece) > self._most:
            self._take(piece[: self._most], command=command, last=False)
            piece = piece[self._most :]
        self._take(piece, command=command, last=last)

    def _take(self, piece: memoryview, *, command: bool, last: bool) -> None:
        self._parts += p_data_parts(
            self._context_id, piece, self._peer_max_length, command=command, last=last
        )
        self._size += len(piece)
        if self._size >= self._most:
            self.flush()

    def flush(self) -> None:
        self._wire.send_parts(self._parts)
        self._parts, self._size = [], 0


def p_data_encoded(
    context_id: int,
    fragment: bytes | memoryview,
    peer_max_length: int,
    *,
    command: bool = True,
    last: bool = True,
) -> bytes:
    """A piece of a command or data set as P-DATA-TF PDUs no longer than the peer takes (PS3.8 9.3.5, D.1)."""
    return b"".join(p_data_parts(context_id, fragment, peer_max_length, command=command, last=last))


def p_data_parts(
    context_id: int, fragment: bytes | memoryview, peer_max_length: int, *, command: bool, last: bool
) -> list[bytes | memoryview]:
    """The same, headers and pieces of the fragment in turn."""
    room = peer_max_length - 6 if peer_max_length > 6 else _OWN_PDU_BYTES
    parts: list[bytes | memoryview] = []
    kind = _COMMAND if command else 0
    view = memoryview(fragment)
    for offset in range(0, len(view) or 1, room):
        piece = view[offset : offset + room]
        control = kind | (_LAST if last and offset + room >= len(view) else 0)
        parts.append(_HEADERS.pack(Pdu.P_DATA_TF, len(piece) + 6, len(piece) + 2, context_id, control))
        parts.append(piece)
    return parts
