"""One test a row of the table in ARCHITECTURE.md, "What happens to odd objects"."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless

from archive.custody import instance_committable
from archive.models import Instance, InstanceVariant, Patient, QuarantinedObject, Study
from archive.query import StudyCriteria, study_query
from archive.storage import Origin
from dicomnet.contexts import Answered, Result, Service
from dicomnet.dimse.command import Command
from dicomnet.scp.store import StoreOperation
from dicomnet.scp.tally import Tally
from tests.archive.arrivals import files_of_store, stored_bytes
from tests.objects import ct_slice, encoded

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Fate:
    """What the sender hears, and where the object is afterwards."""

    status: int
    kept: str  # "instance", "variant", "quarantine" or "" when nothing was written
    committable: bool


def send(
    ds: Dataset,
    *,
    data: bytes | None = None,
    syntax: str = ExplicitVRLittleEndian,
    origin: str = "CT1",
    issuer: str = "",
) -> Fate:
    """C-STORE the object, as an association would, and look for it."""
    data = encoded(ds) if data is None else data
    named = ds.get("SOPInstanceUID", "") or "1.2.3.4"
    before = {model: set(model.objects.values_list("file_key", flat=True)) for model in KEPT}
    command = Command(
        field=1, message_id=1, sop_class_uid=ds.SOPClassUID, sop_instance_uid=named, has_data_set=True
    )
    context = Answered(1, ds.SOPClassUID, syntax, Result.ACCEPTANCE, Service.STORE)
    operation = StoreOperation(command, context, Origin(origin, default_issuer=issuer), Tally())
    operation.write(memoryview(data))
    response = operation.finish()
    assert response is not None
    at = response.index(b"\x00\x00\x00\x09\x02\x00\x00\x00")  # (0000,0900) Status
    kept = ""
    for model, name in KEPT.items():
        for key in set(model.objects.values_list("file_key", flat=True)) - before[model]:
            kept = name
            assert stored_bytes(key).endswith(data)
    return Fate(
        status=int.from_bytes(response[at + 8 : at + 10], "little"),
        kept=kept,
        committable=instance_committable(sop_class_uid=ds.SOPClassUID, sop_instance_uid=named),
    )


KEPT = {Instance: "instance", InstanceVariant: "variant", QuarantinedObject: "quarantine"}


def found(text: str = "", **criteria: str) -> list[str]:
    """Patients' names of the studies that a search finds."""
    studies = study_query(StudyCriteria(text=text, **criteria)).select_related("patient")
    return sorted(study.patient.patient_name for study in studies)


