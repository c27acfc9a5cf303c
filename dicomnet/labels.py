"""SOP classes and transfer syntaxes as people call them."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydicom.uid import UID

from dicomnet.familiar import MATRIX_SYNTAXES, PRINT_ASKED, SERVICES_ASKED, STORAGE_ASKED

_CLASS_LABELS: dict[str, Promise] = dict(
    zip(
        map(str, (*STORAGE_ASKED, *SERVICES_ASKED, *PRINT_ASKED)),
        (
            _("CT image"),
            _("Enhanced CT"),
            _("MR image"),
            _("Enhanced MR"),
            _("Computed radiography"),
            _("X-ray, digital"),
            _("Mammography"),
            _("Angiography"),
            _("Ultrasound"),
            _("Ultrasound cine"),
            _("Secondary capture"),
            _("Fluoroscopy"),
            _("Breast tomosynthesis"),
            _("Nuclear medicine"),
            _("PET image"),
            _("Secondary capture, grey cine"),
            _("Secondary capture, colour cine"),
            _("Endoscopy image"),
            _("Microscopy image"),
            _("Photograph"),
            _("Whole slide"),
            _("Eye photograph"),
            _("Eye tomography"),
            _("RT image"),
            _("RT dose"),
            _("Segmentation"),
            _("Endoscopy video"),
            _("Microscopy video"),
            _("Photographic video"),
            _("Structured report"),
            _("Enhanced report"),
            _("Comprehensive report"),
            _("Radiation dose report"),
            _("Presentation state"),
            _("Presentation state, colour"),
            _("Key objects"),
            _("PDF document"),
            _("ECG, 12 leads"),
            _("ECG"),
            _("RT plan"),
            _("RT structures"),
            _("Storage commitment"),
            _("Study root find"),
            _("Study root move"),
            _("Study root get"),
            _("Worklist"),
            _("Performed procedure step"),
            _("Greyscale film"),
            _("Colour film"),
            _("Presentation LUT"),
        ),
        strict=True,
    )
)
_SYNTAX_LABELS: dict[str, Promise | str] = dict(
    zip(
        map(str, MATRIX_SYNTAXES),
        (
            _("Implicit LE"),
            _("Explicit LE"),
            _("JPEG"),
            _("JPEG lossless"),
            _("JPEG-LS"),
            _("JPEG 2000 lossless"),
            _("RLE"),
            _("Deflated"),
            _("JPEG 12 bit"),
            _("JPEG-LS lossy"),
            _("JPEG 2000 lossy"),
            _("HTJ2K lossless"),
            _("HTJ2K lossy"),
            "MPEG-2",
            "H.264",
            "HEVC",
        ),
        strict=True,
    )
)


def _label(labels: Mapping[str, Promise] | Mapping[str, Promise | str], uid: str) -> str:
    return str(labels[uid]) if uid in labels else UID(uid).name


def class_label(uid: str) -> str:
    """A SOP class as people call it, else as the standard does, else its UID."""
    return _label(_CLASS_LABELS, uid)


def syntax_label(uid: str) -> str:
    """The same of a transfer syntax."""
    return _label(_SYNTAX_LABELS, uid)
