"""A DICOM printer and what it can do."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Printer(models.Model):
    """Where film comes out. ``film_grids`` maps a Film Size ID to its printable pixel grid
    ``{"14INX17IN": [4096, 5120]}`` (columns, rows; portrait)."""

    class Condition(models.TextChoices):
        UNKNOWN = "", _("not asked yet")
        NORMAL = "NORMAL", _("ready")
        WARNING = "WARNING", _("look at it")
        FAILURE = "FAILURE", _("stopped")

    class Magnification(models.TextChoices):
        """Magnification Type (2010,0060), PS3.3 C.13.3."""

        PRINTERS_OWN = "", _("left to the printer")
        NONE = "NONE", _("none: pixel for pixel")
        REPLICATE = "REPLICATE", _("replicate")
        BILINEAR = "BILINEAR", _("bilinear")
        CUBIC = "CUBIC", _("cubic")

    name = models.CharField(pgettext_lazy("printer", "name"), max_length=64, unique=True)
    ae_title = models.CharField(_("AE title"), max_length=16)
    host = models.CharField(_("host"), max_length=255)
    port = models.PositiveIntegerField(_("port"), validators=[MinValueValidator(1), MaxValueValidator(65535)])
    description = models.CharField(_("description"), max_length=255, blank=True)
    active = models.BooleanField(_("active"), default=True)
    supports_greyscale = models.BooleanField(_("greyscale"), default=True)
    supports_colour = models.BooleanField(_("colour"), default=False)
    bits = models.PositiveSmallIntegerField(_("bits"), choices=[(8, "8"), (12, "12")], default=8)
    film_grids = models.JSONField(_("film sizes and pixel grids"), default=dict, blank=True)
    pixel_pitch_um = models.FloatField(_("pixel pitch in µm"), default=78.5)
    media = models.JSONField(_("media"), default=list, blank=True)  # Medium Type terms
    max_copies = models.PositiveSmallIntegerField(_("most copies"), default=9)
    min_density = models.PositiveSmallIntegerField(
        _("least density, 1/100 OD"), null=True, blank=True, help_text=_("Empty: the printer's own.")
    )
    max_density = models.PositiveSmallIntegerField(
        _("greatest density, 1/100 OD"), null=True, blank=True, help_text=_("Empty: the printer's own.")
    )
    magnification = models.CharField(
        _("if the picture does not fit"),
        max_length=16,
        choices=Magnification.choices,
        default=Magnification.CUBIC,
        blank=True,
        help_text=_("None, when the pixel grids above are exactly those of the printer."),
    )
    timeout_seconds = models.PositiveSmallIntegerField(
        _("longest wait for an answer, s"), default=60, validators=[MinValueValidator(1)]
    )
    tls_call = models.BooleanField(_("call it over TLS"), default=False, db_default=False)
    tls_certificate = models.CharField(
        _("its certificate"),
        max_length=128,
        blank=True,
        default="",
        db_default="",
        help_text=_(
            "SHA-256 fingerprint or common name of the certificate it has to show. Empty: any that an "
            "authority of ours has signed for its address."
        ),
    )

    condition = models.CharField(_("state"), max_length=8, choices=Condition.choices, blank=True, default="")
    condition_info = models.CharField(_("state in detail"), max_length=255, blank=True)
    condition_at = models.DateTimeField(pgettext_lazy("printer", "asked"), null=True, blank=True)

    class Meta:
        verbose_name = _("printer")
        verbose_name_plural = _("printers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
