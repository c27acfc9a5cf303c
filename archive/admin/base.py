"""What our pages of the admin share: reading only, audited changes, long lists that stay quick."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from archive.audit import audit_record, source_of
from archive.models import AuditEvent

MOST_COUNTED: Final = 10_000
_SECRET: Final = frozenset({"password", "password1", "password2", "usable_password"})


def administrator(request: HttpRequest) -> User:
    """Return who asks: a page of the admin is never asked by somebody who is not logged in."""
    assert isinstance(request.user, User)
    return request.user


class BoundedPaginator(Paginator[Any]):
    """Counts no further than ``MOST_COUNTED``: a table of a hundred million rows opens at once.

    What lies beyond is found by search and filters.
    """

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[:MOST_COUNTED].count()
        return len(rows)


@dataclass(frozen=True, slots=True)
class Notice:
    """What waits, in a sentence, and where to see it."""

    sentence: str
    address: str


class NamedAdmin(admin.ModelAdmin[Any]):
    """A list is called what is in it."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))


class WaitingMixin(admin.ModelAdmin[Any]):
    """A page whose rows may wait for somebody: ``waiting`` counts them, the index and the menu say so."""

    waiting_query = ""

    def waiting(self) -> int:
        raise NotImplementedError

    def waiting_sentence(self, count: int) -> str:
        raise NotImplementedError

    def waiting_notice(self) -> Notice | None:
        """Return what the index page says of them; nothing when nothing waits."""
        count = self.waiting()
        if not count:
            return None
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return Notice(self.waiting_sentence(count), address + self.waiting_query)


class ReadOnlyAdmin(NamedAdmin):
    """Rows to look at. What changes them is a service, not a form."""

    paginator = BoundedPaginator
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AuditedAdmin(NamedAdmin):
    """Every change goes into the audit trail with what it changed, in the transaction of the change."""

    audit_action: ClassVar[AuditEvent.Action]

    def save_related(self, request: HttpRequest, form: ModelForm[Any], formsets: Any, change: bool) -> None:
        """The last step of a save, when the row and its relations are written."""
        super().save_related(request, form, formsets, change)
        detail: dict[str, Any] = {"changed": changes_of(form)} if change else {"added": True}
        if not change:
            detail["values"] = {
                name: _told(name, form.cleaned_data.get(name)) for name in form.fields if name not in _SECRET
            }
        self.audit(request, form.instance, detail)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        super().delete_model(request, obj)
        self.audit(request, obj, {"deleted": True})

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        gone = list(queryset)
        super().delete_queryset(request, queryset)
        for obj in gone:
            self.audit(request, obj, {"deleted": True})

    def audit(self, request: HttpRequest, obj: Model, detail: dict[str, Any]) -> None:
        """Add the row: who, which object, what about it."""
        audit_record(
            action=self.audit_action,
            actor=request.user,
            source=source_of(request),
            object=str(obj),
            detail=detail,
        )


def changes_of(form: ModelForm[Any]) -> dict[str, Any]:
    """Return what a form changed: ``{field: [before, after]}``; of a password only that it did."""
    found: dict[str, Any] = {}
    for name in form.changed_data:
        if name in _SECRET:
            found[name] = True
        else:
            found[name] = [_told(name, form.initial.get(name)), _told(name, form.cleaned_data.get(name))]
    return found


def _told(name: str, value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, Model):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool | dict):
        return value
    if isinstance(value, Iterable):
        return [_told(name, one) for one in value]
    return str(value)
