"""Steps from files: DICOM worklist files as DCMTK's wlmscpfs serves them, and tables (CSV).

A file is taken whole or not at all. What was imported before and still waits is changed; what has begun
stays as it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from archive.dicom import values
from archive.dicom.names import split_hanzi
from archive.dicom.reader import Unreadable, read_header, read_message
from dicomnet.models import ScheduledStep
from dicomnet.worklist import Planned, codes_read, planned_check, step_change, step_schedule
from dicomnet.worklist_items import NoItem, planned_of

MOST_BYTES: Final = 8 << 20
MOST_ROWS: Final = 5000
_HEADER_TAGS: Final = b"DICM"


@dataclass(slots=True)
class Imported:
    """What an import did. With ``problems`` it did nothing."""

    added: int = 0
    changed: int = 0
    begun: int = 0  # left alone
    problems: list[str] = field(default_factory=list)


def steps_import(*, name: str, data: bytes, by: AbstractUser, source: str = "") -> Imported:
    """Take in one file, whatever it is called. Problems are sentences with the line they are of."""
    try:
        planned = list(_read(data))
    except (Unreadable, NoItem) as error:
        return Imported(problems=[_("%(file)s: no worklist file (%(why)s).") % {"file": name, "why": error}])
    except _Faults as faults:
        return Imported(problems=faults.problems)
    problems = []
    for where, one in planned:
        try:
            planned_check(one)
        except ValidationError as error:
            problems += [_line(where, text) for text in error.messages]
    if problems:
        return Imported(problems=problems[:50])
    done = Imported()
    with transaction.atomic():
        for _where, one in planned:
            _take(one, done, by, source)
    return done


def _take(planned: Planned, done: Imported, by: AbstractUser, source: str) -> None:
    known = None
    if planned.study_instance_uid and planned.step_id:
        known = ScheduledStep.objects.filter(
            study_instance_uid=planned.study_instance_uid, step_id=planned.step_id
        ).first()
    if known is None:
        step_schedule(planned=planned, by=by, source=source)
        done.added += 1
    elif known.state != ScheduledStep.State.SCHEDULED:
        done.begun += 1
    else:
        step_change(step=known, planned=planned, by=by, source=source)
        done.changed += 1


def _line(where: int, text: str) -> str:
    return _("Line %(line)s: %(problem)s") % {"line": where, "problem": text} if where else text


class _Faults(Exception):
    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems


def _read(data: bytes) -> Iterator[tuple[int, Planned]]:
    """(line, step); line 0 for a DICOM file."""
    if len(data) > MOST_BYTES:
        raise _Faults([_("The file is too large.")])
    if data[128:132] == _HEADER_TAGS or b"\0" in data[:256]:
        header = read_header(io.BytesIO(data))
        found = read_message(data[header.dataset_offset :], transfer_syntax_uid=header.transfer_syntax_uid)
        for planned in planned_of(found):
            yield 0, planned
    else:
        yield from _read_table(data)


# ---- tables

# What heads a column, folded: English as the table of the help says, Chinese as hospitals write.
_HEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name", "patient name", "姓名", "患者姓名"),
    "latin_name": ("latin name", "pinyin", "拼音", "姓名拼音"),
    "patient_id": ("patient id", "id", "病历号", "患者编号", "患者 id"),
    "birth_date": ("birth date", "date of birth", "出生日期", "生日"),
    "sex": ("sex", "gender", "性别"),
    "weight": ("weight", "体重"),
    "accession": ("accession", "accession number", "检查号", "登记号"),
    "procedure": ("procedure", "requested procedure", "检查项目", "项目"),
    "procedure_code": ("procedure code", "项目代码"),
    "step": ("step", "description", "检查部位", "步骤"),
    "step_id": ("step id", "步骤编号"),
    "request_id": ("request id", "申请单号"),
    "study_uid": ("study uid", "study instance uid"),
    "modality": ("modality", "设备类型"),
    "station": ("station", "ae title", "stations", "设备"),
    "room": ("room", "location", "机房", "检查室"),
    "date": ("date", "day", "日期", "检查日期"),
    "time": ("time", "时间", "检查时间"),
    "asked_by": ("asked by", "referring physician", "申请医生"),
    "performed_by": ("performed by", "performing physician", "检查医生"),
    "allergies": ("allergies", "过敏史", "过敏"),
    "alerts": ("medical alerts", "alerts", "注意事项"),
}
_BY_HEAD: Final = {head: name for name, heads in _HEADS.items() for head in heads}
_SEXES: Final = {"": "", "m": "M", "男": "M", "male": "M", "f": "F", "女": "F", "female": "F"} | {
    "o": "O",
    "其他": "O",
}
_DAY: Final = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
_NEEDED: Final = ("name", "patient_id", "modality", "date")
COLUMNS: Final = tuple(heads[0] for heads in _HEADS.values())  # what the page's help lists


def _read_table(data: bytes) -> Iterator[tuple[int, Planned]]:
    rows = _rows(_table_text(data))
    if not rows:
        raise _Faults([_("The file is empty.")])
    heads = [_BY_HEAD.get(" ".join(cell.replace("_", " ").lower().split()), "") for cell in rows[0][1]]
    missing = [str(_HEADS[name][0]) for name in _NEEDED if name not in heads]
    if missing:
        raise _Faults([_("These columns are missing: %(columns)s.") % {"columns": ", ".join(missing)}])
    if len(rows) > MOST_ROWS:
        raise _Faults([_("At most %(count)s rows at once.") % {"count": MOST_ROWS}])
    problems: list[str] = []
    for number, row in rows[1:]:
        cells = {head: cell.strip() for head, cell in zip(heads, row, strict=False) if head}
        if not any(cells.values()):
            continue
        try:
            yield number, _from_cells(cells)
        except _Cell as fault:
            problems.append(_line(number, str(fault)))
    if problems:
        raise _Faults(problems[:50])


def _table_text(data: bytes) -> str:
    """UTF-8, or what Chinese spreadsheets write."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def _rows(text: str) -> list[tuple[int, list[str]]]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise _Faults([_("The table cannot be read: %(why)s.") % {"why": error}]) from None


