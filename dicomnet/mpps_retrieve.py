"""A performed step as an object again (PS3.4 F.8): of each attribute what was said last."""

from __future__ import annotations

from collections.abc import Iterable

from archive.dicom import charset
from archive.dicom.reader import Unreadable, read_message
from archive.dicom.tags import dictionary_vr, tag
from archive.dicom.writing import data_set_encoded
from dicomnet.models import PerformedStep
from dicomnet.querying import charset_for
from dicomnet.status import Category, category
from dicomnet.worklist_items import Item, texts_of

_CHARSET = tag("SpecificCharacterSet")


def performed_get(
    *, sop_instance_uid: str, attributes: Iterable[int], transfer_syntax_uid: str
) -> bytes | None:
    """The attributes asked for, all when none are named, as a data set; None for an unknown step."""
    step = PerformedStep.objects.filter(sop_instance_uid=sop_instance_uid).first()
    if step is None:
        return None
    known = item_of_performed(step)
    wanted = list(attributes)
    found: Item = {key: known.get(key, "") for key in wanted if key != _CHARSET} if wanted else known
    charsets = charset_for(found, (charset.UTF_8,))
    return data_set_encoded(found, transfer_syntax_uid=transfer_syntax_uid, charsets=charsets)


def item_of_performed(step: PerformedStep) -> Item:
    """All that the accepted messages said; a refused one changes nothing."""
    known: Item = {}
    for message in step.messages.all():
        if category(message.status) is Category.FAILURE:
            continue
        try:
            said = read_message(bytes(message.data_set), transfer_syntax_uid=message.transfer_syntax_uid)
        except Unreadable:
            continue  # it was readable once; what else there is counts
        known |= texts_of(said)
    known.pop(_CHARSET, None)
    known[tag("PerformedProcedureStepStatus")] = step.state
    return {key: value for key, value in known.items() if dictionary_vr(key) != b"UN"}
