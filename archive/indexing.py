"""Rows for an object whose file is in its place: what the index says of it, in one transaction.

Called by ``archive.ingest`` for arrivals and by ``archive.maintenance`` for files that are there already.
Touches the database only and may be run again after a rollback.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import asdict, dataclass
from typing import Final

from archive.dicom.extract import InstanceRecord, SeriesRecord
from archive.dicom.values import clip
from archive.events import event_record
from archive.identity import study_modalities, study_resolve
from archive.models import Instance, InstanceVariant, QuarantinedObject, Series, SeriesRequest, Study
from archive.outcome import FiledObject, Outcome, Result
from archive.statements import row_count, row_create, row_insert
from archive.variants import instance_index_again


@dataclass(frozen=True, slots=True)
class Chain:
    """The rows under which an object of a known series belongs."""

    patient_id: int
    study_id: int
    series_id: int


@dataclass(frozen=True, slots=True)
class Indexed:
    outcome: Outcome
    chain: Chain | None = None


def instance_index(
    *, record: InstanceRecord, filed: FiledObject, careful: bool, announce: bool = True
) -> Indexed:
    """Write patient, study, series, instance, counters and one event for an object. Inside a transaction.

    ``careful`` looks first whether the UID has been taken since the caller looked. Without it a UID that
    is taken ends in an ``IntegrityError``, and the caller comes again, carefully.
    """
    if careful:
        kept = (
            Instance.objects.filter(sop_instance_uid=record.sop_instance_uid)
            .select_related("series__study__patient")
            .first()
        )
        if kept is not None:
            return Indexed(instance_index_again(kept=kept, record=record, filed=filed))
    chain, conflict = _chain_known(record, filed), False
    if chain is None:
        chain, conflict = _chain_resolve(record, filed)
    instance_id = row_insert(
        Instance,
        series_id=chain.series_id,
        sop_instance_uid=record.sop_instance_uid,
        sop_class_uid=record.sop_class_uid,
        transfer_syntax_uid=record.transfer_syntax_uid,
        instance_number=record.instance_number,
        rows=record.rows,
        columns=record.columns,
        number_of_frames=record.number_of_frames,
        facts=record.display.as_json(),
        file_key=filed.key,
        file_size=filed.size,
        dataset_digest=filed.dataset_digest,
        file_digest=filed.file_digest,
        source=clip(filed.source, 64),
        warnings=list(record.warnings),
        rejected_at=None,
        created_at=filed.arrived,
        committed_at=None,
    )
    if announce:
        event_record(topic="study", key=str(chain.study_id))
    outcome = Outcome(
        Result.CONFLICT_KEPT if conflict else Result.KEPT,
        instance_id=instance_id,
        warnings=record.warnings,
        reason="patient-conflict" if conflict else "",
    )
    return Indexed(outcome, chain)


def outcome_of_file(key: str) -> Outcome | None:
    """What the rows say became of the file of this name; None when no row names it."""
    if instance := Instance.objects.filter(file_key=key).first():
        return Outcome(Result.KEPT, instance_id=instance.pk, warnings=tuple(instance.warnings))
    if variant := InstanceVariant.objects.filter(file_key=key).first():
        same = variant.kind == InstanceVariant.Kind.OTHER_SYNTAX
        return Outcome(Result.VARIANT_KEPT if same else Result.CONFLICT_KEPT, instance_id=variant.instance_id)
    if item := QuarantinedObject.objects.filter(file_key=key, state=QuarantinedObject.State.HELD).first():
        return Outcome(Result.QUARANTINED, quarantine_id=item.pk, reason=item.reason, detail=item.detail)
    return None


# ---------------------------------------------------------------------- patient, study, series

_MOST_CHAINS: Final = 1024
_chains: OrderedDict[Hashable, Chain] = OrderedDict()
_chains_lock = threading.Lock()


def _chain_key(record: InstanceRecord) -> Hashable:
    """Everything of an object on which the choice of its patient, study and series depends."""
    return record.patient, record.study.study_instance_uid, record.series.series_instance_uid


def chain_remember(*, record: InstanceRecord, chain: Chain) -> None:
    """Remember where objects like this one belong. Only after the commit: a rolled back key is given
    again.
    """
    with _chains_lock:
        _chains[_chain_key(record)] = chain
        _chains.move_to_end(_chain_key(record))
        while len(_chains) > _MOST_CHAINS:
            _chains.popitem(last=False)


def chains_forget() -> None:
    with _chains_lock:
        _chains.clear()


def _chain_known(record: InstanceRecord, filed: FiledObject) -> Chain | None:
    """Where this process has put an object like this before, counted there; None when that is no longer so.

    The counters are the test: they change only if series, study and patient still hang together as
    remembered, whatever other processes did meanwhile.
    """
    with _chains_lock:
        chain = _chains.get(_chain_key(record))
    if chain is None:
        return None
    study = {
        "id": chain.study_id,
        "patient": chain.patient_id,
        "study_instance_uid": record.study.study_instance_uid,
    }
    series = {
        "id": chain.series_id,
        "study": chain.study_id,
        "series_instance_uid": record.series.series_instance_uid,
    }
    if not row_count(Series, where=series, add={"number_of_instances": 1}):
        return None
    counted = row_count(
        Study,
        where=study,
        add={"number_of_instances": 1, "size_bytes": filed.size},
        updated_at=filed.arrived,
    )
    if not counted:
        row_count(Series, where=series, add={"number_of_instances": -1})
        return None
    return chain


def _chain_resolve(record: InstanceRecord, filed: FiledObject) -> tuple[Chain, bool]:
    """Find or make patient, study and series, and count the object there. Also: is a conflict new with it?"""
    study, new_study = study_resolve(record=record, source=filed.source, arrived=filed.arrived)
    series, new_series = _series_resolve(study, record.series, filed, first=new_study)
    row_count(Series, where={"id": series.pk}, add={"number_of_instances": 1})
    row_count(
        Study,
        where={"id": study.pk},
        add={"number_of_instances": 1, "size_bytes": filed.size, "number_of_series": int(new_series)},
        updated_at=filed.arrived,
        modalities=series.modality if new_study else study_modalities(study=study),
    )
    return Chain(study.patient_id, study.pk, series.pk), new_study and study.conflict


def _series_resolve(
    study: Study, record: SeriesRecord, filed: FiledObject, *, first: bool
) -> tuple[Series, bool]:
    """The series of the record, and whether it is new. Whoever comes here holds the lock of the study, so
    that nobody else can make the series meanwhile; the ``first`` of a new study need not be looked for.
    """
    if not first:
        known = Series.objects.filter(study=study, series_instance_uid=record.series_instance_uid).first()
        if known is not None:
            return known, False
    series = Series(
        study=study,
        series_instance_uid=record.series_instance_uid,
        uid_derived=record.uid_derived,
        modality=clip(record.modality, 16),
        series_number=record.series_number,
        description=clip(record.description, 1024),
        body_part=clip(record.body_part, 64),
        laterality=clip(record.laterality, 16),
        protocol_name=clip(record.protocol_name),
        series_date=clip(record.series_date, 10),
        series_time=clip(record.series_time, 16),
        station_name=clip(record.station_name),
        manufacturer=clip(record.manufacturer),
        frame_of_reference_uid=clip(record.frame_of_reference_uid, 64),
        created_at=filed.arrived,
    )
    row_create(series)
    for request in record.requests:
        row_create(SeriesRequest(series=series, **asdict(request)))
    return series, True
