"""Print jobs: the sheets of a request and everything a printer said about them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from dicomnet.models.printer import Printer


class PrintJob(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        PRINTING = "printing", _("printing")
        DONE = "done", pgettext_lazy("film", "printed")
        HELD = "held", _("held")  # the printer cannot, or a sheet is in doubt: a person decides
        FAILED = "failed", _("stopped")
        CANCELLED = "cancelled", _("cancelled")

    class Orientation(models.TextChoices):
        PORTRAIT = "PORTRAIT", _("portrait")
        LANDSCAPE = "LANDSCAPE", _("landscape")

    printer = models.ForeignKey(Printer, on_delete=models.PROTECT, related_name="jobs")
    study = models.ForeignKey(
        "archive.Study", on_delete=models.SET_NULL, null=True, blank=True, related_name="print_jobs"
    )
    patient_label = models.CharField(_("patient"), max_length=512, blank=True)  # outlives the study
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    film_size = models.CharField(_("film size"), max_length=16)  # Film Size ID (2010,0050)
    orientation = models.CharField(_("orientation"), max_length=10, choices=Orientation.choices)
    # The film as it was previewed. A later change of the printer does not change a job.
    columns = models.PositiveIntegerField(_("columns"))
    rows = models.PositiveIntegerField(_("rows"))
    pixel_pitch_um = models.FloatField(_("pixel pitch in µm"))
    bits = models.PositiveSmallIntegerField(_("bits"))
    copies = models.PositiveSmallIntegerField(_("copies"), default=1)
    colour = models.BooleanField(_("in colour"), default=False)
    medium = models.CharField(_("medium"), max_length=16, blank=True)
    cancel_requested = models.BooleanField(default=False)
    error = models.CharField(_("what went wrong"), max_length=64, blank=True)  # see dicomnet.print_sentences
    error_detail = models.JSONField(_("in detail"), default=dict, blank=True)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("print job")
        verbose_name_plural = _("print jobs")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.pk} {self.printer}"


class FilmSheet(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("sending")
        ASKED = "asked", _("told to print")  # N-ACTION sent, answer unknown: in doubt after a crash
        PRINTED = "printed", pgettext_lazy("film", "printed")

    job = models.ForeignKey(PrintJob, on_delete=models.CASCADE, related_name="sheets")
    number = models.PositiveSmallIntegerField()
    composition = models.JSONField()  # dicomnet.film.layout.Sheet as a dict: cells, windows, labels
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    printed_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True)  # sha256 of the bitmap sent

    class Meta:
        verbose_name = _("film sheet")
        verbose_name_plural = _("film sheets")
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="sheet_in_job")]

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"


class PrintStep(models.Model):
    """One thing said between us and the printer, in order, with its DIMSE status."""

    class Outcome(models.TextChoices):
        OK = "ok", _("done")
        WARNING = "warning", _("look")
        FAILED = "failed", _("failed")

    job = models.ForeignKey(PrintJob, on_delete=models.CASCADE, related_name="steps")
    sheet = models.PositiveSmallIntegerField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    operation = models.CharField(max_length=64)  # "N-CREATE Film Box"
    code = models.CharField(max_length=48)  # dicomnet.print_sentences says it
    status = models.CharField(max_length=8, blank=True)  # four hex digits, or DONE, FAILURE
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    duration_ms = models.FloatField(null=True, blank=True)

    class Meta:
        verbose_name = _("print step")
        verbose_name_plural = _("print steps")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.operation} {self.status}"
