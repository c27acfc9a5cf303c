"""Who is calling: a node, or somebody to turn away and tell the administrator about."""

from __future__ import annotations

from enum import StrEnum

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from archive.dicom.values import clip
from archive.events import event_record
from dicomnet.models import AENode, UnknownCaller

MAX_UNKNOWN_CALLERS = 500


class CallerReason(StrEnum):
    """Why a caller was rejected; kept in ``UnknownCaller.reason``."""

    UNKNOWN_TITLE = "unknown-title"
    INACTIVE = "inactive"
    OTHER_HOST = "other-host"
    CALLED_TITLE = "called-title"
    NO_TLS = "no-tls"
    OTHER_CERTIFICATE = "other-certificate"
    NO_USER = "no-user"
    USER_REFUSED = "user-refused"

    @property
    def sentence(self) -> Promise:
        """What happened and what to do about it, for the administrator."""
        return _SENTENCES[self]


_SENTENCES = {
    CallerReason.UNKNOWN_TITLE: _("No AE node has this title. Add it if you expect this device."),
    CallerReason.INACTIVE: _("The AE node of this title is switched off. Switch it on to let it in."),
    CallerReason.OTHER_HOST: _(
        "The AE node of this title has another host. Correct the host, or switch off “only from this host”."
    ),
    CallerReason.CALLED_TITLE: _(
        "It called another AE title than ours. Correct the called AE title in the device's settings."
    ),
    CallerReason.NO_TLS: _(
        "It called without TLS, which its node demands. Switch TLS on in the device, and call the TLS port."
    ),
    CallerReason.OTHER_CERTIFICATE: _(
        "It showed another certificate than its node names, or none. Correct the node, or the device."
    ),
    CallerReason.NO_USER: _(
        "It brought no user identity, or not the kind its node demands. Set a user in the device."
    ),
    CallerReason.USER_REFUSED: _(
        "The user it named may not log in. Look whether the user is known, active and not locked out, and "
        "correct the password in the device."
    ),
}


def node_for(*, ae_title: str) -> AENode | None:
    """The node of an AE title, as it is in the database now."""
    return AENode.objects.filter(ae_title=ae_title).first()


@transaction.atomic
def unknown_caller_record(*, ae_title: str, host: str, reason: CallerReason, calls: int = 1) -> UnknownCaller:
    """Note a rejected caller: a new row, or more calls on the row it has. The oldest rows give way."""
    ae_title, host = clip(ae_title, 16)[:16], clip(host, 64)[:64]
    known = UnknownCaller.objects.filter(ae_title=ae_title, host=host, reason=reason)
    if known.update(calls=F("calls") + calls, last_at=timezone.now()):
        caller = known.get()
    else:
        caller, _created = UnknownCaller.objects.get_or_create(
            ae_title=ae_title, host=host, reason=reason, defaults={"calls": calls}
        )
        kept = UnknownCaller.objects.order_by("-last_at", "-id").values_list("id", flat=True)
        UnknownCaller.objects.filter(
            id__in=list(kept[MAX_UNKNOWN_CALLERS : MAX_UNKNOWN_CALLERS + 500])
        ).delete()
    event_record(topic="caller", key=str(caller.pk))
    return caller
