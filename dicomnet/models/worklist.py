"""What is planned: scheduled procedure steps (PS3.3 C.4.10 to C.4.12), the rows of the modality worklist."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ScheduledStep(models.Model):
    """One step at one place and time, with the request and the patient it belongs to.

    Steps of one requested procedure share ``study_instance_uid``. ``station_ae_titles`` are separated by
    backslashes, as in DICOM; none means any station. Codes are lists of {value, scheme, meaning}.
    ``further`` holds what a file said beyond these columns, by tag in hexadecimal, texts and lists of items:
    {"item": {...}, "step": {...}}.
    """

    class State(models.TextChoices):
        SCHEDULED = "scheduled", _("scheduled")
        IN_PROGRESS = "in-progress", _("in progress")
        COMPLETED = "completed", _("completed")
        DISCONTINUED = "discontinued", _("discontinued")
        NO_SHOW = "no-show", _("did not come")

    OPEN = (State.SCHEDULED, State.IN_PROGRESS)  # what modalities are told of

    name_alphabetic = models.CharField(_("Latin name"), max_length=330, blank=True)
    name_ideographic = models.CharField(_("name"), max_length=330, blank=True)
    name_phonetic = models.CharField(_("phonetic name"), max_length=330, blank=True)
    patient_id = models.CharField(_("patient ID"), max_length=64, db_index=True)
    issuer_of_patient_id = models.CharField(_("issuer"), max_length=64, blank=True)
    birth_date = models.CharField(_("birth date"), max_length=8, blank=True)  # DICOM DA
    sex = models.CharField(_("sex"), max_length=16, blank=True)
    weight = models.DecimalField(_("weight, kg"), max_digits=7, decimal_places=3, null=True, blank=True)
    allergies = models.CharField(_("allergies"), max_length=255, blank=True)
    medical_alerts = models.CharField(_("medical alerts"), max_length=255, blank=True)
    pregnancy_status = models.PositiveSmallIntegerField(
        _("pregnancy"), null=True, blank=True
    )  # C.2.3: 1 to 4

    accession_number = models.CharField(_("accession number"), max_length=64, blank=True, db_index=True)
    requested_procedure_id = models.CharField(_("request ID"), max_length=64, blank=True)
    requested_procedure_description = models.CharField(_("requested procedure"), max_length=255, blank=True)
    requested_procedure_codes = models.JSONField(default=list, blank=True)
    study_instance_uid = models.CharField(_("Study Instance UID"), max_length=64, db_index=True)
    referring_physician_name = models.CharField(_("asked by"), max_length=330, blank=True)
    requesting_physician = models.CharField(_("requesting physician"), max_length=330, blank=True)

    step_id = models.CharField(_("step ID"), max_length=64)
    step_description = models.CharField(_("step"), max_length=255, blank=True)
    protocol_codes = models.JSONField(default=list, blank=True)
    modality = models.CharField(_("modality"), max_length=16)
    station_ae_titles = models.CharField(_("stations"), max_length=255, blank=True)
    station_name = models.CharField(_("station name"), max_length=64, blank=True)
    location = models.CharField(_("room"), max_length=64, blank=True)
    start_date = models.DateField(_("day"))
    start_time = models.TimeField(_("time"))  # the site's clock, as DICOM's
    performing_physician_name = models.CharField(_("performed by"), max_length=330, blank=True)
    further = models.JSONField(default=dict, blank=True)

    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.SCHEDULED)
    state_reason = models.CharField(_("why"), max_length=255, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("scheduled step")
        verbose_name_plural = _("scheduled steps")
        ordering = ["start_date", "start_time", "id"]
        constraints = [models.UniqueConstraint(fields=["study_instance_uid", "step_id"], name="step_once")]
        indexes = [
            models.Index(fields=["start_date", "start_time", "id"], name="step_by_day"),
            models.Index(fields=["state", "start_date", "start_time"], name="step_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.step_id} {self.patient_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A step without IDs of its own gets them: they are what its report will name."""
        super().save(*args, **kwargs)
        if not self.step_id or not self.requested_procedure_id:
            self.step_id = self.step_id or f"SPS{self.pk}"
            self.requested_procedure_id = self.requested_procedure_id or f"RP{self.pk}"
            super().save(update_fields=["step_id", "requested_procedure_id"])

    @property
    def stations(self) -> list[str]:
        return [title for title in self.station_ae_titles.split("\\") if title]

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
