"""A scheduled step as an item of the modality worklist (PS3.4 Table K.6-1), and back from one.

An item is plain: tag to text, several values separated by backslashes, or to the items of a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from archive.dicom import values
from archive.dicom.header import Values
from archive.dicom.latin import name_in_hanzi, name_in_latin
from archive.dicom.names import PersonName
from archive.dicom.tags import dictionary_vr, tag
from dicomnet.models import AENode, ScheduledStep
from dicomnet.worklist import Code, Planned, name_of

Item = dict[int, "str | list[Item]"]
NameForm = AENode.NameForm

_LONGEST: Final = 10_240  # LT, PS3.5 6.2
STEPS: Final = tag("ScheduledProcedureStepSequence")
_NAME: Final = tag("PatientName")
_WEIGHT, _PREGNANCY = tag("PatientWeight"), tag("PregnancyStatus")
_DATE, _TIME = tag("ScheduledProcedureStepStartDate"), tag("ScheduledProcedureStepStartTime")
_STATUS: Final = tag("ScheduledProcedureStepStatus")
_REQUESTED, _PLANNED = tag("RequestedProcedureDescription"), tag("ScheduledProcedureStepDescription")
_CHARSET: Final = tag("SpecificCharacterSet")

# Columns that are texts, by keyword.
_TEXTS: Final = {
    tag("PatientID"): "patient_id",
    tag("IssuerOfPatientID"): "issuer_of_patient_id",
    tag("PatientBirthDate"): "birth_date",
    tag("PatientSex"): "sex",
    tag("Allergies"): "allergies",
    tag("MedicalAlerts"): "medical_alerts",
    tag("AccessionNumber"): "accession_number",
    tag("RequestedProcedureID"): "requested_procedure_id",
    _REQUESTED: "requested_procedure_description",
    tag("StudyInstanceUID"): "study_instance_uid",
    tag("ReferringPhysicianName"): "referring_physician_name",
    tag("RequestingPhysician"): "requesting_physician",
}
_STEP_TEXTS: Final = {
    tag("Modality"): "modality",
    tag("ScheduledStationAETitle"): "station_ae_titles",
    tag("ScheduledStationName"): "station_name",
    tag("ScheduledProcedureStepLocation"): "location",
    tag("ScheduledPerformingPhysicianName"): "performing_physician_name",
    _PLANNED: "step_description",
    tag("ScheduledProcedureStepID"): "step_id",
}
_CODES: Final = tag("RequestedProcedureCodeSequence")
_PROTOCOLS: Final = tag("ScheduledProtocolCodeSequence")
# Keys of type 2 that have no column: answered, empty unless a file said more.
_EMPTY: Final = (
    tag("ReferencedStudySequence"),
    tag("RequestedProcedurePriority"),
    tag("PatientTransportArrangements"),
    tag("AdmissionID"),
    tag("CurrentPatientLocation"),
    tag("ReferencedPatientSequence"),
    tag("ConfidentialityConstraintOnPatientDataDescription"),
    tag("PatientState"),
    tag("SpecialNeeds"),
)
_STEP_EMPTY: Final = (tag("PreMedication"), tag("RequestedContrastAgent"))
_CODE: Final = {
    tag("CodeValue"): "value",
    tag("CodingSchemeDesignator"): "scheme",
    tag("CodeMeaning"): "meaning",
}


def item_of(step: ScheduledStep) -> Item:
    """All there is to tell of a step, as it is kept."""
    item = _empty(_EMPTY) | _read_further(step.further.get("item", {}))
    item |= {key: getattr(step, column) for key, column in _TEXTS.items()}
    item[_NAME] = str(name_of(step))
    item[_WEIGHT] = f"{step.weight.normalize():f}" if step.weight is not None else ""
    item[_PREGNANCY] = str(step.pregnancy_status or "")
    item[_CODES] = [_code_item(code) for code in step.requested_procedure_codes]
    part = _empty(_STEP_EMPTY) | _read_further(step.further.get("step", {}))
    part |= {key: getattr(step, column) for key, column in _STEP_TEXTS.items()}
    part[_DATE], part[_TIME] = f"{step.start_date:%Y%m%d}", _time_text(step.start_time)
    part[_STATUS] = "STARTED" if step.state == ScheduledStep.State.IN_PROGRESS else "SCHEDULED"
    part[_PROTOCOLS] = [_code_item(code) for code in step.protocol_codes]
    # Type 1C: a description or a code. A step without either is still a step.
    if not part[_PLANNED] and not part[_PROTOCOLS]:
        part[_PLANNED] = step.requested_procedure_description or step.modality
    if not item[_REQUESTED] and not item[_CODES]:
        item[_REQUESTED] = part[_PLANNED]
    item[STEPS] = [part]
    return item


def _empty(keys: tuple[int, ...]) -> Item:
    return {key: [] if dictionary_vr(key) == b"SQ" else "" for key in keys}


def _code_item(code: Code) -> Item:
    return {key: code.get(name, "") for key, name in _CODE.items()}


def _time_text(at: time) -> str:
    return f"{at:%H%M%S}" + (f".{at.microsecond:06}" if at.microsecond else "")


def _read_further(said: Mapping[str, Any]) -> Item:
    return {
        int(key, 16): [_read_further(one) for one in value] if isinstance(value, list) else value
        for key, value in said.items()
    }


def names_written(item: Item, form: str) -> Item:
    """The item with every person's name in the form a device wants (``AENode.NameForm``)."""
    written: Item = {}
    for key, value in item.items():
        if isinstance(value, list):
            written[key] = [names_written(one, form) for one in value]
        elif value and dictionary_vr(key) == b"PN":
            written[key] = name_written(value, form)
        else:
            written[key] = value
    return written


