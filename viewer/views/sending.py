"""Sending: what goes where, what would happen, and the order to do it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from archive.access import Act, require
from archive.audit import source_of
from archive.models import Study
from archive.overview import SeriesOverview, series_overview
from archive.selectors import studies_by_key
from dicomnet.models import AENode, Transfer, TransferPlan
from dicomnet.send_sentences import call_detail, failure_notice, kind_words, object_words, syntax_words
from dicomnet.sending import SendRefused, transfer_plan_start, transfers_submit

MOST_STUDIES: Final = 100
MOST_NODES: Final = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wants to send: studies, or of a single one only these series (primary keys)."""

    studies: list[Study]
    series: frozenset[int]


@dataclass(frozen=True, slots=True)
class Part:
    """A share of what would happen: its count, a word, and sentences."""

    way: str
    word: str
    count: int
    sentences: list[str]


@require_http_methods(["GET", "HEAD", "POST"])
def compose(request: HttpRequest) -> HttpResponse:
    """Choose where to; on POST queue the transfers and show them."""
    require(user=request.user, act=Act.SEND)
    if request.method == "POST":
        return _submit(request)
    choice = _choice(request.GET)
    overview = series_overview(study=choice.studies[0]) if len(choice.studies) == 1 else []
    return render(request, "viewer/send/compose.html", compose_context(choice, overview))


@require_POST
def plan_start(request: HttpRequest) -> HttpResponse:
    """Ask one node; answers with the block that says what is known so far."""
    require(user=request.user, act=Act.SEND)
    choice = _choice(request.POST)
    node = get_object_or_404(AENode, pk__in=_numbers(request.POST.getlist("node"))[:1], active=True)
    started = transfer_plan_start(user=request.user, node=node, studies=choice.studies, series=choice.series)
    return render(request, "viewer/send/plan.html", plan_context(started))


@require_safe
@never_cache
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """The block of a dry run, for who asked for it."""
    require(user=request.user, act=Act.SEND)
    found = get_object_or_404(
        TransferPlan.objects.select_related("node"), pk=pk, requested_by=request.user.pk
    )
    return render(request, "viewer/send/plan.html", plan_context(found))


def compose_context(choice: Choice, overview: list[SeriesOverview]) -> dict[str, Any]:
    queues: dict[int, int] = defaultdict(int)
    open_states = (Transfer.State.WAITING, Transfer.State.SENDING)
    for node_id in Transfer.objects.filter(state__in=open_states).values_list("node_id", flat=True):
        if node_id is not None:
            queues[node_id] += 1
    nodes = [{"node": node, "waiting": queues[node.pk]} for node in AENode.objects.filter(active=True)]
    return {
        "choice": choice,
        "nodes": nodes,
        "series": [
            {"of": one, "chosen": not choice.series or one.series.pk in choice.series} for one in overview
        ],
        "images": sum(
            one.instances for one in overview if not choice.series or one.series.pk in choice.series
        )
        if overview
        else sum(study.number_of_instances for study in choice.studies),
        "size": sum(study.size_bytes for study in choice.studies),
        "back": ("study", choice.studies[0].pk) if len(choice.studies) == 1 else None,
    }


def plan_context(found: TransferPlan) -> dict[str, Any]:
    """What a dry run says: shares of a whole, in words."""
    parts = [_part(way, found) for way in ("as-is", "converted", "refused")]
    notice = None
    if found.state == TransferPlan.State.FAILED:
        node = found.node
        notice = failure_notice(
            found.error,
            call_detail(called=node.ae_title, host=node.host, port=node.port, said=found.error_detail),
        )
    return {
        "plan": found,
        "parts": [part for part in parts if part.count],
        "goes": sum(part.count for part in parts if part.way != "refused"),
        "total": sum(part.count for part in parts),
        "notice": notice,
    }


def _part(way: str, found: TransferPlan) -> Part:
    title = found.node.ae_title
    groups = [group for group in found.groups if group["way"] == way]
    sentences = []
    for group in groups:
        kind = kind_words(group["sop_class_uid"], group["transfer_syntax_uid"])
        if way == "as-is":
            text = _("%(kind)s. Sent byte for byte.")
        elif way == "converted":
            text = _("%(kind)s to %(syntax)s: %(title)s does not take it as it is. Pixels stay the same.")
        else:
            text = _("%(kind)s. %(why)s")
        words = text % {
            "kind": kind,
            "syntax": syntax_words(group["sent_as"]) if group["sent_as"] else "",
            "title": title,
            "why": object_words(group["reason"])[0] if group["reason"] else "",
        }
        sentences.append(f"{intcomma(group['count'])} × {words}" if len(groups) > 1 else words)
    word = {"as-is": _("As is"), "converted": _("Converted"), "refused": _("Not at all")}[way]
    return Part(way, word, sum(group["count"] for group in groups), sentences)


def _submit(request: HttpRequest) -> HttpResponse:
    choice = _choice(request.POST)
    nodes = list(AENode.objects.filter(pk__in=_numbers(request.POST.getlist("node"))[:MOST_NODES]))
    try:
        made = transfers_submit(
            user=request.user,
            nodes=nodes,
            studies=choice.studies,
            series=choice.series,
            source=source_of(request),
        )
    except SendRefused as refused:
        messages.error(request, refused.sentence)
        return redirect(f"{request.path}?{_query(choice)}")
    if len(made) == 1:
        return redirect("transfer", made[0].pk)
    messages.success(
        request,
        ngettext("%(count)s transfer is on its way.", "%(count)s transfers are on their way.", len(made))
        % {"count": len(made)},
    )
    return redirect("transfers")


def _query(choice: Choice) -> str:
    query = QueryDict(mutable=True)
    query.setlist("study", [str(study.pk) for study in choice.studies])
    query.setlist("series", [str(pk) for pk in sorted(choice.series)])
    return query.urlencode()


def _choice(data: QueryDict) -> Choice:
    """Read studies and series; series count for a single study only. Raises Http404 when nothing is there."""
    studies = studies_by_key(keys=_numbers(data.getlist("study"))[:MOST_STUDIES])
    if not studies:
        raise Http404(_("There is no such study here, or it was removed."))
    series = frozenset(_numbers(data.getlist("series"))) if len(studies) == 1 else frozenset()
    return Choice(studies, series)


def _numbers(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 18]
