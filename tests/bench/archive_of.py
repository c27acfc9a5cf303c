"""Fills an empty database with an archive of any size: invented people with names as they are spread in
China, some Western ones, their studies and search terms. Rows go in by bulk statements, indexes after them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from archive.dicom.names import PersonName, fold, terms
from archive.models import Patient, PatientTerm, Study, StudyTerm
from archive.models.word_index import word_index_drop, word_index_ensure
from archive.terms import study_terms, words_text

STUDIES_PER_PATIENT = 2.5
DISTINCT_NAMES = 30_000  # shared, as names are
NEWEST = datetime(2026, 11, 23, 3, 0)

# Surnames with their share in per mille, given-name characters, and how they are written in Latin letters.
_SURNAMES = (
    "王72 李72 张68 刘54 陈45 杨31 赵23 黄22 周21 吴20 徐17 孙15 胡13 朱13 高12 林11 何11 郭11 马10 罗9 梁8 "
    "宋8 郑8 谢8 韩7 唐7 冯7 于6 董6 萧6 程6 曹6 袁5 邓5 许5 傅5 沈5 曾5 彭5 吕5 苏5 卢5 蒋5 蔡5 贾4 丁4 魏4 "
    "薛4 叶4 阎4 余4 潘4 杜4 戴4 夏4 钟4 汪4 田4 任4 姜4 范3 方3 石3 姚3 谭3 廖3 邹3 熊3 金3 陆3 郝3 孔3 白3 "
    "崔3 康3 毛3 邱3 秦3 江3 史3 顾3 侯3 邵3 孟3 龙3 万3 段3 雷3 钱3 汤3 尹3 黎3 易3 常3 武3 乔3 贺3 赖3 龚3 "
    "欧阳1"
)
_GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉力玲红玉华建国梅小晓雪海波宁贵福生龙元全胜学祥才发武"
    "新利清飞彬富顺信子杉乐思雨欣怡梓涵宇轩浩然博雅婷诗琪俊豪嘉佳慧颖莹月春夏秋冬宝瑞祺安康志远长青松柏"
)
_WESTERN_FAMILY = (
    "Smith Müller Schmidt Garcia Johnson Brown Rossi Dubois Novak Kowalski Jensen Weber Wagner Martin Petrov"
)
_WESTERN_GIVEN = (
    "Anna Jane John Peter Maria Karl Lucy Sophie Paul Thomas Emma Walter Wendy William Jürgen Zoë"
)
_STUDIES: list[tuple[str, str, float]] = [  # modalities, description, share
    ("CT", "胸部平扫", 14),
    ("CT", "Chest and abdomen with contrast", 8),
    ("CT\\SR", "Chest, low dose", 4),
    ("CT", "头颅CT平扫", 9),
    ("CT\\PR\\SR", "冠状动脉CTA", 3),
    ("DX", "Chest PA and lateral", 16),
    ("DX", "左前臂正侧位", 7),
    ("CR", "胸部正位", 8),
    ("MR", "颅脑MRI增强", 7),
    ("MR", "Knee left", 4),
    ("MR\\PR", "腰椎平扫", 4),
    ("US", "腹部彩超", 9),
    ("US", "Thyroid", 3),
    ("MG", "双侧乳腺钼靶", 2),
    ("XA", "冠状动脉造影", 1),
    ("RF", "上消化道造影", 1),
    ("NM", "Bone scan", 0.5),
    ("PT\\CT", "PET/CT whole body", 0.5),
    ("OT", "", 0.3),
    ("ES", "胃镜", 0.7),
]


@cache
def _name(family: str, given: str) -> tuple[PersonName, str, tuple[str, ...]]:
    """A name, how it sorts, and its terms; a Chinese one gets its Latin form from its terms."""
    if family.isascii():
        name = PersonName(alphabetic=f"{family}^{given}")
        return name, fold(f"{family} {given}"), tuple(terms(name))
    hanzi = PersonName(ideographic=f"{family}^{given}")
    latin = max((term for term in terms(hanzi) if term.isascii()), key=len)
    return PersonName(latin, hanzi.ideographic), latin, tuple(terms(hanzi))


@dataclass(frozen=True, slots=True)
class _Person:
    pk: int
    patient_id: str
    name: PersonName
    folded: str
    terms: tuple[str, ...]


def _people(count: int, draw: random.Random) -> Iterator[_Person]:
    surnames = [(re.sub(r"\d", "", one), int(re.sub(r"\D", "", one))) for one in _SURNAMES.split()]
    families, shares = zip(*surnames, strict=True)
    names = []
    for _ in range(min(count, DISTINCT_NAMES)):
        if draw.random() < 0.15:
            family, given = draw.choice(_WESTERN_FAMILY.split()), draw.choice(_WESTERN_GIVEN.split())
        else:
            family = draw.choices(families, shares)[0]
            given = "".join(draw.choices(_GIVEN, k=draw.choice((1, 2, 2, 2))))
        names.append(_name(family, given))
    for pk in range(1, count + 1):
        name, folded, words = draw.choice(names)
        patient_id = f"{pk * 73_939_133 % 10**8:08d}"  # scattered, each once
        yield _Person(pk, patient_id, name, folded, (*words, patient_id))


def _patient_row(person: _Person) -> dict[str, Any]:
    name = person.name
    return {
        "id": person.pk,
        "patient_id": person.patient_id,
        "patient_name": f"{name.alphabetic}={name.ideographic}",
        "name_alphabetic": name.alphabetic,
        "name_ideographic": name.ideographic,
        "name_folded": fold(f"{name.alphabetic} {name.ideographic}"),
        "birth_date": "19700101",
        "sex": "F" if person.pk % 2 else "M",
    }


def _study_rows(count: int, people: list[_Person], draw: random.Random) -> Iterator[dict[str, Any]]:
    kinds = draw.choices(range(len(_STUDIES)), [share for *_, share in _STUDIES], k=count)
    for pk in range(1, count + 1):
        modalities, description, _ = _STUDIES[kinds[pk - 1]]
        when = NEWEST - timedelta(minutes=2 * (count - pk) + draw.randrange(60))
        person = draw.choice(people)
        row = {
            "id": pk,
            "patient_id": person.pk,
            "sort_name": person.folded,
            "sort_id": person.patient_id,
            "patient_words": words_text(person.terms),
            "study_instance_uid": f"1.2.826.0.1.{pk}",
            "accession_number": f"A{pk:09d}",
            "study_id": str(pk % 10_000),
            "study_date": f"{when:%Y%m%d}",
            "study_time": f"{when:%H%M%S}",
            "sort_key": f"{when:%Y%m%d%H%M%S}",
            "description": description,
            "modalities": modalities,
            "number_of_series": 1 + pk % 4,
            "number_of_instances": 1 + draw.randrange(800),
            "conflict": pk % 5_000 == 0,
            "updated_at": when.replace(tzinfo=UTC),
            "source": f"SCANNER{pk % 9}",
        }
        yield row | {"study_words": words_text(_terms_of(row))}


def _words(rows: Iterable[tuple[str, int]], owner: str) -> Iterator[dict[str, Any]]:
    for pk, (term, of) in enumerate(rows, 1):
        yield {"id": pk, "term": term, owner: of}


def archive_fill(*, studies: int, seed: int = 1) -> None:
    """Fill the empty tables of the default database with ``studies`` studies and their search terms."""
    draw = random.Random(seed)
    patients = int(studies / STUDIES_PER_PATIENT)
    indexes = _indexes_drop()
    if connection.vendor == "sqlite":
        word_index_drop()
    people = list(_people(patients, draw))
    _insert(Patient, map(_patient_row, people))
    words = ((term, one.pk) for one in people for term in one.terms)
    _insert(PatientTerm, _words(words, "patient_id"))
    rows = list(_study_rows(studies, people, draw))
    _insert(Study, iter(rows))
    words = ((term, row["id"]) for row in rows for term in _terms_of(row))
    _insert(StudyTerm, _words(words, "study_id"))
    with connection.cursor() as cursor:
        for statement in indexes:
            cursor.execute(statement)
        word_index_ensure()
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")  # what autovacuum does; SQLite is left as a site has it


@cache
def _description_terms(description: str) -> frozenset[str]:
    return frozenset(study_terms(Study(description=description)))


def _terms_of(row: dict[str, Any]) -> set[str]:
    return {row["accession_number"].lower(), row["study_id"], *_description_terms(row["description"])}


def _insert(model: type[Model], rows: Iterator[dict[str, Any]]) -> None:
    """Insert by COPY or executemany; fields a row does not name get their default."""
    first = next(rows)
    fields = model._meta.concrete_fields
    names = [field.column for field in fields]
    constants: dict[str, Any] = {}
    for field in fields:
        if field.column not in first:
            default = datetime.now(UTC) if getattr(field, "auto_now_add", False) else field.get_default()
            constants[field.column] = field.get_db_prep_save(default, connection)
    tuples = (
        tuple(row[name] if name in row else constants[name] for name in names) for row in chain([first], rows)
    )
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(map(connection.ops.quote_name, names))
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")  # foreign keys are right here
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                while some := list(islice(tuples, 1000)):
                    copy.write("".join("\t".join(map(_copied, one)) + "\n" for one in some))
        else:
            marks = ", ".join(["?"] * len(names))
            raw = cursor.connection.cursor()
            raw.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuples)


def _copied(value: Any) -> str:
    """A value as COPY reads it; psycopg's own way takes thrice as long."""
    if value is None:
        return "\\N"
    text = value if isinstance(value, str) else str(value)
    return text.replace("\\", "\\\\") if "\\" in text else text  # no text here has a tab or a line's end


def _indexes_drop() -> list[str]:
    """Drop the indexes of the search tables and return the statements that make them again."""
    tables = [model._meta.db_table for model in (Patient, PatientTerm, Study, StudyTerm)]
    if connection.vendor == "postgresql":
        query = (
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN "
            "(SELECT conname FROM pg_constraint)"
        )
        params: list[Any] = [tables]
    else:
        query = (
            "SELECT name, sql FROM sqlite_master "
            "WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN (%s, %s, %s, %s)"
        )
        params = tables
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
    return [statement for _, statement in found]
