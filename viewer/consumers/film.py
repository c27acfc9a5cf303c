"""The preview of a film over a websocket: ``ws/film/<study>/``.

``{"op": "preview", ...}`` is answered with a JSON message of the same seq (what lies where, what to know),
then as many binary messages as its ``parts`` says: a PNG of the sheet, made small for the screen.
``{"op": "part", ...}`` gets a part of that sheet pixel for pixel. The latest wish wins: what was asked before
it and not begun is not drawn. Closed with 4401, 4403, 4404 as the frame socket is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from archive.access import Act, may
from archive.selectors import study_for
from dicomnet.film.compose import bitmap_digest, screen_copy, screen_part, screen_png
from dicomnet.film.layout import LayoutError, cell_boxes
from dicomnet.previewing import Preview, preview_draw
from dicomnet.print_sentences import advice_sentence
from viewer.consumers.admission import CLOSE_DENIED, Admission, admission_check
from viewer.film_wish import PartAsked, PreviewAsked, asked_parse

log = structlog.get_logger(__name__)
CHUNK: Final = 512 * 1024  # daphne takes messages up to 1 MiB
POOL: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="film")

Asked = PreviewAsked | PartAsked
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """A message and the picture that follows it; ``close_code`` when the socket has to go."""

    message: dict[str, Any]
    png: bytes = b""
    preview: Preview | None = None
    close_code: int = 0


class FilmConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One film page."""

    channel_layer_alias = ""

    async def connect(self) -> None:
        self.wanted: Asked | None = None
        self.preview: Preview | None = None
        self.worker: asyncio.Task[None] | None = None
        self.language = _language(self.scope)
        await self.accept()
        await self._admit()

    async def disconnect(self, code: int) -> None:
        if self.worker is not None:
            self.worker.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            self.wanted = await _in_pool(asked_parse, text_data)
        except LayoutError as error:
            await self.send(json.dumps({"op": "error", "code": error.code}))
            return
        if self.worker is None or self.worker.done():
            self.worker = asyncio.create_task(self._work())

    async def _admit(self) -> None:
        admission = await database_sync_to_async(_admission, thread_sensitive=False, executor=POOL)(
            self.scope
        )
        if admission.close_code:
            await self.close(admission.close_code)

    async def _work(self) -> None:
        """One wish at a time, always the latest."""
        while (asked := self.wanted) is not None:
            self.wanted = None
            answer = await _in_pool(self._answer, asked)
            if answer.close_code:
                await self.close(answer.close_code)
                return
            if answer.preview is not None:
                self.preview = answer.preview
            parts = [answer.png[at : at + CHUNK] for at in range(0, len(answer.png), CHUNK)]
            await self.send(json.dumps(answer.message | {"parts": len(parts)}, ensure_ascii=False))
            for part in parts:
                await self.send(bytes_data=part)

    def _answer(self, asked: Asked) -> Answer:
        """In a thread of the pool: who asks is looked up afresh, so rights that are gone are gone."""
        admission = _admission(self.scope)
        if admission.close_code:
            return Answer({}, close_code=admission.close_code)
        try:
            with translation.override(self.language):
                if isinstance(asked, PartAsked):
                    return part_answer(asked, self.preview)
                return preview_answer(asked, admission)
        except Exception:
            log.exception("film_preview_failed", study=admission.study_id)
            text = _("The film cannot be shown: an error in the archive. It is logged.")
            return Answer({"op": "error", "seq": asked.seq, "code": "failed", "text": text})


async def _in_pool(work: Callable[..., Result], *arguments: Any) -> Result:
    """In threads of our own: a sheet takes its time, and the shared thread serves everybody else."""
    made: Result = await database_sync_to_async(work, thread_sensitive=False, executor=POOL)(*arguments)
    return made


def preview_answer(asked: PreviewAsked, admission: Admission) -> Answer:
    """Draw the sheet; say where its cells lie (in film pixels) and what to know before it is printed."""
    study = study_for(user=admission.user, pk=admission.study_id)
    preview = preview_draw(user=admission.user, study=study, wish=asked.wish, number=asked.sheet)
    film, drawn = preview.film, preview.drawn
    message: dict[str, Any] = {
        "op": "preview",
        "seq": asked.seq,
        "sheet": preview.number,
        "sheets": preview.sheets,
        "film": {"columns": film.columns, "rows": film.rows, "bits": film.bits, "colour": film.colour},
        "size_mm": film.size_mm,
        "printable": preview.printable,
        "advice": [
            {"level": one.level, "code": one.code, "cells": one.cells, "text": advice_sentence(one)}
            for one in preview.advice
        ],
        "cells": [],
        "digest": "",
    }
    if drawn is None:
        return Answer(message, preview=preview)
    message["cells"] = [
        [box.left, box.top, box.width, box.height] for box in cell_boxes(preview.sheet.grid, film)
    ]
    message["digest"] = bitmap_digest(drawn.bitmap)
    return Answer(message, screen_png(screen_copy(drawn.bitmap, film, *asked.box)), preview)


def part_answer(asked: PartAsked, preview: Preview | None) -> Answer:
    """A part of the sheet drawn last, pixel for pixel."""
    message = {"op": "part", "seq": asked.seq}
    if preview is None or preview.drawn is None:
        return Answer(message)
    return Answer(message, screen_png(screen_part(preview.drawn.bitmap, preview.film, asked.box)))


def _admission(scope: dict[str, Any]) -> Admission:
    admission = admission_check(scope=scope)
    if admission.close_code or may(user=admission.user, act=Act.PRINT):
        return admission
    return Admission(admission.user, admission.study_id, CLOSE_DENIED)


def _language(scope: dict[str, Any]) -> str:
    asked = scope.get("query_string", b"").decode("ascii", "replace").partition("language=")[2]
    code = asked.partition("&")[0]
    return code if code in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
