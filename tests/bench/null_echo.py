"""The yardstick of the viewer's bench: a websocket that answers each message with the same picture, and a
page that asks for one with each movement of the mouse and paints it. Nothing is rendered or admitted.

``python -m tests.bench.null_echo PORT PICTURE``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings

if __name__ == "__main__":
    settings.configure(SECRET_KEY="bench", ALLOWED_HOSTS=["*"], INSTALLED_APPS=["channels"])
    django.setup()

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server

PICTURE = b""
PAGE = b"""<!doctype html><meta charset=utf-8>
<style>body{margin:0;background:#000}canvas{display:block}</style>
<canvas></canvas>
<script type=module>
const canvas = document.querySelector('canvas');
const side = Number(location.hash.slice(1)) || 670;
const left = Math.round((innerWidth - 182 - side) / 2);
canvas.width = innerWidth - 182;
canvas.height = side;
const context = canvas.getContext('2d', { alpha: false, desynchronized: true });
const socket = new WebSocket(`ws://${location.host}/`);
socket.binaryType = 'arraybuffer';
window.latencies = [];
let seq = 0, onTheWay = new Map(), next = null;
function send(at) {
  const message = new DataView(new ArrayBuffer(4));
  message.setUint32(0, ++seq, true);
  onTheWay.set(seq, at);
  socket.send(message.buffer);
}
socket.onmessage = async ({ data }) => {
  const number = new DataView(data).getUint32(0, true);
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(data, 4)], { type: 'image/jpeg' }),
    { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  context.drawImage(bitmap, left, 0, side, side);
  bitmap.close();
  window.latencies.push(performance.now() - onTheWay.get(number));
  onTheWay.delete(number);
  if (next !== null) { send(next); next = null; }
};
canvas.addEventListener('pointerrawupdate', (event) => {
  if (!event.buttons) return;
  if (onTheWay.size < 2) send(event.timeStamp);
  else next = event.timeStamp;
});
socket.onopen = () => { document.title = 'ready'; };
</script>"""


class Echo(AsyncWebsocketConsumer):
    """As little as Channels can do: no thread hop a message, no JSON."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "websocket.connect":
                await self.accept()
            case "websocket.receive":
                await self.send(bytes_data=message["bytes"][:4] + PICTURE)
            case "websocket.disconnect":
                raise StopConsumer


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await Echo.as_asgi()(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": PAGE})


def main(port: int, picture: Path) -> None:
    global PICTURE  # noqa: PLW0603
    PICTURE = picture.read_bytes()
    asyncio.set_event_loop(asyncio.new_event_loop())
    endpoints = build_endpoint_description_strings(host="127.0.0.1", port=port)
    Server(application, endpoints=endpoints, verbosity=0).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
