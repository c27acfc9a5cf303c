"""Other archives: ask them, see what is here already, have the rest sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from archive.access import Act, require
from archive.audit import source_of
from archive.models import Study
from archive.query import studies_listed
from dicomnet.models import AENode, RemoteAnswer, RemoteQuery, Retrieval
from dicomnet.print_sentences import Notice
from dicomnet.remote import (
    RemoteRefused,
    remote_query_start,
    retrieval_cancel,
    retrieval_retry,
    retrieval_submit,
)
from dicomnet.scu.query import FoundStudy
from dicomnet.send_sentences import call_detail, failure_notice
from viewer.forms import MODALITIES, RemoteSearchForm
from viewer.words import Name

PAGE_SIZE: Final = 50
MOST_NODES: Final = 20
State = Retrieval.State
LOOKS: Final = {State.RUNNING: "live", State.DONE: "done", State.FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class Row:
    """A study of another archive as its line shows it."""

    study: FoundStudy
    names: list[str]
    here: Study | None
    retrieval: Retrieval | None
    look: str
    words: str
    offered: bool


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def remote(request: HttpRequest) -> HttpResponse:
    """What to look for and where; on POST the question is asked and its answers are followed."""
    require(user=request.user, act=Act.RETRIEVE)
    nodes = list(AENode.objects.filter(active=True))
    known = [node.pk for node in nodes]
    form = RemoteSearchForm(request.POST if request.method == "POST" else None, nodes=known)
    if request.method == "POST" and form.is_valid():
        asked = [node for node in nodes if node.pk in form.cleaned_data["node"]][:MOST_NODES]
        try:
            query = remote_query_start(
                user=request.user, nodes=asked, criteria=form.criteria(), source=source_of(request)
            )
            return redirect(f"{request.path}?query={query.pk}")
        except RemoteRefused as refused:
            messages.error(request, refused.sentence)
    query_of = _query(request) if "query" in request.GET else None
    context = {
        "form": form if form.is_bound else RemoteSearchForm(_asked(query_of), nodes=known),
        "nodes": nodes,
        "chosen": _chosen(form, query_of),
        "modalities": MODALITIES,
        "query": query_of,
        "blocks": _blocks(query_of) if query_of else [],
    }
    return render(request, "viewer/remote/remote.html", context)


@require_safe
@never_cache
def answers(request: HttpRequest, pk: int) -> HttpResponse:
    """The answers so far, for who asked."""
    require(user=request.user, act=Act.RETRIEVE)
    query = get_object_or_404(RemoteQuery, pk=pk, requested_by=request.user.pk)
    return render(request, "viewer/remote/answers.html", {"query": query, "blocks": _blocks(query)})


@require_POST
def retrieve(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a study of an answer sent here."""
    require(user=request.user, act=Act.RETRIEVE)
    answer = get_object_or_404(
        RemoteAnswer.objects.select_related("node"), pk=pk, query__requested_by=request.user.pk
    )
    wanted = request.POST.get("study", "")
    found = next((one for one in found_studies(answer) if one.study_instance_uid == wanted), None)
    if found is None:
        raise Http404(_("This study is not in the answer."))
    label = " · ".join(
        filter(None, [" ".join(_names(found)[:2]), found.sex, found.birth_date, found.patient_id])
    )
    try:
        retrieval_submit(
            user=request.user, node=answer.node, study=found, label=label, source=source_of(request)
        )
    except RemoteRefused as refused:
        messages.error(request, refused.sentence)
    return redirect(f"/remote/?query={answer.query_id}")


@require_safe
@never_cache
def retrievals(request: HttpRequest) -> HttpResponse:
    """Every retrieval, the newest first, with its counts as they are told."""
    require(user=request.user, act=Act.RETRIEVE)
    rows = Retrieval.objects.select_related("node", "requested_by")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    here = _studies_here(row.study_instance_uid for row in page)
    context = {
        "rows": [_retrieval_row(row, here.get(row.study_instance_uid)) for row in page],
        "page": page,
    }
    template = "viewer/remote/rows.html" if "part" in request.GET else "viewer/remote/retrievals.html"
    return render(request, template, context)


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Retrieval, pk=pk)
    try:
        retrieval_retry(user=request.user, retrieval=row, source=source_of(request))
    except RemoteRefused as refused:
        messages.error(request, refused.sentence)
    return redirect("retrievals")


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Retrieval, pk=pk)
    try:
        retrieval_cancel(user=request.user, retrieval=row, source=source_of(request))
    except RemoteRefused as refused:
        messages.error(request, refused.sentence)
    return redirect("retrievals")


