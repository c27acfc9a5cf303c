"""Storage commitments: who asked whom, what became of it, and the one click that tries it now."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from archive.admin.base import ReadOnlyAdmin, WaitingMixin
from archive.admin.show import Shape, moment, mono, state
from dicomnet.commitment import commitment_retry
from dicomnet.commitment_words import error_words, reason_words
from dicomnet.models import Commitment, CommitmentObject

State = Commitment.State
_SHAPES: Final[dict[str, Shape]] = {
    State.WAITING: "wait",
    State.AWAITED: "live",
    State.DONE: "done",
    State.GAVE_UP: "failed",
}
_MOST_SHOWN: Final = 200


class ObjectInline(admin.TabularInline[CommitmentObject, Commitment]):
    """The objects of the transaction; those that are not committed come first."""

    model = CommitmentObject
    extra = 0
    can_delete = False
    fields = ("sop_class_uid", "sop_instance_uid", "result")
    readonly_fields = fields
    verbose_name_plural = _("Objects")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CommitmentObject]:
        number = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
        rows = super().get_queryset(request).filter(commitment_id=int(number) if number.isdigit() else 0)
        shown = rows.order_by("-failure_reason", "id").values_list("pk", flat=True)[:_MOST_SHOWN]
        return rows.filter(pk__in=list(shown)).order_by("-failure_reason", "id")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("result"))
    def result(self, one: CommitmentObject) -> SafeString:
        shape: Shape = "done" if one.failure_reason == 0 else "failed" if one.failure_reason else "wait"
        return state(shape, reason_words(one.failure_reason))


@admin.register(Commitment)
class CommitmentAdmin(WaitingMixin, ReadOnlyAdmin):
    waiting_query = f"?state__exact={State.GAVE_UP}"
    change_form_template = "admin/dicomnet/commitment/change_form.html"
    list_display = ("ae_title", "direction", "status", "result", "wrong", "asked", "attempts", "next_attempt")
    list_filter = ("state", "direction", "ae_title")
    search_fields = ("=transaction_uid", "=ae_title", "=objects_named__sop_instance_uid")
    search_help_text = _("Transaction UID, AE title or SOP Instance UID, written in full")
    ordering = ("-id",)
    actions = ("try_now",)
    inlines = (ObjectInline,)
    fields = (
        ("ae_title", "direction"), "transaction", ("status", "result"), ("wrong", "advice"),
        ("asked", "finished"), ("attempts", "next_attempt"),
    )  # fmt: skip
    readonly_fields = (
        "transaction", "status", "result", "wrong", "advice", "asked", "finished", "next_attempt",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Commitment]:
        """With counts, made for the rows of a page only."""
        objects = CommitmentObject.objects.filter(commitment=OuterRef("pk")).order_by().values("commitment")
        counted = objects.annotate(n=Count("pk")).values("n")
        good = objects.filter(failure_reason=0).annotate(n=Count("pk")).values("n")
        rows: QuerySet[Commitment] = super().get_queryset(request)
        return rows.annotate(in_all=Subquery(counted), committed=Subquery(good))

    def waiting(self) -> int:
        return Commitment.objects.filter(state=State.GAVE_UP).exclude(error="asked-again").count()

    def waiting_sentence(self, count: int) -> str:
        text = ngettext(
            "%(count)s storage commitment came to nothing.",
            "%(count)s storage commitments came to nothing.",
            count,
        )
        return text % {"count": count}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.try_one))
        return [path("<int:pk>/try/", view, name="dicomnet_commitment_try"), *super().get_urls()]

    @admin.display(description=_("Transaction UID"))
    def transaction(self, row: Commitment) -> SafeString:
        return mono(row.transaction_uid)

    @admin.display(description=_("state"), ordering="state")
    def status(self, row: Commitment) -> SafeString:
        return state(_SHAPES[row.state], row.get_state_display())

    @admin.display(description=_("committed"))
    def result(self, row: Any) -> str:
        return f"{row.committed or 0} / {row.in_all or 0}"

    @admin.display(description=_("what went wrong"), ordering="error")
    def wrong(self, row: Commitment) -> str:
        return error_words(row)[0]

    @admin.display(description=_("What should I do"))
    def advice(self, row: Commitment) -> str:
        return error_words(row)[1]

    @admin.display(description=_("asked"), ordering="created_at")
    def asked(self, row: Commitment) -> str:
        return moment(row.created_at)

    @admin.display(description=_("finished"), ordering="finished_at")
    def finished(self, row: Commitment) -> str:
        return moment(row.finished_at)

    @admin.display(description=_("next attempt"), ordering="due_at")
    def next_attempt(self, row: Commitment) -> str:
        return moment(row.due_at) if row.state == State.WAITING else ""

    # ------------------------------------------------------------------ try now

    @admin.action(description=_("Try now"))
    def try_now(self, request: HttpRequest, queryset: QuerySet[Commitment]) -> None:
        self._try(request, queryset)

    def try_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._try(request, Commitment.objects.filter(pk=pk))
        return HttpResponseRedirect(reverse("admin:dicomnet_commitment_change", args=[pk]))

    def _try(self, request: HttpRequest, queryset: QuerySet[Commitment]) -> None:
        count = sum(commitment_retry(commitment=row) for row in queryset)
        if count:
            text = ngettext("%(count)s is tried now.", "%(count)s are tried now.", count)
            self.message_user(request, text % {"count": count}, messages.SUCCESS)
        else:
            self.message_user(request, _("There is nothing left to say to the node."), messages.WARNING)
