"""Print jobs against real printers: what comes out is what was previewed, and every end is told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.db import connection

from archive.access import roles_ensure
from archive.models import Instance
from dicomnet.film.layout import Grid, Sheet
from dicomnet.models import FilmSheet, Printer, PrintJob
from dicomnet.print_run import job_film, print_job_execute
from dicomnet.printing import FilmOrder, print_job_cancel, print_job_retry, print_job_submit
from dicomnet.scu.client import Peer
from dicomnet.scu.probe import probe
from dicomnet.sheets import sheet_draw
from tests import people
from tests.films import drawn_frames, film_cells, film_printer, film_study
from tests.wire.printers import (
    Whims,
    dcmprscp,
    films_of,
    free_port,
    print_objects_of,
    stalling,
    strict_printer,
)

pytestmark = pytest.mark.django_db(transaction=True)
A4, BIG = "8INX10IN", "14INX17IN"


@pytest.fixture(autouse=True)
def frames() -> Iterator[None]:
    roles_ensure()
    with drawn_frames():
        yield


def submitted(printer: Printer, *, images: int = 1, layout: str = "1,1", **order: object) -> PrintJob:
    study = film_study(images)
    return print_job_submit(
        user=people.omar_operator(),
        study=study,
        printer=printer,
        grid=Grid.parse(layout),
        cells=film_cells(study),
        order=FilmOrder(**{"film_size": A4, **order}),
    )


def run(job: PrintJob) -> PrintJob:
    print_job_execute(job_id=job.pk)
    job.refresh_from_db()
    return job


def preview(job: PrintJob, number: int) -> np.ndarray:
    """The bitmap a person saw before pressing print."""
    sheet = job.sheets.get(number=number)
    drawn = sheet_draw(
        sheet=Sheet.from_dict(sheet.composition), film=job_film(job), user=job.requested_by, study=job.study
    )
    assert not drawn.unavailable
    return drawn.bitmap


def told(job: PrintJob) -> list[tuple[str, str, str]]:
    return list(job.steps.values_list("operation", "status", "outcome"))


def codes(job: PrintJob) -> list[str]:
    return list(job.steps.values_list("code", flat=True))


# -- what comes out ---------------------------------------------------------------------------------


def test_dcmtk_keeps_the_very_pixels_of_the_preview(tmp_path: Path):
    with dcmprscp(tmp_path) as port:
        job = run(submitted(film_printer(port), images=3, layout="2,2"))
    assert (job.state, job.error) == (PrintJob.State.DONE, "")
    assert job.steps.filter(outcome="ok", code="printer-normal").exists()
    films = films_of(tmp_path)
    assert len(films) == 1
    assert films[0].shape == (500, 400)
    assert films[0].max() > 200
    assert np.array_equal(films[0], preview(job, 1))


def test_twelve_bits_arrive_as_twelve_bits(tmp_path: Path):
    with dcmprscp(tmp_path) as port:
        job = run(submitted(film_printer(port, bits=12), images=2, layout="1,2"))
    assert job.state == PrintJob.State.DONE
    film = films_of(tmp_path)[0]
    assert film.dtype == np.uint16
    assert film.max() == 4095
    assert np.array_equal(film, preview(job, 1))


def test_three_sheets_come_out_in_order_each_once(tmp_path: Path):
    with dcmprscp(tmp_path) as port:
        job = run(submitted(film_printer(port), images=5, layout="2,1", film_size=BIG))
    films = films_of(tmp_path)
    assert [film.shape for film in films] == [(850, 700)] * 3
    for number, film in enumerate(films, 1):
        assert np.array_equal(film, preview(job, number))
    assert len(print_objects_of(tmp_path)) == 3
    assert list(job.sheets.values_list("state", flat=True)) == ["printed"] * 3


def test_landscape_is_told_and_turned(tmp_path: Path):
    with dcmprscp(tmp_path) as port:
        job = run(submitted(film_printer(port), orientation="LANDSCAPE", copies=2, medium="BLUE FILM"))
    film = films_of(tmp_path)[0]
    assert film.shape == (400, 500)
    assert np.array_equal(film, preview(job, 1))
    stored = print_objects_of(tmp_path)[0]
    assert stored.FilmBoxContentSequence[0].FilmOrientation == "LANDSCAPE"
    assert stored.FilmBoxContentSequence[0].FilmSizeID == A4


def test_a_printer_that_speaks_implicit_only_gets_the_same_film(tmp_path: Path):
    with dcmprscp(tmp_path, implicit=True) as port:
        job = run(submitted(film_printer(port, bits=12)))
    assert np.array_equal(films_of(tmp_path)[0], preview(job, 1))


def test_colour_arrives_plane_by_plane_and_equal_to_the_preview():
    with strict_printer() as printer:
        job = run(
            submitted(film_printer(printer.port, supports_colour=True), images=2, layout="1,2", colour=True)
        )
    assert job.state == PrintJob.State.DONE
    assert printer.faults == []
    assert printer.films[0].shape == (500, 400, 3)
    assert np.array_equal(printer.films[0], preview(job, 1))
    grey = printer.films[0][..., :1] == printer.films[0]
    assert not grey.all()


def test_the_steps_are_those_of_the_standard_in_their_order():
    with strict_printer() as printer:
        job = run(submitted(film_printer(printer.port), images=2))
        assert printer.released.wait(5)
    assert printer.faults == []
    assert printer.said == [
        "N-GET Printer",
        "N-CREATE Basic Film Session",
        "N-CREATE Basic Film Box",
        "N-SET Basic Grayscale Image Box",
        "N-ACTION Basic Film Box",
        "N-DELETE Basic Film Box",
        "N-CREATE Basic Film Box",
        "N-SET Basic Grayscale Image Box",
        "N-ACTION Basic Film Box",
        "N-DELETE Basic Film Box",
        "N-DELETE Basic Film Session",
    ]
    assert told(job)[:5] == [
        ("A-ASSOCIATE", "", "ok"),
        ("N-GET Printer", "0000", "ok"),
        ("N-CREATE Film Session", "0000", "ok"),
        ("N-CREATE Film Box", "0000", "ok"),
        ("N-SET Image Box", "0000", "ok"),
    ]
    assert told(job)[-1] == ("A-RELEASE", "", "ok")
    assert all(step.duration_ms is not None for step in job.steps.all())


def test_what_was_chosen_is_what_is_asked():
    with strict_printer() as printer:
        run(submitted(film_printer(printer.port, min_density=20, max_density=300), copies=3, medium="PAPER"))
    session, box, image = printer.sessions[0], printer.film_boxes[0], printer.images[0]
    assert (session.NumberOfCopies, session.MediumType, session.PrintPriority) == (3, "PAPER", "MED")
    assert (box.FilmSizeID, box.FilmOrientation, box.MagnificationType) == (A4, "PORTRAIT", "CUBIC")
    assert (box.MinDensity, box.MaxDensity, box.BorderDensity) == (20, 300, "BLACK")
    assert (image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation) == (8, 8, 7, 0)


def test_uids_the_printer_gives_are_the_ones_used():
    with strict_printer(Whims(own_uids=True)) as printer:
        job = run(submitted(film_printer(printer.port), images=2))
    assert printer.faults == []
    assert job.state == PrintJob.State.DONE


def test_a_warning_of_the_printer_is_noted_and_printed_through():
    with strict_printer(Whims(status="WARNING", status_info="SUPPLY LOW")) as printer:
        row = film_printer(printer.port)
        job = run(submitted(row))
    assert job.state == PrintJob.State.DONE
    step = job.steps.get(operation="N-GET Printer")
    assert (step.code, step.outcome, step.detail) == ("printer-warning", "warning", {"info": "SUPPLY LOW"})
    row.refresh_from_db()
    assert (row.condition, row.condition_info) == ("WARNING", "SUPPLY LOW")


@pytest.mark.parametrize(
    ("status", "info", "code", "outcome"),
    [
        ("NORMAL", "NORMAL", "normal", "ok"),
        ("WARNING", "SUPPLY LOW", "warning", "warning"),
        ("FAILURE", "FILM JAM", "failure", "failed"),
        ("", "", "silent", "warning"),
    ],
)
def test_the_connection_test_asks_the_printer_how_it_is(status: str, info: str, code: str, outcome: str):
    with strict_printer(Whims(status=status, status_info=info)) as printer:
        taken = list(probe(Peer("FILM", "127.0.0.1", printer.port), calling="LIGHTBOX", printer=True))
    assert (taken[-1].name, taken[-1].code, taken[-1].outcome.value) == ("printer", code, outcome)
    assert taken[-1].detail == {"status": status, "info": info}


# -- printers that misbehave ------------------------------------------------------------------------


def test_a_stopped_printer_holds_the_job_before_anything_is_sent():
    with strict_printer(Whims(status="FAILURE", status_info="SUPPLY EMPTY")) as printer:
        job = run(submitted(film_printer(printer.port)))
        assert printer.operations == ["N-GET"]
        assert printer.released.wait(5)
        assert (job.state, job.error, job.error_detail) == (
            PrintJob.State.HELD,
            "printer-failure",
            {"info": "SUPPLY EMPTY"},
        )
        printer.whims.status = "NORMAL"
        print_job_retry(user=job.requested_by, job=job)
        assert run(job).state == PrintJob.State.DONE
    assert len(printer.films) == 1


@pytest.mark.parametrize(
    ("whims", "status", "meaning", "operation"),
    [
        (Whims(refuse_film_box=0x0106), "0106", "invalid-attribute-value", "N-CREATE Film Box"),
        (Whims(refuse_film_box=0xC616), "C616", "earlier-sheet-not-printed", "N-CREATE Film Box"),
        (Whims(refuse_image=0xC605), "C605", "printer-out-of-memory", "N-SET Image Box"),
        (Whims(refuse_image=0xC603), "C603", "image-too-large", "N-SET Image Box"),
        (Whims(refuse_action=0xC602), "C602", "queue-full", "N-ACTION Film Box"),
    ],
)
def test_a_refusal_stops_the_job_with_its_status_and_can_be_retried(
    whims: Whims, status: str, meaning: str, operation: str
):
    with strict_printer(whims) as printer:
        job = run(submitted(film_printer(printer.port)))
        assert (job.state, job.error) == (PrintJob.State.FAILED, "refused")
        assert job.error_detail == {
            "operation": operation,
            "status": status,
            "sheet": 1,
            "meaning": meaning,
        }
        assert job.steps.get(outcome="failed").operation == operation
        assert job.sheets.get().state == FilmSheet.State.WAITING
        assert printer.said[-1] == "N-DELETE Basic Film Session"  # nothing is left open there
        assert printer.released.wait(5)
        printer.whims = Whims()
        print_job_retry(user=job.requested_by, job=job)
        assert run(job).state == PrintJob.State.DONE
    assert len(printer.films) == 1


@pytest.mark.parametrize("status", [0xB604, 0xB605, 0xB609, 0xB60A, 0x0107, 0x0116])
def test_a_warning_status_is_kept_and_does_not_stop_the_job(status: int):
    with strict_printer(Whims(refuse_image=status)) as printer:
        # The strict printer keeps no image it only warned about: give it one, the N-SET is what counts.
        printer._image = np.zeros((1, 1), "u1")
        job = submitted(film_printer(printer.port))
        printer.on_action = lambda event: (0x0000, None)  # type: ignore[method-assign]
        run(job)
    step = job.steps.get(operation="N-SET Image Box")
    assert (step.status, step.outcome) == (f"{status:04X}", "warning")


def test_a_film_box_without_a_place_for_the_picture_is_told():
    with strict_printer(Whims(no_image_boxes=True)) as printer:
        job = run(submitted(film_printer(printer.port)))
    assert (job.state, job.error) == (PrintJob.State.FAILED, "no-image-box")


def test_a_connection_that_breaks_while_the_picture_goes_over_is_safe_to_retry():
    with strict_printer(Whims(drop_at="N-SET")) as printer:
        job = run(submitted(film_printer(printer.port)))
        assert (job.state, job.error) == (PrintJob.State.FAILED, "connection-lost")
        assert job.sheets.get().state == FilmSheet.State.WAITING
        printer.whims, printer._session, printer._box = Whims(), "", ""
        print_job_retry(user=job.requested_by, job=job)
        assert run(job).state == PrintJob.State.DONE
    assert len(printer.films) == 1


def test_a_printer_that_never_answers_ends_the_job_in_its_time():
    with strict_printer(Whims(silent_at="N-CREATE")) as printer:
        job = run(submitted(film_printer(printer.port, timeout_seconds=1)))
    assert (job.state, job.error) == (PrintJob.State.FAILED, "no-answer")
    assert job.error_detail["seconds"] == 1


def test_a_sheet_whose_answer_never_came_waits_for_a_person_and_is_not_printed_twice():
    with strict_printer(Whims(drop_at="N-ACTION")) as printer:
        job = run(submitted(film_printer(printer.port), images=2))
        assert (job.state, job.error, job.error_detail) == (PrintJob.State.HELD, "in-doubt", {"sheet": 1})
        assert list(job.sheets.values_list("state", flat=True)) == ["asked", "waiting"]
        printer.whims, printer._session, printer._box = Whims(), "", ""
        with pytest.raises(ValueError, match="say-first"):
            print_job_retry(user=job.requested_by, job=job)
        print_job_retry(user=job.requested_by, job=job, doubtful="printed")
        assert run(job).state == PrintJob.State.DONE
    assert len(printer.films) == 1
    assert np.array_equal(printer.films[0], preview(job, 2))


def test_print_again_prints_the_sheet_in_doubt_once_more():
    with strict_printer(Whims(drop_at="N-ACTION")) as printer:
        job = run(submitted(film_printer(printer.port)))
        printer.whims, printer._session, printer._box = Whims(), "", ""
        print_job_retry(user=job.requested_by, job=job, doubtful="again")
        assert run(job).state == PrintJob.State.DONE
    assert len(printer.films) == 1


def test_a_printer_that_stops_between_sheets_holds_the_rest():
    with strict_printer(Whims(say_failure_after=1)) as printer:
        job = run(submitted(film_printer(printer.port), images=2))
        assert (job.state, job.error) == (PrintJob.State.HELD, "printer-failure")
        assert list(job.sheets.values_list("state", flat=True)) == ["printed", "waiting"]
        assert job.steps.get(operation="N-EVENT-REPORT Printer").detail == {"info": "SUPPLY EMPTY"}
        printer.whims = Whims()
        print_job_retry(user=job.requested_by, job=job)
        assert run(job).state == PrintJob.State.DONE
    assert len(printer.films) == 2
    assert printer.faults == []


def test_a_printer_that_does_not_know_us_is_told_apart():
    with strict_printer(title="OTHER") as printer:
        job = run(submitted(film_printer(printer.port)))
    assert (job.state, job.error) == (PrintJob.State.FAILED, "rejected")
    assert job.error_detail["reason"] == "called-title"


def test_a_grey_printer_asked_for_colour_says_so():
    with strict_printer(colour=False) as printer:
        job = run(submitted(film_printer(printer.port, supports_colour=True), colour=True))
    assert (job.state, job.error) == (PrintJob.State.FAILED, "service-refused")


def test_nobody_there_is_one_step_and_a_reason():
    job = run(submitted(film_printer(free_port())))
    assert (job.state, job.error) == (PrintJob.State.FAILED, "unreachable")
    assert told(job) == [("A-ASSOCIATE", "", "failed")]


def test_a_peer_that_takes_the_connection_and_says_nothing_does_not_hold_us():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        job = run(submitted(film_printer(listener.getsockname()[1], timeout_seconds=1)))
    assert (job.state, job.error) == (PrintJob.State.FAILED, "no-answer")


def test_a_printer_that_stops_reading_in_the_middle_of_the_picture_does_not_hold_us():
    with strict_printer() as printer, stalling(printer.port, after=200_000) as port:
        row = film_printer(port, bits=12, timeout_seconds=2, film_grids={A4: [2400, 3000]})
        started = time.monotonic()
        job = run(submitted(row))
        waited = time.monotonic() - started
    assert (job.state, job.error) == (PrintJob.State.FAILED, "no-answer")
    assert job.sheets.get().state == FilmSheet.State.WAITING
    assert printer.films == []
    assert waited < 30


# -- runs that are ended, doubled, cancelled --------------------------------------------------------


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs in that process."""


