"""What every request of the portal passes through."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_cache_control

from archive.audit import audit_record, source_of
from archive.models import AuditEvent
from viewer.idle import BACKGROUND_HEADER, activity_mark, seconds_left
from viewer.models import Preference

GetResponse = Callable[[HttpRequest], HttpResponse]
LANGUAGE_KEY = "language"


class LanguageOfUserMiddleware:
    """A person's own language beats the browser's. Kept in the session: no query per request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            code = request.session.get(LANGUAGE_KEY)
            if code is None:
                preference = Preference.objects.filter(user=request.user).first()
                code = request.session[LANGUAGE_KEY] = preference.language if preference else ""
            if code and translation.check_for_language(code):
                translation.activate(code)
                request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class IdleLockMiddleware:
    """Ends a session nobody touched for ``IDLE_LOCK_SECONDS``, and keeps patients out of browser caches.

    A page redirects to the log-in and comes back afterwards; a script is told 401.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated or "_auth_user_id" not in request.session:
            return self.get_response(request)
        left = seconds_left(request.session)
        if left is not None and left <= 0:
            return session_lock(request)
        if BACKGROUND_HEADER not in request.headers:
            activity_mark(request.session)
        response = self.get_response(request)
        if not response.has_header("Cache-Control") and response.status_code != HTTPStatus.NOT_MODIFIED:
            # A shared ward PC: "back" after logging out must not show the patient. (What was not modified
            # keeps what it was told the first time.)
            patch_cache_control(response, private=True, no_store=True)
        return response


def session_lock(request: HttpRequest) -> HttpResponse:
    """End the session because nobody was there, and answer with the way back in."""
    audit_record(
        action=AuditEvent.Action.LOGOUT, actor=request.user, source=source_of(request), detail={"idle": True}
    )
    logout(request)
    address = lock_address(_page_of(request))
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": address})
    by_script = request.headers.get("Sec-Fetch-Dest") in {"empty", "image"}
    if by_script or BACKGROUND_HEADER in request.headers:
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    return HttpResponseRedirect(address)


def lock_address(page: str) -> str:
    """Return the log-in page that says why it is there and leads back to ``page``."""
    return f"{reverse(settings.LOGIN_URL)}?{urlencode({'locked': 1, 'next': page})}"


def _page_of(request: HttpRequest) -> str:
    """The page a person was on: not the address a form or a script was sent to."""
    if request.path == reverse(settings.LOGIN_URL):
        return request.GET.get("next", "/")
    if request.method == "GET" and request.headers.get("HX-Request") != "true":
        return request.get_full_path()
    parts = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "/")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
