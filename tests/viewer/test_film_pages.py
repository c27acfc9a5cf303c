"""The film page, its socket, and the pages of print jobs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.test import Client
from PIL import Image

from archive.models import Study
from dicomnet.film.compose import bitmap_digest, screen_copy
from dicomnet.film.layout import Film, Sheet
from dicomnet.models import FilmSheet, Printer, PrintJob, PrintStep
from dicomnet.print_run import job_film
from dicomnet.sheets import sheet_draw
from pacs_site.asgi import application
from tests import people
from tests.films import drawn_frames, film_cells, film_printer, film_study
from tests.viewer.sockets import log_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def frames() -> Iterator[None]:
    with drawn_frames():
        yield


@pytest.fixture
def study(transactional_db: None) -> Study:
    return film_study(3)


@pytest.fixture
def printer(transactional_db: None) -> Printer:
    return film_printer(pixel_pitch_um=300.0)


@pytest.fixture
def omar(transactional_db: None) -> AbstractUser:
    return people.omar_operator()


@pytest.fixture
def as_omar(omar: AbstractUser) -> Client:
    return log_in(omar)


def wish(study: Study, printer: Printer | None, **changes: Any) -> dict[str, Any]:
    return {
        "printer": printer.pk if printer else None,
        "film_size": "8INX10IN",
        "orientation": "PORTRAIT",
        "layout": "2,1",
        "copies": 1,
        "colour": False,
        "medium": "",
        "cells": [cell.to_dict() for cell in film_cells(study)],
        **changes,
    }


def post(client: Client, study: Study, film: Any) -> Any:
    text = film if isinstance(film, str) else json.dumps(film)
    return client.post(f"/studies/{study.pk}/print/", {"film": text}, follow=True)


# -- the page ---------------------------------------------------------------------------------------


def test_the_page_offers_the_series_and_the_printers(as_omar: Client, study: Study, printer: Printer):
    page = as_omar.get(f"/studies/{study.pk}/print/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "王小明" in text
    assert f'<option value="{printer.pk}">FILM_5F</option>' in text
    assert page.context["page"]["stacks"][0]["images"][0]["frames"] == 1
    assert len(page.context["page"]["stacks"][0]["images"]) == 3


def test_a_reader_is_told_clearly_that_they_do_not_print(study: Study):
    answer = log_in(people.rita_reader()).get(f"/studies/{study.pk}/print/")
    assert answer.status_code == 403
    assert "Your role does not print." in answer.content.decode()


def test_nobody_logged_in_is_led_to_the_log_in(study: Study):
    answer = Client().get(f"/studies/{study.pk}/print/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_a_study_that_is_not_there_is_404(as_omar: Client):
    assert as_omar.get("/studies/4711/print/").status_code == 404


def test_without_a_printer_the_page_says_what_to_do(study: Study, as_omar: Client):
    text = as_omar.get(f"/studies/{study.pk}/print/").content.decode()
    assert "No printer is set up yet." in text
    assert "An administrator adds one under Admin, Printers." in text
    text = log_in(people.ada_administrator()).get(f"/studies/{study.pk}/print/").content.decode()
    assert 'href="/admin/dicomnet/printer/add/"' in text


def test_submit_queues_a_job_and_leads_to_it(as_omar: Client, study: Study, printer: Printer):
    answer = post(as_omar, study, wish(study, printer))
    job = PrintJob.objects.get()
    assert answer.redirect_chain == [(f"/film/jobs/{job.pk}/", 302)]
    assert (job.requested_by.username, job.sheets.count()) == ("omar", 2)


@pytest.mark.parametrize(
    ("film", "words"),
    [
        ("", "A sheet cannot have this layout."),
        ("[]", "A sheet cannot have this layout."),
        ({"layout": "0,0"}, "A sheet cannot have this layout."),
        ({"printer": None}, "This printer is not in use."),
        ({"printer": 4711}, "This printer is not in use."),
        ({"cells": []}, "Nothing is on the film yet."),
        ({"cells": [{"instance": 4711}]}, "An image is not of this study"),
        ({"copies": 50}, "The printer does not make so many copies."),
    ],
)
def test_a_wish_that_cannot_be_is_answered_in_words(
    as_omar: Client, study: Study, printer: Printer, film: Any, words: str
):
    answer = post(as_omar, study, film if isinstance(film, str) else wish(study, printer) | film)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not PrintJob.objects.exists()


def test_a_reader_cannot_submit(study: Study, printer: Printer):
    answer = post(log_in(people.rita_reader()), study, wish(study, printer))
    assert answer.status_code == 403
    assert not PrintJob.objects.exists()


def test_a_form_without_its_token_is_turned_away(omar: AbstractUser, study: Study, printer: Printer):
    client = Client(enforce_csrf_checks=True)
    client.force_login(omar)
    answer = client.post(f"/studies/{study.pk}/print/", {"film": json.dumps(wish(study, printer))})
    assert answer.status_code == 403


# -- the socket -------------------------------------------------------------------------------------


class Line:
    """The film page's socket."""

    def __init__(self, study: Study, user: AbstractUser | None, query: str = "") -> None:
        self.study, self.user, self.query = study, user, query

    async def __aenter__(self) -> Line:
        headers = [(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1")]
        if self.user is not None:
            client = await sync_to_async(log_in)(self.user)
            value = client.cookies[settings.SESSION_COOKIE_NAME].value
            headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={value}".encode()))
        address = f"/ws/film/{self.study.pk}/{self.query}"
        self.socket = WebsocketCommunicator(application, address, headers)
        connected, _ = await self.socket.connect(timeout=10)
        assert connected
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.disconnect(timeout=10)

    async def say(self, message: Any) -> None:
        await self.socket.send_to(text_data=message if isinstance(message, str) else json.dumps(message))

    async def hear(self) -> tuple[dict[str, Any], np.ndarray | None]:
        event = await self.socket.receive_output(30)
        if event["type"] == "websocket.close":
            return {"op": "close", "code": event["code"]}, None
        message = json.loads(event["text"])
        data = b""
        for _ in range(message.get("parts", 0)):
            data += (await self.socket.receive_output(30))["bytes"]
        return message, np.asarray(Image.open(io.BytesIO(data))) if data else None

    async def preview(self, film: dict[str, Any], **changes: Any) -> tuple[dict[str, Any], np.ndarray | None]:
        await self.say({"op": "preview", "seq": 1, "film": film, "sheet": 1, "box": [200, 250], **changes})
        return await self.hear()


async def asked(study: Study, printer: Printer | None, **changes: Any) -> dict[str, Any]:
    return await sync_to_async(wish)(study, printer, **changes)


async def test_the_preview_is_the_bitmap_that_is_printed(study: Study, printer: Printer, omar: AbstractUser):
    """Digest and pixels of the socket against the job's own bitmap, drawn when it prints."""
    film = await asked(study, printer)
    async with Line(study, omar) as line:
        message, picture = await line.preview(film, sheet=2)

    def printed() -> tuple[str, np.ndarray]:
        post(log_in(omar), study, film)
        job = PrintJob.objects.get()
        sheet = Sheet.from_dict(job.sheets.get(number=2).composition)
        bitmap = sheet_draw(sheet=sheet, film=job_film(job), user=omar, study=job.study).bitmap
        return bitmap_digest(bitmap), screen_copy(bitmap, job_film(job), 200, 250)

    digest, small = await sync_to_async(printed)()
    assert message["digest"] == digest
    assert picture is not None
    assert np.array_equal(picture, small)
    assert (message["sheet"], message["sheets"], message["printable"]) == (2, 2, True)
    assert message["film"] == {"columns": 400, "rows": 500, "bits": 8, "colour": False}


async def test_one_to_one_shows_the_very_pixels(study: Study, printer: Printer, omar: AbstractUser):
    async with Line(study, omar) as line:
        _, whole = await line.preview(await asked(study, printer), box=[400, 500])
        await line.say({"op": "part", "seq": 2, "box": [100, 200, 150, 120]})
        message, part = await line.hear()
    assert (message["op"], message["seq"]) == ("part", 2)
    assert whole is not None
    assert part is not None
    assert np.array_equal(part, whole[200:320, 100:250])


async def test_a_changed_cell_changes_the_preview(study: Study, printer: Printer, omar: AbstractUser):
    film = await asked(study, printer)
    async with Line(study, omar) as line:
        first, _ = await line.preview(film)
        film["cells"].reverse()
        second, _ = await line.preview(film)
    assert first["digest"] != second["digest"]


async def test_advice_comes_in_the_language_of_the_page(study: Study, omar: AbstractUser):
    async with Line(study, omar, "?language=en") as line:
        message, picture = await line.preview(await asked(study, None))
    assert message["printable"] is False
    assert message["advice"][0]["level"] == "bad"
    assert message["advice"][0]["text"].startswith("No printer is set up yet.")
    assert picture is not None  # and the film is shown all the same


async def test_a_grid_too_fine_for_the_film_is_said(study: Study, printer: Printer, omar: AbstractUser):
    def shrink() -> None:
        printer.film_grids = {"8INX10IN": [200, 250]}
        printer.save()

    await sync_to_async(shrink)()
    async with Line(study, omar) as line:
        message, picture = await line.preview(await asked(study, printer, layout="12,12"))
    assert picture is None
    assert [one["code"] for one in message["advice"] if one["level"] == "bad"] == ["layout"]


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        '{"op": "preview"}',
        '{"op": "dance", "seq": 1}',
        '{"op": "part", "seq": 1, "box": [0, 0, 99999, 1]}',
        '{"op": "part", "seq": 1, "box": [-1, 0, 10, 10]}',
        "[" * 100_000,
        '{"op": "preview", "seq": 1, "film": {"cells": [{"instance": 1e400}]}, "sheet": 1, "box": [9, 9]}',
    ],
)
async def test_nonsense_is_named_and_the_socket_stays(
    study: Study, printer: Printer, omar: AbstractUser, message: str
):
    async with Line(study, omar) as line:
        await line.say(message)
        answer, _ = await line.hear()
        assert answer["op"] == "error"
        after, _ = await line.preview(await asked(study, printer))
        assert after["op"] == "preview"


