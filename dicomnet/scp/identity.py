"""User identity at association time (PS3.7 D.3.3.7): the archive's own users, by name or by password."""

from __future__ import annotations

from django.contrib.auth import authenticate, get_user_model
from django.http import HttpRequest

from dicomnet.callers import CallerReason
from dicomnet.dimse.negotiation import UserIdentity
from dicomnet.models import AENode

Kind = AENode.UserIdentity
_KINDS = {1: Kind.NAME, 2: Kind.PASSWORD}


def identity_problem(*, node: AENode, identity: UserIdentity | None, address: str) -> CallerReason | None:
    """Why a node may not come in with what it brought; None when it may. A password serves for a name."""
    brought = _KINDS.get(identity.kind) if identity else None
    if node.user_identity == Kind.NONE:
        return None
    if identity is None or brought is None or (node.user_identity, brought) == (Kind.PASSWORD, Kind.NAME):
        return CallerReason.NO_USER
    return None if identity_holds(identity=identity, address=address) else CallerReason.USER_REFUSED


def identity_holds(*, identity: UserIdentity, address: str) -> bool:
    """Whether the user is one of ours and may log in. Wrong passwords lock out as on the log-in page."""
    if identity.kind == 1:
        return get_user_model().objects.filter(username=identity.name, is_active=True).exists()
    if identity.kind != 2:
        return False
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = address
    return authenticate(request, username=identity.name, password=identity.passcode) is not None
