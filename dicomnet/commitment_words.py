"""Storage commitments in plain words: what went wrong, and what to do about it."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dicomnet.models import Commitment
from dicomnet.scu.probe_words import line_of

# (what happened, what to do). The words in %(…)s come from the detail.
_WORDS: Final[dict[str, tuple[Promise, Promise | str]]] = {
    "refused": (
        _("It answers with the failure %(status)s."),
        _("The device's log says why."),
    ),
    "store-unreadable": (
        _("The archive's own store cannot be read now."),
        _("Look at the health of the store: nothing is committed before it can be read back."),
    ),
    "node-inactive": (
        _("The node is switched off."),
        _("Switch it on to let it hear the result."),
    ),
    "node-gone": (_("The node was removed."), ""),
    "no-result": (
        _("The answer never came."),
        _("Look whether the node may commit here, and whether it knows our address. Then ask again."),
    ),
    "asked-again": (_("It was asked again in another transaction."), ""),
    "result-incomplete": (
        _("The answer leaves out some of the objects."),
        _("Take those as not committed. The device's log may say why."),
    ),
    "unexpected": (_("The attempt itself failed."), _("The archive's log says why.")),
}
_TRANSPORT: Final = frozenset({"name-not-resolved", "refused", "timeout", "unreachable", "no-tls"})

# Failure Reason (0008,1197), PS3.3 C.14.1.1
_REASONS: Final[dict[int, Promise]] = {
    0x0000: _("committed"),
    0x0110: _("not committed: it cannot be read back whole"),
    0x0112: _("not committed: no such object"),
    0x0119: _("not committed: another SOP class has this UID"),
    0x0122: _("not committed: the SOP class is not supported"),
    0x0131: _("not committed: the Transaction UID was used before"),
    0x0213: _("not committed: no room"),
}


def error_words(commitment: Commitment) -> tuple[str, str]:
    """What went wrong and what to do; both empty when nothing did."""
    code, detail = commitment.error, commitment.error_detail
    if not code:
        return "", ""
    if code in _WORDS and not (code == "refused" and "status" not in detail):
        sentence, advice = _WORDS[code]
        return str(sentence) % detail, str(advice)
    name = "tcp" if code in _TRANSPORT else "association"
    known = dict.fromkeys(("called", "calling", "seconds"), "") | detail
    line = line_of({"name": name, "code": code, "outcome": "failed", "detail": known})
    return line.sentence, line.advice


def reason_words(reason: int | None) -> str:
    """The result of one object."""
    if reason is None:
        return str(_("no result yet"))
    return str(_REASONS.get(reason, _("not committed: %(reason)s"))) % {"reason": f"{reason:04X}"}
