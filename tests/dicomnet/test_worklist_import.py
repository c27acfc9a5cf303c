"""Worklist files and tables are taken in, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import AbstractUser

from archive.dicom.tags import tag
from dicomnet.models import ScheduledStep
from dicomnet.worklist import State
from dicomnet.worklist_import import (
    Imported,
    name_shown,
    name_typed,
    names_typed,
    stations_typed,
    steps_import,
)
from dicomnet.worklist_items import item_of
from tests import people
from tests.plans import worklist_file, worklist_item

pytestmark = pytest.mark.django_db
Take = Callable[..., Imported]

TABLE = """姓名,拼音,病历号,出生日期,性别,设备类型,设备,日期,时间,检查项目,检查号,申请医生
曾嘉怡,,00734410,2018-03-16,女,ct,CT1;CT2,2026-11-25,9:30,胸部平扫,LB1,赵敏
单雄,Shan Xiong,00307751,1963/10/12,男,DX,,2026/11/5,1400,床旁胸片,LB2,
"O'Brien, Siobhán",,20558140,19950617,F,US,US1,20261125,,Echo,LB3,"Byrne, Aoife"
"""


@pytest.fixture
def omar(db: None) -> AbstractUser:
    return people.omar_operator()


@pytest.fixture
def taken(omar: AbstractUser) -> Callable[..., Imported]:
    def take(data: str | bytes, name: str = "plan.csv") -> Imported:
        return steps_import(name=name, data=data.encode() if isinstance(data, str) else data, by=omar)

    return take


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_is_taken_in(taken: Take, encoding: str) -> None:
    done = taken(TABLE.encode(encoding))
    assert (done.added, done.changed, done.problems) == (3, 0, [])
    zeng, shan, obrien = ScheduledStep.objects.order_by("id")
    assert (zeng.name_ideographic, zeng.name_alphabetic) == ("曾^嘉怡", "Zeng^Jiayi")
    assert (zeng.station_ae_titles, zeng.sex, zeng.birth_date) == ("CT1\\CT2", "F", "20180316")
    assert (zeng.start_date, zeng.start_time) == (date(2026, 11, 25), time(9, 30))
    assert zeng.referring_physician_name == "赵^敏"
    assert (shan.name_ideographic, shan.name_alphabetic) == ("单^雄", "Shan^Xiong")
    assert shan.start_date == date(2026, 11, 5)
    assert (obrien.name_ideographic, obrien.name_alphabetic) == ("", "O'Brien^Siobhán")
    assert obrien.start_time == time()


def test_the_same_table_again_changes_and_adds_nothing(taken: Take) -> None:
    taken(TABLE)
    ScheduledStep.objects.filter(accession_number="LB2").update(state=State.COMPLETED)
    done = taken(TABLE.replace("9:30", "10:15"))
    assert (done.added, done.changed, done.begun) == (0, 2, 1)
    assert ScheduledStep.objects.get(accession_number="LB1").start_time == time(10, 15)


def test_one_wrong_row_and_nothing_is_taken(taken: Take) -> None:
    text = TABLE.replace("2026/11/5", "some day").replace("女", "cat")
    done = taken(text)
    assert done.problems == ["Line 2: “cat” is no sex.", "Line 3: “some day” is no day."]
    assert not ScheduledStep.objects.exists()


def test_missing_columns_are_named(taken: Take) -> None:
    assert taken("name,sex\nA,F\n").problems == ["These columns are missing: patient id, modality, date."]
    assert taken("").problems == ["The file is empty."]


def test_a_worklist_file_is_taken_in(taken: Take) -> None:
    done = taken(worklist_file(worklist_item()), "a.wl")
    assert (done.added, done.problems) == (1, [])
    step = ScheduledStep.objects.get()
    assert (step.name_alphabetic, step.name_ideographic) == ("Li^Na", "李^娜")
    assert (step.study_instance_uid, step.step_id, step.accession_number) == ("1.2.826.77", "S1", "A77")
    assert step.requested_procedure_description == "头颅平扫"
    assert (step.start_date, step.start_time) == (date(2026, 11, 25), time(9, 30))


def test_what_has_no_column_is_kept_and_answered(taken: Take) -> None:
    item = worklist_item(PatientWeight="61.5", AdmissionID="ADM1", step_RequestedContrastAgent="BARIUM")
    taken(worklist_file(item), "a.wl")
    step = ScheduledStep.objects.get()
    assert step.weight == Decimal("61.5")
    found = item_of(step)
    assert found[tag("AdmissionID")] == "ADM1"
    assert found[tag("PatientWeight")] == "61.5"
    assert found[tag("ScheduledProcedureStepSequence")][0][tag("RequestedContrastAgent")] == "BARIUM"


def test_what_no_column_holds_is_refused_and_controls_are_dropped(taken: Take) -> None:
    done = taken(worklist_file(worklist_item(Allergies="a" * 300)), "a.wl")
    assert done.problems == ["At most 255 characters."]
    item = worklist_item(PregnancyStatus=9000, AdmissionID="A\0B", Allergies="none\x07")
    assert taken(worklist_file(item), "a.wl").problems == []
    step = ScheduledStep.objects.get()
    assert (step.pregnancy_status, step.allergies, step.further["item"]["00380010"]) == (None, "none", "AB")


def test_a_worklist_file_without_a_day_is_refused(taken: Take) -> None:
    done = taken(worklist_file(worklist_item(step_ScheduledProcedureStepStartDate=None)), "a.wl")
    assert done.problems == ["a.wl: no worklist file (no-date)."]
    assert taken(b"\0" * 300, "b.wl").problems


def test_dcmtks_examples_are_taken_in(taken: Take, corpus: Path) -> None:
    for path in sorted((corpus / "dicom" / "worklist").iterdir()):
        assert taken(path.read_bytes(), path.name).problems == []
    assert ScheduledStep.objects.count() == 5
    vivaldi = ScheduledStep.objects.get(step_id="SPD3445")
    assert (vivaldi.stations, vivaldi.start_time) == (["AA32", "AA33"], time(8, 56, 7))


@pytest.mark.parametrize(
    ("typed", "group", "shown"),
    [
        ("曾嘉怡", "曾^嘉怡", "曾嘉怡"),
        ("欧阳 雪", "欧阳^雪", "欧阳雪"),
        ("山田 太郎", "山田^太郎", "山田, 太郎"),
        ("Zeng Jiayi", "Zeng^Jiayi", "Zeng, Jiayi"),
        ("van der Berg, Anna", "van der Berg^Anna", "van der Berg, Anna"),
        ("Smith^John^Q^Dr", "Smith^John^Q^Dr", "Smith^John^Q^Dr"),
        ("Cher", "Cher", "Cher"),
        ("", "", ""),
    ],
)
def test_names_as_people_write_them(typed: str, group: str, shown: str) -> None:
    assert name_typed(typed) == group
    assert name_shown(group) == shown
    assert name_typed(shown) == group


def test_a_latin_name_in_the_first_field_is_one() -> None:
    assert names_typed("Müller, Jürgen", "") == ("", "Müller^Jürgen")
    assert names_typed("曾嘉怡", "Tsang Ka Yi") == ("曾^嘉怡", "Tsang^Ka Yi")


def test_stations_are_separated_as_people_do() -> None:
    assert stations_typed(" CT1, CT2；MR 3 ") == "CT1\\CT2\\MR 3"