def found_studies(answer: RemoteAnswer) -> list[FoundStudy]:
    """Read an answer back as it was found."""
    lists = ("modalities", "sop_classes")
    return [FoundStudy(**{**kept, **{name: tuple(kept[name]) for name in lists}}) for kept in answer.studies]


def _query(request: HttpRequest) -> RemoteQuery:
    asked = request.GET["query"]
    pk = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else 0
    return get_object_or_404(RemoteQuery, pk=pk, requested_by=request.user.pk)


def _asked(query: RemoteQuery | None) -> dict[str, Any] | None:
    """What the form showed when this was asked."""
    if query is None:
        return None
    kept: dict[str, Any] = dict(query.criteria)
    dates = {name: _dashed(kept.pop(f"date_{end}", "")) for name, end in (("since", "from"), ("until", "to"))}
    return {**kept, **dates, "m": kept.get("modalities", [])}


def _dashed(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else ""


def _chosen(form: RemoteSearchForm, query: RemoteQuery | None) -> set[int]:
    if query is not None:
        return set(query.answers.values_list("node_id", flat=True))
    return set(getattr(form, "cleaned_data", {}).get("node", [])) if form.is_bound else set()


def _blocks(query: RemoteQuery) -> list[dict[str, Any]]:
    """One block a node: its studies, or why there are none."""
    asked = list(query.answers.select_related("node"))
    found = {answer.pk: found_studies(answer) for answer in asked}
    uids = {study.study_instance_uid for studies in found.values() for study in studies}
    here = _studies_here(uids)
    coming = {
        (row.node_id, row.study_instance_uid): row
        for row in Retrieval.objects.filter(study_instance_uid__in=uids).order_by("id")
    }
    return [
        {
            "answer": answer,
            "notice": _answer_notice(answer),
            "rows": [
                _row(
                    study,
                    here.get(study.study_instance_uid),
                    coming.get((answer.node_id, study.study_instance_uid)),
                )
                for study in found[answer.pk]
            ],
        }
        for answer in asked
    ]


def _studies_here(uids: Iterable[str]) -> dict[str, Study]:
    rows = studies_listed().filter(study_instance_uid__in=list(uids)).order_by("-branch")
    return {study.study_instance_uid: study for study in rows}


def _row(study: FoundStudy, here: Study | None, retrieval: Retrieval | None) -> Row:
    """Is it here, wholly or in part, or on its way? What is here wholly need not be fetched."""
    look, words, offered = "", "", True
    if retrieval is not None and retrieval.state in (State.WAITING, State.RUNNING):
        look, words, offered = "live", _("On its way"), False
    elif here is not None and study.images is not None and here.number_of_instances < study.images:
        look = "part"
        words = _("%(here)s of %(all)s here") % {"here": here.number_of_instances, "all": study.images}
    elif here is not None:
        look, words, offered = "done", _("Here"), study.images is None
    elif retrieval is not None and retrieval.state == State.FAILED:
        look, words = "failed", _("Did not come")
    return Row(study, _names(study), here, retrieval, look, words, offered)


def _names(study: FoundStudy) -> list[str]:
    """The forms of a name: the person's own script first, then Latin, then phonetic."""
    groups = [group for group in study.patient_name.split("=")[:3] if group.strip("^ ")]
    own, rest = groups[1:2], groups[:1] + groups[2:]
    return list(dict.fromkeys(Name.show(group, comma=False) for group in own + rest))


def _answer_notice(answer: RemoteAnswer) -> Notice | None:
    if answer.state != RemoteAnswer.State.FAILED:
        return None
    node = answer.node
    detail = call_detail(called=node.ae_title, host=node.host, port=node.port, said=answer.error_detail)
    return failure_notice(answer.error, detail)


def _retrieval_row(row: Retrieval, here: Study | None) -> dict[str, Any]:
    node = row.node
    detail = call_detail(
        called=row.source,
        host=node.host if node else "",
        port=node.port if node else "",
        said=row.error_detail,
    )
    arrived = row.completed + row.warned
    whole = arrived + row.failed + row.remaining if row.remaining is not None else row.expected
    counts = f"{arrived} / {whole}" if whole else str(arrived)
    words = str(row.get_state_display())
    if row.state == State.RUNNING and row.cancel_requested:
        words = _("stopping")
    if row.failed:
        words += ", " + ngettext("%(count)s failed", "%(count)s failed", row.failed) % {"count": row.failed}
    return {
        "row": row,
        "here": here,
        "counts": counts,
        "look": LOOKS.get(State(row.state), "wait"),
        "words": words[:1].upper() + words[1:],
        "notice": failure_notice(row.error, detail) if row.error else None,
        "may_cancel": row.state in (State.WAITING, State.RUNNING) and not row.cancel_requested,
        "may_retry": row.state in (State.FAILED, State.CANCELLED) and node is not None,
    }
