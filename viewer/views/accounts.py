"""Log in, log out, language, and whether this session still stands."""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from archive.audit import audit_record, source_of
from archive.models import AuditEvent
from viewer.forms import LoginForm
from viewer.idle import activity_mark, seconds_left
from viewer.middleware import LANGUAGE_KEY
from viewer.models import Preference


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    """The first page. Every attempt is in the audit trail; too many end at ``locked_out.html``."""

    template_name = "viewer/login.html"
    authentication_form = LoginForm

    def form_valid(self, form: LoginForm) -> HttpResponse:  # type: ignore[override]
        response = super().form_valid(form)
        activity_mark(self.request.session)
        audit_record(action=AuditEvent.Action.LOGIN, actor=self.request.user, source=source_of(self.request))
        return response

    def form_invalid(self, form: LoginForm) -> HttpResponse:  # type: ignore[override]
        name = form.data.get("username", "")
        if name and form.data.get("password"):
            audit_record(
                action=AuditEvent.Action.LOGIN_FAILED,
                actor_name=name,
                source=source_of(self.request),
                success=False,
            )
        return super().form_invalid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "locked": "locked" in self.request.GET,
            "lock_minutes": math.ceil(settings.IDLE_LOCK_SECONDS / 60),
            # Somebody is logged in and came here because a page is not for them.
            "denied": self.request.user.is_authenticated and bool(self.get_redirect_url()),
        }


class Logout(LogoutView):
    """By POST only: a link must not end a reading session."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            audit_record(action=AuditEvent.Action.LOGOUT, actor=request.user, source=source_of(request))
        return super().post(request, *args, **kwargs)


@login_not_required
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Set the language: of the person who is logged in, and of this browser for the log-in page."""
    code = request.POST.get("language", "")
    page = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        page = resolve_url(settings.LOGIN_REDIRECT_URL)
    response = HttpResponseRedirect(page)
    if code in dict(settings.LANGUAGES) and translation.check_for_language(code):
        if request.user.is_authenticated:
            Preference.objects.update_or_create(user=request.user, defaults={"language": code})
            request.session[LANGUAGE_KEY] = code
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            code,
            max_age=365 * 86400,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            samesite="Lax",
        )
    return response


def session(request: HttpRequest) -> JsonResponse:
    """Say how many seconds this session stays open. Without the background header, asking is a touch."""
    left = seconds_left(request.session)
    return JsonResponse({"seconds": None if left is None else max(0, round(left))})