async def test_a_part_before_any_preview_is_empty(study: Study, omar: AbstractUser):
    async with Line(study, omar) as line:
        await line.say({"op": "part", "seq": 5, "box": [0, 0, 10, 10]})
        assert await line.hear() == ({"op": "part", "seq": 5, "parts": 0}, None)


async def test_nobody_and_readers_are_turned_away(study: Study):
    async with Line(study, None) as line:
        assert (await line.hear())[0] == {"op": "close", "code": 4401}
    rita = await sync_to_async(people.rita_reader)()
    async with Line(study, rita) as line:
        assert (await line.hear())[0] == {"op": "close", "code": 4403}


async def test_a_right_taken_away_ends_the_socket(study: Study, printer: Printer, omar: AbstractUser):
    film = await asked(study, printer)
    async with Line(study, omar) as line:
        assert (await line.preview(film))[0]["op"] == "preview"
        await sync_to_async(omar.groups.clear)()
        assert (await line.preview(film))[0] == {"op": "close", "code": 4403}


# -- jobs -------------------------------------------------------------------------------------------


@pytest.fixture
def job(as_omar: Client, study: Study, printer: Printer) -> PrintJob:
    post(as_omar, study, wish(study, printer))
    return PrintJob.objects.get()


def story(job: PrintJob) -> None:
    """A job whose first sheet is printed and whose printer then ran out of film."""
    job.sheets.filter(number=1).update(state=FilmSheet.State.PRINTED)
    PrintStep.objects.create(
        job=job,
        operation="N-ACTION Film Box",
        code="sheet-printed",
        sheet=1,
        status="0000",
        outcome="ok",
        duration_ms=31.2,
    )
    PrintStep.objects.create(
        job=job,
        operation="N-EVENT-REPORT Printer",
        code="printer-failure",
        status="FAILURE",
        outcome="failed",
        detail={"info": "SUPPLY EMPTY"},
    )
    PrintJob.objects.update(state="held", error="printer-failure", error_detail={"info": "SUPPLY EMPTY"})


