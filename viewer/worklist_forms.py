"""What people type on the pages of the worklist, checked."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from archive.dicom.names import fold, terms
from dicomnet.models import AENode, ScheduledStep
from dicomnet.worklist import Planned, codes_read, codes_text, name_of
from dicomnet.worklist_import import name_shown, name_typed, names_typed, stations_typed
from viewer.words import dicom_date

State = ScheduledStep.State

# The chips: what they are called in the address, and the states they stand for.
GROUPS: Final = {
    "waiting": (State.SCHEDULED,),
    "begun": (State.IN_PROGRESS,),
    "over": (State.COMPLETED,),
    "off": (State.DISCONTINUED, State.NO_SHOW),
}
SEXES: Final = (
    ("", _("Not known")),
    ("M", _("Male")),
    ("F", _("Female")),
    ("O", _("Other")),
)
PREGNANCIES: Final = (  # PS3.3 C.2.3
    ("", _("Not asked")),
    ("1", _("Not pregnant")),
    ("2", _("Possibly pregnant")),
    ("3", _("Definitely pregnant")),
    ("4", _("Not known")),
)
COMMON_MODALITIES: Final = ("CT", "MR", "DX", "CR", "US", "MG", "XA", "RF", "NM", "PT", "ES", "IO", "PX")


class DayForm(forms.Form):
    """The filters of the list, as they stand in the address. Nonsense is left out, not refused."""

    day = forms.DateField(required=False)
    q = forms.CharField(required=False, max_length=200)
    m = forms.CharField(required=False, max_length=16)
    state = forms.ChoiceField(required=False, choices=[("", ""), *((name, "") for name in GROUPS)])

    def value(self, name: str) -> Any:
        self.is_valid()
        return self.cleaned_data.get(name) or ""

    @property
    def chosen_day(self) -> date:
        return self.value("day") or timezone.localdate()

    def address(self, **changes: object) -> str:
        """These filters as a query string, shortest form; ``changes`` replace values."""
        told = {name: self.value(name) for name in ("day", "q", "m", "state")} | changes
        if told["day"] == timezone.localdate():
            told["day"] = ""
        return "?" + urlencode({name: value for name, value in told.items() if value})

    def day_beside(self, days: int) -> date:
        """A day earlier or later, within what a calendar can hold."""
        try:
            return self.chosen_day + timedelta(days=days)
        except OverflowError:
            return self.chosen_day

    def narrowed(self, steps: list[ScheduledStep]) -> list[ScheduledStep]:
        """Those of a day's steps that the filters leave."""
        words = [fold(word) for word in self.value("q").split()]
        states = GROUPS.get(self.value("state"), tuple(State))
        modality = self.value("m")
        return [
            step
            for step in steps
            if step.state in states
            and (not modality or step.modality == modality)
            and all(any(term.startswith(word) for term in _terms(step)) for word in words)
        ]


def _terms(step: ScheduledStep) -> set[str]:
    """By what a step is found: the person, the numbers, what is done, where."""
    told = (step.patient_id, step.accession_number, step.step_id, step.modality)
    texts = " ".join((step.step_description, step.requested_procedure_description))
    found = {fold(text) for text in (*told, *step.stations, *re.split(r"\W+", texts)) if text}
    return found | terms(name_of(step))


