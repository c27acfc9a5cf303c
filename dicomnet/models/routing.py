"""Routing rules: what is passed on by itself, and what was."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from dicomnet.models.node import AENode
from dicomnet.models.transfer import Transfer


class RoutingRule(models.Model):
    """What arrives and meets every condition goes to every destination. An empty condition always holds."""

    class When(models.TextChoices):
        ARRIVING = "arriving", _("each image as it comes")
        QUIET = "quiet", _("the study, once nothing more comes")

    name = models.CharField(pgettext_lazy("rule", "name"), max_length=64, unique=True)
    active = models.BooleanField(_("active"), default=True)
    order = models.PositiveSmallIntegerField(
        _("order"),
        default=100,
        help_text=_("An image goes to a destination once: by the first rule in this order."),
    )

    modalities = models.CharField(
        _("modality"), max_length=255, blank=True, help_text=_("One or several, such as CT, MR.")
    )
    callers = models.CharField(
        _("came from"), max_length=255, blank=True, help_text=_("AE titles of senders, such as CT1, CT2.")
    )
    description = models.CharField(
        _("description holds"),
        max_length=255,
        blank=True,
        help_text=_("In the description of study, series or protocol."),
    )
    body_part = models.CharField(_("body part"), max_length=64, blank=True)
    time_from = models.TimeField(_("arrived from"), null=True, blank=True)
    time_to = models.TimeField(
        _("arrived until"),
        null=True,
        blank=True,
        help_text=_("Earlier than the beginning: over midnight."),
    )
    weekdays = models.CharField(_("on days"), max_length=7, blank=True)  # digits, Monday is 0

    destinations = models.ManyToManyField(AENode, verbose_name=_("goes to"), related_name="+")
    when = models.CharField(_("what goes"), max_length=8, choices=When.choices, default=When.ARRIVING)
    quiet_seconds = models.PositiveIntegerField(
        _("quiet for"),
        default=60,
        validators=[MinValueValidator(5), MaxValueValidator(86400)],
        help_text=_("Seconds without a new image before a study goes."),
    )
    since = models.DateTimeField(_("in force since"), default=timezone.now)  # earlier arrivals stay
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.name


class RoutedInstance(models.Model):
    """An instance was put on its way to a node by a rule: never twice, whatever rule, so that loops end."""

    instance = models.ForeignKey("archive.Instance", on_delete=models.CASCADE, related_name="+")
    node = models.ForeignKey(AENode, on_delete=models.CASCADE, related_name="+")
    rule = models.ForeignKey(RoutingRule, on_delete=models.SET_NULL, null=True, related_name="routed")
    transfer = models.ForeignKey(Transfer, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("routed object")
        verbose_name_plural = _("routed objects")
        constraints = [
            models.UniqueConstraint(fields=["instance", "node"], name="instance_routed_to_node_once")
        ]

    def __str__(self) -> str:
        return f"{self.instance_id} {self.node_id}"


class RoutingDue(models.Model):
    """A study in which something arrived, until every rule has looked at it."""

    study = models.OneToOneField("archive.Study", on_delete=models.CASCADE, related_name="+")
    touched_at = models.DateTimeField()
    look_at = models.DateTimeField(db_index=True)  # when the next rule is due to look
    fresh = models.BooleanField(default=True)  # rules for each image have not looked yet

    class Meta:
        verbose_name = _("study to route")
        verbose_name_plural = _("studies to route")

    def __str__(self) -> str:
        return f"{self.study_id}"


class RoutingPosition(models.Model):
    """How far routing has read the outbox. One row."""

    last = models.BigIntegerField()
    skipped = models.JSONField(default=list)  # event ids that were not there yet
    read_at = models.DateTimeField()

    class Meta:
        verbose_name = _("routing position")
        verbose_name_plural = _("routing positions")

    def __str__(self) -> str:
        return f"{self.last}"
