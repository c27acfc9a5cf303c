"""What a modality says of a performed step: a message of PS3.4 F.7.2, read and judged.

Judged mildly. A report with a gap is worth more than none, so what Table F.7.2-1 requires and a sender
forgot is noted, not refused; only a state that means nothing is, and a completed step that made nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from archive.dicom import values
from archive.dicom.header import Values
from archive.dicom.tags import tag

STATE: Final = tag("PerformedProcedureStepStatus")
SERIES: Final = tag("PerformedSeriesSequence")
_REFERENCES: Final = tag("ScheduledStepAttributesSequence")
_REASON: Final = tag("PerformedProcedureStepDiscontinuationReasonCodeSequence")
_STUDY: Final = tag("StudyInstanceUID")
_SERIES_UID: Final = tag("SeriesInstanceUID")
_MADE: Final = (tag("ReferencedImageSequence"), tag("ReferencedNonImageCompositeSOPInstanceSequence"))
_START_DATE, _START_TIME = tag("PerformedProcedureStepStartDate"), tag("PerformedProcedureStepStartTime")
_END_DATE, _END_TIME = tag("PerformedProcedureStepEndDate"), tag("PerformedProcedureStepEndTime")

# Columns of ``PerformedStep`` that are texts. Those of ``_ONCE`` are set by N-CREATE and never after.
_ONCE: Final = {
    tag("PerformedProcedureStepID"): "performed_step_id",
    tag("PerformedStationAETitle"): "station_ae_title",
    _START_DATE: "start_date",
    _START_TIME: "start_time",
    tag("Modality"): "modality",
    tag("PatientName"): "patient_name",
    tag("PatientID"): "patient_id",
    tag("IssuerOfPatientID"): "issuer_of_patient_id",
}
_LATER: Final = {
    tag("PerformedProcedureStepDescription"): "description",
    _END_DATE: "end_date",
    _END_TIME: "end_time",
}
_LIMITS: Final = {
    "patient_name": 1024,
    "patient_id": 255,
    "issuer_of_patient_id": 255,
    "description": 255,
} | {"modality": 16}
_DATES, _TIMES = frozenset({_START_DATE, _END_DATE}), frozenset({_START_TIME, _END_TIME})
# Type 1 at N-CREATE, and at the final state (Table F.7.2-1).
_FIRST: Final = (*list(_ONCE)[:5], _REFERENCES)
_LAST: Final = (_END_DATE, _END_TIME)


@dataclass(frozen=True, slots=True)
class Reference:
    """An item of the Scheduled Step Attributes Sequence."""

    study_instance_uid: str
    accession_number: str
    requested_procedure_id: str
    scheduled_step_id: str


@dataclass(frozen=True, slots=True)
class Made:
    """An object the step made."""

    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str


@dataclass(frozen=True, slots=True)
class Report:
    """A message. ``state`` and ``made`` are None where the message does not speak of them.

    ``columns`` are those it sets; ``once`` those of them that only N-CREATE may set. ``missing`` and
    ``strange`` are tags that lack, or have no sensible, value.
    """

    state: str | None
    columns: dict[str, str]
    once: dict[str, tuple[int, str]]
    references: tuple[Reference, ...]
    made: tuple[Made, ...] | None
    series_count: int
    reason: tuple[str, str, str] | None  # value, scheme, meaning
    missing: tuple[int, ...]
    strange: tuple[int, ...]


def report_read(found: Values, *, first: bool) -> Report:
    """Read an N-CREATE (``first``) or N-SET. Raises nothing."""
    strange: list[int] = []
    once = {name: (key, _text(found, key, name, strange)) for key, name in _ONCE.items() if key in found}
    columns = {name: _text(found, key, name, strange) for key, name in _LATER.items() if key in found}
    references = tuple(map(_reference, found.items(_REFERENCES)))
    missing = [key for key in _FIRST if not _given(found, key)] if first else []
    if first and references and not any(reference.study_instance_uid for reference in references):
        missing.append(_STUDY)
    series = found.items(SERIES)
    if any(not one.uid(_SERIES_UID) for one in series):
        missing.append(_SERIES_UID)
    return Report(
        state=found.text(STATE).upper() if STATE in found else None,
        columns=columns,
        once=once,
        references=references,
        made=tuple(_made(series)) if SERIES in found else None,
        series_count=len(series),
        reason=_reason(found),
        missing=tuple(missing),
        strange=tuple(strange),
    )


def last_missing(known: Iterable[str]) -> tuple[int, ...]:
    """What the final state requires and nobody has said; ``known`` are columns with a value."""
    names = set(known)
    return tuple(key for key in _LAST if _LATER[key] not in names)


def _given(found: Values, key: int) -> bool:
    return bool(found.items(key) or found.raw(key).strip(b" \0"))


def _text(found: Values, key: int, name: str, strange: list[int]) -> str:
    said = found.text(key)
    read = values.date(said) if key in _DATES else values.time(said) if key in _TIMES else said
    if said and not read:
        strange.append(key)
    return values.clip(read, _LIMITS.get(name, 64)) if read else ""


def _reference(item: Values) -> Reference:
    return Reference(
        study_instance_uid=item.uid(_STUDY),
        accession_number=values.clip(item.text(tag("AccessionNumber"))),
        requested_procedure_id=values.clip(item.text(tag("RequestedProcedureID")), 64),
        scheduled_step_id=values.clip(item.text(tag("ScheduledProcedureStepID")), 64),
    )


def _made(series: list[Values]) -> list[Made]:
    found: dict[str, Made] = {}
    for one in series:
        uid = one.uid(_SERIES_UID)
        for sequence in _MADE:
            for item in one.items(sequence):
                made = item.uid(tag("ReferencedSOPInstanceUID"))
                if made:
                    found[made] = Made(uid, made, item.uid(tag("ReferencedSOPClassUID")))
    return list(found.values())


def _reason(found: Values) -> tuple[str, str, str] | None:
    items = found.items(_REASON)
    if not items:
        return None
    keys = (tag("CodeValue"), tag("CodingSchemeDesignator"), tag("CodeMeaning"))
    value, scheme, meaning = (items[0].text(key) for key in keys)
    return values.clip(value, 64), values.clip(scheme, 64), values.clip(meaning)
