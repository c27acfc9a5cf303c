"""The star: an image or a frame that somebody wants found again. Everybody who may see the study sees it."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Star(models.Model):
    """Kept by UIDs, so that it outlives a rebuild of the index."""

    study_instance_uid = models.CharField(_("study"), max_length=64, db_index=True)
    sop_instance_uid = models.CharField(_("SOP Instance UID"), max_length=64)
    frame = models.PositiveIntegerField(_("frame"), default=1)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("star")
        verbose_name_plural = _("stars")
        constraints = [models.UniqueConstraint(fields=["sop_instance_uid", "frame"], name="star_once")]

    def __str__(self) -> str:
        return f"{self.sop_instance_uid} {self.frame}"