@pytest.mark.parametrize("moment", ["sending", "asked", "printed"])
def test_a_run_that_dies_is_taken_up_again_and_no_sheet_comes_out_twice(
    moment: str, monkeypatch: pytest.MonkeyPatch
):
    """The rows are left as a killed process leaves them, at each moment that matters of sheet 2 of 3."""

    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    with strict_printer() as printer:
        job = submitted(film_printer(printer.port), images=3)
        with monkeypatch.context() as patch:
            from dicomnet import print_run

            original = getattr(print_run.RunDiary, moment)

            def dying(self: object, sheet: int, *rest: object) -> None:
                original(self, sheet, *rest)
                if sheet == 2:
                    raise Killed

            patch.setattr(print_run.RunDiary, moment, dying)
            patch.setattr(print_run, "_job_stop", die)
            with pytest.raises(Killed):
                print_job_execute(job_id=job.pk)
        job.refresh_from_db()
        assert job.state == PrintJob.State.PRINTING
        printer._session, printer._box = "", ""  # a printer forgets with the association
        run(job)
        if moment == "asked":
            assert (job.state, job.error, job.error_detail) == (PrintJob.State.HELD, "in-doubt", {"sheet": 2})
            assert len(printer.films) == 1
            print_job_retry(user=job.requested_by, job=job, doubtful="again")
            run(job)
        assert job.state == PrintJob.State.DONE
    assert len(printer.films) == 3
    for number in (1, 2, 3):
        assert any(np.array_equal(film, preview(job, number)) for film in printer.films)


