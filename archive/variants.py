"""The same SOP Instance UID again: equal bytes, another syntax, or something else altogether.

Whatever it is, what was kept first stays as it is, and nothing that differs is thrown away.
"""

from __future__ import annotations

from archive.dicom.extract import InstanceRecord
from archive.dicom.values import clip
from archive.events import event_record
from archive.models import Instance, InstanceVariant, Study
from archive.outcome import FiledObject, Outcome, Result
from archive.statements import rows_read
from archive.storage import store


def duplicate_find(*, record: InstanceRecord, dataset_digest: str) -> Outcome | None:
    """Say ``DUPLICATE`` when exactly these bytes are kept, committed, with their file in its place."""
    uid, same = record.sop_instance_uid, (record.transfer_syntax_uid, dataset_digest)
    wanted = ("id", "transfer_syntax_uid", "dataset_digest", "file_key", "file_size")
    rows = rows_read(Instance, wanted, where="sop_instance_uid", value=uid)
    if not rows:
        return None
    number = rows[0][0]
    rows += rows_read(InstanceVariant, wanted, where="instance", value=number)
    for _, syntax, digest, key, size in rows:
        if (syntax, digest) == same and store().size(key) == size:
            return Outcome(Result.DUPLICATE, instance_id=number, warnings=record.warnings)
    return None


def instance_index_again(*, kept: Instance, record: InstanceRecord, filed: FiledObject) -> Outcome:
    """Write what follows from a further arrival under the UID of ``kept``. Inside a transaction."""
    if kept.file_key == filed.key:  # indexed from the file meanwhile, by fsck or reindex
        return Outcome(Result.KEPT, instance_id=kept.pk, warnings=record.warnings)
    known: list[Instance | InstanceVariant] = [kept, *kept.variants.all()]
    for row in known:
        same = (row.transfer_syntax_uid, row.dataset_digest)
        if same == (record.transfer_syntax_uid, filed.dataset_digest):
            return _index_equal(row, kept, record, filed)
    return _variant_create(kept, record, filed)


def _index_equal(
    row: Instance | InstanceVariant, kept: Instance, record: InstanceRecord, filed: FiledObject
) -> Outcome:
    """The very bytes are known. If their file was lost, the new one takes its place."""
    if row.file_key == filed.key:
        return Outcome(Result.VARIANT_KEPT, instance_id=kept.pk, warnings=record.warnings)
    if store().size(row.file_key) == row.file_size:
        return Outcome(Result.DUPLICATE, instance_id=kept.pk, warnings=record.warnings)
    row.file_key, row.file_size, row.file_digest = filed.key, filed.size, filed.file_digest
    row.save(update_fields=["file_key", "file_size", "file_digest"])
    event_record(topic="study", key=str(kept.series.study_id))
    return Outcome(Result.KEPT, instance_id=kept.pk, warnings=record.warnings, reason="file-restored")


def _variant_create(kept: Instance, record: InstanceRecord, filed: FiledObject) -> Outcome:
    study = kept.series.study
    same = kept.transfer_syntax_uid != record.transfer_syntax_uid and same_object(kept, record)
    InstanceVariant.objects.create(
        instance=kept,
        kind=InstanceVariant.Kind.OTHER_SYNTAX if same else InstanceVariant.Kind.OTHER_BYTES,
        transfer_syntax_uid=record.transfer_syntax_uid,
        file_key=filed.key,
        file_size=filed.size,
        dataset_digest=filed.dataset_digest,
        file_digest=filed.file_digest,
        source=clip(filed.source, 64),
        created_at=filed.arrived,
    )
    if not same:
        Study.objects.filter(pk=study.pk).update(conflict=True)
    event_record(topic="study", key=str(study.pk))
    return Outcome(
        Result.VARIANT_KEPT if same else Result.CONFLICT_KEPT,
        instance_id=kept.pk,
        warnings=record.warnings,
        reason="other-syntax" if same else "other-bytes",
    )


def same_object(kept: Instance, record: InstanceRecord) -> bool:
    """Whether something in another transfer syntax is the same object, as far as headers tell.

    It must name the same class, study, series and number, have the same pixel geometry, belong to nobody
    else, and not differ in whether it was ever compressed with loss: that makes another image, which
    needs a UID of its own (PS3.3 C.7.6.1.1.5).
    """
    study, facts, display = kept.series.study, kept.facts, record.display
    before = (
        kept.sop_class_uid,
        kept.instance_number,
        (kept.rows, kept.columns, kept.number_of_frames),
        kept.series.series_instance_uid,
        study.study_instance_uid,
        study.patient.patient_id,
        (bool(facts.get("lossy")), facts.get("samples", 1), facts.get("bits_stored")),
    )
    now = (
        record.sop_class_uid,
        record.instance_number,
        (record.rows, record.columns, record.number_of_frames),
        record.series.series_instance_uid,
        record.study.study_instance_uid,
        record.patient.patient_id,
        (display.lossy, display.samples, display.bits_stored),
    )
    return before == now
