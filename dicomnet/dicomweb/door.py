"""Who may come in by DICOMweb: a session, or HTTP Basic over TLS or from this host."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

_LOOPBACK = ("127.", "::1")


class GuardedBasicAuthentication(BasicAuthentication):
    """A password in the clear crosses no network: TLS, or a caller on this host (RFC 7617 section 4)."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        given = request.META.get("HTTP_AUTHORIZATION", "").lower().startswith("basic ")
        near = request.META.get("REMOTE_ADDR", "").startswith(_LOOPBACK)
        if given and not request.is_secure() and not near:
            raise AuthenticationFailed(_("A password needs https here."))
        return super().authenticate(request)


class Door(APIView):
    """Every address below `/dicom-web/`: 401 with a challenge for strangers, never a redirect."""

    # Basic comes first: the first class's challenge is the one that is sent.
    authentication_classes = [GuardedBasicAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated]
    renderer_classes = [JSONRenderer]

    def get(self, request: Request, resource: str = "") -> Response:
        raise NotFound(_("This archive does not offer DICOMweb yet."))

    post = get
