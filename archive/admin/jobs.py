"""Background jobs and what became of them."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from archive.admin.base import ReadOnlyAdmin
from archive.admin.show import Shape, facts, moment, state
from archive.models import BackgroundJob

_STATES: Final[dict[str, tuple[Shape, object]]] = {
    TaskResultStatus.READY: ("wait", _("waiting")),
    TaskResultStatus.RUNNING: ("live", _("running")),
    TaskResultStatus.SUCCESSFUL: ("done", _("done")),
    TaskResultStatus.FAILED: ("failed", _("failed")),
}

admin.site.unregister(DBTaskResult)  # the library's page, which speaks English only


@admin.register(BackgroundJob)
class BackgroundJobAdmin(ReadOnlyAdmin):
    list_display = ("what", "status_word", "queue_name", "asked", "started", "took")
    list_filter = ("status", "queue_name")
    ordering = ("-enqueued_at",)
    list_per_page = 50
    fields = ("what", "status_word", "queue_name", "asked", "started", "took", "with_what", "failure")
    readonly_fields = fields

    @admin.display(description=_("what"), ordering="task_path")
    def what(self, job: BackgroundJob) -> str:
        return job.task_path.rpartition(".")[2].replace("_", " ")

    @admin.display(description=_("state"), ordering="status")
    def status_word(self, job: BackgroundJob) -> SafeString:
        shape, word = _STATES[job.status]
        return state(shape, str(word))

    @admin.display(description=_("asked"), ordering="enqueued_at")
    def asked(self, job: BackgroundJob) -> str:
        return moment(job.enqueued_at)

    @admin.display(description=_("started"), ordering="started_at")
    def started(self, job: BackgroundJob) -> str:
        return moment(job.started_at)

    @admin.display(description=_("took"))
    def took(self, job: BackgroundJob) -> str:
        if job.started_at is None or job.finished_at is None:
            return ""
        return f"{(job.finished_at - job.started_at).total_seconds():.2f} s"

    @admin.display(description=_("with"))
    def with_what(self, job: BackgroundJob) -> SafeString:
        return facts(job.args_kwargs)

    @admin.display(description=_("failure"))
    def failure(self, job: BackgroundJob) -> SafeString:
        return format_html("<pre>{}</pre>", job.traceback) if job.traceback else SafeString("")
