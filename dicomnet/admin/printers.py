"""Printers: address, what they can do, and whether they work."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from archive.admin.base import AuditedAdmin
from archive.admin.show import Shape, moment, state
from archive.models import AuditEvent
from dicomnet.admin.nodes import probe_state
from dicomnet.admin.probing import ProbingMixin
from dicomnet.models import Printer
from dicomnet.printing import printer_defaults

Condition = Printer.Condition
_SHAPES: Final[dict[str, Shape]] = {
    Condition.UNKNOWN: "wait",
    Condition.NORMAL: "done",
    Condition.WARNING: "part",
    Condition.FAILURE: "failed",
}


@admin.register(Printer)
class PrinterAdmin(ProbingMixin, AuditedAdmin):
    audit_action = AuditEvent.Action.NODE_CHANGED
    list_display = ("name", "ae_title", "address", "condition_word", "active", "tested")
    list_filter = ("active", "condition")
    search_fields = ("name", "ae_title", "host", "description")
    readonly_fields = ("condition_word", "condition_info", "asked")
    fieldsets = (
        (_("Address"), {"fields": ("name", "ae_title", ("host", "port"), "description", "active")}),
        (_("What it prints"), {"fields": (("supports_greyscale", "supports_colour"), "bits", "max_copies")}),
        (_("Patience"), {"fields": ("timeout_seconds",)}),
        (_("Security"), {"fields": ("tls_call", "tls_certificate"), "classes": ["collapse"]}),
        (_("Film"), {"fields": ("film_grids", "pixel_pitch_um", "media", "magnification")}),
        (_("Density"), {"fields": (("min_density", "max_density"),)}),
        (_("State"), {"fields": ("condition_word", "condition_info", "asked")}),
    )  # fmt: skip

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Common films, so that a new printer prints before anybody describes it."""
        return {**printer_defaults(), **super().get_changeform_initial_data(request)}

    @admin.display(description=_("address"), ordering="host")
    def address(self, printer: Printer) -> str:
        return f"{printer.host}:{printer.port}"

    @admin.display(description=_("state"), ordering="condition")
    def condition_word(self, printer: Printer) -> SafeString:
        return state(_SHAPES.get(printer.condition, "wait"), printer.get_condition_display())

    @admin.display(description=pgettext_lazy("printer", "asked"))
    def asked(self, printer: Printer) -> str:
        return moment(printer.condition_at)

    @admin.display(description=_("last test"))
    def tested(self, printer: Printer) -> SafeString:
        return probe_state(printer.probes.order_by("-id").first())
