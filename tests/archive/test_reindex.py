"""``reindex``: the same files give the same index, and a crash in the middle changes nothing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Model
from django.utils import timezone
from pydicom.uid import ImplicitVRLittleEndian

from archive.models import (
    FileRemoval,
    Instance,
    InstanceVariant,
    Patient,
    PatientTerm,
    QuarantinedObject,
    Series,
    Study,
    StudyTerm,
)
from archive.reindexing import INDEX, index_rebuild
from archive.storage import Origin
from tests.archive.arrivals import receive, study_of, take_file
from tests.objects import ct_slice, encoded

pytestmark = pytest.mark.django_db(transaction=True)

TABLES: tuple[type[Model], ...] = (Patient, Study, Series, Instance, InstanceVariant, QuarantinedObject)


def index() -> dict[str, list[dict[str, Any]]]:
    """Every column of every row, and every term."""
    rows = {model.__name__: list(model._default_manager.order_by("pk").values()) for model in TABLES}
    rows["PatientTerm"] = list(PatientTerm.objects.order_by("patient", "term").values("patient", "term"))
    rows["StudyTerm"] = list(StudyTerm.objects.order_by("study", "term").values("study", "term"))
    return rows


def furnish(folder: Path) -> None:
    """A bit of everything that an archive holds."""
    first = ct_slice()
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    receive(first)
    receive(ct_slice(**same))
    receive(first, syntax=ImplicitVRLittleEndian)
    receive(ct_slice(SOPInstanceUID=first.SOPInstanceUID, PatientName="Another^One"))
    receive(ct_slice(**same, PatientID="P9", PatientName="Roe^John"))
    receive(ct_slice(PatientName="Poe^Paul", PatientBirthDate="19331212"))
    receive(ct_slice(PatientID=""))
    receive(ct_slice(StudyDate=""))
    receive(ct_slice(StudyInstanceUID=None, SeriesInstanceUID=None))
    receive(ct_slice(), origin=Origin("CT-EAST", default_issuer="EAST", default_charset="GB18030"))
    broken = ct_slice()
    receive(broken, data=encoded(broken)[:60])
    take_file(folder, ct_slice(Modality="MR"))


def reindex(*options: str) -> str:
    out = io.StringIO()
    call_command("reindex", *options, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_same_files_give_the_same_rows_down_to_their_keys(data_dir: Path, tmp_path: Path) -> None:
    furnish(tmp_path)
    before = index()
    assert reindex() == "11 objects indexed.\n"
    assert index() == before


def test_lost_database_comes_back_from_the_files_alone(data_dir: Path, tmp_path: Path) -> None:
    furnish(tmp_path)
    before = index()
    for model in (*INDEX, QuarantinedObject):
        model._default_manager.all()._raw_delete("default")
    assert Study.objects.count() == 0
    assert "11 objects indexed.\n1 files cannot be read" in reindex()
    after = index()
    unkeyed = {
        name: [{k: v for k, v in row.items() if k != "id" and not k.endswith("_id")} for row in rows]
        for name, rows in before.items()
        if not name.endswith("Term") and name != "QuarantinedObject"
    }
    for name, rows in unkeyed.items():
        got = [{k: v for k, v in row.items() if k != "id" and not k.endswith("_id")} for row in after[name]]
        assert got == rows, name
    assert len(after["PatientTerm"]) == len(before["PatientTerm"])
    assert QuarantinedObject.objects.get().source == "CT1"


def test_crash_in_the_middle_leaves_the_old_index(data_dir: Path, tmp_path: Path) -> None:
    furnish(tmp_path)
    before = index()

    def die(done: int, total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_rebuild(progress=die)
    assert index() == before
    receive(ct_slice())
    assert Instance.objects.count() == len(before["Instance"]) + 1


def test_file_the_disk_will_not_give_stops_it_unless_told_otherwise(data_dir: Path, tmp_path: Path) -> None:
    furnish(tmp_path)
    before = index()
    key = before["Instance"][0]["file_key"]
    path = data_dir / "store" / key
    real = Path.open

    def failing(self: Path, *arguments: Any, **named: Any) -> Any:
        if self == path:
            raise OSError(5, "Input/output error")
        return real(self, *arguments, **named)

    with mock.patch.object(Path, "open", failing):
        with pytest.raises(CommandError, match="1 files cannot be read, first objects/"):
            reindex()
        assert index() == before
        with pytest.raises(CommandError, match="1 objects were in the index and their files are gone"):
            reindex("--skip-unreadable")
    assert Instance.objects.filter(file_key=key).count() == 0


def test_objects_whose_file_is_gone_leave_the_index_and_are_counted(data_dir: Path, tmp_path: Path) -> None:
    furnish(tmp_path)
    gone = Instance.objects.order_by("-pk")[0]
    (data_dir / "store" / gone.file_key).unlink()
    with pytest.raises(CommandError, match="1 objects were in the index"):
        reindex()
    assert not Instance.objects.filter(pk=gone.pk).exists()
    assert Instance.objects.count() == 8


def test_what_was_decided_about_rows_survives(data_dir: Path) -> None:
    rejected = study_of(receive(ct_slice()))
    now = timezone.now()
    Study.objects.filter(pk=rejected.pk).update(rejected_at=now, rejection_reason="wrong patient")
    ds = ct_slice()
    receive(ds)
    receive(ct_slice(SOPInstanceUID=ds.SOPInstanceUID))
    InstanceVariant.objects.update(resolved_at=now)
    before = index()
    reindex()
    assert index() == before


def test_files_about_to_be_removed_do_not_come_back(data_dir: Path) -> None:
    receive(ct_slice())
    instance = Instance.objects.get()
    FileRemoval.objects.create(file_key=instance.file_key)
    Study.objects.all().delete()
    assert reindex() == "0 objects indexed.\n"


def test_study_keeps_its_key_when_the_first_person_of_an_id_is_gone(data_dir: Path) -> None:
    first = study_of(receive(ct_slice()))
    second = study_of(receive(ct_slice(PatientName="Roe^John", PatientBirthDate="19501231")))
    key = Instance.objects.get(series__study=first).file_key
    first.delete()
    Patient.objects.filter(person=0).delete()
    (data_dir / "store" / key).unlink()
    reindex()
    after = Study.objects.select_related("patient").get()
    assert (after.pk, after.patient_id) == (second.pk, second.patient_id)
    assert (after.patient.patient_name, after.patient.person, after.conflict) == ("Roe^John", 0, False)


def test_arrivals_after_a_rebuild_go_to_the_right_study(data_dir: Path) -> None:
    first = ct_slice()
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    receive(first)
    receive(ct_slice(**same))
    reindex()
    receive(ct_slice(**same))
    assert (Study.objects.get().number_of_instances, Series.objects.get().number_of_instances) == (3, 3)


def test_references_of_the_database_hold_after_a_rebuild(data_dir: Path, tmp_path: Path) -> None:
    furnish(tmp_path)
    reindex()
    connection.check_constraints()
