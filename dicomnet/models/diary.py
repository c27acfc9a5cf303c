"""The association diary: a row for each association, and for each attempt at one. No patient data."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Association(models.Model):
    """Who spoke with whom, what about, and how it ended. Written by ``dicomnet.diary``; kept for a set time.

    ``peer`` is the other's AE title and ``own`` ours, as they stood in the request. ``reason`` is a slug
    that ``dicomnet.diary.reasons`` puts into words; ``detail`` is for the technically minded. What
    ``operations`` and ``contexts`` hold is described in ``dicomnet.diary.entry``. The two long columns are
    the last ones, so that a list need not read them.
    """

    class Direction(models.TextChoices):
        INCOMING = "in", _("they called us")
        OUTGOING = "out", _("we called them")

    class Outcome(models.TextChoices):
        RUNNING = "running", _("running")
        WELL = "well", _("went well")
        PROBLEMS = "problems", _("with problems")
        BROKEN = "broken", _("cut off")
        REJECTED = "rejected", _("turned away")
        UNREACHED = "unreached", _("not reached")

    direction = models.CharField(_("direction"), max_length=3, choices=Direction.choices)
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome.choices)
    node = models.ForeignKey(
        "dicomnet.AENode",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="associations",
        db_index=False,  # the index below begins with it
        verbose_name=_("AE node"),
    )
    peer = models.CharField(_("AE title"), max_length=16, blank=True)
    own = models.CharField(_("our AE title"), max_length=16, blank=True)
    address = models.CharField(_("address"), max_length=64, blank=True)
    port = models.PositiveIntegerField(_("port"), null=True, blank=True)
    began = models.DateTimeField(_("began"))
    ended = models.DateTimeField(_("ended"), null=True, blank=True)
    seconds = models.FloatField(_("seconds"), default=0)
    calls = models.PositiveIntegerField(_("calls"), default=1)  # of a caller that is turned away repeatedly
    end = models.CharField(_("how it ended"), max_length=16, blank=True)
    reason = models.CharField(_("why"), max_length=32, blank=True)
    detail = models.CharField(_("detail"), max_length=255, blank=True)
    implementation = models.CharField(_("their software"), max_length=96, blank=True)
    max_pdu = models.PositiveBigIntegerField(_("their largest PDU"), default=0)  # 0: they set no limit
    own_max_pdu = models.PositiveBigIntegerField(_("our largest PDU"), default=0)
    tls = models.CharField("TLS", max_length=64, blank=True)
    user_identity = models.CharField(_("user identity"), max_length=64, blank=True)
    process = models.CharField(max_length=64, blank=True)  # who writes it, while it is running
    operations = models.JSONField(default=list)
    contexts = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("association")
        verbose_name_plural = _("association diary")
        ordering = ["-began", "-id"]
        indexes = [
            models.Index(fields=["-began", "-id"], name="diary_newest"),
            models.Index(fields=["node", "-began", "-id"], name="diary_of_node"),
            models.Index(fields=["outcome", "-began", "-id"], name="diary_by_outcome"),
            models.Index(fields=["direction", "-began", "-id"], name="diary_by_direction"),
            models.Index(fields=["peer", "-began"], name="diary_by_peer"),
            models.Index(fields=["address", "-began"], name="diary_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
