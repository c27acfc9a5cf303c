from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _

from dicomnet.checks import TAG, dicom_address, tls_usable


class DicomnetConfig(AppConfig):
    name = "dicomnet"
    verbose_name = _("DICOM network")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(dicom_address, TAG)
        register(tls_usable, TAG)
