"""Background jobs as the admin shows them."""

from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult


class BackgroundJob(DBTaskResult):  # type: ignore[type-arg]
    """A row of the task library under the name people know it by. Read only."""

    class Meta:
        proxy = True
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
