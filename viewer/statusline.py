"""The status line: are the services well, in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from archive.health import Health, health_now


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of the status line: ``level`` is ok, warn or bad and never stands alone."""

    name: str
    words: str
    level: str = "ok"


@dataclass(frozen=True, slots=True)
class Status:
    facts: tuple[Fact, ...]
    sentence: str
    ok: bool


WELL: Promise = gettext_lazy("All services well")


def status_now() -> Status:
    """Look at the services once and say it in words. Costs three queries."""
    health = health_now()
    return Status((_scp(health), _jobs(health), _disk(health)), status_sentence(health), health.ok)


def status_sentence(health: Health) -> str:
    """Return the state of the house in a few words, the worst first."""
    if not health.database:
        return _("The database does not answer")
    if not health.disk:
        return _("The disk is nearly full")
    if not health.scp:
        return _("Images cannot arrive: the SCP is not running")
    if not health.jobs:
        return _("Printing waits: the jobs are not running")
    return str(WELL)


def _scp(health: Health) -> Fact:
    if not health.scp:
        return Fact("SCP", _("not running"), "bad")
    return Fact("SCP", f"{settings.PACS_AE_TITLE}:{settings.PACS_DICOM_PORT}")


def _jobs(health: Health) -> Fact:
    rows = DBTaskResult.objects.order_by()
    running = rows.filter(status=TaskResultStatus.RUNNING).count()
    waiting = rows.filter(status=TaskResultStatus.READY).count()
    words = _("idle")
    if running or waiting:
        words = _("%(running)s running, %(waiting)s waiting") % {
            "running": intcomma(running),
            "waiting": intcomma(waiting),
        }
    if not health.jobs:
        stopped = _("not running")
        more = ngettext("%(count)s waiting", "%(count)s waiting", waiting) % {"count": intcomma(waiting)}
        return Fact(_("Jobs"), f"{stopped}, {more}" if waiting else stopped, "bad")
    return Fact(_("Jobs"), words)


def _disk(health: Health) -> Fact:
    words = _("%(used)s %% used, %(free)s free") % {
        "used": round(health.disk_used * 100),
        "free": filesizeformat(health.disk_free).replace("\xa0", " "),
    }
    level = "bad" if not health.disk else "warn" if health.disk_used > 0.9 else "ok"
    return Fact(_("Disk"), words, level)
