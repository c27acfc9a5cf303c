"""A long line to a site: everything arrives, in order, a while later."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Each piece ``seconds`` after it came; pieces follow each other as quickly as they came."""
    loop = asyncio.get_running_loop()

    def pass_on(piece: bytes) -> None:
        if writer.is_closing():
            return
        if piece:
            writer.write(piece)
        else:
            writer.close()

    while True:
        try:
            piece = await reader.read(65536)
        except OSError:
            piece = b""
        loop.call_later(seconds, pass_on, piece)
        if not piece:
            return


async def _end(server: asyncio.Server) -> None:
    server.close()
    held = asyncio.all_tasks() - {asyncio.current_task()}
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)


@contextmanager
def slow_line(port: int, seconds: float) -> Iterator[int]:
    """A port of this host from which ``port`` is ``seconds`` away, each way."""
    loop = asyncio.new_event_loop()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pump(reader, back, seconds), _pump(there, writer, seconds))

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.start_server(connected, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