class StepForm(forms.Form):
    """A step to plan or change. ``planned`` is what it says, once it is valid."""

    name = forms.CharField(label=_("Name"), max_length=330)
    latin_name = forms.CharField(label=_("Latin name"), max_length=330, required=False)
    patient_id = forms.CharField(label=_("Patient ID"), max_length=64)
    birth_date = forms.DateField(label=_("Birth date"), required=False)
    sex = forms.ChoiceField(label=_("Sex"), choices=SEXES, required=False)
    weight = forms.DecimalField(
        label=_("Weight, kg"), required=False, min_value=0, max_value=999, decimal_places=3
    )
    pregnancy = forms.ChoiceField(label=_("Pregnancy"), choices=PREGNANCIES, required=False)
    allergies = forms.CharField(label=_("Allergies"), max_length=64, required=False)
    medical_alerts = forms.CharField(label=_("Medical alerts"), max_length=64, required=False)
    issuer = forms.CharField(label=_("Issuer of the ID"), max_length=64, required=False)

    day = forms.DateField(label=_("Day"))
    time = forms.TimeField(label=_("Time"))
    modality = forms.CharField(label=pgettext_lazy("worklist", "Modality"), max_length=16)
    stations = forms.CharField(label=_("Stations"), max_length=255, required=False)
    room = forms.CharField(label=_("Room"), max_length=16, required=False)
    step = forms.CharField(label=_("What is done"), max_length=64, required=False)
    protocol = forms.CharField(label=_("Protocol code"), max_length=255, required=False)
    performed_by = forms.CharField(label=_("Performed by"), max_length=330, required=False)

    accession = forms.CharField(label=_("Accession"), max_length=16, required=False)
    request_id = forms.CharField(label=_("Request ID"), max_length=16, required=False)
    procedure = forms.CharField(label=_("Requested procedure"), max_length=64, required=False)
    procedure_code = forms.CharField(label=_("Procedure code"), max_length=255, required=False)
    asked_by = forms.CharField(label=_("Asked by"), max_length=330, required=False)
    study_uid = forms.CharField(label=_("Study Instance UID"), max_length=64, required=False)
    step_id = forms.CharField(label=_("Step ID"), max_length=16, required=False)

    def __init__(self, *args: Any, kept: ScheduledStep | None = None, **kwargs: Any) -> None:
        self.kept = kept
        if kept is not None:
            kwargs["initial"] = initial_of(kept)
        super().__init__(*args, **kwargs)

    def clean_modality(self) -> str:
        return str(self.cleaned_data["modality"]).strip().upper()

    def clean_stations(self) -> str:
        return stations_typed(self.cleaned_data["stations"])

    def clean_protocol(self) -> list[dict[str, str]]:
        return self._codes("protocol")

    def clean_procedure_code(self) -> list[dict[str, str]]:
        return self._codes("procedure_code")

    def _codes(self, name: str) -> list[dict[str, str]]:
        try:
            return codes_read(self.cleaned_data[name])
        except ValueError as error:
            raise forms.ValidationError(_("Write value^scheme^meaning.")) from error

    def planned(self) -> Planned:
        said = self.cleaned_data
        ideographic, alphabetic = names_typed(said["name"], said["latin_name"])
        return Planned(
            name_ideographic=ideographic,
            name_alphabetic=alphabetic,
            name_phonetic=self.kept.name_phonetic if self.kept else "",
            patient_id=said["patient_id"],
            issuer_of_patient_id=said["issuer"],
            birth_date=self._birth_date(),
            sex=said["sex"],
            weight=said["weight"] or None,
            allergies=said["allergies"],
            medical_alerts=said["medical_alerts"],
            pregnancy_status=int(said["pregnancy"]) if said["pregnancy"] else None,
            accession_number=said["accession"],
            requested_procedure_id=said["request_id"],
            requested_procedure_description=said["procedure"],
            requested_procedure_codes=said["procedure_code"],
            study_instance_uid=said["study_uid"],
            referring_physician_name=name_typed(said["asked_by"]),
            requesting_physician=self.kept.requesting_physician if self.kept else "",
            step_id=said["step_id"],
            step_description=said["step"],
            protocol_codes=said["protocol"],
            modality=said["modality"],
            station_ae_titles=said["stations"],
            station_name=self.kept.station_name if self.kept else "",
            location=said["room"],
            start_date=said["day"],
            start_time=said["time"],
            performing_physician_name=name_typed(said["performed_by"]),
            further=self.kept.further if self.kept else {},
        )

    def _birth_date(self) -> str:
        """A date that no calendar has (a year alone, the 31st of April) cannot be shown, and is not lost."""
        born = self.cleaned_data["birth_date"]
        if born:
            return f"{born:%Y%m%d}"
        kept = self.kept.birth_date if self.kept else ""
        return kept if kept and dicom_date(kept) is None else ""

    # Fields of the form by the names of ``Planned``: where a refusal of the service is shown.
    SHOWN_AT: Final = {
        "name_ideographic": "name",
        "station_ae_titles": "stations",
        "accession_number": "accession",
        "requested_procedure_id": "request_id",
        "requested_procedure_description": "procedure",
        "study_instance_uid": "study_uid",
        "step_description": "step",
        "location": "room",
        "issuer_of_patient_id": "issuer",
    }

    def refuse(self, problems: dict[str, list[str]]) -> None:
        """Show what the service refused at the fields it is about."""
        for name, texts in problems.items():
            shown = self.SHOWN_AT.get(name, name)
            self.add_error(shown if shown in self.fields else None, texts)


def initial_of(step: ScheduledStep) -> dict[str, Any]:
    """What the form shows of a step: hanzi in the first field, wherever they were kept."""
    name, latin = step.name_ideographic or step.name_alphabetic, step.name_alphabetic
    if name == latin:
        latin = ""
    return {
        "name": name_shown(name),
        "latin_name": name_shown(latin),
        "patient_id": step.patient_id,
        "issuer": step.issuer_of_patient_id,
        "birth_date": dicom_date(step.birth_date),
        "sex": step.sex,
        "weight": step.weight.normalize() if step.weight is not None else None,
        "pregnancy": str(step.pregnancy_status or ""),
        "allergies": step.allergies,
        "medical_alerts": step.medical_alerts,
        "day": step.start_date,
        "time": step.start_time,
        "modality": step.modality,
        "stations": ", ".join(step.stations),
        "room": step.location,
        "step": step.step_description,
        "protocol": codes_text(step.protocol_codes),
        "performed_by": name_shown(step.performing_physician_name),
        "accession": step.accession_number,
        "request_id": step.requested_procedure_id,
        "procedure": step.requested_procedure_description,
        "procedure_code": codes_text(step.requested_procedure_codes),
        "asked_by": name_shown(step.referring_physician_name),
        "study_uid": step.study_instance_uid,
        "step_id": step.step_id,
    }


class ImportForm(forms.Form):
    file = forms.FileField(label=_("Files"))


def station_choices() -> list[str]:
    """AE titles a step can be planned for: nodes that may read the worklist."""
    nodes = AENode.objects.filter(active=True, allow_worklist=True).order_by("ae_title")
    return list(nodes.values_list("ae_title", flat=True))
