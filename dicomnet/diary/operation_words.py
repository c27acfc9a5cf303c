"""A run of operations as a line of the diary's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from dicomnet.diary.entry import Run
from dicomnet.diary.figures import number, size
from dicomnet.diary.statuses import status_words
from dicomnet.labels import class_label

# Without a subject: who called stands in the first line of the page.
_ASKED: Final[Mapping[str, Promise]] = {
    "C-ECHO": _("Asked for an echo"),
    "C-STORE": _("Sent %(count)s × %(what)s, %(size)s"),
    "C-FIND": _("Searched, %(what)s: %(pending)s found"),
    "C-MOVE": _("Asked to move objects, %(what)s: %(done)s sent, %(failed)s failed"),
    "C-GET": _("Fetched objects, %(what)s: %(done)s sent, %(failed)s failed"),
    "N-CREATE": _("Created %(count)s × %(what)s"),
    "N-SET": _("Changed %(count)s × %(what)s"),
    "N-GET": _("Asked about %(what)s"),
    "N-ACTION": _("Asked for an action, %(what)s"),
    "N-DELETE": _("Closed %(count)s × %(what)s"),
    "N-EVENT-REPORT": _("Reported an event, %(what)s"),
}
_BEGUN: Final = _("Began %(kind)s, %(what)s; %(size)s came")
_OTHER: Final = _("Asked for %(kind)s, %(what)s")


def operation_words(run: Run, *, running: bool) -> str:
    """What was asked, and the answer in words."""
    named = {
        "kind": run.kind,
        "what": class_label(run.sop_class) if run.sop_class else translate("several SOP classes"),
        "count": number(run.count),
        "size": size(run.size),
        "pending": number(run.pending),
        "done": number(run.done),
        "failed": number(run.failed),
    }
    if run.status is None:
        words = translate("under way") if running else translate("it came to no end")
        return translate("%(asked)s: %(answer)s") % {"asked": str(_BEGUN) % named, "answer": words}
    asked = str(_ASKED.get(run.kind, _OTHER)) % named
    answer = status_words(kind=run.kind, status=run.status)
    return translate("%(asked)s: %(answer)s") % {"asked": asked, "answer": answer}
