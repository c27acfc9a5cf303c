"""Operations and their statuses in plain words, with what to do about those that are none too good.

PS3.7 Annex C gives the general codes, PS3.4 those of each service: B.2.3 (storage), C.4.1.1.4 (find),
C.4.2.1.5 (move), C.4.3.1.4 (get).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dicomnet.diary.reasons import Step
from dicomnet.status import Category, category

_GENERAL: Final[Mapping[int, Promise]] = {
    0x0000: _("done"),
    0x0105: _("unknown attribute"),
    0x0106: _("invalid value"),
    0x0107: _("done, an attribute was passed over"),
    0x0110: _("processing failed"),
    0x0111: _("it is there already"),
    0x0112: _("no such object"),
    0x0115: _("invalid argument"),
    0x0116: _("done, a value was out of range"),
    0x0117: _("invalid object"),
    0x0118: _("unknown SOP class"),
    0x0119: _("object and SOP class do not belong together"),
    0x0120: _("an attribute is missing"),
    0x0121: _("a value is missing"),
    0x0122: _("SOP class not supported"),
    0x0123: _("unknown action"),
    0x0124: _("not allowed"),
    0x0210: _("message number used twice"),
    0x0211: _("operation not supported"),
    0x0212: _("argument of a wrong type"),
    0x0213: _("out of resources"),
    0xA700: _("out of resources"),
    0xA701: _("out of resources: the number of matches is not known"),
    0xA702: _("out of resources: none could be sent"),
    0xA801: _("unknown move destination"),
    0xA900: _("the request contradicts its SOP class"),
    0xB000: _("done with warnings"),
    0xB006: _("done, elements were left out"),
    0xB007: _("done, although the object contradicts its SOP class"),
    0xC000: _("not understood"),
    0xFE00: _("cancelled"),
}
_OF_KIND: Final[Mapping[tuple[str, int], Promise]] = {
    ("C-STORE", 0x0000): _("kept"),
    ("C-STORE", 0xA900): _("the object contradicts its SOP class"),
    ("C-STORE", 0xB000): _("kept, values were adapted"),
    ("C-STORE", 0xB006): _("kept, elements were left out"),
    ("C-STORE", 0xB007): _("kept, although the object contradicts its SOP class"),
    ("C-MOVE", 0xB000): _("some could not be sent"),
    ("C-GET", 0xB000): _("some could not be sent"),
}

_AGAIN: Final = (
    _("Then send again from %(peer)s."),
    _("What we already have is recognised, nothing doubles."),
)
_LOG: Final = (_("Look at the archive's log"), _("at the time of the operation: it says what failed."))
_DEVICE: Final = (_("Correct the settings of %(peer)s,"), _("or give this page to its vendor."))
_THEIRS: Final = (
    _("Look at the log of %(peer)s"),
    _("at the time of the operation: the answer was its own."),
)

_STEPS: Final[Mapping[tuple[str, int], tuple[Step, ...]]] = {
    ("C-STORE", 0xA700): (
        (_("Make room, and see that the database runs."), _("Nothing of what was answered so was kept.")),
        _AGAIN,
    ),
    ("C-STORE", 0xA900): (
        (
            _("Have the device send objects under their own SOP class."),
            _("Data set and request named different ones; nothing was kept."),
        ),
        _DEVICE,
    ),
    ("C-STORE", 0xC000): (
        (
            _("Look into the quarantine."),
            _("What could not be read is kept there, with the reason. A retry reads it anew."),
        ),
        _DEVICE,
    ),
    ("C-STORE", 0x0106): (
        (
            _("Have the device send a SOP Instance UID."),
            _("The request had none, or none that can be used; nothing was kept."),
        ),
        _DEVICE,
    ),
    ("C-STORE", 0x0110): (
        _LOG,
        (
            _("Send the same objects again from %(peer)s."),
            _("Whether they were kept is not known; nothing doubles."),
        ),
    ),
    ("C-STORE", 0x0122): (
        (
            _("Allow private SOP classes for %(peer)s,"),
            _("if its objects are private ones: a tick on the page of its AE node."),
        ),
        _DEVICE,
    ),
    ("C-STORE", 0x0124): ((_("Give %(peer)s the right to store"), _("on the page of its AE node.")),),
    ("C-FIND", 0xA700): (
        (_("Ask for less:"), _("the search was too large, or the database was out of reach.")),
        _LOG,
    ),
    ("C-FIND", 0xA900): (
        (
            _("Correct the query of %(peer)s:"),
            _("its level, or its keys, do not fit the model. Relational queries have to be negotiated."),
        ),
        _DEVICE,
    ),
    ("C-FIND", 0xC000): (_LOG, _DEVICE),
    ("C-MOVE", 0xA801): (
        (
            _("Add the destination as an AE node."),
            _("Its AE title has to be the one that %(peer)s names, letter by letter."),
        ),
    ),
    ("C-MOVE", 0xA702): (
        (
            _("Look at our own association with the destination"),
            _("in this diary, at the same time: it says why nothing could be sent."),
        ),
    ),
    ("C-MOVE", 0xB000): (
        (
            _("Look at our own association with the destination"),
            _("in this diary, at the same time: it says what could not be sent."),
        ),
    ),
    ("C-MOVE", 0xA701): (_LOG,),
    ("C-MOVE", 0xA900): (
        (
            _("Correct the request of %(peer)s:"),
            _("its level, or its keys, do not fit the information model."),
        ),
        _DEVICE,
    ),
    ("C-GET", 0xA702): (
        (
            _("Have %(peer)s propose the SOP classes it wants to get,"),
            _("with the role of a provider and with uncompressed syntaxes as well."),
        ),
    ),
    ("C-GET", 0xB000): (
        (
            _("Have %(peer)s propose the SOP classes it wants to get,"),
            _("with the role of a provider and with uncompressed syntaxes as well."),
        ),
    ),
    ("C-GET", 0xA900): (
        (
            _("Correct the request of %(peer)s:"),
            _("its level, or its keys, do not fit the information model."),
        ),
        _DEVICE,
    ),
}
_STEPS_OF_ANY: Final[Mapping[int, tuple[Step, ...]]] = {
    0x0110: (_LOG,),
    0x0111: (
        (_("Nothing to do,"), _("if %(peer)s only sent it twice. Else have the device use a new UID.")),
    ),
    0x0112: (
        (
            _("Check what %(peer)s refers to:"),
            _("we know no such object. It may have been deleted, or never arrived."),
        ),
    ),
    0x0122: (_DEVICE,),
    0x0124: ((_("Give %(peer)s the right to it"), _("on the page of its AE node.")),),
    0x0211: (
        (_("Use another operation:"), _("this one does not belong to the SOP class it came for.")),
        _DEVICE,
    ),
}


def _family(status: int) -> int:
    """A7xx, A9xx and Cxxx are families in PS3.4 Table B.2-1: what is not named means their first."""
    if status in _GENERAL:
        return status
    if 0xC000 <= status <= 0xCFFF:
        return 0xC000
    return status & 0xFF00 if status & 0xFF00 in (0xA700, 0xA900) else status


def status_words(*, kind: str, status: int) -> Promise:
    """What a status means for this operation."""
    family = _family(status)
    known = _OF_KIND.get((kind, family)) or _GENERAL.get(family)
    if known is not None:
        return known
    warning = category(status) is Category.WARNING
    return _("done with a warning that has no name here") if warning else _("failed, with a code of its own")


def status_steps(*, kind: str, status: int, outgoing: bool) -> tuple[Step, ...]:
    """What to do about a status that we gave, or, ``outgoing``, that we were given."""
    if outgoing:
        return (_THEIRS,)
    family = _family(status)
    return _STEPS.get((kind, family)) or _STEPS_OF_ANY.get(family) or (_LOG,)
