"""People and what they may do: a user has roles, a role is a rule in ``archive.access``."""

from __future__ import annotations

from typing import Any, Final

from axes.models import AccessAttempt
from axes.utils import reset
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import AbstractUser, Group, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from archive.access import MAY, ROLE_NAMES, Act, Role
from archive.admin.base import AuditedAdmin, ReadOnlyAdmin
from archive.admin.show import changelist, link, moment, state
from archive.models import AuditEvent, RoleGroup

_ACTS: Final = {
    Act.VIEW: _("look at studies"),
    Act.PRINT: _("print film"),
    Act.SEND: _("send studies"),
    Act.EXPORT: _("download studies"),
    Act.DELETE: _("delete"),
    Act.ADMINISTER: _("administer nodes, people and the archive"),
}


class RolesField(forms.MultipleChoiceField):
    """Ticks for the roles, one below the other."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self) -> None:
        super().__init__(
            label=_("Roles"),
            required=False,
            choices=[(role.value, ROLE_NAMES[role]) for role in Role],
            help_text=_("Without a role a person sees nothing."),
        )


class RolesMixin(forms.ModelForm[Any]):
    """A user form with roles; the staff flag follows from them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "roles" in self.fields and self.instance.pk:
            held = self.instance.groups.filter(name__in=list(Role)).values_list("name", flat=True)
            self.fields["roles"].initial = self.initial["roles"] = sorted(held)

    def staff_set(self) -> None:
        """Administrators may enter these pages; nobody else."""
        roles = self.cleaned_data.get("roles")
        if roles is not None:
            self.instance.is_staff = self.instance.is_superuser or Role.ADMINISTRATOR.value in roles

    def roles_save(self) -> None:
        roles = self.cleaned_data.get("roles")
        if roles is not None:
            others = self.instance.groups.exclude(name__in=list(Role))
            self.instance.groups.set([*others, *Group.objects.filter(name__in=roles)])


class PersonAddForm(RolesMixin, AdminUserCreationForm):  # type: ignore[type-arg]
    roles = RolesField()


class PersonChangeForm(RolesMixin, UserChangeForm):  # type: ignore[type-arg]
    roles = RolesField()


admin.site.unregister(Group)
admin.site.unregister(User)


@admin.register(get_user_model())
class PersonAdmin(AuditedAdmin, UserAdmin):  # type: ignore[type-arg]
    audit_action = AuditEvent.Action.USER_CHANGED
    form = PersonChangeForm
    add_form = PersonAddForm
    list_display = ("username", "full_name", "roles", "status", "seen")
    list_filter = ("groups", "is_active")
    filter_horizontal = ()
    actions = ("unlock",)
    fieldsets = (
        (None, {"fields": ("username", "password", ("last_name", "first_name"), "email")}),
        (_("What they may do"), {"fields": ("roles", "is_active")}),
        (_("Last seen"), {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", ("last_name", "first_name"))}),
        (_("Password"), {"fields": ("usable_password", "password1", "password2")}),
        (_("What they may do"), {"fields": ("roles",)}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Nobody locks the door from outside: one's own administrator role and account stay."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None or obj.pk != request.user.pk:
            return form

        class OwnForm(form):  # type: ignore[valid-type,misc]
            def clean_roles(self) -> list[str]:
                roles: list[str] = self.cleaned_data["roles"]
                if not self.instance.is_superuser and Role.ADMINISTRATOR.value not in roles:
                    raise ValidationError(_("This is you. Another administrator can take this role away."))
                return roles

            def clean_is_active(self) -> bool:
                if not self.cleaned_data["is_active"]:
                    raise ValidationError(_("This is you. Another administrator can switch you off."))
                return True

        return OwnForm

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser is changed by superusers only."""
        above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not above and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes themselves or a superuser; an account that is not needed is switched off."""
        if obj is not None and (obj.pk == request.user.pk or obj.is_superuser):
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        form.staff_set()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        form.roles_save()
        super().save_related(request, form, formsets, change)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Somebody else's password: that it changed is recorded with it."""
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if isinstance(response, HttpResponseRedirect) and response.url != request.get_full_path():
                user = self.get_object(request, id)
                if user is not None:
                    self.audit(request, user, {"changed": {"password": True}})
        return response

    @admin.display(description=_("name"), ordering="last_name")
    def full_name(self, user: AbstractUser) -> str:
        return user.get_full_name()

    @admin.display(description=_("roles"))
    def roles(self, user: AbstractUser) -> str:
        if user.is_superuser:
            return str(ROLE_NAMES[Role.ADMINISTRATOR])
        held = {group.name for group in user.groups.all()}
        return ", ".join(str(name) for role, name in ROLE_NAMES.items() if role.value in held)

    @admin.display(description=_("state"))
    def status(self, user: AbstractUser) -> SafeString:
        if not user.is_active:
            return state("wait", _("switched off"))
        if _locked_out(user.get_username()):
            return state("failed", _("locked out"))
        return state("done", _("active"))

    @admin.display(description=_("last seen"), ordering="last_login")
    def seen(self, user: AbstractUser) -> str:
        return moment(user.last_login)

    @admin.action(description=_("Let them log in again"), permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[AbstractUser]) -> None:
        """Forget failed log-ins of people who are locked out after too many."""
        done = 0
        for user in queryset:
            if reset(username=user.get_username()):
                self.audit(request, user, {"unlocked": True})
                done += 1
        text = ngettext("%(count)s person may log in again.", "%(count)s people may log in again.", done)
        self.message_user(request, text % {"count": done}, messages.SUCCESS)


def _locked_out(username: str) -> bool:
    failed = AccessAttempt.objects.filter(
        username=username, failures_since_start__gte=settings.AXES_FAILURE_LIMIT
    )
    return bool(failed.exists())


@admin.register(RoleGroup)
class RoleAdmin(ReadOnlyAdmin):
    """The roles and their rules, to read: what a role may do is decided in one place, not here."""

    list_display = ("role", "allowed", "people")
    fields = ("role", "allowed", "people")
    readonly_fields = fields
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(name__in=list(Role))

    @admin.display(description=_("role"), ordering="name")
    def role(self, group: RoleGroup) -> str:
        return str(ROLE_NAMES[Role(group.name)])

    @admin.display(description=_("may"))
    def allowed(self, group: RoleGroup) -> str:
        acts = MAY[Role(group.name)]
        return ", ".join(str(words) for act, words in _ACTS.items() if act in acts)

    @admin.display(description=_("people"))
    def people(self, group: RoleGroup) -> SafeString:
        count = group.user_set.count()
        words = ngettext("%(count)s person", "%(count)s people", count) % {"count": count}
        return link(changelist("auth_user", groups__id__exact=group.pk), words)
