"""The worklist: what is planned for whom, where and when. Pages, files and modalities meet here.

A step is changed only while it waits: what a modality has taken is not altered under its hands.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.models import AbstractUser, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import CharField
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from archive.access import Act, require
from archive.audit import audit_record
from archive.dicom import values
from archive.dicom.latin import name_proposed
from archive.dicom.names import PersonName
from archive.events import event_record
from archive.models import AuditEvent
from dicomnet.models import ScheduledStep
from dicomnet.nodes import ae_title_valid

State = ScheduledStep.State
Code = dict[str, str]  # value, scheme, meaning

SEXES: Final = ("", "M", "F", "O")  # PS3.3 C.7.1.1
_MODALITY: Final = re.compile(r"[A-Z0-9_ ]{1,16}")
_UID: Final = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_BIRTH_DATE: Final = re.compile(r"[0-9]{4}([0-9]{2}){0,2}")  # also a year alone, and days nobody was born on
_SHORT: Final = 16  # SH, PS3.5 6.2
_LONG: Final = 64  # LO
_SHORT_FIELDS: Final = ("accession_number", "requested_procedure_id", "step_id", "station_name", "location")
_LONG_FIELDS: Final = (
    "patient_id",
    "issuer_of_patient_id",
    "requested_procedure_description",
    "step_description",
)
_FILES: Final = ("study_instance_uid", "step_id")  # what tells a step from another


@dataclass(frozen=True, slots=True)
class Planned:
    """A step as somebody wants it, by the names of ``ScheduledStep``. IDs left empty are made."""

    patient_id: str
    modality: str
    start_date: date
    start_time: time
    name_alphabetic: str = ""
    name_ideographic: str = ""
    name_phonetic: str = ""
    issuer_of_patient_id: str = ""
    birth_date: str = ""
    sex: str = ""
    weight: Decimal | None = None
    allergies: str = ""
    medical_alerts: str = ""
    pregnancy_status: int | None = None
    accession_number: str = ""
    requested_procedure_id: str = ""
    requested_procedure_description: str = ""
    requested_procedure_codes: list[Code] = field(default_factory=list)
    study_instance_uid: str = ""
    referring_physician_name: str = ""
    requesting_physician: str = ""
    step_id: str = ""
    step_description: str = ""
    protocol_codes: list[Code] = field(default_factory=list)
    station_ae_titles: str = ""
    station_name: str = ""
    location: str = ""
    performing_physician_name: str = ""
    further: dict[str, Any] = field(default_factory=dict)


class StepRefused(Exception):
    """Why a step cannot be changed so, in one sentence."""

    def __init__(self, sentence: Promise) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def planned_check(planned: Planned) -> None:
    """Raise ``ValidationError`` by field for what no modality could take (PS3.4 Table K.6-1)."""
    wrong: dict[str, tuple[bool, Promise]] = {
        "name_ideographic": (
            not (planned.name_alphabetic or planned.name_ideographic),
            _("Give the patient's name."),
        ),
        "patient_id": (not planned.patient_id, _("Give the patient ID.")),
        "modality": (not _MODALITY.fullmatch(planned.modality), _("Give a modality code such as CT.")),
        "station_ae_titles": (
            any(not ae_title_valid(title) for title in planned.station_ae_titles.split("\\") if title),
            _("An AE title has 1 to 16 ASCII characters, no backslash."),
        ),
        "study_instance_uid": (
            bool(planned.study_instance_uid) and not uid_valid(planned.study_instance_uid),
            _("This is no UID."),
        ),
        "birth_date": (
            bool(planned.birth_date) and not _BIRTH_DATE.fullmatch(planned.birth_date),
            _("This is no date."),
        ),
    }
    problems = {name: str(text) for name, (is_wrong, text) in wrong.items() if is_wrong}
    problems |= _too_long(planned)
    if problems:
        raise ValidationError(problems)


def _too_long(planned: Planned) -> dict[str, str]:
    """What is longer than its value representation, or its column, takes; or would be two values."""
    problems = {}
    columns = (column for column in ScheduledStep._meta.concrete_fields if isinstance(column, CharField))
    for column in columns:
        text = getattr(planned, column.name, "")
        most = column.max_length or 0
        if column.name in _SHORT_FIELDS or column.name in _LONG_FIELDS:
            most = _SHORT if column.name in _SHORT_FIELDS else _LONG
            if "\\" in text:
                problems[column.name] = str(_("A backslash cannot be part of it."))
        if len(text) > most:
            problems[column.name] = str(_("At most %(most)s characters.") % {"most": most})
    return problems


def uid_valid(text: str) -> bool:
    """Whether this is a UID (PS3.5 9.1)."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def uid_new() -> str:
    """A UID that nobody else has (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def _completed(planned: Planned) -> dict[str, Any]:
    """The columns of a step: what was left out is proposed, what names it is made."""
    columns = asdict(planned)
    if not planned.name_alphabetic:
        columns["name_alphabetic"] = name_proposed(planned.name_ideographic)
    columns["study_instance_uid"] = planned.study_instance_uid or uid_new()
    return columns


@transaction.atomic
def step_schedule(
    *, planned: Planned, by: AbstractUser | None = None, by_name: str = "", source: str = ""
) -> ScheduledStep:
    """Plan a step. Raises ``ValidationError`` and, for a person without the right, ``PermissionDenied``."""
    _may(by)
    planned_check(planned)
    columns = _completed(planned)
    if planned.step_id and ScheduledStep.objects.filter(**{name: columns[name] for name in _FILES}).exists():
        raise ValidationError({"step_id": str(_("This study has a step with this ID already."))})
    step = ScheduledStep(created_by=by if isinstance(by, User) else None, **columns)
    step.save()
    _told(step, {"scheduled": True}, by=by, by_name=by_name, source=source)
    return step


@transaction.atomic
def step_change(
    *, step: ScheduledStep, planned: Planned, by: AbstractUser, source: str = ""
) -> ScheduledStep:
    """Change a step that waits. Raises ``StepRefused`` for one that does not, else as ``step_schedule``."""
    _may(by)
    planned_check(planned)
    current = _locked(step)
    if current.state != State.SCHEDULED:
        raise StepRefused(_("It has begun or is over: what a modality has taken is not changed any more."))
    columns = _completed(planned)
    columns["study_instance_uid"] = planned.study_instance_uid or current.study_instance_uid
    columns["step_id"] = planned.step_id or current.step_id
    columns["requested_procedure_id"] = planned.requested_procedure_id or current.requested_procedure_id
    twin = ScheduledStep.objects.exclude(pk=current.pk).filter(**{name: columns[name] for name in _FILES})
    if twin.exists():
        raise ValidationError({"step_id": str(_("This study has a step with this ID already."))})
    changed = sorted(name for name, value in columns.items() if getattr(current, name) != value)
    for name in changed:
        setattr(current, name, columns[name])
    if changed:
        current.save()
        _told(current, {"changed": changed}, by=by, source=source)
    return current


# What people may make of a step in a state. What a report of the modality does is in ``dicomnet.mpps``.
_BY_HAND: Final = {
    State.SCHEDULED: {State.COMPLETED, State.DISCONTINUED, State.NO_SHOW},
    State.IN_PROGRESS: {State.COMPLETED, State.DISCONTINUED},
    State.COMPLETED: {State.SCHEDULED},
    State.DISCONTINUED: {State.SCHEDULED},
    State.NO_SHOW: {State.SCHEDULED},
}


def states_by_hand(*, step: ScheduledStep) -> set[State]:
    """Return what a person may make of this step now."""
    return _BY_HAND[State(step.state)]


@transaction.atomic
def step_set_state(
    *, step: ScheduledStep, state: State, reason: str = "", by: AbstractUser, source: str = ""
) -> ScheduledStep:
    """Close a step, or put it back on the list. Raises ``StepRefused`` when its state does not lead there."""
    _may(by)
    current = _locked(step)
    if state not in states_by_hand(step=current):
        raise StepRefused(_("Its state has changed meanwhile. Look again."))
    before, current.state, current.state_reason = current.state, state.value, values.clip(reason)
    current.save(update_fields=["state", "state_reason", "updated_at"])
    _told(current, {"state": [before, state.value], "reason": reason}, by=by, source=source)
    return current


@transaction.atomic
def no_shows_close(*, before: date, by: AbstractUser, source: str = "") -> int:
    """Close what was planned before this day and never began; return how many."""
    _may(by)
    waiting = ScheduledStep.objects.select_for_update().filter(state=State.SCHEDULED, start_date__lt=before)
    count = 0
    for step in waiting:
        step.state, step.state_reason = State.NO_SHOW.value, ""
        step.save(update_fields=["state", "state_reason", "updated_at"])
        _told(step, {"state": [State.SCHEDULED.value, State.NO_SHOW.value]}, by=by, source=source)
        count += 1
    return count


@transaction.atomic
def step_delete(*, step: ScheduledStep, reason: str, by: AbstractUser, source: str = "") -> None:
    """Remove a step; the trail keeps what it was and why. Raises ``StepRefused`` for one that has begun."""
    _may(by)
    current = _locked(step)
    if not reason.strip():
        raise StepRefused(_("Say why it is deleted."))
    if current.state in (State.IN_PROGRESS, State.COMPLETED):
        raise StepRefused(_("It has begun or is done: it stays on record."))
    _told(current, {"deleted": True, "reason": reason.strip()}, by=by, source=source)
    current.delete()


def _may(by: AbstractUser | None) -> None:
    """Commands of the machine's operator act for nobody."""
    if by is not None:
        require(user=by, act=Act.SCHEDULE)


