"""Why an object is in quarantine, in words, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_SEND_AGAIN: Final = _(
    "Send it again from the device. If it comes the same way, its maker should look at it."
)
_RETRY_LATER: Final = _("Try again after an update of this archive; the bytes are kept as they came.")

# archive.dicom.source.Unreadable.code -> what is wrong, what to do
_REASONS: Final[Mapping[str, tuple[Promise, Promise]]] = {
    "not-dicom": (_("It is no DICOM object"), _SEND_AGAIN),
    "empty": (_("It has no bytes"), _SEND_AGAIN),
    "dicomdir": (
        _("It is the index of a medium, not an object"),
        _("Discard it; import the medium's files."),
    ),
    "truncated-header": (_("It ends before its header does"), _SEND_AGAIN),
    "truncated-sequence": (_("It ends inside a sequence"), _SEND_AGAIN),
    "declared-length": (_("It announces more bytes than it has"), _SEND_AGAIN),
    "broken-header": (_("Its header cannot be read"), _SEND_AGAIN),
    "broken-data-set": (_("Its data set cannot be read"), _SEND_AGAIN),
    "broken-deflate": (_("Its compressed data set cannot be unpacked"), _SEND_AGAIN),
    "deflate-limit": (_("Its compressed data set unpacks to more than we take apart"), _RETRY_LATER),
    "too-deep": (_("Its sequences are nested deeper than we take apart"), _RETRY_LATER),
    "too-many-elements": (_("It has more elements than we take apart"), _RETRY_LATER),
    "no-sop-class-uid": (_("It does not say what it is (no SOP Class UID)"), _SEND_AGAIN),
    "no-sop-instance-uid": (_("It does not say which one it is (no SOP Instance UID)"), _SEND_AGAIN),
    "bad-uid": (_("One of its UIDs is none"), _SEND_AGAIN),
    "not-indexable": (_("It can be read, but not filed"), _RETRY_LATER),
}


def reason_words(code: str) -> str:
    """Return the reason in words; a code without words stays as it is."""
    return str(_REASONS[code][0]) if code in _REASONS else code


def reason_advice(code: str) -> str:
    """Return what to do about it."""
    return str(_REASONS[code][1] if code in _REASONS else _RETRY_LATER)
