"""The quarantine: why something was not filed, and the two ways out."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from archive.admin.base import ReadOnlyAdmin, WaitingMixin, administrator
from archive.admin.reasons import reason_advice, reason_words
from archive.admin.show import Shape, link, moment, mono, size, state
from archive.ingest import OutOfResources
from archive.models import Instance, QuarantinedObject
from archive.quarantine import QuarantineError, quarantine_discard, quarantine_retry

State = QuarantinedObject.State
_SHAPES: Final[dict[str, Shape]] = {State.HELD: "part", State.ADMITTED: "done", State.DISCARDED: "wait"}


class DiscardForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200, strip=True)


class ReasonFilter(admin.SimpleListFilter):
    """Reasons that occur, in words."""

    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = QuarantinedObject.objects.values_list("reason", flat=True).order_by("reason").distinct()
        return [(code, reason_words(code)) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


@admin.register(QuarantinedObject)
class QuarantineAdmin(WaitingMixin, ReadOnlyAdmin):
    waiting_query = f"?state__exact={State.HELD}"
    change_form_template = "admin/archive/quarantinedobject/change_form.html"
    list_display = ("why", "status", "source", "arrived", "attempts", "stored")
    list_filter = ("state", ReasonFilter, "source")
    search_fields = ("=sop_instance_uid", "=file_digest", "=source")
    search_help_text = _("SOP Instance UID, digest or sender, written in full")
    ordering = ("-created_at",)
    actions = ("retry", "discard")
    fields = (
        "why", "advice", "detail", "status", "instance", ("sop_class_uid", "transfer_syntax_uid"),
        ("source", "arrived", "tried", "attempts"), "file_key", "stored", "file_digest",
    )  # fmt: skip
    readonly_fields = ("why", "advice", "status", "instance", "arrived", "tried", "stored")

    def waiting(self) -> int:
        return QuarantinedObject.objects.filter(state=State.HELD).count()

    def waiting_sentence(self, count: int) -> str:
        text = ngettext(
            "%(count)s object could not be filed and waits in quarantine.",
            "%(count)s objects could not be filed and wait in quarantine.",
            count,
        )
        return text % {"count": count}

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<int:pk>/retry/", self._view(self.retry_one), name="archive_quarantinedobject_retry"),
            path("<int:pk>/discard/", self._view(self.discard_one), name="archive_quarantinedobject_discard"),
        ]
        return own + super().get_urls()

    def _view(self, view: Any) -> Any:
        return self.admin_site.admin_view(require_POST(view))

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, item: QuarantinedObject) -> str:
        return reason_words(item.reason)

    @admin.display(description=_("What should I do"))
    def advice(self, item: QuarantinedObject) -> str:
        return reason_advice(item.reason) if item.state == State.HELD else ""

    @admin.display(description=_("state"), ordering="state")
    def status(self, item: QuarantinedObject) -> SafeString:
        return state(_SHAPES[item.state], item.get_state_display())

    @admin.display(description=_("SOP Instance UID"))
    def instance(self, item: QuarantinedObject) -> SafeString:
        filed = Instance.objects.filter(sop_instance_uid=item.sop_instance_uid).first()
        if item.state == State.ADMITTED and filed:
            return link(reverse("admin:archive_instance_change", args=[filed.pk]), item.sop_instance_uid)
        return mono(item.sop_instance_uid)

    @admin.display(description=_("size"), ordering="file_size")
    def stored(self, item: QuarantinedObject) -> str:
        return size(item.file_size)

    @admin.display(description=_("arrived"), ordering="created_at")
    def arrived(self, item: QuarantinedObject) -> str:
        return moment(item.created_at)

    @admin.display(description=_("last tried"), ordering="updated_at")
    def tried(self, item: QuarantinedObject) -> str:
        return moment(item.updated_at)

    # ------------------------------------------------------------------ the two ways out

    @admin.action(description=_("Try again to file them"))
    def retry(self, request: HttpRequest, queryset: QuerySet[QuarantinedObject]) -> None:
        self._retry(request, queryset.filter(state=State.HELD))

    def retry_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._retry(request, QuarantinedObject.objects.filter(pk=pk))
        return HttpResponseRedirect(reverse("admin:archive_quarantinedobject_change", args=[pk]))

    def _retry(self, request: HttpRequest, queryset: QuerySet[QuarantinedObject]) -> None:
        filed = held = 0
        for item in queryset:
            try:
                quarantine_retry(item=item, by=administrator(request))
            except (QuarantineError, OutOfResources) as error:
                self.message_user(request, f"{item}: {error}", messages.ERROR)
                continue
            if item.state == State.ADMITTED:
                filed += 1
            else:
                held += 1
        self._say(request, filed, held)

    def _say(self, request: HttpRequest, filed: int, held: int) -> None:
        if filed:
            text = ngettext("%(count)s object is filed now.", "%(count)s objects are filed now.", filed)
            self.message_user(request, text % {"count": filed}, messages.SUCCESS)
        if held:
            text = ngettext(
                "%(count)s object still cannot be filed. It stays here.",
                "%(count)s objects still cannot be filed. They stay here.",
                held,
            )
            self.message_user(request, text % {"count": held}, messages.WARNING)

    @admin.action(description=_("Discard them"))
    def discard(self, request: HttpRequest, queryset: QuerySet[QuarantinedObject]) -> TemplateResponse | None:
        """Ask why, say what is lost, then discard."""
        return self._discard(request, list(queryset.filter(state=State.HELD)))

    def discard_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        asking = self._discard(request, list(QuarantinedObject.objects.filter(pk=pk, state=State.HELD)))
        return asking or HttpResponseRedirect(reverse("admin:archive_quarantinedobject_change", args=[pk]))

    def _discard(self, request: HttpRequest, items: list[QuarantinedObject]) -> TemplateResponse | None:
        form = DiscardForm(request.POST if "reason" in request.POST else None)
        if items and not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "title": _("Discard from quarantine"),
                "opts": self.opts,
                "form": form,
                "items": [(item, reason_words(item.reason)) for item in items],
                "action": request.POST.get("action", ""),
            }
            return TemplateResponse(request, "admin/archive/quarantinedobject/discard.html", context)
        done = 0
        for item in items:
            try:
                quarantine_discard(item=item, by=administrator(request), reason=form.cleaned_data["reason"])
                done += 1
            except QuarantineError as error:
                self.message_user(request, f"{item}: {error}", messages.ERROR)
        if done:
            text = ngettext("%(count)s object was discarded.", "%(count)s objects were discarded.", done)
            self.message_user(request, text % {"count": done}, messages.SUCCESS)
        return None
