"""Who stands behind a session key now: asked by sockets, which outlive the request that opened them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Final, cast

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest

from archive.access import Act, may
from viewer.idle import seconds_left

EVERYBODY: Final = frozenset(
    {
        "study",
        "job",
        "printer",
        "worklist",
        "performed",
        "transfer",
        "transfer-plan",
        "remote",
        "retrieval",
    }
)
ADMINISTRATORS: Final = EVERYBODY | {"quarantine", "probe", "caller"}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person, or None when nobody is logged in or the session is locked, and what they may be told of."""

    user: AbstractUser | None
    topics: frozenset[str] = frozenset()


def visitor_of(*, session_key: str | None) -> Visitor:
    """Read session, person and roles afresh: what was taken away is gone at once."""
    if not session_key:
        return Visitor(None)
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(cast(HttpRequest, SimpleNamespace(session=session)))
    left = seconds_left(session)
    if not isinstance(user, AbstractUser) or (left is not None and left <= 0):
        return Visitor(None)
    if may(user=user, act=Act.ADMINISTER):
        return Visitor(user, ADMINISTRATORS)
    return Visitor(user, EVERYBODY if may(user=user, act=Act.VIEW) else frozenset())
