"""What people type, checked."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from archive.query import SORTS, State, StudyCriteria
from dicomnet.scu.query import Criteria

# What gets a chip of its own; the others there are stand behind "More" (PS3.3 C.7.3.1.1.1).
MODALITIES = ("CT", "MR", "DX", "US", "MG", "XA")
STATES = (State.RECEIVING, State.CONFLICT)


class Codes(forms.MultipleChoiceField):
    """Any modality codes: a site may have its own (PS3.5 6.2, CS)."""

    def valid_value(self, value: str) -> bool:
        return re.fullmatch(r"[A-Z0-9_ ]{1,16}", value) is not None


class LoginForm(AuthenticationForm):
    """Django's log-in with our words."""

    error_messages = {
        "invalid_login": _("User name and password do not match. Case matters in both."),
        "inactive": _("This account is closed. Ask an administrator."),
    }

    username = forms.CharField(label=_("User name"), max_length=150)
    password = forms.CharField(label=_("Password"), strip=False)


class StudySearchForm(forms.Form):
    """The filters of the study list, as they stand in the address. Nonsense is left out, not refused."""

    q = forms.CharField(required=False, max_length=200)
    date = forms.ChoiceField(
        required=False,
        choices=[
            ("", _("Any date")),
            ("today", _("Today")),
            ("week", _("Last 7 days")),
            ("range", pgettext_lazy("filter", "Dates")),
        ],
    )
    since = forms.DateField(required=False, label=_("From"))
    until = forms.DateField(required=False, label=_("To"))
    m = Codes(required=False)
    description = forms.CharField(required=False, max_length=200, label=_("Description"))
    state = forms.ChoiceField(required=False, choices=[("", ""), *((state.value, "") for state in STATES)])
    sort = forms.ChoiceField(required=False, choices=[(s + n, "") for n in SORTS for s in ("", "-")])
    page = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day is before the first."))
        return values

    def value(self, name: str) -> Any:
        """Return a checked value, or what stands for none."""
        self.is_valid()
        value = self.cleaned_data.get(name)
        return [] if value is None and name == "m" else value

    @property
    def days(self) -> tuple[datetime.date | None, datetime.date | None]:
        """First and last day asked for."""
        today = timezone.localdate()
        match self.value("date"):
            case "today":
                return today, today
            case "week":
                return today - datetime.timedelta(days=6), today
            case "range":
                return self.value("since"), self.value("until")
        return None, None

    def criteria(self) -> StudyCriteria:
        """Return what is searched for."""
        first, last = self.days
        return StudyCriteria(
            text=self.value("q") or "",
            date_from=f"{first:%Y%m%d}" if first else "",
            date_to=f"{last:%Y%m%d}" if last else "",
            modalities=tuple(self.value("m")),
            description=self.value("description") or "",
            state=self.value("state") or "",
        )

    @property
    def order(self) -> str:
        return self.value("sort") or "-date"

    @property
    def narrowed(self) -> bool:
        """True when anything but order and page is chosen."""
        return any(self.value(name) for name in ("q", "m", "description", "state")) or any(self.days)

    def address(self, **changes: object) -> str:
        """Return these filters as a query string, shortest form; ``changes`` replace values."""
        values = {
            "q": self.value("q"),
            "date": self.value("date"),
            "since": self.value("since") if self.value("date") == "range" else None,
            "until": self.value("until") if self.value("date") == "range" else None,
            "m": self.value("m"),
            "description": self.value("description"),
            "state": self.value("state"),
            "sort": None if self.order == "-date" else self.order,
            "page": self.value("page"),
        } | changes
        if values["page"] == 1:
            values["page"] = None
        return "?" + urlencode({name: value for name, value in values.items() if value}, doseq=True)


class RemoteSearchForm(forms.Form):
    """What to look for in other archives, and in which."""

    node = forms.TypedMultipleChoiceField(required=False, coerce=int)
    name = forms.CharField(required=False, max_length=64, label=_("Patient"))
    patient_id = forms.CharField(required=False, max_length=64, label=_("Patient ID"))
    accession = forms.CharField(required=False, max_length=16, label=_("Accession"))
    since = forms.DateField(required=False, label=_("First day"))
    until = forms.DateField(required=False, label=_("Last day"))
    m = Codes(required=False)

    def __init__(self, data: Any = None, *, nodes: Iterable[int] = ()) -> None:
        super().__init__(data)
        chooser = self.fields["node"]
        assert isinstance(chooser, forms.TypedMultipleChoiceField)
        chooser.choices = [(pk, "") for pk in nodes]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day is before the first."))
        if any("\\" in values.get(name, "") for name in ("name", "patient_id", "accession")):
            self.add_error(None, _("A backslash parts values in DICOM and cannot be looked for."))
        return values

    def criteria(self) -> Criteria:
        """Return what is looked for. The form is valid."""
        values = self.cleaned_data
        return Criteria(
            name=values["name"],
            patient_id=values["patient_id"],
            accession=values["accession"],
            date_from=f"{values['since']:%Y%m%d}" if values["since"] else "",
            date_to=f"{values['until']:%Y%m%d}" if values["until"] else "",
            modalities=tuple(values["m"]),
        )
