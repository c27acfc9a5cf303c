"""Why a presentation context was not accepted (PS3.8 Table 9-18), in words, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from dicomnet.contexts import Result, Service
from dicomnet.diary.reasons import Step

_SERVICES: Final[Mapping[str, Promise]] = {
    Service.ECHO: _("echo"),
    Service.STORE: _("store"),
    Service.FIND: _("find"),
    Service.MOVE: _("move"),
    Service.GET: _("get"),
    Service.WORKLIST: _("worklist"),
    Service.MPPS: _("step report"),
    Service.COMMIT: _("commit"),
    Service.PRINT: _("print to us"),
}
_RIGHT: Final = (
    _("Give %(peer)s the missing right"),
    _("on the page of its AE node. It holds at its next association."),
)
_PRIVATE: Final = (
    _("Allow private SOP classes for %(peer)s,"),
    _("if its objects are private ones: a tick on the page of its AE node."),
)
_CLASS: Final = (
    _("Switch off in the device what we do not offer."),
    _("The SOP classes we offer stand in the conformance statement."),
)
_SYNTAX: Final = (
    _("Have %(peer)s propose another transfer syntax,"),
    _("at best Explicit VR Little Endian beside its own."),
)
_THEIRS: Final = (
    _("Allow this archive more on %(peer)s,"),
    _("if it should take what it refused. Its conformance statement says what it can."),
)


def refusal_words(result: int | None, why: str, *, outgoing: bool) -> str:
    """Why there is no syntax for a context; empty where there was no answer at all."""
    if result is None:
        return ""
    if result == Result.USER_REJECTION and why in _SERVICES and not outgoing:
        return translate("the node has no right to: %(right)s") % {"right": _SERVICES[why]}
    if why == "private" and not outgoing:
        return translate("private SOP classes are switched off for this node")
    words = {
        Result.USER_REJECTION: translate("not wanted now"),
        Result.NO_REASON: translate("no reason given"),
        Result.ABSTRACT_SYNTAX_NOT_SUPPORTED: translate("this SOP class is not offered"),
        Result.TRANSFER_SYNTAXES_NOT_SUPPORTED: translate("no transfer syntax in common"),
    }
    return words.get(Result(result), "") if result in set(Result) else str(result)


def refusal_steps(result: int, why: str, *, outgoing: bool) -> tuple[Step, ...]:
    """What to do about it."""
    if outgoing:
        return (_THEIRS,)
    if result == Result.USER_REJECTION:
        return (_RIGHT,)
    if result == Result.TRANSFER_SYNTAXES_NOT_SUPPORTED:
        return (_SYNTAX,)
    return (_PRIVATE,) if why == "private" else (_CLASS,)
