"""The patient: (Patient ID, Issuer of Patient ID), PS3.3 C.2.2."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# PostgreSQL compares terms bytewise, whatever the collation of the database: a prefix is a range.
WORD_FIRST = ["varchar_pattern_ops", "int8_ops"]
WORD_SECOND = ["int8_ops", "varchar_pattern_ops"]


class Patient(models.Model):
    """One person under one Patient ID and Issuer.

    ``person`` tells apart two people who came under the same ID: 0 for the first, 1 for the
    second and so on. Rows that share an ID have ``conflict`` set until somebody resolves it.
    A patient without an ID holds exactly one study: ``anonymous_study_uid`` is its UID.
    """

    patient_id = models.CharField(_("patient ID"), max_length=255, blank=True)
    issuer_of_patient_id = models.CharField(_("issuer"), max_length=255, blank=True)
    person = models.PositiveSmallIntegerField(_("person"), default=0)
    anonymous_study_uid = models.CharField(max_length=64, blank=True)

    patient_name = models.CharField(_("name"), max_length=1024, blank=True)
    name_alphabetic = models.CharField(_("alphabetic name"), max_length=330, blank=True)
    name_ideographic = models.CharField(_("ideographic name"), max_length=330, blank=True)
    name_phonetic = models.CharField(_("phonetic name"), max_length=330, blank=True)
    name_folded = models.CharField(max_length=1024, blank=True)
    birth_date = models.CharField(_("birth date"), max_length=10, blank=True)  # DICOM DA, as sent
    sex = models.CharField(_("sex"), max_length=16, blank=True)

    conflict = models.BooleanField(_("one ID, two people"), default=False, db_index=True)
    created_at = models.DateTimeField(_("first seen"), default=timezone.now)

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        constraints = [
            models.UniqueConstraint(
                fields=["patient_id", "issuer_of_patient_id", "anonymous_study_uid", "person"],
                name="patient_identity",
            )
        ]

    def __str__(self) -> str:
        return self.patient_name or self.patient_id or "?"


class PatientTerm(models.Model):
    """A folded word by which a patient is found: name components, pinyin, initials, ID."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="terms", db_index=False)
    term = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["term", "patient"],
                name="patient_term_once",
                opclasses=WORD_FIRST,
            )
        ]
        indexes = [
            models.Index(
                fields=["patient", "term"],
                name="patient_words",
                opclasses=WORD_SECOND,
            )
        ]

    def __str__(self) -> str:
        return self.term