def test_the_job_page_says_what_happened_first_and_dimse_second(as_omar: Client, job: PrintJob):
    story(job)
    text = as_omar.get(f"/film/jobs/{job.pk}/").content.decode()
    assert "The printer has stopped: film supply empty." in text
    assert "Sheet 1 is printed and will not be printed again." in text
    assert "Sheet 2 has not been asked for yet, so nothing prints twice." in text
    assert "Sheet 1: told to print, and the printer took it" in text
    assert "N-ACTION Film Box" in text
    assert "31 ms" in text
    assert "Resume sheet 2" in text
    assert text.split("<main", 1)[1].count("button primary") == 1


def test_the_primary_button_follows_the_state(as_omar: Client, job: PrintJob):
    def primary() -> list[str]:
        text = as_omar.get(f"/film/jobs/{job.pk}/?part=1").content.decode()
        return [part.split("</button>")[0].split("</svg>")[-1] for part in text.split("button primary")[1:]]

    assert primary() == []
    PrintJob.objects.update(state="failed", error="unreachable", error_detail={"host": "h", "port": 1})
    assert primary() == ["Retry"]
    job.sheets.filter(number=1).update(state="asked")
    PrintJob.objects.update(state="held", error="in-doubt", error_detail={"sheet": 1})
    assert primary() == ["It came out"]
    job.sheets.update(state="printed")
    PrintJob.objects.update(state="done", error="")
    assert primary() == []


