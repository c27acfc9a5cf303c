"""A study leaves the archive: rows first, in one transaction with the audit trail, then its files."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from archive.access import Act, require
from archive.audit import audit_record
from archive.committing import locks_take
from archive.counting import studies_gone
from archive.events import event_record
from archive.identity import conflicts_review
from archive.models import AuditEvent, Instance, InstanceVariant, Patient, Study
from archive.removal import removal_note, removals_finish


def study_delete(*, study: Study, by: AbstractUser, reason: str = "", source: str = "") -> None:
    """Delete a study with everything in it, and its patient when nothing else is left of them.

    All rows go in one transaction with the audit event; the files follow, also when the process dies in
    between. Raises ``PermissionDenied``.
    """
    require(user=by, act=Act.DELETE, study=study)
    with transaction.atomic():
        locks_take([f"study:{study.study_instance_uid}"])
        instances = Instance.objects.filter(series__study=study)
        variants = InstanceVariant.objects.filter(instance__series__study=study)
        keys = [*instances.values_list("file_key", flat=True), *variants.values_list("file_key", flat=True)]
        audit_record(
            action=AuditEvent.Action.DELETED,
            actor=by,
            source=source,
            study=study,
            detail={"reason": reason, "instances": instances.count(), "files": len(keys)},
        )
        removal_note(keys)
        number, patient, uid = study.pk, study.patient, study.study_instance_uid
        study.delete()
        studies_gone()
        if not patient.studies.exists():
            patient.delete()
        _neighbours_review(patient, uid)
        event_record(topic="study", key=str(number))
        transaction.on_commit(removals_finish)


def _neighbours_review(patient: Patient, study_instance_uid: str) -> None:
    """Who was in conflict only with what is gone is in conflict no more."""
    conflicts_review(
        patients=Patient.objects.filter(
            patient_id=patient.patient_id,
            issuer_of_patient_id=patient.issuer_of_patient_id,
            anonymous_study_uid=patient.anonymous_study_uid,
        ),
        study_instance_uid=study_instance_uid,
    )
