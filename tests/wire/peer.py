"""A DICOM peer made by hand: it says exactly what a test wants said, right or wrong.

Written from PS3.7 and PS3.8 with nothing of the product or of pynetdicom in it.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
VERIFICATION, CT = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.2"
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"

Context = tuple[int, str, Sequence[str]]


class Aborted(Exception):
    """A-ABORT arrived: (source, reason)."""


class Rejected(Exception):
    """A-ASSOCIATE-RJ arrived: (result, source, reason)."""


class Closed(Exception):
    """The connection ended without a word."""


def pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxL", kind, len(body)) + body


def item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(body)) + body


def pdv(context_id: int, flags: int, fragment: bytes) -> bytes:
    return struct.pack(">LBB", len(fragment) + 2, context_id, flags) + fragment


def context_item(context: Context) -> bytes:
    number, abstract, syntaxes = context
    subitems = item(0x30, abstract.encode()) + b"".join(item(0x40, uid.encode()) for uid in syntaxes)
    return item(0x20, bytes([number, 0, 0, 0]) + subitems)


def role_item(sop_class: str) -> bytes:
    """SCP/SCU role selection (PS3.7 D.3.3.4): the requester wants to be sent this class."""
    body = len(sop_class).to_bytes(2, "big") + sop_class.encode() + b"\0\1"
    return b"\x54\0" + len(body).to_bytes(2, "big") + body


def associate_rq(
    contexts: Iterable[Context],
    *,
    called: bytes = b"LIGHTBOX",
    calling: bytes = b"STORESCU",
    max_length: int = 16384,
    version: int = 1,
    application: str = APPLICATION_CONTEXT,
    user: bytes = b"",
    after: bytes = b"",
) -> bytes:
    body = struct.pack(">HH", version, 0) + called.ljust(16) + calling.ljust(16) + bytes(32)
    body += item(0x10, application.encode())
    body += b"".join(map(context_item, contexts))
    body += item(0x50, item(0x51, struct.pack(">L", max_length)) + item(0x52, b"1.2.3.4") + user)
    return pdu(1, body + after)


def element(tag: int, value: bytes | int | str) -> bytes:
    if isinstance(value, int):
        value = struct.pack("<H", value)
    elif isinstance(value, str):
        value = value.encode("latin-1")
        value += b"\0" * (len(value) % 2)
    return struct.pack("<HHL", 0, tag, len(value)) + value


def command(**changes: bytes | int | str | None) -> bytes:
    """A C-STORE-RQ command set; ``x0110=7`` sets (0000,0110), ``x1000=None`` leaves it out."""
    values: dict[int, bytes | int | str | None] = {
        0x0002: CT, 0x0100: 0x0001, 0x0110: 1, 0x0700: 0, 0x0800: 0x0102, 0x1000: "1.2.3",
    }  # fmt: skip
    values.update({int(name[1:], 16): value for name, value in changes.items()})
    body = b"".join(element(tag, value) for tag, value in sorted(values.items()) if value is not None)
    return element(0, struct.pack("<L", len(body))) + body


def echo_command(message_id: int = 1) -> bytes:
    return command(x0002=VERIFICATION, x0100=0x0030, x0110=message_id, x0700=None, x0800=0x0101, x1000=None)


class Peer:
    """One connection. ``accepted`` is context ID -> transfer syntax, once associated."""

    def __init__(self, port: int, *, timeout: float = 20) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted: dict[int, str] = {}
        self.results: dict[int, int] = {}
        self.user: list[tuple[int, bytes]] = []
        self.max_length = 0

    @classmethod
    def associated(
        cls, port: int, contexts: Iterable[Context] = ((1, CT, [EXPLICIT]),), **said: bytes
    ) -> Self:
        peer = cls(port)
        try:
            peer.send(associate_rq(contexts, **said))  # type: ignore[arg-type]
            peer.read_answer()
        except BaseException:
            peer.close()
            raise
        return peer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Die: the kernel sends RST, as when a machine's process is killed with data unread."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            try:
                piece = self.sock.recv(count - len(data))
            except ConnectionError as error:
                raise Closed(str(error)) from None
            if not piece:
                raise Closed("end of stream")
            data += piece
        return bytes(data)

    def read_pdu(self) -> tuple[int, bytes]:
        """The next PDU; an A-ABORT is raised."""
        kind, length = struct.unpack(">BxL", self.read(6))
        body = self.read(length)
        if kind == 7:
            raise Aborted((body[2], body[3]))
        return kind, body

    def read_answer(self) -> None:
        """A-ASSOCIATE-AC, or Rejected."""
        kind, body = self.read_pdu()
        if kind == 3:
            raise Rejected((body[1], body[2], body[3]))
        assert kind == 2
        for kind, value in self._items(body[68:]):
            if kind == 0x21:
                self.results[value[0]] = value[2]
                if value[2] == 0:
                    self.accepted[value[0]] = value[8:].decode()
            elif kind == 0x50:
                self.user = list(self._items(value))
        self.max_length = struct.unpack(">L", dict(self.user)[0x51])[0]

    @staticmethod
    def _items(data: bytes) -> Iterable[tuple[int, bytes]]:
        offset = 0
        while offset < len(data):
            kind, length = struct.unpack_from(">BxH", data, offset)
            yield kind, data[offset + 4 : offset + 4 + length]
            offset += 4 + length

    def read_response(self) -> dict[int, bytes]:
        """The command set of the next message: element -> value."""
        data, last = b"", False
        while not last:
            kind, body = self.read_pdu()
            assert kind == 4, f"PDU type {kind}"
            offset = 0
            while offset < len(body):
                length, _context, flags = struct.unpack_from(">LBB", body, offset)
                assert flags & 1
                data += body[offset + 6 : offset + 4 + length]
                offset += 4 + length
                last = bool(flags & 2)
        values, offset = {}, 0
        while offset < len(data):
            group, tag, length = struct.unpack_from("<HHL", data, offset)
            assert group == 0
            values[tag] = data[offset + 8 : offset + 8 + length]
            offset += 8 + length
        assert struct.unpack("<L", values[0])[0] == len(data) - 12
        return values

    def read_message(self) -> tuple[dict[int, bytes], bytes]:
        """The next message: command set as element -> value, and the data set when there is one."""
        parts: dict[bool, bytes] = {True: b"", False: b""}
        whole: dict[bool, bool] = {True: False, False: False}
        while not whole[True] or (self._has_data(parts[True]) and not whole[False]):
            kind, body = self.read_pdu()
            assert kind == 4, f"PDU type {kind}"
            offset = 0
            while offset < len(body):
                length, _context, flags = struct.unpack_from(">LBB", body, offset)
                parts[bool(flags & 1)] += body[offset + 6 : offset + 4 + length]
                whole[bool(flags & 1)] = bool(flags & 2)
                offset += 4 + length
        return self._elements(parts[True]), parts[False]

    def _has_data(self, command_set: bytes) -> bool:
        return self._elements(command_set)[0x0800] != b"\x01\x01"

    @staticmethod
    def _elements(data: bytes) -> dict[int, bytes]:
        values, offset = {}, 0
        while offset < len(data):
            _group, tag, length = struct.unpack_from("<HHL", data, offset)
            values[tag] = data[offset + 8 : offset + 8 + length]
            offset += 8 + length
        return values

    def request(self, context_id: int, data: bytes, **changes: bytes | int | str | None) -> None:
        """A request with a data set; see ``command``."""
        self.send(pdu(4, pdv(context_id, 3, command(**changes))))
        self.send_data(data, context_id=context_id)

    def cancel(self, context_id: int, message_id: int) -> None:
        """C-CANCEL-RQ."""
        said = {"x0002": None, "x0110": None, "x0120": message_id, "x0700": None, "x1000": None}
        self.send(pdu(4, pdv(context_id, 3, command(x0100=0x0FFF, x0800=0x0101, **said))))

    def respond(self, context_id: int, request: dict[int, bytes], status: int) -> None:
        """The response to a C-STORE request that came here."""
        said = {"x0110": None, "x0700": None, "x0120": request[0x0110], "x1000": request[0x1000]}
        answer = command(x0002=request[2], x0100=0x8001, x0800=0x0101, x0900=status, **said)
        self.send(pdu(4, pdv(context_id, 3, answer)))

    def read_status(self) -> int:
        return struct.unpack("<H", self.read_response()[0x0900])[0]

    def echo(self, context_id: int = 1) -> int:
        self.send(pdu(4, pdv(context_id, 3, echo_command())))
        return self.read_status()

    def store(
        self, data: bytes, *, sop_class: str = CT, uid: str = "1.2.3", context_id: int = 1, size: int = 16372
    ) -> dict[int, bytes]:
        """A C-STORE the ordinary way; the response."""
        self.send(pdu(4, pdv(context_id, 3, command(x0002=sop_class, x1000=uid))))
        self.send_data(data, context_id=context_id, size=size)
        return self.read_response()

    def send_data(self, data: bytes, *, context_id: int = 1, size: int = 16372) -> None:
        pieces = [data[i : i + size] for i in range(0, len(data), size)] or [b""]
        for number, piece in enumerate(pieces, 1):
            self.send(pdu(4, pdv(context_id, 2 if number == len(pieces) else 0, piece)))

    def release(self) -> None:
        self.send(pdu(5, bytes(4)))
        assert self.read_pdu() == (6, bytes(4))
        self.close()

    def end(self) -> bytes:
        """Everything until the connection ends."""
        data = b""
        while True:
            try:
                piece = self.sock.recv(65536)
            except ConnectionError:
                return data
            if not piece:
                return data
            data += piece


def status_of(response: dict[int, bytes]) -> int:
    return int(struct.unpack("<H", response[0x0900])[0])


def echo_seconds(port: int, calling: bytes = b"ECHOSCU") -> float:
    """How long a new association and one C-ECHO take."""
    began = time.monotonic()
    with Peer.associated(port, [(1, VERIFICATION, [IMPLICIT])], calling=calling) as peer:
        assert peer.echo() == 0x0000
        return time.monotonic() - began
