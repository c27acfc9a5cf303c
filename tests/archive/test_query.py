"""What is typed, and who is found."""

from __future__ import annotations

import pytest
from django.utils import timezone

from archive.models import Patient, PatientTerm, Study, StudyTerm
from archive.query import StudyCriteria, study_query
from archive.selectors import modalities_present
from archive.terms import patient_columns, patient_terms, query_words, study_terms, words_text

pytestmark = pytest.mark.django_db


def _study(description: str, **changes: object) -> Study:
    person = {key: changes.pop(key) for key in list(changes) if key.startswith(("name_", "patient_"))}
    patient = Patient.objects.create(**person)
    PatientTerm.objects.bulk_create(PatientTerm(patient=patient, term=t) for t in patient_terms(patient))
    study = Study(
        patient=patient, study_instance_uid=f"1.{patient.pk}", description=description,
        **({"sort_key": "20261123"} | changes), **patient_columns(patient),
    )  # fmt: skip
    study.study_words = words_text(study_terms(study))
    study.save()
    StudyTerm.objects.bulk_create(StudyTerm(study=study, term=t) for t in study_terms(study))
    return study


@pytest.fixture
def wang() -> Study:
    return _study(
        "Chest/Abdomen, contrast",
        patient_id="00482913",
        name_alphabetic="Wang^Xiaoming",
        name_ideographic="王^小明",
        accession_number="A2611",
        modalities="CT\\SR",
    )


@pytest.fixture
def muller() -> Study:
    return _study("胸部平扫", patient_id="M-1", name_alphabetic="Müller^Jürgen", modalities="DX")


HERS = [
    *("wang", "WANG", "ｗａｎｇ", "wxm", "王", "王小明", "小明", "xiao", "wangxiaom"),
    *("00482913", "0048", "482913", "a2611", "A26", "chest"),
]
HER_WORDS = ["wang xiaoming", "xiaoming wang", "wang xm", "abdomen contrast", "wang chest", "王 contrast"]


@pytest.mark.parametrize("text", [*HERS, *HER_WORDS])
def test_she_is_found_by(wang: Study, muller: Study, text: str) -> None:
    assert list(study_query(StudyCriteria(text=text))) == [wang]


@pytest.mark.parametrize(
    "text", ["muller", "Müller", "mueller", "jurgen mu", "胸", "胸部", "平扫", "扫", "m-1"]
)
def test_he_is_found_by(wang: Study, muller: Study, text: str) -> None:
    assert list(study_query(StudyCriteria(text=text))) == [muller]


@pytest.mark.parametrize(
    "text", ["ang", "wang li", "wang 平扫", "iaoming", "%", "_", "wan%", "'; drop table"]
)
def test_nobody_is_found_by(wang: Study, muller: Study, text: str) -> None:
    assert list(study_query(StudyCriteria(text=text))) == []


@pytest.mark.parametrize(
    "criteria",
    [
        StudyCriteria(patient_id="0048"),
        StudyCriteria(accession="a26"),
        StudyCriteria(description="abdomen chest"),
        StudyCriteria(modalities=("SR", "MR")),
        StudyCriteria(text="wang", modalities=("CT",), date_from="2026-11-23", date_to="20261123"),
    ],
    ids=["patient ID", "accession number", "description", "one of the modalities", "all together"],
)
def test_fields_ask_of_their_own_column(wang: Study, muller: Study, criteria: StudyCriteria) -> None:
    assert list(study_query(criteria)) == [wang]


@pytest.mark.parametrize(
    "criteria",
    [
        StudyCriteria(patient_id="wang"),
        StudyCriteria(accession="chest"),
        StudyCriteria(description="wang"),
        StudyCriteria(text="wang", modalities=("C",)),
        StudyCriteria(text="wang", date_from="20261124"),
        StudyCriteria(text="wang", date_to="20261122"),
    ],
)
def test_and_of_no_other(wang: Study, criteria: StudyCriteria) -> None:
    assert list(study_query(criteria)) == []


def test_a_rejected_study_is_not_found(wang: Study) -> None:
    Study.objects.update(rejected_at=timezone.now())
    assert list(study_query(StudyCriteria(text="wang"))) == []
    assert modalities_present() == []


def test_modalities_that_are_there(wang: Study, muller: Study) -> None:
    assert modalities_present() == ["CT", "DX", "SR"]


def test_chinese_names_sort_among_the_latin_ones(wang: Study, muller: Study) -> None:
    zeng = _study("", name_ideographic="曾^伟")
    assert list(study_query(StudyCriteria(), "name")) == [muller, wang, zeng]
    assert list(study_query(StudyCriteria(), "-name")) == [zeng, wang, muller]


def test_nonsense_sorts_by_date(wang: Study) -> None:
    newer = _study("", sort_key="20261124")
    assert list(study_query(StudyCriteria(), "-password")) == [newer, wang]


def test_words_of_a_query() -> None:
    assert query_words("  Wang,  XIAO^ming wang\0 ") == ("wang", "xiao", "ming")
    assert query_words("") == ()
    assert len(query_words(" ".join("abcdefgh"))) == 6
