"""The series, PS3.3 C.7.3.1."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.models.study import Study


class Series(models.Model):
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="series", verbose_name=_("study"))
    series_instance_uid = models.CharField(_("Series Instance UID"), max_length=64, db_index=True)
    uid_derived = models.BooleanField(default=False)
    modality = models.CharField(_("modality"), max_length=16, blank=True, db_index=True)
    series_number = models.IntegerField(_("number"), null=True, blank=True)
    description = models.CharField(_("description"), max_length=1024, blank=True)
    body_part = models.CharField(_("body part"), max_length=64, blank=True)
    laterality = models.CharField(_("laterality"), max_length=16, blank=True)
    protocol_name = models.CharField(_("protocol"), max_length=255, blank=True)
    series_date = models.CharField(_("date"), max_length=10, blank=True)
    series_time = models.CharField(_("time"), max_length=16, blank=True)
    station_name = models.CharField(_("station"), max_length=255, blank=True)
    manufacturer = models.CharField(_("manufacturer"), max_length=255, blank=True)
    frame_of_reference_uid = models.CharField(max_length=64, blank=True)
    number_of_instances = models.PositiveIntegerField(_("images"), default=0)
    created_at = models.DateTimeField(_("arrived"), default=timezone.now)

    class Meta:
        verbose_name = _("series")
        verbose_name_plural = _("series")
        constraints = [
            models.UniqueConstraint(fields=["study", "series_instance_uid"], name="series_in_study")
        ]

    def __str__(self) -> str:
        return self.series_instance_uid


class SeriesRequest(models.Model):
    """What a series was requested by: an item of its Request Attributes Sequence (PS3.3 10.6)."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="requests")
    scheduled_procedure_step_id = models.CharField(max_length=64, blank=True, db_index=True)
    requested_procedure_id = models.CharField(max_length=64, blank=True, db_index=True)
    scheduled_procedure_step_description = models.CharField(max_length=255, blank=True)
    requested_procedure_description = models.CharField(max_length=255, blank=True)

    class Meta:
        verbose_name = _("request of a series")
        verbose_name_plural = _("requests of series")

    def __str__(self) -> str:
        return self.requested_procedure_id or self.scheduled_procedure_step_id