RUN = """
import sys, django
django.setup()
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
from dicomnet.print_run import print_job_execute
from tests.films import drawn_frames
with drawn_frames():
    print_job_execute(job_id=int(sys.argv[2]))
"""


@pytest.mark.parametrize("moment", ["N-CREATE", "N-SET", "N-ACTION", "N-DELETE"])
def test_kill_9_in_the_middle_of_the_second_sheet_prints_each_sheet_once(moment: str):
    """A real process, killed while the printer works on what it asked: each sheet comes out once."""
    nth = 3 if moment == "N-CREATE" else 2  # the first N-CREATE makes the session
    with strict_printer(Whims(pause_at=(moment, nth))) as printer:
        job = submitted(film_printer(printer.port, timeout_seconds=20), images=3)
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(connection.settings_dict["NAME"]), str(job.pk)],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        )
        assert printer.reached.wait(60)
        process.kill()
        process.wait()
        printer.hold.set()
        assert printer.gone.wait(20)
        job.refresh_from_db()
        assert job.state == PrintJob.State.PRINTING
        printer.whims, printer._session, printer._box = Whims(), "", ""
        run(job)
        if moment == "N-ACTION":  # the film came out, and nobody here can know
            assert (job.state, job.error, job.error_detail) == (PrintJob.State.HELD, "in-doubt", {"sheet": 2})
            print_job_retry(user=job.requested_by, job=job, doubtful="printed")
            run(job)
        assert job.state == PrintJob.State.DONE
        assert "recovered" in codes(job)
    assert len(printer.films) == 3
    for number, film in enumerate(printer.films, 1):
        assert np.array_equal(film, preview(job, number))


