"""Application entities we know, asked, or turned away."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class AENode(models.Model):
    """An application entity and what it may do here. Read afresh for every association."""

    class NameForm(models.TextChoices):
        """How patients are called in a worklist: devices often read one group of a name (PS3.5 6.2.1.2)."""

        KEPT = "kept", _("as they are kept, all groups")
        LATIN = "latin", _("Latin letters only, pinyin for hanzi")
        IDEOGRAPHIC = "ideographic", _("hanzi in the first place")

    class RetrieveBy(models.TextChoices):
        MOVE = "move", "C-MOVE"
        GET = "get", "C-GET"

    ae_title = models.CharField(_("AE title"), max_length=16, unique=True)
    host = models.CharField(_("host"), max_length=255)
    port = models.PositiveIntegerField(_("port"), validators=[MinValueValidator(1), MaxValueValidator(65535)])
    description = models.CharField(_("description"), max_length=255, blank=True)
    active = models.BooleanField(_("active"), default=True)

    allow_echo = models.BooleanField(_("echo"), default=True)
    allow_store = models.BooleanField(_("store"), default=True)
    allow_find = models.BooleanField(_("find"), default=True)
    allow_move = models.BooleanField(_("move"), default=False)
    allow_get = models.BooleanField(_("get"), default=False)
    allow_worklist = models.BooleanField(_("worklist"), default=False)
    allow_mpps = models.BooleanField(_("step report"), default=False)
    allow_commit = models.BooleanField(_("commit"), default=False)
    allow_print = models.BooleanField(_("print to us"), default=False)

    check_host = models.BooleanField(
        _("only from this host"),
        default=True,
        help_text=_("Off: this AE title may call from any address."),
    )
    accept_private_classes = models.BooleanField(_("private SOP classes"), default=False)
    default_charset = models.CharField(
        _("if no charset"),
        max_length=32,
        blank=True,
        help_text=_("Specific Character Set to assume when an object names none, such as GB18030."),
    )
    fuzzy_names = models.BooleanField(
        _("names by pinyin"),
        default=False,
        help_text=_("Its queries find names in hanzi by pinyin and initials, whatever it negotiates."),
    )
    default_issuer = models.CharField(
        _("issuer of its patient IDs"),
        max_length=64,
        blank=True,
        help_text=_("Keeps equal patient IDs of two sites apart."),
    )
    worklist_charset = models.CharField(
        _("charset of its worklist"),
        max_length=32,
        blank=True,
        help_text=_("What the device can read. Without one: what the texts need."),
    )
    worklist_name_form = models.CharField(
        _("names in its worklist"), max_length=16, choices=NameForm.choices, default=NameForm.KEPT
    )
    worklist_own_only = models.BooleanField(
        _("only its own items"),
        default=False,
        help_text=_("On: it sees only steps planned for its AE title, or for any station."),
    )
    retrieve_by = models.CharField(
        _("we retrieve by"),
        max_length=4,
        choices=RetrieveBy.choices,
        default=RetrieveBy.MOVE,
        db_default=RetrieveBy.MOVE,
        help_text=_(
            "C-MOVE: it sends to us, and must know our AE title, address and port. C-GET: on our own"
            " association."
        ),
    )
    tls_required = models.BooleanField(
        _("only over TLS"), default=False, help_text=_("Without TLS it is turned away.")
    )
    tls_call = models.BooleanField(_("call it over TLS"), default=False)
    tls_certificate = models.CharField(
        _("its certificate"),
        max_length=128,
        blank=True,
        help_text=_(
            "SHA-256 fingerprint or common name of the certificate it has to show, when it calls and when it "
            "is called. Empty: any that an authority of ours has signed."
        ),
    )

    class UserIdentity(models.TextChoices):
        """What of PS3.7 D.3.3.7 a caller has to bring."""

        NONE = "", _("not asked for")
        NAME = "name", _("the name of a user")
        PASSWORD = "password", _("the name of a user and the password")

    user_identity = models.CharField(
        _("user identity"), max_length=8, choices=UserIdentity.choices, blank=True, default=UserIdentity.NONE
    )
    max_associations = models.PositiveSmallIntegerField(
        _("most associations at once"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: as many as the server allows."),
    )
    ask_commitment = models.BooleanField(
        _("ask it to commit what we send"),
        default=False,
        help_text=_("Storage commitment after sending. Its answer needs the right “commit” here."),
    )
    commit_same_association = models.BooleanField(
        _("commitment on the same association"),
        default=False,
        help_text=_("For devices that wait for the result before they release, or send it that way."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("AE node")
        verbose_name_plural = _("AE nodes")
        ordering = ["ae_title"]

    def __str__(self) -> str:
        return self.ae_title


class UnknownCaller(models.Model):
    """Somebody who called and is not (or no longer) a node: one click adds it."""

    ae_title = models.CharField(_("AE title"), max_length=16)
    host = models.CharField(_("host"), max_length=64)
    reason = models.CharField(_("why it was rejected"), max_length=64)
    calls = models.PositiveIntegerField(_("calls"), default=1)
    first_at = models.DateTimeField(_("first call"), auto_now_add=True)
    last_at = models.DateTimeField(_("last call"), auto_now=True)

    class Meta:
        verbose_name = _("unknown caller")
        verbose_name_plural = _("unknown callers")
        ordering = ["-last_at"]
        constraints = [models.UniqueConstraint(fields=["ae_title", "host", "reason"], name="caller_once")]

    def __str__(self) -> str:
        return f"{self.ae_title} ({self.host})"


class NodeProbe(models.Model):
    """One connection test of a node or printer, filled in step by step by an interactive job."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    node = models.ForeignKey(AENode, on_delete=models.CASCADE, null=True, blank=True, related_name="probes")
    printer = models.ForeignKey(
        "dicomnet.Printer", on_delete=models.CASCADE, null=True, blank=True, related_name="probes"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    steps = models.JSONField(default=list)  # dicomnet.scu.probe.Step as dicts, in order
    accepted = models.JSONField(default=dict)  # SOP class -> transfer syntax -> accepted?
    ok = models.BooleanField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("connection test")
        verbose_name_plural = _("connection tests")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.node or self.printer} {self.state}"
