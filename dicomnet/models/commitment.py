"""Storage commitments (PS3.4 J): those asked of us, and those we ask of others."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dicomnet.models.node import AENode


class Commitment(models.Model):
    """One transaction: somebody wants to know whether somebody else has taken charge of some objects.

    Waiting is what is still to be said to the node: the result, when it asked us; the request, when we ask.
    """

    class Direction(models.TextChoices):
        RECEIVED = "received", _("asked of us")
        ASKED = "asked", _("asked by us")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        AWAITED = "awaited", _("answer awaited")
        DONE = "done", _("done")
        GAVE_UP = "gave-up", _("given up")

    direction = models.CharField(_("who asked"), max_length=8, choices=Direction.choices)
    node = models.ForeignKey(
        AENode, on_delete=models.SET_NULL, null=True, related_name="commitments", verbose_name=_("AE node")
    )
    ae_title = models.CharField(_("AE title"), max_length=16)  # outlives the node
    transaction_uid = models.CharField(_("Transaction UID"), max_length=64, db_index=True)
    duplicate = models.BooleanField(default=False)  # its UID belongs to another transaction of the node
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)

    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    claimed_until = models.DateTimeField(null=True, blank=True)  # somebody is saying it to the node now
    error = models.CharField(_("what went wrong"), max_length=32, blank=True)  # see dicomnet.commitment_words
    error_detail = models.JSONField(_("in detail"), default=dict, blank=True)

    created_at = models.DateTimeField(_("asked"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("storage commitment")
        verbose_name_plural = _("storage commitments")
        ordering = ["-id"]
        indexes = [models.Index(fields=["node", "state", "due_at"], name="commitment_due")]

    def __str__(self) -> str:
        return f"{self.ae_title} {self.transaction_uid}"


class CommitmentObject(models.Model):
    """One object of a transaction. ``failure_reason`` is None before its result is known, 0 when it is
    committed, else Failure Reason (0008,1197), PS3.3 C.14.1.1."""

    commitment = models.ForeignKey(Commitment, on_delete=models.CASCADE, related_name="objects_named")
    sop_class_uid = models.CharField(_("SOP Class UID"), max_length=64)
    sop_instance_uid = models.CharField(_("SOP Instance UID"), max_length=64, db_index=True)
    failure_reason = models.PositiveIntegerField(_("result"), null=True, blank=True)

    class Meta:
        verbose_name = _("object of a commitment")
        verbose_name_plural = _("objects of a commitment")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.sop_instance_uid