def test_retry_and_cancel_are_posts_that_lead_back(as_omar: Client, job: PrintJob):
    PrintJob.objects.update(state="failed")
    assert as_omar.get(f"/film/jobs/{job.pk}/retry/").status_code == 405
    answer = as_omar.post(f"/film/jobs/{job.pk}/retry/", follow=True)
    assert answer.redirect_chain == [(f"/film/jobs/{job.pk}/", 302)]
    job.refresh_from_db()
    assert job.state == "queued"
    as_omar.post(f"/film/jobs/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.state == "cancelled"
    answer = as_omar.post(f"/film/jobs/{job.pk}/cancel/", follow=True)
    assert "The job has gone on meanwhile." in answer.content.decode()


def test_a_sheet_in_doubt_is_settled_by_a_person(as_omar: Client, job: PrintJob):
    job.sheets.filter(number=1).update(state="asked")
    PrintJob.objects.update(state="held", error="in-doubt", error_detail={"sheet": 1})
    answer = as_omar.post(f"/film/jobs/{job.pk}/retry/", follow=True)
    assert "Say first whether the sheet in doubt came out." in answer.content.decode()
    as_omar.post(f"/film/jobs/{job.pk}/retry/", {"doubtful": "printed"})
    assert list(job.sheets.values_list("state", flat=True)) == ["printed", "waiting"]


def test_a_sheet_is_shown_small(as_omar: Client, job: PrintJob):
    answer = as_omar.get(f"/film/jobs/{job.pk}/sheets/1.png?width=100")
    assert answer["Content-Type"] == "image/png"
    picture = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert picture.shape == (125, 100)
    assert as_omar.get(f"/film/jobs/{job.pk}/sheets/9.png").status_code == 404
    assert as_omar.get(f"/film/jobs/{job.pk}/sheets/1.png?width=-5").status_code == 200


def test_the_list_shows_every_job_with_its_state(as_omar: Client, job: PrintJob):
    story(job)
    text = as_omar.get("/film/jobs/").content.decode()
    assert "FILM_5F" in text
    assert "1 / 2" in text
    assert "Held" in text
    assert "<html" not in as_omar.get("/film/jobs/?part=1").content.decode()


def test_a_list_without_jobs_says_what_to_do(as_omar: Client):
    assert "No print jobs yet." in as_omar.get("/film/jobs/").content.decode()


@pytest.mark.parametrize("path", ["", "sheets/1.png"])
def test_readers_see_no_print_jobs(job: PrintJob, path: str):
    rita = log_in(people.rita_reader())
    assert rita.get("/film/jobs/").status_code == 403
    assert rita.get(f"/film/jobs/{job.pk}/{path}").status_code == 403


def test_markup_in_what_a_printer_says_stays_text(as_omar: Client, job: PrintJob):
    PrintJob.objects.update(
        state="held", error="printer-failure", error_detail={"info": "<img src=x onerror=alert(1)>"}
    )
    text = as_omar.get(f"/film/jobs/{job.pk}/").content.decode()
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text


def test_the_film_of_twelve_bits_is_shown_by_its_upper_eight():
    film = Film(64, 64, 100.0, bits=12)
    assert screen_copy(np.full((64, 64), 0xABC, "u2"), film, 64, 64).tolist()[0][0] == 0xAB
