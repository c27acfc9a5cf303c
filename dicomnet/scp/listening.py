"""The port itself: taking it, and telling what comes to it that is no DICOM."""

from __future__ import annotations

import socket


class CannotListen(Exception):
    """The port cannot be used; the message is a sentence for the operator."""


def listen(host: str, port: int, *, variable: str = "PACS_DICOM_PORT") -> socket.socket:
    """Bind and listen. Raises ``CannotListen``."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(1024)
    except OSError as error:
        raise CannotListen(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. Stop what listens there, "
            "or give PACS_DICOM_HOST or {variable} another value."
        ) from None
    sock.setblocking(False)
    return sock


def what_it_speaks(seen: bytes) -> str:
    """What a connection speaks that begins with no A-ASSOCIATE-RQ: 0x16 opens a TLS handshake."""
    if seen[0] == 0x16:
        return "tls-not-offered"
    return "http" if seen[:4] in (b"GET ", b"POST", b"HEAD", b"PUT ") else "not-dicom"
