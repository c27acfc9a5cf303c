"""Whose image is this? Patients and studies, found or made, and never mixed.

A patient is (Patient ID, Issuer of Patient ID), PS3.3 C.2.2. When one ID comes with two people, each gets
a row of its own (``person``) and all rows of the ID are flagged. When one Study Instance UID comes with
two patients, each gets a study of its own (``branch``) and all studies of the UID are flagged. So an
image is never refused for its patient data, and never shows up under somebody else.

Everything here runs inside the transaction that holds the locks of ``record_locks``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from archive.dicom.extract import InstanceRecord, PatientRecord, StudyRecord
from archive.dicom.names import PersonName, fold, person_conflict
from archive.dicom.values import clip
from archive.models import InstanceVariant, Patient, PatientTerm, Study, StudyTerm
from archive.statements import row_create, row_insert
from archive.terms import patient_columns, patient_terms, study_terms, words_text


def record_locks(record: InstanceRecord) -> tuple[str, ...]:
    """Names of what no two transactions may decide on at once: the object, its study, its patient."""
    patient = record.patient
    return (
        f"object:{record.sop_instance_uid}",
        f"study:{record.study.study_instance_uid}",
        f"patient:{patient.patient_id}|{patient.issuer}",
    )


# ---------------------------------------------------------------------- patient


def patient_record_of(patient: Patient) -> PatientRecord:
    """What a stored patient says of itself, in the form in which an object says it."""
    return PatientRecord(
        patient_id=patient.patient_id,
        issuer=patient.issuer_of_patient_id,
        name=PersonName(patient.name_alphabetic, patient.name_ideographic, patient.name_phonetic),
        name_raw=patient.patient_name,
        birth_date=patient.birth_date,
        sex=patient.sex,
    )


def patient_resolve(*, record: PatientRecord, study_instance_uid: str, arrived: datetime) -> Patient:
    """Return the person this record means: the first under its ID that it does not contradict, else a new
    one.

    Without an ID a person is known by one study only, so nothing can be mixed up.
    """
    if record.patient_id:
        key = {
            "patient_id": record.patient_id,
            "issuer_of_patient_id": record.issuer,
            "anonymous_study_uid": "",
        }
    else:
        key = {"patient_id": "", "issuer_of_patient_id": "", "anonymous_study_uid": study_instance_uid}
    people = list(Patient.objects.filter(**key).order_by("person"))
    for patient in people:
        if not person_conflict(patient_record_of(patient), record):
            _patient_complete(patient, record)
            return patient
    patient = Patient(
        **key, person=people[-1].person + 1 if people else 0, conflict=bool(people), created_at=arrived
    )
    _patient_fill(patient, record)
    row_create(patient)
    for term in sorted(patient_terms(patient)):
        row_insert(PatientTerm, patient_id=patient.pk, term=term)
    if people:
        _conflict_flag(people)
    return patient


def _conflict_flag(people: Iterable[Patient]) -> None:
    """One ID, two people: flag every row of the ID and every study below them."""
    ids = [patient.pk for patient in people]
    Patient.objects.filter(pk__in=ids, conflict=False).update(conflict=True)
    Study.objects.filter(patient__in=ids, conflict=False).update(conflict=True)


def conflicts_review(*, patients: QuerySet[Patient], study_instance_uid: str) -> None:
    """Recompute the flags of the people of one ID, and of their studies, after one of them was taken away.

    A study is in conflict when its patient is, when its UID has branches, or when it holds two objects
    under one UID.
    """
    several = patients.count() > 1
    patients.update(conflict=several)
    touched = Study.objects.filter(Q(patient__in=patients) | Q(study_instance_uid=study_instance_uid))
    for study in touched.select_related("patient"):
        branches = Study.objects.filter(study_instance_uid=study.study_instance_uid).count()
        variants = InstanceVariant.objects.filter(
            instance__series__study=study, kind=InstanceVariant.Kind.OTHER_BYTES, resolved_at=None
        )
        conflict = study.patient.conflict or branches > 1 or variants.exists()
        Study.objects.filter(pk=study.pk).update(conflict=conflict)


def _patient_fill(patient: Patient, record: PatientRecord) -> bool:
    """Write what the record knows into what the patient leaves empty; say whether anything changed."""
    name = record.name
    given = {
        "name_alphabetic": clip(name.alphabetic, 330),
        "name_ideographic": clip(name.ideographic, 330),
        "name_phonetic": clip(name.phonetic, 330),
        "birth_date": clip(record.birth_date, 10),
        "sex": clip(record.sex, 16),
    }
    changed = False
    for field, value in given.items():
        if value and not getattr(patient, field):
            setattr(patient, field, value)
            changed = True
    if changed or patient.pk is None:
        groups = (patient.name_alphabetic, patient.name_ideographic, patient.name_phonetic)
        patient.patient_name = clip("=".join(groups).rstrip("="), 1024)
        patient.name_folded = clip(fold(" ".join(group for group in groups if group)), 1024)
    return changed


def _patient_complete(patient: Patient, record: PatientRecord) -> None:
    """A later object may know the birth date or the hanzi that the first one left out."""
    if _patient_fill(patient, record):
        patient.save()
        _patient_terms_write(patient)
        Study.objects.filter(patient=patient).update(**patient_columns(patient))


def _patient_terms_write(patient: Patient) -> None:
    wanted = patient_terms(patient)
    there = set(PatientTerm.objects.filter(patient=patient).values_list("term", flat=True))
    PatientTerm.objects.filter(patient=patient, term__in=there - wanted).delete()
    PatientTerm.objects.bulk_create(
        PatientTerm(patient=patient, term=term) for term in sorted(wanted - there)
    )


# ---------------------------------------------------------------------- study


def study_resolve(*, record: InstanceRecord, source: str, arrived: datetime) -> tuple[Study, bool]:
    """Return the study of this UID whose patient the record does not contradict, else a new branch of it.

    The second value says whether the study is new.
    """
    uid = record.study.study_instance_uid
    branches = list(Study.objects.filter(study_instance_uid=uid).select_related("patient").order_by("branch"))
    # Who is named exactly comes before whoever is merely not contradicted.
    for agrees in (_same_patient, _compatible_patient):
        for study in branches:
            if agrees(patient_record_of(study.patient), record.patient):
                _study_join(study, record.patient, arrived)
                return study, False
    patient = patient_resolve(record=record.patient, study_instance_uid=uid, arrived=arrived)
    branch = branches[-1].branch + 1 if branches else 0
    study = _study_create(patient, record.study, source=source, branch=branch, arrived=arrived)
    if branches:
        Study.objects.filter(study_instance_uid=uid).update(conflict=True)
        study.conflict = True
    return study, True


def _same_patient(known: PatientRecord, new: PatientRecord) -> bool:
    return (known.patient_id, known.issuer) == (new.patient_id, new.issuer) and not person_conflict(
        known, new
    )


def _compatible_patient(known: PatientRecord, new: PatientRecord) -> bool:
    """Inside one study an ID or an issuer that is missing says nothing; one that differs says: somebody
    else.
    """
    for mine, theirs in ((known.patient_id, new.patient_id), (known.issuer, new.issuer)):
        if mine and theirs and mine != theirs:
            return False
    return not person_conflict(replace(known, patient_id=new.patient_id, issuer=new.issuer), new)


def _study_join(study: Study, record: PatientRecord, arrived: datetime) -> None:
    """Let the study learn from a further object whose patient it is: an ID that was missing, a birth date."""
    patient = study.patient
    if record.patient_id and not patient.patient_id:
        # The ID must lead to somebody who contradicts neither this object nor those that came without it.
        both = _merged(record, patient_record_of(patient))
        uid = study.study_instance_uid
        study.patient = patient_resolve(record=both, study_instance_uid=uid, arrived=arrived)
        study.conflict = study.conflict or study.patient.conflict
        repeated = patient_columns(study.patient)
        for column, value in repeated.items():
            setattr(study, column, value)
        study.save(update_fields=["patient", "conflict", *repeated])
        patient.delete()  # it stood for this one study
    else:
        _patient_complete(patient, record)


def _merged(record: PatientRecord, known: PatientRecord) -> PatientRecord:
    """``record``, completed by what is known already."""
    name = PersonName(
        record.name.alphabetic or known.name.alphabetic,
        record.name.ideographic or known.name.ideographic,
        record.name.phonetic or known.name.phonetic,
    )
    return replace(
        record, name=name, birth_date=record.birth_date or known.birth_date, sex=record.sex or known.sex
    )


def _study_create(
    patient: Patient, record: StudyRecord, *, source: str, branch: int, arrived: datetime
) -> Study:
    study = Study(
        patient=patient,
        study_instance_uid=record.study_instance_uid,
        branch=branch,
        uid_derived=record.uid_derived,
        study_id=clip(record.study_id),
        accession_number=clip(record.accession_number),
        study_date=clip(record.study_date, 10),
        study_time=clip(record.study_time, 16),
        sort_key=sort_key(record, arrived),
        description=clip(record.description),
        referring_physician_name=clip(record.referring_physician_name, 1024),
        institution_name=clip(record.institution_name),
        source=clip(source, 64),
        conflict=patient.conflict,
        created_at=arrived,
        updated_at=arrived,
        **patient_columns(patient),
    )
    terms = sorted(study_terms(study))
    study.study_words = words_text(terms)
    row_create(study)
    for term in terms:
        row_insert(StudyTerm, study_id=study.pk, term=term)
    return study


def sort_key(record: StudyRecord, arrived: datetime) -> str:
    """Date and time of the study as one text that sorts. Without a date: the start of the day of its arrival,
    so that it is seen that day and does not stand above what was made today.
    """
    if record.study_date:
        return clip(record.study_date + record.study_time, 26)
    return timezone.localtime(arrived).strftime("%Y%m%d")


def study_modalities(*, study: Study) -> str:
    """The modalities of a study's series, sorted, joined with backslashes, as a DICOM value."""
    found = (
        study.series.exclude(modality="").order_by("modality").values_list("modality", flat=True).distinct()
    )
    return clip("\\".join(found))
