"""Asking for a film: what becomes of the wish in the database, and who may ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied
from django.utils import translation
from django_tasks_db.models import DBTaskResult

from archive.models import AuditEvent, Event
from archive.rendering import View
from dicomnet.film.advice import Advice, Level
from dicomnet.film.layout import Cell, Film, Grid, Sheet, cell_boxes
from dicomnet.models import FilmSheet, Printer, PrintJob
from dicomnet.previewing import FilmWish, preview_draw
from dicomnet.print_run import TASK, print_jobs_settle
from dicomnet.print_sentences import (
    advice_sentence,
    film_size_name,
    step_remark,
    step_sentence,
    stop_notice,
    supply_words,
)
from dicomnet.printing import (
    FilmOrder,
    PrintRefused,
    film_grid,
    print_job_cancel,
    print_job_retry,
    print_job_submit,
    printer_defaults,
    printer_film,
)
from dicomnet.sheets import patient_label, sheet_draw, sheet_labels
from tests import people
from tests.films import drawn_frames, film_cells, film_printer, film_study

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def frames() -> Iterator[None]:
    with drawn_frames():
        yield


def submit(**changes: object) -> PrintJob:
    study = changes.pop("study", None) or film_study(5)
    values: dict[str, object] = {
        "user": changes.pop("user", None) or people.omar_operator(),
        "study": study,
        "printer": changes.pop("printer", None) or film_printer(),
        "grid": Grid(2, 1),
        "cells": film_cells(study),
        "order": FilmOrder("8INX10IN"),
        "source": "192.0.2.7",
    }
    return print_job_submit(**(values | changes))


def test_a_wish_becomes_a_job_with_sheets_audit_event_and_task():
    job = submit(order=FilmOrder("8INX10IN", "LANDSCAPE", 2, medium="PAPER"))
    assert (job.state, job.film_size, job.orientation, job.copies, job.medium) == (
        "queued",
        "8INX10IN",
        "LANDSCAPE",
        2,
        "PAPER",
    )
    assert (job.columns, job.rows, job.bits, job.pixel_pitch_um) == (500, 400, 8, 300.0)
    sheets = list(job.sheets.all())
    assert [sheet.number for sheet in sheets] == [1, 2, 3]
    assert [len(sheet.composition["cells"]) for sheet in sheets] == [2, 2, 1]
    audit = AuditEvent.objects.get(action=AuditEvent.Action.PRINTED)
    assert (audit.actor_name, audit.source, audit.patient_id) == ("omar", "192.0.2.7", "00482913")
    assert audit.detail == {"sheets": 3, "images": 5, "copies": 2, "film_size": "8INX10IN"}
    assert list(Event.objects.values_list("topic", "key")) == [("job", str(job.pk))]
    task = DBTaskResult.objects.get()
    assert (task.queue_name, task.args_kwargs["args"]) == ("print", [job.pk])


def test_labels_are_made_here_and_name_the_person_in_both_scripts():
    job = submit()
    labels = Sheet.from_dict(job.sheets.get(number=2).composition).labels
    assert labels.top_left == "王小明 WANG XIAOMING · M · 1968-03-02 · 00482913"
    assert labels.top_right == "Lightbox General"
    assert labels.bottom_left == "2026-11-23 02:47 CT Chest and abdomen"
    assert labels.bottom_right == "2 / 3"
    assert job.patient_label == labels.top_left


def test_a_study_without_any_name_is_labelled_by_its_uid():
    study = film_study(1)
    patient = study.patient
    patient.name_alphabetic = patient.name_ideographic = patient.sex = ""
    patient.birth_date = patient.patient_id = ""
    assert patient_label(study) == study.study_instance_uid
    assert sheet_labels(study=study, number=1, of=1).top_left == study.study_instance_uid


def test_nothing_is_there_when_the_task_cannot_be_queued():
    study, printer, user = film_study(1), film_printer(), people.omar_operator()
    with (
        mock.patch("dicomnet.printing.print_job_run", **{"enqueue.side_effect": RuntimeError}),
        pytest.raises(RuntimeError),
    ):
        submit(study=study, printer=printer, user=user)
    assert not PrintJob.objects.exists()
    assert not AuditEvent.objects.filter(action=AuditEvent.Action.PRINTED).exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize("person", [people.rita_reader, people.nobody_nil])
def test_a_reader_does_not_print(person: object):
    with pytest.raises(PermissionDenied):
        submit(user=person())  # type: ignore[operator]
    assert not PrintJob.objects.exists()


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (FilmOrder("10INX12IN"), "no-film-size"),
        (FilmOrder("8INX10IN", "DIAGONAL"), "bad-orientation"),
        (FilmOrder("8INX10IN", copies=0), "bad-copies"),
        (FilmOrder("8INX10IN", copies=10), "bad-copies"),
        (FilmOrder("8INX10IN", colour=True), "no-colour"),
        (FilmOrder("8INX10IN", medium="GLASS"), "bad-medium"),
    ],
)
def test_what_the_printer_cannot_do_is_refused_with_a_sentence(order: FilmOrder, code: str):
    with pytest.raises(PrintRefused) as caught:
        submit(order=order)
    assert caught.value.code == code
    assert caught.value.sentence.endswith(".")


def test_an_image_of_another_study_is_refused():
    other = film_cells(film_study(1))
    with pytest.raises(PrintRefused, match="foreign-image"):
        submit(cells=other)


def test_a_frame_that_is_not_there_is_refused():
    study = film_study(1)
    cell = film_cells(study)[0]
    with pytest.raises(PrintRefused, match="foreign-image"):
        submit(study=study, cells=[Cell(cell.instance_id, frame=2)])


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"cells": []}, "no-images"), ({"grid": Grid(12, 12)}, "cells-too-small")],
)
def test_a_film_of_nothing_or_of_dust_is_refused(changes: dict[str, object], code: str):
    small = film_printer(film_grids={"8INX10IN": [200, 250]}, pixel_pitch_um=300.0)
    with pytest.raises(PrintRefused, match=code):
        submit(printer=small, **changes)


def test_a_printer_switched_off_takes_no_jobs():
    with pytest.raises(PrintRefused, match="no-printer"):
        submit(printer=film_printer(active=False))


def test_a_job_keeps_its_film_when_the_printer_is_changed():
    printer = film_printer()
    job = submit(printer=printer)
    printer.film_grids = {"8INX10IN": [4000, 5000]}
    printer.save()
    job.refresh_from_db()
    assert (job.columns, job.rows) == (400, 500)


def test_cancel_before_it_began_leaves_nothing_to_run():
    job = submit()
    print_job_cancel(user=job.requested_by, job=job)
    job.refresh_from_db()
    assert job.state == "cancelled"
    with pytest.raises(PrintRefused, match="wrong-state"):
        print_job_cancel(user=job.requested_by, job=job)


def test_only_a_job_that_stopped_is_retried_and_only_once():
    job = submit()
    with pytest.raises(PrintRefused, match="wrong-state"):
        print_job_retry(user=job.requested_by, job=job)
    PrintJob.objects.update(state="failed")
    print_job_retry(user=job.requested_by, job=job)
    assert DBTaskResult.objects.count() == 2
    with pytest.raises(PrintRefused, match="wrong-state"):
        print_job_retry(user=job.requested_by, job=job)
    assert DBTaskResult.objects.count() == 2


def test_a_reader_neither_retries_nor_cancels():
    job = submit()
    rita = people.rita_reader()
    with pytest.raises(PermissionDenied):
        print_job_retry(user=rita, job=job)
    with pytest.raises(PermissionDenied):
        print_job_cancel(user=rita, job=job)


def test_a_last_sheet_that_came_out_ends_the_job_without_a_run():
    study = film_study(1)
    job = submit(study=study, cells=film_cells(study))
    PrintJob.objects.update(state="held", error="in-doubt")
    FilmSheet.objects.update(state="asked")
    DBTaskResult.objects.all().delete()
    print_job_retry(user=job.requested_by, job=job, doubtful="printed")
    job.refresh_from_db()
    assert job.state == "done"
    assert job.sheets.get().state == "printed"
    assert not DBTaskResult.objects.exists()
    assert job.steps.filter(code="said-printed").exists()


def lost(job: PrintJob) -> None:
    """The worker died with the job again and again: its task is over, the job is not."""
    PrintJob.objects.filter(pk=job.pk).update(state="printing", attempt=3)
    DBTaskResult.objects.update(status="FAILED")


def test_the_task_that_is_looked_for_is_the_task_that_is_queued():
    submit()
    assert DBTaskResult.objects.get().task_path == TASK


def test_a_job_whose_worker_is_gone_for_good_is_stopped_and_can_go_on():
    job = submit()
    lost(job)
    job.sheets.filter(number=1).update(state="sending")
    assert print_jobs_settle() == 1
    job.refresh_from_db()
    assert (job.state, job.error, job.attempt) == ("held", "interrupted", 4)
    assert list(job.sheets.values_list("state", flat=True)) == ["waiting"] * 3
    print_job_retry(user=job.requested_by, job=job)
    assert print_jobs_settle() == 0


def test_a_sheet_in_doubt_stays_in_doubt_when_the_worker_is_gone():
    job = submit()
    lost(job)
    job.sheets.filter(number=2).update(state="asked")
    print_jobs_settle()
    job.refresh_from_db()
    assert (job.state, job.error, job.error_detail) == ("held", "in-doubt", {"sheet": 2})


def test_a_job_somebody_works_on_is_left_alone():
    job = submit()
    PrintJob.objects.update(state="printing")
    DBTaskResult.objects.update(status="RUNNING")
    assert print_jobs_settle() == 0
    job.refresh_from_db()
    assert job.state == "printing"


# -- printers ---------------------------------------------------------------------------------------


def test_default_grids_follow_from_size_and_pitch():
    assert film_grid("14INX17IN", 100.0) == [3456, 4216]  # 355.6 x 431.8 mm less 10 mm
    defaults = printer_defaults(pitch_um=100.0)
    assert defaults["film_grids"]["A4"] == [2000, 2864]
    assert sorted(defaults["film_grids"]) == [
        "10INX12IN",
        "11INX14IN",
        "14INX14IN",
        "14INX17IN",
        "8INX10IN",
        "A4",
    ]


def test_defaults_make_a_printer_that_takes_every_common_film():
    printer = Printer(name="X", ae_title="X", host="h", port=1, **printer_defaults())
    printer.full_clean()
    for size in printer.film_grids:
        assert printer_film(printer=printer, order=FilmOrder(size)).columns > 1000


@pytest.mark.parametrize("grid", [None, [4096], [4096, "5120"], [0, 5120], [4096, 1 << 20], {"a": 1}])
def test_a_grid_that_is_none_is_no_film(grid: object):
    printer = film_printer(film_grids={"A4": grid})
    with pytest.raises(PrintRefused, match="no-film-size"):
        printer_film(printer=printer, order=FilmOrder("A4"))


# -- what is said before ----------------------------------------------------------------------------


def wished(study: object, printer: Printer | None, **order: object) -> FilmWish:
    cells = tuple(film_cells(study))  # type: ignore[arg-type]
    return FilmWish(printer, Grid(2, 1), cells, FilmOrder(**{"film_size": "8INX10IN", **order}))


def advice_of(study: object, wish: FilmWish) -> list[tuple[str, str]]:
    preview = preview_draw(user=people.omar_operator(), study=study, wish=wish, number=1)  # type: ignore[arg-type]
    return [(one.level.value, one.code) for one in preview.advice]


def test_without_a_printer_the_film_is_shown_and_not_printable():
    study = film_study(2)
    preview = preview_draw(user=people.omar_operator(), study=study, wish=wished(study, None), number=1)
    assert preview.drawn is not None
    assert not preview.printable
    assert preview.advice[0] == Advice(Level.BAD, "no-printer")
    assert "Admin" in advice_sentence(preview.advice[0])


@pytest.mark.parametrize(
    ("condition", "level"),
    [("", "info"), ("NORMAL", None), ("WARNING", "warn"), ("FAILURE", "warn")],
)
def test_the_state_of_the_printer_is_said(condition: str, level: str | None):
    study = film_study(2)
    printer = film_printer(condition=condition, condition_info="SUPPLY LOW")
    found = {
        code: level for level, code in advice_of(study, wished(study, printer)) if code.startswith("printer")
    }
    assert found == ({f"printer-{condition.lower() or 'unknown'}": level} if level else {})


def test_an_empty_film_and_a_size_the_printer_lost_forbid_printing():
    study = film_study(1)
    wish = wished(study, film_printer(film_grids={}))
    empty = FilmWish(wish.printer, wish.grid, (), wish.order)
    found = advice_of(study, empty)
    assert ("bad", "nothing") in found
    assert ("bad", "no-film-size") in found


def test_an_image_that_cannot_be_drawn_is_named_with_its_cell():
    study, other = film_study(1), film_study(1)
    cells = (film_cells(study)[0], film_cells(other)[0])
    wish = FilmWish(film_printer(), Grid(2, 1), cells, FilmOrder("8INX10IN"))
    preview = preview_draw(user=people.omar_operator(), study=study, wish=wish, number=1)
    assert [(one.code, one.cells) for one in preview.advice if one.level is Level.BAD] == [
        ("unavailable", (2,))
    ]


def test_a_sheet_beyond_the_last_is_the_last():
    study = film_study(5)
    user = people.omar_operator()
    preview = preview_draw(user=user, study=study, wish=wished(study, film_printer()), number=99)
    assert (preview.number, preview.sheets) == (3, 3)
    assert (Advice(Level.INFO, "empty-cells", (), {"count": 1})) in preview.advice


# -- words ------------------------------------------------------------------------------------------


def test_steps_are_sentences():
    assert step_sentence("picture-sent", sheet=2, detail={"columns": 4096, "rows": 5120, "bits": 12}) == (
        "Sheet 2: picture sent, 4096 × 5120 at 12 bit"
    )
    detail = {"film_size": "14INX17IN", "orientation": "LANDSCAPE"}
    assert step_sentence("sheet-opened", sheet=1, detail=detail) == "Sheet 1: opened, 14 × 17 in, landscape"


def test_a_status_says_what_it_means_and_what_the_printer_added():
    remark = step_remark({"meaning": "queue-full", "comment": "try later"})
    assert remark == (
        "The printer's queue is full. Wait until it has printed what it has, then retry. “try later”"
    )
    assert step_remark({}) == ""


def test_a_stop_says_what_to_do():
    notice = stop_notice("printer-failure", {"info": "SUPPLY EMPTY"})
    assert (notice.what, notice.todo) == (
        "The printer has stopped: film supply empty.",
        "Put that right at the printer, then press Resume.",
    )
    refused = stop_notice("refused", {"meaning": "not-authorized"})
    assert refused.what == "The printer does not allow us to print."
    away = stop_notice("rejected", {"reason": "called-title", "printer": "FILM"})
    assert away.what == "The printer does not answer to the AE title FILM."


def test_a_value_of_the_printer_is_text_and_never_a_pattern():
    with translation.override("en"):
        assert stop_notice("printer-failure", {"info": "100 % %(sheet)s"}).what == (
            "The printer has stopped: 100 % %(sheet)s."
        )


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("14INX17IN", "14 × 17 in"),
        ("8_5INX11IN", "8.5 × 11 in"),
        ("24CMX30CM", "24 × 30 cm"),
        ("A4", "A4"),
        ("XL", "XL"),
    ],
)
def test_film_sizes_are_written_as_people_write_them(term: str, words: str):
    assert film_size_name(term) == words


def test_a_makers_own_supply_term_stays():
    assert supply_words("SUPPLY LOW") == "film supply low"
    assert supply_words("LASER TIRED") == "laser tired"


def test_a_cell_is_turned_as_it_was_seen_and_fills_its_place_so():
    """An image of 40 x 20 drawn in the room it has when it stands: twice as high as wide."""
    study = film_study(1)
    [cell] = film_cells(study)
    asked: list[object] = []

    def frame_picture(*, view: View, **_: object) -> np.ndarray:
        asked.append(view.box)
        return np.repeat(np.repeat(np.array([[10, 200]], np.uint8), 20, axis=0), 20, axis=1)

    film = Film(400, 600, 300.0, 8, False)
    with mock.patch("dicomnet.sheets.presentation_frame_picture", frame_picture):
        drawn = sheet_draw(
            sheet=Sheet(Grid(1, 1), (replace(cell, turn=1),)), film=film, user=people.omar_operator()
        )
    [box] = cell_boxes(Grid(1, 1), film)
    assert asked == [(box.height, box.width)]
    middle = drawn.bitmap[:, box.left + box.width // 2]
    inside = middle[box.top + 60 : box.top + box.height - 60]
    assert (int(inside[5]), int(inside[-5])) == (10, 200)  # left has become top
