"""Objects the archive makes itself come in like any other: file, row, then Success."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction

from archive.audit import audit_record
from archive.dicom.made import SYNTAX, Made, Subject
from archive.ingest import Origin, Result, instance_ingest
from archive.models import AuditEvent, Instance, Study
from archive.storage import stage_open

_KEPT: Final = frozenset({Result.KEPT, Result.CONFLICT_KEPT})


class NotKept(Exception):
    """The archive did not take its own object; the detail is for the log."""


def subject_of(*, study: Study) -> Subject:
    """Return whose study this is in the form in which an object says it."""
    patient = study.patient
    return Subject(
        study_instance_uid=study.study_instance_uid,
        patient_id=patient.patient_id,
        issuer=patient.issuer_of_patient_id,
        patient_name=patient.patient_name,
        birth_date=patient.birth_date,
        sex=patient.sex,
        study_id=study.study_id,
        accession_number=study.accession_number,
        study_date=study.study_date,
        study_time=study.study_time,
        description=study.description,
        referring_physician_name=study.referring_physician_name,
    )


def creator_name(*, user: AbstractUser) -> str:
    """Return a person's name as a PN value; hanzi go into the second component group (PS3.5 6.2.1)."""
    name = f"{user.last_name}^{user.first_name}".strip("^") or user.get_username()
    return name if name.isascii() else f"={name}"


def made_keep(*, made: Made, study: Study, by: AbstractUser, source: str, name: str) -> Instance:
    """Take the object into the archive and record who made it. Raises ``NotKept``, or what ingest raises."""
    stage = stage_open(
        sop_class_uid=made.sop_class_uid,
        sop_instance_uid=made.sop_instance_uid,
        transfer_syntax_uid=SYNTAX,
        source_ae=settings.PACS_AE_TITLE,
    )
    stage.write(made.data)
    outcome = instance_ingest(stage=stage, origin=Origin(source=settings.PACS_AE_TITLE, address=source))
    if outcome.kind not in _KEPT or outcome.instance_id is None:
        raise NotKept(f"{outcome.kind} {outcome.reason} {outcome.detail}".strip())
    with transaction.atomic():
        audit_record(
            action=AuditEvent.Action.SAVED,
            actor=by,
            source=source,
            study=study,
            object=name,
            detail={"sop_instance_uid": made.sop_instance_uid, "sop_class_uid": made.sop_class_uid},
        )
    return Instance.objects.select_related("series").get(pk=outcome.instance_id)
