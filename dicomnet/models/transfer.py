"""Transfers: what is to go where, and what became of each object on the way."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from dicomnet.models.node import AENode


class Transfer(models.Model):
    """Some objects of one study on their way to one node. The rows of a node are its queue, by id."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("sending")
        DONE = "done", pgettext_lazy("transfer", "sent")
        FAILED = "failed", _("not all arrived")
        CANCELLED = "cancelled", _("cancelled")

    node = models.ForeignKey(AENode, on_delete=models.SET_NULL, null=True, related_name="transfers")
    destination = models.CharField(_("to"), max_length=16)  # its AE title; outlives the node
    study = models.ForeignKey(
        "archive.Study", on_delete=models.SET_NULL, null=True, blank=True, related_name="transfers"
    )
    patient_label = models.CharField(_("patient"), max_length=512, blank=True)  # outlives the study
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    rule = models.ForeignKey(
        "dicomnet.RoutingRule", on_delete=models.SET_NULL, null=True, blank=True, related_name="transfers"
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)

    total = models.PositiveIntegerField(_("images"), default=0)
    sent = models.PositiveIntegerField(_("arrived"), default=0)  # warnings and "already there" are in it
    warned = models.PositiveIntegerField(_("with a remark"), default=0)
    failed = models.PositiveIntegerField(_("not taken"), default=0)

    run = models.PositiveIntegerField(default=0)  # who holds the transfer writes under this number only
    worker = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)  # in a row that brought nothing over
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)  # null: at once
    cancel_requested = models.BooleanField(default=False)
    error = models.CharField(_("what went wrong"), max_length=64, blank=True)  # dicomnet.send_sentences
    error_detail = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)
    trying_since = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["node", "id"],
                name="transfer_queue",
                condition=Q(state__in=["waiting", "sending"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.destination}"


class TransferItem(models.Model):
    """One object of a transfer. What arrived is never sent again."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", pgettext_lazy("transfer", "sent")
        WARNING = "warning", _("arrived, with a remark")
        THERE = "there", _("was there already")
        FAILED = "failed", _("not taken")

    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="items", db_index=False)
    instance = models.ForeignKey("archive.Instance", on_delete=models.SET_NULL, null=True, related_name="+")
    sop_instance_uid = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    status = models.PositiveIntegerField(null=True, blank=True)  # of its C-STORE response
    reason = models.CharField(max_length=64, blank=True)  # dicomnet.send_sentences says it
    comment = models.CharField(max_length=255, blank=True)  # what the receiver wrote
    transfer_syntax_uid = models.CharField(max_length=64, blank=True)  # in which it went
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("sent object")
        verbose_name_plural = _("sent objects")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["transfer", "instance"], name="object_in_transfer_once")
        ]
        indexes = [models.Index(fields=["transfer", "state", "attempts", "id"], name="transfer_items")]

    def __str__(self) -> str:
        return f"{self.sop_instance_uid} {self.state}"


class TransferPlan(models.Model):
    """A dry run: what a node would take as it is, converted, or not at all. Filled in by a quick job."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    node = models.ForeignKey(AENode, on_delete=models.CASCADE, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    studies = models.JSONField(default=list)  # primary keys
    series = models.JSONField(default=list)  # primary keys; empty: whole studies
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    groups = models.JSONField(default=list)  # dicomnet.sending_plan.Group as dicts
    error = models.CharField(max_length=64, blank=True)
    error_detail = models.CharField(max_length=255, blank=True)
    milliseconds = models.FloatField(null=True, blank=True)  # until the node had answered
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("dry run")
        verbose_name_plural = _("dry runs")

    def __str__(self) -> str:
        return f"{self.pk} {self.node}"