def test_a_second_run_takes_the_job_and_the_first_stops_before_it_prints(monkeypatch: pytest.MonkeyPatch):
    """Two workers, one job: whoever took it last prints, nothing comes out twice."""
    from dicomnet import print_run

    original = print_run.RunDiary.sending
    nested: list[int] = []

    def overtaken(self: print_run.RunDiary, sheet: int, digest: str) -> None:
        original(self, sheet, digest)
        if not nested:
            nested.append(sheet)
            print_job_execute(job_id=self._job.pk)

    with strict_printer() as one, strict_printer() as two:
        job = submitted(film_printer(one.port), images=2)
        monkeypatch.setattr(print_run.RunDiary, "sending", overtaken)

        def elsewhere(printer: Printer) -> object:
            return print_run.PrinterAddress(
                "FILM", "127.0.0.1", (two if nested else one).port, "LIGHTBOX", 5.0
            )

        monkeypatch.setattr(print_run, "printer_address", elsewhere)
        run(job)
    assert job.state == PrintJob.State.DONE
    assert (len(one.films), len(two.films)) == (0, 2)


def test_a_finished_job_run_again_does_nothing():
    with strict_printer() as printer:
        job = run(submitted(film_printer(printer.port)))
        steps = job.steps.count()
        run(job)
    assert (len(printer.films), job.steps.count(), job.attempt) == (1, steps, 1)


