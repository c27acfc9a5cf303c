"""Transfers: the list, one as it goes with every object of it, and what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from archive.access import Act, require
from archive.audit import source_of
from dicomnet.models import Transfer, TransferItem
from dicomnet.print_sentences import Notice
from dicomnet.send_sentences import item_notice, syntax_words, transfer_notice
from dicomnet.sending import SendRefused, transfer_cancel, transfer_retry

PAGE_SIZE: Final = 50
ITEMS_SHOWN: Final = 100
State = Transfer.State
ItemState = TransferItem.State
STATE_LOOKS: Final = {State.SENDING: "live", State.DONE: "done", State.FAILED: "failed"}
ITEM_LOOKS: Final = {
    ItemState.SENT: "done",
    ItemState.WARNING: "part",
    ItemState.THERE: "done",
    ItemState.FAILED: "failed",
}
FILTERS: Final = {
    "": (gettext_lazy("All"), tuple(ItemState)),
    "failed": (gettext_lazy("Not taken"), (ItemState.FAILED,)),
    "remark": (gettext_lazy("With a remark"), (ItemState.WARNING, ItemState.THERE)),
    "waiting": (gettext_lazy("Waiting"), (ItemState.WAITING,)),
    "sent": (gettext_lazy("Arrived"), (ItemState.SENT, ItemState.WARNING, ItemState.THERE)),
}


@require_safe
@never_cache
def transfer_list(request: HttpRequest) -> HttpResponse:
    """Every transfer, the newest first."""
    require(user=request.user, act=Act.SEND)
    rows = Transfer.objects.select_related("requested_by", "node")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"rows": [_row(transfer) for transfer in page], "page": page}
    template = "viewer/transfers/rows.html" if "part" in request.GET else "viewer/transfers/list.html"
    return render(request, template, context)


@require_safe
@never_cache
def transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """One transfer: how far it is, why it does not go on, every object. ``?part``: no frame."""
    require(user=request.user, act=Act.SEND)
    found = _transfer(pk)
    chosen = request.GET.get("show", "")
    context = transfer_context(found, chosen if chosen in FILTERS else "", request.GET.get("page", ""))
    template = "viewer/transfers/part.html" if "part" in request.GET else "viewer/transfers/transfer.html"
    return render(request, template, context)


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try again what did not arrive, or a waiting transfer at once."""
    try:
        transfer_retry(user=request.user, transfer=_transfer(pk), source=source_of(request))
    except SendRefused as refused:
        messages.error(request, refused.sentence)
    return redirect("transfer", pk)


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        transfer_cancel(user=request.user, transfer=_transfer(pk), source=source_of(request))
    except SendRefused as refused:
        messages.error(request, refused.sentence)
    return redirect("transfer", pk)


@dataclass(frozen=True, slots=True)
class Line:
    """One object as its line shows it."""

    item: TransferItem
    look: str
    status: str
    syntax: str
    notice: Notice | None


def transfer_context(found: Transfer, chosen: str, page_number: str) -> dict[str, Any]:
    page = Paginator(_items(found, chosen), ITEMS_SHOWN).get_page(page_number)
    open_states = (State.WAITING, State.SENDING)
    queue = Transfer.objects.filter(node=found.node_id, state__in=open_states)
    study = found.study if found.study is not None and found.study.rejected_at is None else None
    arrived_plainly = found.sent - found.warned
    return {
        "transfer": found,
        "study": study,
        "patient": found.patient_label.split(" · "),
        "look": STATE_LOOKS.get(State(found.state), "wait"),
        "state_words": state_words(found),
        "notice": transfer_notice(found) if found.state != State.DONE else None,
        "later": found.next_attempt_at if _put_off(found) else None,
        "bar": [
            ("sent", arrived_plainly, _("Arrived")),
            ("warned", found.warned, _("With a remark")),
            ("failed", found.failed, _("Not taken")),
            ("waiting", found.total - found.sent - found.failed, _("Waiting")),
        ],
        "filters": [(name, words, name == chosen) for name, (words, _states) in FILTERS.items()],
        "chosen": chosen,
        "lines": [_line(item) for item in page],
        "page": page,
        "before": queue.filter(pk__lt=found.pk).count() if found.state == State.WAITING else 0,
        "may_cancel": found.state in open_states and not found.cancel_requested,
        "may_hasten": _put_off(found),
        "may_retry": found.state in (State.FAILED, State.CANCELLED) and found.node_id is not None,
        "off": found.node is not None and not found.node.active and found.state == State.WAITING,
    }


def state_words(found: Transfer) -> str:
    words = str(found.get_state_display())
    if found.cancel_requested and found.state == State.SENDING:
        words = _("stopping before the next image")
    elif _put_off(found):
        words = _("waiting for the next attempt")
    return words[:1].upper() + words[1:]


def _put_off(found: Transfer) -> bool:
    return (
        found.state == State.WAITING
        and found.next_attempt_at is not None
        and found.next_attempt_at > timezone.now()
    )


def _transfer(pk: int) -> Transfer:
    return get_object_or_404(Transfer.objects.select_related("node", "requested_by", "study__patient"), pk=pk)


def _items(found: Transfer, chosen: str) -> QuerySet[TransferItem]:
    _words, states = FILTERS[chosen]
    rows = found.items.select_related("instance__series").filter(state__in=states)
    return rows.order_by("id")


def _line(item: TransferItem) -> Line:
    return Line(
        item,
        ITEM_LOOKS.get(ItemState(item.state), "wait"),
        "" if item.status is None else f"{item.status:04X}",
        syntax_words(item.transfer_syntax_uid) if item.transfer_syntax_uid else "",
        item_notice(item),
    )


def _row(found: Transfer) -> dict[str, Any]:
    return {
        "transfer": found,
        "look": STATE_LOOKS.get(State(found.state), "wait"),
        "words": state_words(found),
        "later": found.next_attempt_at if _put_off(found) else None,
    }
