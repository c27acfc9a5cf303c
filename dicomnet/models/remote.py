"""What other archives were asked, what they answered, and what was fetched from them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from dicomnet.models.node import AENode


class RemoteQuery(models.Model):
    """A question to one or several nodes. Answers are kept for a day: they are other people's data."""

    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    criteria = models.JSONField(default=dict)  # dicomnet.scu.query.Criteria as a dict
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("remote query")
        verbose_name_plural = _("remote queries")

    def __str__(self) -> str:
        return f"{self.pk}"


class RemoteAnswer(models.Model):
    """What one node answered."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    query = models.ForeignKey(RemoteQuery, on_delete=models.CASCADE, related_name="answers")
    node = models.ForeignKey(AENode, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    studies = models.JSONField(default=list)  # dicomnet.scu.query.FoundStudy as dicts
    more = models.BooleanField(default=False)  # it had more; the query was cancelled
    error = models.CharField(max_length=64, blank=True)
    error_detail = models.CharField(max_length=255, blank=True)
    milliseconds = models.FloatField(null=True, blank=True)

    class Meta:
        verbose_name = _("remote answer")
        verbose_name_plural = _("remote answers")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["query", "node"], name="answer_of_node_once")]

    def __str__(self) -> str:
        return f"{self.query_id} {self.node_id}"


class Retrieval(models.Model):
    """A study on its way to us from a node. The waiting rows of a node are its queue, by id."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", pgettext_lazy("retrieval", "arriving")
        DONE = "done", pgettext_lazy("retrieval", "here")
        FAILED = "failed", _("not all arrived")
        CANCELLED = "cancelled", _("cancelled")

    node = models.ForeignKey(AENode, on_delete=models.SET_NULL, null=True, related_name="retrievals")
    source = models.CharField(_("from"), max_length=16)  # its AE title; outlives the node
    study_instance_uid = models.CharField(max_length=64)
    sop_classes = models.JSONField(default=list)  # of its objects, as far as the node told
    patient_label = models.CharField(_("patient"), max_length=512, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    expected = models.PositiveIntegerField(null=True, blank=True)  # as the node told in its answer
    remaining = models.PositiveIntegerField(null=True, blank=True)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    warned = models.PositiveIntegerField(default=0)
    status = models.PositiveIntegerField(null=True, blank=True)  # of the last response
    error = models.CharField(max_length=64, blank=True)
    error_detail = models.CharField(max_length=255, blank=True)
    run = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("retrieval")
        verbose_name_plural = _("retrievals")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["node", "id"], name="retrieval_queue", condition=Q(state__in=["waiting", "running"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.source}"
