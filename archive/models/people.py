"""Roles as the admin shows them."""

from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _


class RoleGroup(Group):
    """A group under the name people know it by; ``archive.access.Role`` says what it may."""

    class Meta:
        proxy = True
        verbose_name = _("role")
        verbose_name_plural = _("roles")
