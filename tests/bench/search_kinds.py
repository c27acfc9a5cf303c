"""The kinds of question a person can put to the study list, each drawn in many variations.

A question is what stands in the address of the list. It is drawn around a study that is there, so that it
finds what people look for; names as they are spread in China make some words very common.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from archive.models import Study
from archive.query import SORTS
from archive.selectors import studies_total

Question = dict[str, "str | int | list[str]"]
Kind = Callable[[random.Random], Question]

EXAMS = ("chest", "abdomen", "knee", "胸部", "平扫", "乳腺", "增强", "thyroid", "bone")
SURNAMES = ("wang", "li", "zhang", "liu", "chen", "zhao", "huang", "zhou", "王", "李", "欧阳")
GIVEN = ("xm", "wei", "fang", "li", "伟", "ming", "x")
PAGE = 50


def kinds() -> Mapping[str, Kind]:
    """Return the kinds of question by what they are called."""
    return {**_names(), **_words(), **_numbers(), **_columns(), **_together(), **_pages(), **_orders()}


def somebody(draw: random.Random) -> Study:
    """A study that is there, with its patient."""
    last = Study.objects.order_by("-id").values_list("id", flat=True)[0]
    found = Study.objects.select_related("patient").filter(id__gte=draw.randrange(1, last))
    return found.order_by("id")[0]


def _pinyin(draw: random.Random) -> str:
    return somebody(draw).patient.name_alphabetic.replace("^", "").lower()


def _hanzi(draw: random.Random) -> str:
    return somebody(draw).patient.name_ideographic.replace("^", "") or "王小明"


def _letters(draw: random.Random) -> str:
    return "".join(draw.choices("cdfghjlmqtwxyz", k=draw.choice((2, 3))))


def _names() -> dict[str, Kind]:
    return {
        "one name, typed whole": lambda draw: {"q": _pinyin(draw)},
        "one name, half typed": lambda draw: {"q": _pinyin(draw)[:6]},
        "name, as DICOM writes it": lambda draw: {"q": somebody(draw).patient.name_alphabetic},
        "hanzi name": lambda draw: {"q": _hanzi(draw)},
        "given name in hanzi": lambda draw: {"q": _hanzi(draw)[1:]},
        "given name in pinyin": lambda draw: {"q": draw.choice(("xiaoming", "wei", "jianguo", "anna"))},
        "middle of a name": lambda draw: {"q": _pinyin(draw)[2:]},
        "one letter": lambda draw: {"q": draw.choice("abcdefghjklmnpqrstwxyz")},
        "surname": lambda draw: {"q": draw.choice(SURNAMES)},
        "initials": lambda draw: {"q": _letters(draw)},
        "surname and given name": lambda draw: {"q": f"{draw.choice(SURNAMES)} {draw.choice(GIVEN)}"},
        "nobody": lambda draw: {"q": f"qx{draw.randrange(999)}"},
        "common words that never meet": lambda draw: {"q": f"{draw.choice(SURNAMES)} smith"},
        "two surnames": lambda draw: {"q": f"{draw.choice(SURNAMES)} {draw.choice(SURNAMES)}"},
    }


def _words() -> dict[str, Kind]:
    return {
        "surname and examination": lambda draw: {"q": f"{draw.choice(SURNAMES)} {draw.choice(EXAMS)}"},
        "letter and examination": lambda draw: {"q": f"{draw.choice('wlzcxy')} {draw.choice(EXAMS)}"},
        "three words": lambda draw: {
            "q": f"{draw.choice(SURNAMES)} {draw.choice('xwmjy')} {draw.choice(EXAMS)}"
        },
        "six words": lambda draw: {"q": f"{draw.choice(SURNAMES)} x w c p {draw.choice(EXAMS)}"},
        "description": lambda draw: {"description": draw.choice(EXAMS)},
        "description, two words": lambda draw: {"description": draw.choice(("chest contrast", "头颅 平扫"))},
        "description nobody has": lambda draw: {"description": "arthrogram"},
    }


def _numbers() -> dict[str, Kind]:
    return {
        "patient ID": lambda draw: {"q": somebody(draw).patient.patient_id},
        "start of an ID": lambda draw: {"q": somebody(draw).patient.patient_id[:4]},
        "first figure of an ID": lambda draw: {"q": draw.choice("0123456789")},
        "accession number": lambda draw: {"q": somebody(draw).accession_number},
        "start of an accession number": lambda draw: {"q": somebody(draw).accession_number[:7]},
        "what all accession numbers begin with": lambda draw: {"q": draw.choice(("a0", "a00"))},
    }


def _days(draw: random.Random, length: int) -> Question:
    first = date(2026, 10, 1) + timedelta(days=draw.randrange(28))
    return {"date": "range", "since": f"{first}", "until": f"{first + timedelta(days=length)}"}


def _columns() -> dict[str, Kind]:
    return {
        "one day": lambda draw: _days(draw, 0),
        "one day, by name": lambda draw: _days(draw, 0) | {"sort": "name"},
        "ten days": lambda draw: _days(draw, 9),
        "half a year, by images": lambda draw: _days(draw, 180) | {"sort": "-images"},
        "all since a day, by name": lambda draw: {"date": "range", "since": "2023-02-01", "sort": "name"},
        "a day in the future": lambda draw: {"date": "range", "since": "2031-02-01"},
        "a modality": lambda draw: {"m": [draw.choice(("CT", "XA", "NM", "OT"))]},
        "two modalities, by name": lambda draw: {"m": ["CT", draw.choice(("DX", "NM"))], "sort": "name"},
        "a rare modality, by name": lambda draw: {"m": [draw.choice(("NM", "OT"))], "sort": "name"},
        "a rare modality, by images": lambda draw: {"m": [draw.choice(("NM", "OT"))], "sort": "-images"},
        "a modality nobody has": lambda draw: {"m": ["ECG"]},
        "receiving": lambda draw: {"state": "receiving"},
        "in conflict": lambda draw: {"state": "conflict", "page": draw.randrange(1, 4)},
    }


def _together() -> dict[str, Kind]:
    modality = ("CT", "MR", "XA", "US")
    return {
        "ten days and a modality": lambda draw: _days(draw, 9) | {"m": [draw.choice(modality)]},
        "ten days and a modality, by name": lambda draw: (
            _days(draw, 9) | {"m": [draw.choice(modality)], "sort": "name"}
        ),
        "one day, surname": lambda draw: _days(draw, 0) | {"q": draw.choice(SURNAMES)},
        "ten days, surname": lambda draw: _days(draw, 9) | {"q": draw.choice(SURNAMES)},
        "ten days, surname and examination": lambda draw: (
            _days(draw, 9) | {"q": draw.choice(SURNAMES), "description": draw.choice(EXAMS)}
        ),
        "surname, a modality": lambda draw: {
            "q": draw.choice(SURNAMES),
            "m": [draw.choice(("CT", "MR", "XA"))],
        },
        "surname, a rare modality": lambda draw: {
            "q": draw.choice(SURNAMES),
            "m": [draw.choice(("NM", "OT"))],
        },
        "surname, a modality, half a year, by name": lambda draw: (
            _days(draw, 180) | {"q": draw.choice(SURNAMES), "m": [draw.choice(modality)], "sort": "name"}
        ),
        "surname, in conflict": lambda draw: {"q": draw.choice(SURNAMES), "state": "conflict"},
        "half a year, in conflict": lambda draw: _days(draw, 180) | {"state": "conflict"},
        "a modality, in conflict": lambda draw: {"m": [draw.choice(modality)], "state": "conflict"},
    }


def _pages() -> dict[str, Kind]:
    pages = studies_total() // PAGE
    return {
        "surname, page 20": lambda draw: {"q": draw.choice(SURNAMES), "page": 20},
        "surname, page 200": lambda draw: {"q": draw.choice(SURNAMES[:8]), "page": 200},
        "a modality, page 100": lambda draw: {"m": ["CT"], "page": 100},
        "a modality, page 3,000": lambda draw: {"m": ["CT"], "page": 3000 * pages // 20000},
        "everything, page 200": lambda draw: {"page": 200},
        "everything, last page": lambda draw: {"page": pages},
        "everything, middle page": lambda draw: {"page": pages // 2 - draw.randrange(9)},
        "everything by name, middle page": lambda draw: {
            "page": pages // 2 - draw.randrange(9),
            "sort": "name",
        },
        "behind the last page": lambda draw: {"page": 900_000},
    }


def _orders() -> dict[str, Kind]:
    def of(name: str, **more: str) -> Kind:
        return lambda draw: {"sort": draw.choice(("", "-")) + name, "page": draw.randrange(1, 20), **more}

    found = {f"everything, by {name}": of(name) for name in SORTS}
    found |= {
        f"surname, by {name}": lambda draw, name=name: {  # type: ignore[misc]
            "q": draw.choice(SURNAMES),
            "sort": draw.choice(("", "-")) + name,
        }
        for name in SORTS
    }
    return found | {f"very common word, by {name}": of(name, q="chest") for name in SORTS}
