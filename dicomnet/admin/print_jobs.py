"""Print jobs and what printers said about them. The job page of the portal retries and cancels."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from archive.admin.base import ReadOnlyAdmin, WaitingMixin
from archive.admin.show import Shape, facts, link, moment, mono, state
from dicomnet.models import PrintJob, PrintStep

State = PrintJob.State
_SHAPES: Final[dict[str, Shape]] = {
    State.QUEUED: "wait",
    State.PRINTING: "live",
    State.DONE: "done",
    State.FAILED: "failed",
    State.CANCELLED: "wait",
}


class StepInline(admin.TabularInline[PrintStep, PrintJob]):
    model = PrintStep
    extra = 0
    can_delete = False
    fields = ("when", "sheet", "operation", "answer", "took", "said")
    readonly_fields = fields
    verbose_name_plural = _("What happened")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("when"))
    def when(self, step: PrintStep) -> str:
        return moment(step.at)

    @admin.display(description=_("answer"))
    def answer(self, step: PrintStep) -> SafeString:
        shape: Shape = {"ok": "done", "warning": "part", "failed": "failed"}.get(step.outcome, "wait")  # type: ignore[assignment]
        return state(shape, step.status or step.get_outcome_display())

    @admin.display(description=_("took"))
    def took(self, step: PrintStep) -> str:
        return "" if step.duration_ms is None else f"{step.duration_ms:.0f} ms"

    @admin.display(description=_("detail"))
    def said(self, step: PrintStep) -> SafeString:
        return facts(step.detail)


@admin.register(PrintJob)
class PrintJobAdmin(WaitingMixin, ReadOnlyAdmin):
    waiting_query = f"?state__exact={State.FAILED}"
    list_display = ("number", "status", "printer", "requested_by", "film_size", "copies", "asked", "finished")
    list_filter = ("state", "printer")
    list_select_related = ("printer", "requested_by")
    search_fields = ("=id", "requested_by__username")
    ordering = ("-id",)
    inlines = (StepInline,)
    fields = (
        "page", "status", ("printer", "requested_by"),
        ("film_size", "orientation", "copies", "colour", "medium"),
        ("asked", "finished", "attempt"), ("error", "error_detail"),
    )  # fmt: skip
    readonly_fields = ("page", "status", "asked", "finished")

    def waiting(self) -> int:
        return PrintJob.objects.filter(state=State.FAILED).count()

    def waiting_sentence(self, count: int) -> str:
        text = ngettext("%(count)s print job stopped.", "%(count)s print jobs stopped.", count)
        return text % {"count": count}

    @admin.display(description=_("job"), ordering="id")
    def number(self, job: PrintJob) -> SafeString:
        return mono(job.pk)

    @admin.display(description=_("state"), ordering="state")
    def status(self, job: PrintJob) -> SafeString:
        return state(_SHAPES[job.state], job.get_state_display())

    @admin.display(description=_("asked"), ordering="created_at")
    def asked(self, job: PrintJob) -> str:
        return moment(job.created_at)

    @admin.display(description=_("finished"), ordering="finished_at")
    def finished(self, job: PrintJob) -> str:
        return moment(job.finished_at)

    @admin.display(description=_("page"))
    def page(self, job: PrintJob) -> SafeString:
        return link(reverse("print-job", args=[job.pk]), _("Job page"))
