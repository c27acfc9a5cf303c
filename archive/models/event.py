"""The outbox: what happened, told in the transaction in which it happened."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """One (topic, key). Readers re-read the state behind the key; the row carries no state.

    Ids do not commit in order on PostgreSQL: tail with ``archive.events`` only.
    """

    topic = models.CharField(_("topic"), max_length=32)
    key = models.CharField(_("key"), max_length=64)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    routed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"
