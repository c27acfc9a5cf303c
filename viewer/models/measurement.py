"""What a person drew on the images of a study: theirs alone."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Measurement(models.Model):
    """A length, angle, region, arrow or text. Places are stored pixels; their measure is worked out anew."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="measurements")
    study = models.ForeignKey("archive.Study", on_delete=models.CASCADE, related_name="measurements")
    instance = models.ForeignKey("archive.Instance", on_delete=models.CASCADE, related_name="measurements")
    key = models.UUIDField(_("key"))  # made by the page that drew it
    frame = models.PositiveIntegerField(_("frame"))
    shape = models.CharField(_("shape"), max_length=16)
    places = models.JSONField(_("places"))
    text = models.CharField(_("text"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("drawn"), auto_now_add=True)

    class Meta:
        verbose_name = _("measurement")
        verbose_name_plural = _("measurements")
        constraints = [
            models.UniqueConstraint(fields=["user", "study", "key"], name="viewer_measurement_once"),
        ]

    def __str__(self) -> str:
        return f"{self.shape} {self.key}"
