"""An object arrives: what is on the disk, what is in the index, and in which order of certainty."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian, JPEGBaseline8Bit

from archive.ingest import Result, instance_ingest
from archive.models import Event, Instance, Patient, PatientTerm, Series, Study, StudyTerm
from archive.storage import Origin, stage_open, store
from tests.archive.arrivals import files_of_store, receive, stored_bytes, study_of, take_file
from tests.objects import ct_slice, encoded, part10

pytestmark = pytest.mark.django_db


def test_data_set_is_kept_as_sent_behind_a_file_meta_that_names_the_sender(data_dir: Path) -> None:
    ds = ct_slice()
    outcome = receive(ds)
    assert outcome.kind is Result.KEPT
    instance = Instance.objects.get()
    data = stored_bytes(instance.file_key)
    assert data.endswith(encoded(ds))
    head = data[: -len(encoded(ds))]
    assert head[:132] == b"\0" * 128 + b"DICM"
    read = pydicom.dcmread(data_dir / "store" / instance.file_key)
    assert read.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert read.file_meta.SourceApplicationEntityTitle == "CT1"
    assert read.file_meta.FileMetaInformationGroupLength == len(head) - 144
    assert instance.dataset_digest == hashlib.sha256(encoded(ds)).hexdigest()
    assert instance.file_digest == hashlib.sha256(data).hexdigest()
    assert instance.file_size == len(data)


def test_file_is_kept_byte_for_byte_and_its_digest_begins_after_group_2(
    data_dir: Path, tmp_path: Path
) -> None:
    ds = ct_slice()
    data = b"what a burner wrote".ljust(128, b"!") + part10(ds)[128:]
    take_file(tmp_path, data)
    instance = Instance.objects.get()
    assert stored_bytes(instance.file_key) == data
    assert instance.dataset_digest == hashlib.sha256(encoded(ds)).hexdigest()
    assert instance.file_digest == hashlib.sha256(data).hexdigest()
    assert instance.source == "import"


def test_rows_say_what_the_header_says(data_dir: Path) -> None:
    ds = ct_slice(InstanceNumber=7, SpecificCharacterSet="ISO_IR 192", PatientName="Wang^XiaoDong=王^小东=")
    receive(ds)
    instance = Instance.objects.select_related("series__study__patient").get()
    series, study, patient = instance.series, instance.series.study, instance.series.study.patient
    assert (instance.sop_instance_uid, instance.instance_number) == (ds.SOPInstanceUID, 7)
    assert (instance.rows, instance.columns, instance.number_of_frames) == (16, 16, 1)
    assert instance.facts["windows"] == [[40.0, 400.0, ""]]
    assert (series.modality, series.series_number, series.description) == ("CT", 2, "Soft 5.0")
    assert (study.study_date, study.accession_number, study.modalities) == ("20261123", "A1", "CT")
    assert study.sort_key == "20261123024700"
    assert (patient.patient_id, patient.birth_date, patient.sex) == ("P1", "19700101", "F")
    assert (patient.name_alphabetic, patient.name_ideographic) == ("Wang^XiaoDong", "王^小东")
    terms = set(PatientTerm.objects.values_list("term", flat=True))
    assert {"wang", "xiaodong", "王小东", "p1"} <= terms
    assert {"chest", "a1"} <= set(StudyTerm.objects.values_list("term", flat=True))


def test_counters_count_and_one_event_tells_of_each_object(data_dir: Path) -> None:
    first = ct_slice()
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    outcomes = [receive(ds) for ds in (first, ct_slice(**same), ct_slice(**same))]
    receive(ct_slice(StudyInstanceUID=first.StudyInstanceUID, Modality="SR"))
    study = Study.objects.get()
    assert [o.kind for o in outcomes] == [Result.KEPT] * 3
    assert (study.number_of_series, study.number_of_instances, study.modalities) == (2, 4, "CT\\SR")
    assert study.size_bytes == sum(Instance.objects.values_list("file_size", flat=True))
    assert list(Series.objects.order_by("id").values_list("number_of_instances", flat=True)) == [3, 1]
    assert list(Event.objects.values_list("topic", "key")) == [("study", str(study.pk))] * 4


def test_remembered_series_is_forgotten_when_somebody_deleted_its_study(data_dir: Path) -> None:
    first = ct_slice()
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    receive(first)
    receive(ct_slice(**same))
    Study.objects.all().delete()
    Patient.objects.all().delete()
    again = receive(ct_slice(**same))
    assert again.kind is Result.KEPT
    assert (Study.objects.get().number_of_instances, Series.objects.get().number_of_instances) == (1, 1)


def test_remembered_series_is_forgotten_when_its_study_went_to_another_patient(data_dir: Path) -> None:
    first = ct_slice()
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    receive(first)
    receive(ct_slice(**same))
    other = Patient.objects.create(patient_id="P2", patient_name="Roe^Rita", name_alphabetic="Roe^Rita")
    Study.objects.update(patient=other)
    again = receive(ct_slice(**same))
    assert again.kind is Result.CONFLICT_KEPT
    assert study_of(again).patient.name_alphabetic == "Doe^Jane"
    assert Study.objects.get(patient=other).number_of_instances == 2


def test_place_comes_from_digests_whatever_the_sender_calls_the_object(data_dir: Path) -> None:
    hostile = ct_slice(StudyInstanceUID="../../etc", PatientID="../../x", PatientName="<script>")
    outcome = receive(hostile)
    assert outcome.kind is Result.KEPT
    (name,) = files_of_store(data_dir)
    digest = hashlib.sha256(hostile.SOPInstanceUID.encode()).hexdigest()
    assert name.split("/")[0] == "objects"
    assert name.split("/")[2].startswith(digest[:32] + "-")


def test_same_bytes_again_write_nothing(data_dir: Path, tmp_path: Path) -> None:
    ds = ct_slice()
    receive(ds)
    before = (files_of_store(data_dir), Event.objects.count())
    again = receive(ds)
    from_file = take_file(tmp_path, ds)
    assert [again.kind, from_file.kind] == [Result.DUPLICATE] * 2
    assert again.instance_id == Instance.objects.get().pk
    assert (files_of_store(data_dir), Event.objects.count()) == before


def test_same_bytes_again_heal_a_lost_file(data_dir: Path) -> None:
    ds = ct_slice()
    receive(ds)
    lost = Instance.objects.get().file_key
    (data_dir / "store" / lost).unlink()
    again = receive(ds)
    instance = Instance.objects.get()
    assert (again.kind, again.reason) == (Result.KEPT, "file-restored")
    assert instance.file_key != lost
    assert stored_bytes(instance.file_key).endswith(encoded(ds))


def test_every_syntax_is_kept_as_sent_known_or_not(data_dir: Path) -> None:
    implicit = ct_slice()
    receive(implicit, syntax=ImplicitVRLittleEndian)
    unknown = ct_slice()
    receive(unknown, labelled="1.2.3.4.5.6.7")
    syntaxes = set(Instance.objects.values_list("transfer_syntax_uid", flat=True))
    assert syntaxes == {"1.2.840.10008.1.2", "1.2.3.4.5.6.7"}
    kept = Instance.objects.get(sop_instance_uid=implicit.SOPInstanceUID)
    assert stored_bytes(kept.file_key).endswith(encoded(implicit, ImplicitVRLittleEndian))


def test_values_too_long_for_a_column_are_shortened_not_refused(data_dir: Path) -> None:
    long = ct_slice(PatientID="7" * 3000, StudyDescription="x" * 5000, Modality="M" * 40)
    outcome = receive(long)
    assert outcome.kind is Result.KEPT
    patient = Patient.objects.get()
    assert len(patient.patient_id) <= 255
    assert patient.patient_id.startswith("7" * 100)


def test_numbers_that_no_column_holds_are_left_out(data_dir: Path) -> None:
    ds = ct_slice(WindowCenter=None, WindowWidth=None)
    ds.add_new(0x00281050, "DS", "NaN")
    ds.add_new(0x00281051, "DS", "inf")
    ds.add_new(0x00200013, "IS", "99999999999")
    assert receive(ds).kind is Result.KEPT
    instance = Instance.objects.get()
    assert instance.instance_number is None
    assert "NaN" not in json.dumps(instance.facts)


def test_memory_does_not_grow_with_the_object(data_dir: Path) -> None:
    ds = ct_slice()
    head, tail = encoded(ds)[:-512], 64 << 20
    head = head[:-4] + tail.to_bytes(4, "little")  # the length of Pixel Data
    stage = stage_open(
        sop_class_uid=ds.SOPClassUID,
        sop_instance_uid=ds.SOPInstanceUID,
        transfer_syntax_uid="1.2.840.10008.1.2.1",
    )
    block = bytes(1 << 16)
    tracemalloc.start()
    try:
        stage.write(head)
        for _ in range(tail >> 16):
            stage.write(block)
        outcome = instance_ingest(stage=stage, origin=Origin("CT1"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.kind is Result.KEPT
    assert Instance.objects.get().file_size == stage.size > 64 << 20
    assert peak < 8 << 20


def test_lossless_copy_in_another_syntax_is_kept_beside_the_first(data_dir: Path) -> None:
    ds = ct_slice()
    receive(ds)
    again = receive(ds, syntax=ImplicitVRLittleEndian)
    assert (again.kind, again.reason) == (Result.VARIANT_KEPT, "other-syntax")
    instance = Instance.objects.get()
    variant = instance.variants.get()
    assert (variant.kind, variant.transfer_syntax_uid) == ("syntax", "1.2.840.10008.1.2")
    assert stored_bytes(variant.file_key).endswith(encoded(ds, ImplicitVRLittleEndian))
    assert stored_bytes(instance.file_key).endswith(encoded(ds))
    assert study_of(again).conflict is False
    assert receive(ds, syntax=ImplicitVRLittleEndian).kind is Result.DUPLICATE


def test_lossy_copy_under_the_same_uid_is_another_image(data_dir: Path) -> None:
    ds = ct_slice()
    receive(ds)
    lossy = ct_slice(**{e: ds[e].value for e in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")})
    lossy.LossyImageCompression = "01"
    again = receive(lossy, labelled=JPEGBaseline8Bit)
    assert (again.kind, again.reason) == (Result.CONFLICT_KEPT, "other-bytes")
    assert study_of(again).conflict is True


def test_origin_is_kept_beside_the_objects_because_the_index_can_be_lost(data_dir: Path) -> None:
    origin = Origin("CT9", address="10.0.0.9", default_charset="GB18030", default_issuer="EAST")
    receive(ct_slice(), origin=origin)
    key = Instance.objects.get().file_key
    token = key.removesuffix(".dcm").rsplit("-", 1)[1]
    read = store().origin_read(token)
    assert (read.source, read.default_charset, read.default_issuer) == ("CT9", "GB18030", "EAST")
    assert read.address == ""
    assert Patient.objects.get().issuer_of_patient_id == "EAST"
