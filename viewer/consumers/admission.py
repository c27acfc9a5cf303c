"""Who may hold the frame socket of a study. Asked when it opens and again while it is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from archive.models import Instance
from archive.rendering import FrameUnavailable
from archive.selectors import NotFound, instance_for, study_for
from viewer.sessions import visitor_of

CLOSE_LOGIN = 4401
CLOSE_DENIED = 4403
CLOSE_NO_STUDY = 4404
CLOSE_FLOOD = 4429

NOT_HERE = _("This image is not in the study (any more). Open the study again to see what it holds.")


class NotInStudy(FrameUnavailable):
    """No such instance for this person in this study: one answer, so that none can be guessed."""

    def __init__(self) -> None:
        super().__init__("not-in-study")

    @property
    def sentence(self) -> str:
        return str(NOT_HERE)


@dataclass(frozen=True, slots=True)
class Admission:
    """A person and the study they may see; with a ``close_code``, why they may not."""

    user: AbstractUser | AnonymousUser
    study_id: int
    close_code: int = 0


def admission_check(*, scope: dict[str, Any]) -> Admission:
    """Read session, person and study afresh: what changed since the socket opened holds from now on."""
    digits = str(scope["url_route"]["kwargs"]["study_id"])
    study_id = int(digits) if len(digits) < 19 else 0  # longer: no database has such a key
    user = visitor_of(session_key=scope["session"].session_key).user
    if user is None:
        return Admission(AnonymousUser(), study_id, CLOSE_LOGIN)
    try:
        study_for(user=user, pk=study_id)
    except PermissionDenied:
        return Admission(user, study_id, CLOSE_DENIED)
    except NotFound:
        return Admission(user, study_id, CLOSE_NO_STUDY)
    return Admission(user, study_id)


def instance_admit(*, admission: Admission, pk: int) -> Instance:
    """The instance, when it is of the admitted study and the person may see it; else ``NotInStudy``."""
    try:
        instance = instance_for(user=admission.user, pk=pk)
    except (NotFound, PermissionDenied):
        raise NotInStudy from None
    if instance.series.study_id != admission.study_id:
        raise NotInStudy
    return instance
