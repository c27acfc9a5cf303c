"""Steps that were performed, as modalities reported them, and those that are planned."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from pydicom.datadict import dictionary_description

from archive.admin.base import ReadOnlyAdmin
from archive.admin.show import Shape, link, moment, mono, state
from archive.dicom.names import PersonName
from dicomnet.completeness import performed_counts
from dicomnet.models import PerformedMessage, PerformedReference, PerformedStep, ScheduledStep

_SHAPES: Final[dict[str, Shape]] = {
    PerformedStep.State.IN_PROGRESS: "live",
    PerformedStep.State.COMPLETED: "done",
    PerformedStep.State.DISCONTINUED: "part",
}
_PLANNED: Final[dict[str, Shape]] = {
    ScheduledStep.State.SCHEDULED: "wait",
    ScheduledStep.State.IN_PROGRESS: "live",
    ScheduledStep.State.COMPLETED: "done",
    ScheduledStep.State.DISCONTINUED: "part",
    ScheduledStep.State.NO_SHOW: "wait",
}


class _Inline(admin.TabularInline[Any, Any]):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReferenceInline(_Inline):
    model = PerformedReference
    fields = (
        "accession_number",
        "requested_procedure_id",
        "scheduled_step_id",
        "planned",
        "study_instance_uid",
    )
    readonly_fields = fields
    verbose_name_plural = _("Performed for")

    @admin.display(description=_("on the worklist"))
    def planned(self, reference: PerformedReference) -> SafeString | str:
        if reference.scheduled is None:
            return gettext("unscheduled")
        address = reverse("worklist-step", args=[reference.scheduled.pk])
        return link(address, reference.scheduled.get_state_display())


class MessageInline(_Inline):
    model = PerformedMessage
    fields = ("when", "operation", "answer", "source", "size")
    readonly_fields = fields
    verbose_name_plural = _("Messages")

    @admin.display(description=_("when"))
    def when(self, message: PerformedMessage) -> str:
        return moment(message.at)

    @admin.display(description=_("answer"))
    def answer(self, message: PerformedMessage) -> SafeString:
        return mono(f"{message.status:04X}")

    @admin.display(description=_("size"))
    def size(self, message: PerformedMessage) -> str:
        return f"{len(message.data_set)} B"


@admin.register(PerformedStep)
class PerformedStepAdmin(ReadOnlyAdmin):
    list_display = (
        "patient",
        "patient_id",
        "modality",
        "station_ae_title",
        "status",
        "images",
        "began",
        "told",
    )
    list_filter = ("state", "modality", "station_ae_title")
    search_fields = (
        "patient_id", "patient_name", "performed_step_id", "=sop_instance_uid",
        "=references__study_instance_uid", "=references__accession_number",
    )  # fmt: skip
    ordering = ("-id",)
    inlines = (ReferenceInline, MessageInline)
    fields = (
        ("patient", "patient_id"), "status", "reason", ("modality", "station_ae_title", "source"),
        ("performed_step_id", "description"), ("began", "ended"), ("series_count", "images"), "noted",
        "sop_instance_uid",
    )  # fmt: skip
    readonly_fields = ("patient", "status", "reason", "began", "ended", "images", "noted")

    @admin.display(description=_("patient"), ordering="patient_name")
    def patient(self, step: PerformedStep) -> str:
        return PersonName.parse(step.patient_name).display("ideographic") or step.patient_id or "?"

    @admin.display(description=_("state"), ordering="state")
    def status(self, step: PerformedStep) -> SafeString:
        return state(_SHAPES[step.state], step.get_state_display())

    @admin.display(description=_("reason"))
    def reason(self, step: PerformedStep) -> str:
        return " ".join(part for part in (step.reason_code, step.reason_meaning) if part)

    @admin.display(description=_("began"))
    def began(self, step: PerformedStep) -> str:
        return _moment(step.start_date, step.start_time)

    @admin.display(description=_("ended"))
    def ended(self, step: PerformedStep) -> str:
        return _moment(step.end_date, step.end_time)

    @admin.display(description=_("last report"), ordering="updated_at")
    def told(self, step: PerformedStep) -> str:
        return moment(step.updated_at)

    @admin.display(description=_("images here"))
    def images(self, step: PerformedStep) -> str:
        performed, received = performed_counts(step=step)
        if not performed:
            return ""
        text = ngettext("%(received)s of %(count)s", "%(received)s of %(count)s", performed)
        return text % {"received": received, "count": performed}

    @admin.display(description=_("what was wrong with the reports"))
    def noted(self, step: PerformedStep) -> SafeString | str:
        words = [(_warning(code),) for code in step.warnings]
        return format_html_join("", "<div>{}</div>", words) if words else gettext("nothing")


def _warning(code: str) -> str:
    if code == "patient-differs":
        return gettext("Another patient ID than on the worklist.")
    try:
        number = int(code, 16)
        return f"({code[:4]},{code[4:]}) {dictionary_description(number)}"
    except (ValueError, KeyError):
        return code


def _moment(day: str, time: str) -> str:
    """A DA and a TM as people read them."""
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else day
    clock = ":".join(time[at : at + 2] for at in (0, 2, 4) if time[at : at + 2])
    return f"{date} {clock}".strip()


@admin.register(ScheduledStep)
class ScheduledStepAdmin(ReadOnlyAdmin):
    """To look at and search in; the portal's worklist changes them."""

    list_display = (
        "name",
        "patient_id",
        "accession_number",
        "modality",
        "station_ae_titles",
        "when",
        "status",
    )
    list_filter = ("state", "modality")
    search_fields = (
        "patient_id", "name_alphabetic", "name_ideographic", "accession_number", "step_id",
        "=study_instance_uid",
    )  # fmt: skip
    ordering = ("-start_date", "-start_time", "-id")
    fields = (
        "page", ("name", "patient_id"), "status", ("modality", "station_ae_titles", "when"),
        "step_description",
        ("accession_number", "requested_procedure_id", "step_id"), "study_instance_uid",
    )  # fmt: skip
    readonly_fields = ("page", "name", "when", "status")

    @admin.display(description=_("patient"), ordering="name_alphabetic")
    def name(self, step: ScheduledStep) -> str:
        return PersonName(step.name_alphabetic, step.name_ideographic).display("ideographic")

    @admin.display(description=_("when"), ordering="start_date")
    def when(self, step: ScheduledStep) -> str:
        return f"{step.start_date:%Y-%m-%d} {step.start_time:%H:%M}"

    @admin.display(description=_("state"), ordering="state")
    def status(self, step: ScheduledStep) -> SafeString:
        return state(_PLANNED[step.state], step.get_state_display())

    @admin.display(description=_("page"))
    def page(self, step: ScheduledStep) -> SafeString:
        return link(reverse("worklist-step", args=[step.pk]), _("On the worklist"))
