"""A page of a search is exactly that page of what the search means, whichever way it is found."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from archive import search, search_matches, search_words
from archive.models import Patient, PatientTerm, Study, StudyTerm
from archive.query import SORTS, StudyCriteria, study_query
from archive.search import study_search
from archive.terms import patient_columns, patient_terms, study_terms, words_text

pytestmark = pytest.mark.django_db

NAMES = (
    ("Wang^Xiaoming", "王^小明"), ("Wang^Fang", "王^芳"), ("", "李^娜"), ("Zhang^Wei", "张^伟"),
    ("Müller^Jürgen", ""), ("Smith^Wendy", ""), ("", "欧阳^雪"), ("", "曾^伟"),
)  # fmt: skip
DESCRIPTIONS = ("Chest PA", "Chest and abdomen with contrast", "胸部平扫", "头颅CT平扫", "")
MODALITIES = ("CT", "CT\\SR", "DX", "MR", "MR\\PR", "XA", "")
TEXTS = (
    "",
    "w",
    "wang",
    "wang xm",
    "王",
    "王小明",
    "c",
    "chest",
    "平扫",
    "w chest",
    "zhang 平扫",
    "li",
    "zeng",
    "a1",
    "0",
    "nobody",
)


@pytest.fixture
def archive_of_300() -> list[Study]:
    draw = random.Random(7)
    patients = []
    for number in range(60):
        alphabetic, ideographic = draw.choice(NAMES)
        patient = Patient.objects.create(
            patient_id=f"{number:05d}", name_alphabetic=alphabetic, name_ideographic=ideographic
        )
        PatientTerm.objects.bulk_create(PatientTerm(patient=patient, term=t) for t in patient_terms(patient))
        patients.append(patient)
    studies = []
    for number in range(300):
        patient = draw.choice(patients)
        study = Study(
            patient=patient,
            study_instance_uid=f"1.2.{number}",
            accession_number=f"A{number % 90}",
            sort_key=f"202611{draw.randrange(1, 29):02d}{draw.randrange(24):02d}0000",
            description=draw.choice(DESCRIPTIONS),
            modalities=draw.choice(MODALITIES),
            number_of_instances=draw.randrange(5),
            conflict=draw.random() < 0.1,
            rejected_at=timezone.now() if draw.random() < 0.1 else None,
            **patient_columns(patient),
        )
        study.study_words = words_text(study_terms(study))
        study.save()
        StudyTerm.objects.bulk_create(StudyTerm(study=study, term=term) for term in study_terms(study))
        studies.append(study)
    Study.objects.filter(pk__gt=studies[4].pk).update(updated_at=timezone.now() - timedelta(hours=1))
    return studies


def _questions(count: int) -> list[tuple[StudyCriteria, str]]:
    draw = random.Random(11)
    found = []
    for _ in range(count):
        criteria = StudyCriteria(text=draw.choice(TEXTS))
        if draw.random() < 0.3:
            criteria = replace(criteria, date_from="2026-11-05", date_to=draw.choice(("20261120", "")))
        if draw.random() < 0.3:
            criteria = replace(criteria, modalities=draw.choice((("CT",), ("CT", "DX"), ("SR",), ("NM",))))
        if draw.random() < 0.2:
            criteria = replace(criteria, state=draw.choice(("conflict", "receiving", "complete")))
        if draw.random() < 0.1:
            criteria = replace(criteria, patient_id="0000", accession=draw.choice(("", "a1")))
        if draw.random() < 0.1:
            criteria = replace(criteria, description="chest")
        found.append((criteria, draw.choice(("", "-")) + draw.choice(SORTS)))
    return found


# By the terms, as on PostgreSQL; these run on every database.
TERM_WAYS = {
    "as shipped": {},
    "walk, however far": {"DRIVEN": 0, "SAMPLED": 1, "_FIND": 10**9},
    "walk in short strides": {"DRIVEN": 0, "SAMPLED": 2, "_FIND": 10**9},
    "walk a little, then drive": {"DRIVEN": 0, "SAMPLED": 2, "OVERDRAWN": 0.0001},
    "drive": {"DRIVEN": 10**9},
    "drive after a look": {"DRIVEN": 0, "SAMPLED": 5, "_TEST": 10**9, "_FIND": 0, "_READ": 0},
    "every word is common": {"COUNTED": 3, "DRIVEN": 1, "SAMPLED": 40, "TALLIED": 5, "BOUND": 9},
}
# By the index of words, which SQLite has.
INDEX_WAYS = {
    "as shipped": {},
    "sort all": {"FEW": 10**9},
    "walk": {"FEW": 0, "PEEKED": 0},
    "peek, then walk": {"FEW": 0, "PEEKED": 120, "STRIDE": 30, "_READ": 0},
    "few in the columns": {"FEW": 30, "RARE": 30, "PEEKED": 0},
    "many in the columns": {"FEW": 0, "RARE": 3, "PEEKED": 0, "BOUND": 20, "MANY": 30},
    "peek at what is common": {"FEW": 3, "MANY": 12, "STRIDE": 20, "BOUND": 9},
}


@pytest.mark.parametrize("way", TERM_WAYS)
def test_every_page_by_the_terms_is_that_of_the_meaning(
    archive_of_300: list[Study], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(search, "matches_search", search_words.words_search)
    for name, value in TERM_WAYS[way].items():
        monkeypatch.setattr(search_words, name, value)
    _pages_compared()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL goes by the terms")
@pytest.mark.parametrize("way", INDEX_WAYS)
def test_every_page_by_the_index_of_words_is_that_of_the_meaning(
    archive_of_300: list[Study], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for name, value in INDEX_WAYS[way].items():
        monkeypatch.setattr(search_matches, name, value)
    _pages_compared()


@pytest.mark.parametrize(
    "ways", [{"FEW": 0}, {"FEW": 0, "SOME": 20, "BOUND": 20}, {"FEW": 40, "SOME": 200, "BOUND": 60}]
)
def test_every_page_of_columns_is_that_of_the_meaning(
    archive_of_300: list[Study], monkeypatch: pytest.MonkeyPatch, ways: dict[str, int]
) -> None:
    for name, value in ways.items():
        monkeypatch.setattr(search, name, value)
    _pages_compared(words=False)


def _pages_compared(*, words: bool = True) -> None:
    """A hundred searches, three pages of each: exactly the rows of the meaning, and a total that is true."""
    answered = 0
    for asked, sort in _questions(120):
        criteria = asked if words else replace(asked, text="", description="", patient_id="", accession="")
        whole = list(study_query(criteria, sort).values_list("id", flat=True))
        answered += bool(whole)
        for offset in (0, 7, 280):
            found = study_search(criteria=criteria, sort=sort, offset=offset, limit=10)
            assert list(found.ids) == whole[offset : offset + 10], (criteria, sort, offset)
            if found.more:
                assert found.total <= len(whole), (criteria, sort, offset)
            elif offset <= len(whole):
                assert found.total == len(whole), (criteria, sort, offset)
            if offset + 10 < len(whole):
                assert found.total >= offset + 10, (criteria, sort, offset)
    assert answered > 50


def test_a_total_is_exact_for_what_few_studies_have(archive_of_300: list[Study]) -> None:
    criteria = StudyCriteria(text="wang xm")
    found = study_search(criteria=criteria, sort="-date", offset=0, limit=10)
    assert found.total == study_query(criteria).count()
    assert found.total > 0
    assert not found.more


def test_of_many_matches_the_total_says_so(
    archive_of_300: list[Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BOUND", 20)
    found = study_search(criteria=StudyCriteria(modalities=("CT",)), sort="-date", offset=0, limit=10)
    assert (found.total, found.more, len(found.ids)) == (20, True, 10)
