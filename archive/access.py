"""Who may do what with which study: the one rule.

Portal, sockets, DICOMweb and the admin ask here and nowhere else. People have roles, roles are
Django groups of these names, so that an administrator sees and gives them in the admin.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.contrib.auth.models import AbstractUser, AnonymousUser, Group, Permission
from django.core.exceptions import PermissionDenied
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from archive.models import Study


class Role(StrEnum):
    READER = "reader"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Act(StrEnum):
    VIEW = "view"
    PRINT = "print"
    SEND = "send"
    RETRIEVE = "retrieve"
    EXPORT = "export"
    ANNOTATE = "annotate"  # star images, save views and selections into a study
    SCHEDULE = "schedule"
    DELETE = "delete"
    ADMINISTER = "administer"


MAY: Final[Mapping[Role, frozenset[Act]]] = {
    Role.READER: frozenset({Act.VIEW, Act.ANNOTATE}),
    Role.OPERATOR: frozenset(
        {Act.VIEW, Act.ANNOTATE, Act.PRINT, Act.SEND, Act.RETRIEVE, Act.EXPORT, Act.SCHEDULE}
    ),
    Role.ADMINISTRATOR: frozenset(Act),
}

ROLE_NAMES: Final[Mapping[Role, Promise]] = {
    Role.READER: _("Reader"),
    Role.OPERATOR: _("Operator"),
    Role.ADMINISTRATOR: _("Administrator"),
}

_REFUSALS: Final[Mapping[Act, Promise]] = {
    Act.VIEW: _("Your account has no role yet. An administrator can give it one."),
    Act.PRINT: _("Your role does not print. An operator or administrator does."),
    Act.SEND: _("Your role does not send. An operator or administrator does."),
    Act.RETRIEVE: _("Your role does not ask other archives. An operator or administrator does."),
    Act.EXPORT: _("Your role does not download. An operator or administrator does."),
    Act.ANNOTATE: _("Your account has no role yet. An administrator can give it one."),
    Act.SCHEDULE: _("Your role does not change the worklist. An operator or administrator does."),
    Act.DELETE: _("Only an administrator deletes."),
    Act.ADMINISTER: _("This page is for administrators."),
}

# What the administrator's group may touch in the admin; what a ModelAdmin forbids stays forbidden.
_ADMINISTERED_APPS: Final = (
    "archive",
    "dicomnet",
    "viewer",
    "auth",
    "admin",
    "axes",
    "django_tasks_database",
)

User = AbstractUser | AnonymousUser


def roles_of(user: User) -> frozenset[Role]:
    """Return the roles a person has now. Asked afresh each time: a role taken away is gone at once."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset({Role.ADMINISTRATOR})
    names = set(user.groups.values_list("name", flat=True))
    return frozenset(role for role in Role if role in names)


def may(*, user: User, act: Act, study: Study | None = None) -> bool:
    """Say whether this person may do this, with this study when one is given.

    A person without a role may do nothing. A rejected study is there for nobody.
    """
    if study is not None and study.rejected_at is not None:
        return False
    return any(act in MAY[role] for role in roles_of(user))


def require(*, user: User, act: Act, study: Study | None = None) -> None:
    """Raise ``PermissionDenied`` with a sentence for the person unless ``may`` says yes."""
    if not may(user=user, act=act, study=study):
        raise PermissionDenied(_REFUSALS[act])


def roles_ensure() -> None:
    """Make the three groups and give the administrator's every permission of the admin.

    Safe to run again; runs after every ``migrate``.
    """
    for role in Role:
        Group.objects.get_or_create(name=role.value)
    group = Group.objects.get(name=Role.ADMINISTRATOR.value)
    wanted = Permission.objects.filter(content_type__app_label__in=_ADMINISTERED_APPS)
    group.permissions.add(*wanted.exclude(group=group))
