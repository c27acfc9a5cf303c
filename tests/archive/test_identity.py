"""Whose image is it: nobody's image shows up under somebody else, and none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db.models import Q

from archive.ingest import Result
from archive.models import Patient, PatientTerm, Study
from archive.storage import Origin
from tests.archive.arrivals import receive, study_of
from tests.objects import ct_slice

pytestmark = pytest.mark.django_db


def test_one_id_for_one_person_is_one_patient_however_the_name_is_written(data_dir: Path) -> None:
    receive(ct_slice(PatientName="Doe^Jane"))
    receive(ct_slice(PatientName="DOE^JANE^^^"))
    receive(ct_slice(PatientName="Jane^Doe", PatientBirthDate=""))
    patient = Patient.objects.get()
    assert patient.studies.count() == 3
    assert (patient.conflict, Study.objects.filter(conflict=True).count()) == (False, 0)


def test_one_id_for_two_people_is_two_patients_and_everything_of_both_is_flagged(data_dir: Path) -> None:
    jane = receive(ct_slice(PatientName="Doe^Jane"))
    john = receive(ct_slice(PatientName="Roe^John", PatientBirthDate="19501231", PatientSex="M"))
    assert (jane.kind, john.kind, john.reason) == (Result.KEPT, Result.CONFLICT_KEPT, "patient-conflict")
    assert study_of(jane).patient != study_of(john).patient
    rows = Patient.objects.order_by("person").values_list("patient_id", "person", "conflict", "patient_name")
    assert list(rows) == [("P1", 0, True, "Doe^Jane"), ("P1", 1, True, "Roe^John")]
    assert Study.objects.filter(conflict=True).count() == 2


def test_later_images_find_the_right_one_of_two_people(data_dir: Path) -> None:
    receive(ct_slice(PatientName="Doe^Jane"))
    receive(ct_slice(PatientName="Roe^John", PatientBirthDate="19501231"))
    later = receive(ct_slice(PatientName="ROE^JOHN", PatientBirthDate="19501231"))
    assert study_of(later).patient.person == 1
    assert study_of(later).conflict is True
    assert Patient.objects.count() == 2


def test_blank_first_record_does_not_become_a_door_for_everybody(data_dir: Path) -> None:
    receive(ct_slice(PatientName="", PatientBirthDate="", PatientSex=""))
    jane = receive(ct_slice(PatientName="Doe^Jane"))
    john = receive(ct_slice(PatientName="Roe^John", PatientBirthDate="19501231"))
    assert study_of(jane).patient.person == 0
    assert study_of(john).patient.person == 1
    assert PatientTerm.objects.filter(patient__person=0, term="jane").exists()


def test_same_id_of_two_issuers_is_two_patients_without_any_conflict(data_dir: Path) -> None:
    east = receive(ct_slice(), origin=Origin("CT-EAST", default_issuer="EAST"))
    west = receive(ct_slice(PatientName="Roe^John"), origin=Origin("CT-WEST", default_issuer="WEST"))
    assert (east.kind, west.kind) == (Result.KEPT, Result.KEPT)
    issuers = Patient.objects.order_by("id").values_list("issuer_of_patient_id", "conflict")
    assert list(issuers) == [("EAST", False), ("WEST", False)]


def test_issuer_in_the_object_beats_the_one_of_its_sender(data_dir: Path) -> None:
    receive(ct_slice(IssuerOfPatientID="OWN"), origin=Origin("CT-EAST", default_issuer="EAST"))
    assert Patient.objects.get().issuer_of_patient_id == "OWN"


def test_patients_without_id_are_one_per_study(data_dir: Path) -> None:
    first = ct_slice(PatientID="")
    receive(first)
    receive(ct_slice(PatientID="", StudyInstanceUID=first.StudyInstanceUID))
    receive(ct_slice(PatientID=None))
    anonymous = Patient.objects.order_by("id").values_list("patient_id", "anonymous_study_uid")
    assert [patient_id for patient_id, _ in anonymous] == ["", ""]
    assert anonymous[0][1] == first.StudyInstanceUID
    assert Patient.objects.filter(conflict=True).count() == 0


def test_study_uid_with_two_patients_becomes_two_studies_and_both_are_flagged(data_dir: Path) -> None:
    jane = ct_slice()
    kept = receive(jane)
    swapped = receive(
        ct_slice(
            StudyInstanceUID=jane.StudyInstanceUID,
            SeriesInstanceUID=jane.SeriesInstanceUID,
            PatientID="P2",
            PatientName="Roe^John",
            PatientBirthDate="19501231",
        )
    )
    assert swapped.kind is Result.CONFLICT_KEPT
    rows = Study.objects.order_by("branch").values_list(
        "branch", "patient__patient_id", "number_of_instances", "conflict"
    )
    assert list(rows) == [(0, "P1", 1, True), (1, "P2", 1, True)]
    assert study_of(kept).patient.patient_id == "P1"
    assert study_of(swapped).patient.patient_id == "P2"


def test_one_study_and_id_with_two_people_keeps_them_apart(data_dir: Path) -> None:
    jane = ct_slice()
    receive(jane)
    john = ct_slice(StudyInstanceUID=jane.StudyInstanceUID, PatientName="Roe^John", PatientSex="M")
    assert receive(john).kind is Result.CONFLICT_KEPT
    names = Study.objects.order_by("branch").values_list("patient__patient_name", flat=True)
    assert list(names) == ["Doe^Jane", "Roe^John"]
    assert Patient.objects.filter(Q(patient_id="P1"), conflict=True).count() == 2


def test_further_images_of_a_split_study_go_each_to_their_own(data_dir: Path) -> None:
    jane = ct_slice()
    same = {"StudyInstanceUID": jane.StudyInstanceUID, "SeriesInstanceUID": jane.SeriesInstanceUID}
    john = {**same, "PatientID": "P2", "PatientName": "Roe^John"}
    for changes in (same, john, same, john, john):
        receive(ct_slice(**changes))
    counts = Study.objects.order_by("branch").values_list("patient__patient_id", "number_of_instances")
    assert list(counts) == [("P1", 2), ("P2", 3)]


def test_image_without_id_joins_the_study_it_names_when_nothing_contradicts(data_dir: Path) -> None:
    jane = ct_slice()
    receive(jane)
    joined = receive(ct_slice(StudyInstanceUID=jane.StudyInstanceUID, PatientID=""))
    stranger = receive(ct_slice(StudyInstanceUID=jane.StudyInstanceUID, PatientID="", PatientName="Roe^John"))
    assert study_of(joined).branch == 0
    assert (study_of(stranger).branch, study_of(stranger).conflict) == (1, True)


def test_id_that_comes_later_takes_the_study_to_its_patient(data_dir: Path) -> None:
    known = receive(ct_slice(PatientID="P1"))
    first = ct_slice(PatientID="", PatientBirthDate="")
    receive(first)
    receive(ct_slice(StudyInstanceUID=first.StudyInstanceUID, PatientID="P1"))
    patient = Patient.objects.get()
    assert patient == study_of(known).patient
    assert Study.objects.get(study_instance_uid=first.StudyInstanceUID).patient == patient


def test_id_that_comes_later_without_a_name_never_takes_the_study_to_somebody_else(data_dir: Path) -> None:
    receive(ct_slice(PatientID="P1", PatientName="Roe^John", PatientBirthDate="19501231", PatientSex="M"))
    jane = ct_slice(PatientID="")
    receive(jane)
    bare = {"PatientName": "", "PatientBirthDate": "", "PatientSex": ""}
    late = receive(ct_slice(StudyInstanceUID=jane.StudyInstanceUID, PatientID="P1", **bare))
    assert study_of(late).patient.patient_name == "Doe^Jane"
    assert (study_of(late).patient.person, study_of(late).conflict) == (1, True)


def test_hanzi_that_come_later_are_learned(data_dir: Path) -> None:
    receive(ct_slice(PatientName="Wang^XiaoDong"))
    receive(ct_slice(SpecificCharacterSet="ISO_IR 192", PatientName="Wang^XiaoDong=王^小东"))
    patient = Patient.objects.get()
    assert patient.patient_name == "Wang^XiaoDong=王^小东"
    assert PatientTerm.objects.filter(patient=patient, term="王小东").exists()


def test_second_object_under_one_uid_of_another_patient_stays_out_of_sight(data_dir: Path) -> None:
    jane = ct_slice()
    receive(jane)
    john = receive(ct_slice(SOPInstanceUID=jane.SOPInstanceUID, PatientID="P2", PatientName="Roe^John"))
    study = Study.objects.get()
    assert (john.kind, john.reason) == (Result.CONFLICT_KEPT, "other-bytes")
    assert (study.patient.patient_id, study.number_of_instances, study.conflict) == ("P1", 1, True)
    assert study_of(john).series.get().instances.get().variants.get().kind == "bytes"
