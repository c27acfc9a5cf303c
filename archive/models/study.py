"""The study, PS3.3 C.7.2.1, with the counters every list shows."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.models.patient import WORD_FIRST, WORD_SECOND, Patient

_LISTED = Q(rejected_at__isnull=True)
_CONFLICT = _LISTED & Q(conflict=True)
_REJECTED = Q(rejected_at__isnull=False)


class Study(models.Model):
    """One study of one patient.

    ``branch`` tells apart two patients whose objects came under one Study Instance UID: 0 for the first,
    1 for the second and so on. Such studies have ``conflict`` set, and none of them shows the other's images.
    """

    patient = models.ForeignKey(
        Patient,
        on_delete=models.PROTECT,
        related_name="studies",
        verbose_name=_("patient"),
        db_index=False,  # study_of_patient below serves it
    )
    study_instance_uid = models.CharField(_("Study Instance UID"), max_length=64)
    branch = models.PositiveSmallIntegerField(_("branch"), default=0)
    uid_derived = models.BooleanField(default=False)  # the object came without one
    study_id = models.CharField(_("study ID"), max_length=255, blank=True)
    accession_number = models.CharField(_("accession number"), max_length=255, blank=True, db_index=True)
    study_date = models.CharField(_("study date"), max_length=10, blank=True)  # DICOM DA YYYYMMDD
    study_time = models.CharField(_("study time"), max_length=16, blank=True)  # DICOM TM
    sort_key = models.CharField(max_length=26)  # date and time, else arrival
    # What lists sort by and test, repeated here from the patient and the terms: archive.terms writes it.
    sort_name = models.CharField(max_length=64, blank=True)
    sort_id = models.CharField(max_length=64, blank=True)
    patient_words = models.TextField(blank=True)
    study_words = models.TextField(blank=True)
    description = models.CharField(_("description"), max_length=255, blank=True)
    referring_physician_name = models.CharField(_("asked by"), max_length=1024, blank=True)
    institution_name = models.CharField(_("institution"), max_length=255, blank=True)

    modalities = models.CharField(_("modalities"), max_length=255, blank=True)  # "CT\\SR", sorted
    number_of_series = models.PositiveIntegerField(_("series"), default=0)
    number_of_instances = models.PositiveIntegerField(_("images"), default=0)
    size_bytes = models.BigIntegerField(_("size"), default=0)
    source = models.CharField(_("from"), max_length=64, blank=True)  # AE title or "import"
    conflict = models.BooleanField(_("conflict"), default=False)
    rejected_at = models.DateTimeField(_("rejected"), null=True, blank=True)
    rejection_reason = models.CharField(_("reason"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("arrived"), default=timezone.now)
    updated_at = models.DateTimeField(_("last image"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("study")
        verbose_name_plural = _("studies")
        # One index for each way the list is sorted, so that a page of a million studies is read, not
        # sorted. Rejected studies are in none of them. No text is longer than a B-tree entry can be.
        indexes = [
            models.Index(fields=["patient", "-sort_key", "-id", "rejected_at"], name="study_of_patient"),
            models.Index(fields=["-sort_key", "-id", "patient"], name="study_list", condition=_LISTED),
            models.Index(
                fields=["modalities", "-sort_key", "-id"], name="study_by_modality", condition=_LISTED
            ),
            models.Index(
                fields=["-modalities", "-sort_key", "-id"], name="study_by_modality_down", condition=_LISTED
            ),
            models.Index(fields=["sort_name", "-sort_key", "-id"], name="study_by_name", condition=_LISTED),
            models.Index(fields=["sort_id", "-sort_key", "-id"], name="study_by_id", condition=_LISTED),
            models.Index(fields=["number_of_instances", "id"], name="study_by_images", condition=_LISTED),
            models.Index(fields=["description", "id"], name="study_by_description", condition=_LISTED),
            models.Index(fields=["-sort_key", "-id"], name="study_conflicts", condition=_CONFLICT),
            models.Index(fields=["rejected_at"], name="study_rejected", condition=_REJECTED),
        ]
        constraints = [
            models.UniqueConstraint(fields=["study_instance_uid", "branch"], name="study_branch_once")
        ]

    def __str__(self) -> str:
        return self.study_instance_uid


class StudyTerm(models.Model):
    """A folded word by which a study is found: accession number, words of the description."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="terms", db_index=False)
    term = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["term", "study"],
                name="study_term_once",
                opclasses=WORD_FIRST,
            )
        ]
        indexes = [models.Index(fields=["study", "term"], name="study_words", opclasses=WORD_SECOND)]

    def __str__(self) -> str:
        return self.term