def _locked(step: ScheduledStep) -> ScheduledStep:
    """The row as it is now, held until the transaction ends. One deleted meanwhile is refused."""
    current = ScheduledStep.objects.select_for_update().filter(pk=step.pk).first()
    if current is None:
        raise StepRefused(_("Somebody has deleted it meanwhile."))
    return current


def _told(
    step: ScheduledStep,
    detail: dict[str, Any],
    *,
    by: AbstractUser | None,
    by_name: str = "",
    source: str = "",
) -> None:
    event_record(topic="worklist", key=str(step.pk))
    audit_record(
        action=AuditEvent.Action.WORKLIST,
        actor=by,
        actor_name=by_name,
        source=source,
        study_instance_uid=step.study_instance_uid,
        patient_id=step.patient_id,
        object=f"{step.step_id} {step.accession_number}".strip(),
        detail=detail,
    )


# ---- what pages and modalities are told


@dataclass(frozen=True, slots=True)
class WorklistDay:
    """A day's steps in order of time, and how many open ones earlier days have left behind."""

    day: date
    steps: list[ScheduledStep]
    left_behind: int


def worklist_day(*, user: AbstractUser, day: date) -> WorklistDay:
    """Return what is planned for a day, whatever its state. Raises ``PermissionDenied`` without a role."""
    require(user=user, act=Act.VIEW)
    steps = ScheduledStep.objects.filter(start_date=day).order_by("start_time", "id")
    behind = ScheduledStep.objects.filter(state=State.SCHEDULED, start_date__lt=timezone.localdate())
    return WorklistDay(day, list(steps), behind.count())


def step_for(*, user: AbstractUser, pk: int) -> ScheduledStep | None:
    """Return a step a person may change. Raises ``PermissionDenied`` when there is none such."""
    require(user=user, act=Act.SCHEDULE)
    return ScheduledStep.objects.filter(pk=pk).first()


def name_of(step: ScheduledStep) -> PersonName:
    """The patient's name in its groups."""
    return PersonName(step.name_alphabetic, step.name_ideographic, step.name_phonetic)


def codes_text(codes: Iterable[Code]) -> str:
    """Codes as people and CSV files write them: ``value^scheme^meaning``, several separated by ``|``."""
    return " | ".join("^".join((c["value"], c["scheme"], c.get("meaning", ""))) for c in codes)


def codes_read(text: str) -> list[Code]:
    """The reverse of ``codes_text``. Raises ``ValueError`` for one without value, scheme or meaning."""
    found = []
    for part in filter(None, (one.strip() for one in text.split("|"))):
        pieces = [piece.strip() for piece in part.split("^")]
        if len(pieces) != 3 or not all(pieces):
            raise ValueError(part)
        found.append(dict(zip(("value", "scheme", "meaning"), pieces, strict=True)))
    return found
