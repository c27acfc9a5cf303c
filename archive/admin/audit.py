"""The audit trail: searchable, and nothing else."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from archive.admin.base import ReadOnlyAdmin
from archive.admin.show import facts, link, moment, mono, state
from archive.models import AuditEvent
from archive.query import studies_listed


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("when", "actor_name", "action", "about", "source", "outcome")
    list_filter = ("action", "success", "at")
    # Beginnings of what is indexed; what is not is asked in full.
    search_fields = ("=actor_name", "=patient_id", "=study_instance_uid", "=object", "=source")
    search_help_text = _("User or AE title, patient ID, study UID, object or address, written in full")
    date_hierarchy = "at"
    list_per_page = 50
    fields = ("when", "actor_name", "action", "outcome", "source", "study", "patient_id", "object", "details")
    readonly_fields = fields

    @admin.display(description=_("when"), ordering="at")
    def when(self, event: AuditEvent) -> str:
        return moment(event.at)

    @admin.display(description=_("about"))
    def about(self, event: AuditEvent) -> str:
        return event.object or event.patient_id or event.study_instance_uid

    @admin.display(description=_("outcome"), ordering="success")
    def outcome(self, event: AuditEvent) -> SafeString:
        return state("done", _("done")) if event.success else state("failed", _("refused"))

    @admin.display(description=_("study"))
    def study(self, event: AuditEvent) -> str:
        uid = event.study_instance_uid
        if not uid:
            return ""
        study = studies_listed().filter(study_instance_uid=uid).first()
        return link(reverse("study", args=[study.pk]), uid) if study else mono(uid)

    @admin.display(description=_("detail"))
    def details(self, event: AuditEvent) -> SafeString:
        return facts(event.detail)
