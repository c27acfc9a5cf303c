"""Routing rules: conditions, destinations, and what a rule would have done with the studies of late."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from archive.admin.base import AuditedAdmin
from archive.admin.show import state
from archive.models import AuditEvent
from dicomnet.models import RoutingRule
from dicomnet.routing_match import rule_preview

SHOWN: Final = 12
_DAYS: Final = (
    ("0", _("Monday")),
    ("1", _("Tuesday")),
    ("2", _("Wednesday")),
    ("3", _("Thursday")),
    ("4", _("Friday")),
    ("5", _("Saturday")),
    ("6", _("Sunday")),
)


class RuleForm(forms.ModelForm[RoutingRule]):
    weekdays = forms.MultipleChoiceField(
        label=_("On days"), required=False, choices=_DAYS, widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: every day."),
    )  # fmt: skip

    class Meta:
        widgets = {"destinations": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["weekdays"] = list(self.instance.weekdays)

    def clean_weekdays(self) -> str:
        return "".join(sorted(self.cleaned_data["weekdays"]))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = data.get("time_from"), data.get("time_to")
        if first is not None and first == last:
            raise ValidationError({"time_to": _("Beginning and end are the same.")})
        return data


@admin.register(RoutingRule)
class RoutingRuleAdmin(AuditedAdmin):
    audit_action = AuditEvent.Action.RULE_CHANGED
    form = RuleForm
    change_form_template = "admin/dicomnet/routingrule_change_form.html"
    list_display = ("name", "in_force", "conditions", "goes_to", "when", "order")
    list_filter = ("active",)
    search_fields = ("name", "description", "callers")
    fieldsets = (
        (None, {"fields": ("name", ("active", "order"))}),
        (
            _("When all of this holds"),
            {
                "fields": (("modalities", "callers"), ("description", "body_part"),
                           ("time_from", "time_to"), "weekdays"),
                "description": _("What is left empty always holds."),
            },
        ),
        (_("Then"), {"fields": ("destinations", ("when", "quiet_seconds"))}),
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.preview))
        return [path("preview/", view, name="dicomnet_routingrule_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Say what the rule in the form, saved or not, would have done. Nothing is sent or saved."""
        form = self.get_form(request)(request.POST)
        form.fields.pop("name", None)  # it may be taken: by the very rule that is being changed
        context: dict[str, Any] = {"wrong": not form.is_valid()}
        if form.is_valid():
            found = rule_preview(rule=form.save(commit=False))
            context |= {
                "preview": found,
                "shown": found.studies[:SHOWN],
                "more": max(len(found.studies) - SHOWN, 0),
                "sentence": ngettext(
                    "It would have sent %(matched)s of the last %(count)s study.",
                    "It would have sent %(matched)s of the last %(count)s studies.",
                    found.looked,
                )
                % {"matched": len(found.studies), "count": found.looked},
            }
        response = render(request, "admin/dicomnet/rule_preview.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def save_model(self, request: HttpRequest, obj: RoutingRule, form: Any, change: bool) -> None:
        """A rule that comes into force does so for what arrives from now on."""
        if not change or ("active" in form.changed_data and obj.active):
            obj.since = timezone.now()
        super().save_model(request, obj, form, change)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["preview_address"] = reverse("admin:dicomnet_routingrule_preview")
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("state"), ordering="active")
    def in_force(self, rule: RoutingRule) -> SafeString:
        return state("done", _("in force")) if rule.active else state("wait", _("switched off"))

    @admin.display(description=_("when all of this holds"))
    def conditions(self, rule: RoutingRule) -> str:
        found = [rule.modalities, rule.callers, rule.description, rule.body_part]
        if rule.time_from or rule.time_to:
            first = f"{rule.time_from:%H:%M}" if rule.time_from else "00:00"
            last = f"{rule.time_to:%H:%M}" if rule.time_to else "24:00"
            found.append(f"{first}–{last}")
        days = dict(_DAYS)
        found.append(", ".join(str(days[day]) for day in rule.weekdays))
        return " · ".join(text for text in found if text) or gettext("everything")

    @admin.display(description=_("goes to"))
    def goes_to(self, rule: RoutingRule) -> str:
        return ", ".join(node.ae_title for node in rule.destinations.all())
