"""The association diary: who spoke with us, what about, how it ended, and what to do. To read only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from archive.admin.base import ReadOnlyAdmin
from archive.admin.show import Shape, changelist, moment, mono, state
from dicomnet.diary.figures import took
from dicomnet.diary.page import described, page_of, summary_of
from dicomnet.models import Association

SHAPES: Final[dict[str, Shape]] = {
    Association.Outcome.RUNNING: "live",
    Association.Outcome.WELL: "done",
    Association.Outcome.PROBLEMS: "part",
    Association.Outcome.BROKEN: "conflict",
    Association.Outcome.REJECTED: "failed",
    Association.Outcome.UNREACHED: "failed",
}
_DAYS: Final = 30
_MOST: Final = 2000
_BAR, _GAP, _LOW, _HIGH = 8, 4.6, 10, 26


def diary_search(text: str) -> str:
    """The address of the diary's list for a title or host."""
    return changelist("dicomnet_association", q=quote(text))


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the last thirty, as a bar."""

    x: float
    y: float
    height: float
    lit: bool


@dataclass(frozen=True, slots=True)
class Before:
    """The same outcome with the same peer before."""

    bars: tuple[Bar, ...]
    times: int
    well: int
    days: int = _DAYS


@admin.register(Association)
class AssociationAdmin(ReadOnlyAdmin):
    list_display = ("when", "who", "where", "way", "what", "duration", "status")
    list_filter = ("outcome", "direction", "began", "node")
    search_fields = ("peer", "address")
    search_help_text = _("Beginning of an AE title or an address")
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER  # they would count every row

    def get_queryset(self, request: HttpRequest) -> QuerySet[Association]:
        return super().get_queryset(request).defer("contexts")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Beginnings, as ranges that an index answers; capitals may be left out."""
        term = search_term.strip()
        if not term:
            return queryset, False
        begins = Q(address__gte=term, address__lt=term + "\uffff")
        for title in {term, term.upper()}:
            begins |= Q(peer__gte=title, peer__lt=title + "\uffff")
        return queryset.filter(begins), False

    @admin.display(description=_("when"), ordering="began")
    def when(self, row: Association) -> str:
        return moment(row.began)

    @admin.display(description=_("AE title"))
    def who(self, row: Association) -> SafeString | str:
        return mono(row.peer) if row.peer else "–"

    @admin.display(description=_("from where"))
    def where(self, row: Association) -> str:
        return row.address

    @admin.display(description=_("direction"))
    def way(self, row: Association) -> str:
        return str(row.get_direction_display())

    @admin.display(description=_("what"))
    def what(self, row: Association) -> str:
        return summary_of(row)

    @admin.display(description=_("took"))
    def duration(self, row: Association) -> str:
        return took(row.seconds)

    @admin.display(description=_("outcome"))
    def status(self, row: Association) -> SafeString:
        return state(SHAPES[row.outcome], row.get_outcome_display())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one association."""
        number = int(object_id) if object_id.isdigit() and len(object_id) < 19 else 0
        row = get_object_or_404(Association.objects.select_related("node"), pk=number)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        page = page_of(row)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Association %(number)s") % {"number": row.pk},
            "opts": self.opts,
            "row": row,
            "page": page,
            "shape": SHAPES[row.outcome],
            "text": described(row, page),
            "earlier": self._neighbour(row, later=False),
            "later": self._neighbour(row, later=True),
            "node": reverse("admin:dicomnet_aenode_change", args=[row.node_id]) if row.node_id else "",
            "all_of_it": diary_search(row.peer or row.address),
            "callers": reverse("admin:dicomnet_unknowncaller_changelist"),
            "before": before_of(row),
        }
        return TemplateResponse(request, "admin/dicomnet/association.html", context)

    def _neighbour(self, row: Association, *, later: bool) -> str:
        """The address of the association with the same peer before or after this one."""
        same = _same_peer(row).exclude(pk=row.pk).defer("contexts", "operations")
        if later:
            found = same.filter(began__gte=row.began).order_by("began", "id").first()
        else:
            found = same.filter(began__lte=row.began).order_by("-began", "-id").first()
        return reverse("admin:dicomnet_association_change", args=[found.pk]) if found else ""


def _same_peer(row: Association) -> QuerySet[Association]:
    if row.peer:
        return Association.objects.filter(peer=row.peer)
    return Association.objects.filter(peer="", address=row.address)


def before_of(row: Association) -> Before | None:
    """How often it ended like this before; nothing for one that runs or went well."""
    if row.outcome in (Association.Outcome.RUNNING, Association.Outcome.WELL):
        return None
    first = row.began - timedelta(days=_DAYS - 1)
    lately = _same_peer(row).filter(began__gte=first, began__lte=row.began).order_by()
    moments = lately.filter(outcome=row.outcome).values_list("began", flat=True)[:_MOST]
    last_day = timezone.localtime(row.began).date()
    days = Counter((last_day - timezone.localtime(at).date()).days for at in moments)
    bars = []
    for number in range(_DAYS):
        lit = days[_DAYS - 1 - number] > 0
        height = _HIGH if lit else _LOW
        bars.append(Bar(round(number * (_BAR + _GAP), 1), 32 - height, height, lit))
    well = lately.filter(outcome=Association.Outcome.WELL)[:_MOST].count()
    return Before(tuple(bars), days.total(), well)
