"""Performed procedure steps (PS3.4 F.7): kept as reported, and what follows for the worklist.

All of a report is written in one transaction, before it is answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction

from archive.audit import audit_record
from archive.dicom.reader import Unreadable, read_message
from archive.events import event_record
from archive.models import AuditEvent
from archive.query import studies_listed
from dicomnet.models import (
    PerformedInstance,
    PerformedMessage,
    PerformedReference,
    PerformedStep,
    ScheduledStep,
)
from dicomnet.mpps_report import SERIES, STATE, Reference, Report, last_missing, report_read
from dicomnet.status import Status
from dicomnet.worklist import uid_new

State = PerformedStep.State
Planned = ScheduledStep.State

NO_LONGER: Final = 0xA710  # Error ID: may no longer be updated (PS3.4 F.7.2.2.2)
_COMMENT_NO_LONGER: Final = "Performed Procedure Step Object may no longer be updated"

# Why a step was broken off (PS3.16 CID 9300, scheme DCM), and what becomes of the item on the worklist.
# It goes back where the examination is still wanted and only this attempt failed; it is closed where it
# is not wanted any more, or somebody has to decide; without a code it is closed, and people can put it back.
_BACK: Final = frozenset(
    {
        "110501",  # Equipment failure
        "110506",  # Patient taken for treatment or surgery
        "110514",  # Incorrect worklist entry selected
        "110516",  # Equipment change
        "110521",  # Objects incorrectly formatted
        "110522",  # Object Types not supported
        "110523",  # Object Set incomplete
        "110524",  # Media Failure
        "110526",  # Resource pre-empted
        "110527",  # Resource inadequate
        "110529",  # Discontinued Procedure Step rescheduling recommended
    }
)
_NOT_THERE: Final = "110507"  # Patient did not arrive


def planned_after(code: str, scheme: str) -> str:
    """The state of a worklist item whose step was broken off for this reason."""
    if scheme == "DCM" and code in _BACK:
        return Planned.SCHEDULED.value
    if scheme == "DCM" and code == _NOT_THERE:
        return Planned.NO_SHOW.value
    return Planned.DISCONTINUED.value


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it came: who sent it, its data set and how that is encoded."""

    data: bytes
    transfer_syntax_uid: str
    source: str = ""
    default_charset: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request is answered. ``attributes`` are the tags the status is about."""

    status: Status
    comment: str = ""
    attributes: tuple[int, ...] = ()
    sop_instance_uid: str = ""
    error_id: int | None = None


class _Refused(Exception):
    def __init__(self, status: Status, comment: str, *attributes: int, error_id: int | None = None) -> None:
        super().__init__(comment)
        self.answer = Answer(status, comment, attributes, error_id=error_id)


def performed_create(*, sop_instance_uid: str, message: Message) -> Answer:
    """N-CREATE (F.7.2.1): a step has begun. Without a UID it gets one; the answer says which."""
    uid = sop_instance_uid or uid_new()
    try:
        report = _report(message, first=True)
        _check_first(report)
        if PerformedStep.objects.filter(sop_instance_uid=uid).exists():
            return Answer(Status.DUPLICATE_SOP_INSTANCE, "This step was reported before")
        with transaction.atomic():
            return _create(uid, report, message)
    except _Refused as refused:
        return refused.answer
    except IntegrityError:  # its twin came first
        return Answer(Status.DUPLICATE_SOP_INSTANCE, "This step was reported before")


def performed_set(*, sop_instance_uid: str, message: Message) -> Answer:
    """N-SET (F.7.2.2): more of a step that goes on, or its end."""
    try:
        report = _report(message, first=False)
        with transaction.atomic():
            step = PerformedStep.objects.select_for_update().filter(sop_instance_uid=sop_instance_uid).first()
            if step is None:
                raise _Refused(Status.NO_SUCH_SOP_INSTANCE, "No such step was reported")
            return _set(step, report, message)
    except _Refused as refused:
        return refused.answer


def _report(message: Message, *, first: bool) -> Report:
    try:
        found = read_message(
            message.data,
            transfer_syntax_uid=message.transfer_syntax_uid,
            default_charset=message.default_charset,
        )
    except Unreadable as error:
        raise _Refused(
            Status.PROCESSING_FAILURE, f"The data set cannot be understood: {error.code}"
        ) from None
    return report_read(found, first=first)


def _check_first(report: Report) -> None:
    if report.state is None:
        raise _Refused(Status.MISSING_ATTRIBUTE, "Performed Procedure Step Status is missing", STATE)
    if not report.state:
        raise _Refused(Status.MISSING_ATTRIBUTE_VALUE, "Performed Procedure Step Status is empty", STATE)
    if report.state != State.IN_PROGRESS:
        raise _Refused(Status.INVALID_ATTRIBUTE_VALUE, "A step begins IN PROGRESS", STATE)


def _create(uid: str, report: Report, message: Message) -> Answer:
    step = PerformedStep(sop_instance_uid=uid, state=State.IN_PROGRESS, source=message.source)
    for name, (_key, text) in report.once.items():
        setattr(step, name, text)
    answer = _noted(step, report, (*report.missing, *_apply(step, report)))
    step.save()
    _made(step, report)
    planned = [_link(step, reference) for reference in report.references]
    _keep(step, "N-CREATE", message, answer.status)
    for item in {item.pk: item for item in planned if item is not None}.values():
        if item.state != Planned.COMPLETED:
            _planned_set(item, Planned.IN_PROGRESS.value, "", step)
    _told(step)
    return Answer(answer.status, answer.comment, answer.attributes, uid)


def _set(step: PerformedStep, report: Report, message: Message) -> Answer:
    try:
        _check_later(step, report)
    except _Refused as refused:
        _keep(step, "N-SET", message, refused.answer.status)  # what it said is not lost with the refusal
        return refused.answer
    answer = _noted(step, report, (*report.missing, *_apply(step, report)))
    step.save()
    _made(step, report)
    _keep(step, "N-SET", message, answer.status)
    if step.state != State.IN_PROGRESS:
        _finish(step)
    _told(step)
    return answer


def _check_later(step: PerformedStep, report: Report) -> None:
    if step.state != State.IN_PROGRESS:
        raise _Refused(Status.PROCESSING_FAILURE, _COMMENT_NO_LONGER, error_id=NO_LONGER)
    if report.state is not None and report.state not in State.values:
        raise _Refused(Status.INVALID_ATTRIBUTE_VALUE, "No state of a performed step", STATE)
    if report.state != State.COMPLETED:
        return
    # A series must exist for every completed step, though it may hold no object (Table F.7.2-1, note 2).
    if report.made is None and not step.series_count:
        raise _Refused(Status.MISSING_ATTRIBUTE, "Performed Series Sequence is missing", SERIES)
    if report.made is not None and not report.series_count:
        raise _Refused(Status.MISSING_ATTRIBUTE_VALUE, "Performed Series Sequence is empty", SERIES)


def _apply(step: PerformedStep, report: Report) -> list[int]:
    """Write into the row what a report may say; return the tags of what it may not change, or lacks."""
    ignored = []
    for name, text in report.columns.items():
        setattr(step, name, text)
    for name, (key, text) in report.once.items():
        if text != getattr(step, name):
            ignored.append(key)
    if report.made is not None:
        step.series_count = report.series_count
    if report.reason is not None:
        step.reason_code, step.reason_scheme, step.reason_meaning = report.reason
    if report.state is not None:
        step.state = report.state
    if step.state != State.IN_PROGRESS:
        columns = ("end_date", "end_time")
        ignored += last_missing(name for name in columns if getattr(step, name))
        if not step.series_count:
            ignored.append(SERIES)
    return ignored


def _noted(step: PerformedStep, report: Report, wrong: Iterable[int]) -> Answer:
    """Success, or the warning that names what was wrong; it stays with the step."""
    attributes = tuple(dict.fromkeys(wrong))
    step.warnings = list(dict.fromkeys([*step.warnings, *(f"{key:08X}" for key in attributes)]))
    if attributes:
        return Answer(Status.ATTRIBUTE_LIST_ERROR, "Kept, though attributes are missing or fixed", attributes)
    if report.strange:
        step.warnings = list(dict.fromkeys([*step.warnings, *(f"{key:08X}" for key in report.strange)]))
        return Answer(Status.ATTRIBUTE_VALUE_OUT_OF_RANGE, "Kept, though a value makes no sense")
    return Answer(Status.SUCCESS)


def _made(step: PerformedStep, report: Report) -> None:
    """What the step made so far: each report tells all of it anew."""
    if report.made is None:
        return
    step.instances.all().delete()
    PerformedInstance.objects.bulk_create(
        [
            PerformedInstance(
                performed=step,
                series_instance_uid=made.series_instance_uid,
                sop_instance_uid=made.sop_instance_uid,
                sop_class_uid=made.sop_class_uid,
            )
            for made in report.made
        ],
        batch_size=500,
    )


def _keep(step: PerformedStep, operation: str, message: Message, status: int) -> None:
    PerformedMessage.objects.create(
        performed=step,
        operation=operation,
        transfer_syntax_uid=message.transfer_syntax_uid,
        data_set=message.data,
        status=status,
        source=message.source,
    )


# ---- the worklist


def _link(step: PerformedStep, reference: Reference) -> ScheduledStep | None:
    """Note what a step answers to, with the item of the worklist that agrees, if exactly one does."""
    item = _planned_for(reference)
    PerformedReference.objects.create(
        performed=step,
        study_instance_uid=reference.study_instance_uid,
        accession_number=reference.accession_number,
        requested_procedure_id=reference.requested_procedure_id,
        scheduled_step_id=reference.scheduled_step_id,
        scheduled=item,
    )
    if item is not None and step.patient_id and step.patient_id != item.patient_id:
        step.warnings = [*step.warnings, "patient-differs"]
        step.save(update_fields=["warnings"])
    return item


def _planned_for(reference: Reference) -> ScheduledStep | None:
    """By study and step ID; without a step ID by the study's only open step; without a study UID by
    accession number and step ID. What could be two items is none."""
    items = ScheduledStep.objects.select_for_update()
    if reference.study_instance_uid:
        items = items.filter(study_instance_uid=reference.study_instance_uid)
        if not reference.scheduled_step_id:
            items = items.filter(state__in=ScheduledStep.OPEN)
    elif reference.accession_number and reference.scheduled_step_id:
        items = items.filter(accession_number=reference.accession_number)
    else:
        return None
    if reference.scheduled_step_id:
        items = items.filter(step_id=reference.scheduled_step_id)
    found = list(items[:2])
    return found[0] if len(found) == 1 else None


def _finish(step: PerformedStep) -> None:
    """A step is over: its items leave the worklist, or go back on it."""
    ids = step.references.exclude(scheduled=None).values_list("scheduled", flat=True)
    after = Planned.COMPLETED.value
    if step.state == State.DISCONTINUED:
        after = planned_after(step.reason_code, step.reason_scheme)
    for item in ScheduledStep.objects.select_for_update().filter(pk__in=set(ids)):
        others = PerformedStep.objects.filter(references__scheduled=item).exclude(pk=step.pk)
        if others.filter(state=State.IN_PROGRESS).exists():
            continue  # somebody is still at it
        done = others.filter(state=State.COMPLETED).exists() or item.state == Planned.COMPLETED
        state = Planned.COMPLETED.value if done else after  # what was done stays done
        reason = "" if state == Planned.COMPLETED else step.reason_meaning or step.reason_code
        _planned_set(item, state, reason, step)


def _planned_set(item: ScheduledStep, state: str, reason: str, step: PerformedStep) -> None:
    if item.state == state:
        return
    before, item.state, item.state_reason = item.state, state, reason
    item.save(update_fields=["state", "state_reason", "updated_at"])
    event_record(topic="worklist", key=str(item.pk))
    audit_record(
        action=AuditEvent.Action.WORKLIST,
        actor_name=step.source,
        study_instance_uid=item.study_instance_uid,
        patient_id=item.patient_id,
        object=f"{item.step_id} {item.accession_number}".strip(),
        detail={"state": [before, state], "performed": step.sop_instance_uid, "reason": reason},
    )


def _told(step: PerformedStep) -> None:
    """Pages of the step, and of the studies whose completeness it changes."""
    event_record(topic="performed", key=str(step.pk))
    uids = step.references.exclude(study_instance_uid="").values_list("study_instance_uid", flat=True)
    for pk in studies_listed().filter(study_instance_uid__in=set(uids)).values_list("pk", flat=True):
        event_record(topic="study", key=str(pk))
