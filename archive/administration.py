"""The admin site: for administrators only, grouped by what people look for, with what waits for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from archive.access import Act, may
from archive.audit import audit_record, source_of
from archive.models import AuditEvent

# Where a model is listed, in this order. A model that is not named here follows in its own app.
_GROUPS: Final[Mapping[str, tuple[Promise, tuple[str, ...]]]] = {
    "dicomnet": (
        _("DICOM network"),
        (
            "AENode",
            "RoutingRule",
            "Printer",
            "Association",
            "UnknownCaller",
            "ScheduledStep",
            "PerformedStep",
            "PrintJob",
            "Commitment",
            "BackgroundJob",
        ),
    ),
    "archive": (
        _("Archive"),
        ("Patient", "Study", "Series", "Instance", "QuarantinedObject", "AuditEvent"),
    ),
    "auth": (_("People"), ("User", "RoleGroup")),
}


class AdministrationSite(admin.AdminSite):
    """Django's admin under the portal's rule of who may enter."""

    site_header = _("Lightbox administration")
    site_title = _("Lightbox administration")
    index_title = _("Administration")
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Administrators only; the staff flag alone opens nothing."""
        return bool(request.user.is_active and request.user.is_staff) and may(
            user=request.user, act=Act.ADMINISTER
        )

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one way in, the portal's. Somebody who is in and may not be here is told so."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied(_("This page is for administrators."))
        target = request.GET.get("next") or reverse("admin:index", current_app=self.name)
        if request.user.is_authenticated:
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        return redirect(f"{reverse('login')}?next={target}")

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ends the session as the portal does, with its line in the audit trail."""
        if request.method == "POST" and request.user.is_authenticated:
            audit_record(action=AuditEvent.Action.LOGOUT, actor=request.user, source=source_of(request))
        super().logout(request, extra_context)
        return redirect("login")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One's own password; that it changed is recorded with it."""
        with transaction.atomic():
            response = super().password_change(request, extra_context)
            if isinstance(response, HttpResponseRedirect):
                audit_record(
                    action=AuditEvent.Action.USER_CHANGED,
                    actor=request.user,
                    source=source_of(request),
                    object=request.user.get_username(),
                    detail={"changed": {"password": True}},
                )
        return response

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return groups of models as an administrator thinks of them, each with what waits in it."""
        models = {
            model["object_name"]: model
            for app in self._build_app_dict(request).values()
            for model in app["models"]
        }
        found = []
        for label, (name, members) in _GROUPS.items():
            if app_label not in {None, label}:
                continue
            listed = [self._listed(models[member]) for member in members if member in models]
            if listed:
                url = reverse("admin:app_list", kwargs={"app_label": label}, current_app=self.name)
                found.append({"name": name, "app_label": label, "app_url": url, "models": listed})
        return found

    def _listed(self, model: dict[str, Any]) -> dict[str, Any]:
        """A model of the list, with how many of its rows wait for somebody."""
        waiting = getattr(self._registry[model["model"]], "waiting", None)
        return model | {"waiting": waiting() if waiting else 0}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What waits for somebody, then everything there is."""
        notices = []
        for model_admin in self._registry.values():
            notice = getattr(model_admin, "waiting_notice", None)
            if notice and (told := notice()):
                notices.append(told)
        return super().index(request, (extra_context or {}) | {"notices": notices})
