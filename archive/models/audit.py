"""The audit trail: who did what with which study, from where. Rows are only ever added."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

_REFUSAL = "audit events are only added, never changed or deleted"


class AuditEvents(models.QuerySet["AuditEvent"]):
    """Refuses what the database refuses as well (``audit_triggers``), with a better message."""

    def update(self, **kwargs: Any) -> int:
        raise TypeError(_REFUSAL)

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise TypeError(_REFUSAL)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError(_REFUSAL)


class AuditEvent(models.Model):
    class Action(models.TextChoices):
        LOGIN = "login", _("logged in")
        LOGIN_FAILED = "login-failed", _("failed to log in")
        LOGOUT = "logout", _("logged out")
        STUDY_VIEWED = "study-viewed", _("viewed a study")
        PRINTED = "printed", _("printed")
        SENT = "sent", _("sent")
        ASKED = "asked", _("asked other archives")
        RETRIEVED = "retrieved", _("fetched from another archive")
        EXPORTED = "exported", _("exported")
        DELETED = "deleted", _("deleted")
        RECEIVED = "received", _("received")
        NODE_CHANGED = "node-changed", _("changed a node")
        RULE_CHANGED = "rule-changed", _("changed a rule")
        USER_CHANGED = "user-changed", _("changed a user")
        QUARANTINE = "quarantine", _("dealt with a quarantined object")
        ASSOCIATION = "association", _("association")
        WORKLIST = "worklist", _("changed the worklist")
        SAVED = "saved", _("saved a view or a selection")
        DENIED = "denied", _("was denied")

    at = models.DateTimeField(_("when"), auto_now_add=True, db_index=True)
    action = models.CharField(_("what"), max_length=24, choices=Action.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField(_("who"), max_length=255)  # user name or AE title
    source = models.CharField(_("from where"), max_length=128, blank=True)  # IP address
    study_instance_uid = models.CharField(_("study"), max_length=64, blank=True)
    patient_id = models.CharField(_("patient ID"), max_length=255, blank=True, db_index=True)
    object = models.CharField(_("object"), max_length=255, blank=True)  # node, user, job, printer
    success = models.BooleanField(_("succeeded"), default=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    objects = AuditEvents.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit trail")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["study_instance_uid", "-at"],
                name="audit_of_study",
                condition=~Q(study_instance_uid=""),
            ),
            models.Index(fields=["action", "-at"], name="audit_by_action"),
            models.Index(fields=["actor_name", "-at"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(_REFUSAL)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(_REFUSAL)
