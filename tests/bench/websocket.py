"""A websocket client of the bench: as little as RFC 6455 asks for, so that the server is what is measured."""

from __future__ import annotations

import asyncio
import os
import struct


class WebSocket:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, path: str, cookie: str = "") -> WebSocket:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        writer.write(
            (
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nCookie: {cookie}\r\n\r\n"
            ).encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise ConnectionError(head.decode())
        return cls(reader, writer)

    def send(self, payload: bytes, *, text: bool) -> None:
        kind = 0x81 if text else 0x82
        length = len(payload)
        head = bytes([kind, 0x80 | length]) if length < 126 else struct.pack(">BBH", kind, 0xFE, length)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place & 3] for place, byte in enumerate(payload))
        self.writer.write(head + mask + masked)

    async def receive(self) -> bytes:
        """The payload of the next data frame; pings are answered, a close is an error."""
        while True:
            kind, length = await self.reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack(">H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", await self.reader.readexactly(8))
            payload = await self.reader.readexactly(length)
            match kind & 0x0F:
                case 8:
                    raise ConnectionError(f"closed: {payload!r}")
                case 9:
                    self.writer.write(b"\x8a\x80" + os.urandom(4))
                case _:
                    return payload

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()
