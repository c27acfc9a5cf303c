"""Callers that were turned away, why, and the one click that lets them in."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from archive.admin.base import ReadOnlyAdmin, WaitingMixin, administrator
from archive.admin.show import link, moment
from dicomnet.admin.diary import diary_search
from dicomnet.models import AENode, UnknownCaller
from dicomnet.nodes import CallerReason, node_upsert

STANDARD_PORT: Final = 104  # PS3.8 9.1.1: a caller does not say where it listens

# What one click does about it; a caller that calls another title has to be set right at its end.
_CLICK: Final[dict[str, Promise]] = {
    CallerReason.UNKNOWN_TITLE: _("Add as node"),
    CallerReason.INACTIVE: _("Switch on"),
    CallerReason.OTHER_HOST: _("Use this host"),
}


@admin.register(UnknownCaller)
class UnknownCallerAdmin(WaitingMixin, ReadOnlyAdmin):
    list_display = ("ae_title", "host", "why", "calls", "first", "last", "diary", "click")
    list_display_links = None
    search_fields = ("ae_title", "host")
    fields = ("ae_title", "host", "why", "calls", "first", "last")
    readonly_fields = fields
    actions = ("forget",)

    def waiting(self) -> int:
        return UnknownCaller.objects.count()

    def waiting_sentence(self, count: int) -> str:
        text = ngettext(
            "%(count)s caller was turned away. Add it if you expect it.",
            "%(count)s callers were turned away. Add those you expect.",
            count,
        )
        return text % {"count": count}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.admit))
        return [path("<int:pk>/admit/", view, name="dicomnet_unknowncaller_admit"), *super().get_urls()]

    @admin.display(description=_("why it was rejected"), ordering="reason")
    def why(self, caller: UnknownCaller) -> str:
        known = caller.reason in set(CallerReason)
        return str(CallerReason(caller.reason).sentence) if known else caller.reason

    @admin.display(description=_("first call"), ordering="first_at")
    def first(self, caller: UnknownCaller) -> str:
        return moment(caller.first_at)

    @admin.display(description=_("last call"), ordering="last_at")
    def last(self, caller: UnknownCaller) -> str:
        return moment(caller.last_at)

    @admin.display(description=_("diary"))
    def diary(self, caller: UnknownCaller) -> SafeString:
        return link(diary_search(caller.ae_title or caller.host), _("Its calls"))

    @admin.display(description=_("what to do"))
    def click(self, caller: UnknownCaller) -> str | SafeString:
        """A button of the list's own form: one click, one POST."""
        if caller.reason not in _CLICK:
            return ""
        address = reverse("admin:dicomnet_unknowncaller_admit", args=[caller.pk])
        return format_html(
            '<button type="submit" class="button" formaction="{}" formnovalidate>{}</button>',
            address,
            _CLICK[CallerReason(caller.reason)],
        )

    def admit(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a node of a caller, with echo, store and find, and go to its page; or set its node right."""
        caller = get_object_or_404(UnknownCaller, pk=pk)
        if caller.reason not in _CLICK:
            return HttpResponseRedirect(reverse("admin:dicomnet_unknowncaller_changelist"))
        known = AENode.objects.filter(ae_title=caller.ae_title).first()
        try:
            with transaction.atomic():
                node, created = node_upsert(
                    ae_title=caller.ae_title,
                    host=caller.host,
                    port=known.port if known else STANDARD_PORT,
                    by=administrator(request),
                )
                UnknownCaller.objects.filter(ae_title=caller.ae_title, host=caller.host).exclude(
                    reason=CallerReason.CALLED_TITLE
                ).delete()
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:dicomnet_unknowncaller_changelist"))
        text = (
            _("%(title)s is a node now. It may call at once. To call it back, check its port.")
            if created
            else _("%(title)s is let in from %(host)s now.")
        )
        self.message_user(request, text % {"title": node.ae_title, "host": node.host}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:dicomnet_aenode_change", args=[node.pk]))

    @admin.action(description=_("Forget them; they come back when they call again"))
    def forget(self, request: HttpRequest, queryset: Any) -> None:
        queryset.delete()
