"""What a first run makes and a later run leaves alone: tables, first administrator, demonstration.

And what every run loads: the code that its services share.
"""

from __future__ import annotations

import gc
import importlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pacs_site.env import Environment

# What the services import on their way up. Not daphne: importing it makes its event loop, and that must
# not be carried over a fork.
SHARED: Final = (
    "pacs_site.urls",
    "viewer.routing",
    "channels.auth",
    "dicomnet.management.commands.runscp",
    "dicomnet.sending_lane",
    "archive.management.commands.runjobs",
)


class SetupError(Exception):
    """Why the site cannot be prepared, in one sentence."""


def django_load() -> None:
    """Load Django, our settings and models. Opens no connection and starts no thread.

    Raises ``SetupError`` when the settings cannot be used.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pacs_site.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured

    try:
        with _loading():
            django.setup()
    except ImproperlyConfigured as error:
        raise SetupError(str(error)) from None


def services_load() -> None:
    """Load what the services share, once Django is loaded. Opens no connection and starts no thread."""
    with _loading():
        for module in SHARED:
            importlib.import_module(module)


@contextmanager
def _loading() -> Iterator[None]:
    """What is loaded stays: the collector need not look at it again and again while it grows, nor later.

    A forked process that does not touch it shares the memory.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def prepare(settings: Environment, announce: Callable[[str], None]) -> str:
    """Bring database, catalogue, administrator and demonstration up to date.

    Changes nothing that is there. Returns the administrator's password when it was generated now,
    else an empty string. Raises ``SetupError`` when the database cannot be used.
    """
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import call_command
    from django.db import DatabaseError, connections

    from archive.health import heartbeats_forget

    try:
        heartbeats_forget()
        call_command("compilecatalogue", verbosity=0)
        call_command("migrate", interactive=False, verbosity=0)
        if settings.demo:
            _demonstration(announce)
        password = _first_administrator(settings)  # last: who stops us before hears of no password
    except ImproperlyConfigured as error:
        raise SetupError(str(error)) from None
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        raise SetupError(f"The database cannot be used: {reason}. Look at DATABASE_URL.") from None
    finally:
        connections.close_all()
    return password


def _first_administrator(settings: Environment) -> str:
    from django.contrib.auth import get_user_model
    from django.db import transaction

    users = get_user_model()
    with transaction.atomic():
        if users.objects.filter(is_superuser=True).exists():
            return ""
        password = settings.admin_password or secrets.token_urlsafe(12)
        users.objects.create_superuser(settings.admin_user, password=password)
    return "" if settings.admin_password else password


def _demonstration(announce: Callable[[str], None]) -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from dicomnet.models import AENode
    from dicomnet.worklist_demonstration import demonstration_plan

    marker = settings.DATA_DIR / "demo.loaded"
    if marker.exists():
        return
    announce("Loading the demonstration studies; this happens once.")
    if not AENode.objects.filter(ae_title="DEMO").exists():
        call_command(
            "addnode",
            "DEMO",
            "127.0.0.1",
            "11113",
            allow="echo,store,find,move,get,worklist,mpps",
            verbosity=0,
        )
    call_command("demo")
    demonstration_plan(day=timezone.localdate())
    marker.touch()
