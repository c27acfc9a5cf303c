"""What was done: modality performed procedure steps as modalities report them (PS3.4 F.7)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dicomnet.models.worklist import ScheduledStep


class PerformedStep(models.Model):
    """One performed step. What the modality said stands in its messages; here is what we make of it."""

    class State(models.TextChoices):
        IN_PROGRESS = "IN PROGRESS", _("in progress")
        COMPLETED = "COMPLETED", _("completed")
        DISCONTINUED = "DISCONTINUED", _("discontinued")

    sop_instance_uid = models.CharField(_("SOP Instance UID"), max_length=64, unique=True)
    state = models.CharField(_("state"), max_length=16, choices=State.choices)
    performed_step_id = models.CharField(_("step ID"), max_length=64, blank=True)
    description = models.CharField(_("description"), max_length=255, blank=True)
    modality = models.CharField(_("modality"), max_length=16, blank=True)
    station_ae_title = models.CharField(_("station"), max_length=64, blank=True)
    start_date = models.CharField(_("began on"), max_length=8, blank=True)  # DICOM DA
    start_time = models.CharField(_("began at"), max_length=16, blank=True)  # DICOM TM
    end_date = models.CharField(_("ended on"), max_length=8, blank=True)
    end_time = models.CharField(_("ended at"), max_length=16, blank=True)
    patient_name = models.CharField(_("patient"), max_length=1024, blank=True)  # PN, as decoded
    patient_id = models.CharField(_("patient ID"), max_length=255, blank=True, db_index=True)
    issuer_of_patient_id = models.CharField(_("issuer"), max_length=255, blank=True)
    reason_code = models.CharField(_("reason code"), max_length=64, blank=True)
    reason_scheme = models.CharField(max_length=64, blank=True)
    reason_meaning = models.CharField(_("reason"), max_length=255, blank=True)
    series_count = models.PositiveIntegerField(_("series"), default=0)
    warnings = models.JSONField(_("warnings"), default=list, blank=True)
    source = models.CharField(_("from"), max_length=64, blank=True)  # AE title of the sender
    created_at = models.DateTimeField(_("first report"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last report"), auto_now=True)

    class Meta:
        verbose_name = _("performed step")
        verbose_name_plural = _("performed steps")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.performed_step_id or self.sop_instance_uid


class PerformedReference(models.Model):
    """What a performed step says it answers to: an item of its Scheduled Step Attributes Sequence.

    ``scheduled`` is the row of the worklist that agrees with it; none for an unscheduled step.
    """

    performed = models.ForeignKey(PerformedStep, on_delete=models.CASCADE, related_name="references")
    study_instance_uid = models.CharField(_("Study Instance UID"), max_length=64, blank=True, db_index=True)
    accession_number = models.CharField(_("accession number"), max_length=255, blank=True)
    requested_procedure_id = models.CharField(_("request ID"), max_length=64, blank=True)
    scheduled_step_id = models.CharField(_("step ID"), max_length=64, blank=True)
    scheduled = models.ForeignKey(
        ScheduledStep, on_delete=models.SET_NULL, null=True, blank=True, related_name="performed"
    )

    class Meta:
        verbose_name = _("performed for")
        verbose_name_plural = _("performed for")

    def __str__(self) -> str:
        return self.scheduled_step_id or self.study_instance_uid


class PerformedInstance(models.Model):
    """An object the modality says it made."""

    performed = models.ForeignKey(
        PerformedStep, on_delete=models.CASCADE, related_name="instances", db_index=False
    )
    series_instance_uid = models.CharField(max_length=64)
    sop_instance_uid = models.CharField(max_length=64, db_index=True)
    sop_class_uid = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["performed", "sop_instance_uid"], name="performed_instance_once")
        ]

    def __str__(self) -> str:
        return self.sop_instance_uid


class PerformedMessage(models.Model):
    """An accepted N-CREATE or N-SET: its data set as it came."""

    performed = models.ForeignKey(PerformedStep, on_delete=models.CASCADE, related_name="messages")
    operation = models.CharField(_("operation"), max_length=16)
    transfer_syntax_uid = models.CharField(max_length=64)
    data_set = models.BinaryField()
    status = models.PositiveIntegerField(_("answer"), default=0)
    source = models.CharField(_("from"), max_length=64, blank=True)
    at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.operation
