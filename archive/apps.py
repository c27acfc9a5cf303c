from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.admin import apps as admin_apps  # not the class: Django counts those it finds here
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from archive.checks import checks_register


class ArchiveConfig(AppConfig):
    name = "archive"
    verbose_name = _("Archive")
    default_auto_field = "django.db.models.BigAutoField"
    default = True

    def ready(self) -> None:
        checks_register()
        apps.get_app_config("auth").verbose_name = _("People")  # as our pages call them
        post_migrate.connect(_after_migrate, dispatch_uid="archive-after-migrate")


class AdministrationConfig(admin_apps.AdminConfig):
    """Django's admin with our site: who may enter, and how its pages are grouped."""

    default = False
    default_site = "archive.administration.AdministrationSite"


def _after_migrate(*, app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Roles need the permissions of every app, which are made one app after the other: wait for the last."""
    from archive.access import roles_ensure  # noqa: PLC0415  models exist only after setup
    from archive.models.audit_triggers import triggers_ensure  # noqa: PLC0415
    from archive.models.word_index import word_index_ensure  # noqa: PLC0415

    if app_config != list(apps.get_app_configs())[-1]:
        return
    roles_ensure()
    word_index_ensure(using)
    if settings.PACS_AUDIT_TRIGGERS:
        triggers_ensure(using)