def test_cancel_stops_before_the_next_sheet(monkeypatch: pytest.MonkeyPatch):
    with strict_printer() as printer:
        job = submitted(film_printer(printer.port), images=3)
        from dicomnet import print_run

        original = print_run.RunDiary.printed

        def cancelling(self: print_run.RunDiary, sheet: int) -> None:
            original(self, sheet)
            print_job_cancel(user=job.requested_by, job=job)

        monkeypatch.setattr(print_run.RunDiary, "printed", cancelling)
        run(job)
        assert printer.released.wait(5)
    assert job.state == PrintJob.State.CANCELLED
    assert list(job.sheets.values_list("state", flat=True)) == ["printed", "waiting", "waiting"]
    assert len(printer.films) == 1
    assert printer.said[-1] == "N-DELETE Basic Film Session"


def test_an_image_that_was_removed_stops_the_job_in_words_and_prints_no_hole():
    with strict_printer() as printer:
        job = submitted(film_printer(printer.port), images=2, layout="1,2")
        Instance.objects.filter(instance_number=2).update(rejected_at="2026-11-23T00:00Z")
        run(job)
    assert (job.state, job.error) == (PrintJob.State.FAILED, "picture-unavailable")
    assert printer.films == []
    assert "N-CREATE Basic Film Box" not in printer.said
