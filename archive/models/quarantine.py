"""Objects that were kept but cannot be indexed."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class QuarantinedObject(models.Model):
    class State(models.TextChoices):
        HELD = "held", _("held")
        ADMITTED = "admitted", _("admitted after a retry")
        DISCARDED = "discarded", _("discarded")

    reason = models.CharField(_("reason"), max_length=64)  # archive.dicom.reader.Unreadable.code
    detail = models.CharField(_("detail"), max_length=1024, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.HELD)
    sop_class_uid = models.CharField(_("SOP Class UID"), max_length=64, blank=True)
    sop_instance_uid = models.CharField(_("SOP Instance UID"), max_length=64, blank=True)
    transfer_syntax_uid = models.CharField(_("transfer syntax"), max_length=64, blank=True)
    file_key = models.CharField(_("file"), max_length=255)
    file_size = models.BigIntegerField(_("size"))
    file_digest = models.CharField(_("digest"), max_length=64, unique=True)
    source = models.CharField(_("from"), max_length=64, blank=True)
    attempts = models.PositiveIntegerField(_("arrivals"), default=1)
    created_at = models.DateTimeField(_("arrived"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last tried"), auto_now=True)

    class Meta:
        verbose_name = _("quarantined object")
        verbose_name_plural = _("quarantine")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.sop_instance_uid or self.file_digest[:12]
