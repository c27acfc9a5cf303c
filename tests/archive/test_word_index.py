"""SQLite's index of words says of every study what its row says, whatever is done to it."""

from __future__ import annotations

import random
import sys

import pytest
from django.db import connection
from django.utils import timezone

from archive.counting import studies_total
from archive.dicom.names import fold
from archive.models import Patient, PatientTerm, Study, StudyTerm
from archive.models.word_index import TABLE, word_index_drop, word_index_ensure
from archive.query import StudyCriteria, Word, study_query, word_filter
from archive.search import study_search
from archive.search_matches import match_count, match_of
from archive.terms import WORD_MARK, words_text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no such index"),
]
LETTERS = "abwxz王小明平扫é'\"*^-:.0 "


def _ids(match: str) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s", [match])
        return {pk for (pk,) in cursor.fetchall()}


def _term(draw: random.Random) -> str:
    return fold("".join(draw.choices(LETTERS, k=draw.randrange(1, 7))))


def _study(number: int, of_patient: set[str], of_study: set[str]) -> Study:
    patient = Patient.objects.create(patient_id=str(number))
    PatientTerm.objects.bulk_create(PatientTerm(patient=patient, term=term) for term in of_patient)
    study = Study.objects.create(
        patient=patient,
        study_instance_uid=f"1.2.{number}",
        sort_key="20261101",
        patient_words=words_text(of_patient),
        study_words=words_text(of_study),
    )
    StudyTerm.objects.bulk_create(StudyTerm(study=study, term=term) for term in of_study)
    return study


def test_any_beginning_of_any_term_finds_what_the_terms_find() -> None:
    draw = random.Random(3)
    for number in range(200):
        _study(number, {_term(draw) for _ in range(3)} - {""}, {_term(draw) for _ in range(3)} - {""})
    found = 0
    for _ in range(400):
        sides = draw.choice(({}, {"of_patient": False}, {"of_study": False}))
        text = _term(draw)[: draw.randrange(1, 4)]
        if not text:
            continue
        word = Word(text, **sides)
        wanted = set(Study.objects.filter(word_filter(word)).values_list("pk", flat=True))
        assert _ids(match_of([word])) == wanted, word
        found += bool(wanted)
    assert found > 200


def test_a_word_with_a_control_character_matches_nothing_and_is_no_error() -> None:
    _study(1, {"ab"}, set())
    assert match_of([Word("a\x01b")]) == ""
    assert study_search(criteria=StudyCriteria(text="a\x01b"), sort="-date", offset=0, limit=9).ids == ()


def test_every_character_a_term_can_have_stands_for_itself() -> None:
    """FTS5 has tables of characters of its own: two that we tell apart must not be one there, nor a gap."""
    characters = {
        folded
        for code in range(sys.maxunicode + 1)
        if not 0xD800 <= code < 0xE000 and (folded := fold(chr(code))).isprintable() and len(folded) == 1
    }
    assert len(characters) > 100_000
    study = _study(1, set(), set())
    Study.objects.filter(pk=study.pk).update(study_words=WORD_MARK + WORD_MARK.join(sorted(characters)))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIRTUAL TABLE temp.spelt USING fts5vocab('main', '{TABLE}', 'col')")
        cursor.execute("SELECT term FROM temp.spelt WHERE col = 'study'")
        kept = {term for (term,) in cursor.fetchall()}
        cursor.execute("DROP TABLE temp.spelt")
    assert kept == characters


def test_what_is_changed_rejected_restored_and_deleted_is_found_accordingly() -> None:
    study = _study(1, {"wang"}, {"chest"})
    both = match_of([Word("wan"), Word("ch")])
    assert _ids(both) == {study.pk}
    Study.objects.filter(pk=study.pk).update(patient_words=words_text({"li"}))
    assert (_ids(both), _ids('"li"*')) == (set(), {study.pk})
    Study.objects.filter(pk=study.pk).update(rejected_at=timezone.now())
    assert _ids('"li"*') == set()
    Study.objects.filter(pk=study.pk).update(patient_words=words_text({"wang"}))
    assert _ids(both) == set()
    Study.objects.filter(pk=study.pk).update(rejected_at=None)
    assert _ids(both) == {study.pk}
    StudyTerm.objects.all().delete()
    Study.objects.filter(pk=study.pk).update(id=study.pk + 7)
    assert _ids(both) == {study.pk + 7}
    Study.objects.filter(pk=study.pk + 7).delete()
    assert (_ids(both), match_count('"c"*')) == (set(), 0)


def test_an_image_more_does_not_touch_the_index() -> None:
    study = _study(1, {"wang"}, set())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), max(id) FROM {TABLE}_data")
        before = cursor.fetchone()
        Study.objects.filter(pk=study.pk).update(number_of_instances=2, modalities="CT")
        cursor.execute(f"SELECT count(*), max(id) FROM {TABLE}_data")
        assert cursor.fetchone() == before


@pytest.mark.django_db(transaction=True)
def test_an_index_that_a_migration_lost_is_made_again_with_what_came_meanwhile() -> None:
    first = _study(1, {"wang"}, set())
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER study_words_put")  # as when SQLite rebuilds the table
    second = _study(2, {"wang"}, set())
    assert _ids('"wang"*') == {first.pk}
    word_index_ensure()
    assert _ids('"wang"*') == {first.pk, second.pk}
    word_index_drop()
    word_index_ensure()
    third = _study(3, {"wang"}, set())
    assert _ids('"wang"*') == {first.pk, second.pk, third.pk}
    assert study_query(StudyCriteria(text="wang")).count() == studies_total() == 3


def test_a_part_of_a_name_is_looked_for_in_an_index_of_names_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN SELECT id FROM archive_patient WHERE +name_folded GLOB '*x*'")
        assert "COVERING INDEX patient_by_folded_name" in str(cursor.fetchall())
