"""The head of a diary's page: what came of an association, in a sentence or two."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dicomnet.diary.entry import End, Run
from dicomnet.diary.figures import number, size
from dicomnet.diary.reasons import reason_of
from dicomnet.models import Association

Outcome = Association.Outcome


def headline_of(row: Association, runs: list[Run], *, accepted: bool) -> str:
    """The one sentence; it may name %(peer)s and what ``dicomnet.diary.reasons`` may."""
    if row.outcome == Outcome.WELL:
        return _well(row, runs)
    if row.outcome == Outcome.PROBLEMS and row.end in (End.RELEASED, End.STOPPED):
        if any(run.trouble for run in runs):
            return _("%(peer)s and we spoke to the end, but not everything worked.")
        if not accepted:
            return _("Nothing of what was proposed with %(peer)s was accepted.")
        return _("%(peer)s and we spoke, but nothing was asked: some of what was proposed was refused.")
    return str(reason_of(end=row.end, reason=row.reason).sentence)


def _well(row: Association, runs: list[Run]) -> str:
    if not runs:
        return _("%(peer)s and we spoke, and nothing was asked.")
    if row.direction == Association.Direction.OUTGOING:
        return _("We called %(peer)s, and all we asked for was done.")
    return _("%(peer)s called, and all it asked for was done.")


def second_of(row: Association, runs: list[Run]) -> str:
    """How much was done, and whether something was lost."""
    parts = [*_stored(row, [run for run in runs if run.kind == "C-STORE"])]
    others = sum(
        run.count for run in runs if run.kind != "C-STORE" and run.trouble and run.status is not None
    )
    if others:
        text = ngettext("%(count)s request failed.", "%(count)s requests failed.", others)
        parts.append(text % {"count": number(others)})
    if row.calls > 1:
        text = ngettext("It called %(count)s time.", "It called %(count)s times.", row.calls)
        parts.append(text % {"count": number(row.calls)})
    if not parts and row.outcome in (Outcome.REJECTED, Outcome.UNREACHED):
        parts.append(_("Nothing was sent, so nothing is lost."))
    return " ".join(parts)


def _stored(row: Association, stored: list[Run]) -> Iterable[str]:
    ended = [run for run in stored if run.status is not None]
    kept = [run for run in ended if not run.trouble]
    if count := sum(run.count for run in kept):
        if row.direction == Association.Direction.OUTGOING:
            text = ngettext(
                "%(count)s object (%(size)s) arrived.", "%(count)s objects (%(size)s) arrived.", count
            )
        else:
            text = ngettext(
                "%(count)s object (%(size)s) is kept and safe.",
                "%(count)s objects (%(size)s) are kept and safe.",
                count,
            )
        yield text % {"count": number(count), "size": size(sum(run.size for run in kept))}
    if failed := sum(run.count for run in ended if run.trouble):
        yield ngettext("%(count)s was not taken.", "%(count)s were not taken.", failed) % {
            "count": number(failed)
        }
    if row.end and len(ended) < len(stored):
        yield _("One had begun and came to no end: it counts as lost unless it is found.")
