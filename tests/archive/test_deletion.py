"""A study is deleted: all rows at once, the files after them, the flags of others put right."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from archive.deletion import study_delete
from archive.models import AuditEvent, Event, FileRemoval, Instance, Patient, Series, Study
from archive.removal import removals_finish
from tests.archive.arrivals import files_of_store, receive, study_of
from tests.objects import ct_slice
from tests.people import ada_administrator, omar_operator

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_files_variants_and_the_patient_go_and_the_audit_trail_says_so(data_dir: Path) -> None:
    ds = ct_slice()
    study = study_of(receive(ds))
    receive(ct_slice(SOPInstanceUID=ds.SOPInstanceUID))
    number = study.pk
    study_delete(study=study, by=ada_administrator(), reason="asked for")
    counts = [model.objects.count() for model in (Patient, Study, Series, Instance, FileRemoval)]
    assert (counts, files_of_store(data_dir)) == ([0] * 5, [])
    audit = AuditEvent.objects.get(action="deleted")
    assert (audit.actor_name, audit.study_instance_uid, audit.patient_id) == (
        "ada",
        ds.StudyInstanceUID,
        "P1",
    )
    assert audit.detail == {"reason": "asked for", "instances": 1, "files": 2}
    assert Event.objects.latest("id").key == str(number)


def test_patient_with_another_study_stays(data_dir: Path) -> None:
    study = study_of(receive(ct_slice()))
    receive(ct_slice())
    study_delete(study=study, by=ada_administrator())
    assert (Patient.objects.count(), Study.objects.count(), len(files_of_store(data_dir))) == (1, 1, 1)


def test_who_was_in_conflict_with_it_only_is_so_no_more(data_dir: Path) -> None:
    jane, john = ct_slice(), ct_slice(PatientName="Roe^John", PatientBirthDate="19501231")
    receive(jane)
    wrong = study_of(receive(john))
    study_delete(study=wrong, by=ada_administrator())
    assert (Patient.objects.get().conflict, Study.objects.get().conflict) == (False, False)


def test_branch_that_is_left_alone_is_in_conflict_no_more_and_its_number_stays(data_dir: Path) -> None:
    jane = ct_slice()
    first = study_of(receive(jane))
    receive(ct_slice(StudyInstanceUID=jane.StudyInstanceUID, PatientID="P2", PatientName="Roe^John"))
    study_delete(study=first, by=ada_administrator())
    left = Study.objects.get()
    assert (left.branch, left.conflict) == (1, False)
    third = receive(ct_slice(StudyInstanceUID=jane.StudyInstanceUID, PatientID="P3", PatientName="Poe^Paul"))
    assert (study_of(third).branch, study_of(third).conflict) == (2, True)


def test_file_the_disk_will_not_let_go_is_noted_and_removed_later(data_dir: Path) -> None:
    study = study_of(receive(ct_slice()))
    with mock.patch("archive.storage.syscalls.unlink", side_effect=OSError(5, "Input/output error")):
        study_delete(study=study, by=ada_administrator())
    assert (Study.objects.count(), FileRemoval.objects.count(), len(files_of_store(data_dir))) == (0, 1, 1)
    assert removals_finish() == 1
    assert (FileRemoval.objects.count(), files_of_store(data_dir)) == (0, [])


def test_removal_never_takes_a_file_that_a_row_names(data_dir: Path) -> None:
    receive(ct_slice())
    FileRemoval.objects.create(file_key=Instance.objects.get().file_key)
    assert removals_finish() == 0
    assert len(files_of_store(data_dir)) == 1


def test_rolled_back_deletion_leaves_rows_and_files(data_dir: Path) -> None:
    study = study_of(receive(ct_slice()))
    with transaction.atomic():
        study_delete(study=study, by=ada_administrator())
        transaction.set_rollback(True)
    assert (Study.objects.count(), len(files_of_store(data_dir)), FileRemoval.objects.count()) == (1, 1, 0)


def test_operator_does_not_delete(data_dir: Path) -> None:
    study = study_of(receive(ct_slice()))
    with pytest.raises(PermissionDenied):
        study_delete(study=study, by=omar_operator())
    assert Study.objects.count() == 1
