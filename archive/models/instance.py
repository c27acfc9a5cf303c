"""The instance: one stored object, one file, and what arrived again under its UID."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.models.series import Series


class Instance(models.Model):
    series = models.ForeignKey(
        Series, on_delete=models.CASCADE, related_name="instances", verbose_name=_("series")
    )
    sop_instance_uid = models.CharField(_("SOP Instance UID"), max_length=64, unique=True)
    sop_class_uid = models.CharField(_("SOP Class UID"), max_length=64, db_index=True)
    transfer_syntax_uid = models.CharField(_("transfer syntax"), max_length=64)
    instance_number = models.IntegerField(_("number"), null=True, blank=True)

    rows = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    columns = models.PositiveIntegerField(_("columns"), null=True, blank=True)
    number_of_frames = models.PositiveIntegerField(_("frames"), default=0)  # 0: no pixel data
    facts = models.JSONField(_("facts"), default=dict, blank=True)  # archive.dicom.extract.DisplayFacts

    file_key = models.CharField(_("file"), max_length=255, unique=True)  # archive.storage's name for it
    file_size = models.BigIntegerField(_("size"))
    dataset_digest = models.CharField(_("digest"), max_length=64)  # sha256 of the data set as sent
    file_digest = models.CharField(max_length=64)  # sha256 of the whole file: what fsck checks
    source = models.CharField(_("from"), max_length=64, blank=True)
    warnings = models.JSONField(_("warnings"), default=list, blank=True)
    rejected_at = models.DateTimeField(_("rejected"), null=True, blank=True)
    created_at = models.DateTimeField(_("arrived"), default=timezone.now)
    committed_at = models.DateTimeField(_("committed"), null=True, blank=True)  # see archive.custody

    class Meta:
        verbose_name = _("instance")
        verbose_name_plural = _("instances")
        indexes = [models.Index(fields=["series", "instance_number"], name="instance_in_series")]

    def __str__(self) -> str:
        return self.sop_instance_uid


class InstanceVariant(models.Model):
    """Something else that arrived under an Instance's UID. Kept whole, never in its place."""

    class Kind(models.TextChoices):
        OTHER_SYNTAX = "syntax", _("the same object in another transfer syntax")
        OTHER_BYTES = "bytes", _("another object under the same UID")

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="variants")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    transfer_syntax_uid = models.CharField(_("transfer syntax"), max_length=64)
    file_key = models.CharField(_("file"), max_length=255, unique=True)
    file_size = models.BigIntegerField(_("size"))
    dataset_digest = models.CharField(_("digest"), max_length=64)
    file_digest = models.CharField(max_length=64)
    source = models.CharField(_("from"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("arrived"), default=timezone.now)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    class Meta:
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "transfer_syntax_uid", "dataset_digest"], name="variant_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.instance_id} {self.kind}"