def name_written(text: str, form: str) -> str:
    """A PN in the form a device wants."""
    if form == NameForm.LATIN:
        return name_in_latin(PersonName.parse(text))
    if form == NameForm.IDEOGRAPHIC:
        return name_in_hanzi(PersonName.parse(text))
    return text


# ---- back


class NoItem(ValueError):
    """Why a data set is no worklist item: a slug."""


def planned_of(found: Values) -> list[Planned]:
    """The steps a worklist file plans. Raises ``NoItem``."""
    steps = found.items(STEPS)
    if not steps:
        raise NoItem("no-step")
    return [_planned(found, step, number) for number, step in enumerate(steps, 1)]


def _planned(found: Values, step: Values, number: int) -> Planned:
    columns: dict[str, Any] = {name: _tidy(found.text(key)) for key, name in _TEXTS.items()}
    columns |= {name: _tidy(step.text(key)) for key, name in _STEP_TEXTS.items()}
    columns["station_ae_titles"] = "\\".join(filter(None, step.texts(tag("ScheduledStationAETitle"))))
    name = PersonName.parse(_tidy(found.text(_NAME)))
    columns |= dict(
        zip(("name_alphabetic", "name_ideographic", "name_phonetic"), name.groups, strict=True),
        birth_date="".join(ch for ch in columns["birth_date"] if ch.isdigit())[:8],
        sex=columns["sex"].upper(),
        weight=_weight(found.text(_WEIGHT)),
        pregnancy_status=found.integer(_PREGNANCY) if found.integer(_PREGNANCY) in (1, 2, 3, 4) else None,
        start_date=_day(step.text(_DATE)),
        start_time=_moment(step.text(_TIME)),
        requested_procedure_codes=list(_codes(found, _CODES)),
        protocol_codes=list(_codes(step, _PROTOCOLS)),
        step_id=columns["step_id"] or str(number),
        further={"item": _further(texts_of(found), _OWN_ITEM), "step": _further(texts_of(step), _OWN_STEP)},
    )
    if not columns["study_instance_uid"]:
        named = [columns[part] for part in ("patient_id", "accession_number", "requested_procedure_id")]
        if any(named[1:]):
            columns["study_instance_uid"] = values.derived_uid("worklist", "\0".join(named))
    return Planned(**columns)


_OWN_ITEM: Final = frozenset({*_TEXTS, _NAME, _WEIGHT, _PREGNANCY, _CODES, STEPS, _CHARSET})
_OWN_STEP: Final = frozenset({*_STEP_TEXTS, _DATE, _TIME, _STATUS, _PROTOCOLS, _CHARSET})


def _codes(found: Values, key: int) -> Iterator[Code]:
    for item in found.items(key):
        code = {name: item.text(part) for part, name in _CODE.items()}
        if code["value"]:
            yield code


_UNWRITTEN: Final = frozenset({b"UN", b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"AT", b"FL", b"FD"})


def texts_of(found: Values) -> Item:
    """What was read as an item; nothing private, nothing that is no text."""
    item: Item = {}
    for key in found.elements:
        vr = dictionary_vr(key)
        if not key >> 16 & 1 and key & 0xFFFF and vr not in _UNWRITTEN:
            item[key] = [texts_of(one) for one in found.items(key)] if vr == b"SQ" else found.text(key)
    return item


def _further(item: Item, own: frozenset[int] = frozenset()) -> dict[str, Any]:
    """What has no column, as JSON holds it."""
    return {
        f"{key:08X}": [_further(one) for one in value] if isinstance(value, list) else _tidy(value)
        for key, value in item.items()
        if key not in own
    }


def _tidy(text: str) -> str:
    """A text without control characters, which no database takes."""
    return values.clip(text, _LONGEST)


def _weight(text: str) -> Decimal | None:
    try:
        weight = Decimal(text)
    except InvalidOperation:
        return None
    return weight.quantize(Decimal("0.001")) if weight.is_finite() and 0 < weight < 10_000 else None


def _day(text: str) -> date:
    digits = values.date(text)
    if not digits:
        raise NoItem("no-date")
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def _moment(text: str) -> time:
    """A TM, its missing parts zero; midnight for none."""
    digits = values.time(text)
    whole, _, fraction = digits.partition(".")
    whole = whole.ljust(6, "0")
    try:
        moment = datetime.strptime(whole, "%H%M%S").time()  # noqa: DTZ007  the site's clock, as DICOM's
    except ValueError:
        return time()
    return moment.replace(microsecond=int(fraction.ljust(6, "0")[:6]) if fraction else 0)