def again(ds: Dataset, **changes: object) -> Dataset:
    """Another data set under the UIDs of a first."""
    same = {name: ds[name].value for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")}
    return ct_slice(**{**same, **changes})


def test_ordinary_object(data_dir: Path) -> None:
    assert send(ct_slice()) == Fate(0x0000, "instance", True)
    assert found("doe") == ["Doe^Jane"]


def test_equal_uid_equal_bytes(data_dir: Path) -> None:
    ds = ct_slice()
    send(ds)
    assert send(ds) == Fate(0x0000, "", True)
    assert len(files_of_store(data_dir)) == 1


def test_equal_uid_other_syntax(data_dir: Path) -> None:
    ds = ct_slice()
    send(ds)
    data = encoded(ds, ImplicitVRLittleEndian)
    assert send(ds, data=data, syntax=ImplicitVRLittleEndian) == Fate(0x0000, "variant", True)
    assert Study.objects.get().conflict is False


def test_equal_uid_other_bytes(data_dir: Path) -> None:
    ds = ct_slice()
    send(ds)
    assert send(again(ds, ImageComments="edited")) == Fate(0x0000, "variant", True)
    assert Study.objects.get().conflict is True
    assert Instance.objects.count() == 1


def test_missing_sop_instance_uid_in_the_data_set(data_dir: Path) -> None:
    assert send(ct_slice(SOPInstanceUID=None)) == Fate(0x0000, "instance", True)
    assert Instance.objects.get().sop_instance_uid == "1.2.3.4"  # as the command named it


def test_missing_study_uid(data_dir: Path) -> None:
    assert send(ct_slice(StudyInstanceUID=None)) == Fate(0x0000, "instance", True)
    study = Study.objects.get()
    assert (study.uid_derived, study.study_instance_uid[:5]) == (True, "2.25.")
    assert Instance.objects.get().warnings == ["study-uid-derived"]
    assert found("doe") == ["Doe^Jane"]


def test_missing_series_uid(data_dir: Path) -> None:
    assert send(ct_slice(SeriesInstanceUID=None)) == Fate(0x0000, "instance", True)
    assert Instance.objects.get().warnings == ["series-uid-derived"]


def test_broken_header(data_dir: Path) -> None:
    ds = ct_slice()
    assert send(ds, data=encoded(ds)[:60]) == Fate(0xC000, "quarantine", False)
    assert found() == []


def test_rubbish_for_a_data_set(data_dir: Path) -> None:
    assert send(ct_slice(), data=b"this is no data set at all, whatever the command said") == Fate(
        0xC000, "quarantine", False
    )


def test_wrong_syntax_label(data_dir: Path) -> None:
    ds = ct_slice()
    assert send(ds, syntax=ImplicitVRLittleEndian) == Fate(0x0000, "instance", True)
    instance = Instance.objects.get()
    assert instance.transfer_syntax_uid == ImplicitVRLittleEndian  # as labelled: it goes out as it came in
    assert instance.warnings == ["syntax-mislabelled"]
    assert found("doe") == ["Doe^Jane"]


def test_compressed_syntax_on_native_pixels(data_dir: Path) -> None:
    assert send(ct_slice(), syntax=JPEGLSLossless) == Fate(0x0000, "instance", True)


def test_truncated_pixels(data_dir: Path) -> None:
    ds = ct_slice()
    assert send(ds, data=encoded(ds)[:-100]) == Fate(0x0000, "instance", True)
    assert Instance.objects.get().warnings == ["pixel-data-truncated"]


def test_one_patient_id_for_two_people(data_dir: Path) -> None:
    send(ct_slice())
    other = ct_slice(PatientName="Roe^John", PatientBirthDate="19501231", PatientSex="M")
    assert send(other) == Fate(0x0000, "instance", True)
    assert found(patient_id="P1") == ["Doe^Jane", "Roe^John"]
    assert Study.objects.filter(conflict=True, patient__conflict=True).count() == 2


def test_one_study_uid_for_two_patients(data_dir: Path) -> None:
    ds = ct_slice()
    send(ds)
    other = ct_slice(StudyInstanceUID=ds.StudyInstanceUID, PatientID="P2", PatientName="Roe^John")
    assert send(other) == Fate(0x0000, "instance", True)
    assert (found("doe"), found("roe")) == (["Doe^Jane"], ["Roe^John"])
    assert [study.number_of_instances for study in Study.objects.filter(conflict=True)] == [1, 1]


def test_one_sop_instance_uid_for_two_patients(data_dir: Path) -> None:
    ds = ct_slice()
    send(ds)
    other = again(ds, PatientID="P2", PatientName="Roe^John")
    assert send(other) == Fate(0x0000, "variant", True)
    assert (found("doe"), found("roe")) == (["Doe^Jane"], [])
    assert Study.objects.get().conflict is True


def test_patient_id_without_issuer_from_one_site_twice(data_dir: Path) -> None:
    send(ct_slice(), origin="CT-A")
    send(ct_slice(), origin="CT-B")
    assert Patient.objects.count() == 1


def test_patient_id_without_issuer_from_two_sites(data_dir: Path) -> None:
    assert send(ct_slice(), origin="CT-EAST", issuer="EAST") == Fate(0x0000, "instance", True)
    assert send(ct_slice(), origin="CT-WEST", issuer="WEST") == Fate(0x0000, "instance", True)
    issuers = Patient.objects.order_by("id").values_list("issuer_of_patient_id", "conflict")
    assert list(issuers) == [("EAST", False), ("WEST", False)]
    assert found(patient_id="P1") == ["Doe^Jane", "Doe^Jane"]


def test_patient_id_missing(data_dir: Path) -> None:
    send(ct_slice(PatientID=""))
    assert send(ct_slice(PatientID="")) == Fate(0x0000, "instance", True)
    assert Patient.objects.filter(patient_id="").count() == 2
    assert found("doe") == ["Doe^Jane", "Doe^Jane"]


def test_committed_no_more_when_the_file_is_lost(data_dir: Path) -> None:
    ds = ct_slice()
    send(ds)
    (data_dir / "store" / Instance.objects.get().file_key).unlink()
    assert not instance_committable(sop_class_uid=ds.SOPClassUID, sop_instance_uid=ds.SOPInstanceUID)
    assert send(ds).committable
