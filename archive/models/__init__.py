"""What the archive keeps: a module per noun."""

from archive.models.audit import AuditEvent
from archive.models.event import Event
from archive.models.instance import Instance, InstanceVariant
from archive.models.job import BackgroundJob
from archive.models.patient import Patient, PatientTerm
from archive.models.people import RoleGroup
from archive.models.quarantine import QuarantinedObject
from archive.models.removal import FileRemoval, StudiesGone
from archive.models.series import Series, SeriesRequest
from archive.models.star import Star
from archive.models.study import Study, StudyTerm

__all__ = [
    "AuditEvent",
    "BackgroundJob",
    "Event",
    "FileRemoval",
    "Instance",
    "InstanceVariant",
    "Patient",
    "PatientTerm",
    "QuarantinedObject",
    "RoleGroup",
    "Series",
    "SeriesRequest",
    "Star",
    "StudiesGone",
    "Study",
    "StudyTerm",
]