class _Cell(ValueError):
    """A cell that means nothing to us, in a sentence."""


def _cell(reading: Callable[[str], Any], text: str, problem: Promise) -> Any:
    try:
        return reading(text)
    except (ValueError, KeyError, InvalidOperation):
        raise _Cell(problem % {"text": text}) from None


def _from_cells(cells: Mapping[str, str]) -> Planned:
    said = {name: cells.get(name, "") for name in _HEADS}
    ideographic, alphabetic = names_typed(said["name"], said["latin_name"])
    birth_date = _cell(_birth, said["birth_date"], gettext_lazy("“%(text)s” is no birth date."))
    study_uid = said["study_uid"]
    if not study_uid and (said["accession"] or said["request_id"]):
        named = (said["patient_id"], said["accession"], said["request_id"])
        study_uid = values.derived_uid("worklist", "\0".join(named))
    return Planned(
        name_ideographic=ideographic,
        name_alphabetic=alphabetic,
        patient_id=said["patient_id"],
        birth_date=birth_date,
        sex=_cell(lambda text: _SEXES[text.lower()], said["sex"], gettext_lazy("“%(text)s” is no sex.")),
        weight=_cell(_weight, said["weight"], gettext_lazy("“%(text)s” is no weight.")),
        accession_number=said["accession"],
        requested_procedure_id=said["request_id"],
        requested_procedure_description=said["procedure"],
        requested_procedure_codes=_cell(
            codes_read, said["procedure_code"], gettext_lazy("“%(text)s” is no code: value^scheme^meaning.")
        ),
        study_instance_uid=study_uid,
        step_description=said["step"] or said["procedure"],
        step_id=said["step_id"] or ("1" if study_uid else ""),
        modality=said["modality"].upper(),
        station_ae_titles=stations_typed(said["station"]),
        location=said["room"],
        start_date=_cell(_day, said["date"], gettext_lazy("“%(text)s” is no day.")),
        start_time=_cell(_time, said["time"], gettext_lazy("“%(text)s” is no time.")),
        referring_physician_name=name_typed(said["asked_by"]),
        performing_physician_name=name_typed(said["performed_by"]),
        allergies=said["allergies"],
        medical_alerts=said["alerts"],
    )


def _birth(text: str) -> str:
    return f"{_day(text):%Y%m%d}" if text else ""


def _day(text: str) -> date:
    found = _DAY.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return date(int(found[1]), int(found[2]), int(found[3]))


def _time(text: str) -> time:
    if not text:
        return time()
    digits = text.replace("：", ":")
    for form in ("%H:%M:%S", "%H:%M", "%H%M%S", "%H%M"):
        try:
            return datetime.strptime(digits, form).time()  # noqa: DTZ007  the site's clock, as DICOM's
        except ValueError:
            continue
    raise ValueError(text)


def _weight(text: str) -> Decimal | None:
    if not text:
        return None
    weight = Decimal(text.lower().removesuffix("kg").strip())
    if not 0 < weight < 1000:
        raise ValueError(text)
    return weight.quantize(Decimal("0.001"))


# ---- as people type


def names_typed(name: str, latin: str) -> tuple[str, str]:
    """(ideographic, alphabetic) of what was typed in two fields; a Latin name in the first is one."""
    name, latin = name_typed(name), name_typed(latin)
    if name and not latin and name.isascii():
        return "", name
    if name and all(ord(ch) < 0x2E80 for ch in name):
        return "", latin or name
    return name, latin


def name_typed(text: str) -> str:
    """A name as DICOM writes it, ``family^given``, from how people write: 曾嘉怡, Zeng Jiayi, Zeng, Jiayi."""
    text = " ".join(text.replace("，", ",").replace("=", " ").replace("\\", " ").split())
    if "^" in text or not text:
        return text
    if "," in text:
        family, _comma, given = text.partition(",")
    elif " " in text:
        family, _comma, given = text.partition(" ")
    elif ord(text[0]) >= 0x2E80:
        family, given = split_hanzi(text)
    else:
        family, given = text, ""
    return "^".join(part.strip() for part in (family, given) if part.strip())


def name_shown(group: str) -> str:
    """The reverse, for a field: hanzi run together when they come apart again, else ``Family, Given``."""
    if group.count("^") != 1:
        return group
    family, given = group.split("^")
    joined = family + given
    if family and ord(family[0]) >= 0x2E80 and name_typed(joined) == group:
        return joined
    return f"{family}, {given}"


def stations_typed(text: str) -> str:
    """AE titles separated by commas, semicolons or backslashes, as DICOM separates them."""
    return "\\".join(part.strip() for part in re.split(r"[,;\\，；]", text) if part.strip())
