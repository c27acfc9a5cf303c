"""What happened with a transfer, and what to do about it, in words. Codes come from everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dicomnet.labels import class_label, syntax_label
from dicomnet.models import Transfer, TransferItem
from dicomnet.print_sentences import Notice
from dicomnet.scu.probe_words import failure_words

Text = str | Promise

# Reasons of an object: what happened, and what to do.
OBJECTS: Mapping[str, tuple[Text, Text]] = {
    "coerced": (
        _("It arrived, and the receiver changed some of its values."),
        _("Compare patient and study at the receiver."),
    ),
    "elements-discarded": (
        _("It arrived, and the receiver left some of its values out."),
        _("Nothing to do, unless somebody needs those values there."),
    ),
    "class-mismatch-warned": (
        _("It arrived, though the receiver found values that do not suit this kind of object."),
        _("Look at it at the receiver."),
    ),
    "warned": (_("It arrived, with a warning."), _("The receiver's log says more.")),
    "duplicate": (
        _("The receiver had it already and kept what it had."),
        _("Nothing to do, unless the image was changed since."),
    ),
    "out-of-resources": (
        _("The receiver has no room now."),
        _("It is sent again by itself. If it stays so, free space at the receiver."),
    ),
    "lost": (
        _("The connection broke before the receiver had answered."),
        _("It is sent again by itself."),
    ),
    "breaks-off": (
        _("The connection broke at this object again and again, so it was left out."),
        _("The receiver's log says what it does not like about it. Then send it again."),
    ),
    "not-authorized": (
        _("The receiver does not let us send this."),
        _("Allow our AE title to store at the receiver, then send it again."),
    ),
    "class-not-supported": (
        _("The receiver does not take this kind of object."),
        _("Allow this kind at the receiver, or leave it here."),
    ),
    "class-not-accepted": (
        _("The receiver does not take this kind of object."),
        _("Allow this kind at the receiver, or leave it here."),
    ),
    "syntax-not-accepted": (
        _("The receiver takes neither its compression nor uncompressed images of this kind."),
        _("Allow uncompressed images of this kind at the receiver, then send it again."),
    ),
    "cannot-transcode": (
        _("The receiver does not take its compression, and it cannot be decoded without loss of sense."),
        _("Allow this compression at the receiver, then send it again."),
    ),
    "processing-failure": (
        _("The receiver could not process it."),
        _("The receiver's log says why. Then send it again."),
    ),
    "class-mismatch": (
        _("The receiver finds that its values do not suit its kind."),
        _("The receiver's log says which. Sending it again will not help."),
    ),
    "cannot-understand": (
        _("The receiver cannot make sense of it."),
        _("The receiver's log says why. Sending it again will not help."),
    ),
    "refused": (
        _("The receiver refused it."),
        _("The receiver's log says why. Then send it again."),
    ),
    "removed": (
        _("It was removed here before it was sent."),
        _("Nothing to do."),
    ),
    "file-missing": (
        _("Its file is not in the archive's store."),
        _("An administrator has to check the store."),
    ),
    "file-unreadable": (
        _("Its file cannot be read."),
        _("An administrator has to check the store."),
    ),
}

# Why a whole transfer does not go on; all else is a failure of the association.
TRANSFERS: Mapping[str, tuple[Text, Text]] = {
    "no-node": (_("The node is no longer there."), _("Send the study anew to another one.")),
    "out-of-resources": OBJECTS["out-of-resources"],
    "lost": (
        _("The connection to %(called)s broke."),
        _("What did not arrive is sent again by itself."),
    ),
    "refused-query": (
        _("%(called)s refuses the question (%(said)s)."),
        _("Allow our AE title to query there. Its log says more."),
    ),
    "refused-retrieval": (
        _("%(called)s refuses to give the study (%(said)s)."),
        _("Allow our AE title to retrieve there. Its log says more."),
    ),
    "destination-unknown": (
        _("%(called)s does not know where to send to (%(said)s)."),
        _("Add our AE title, address and port to its list of partners, or let this node retrieve by C-GET."),
    ),
    "some-failed": (
        _("%(called)s could not give all of it (%(said)s)."),
        _("Its log says why. If it sends to us, its AE title needs the right to store here. Then try again."),
    ),
    "nothing-came": (
        _("%(called)s has nothing of this study any more."),
        _("Ask again what it has."),
    ),
    "internal": (_("Something unexpected happened in Lightbox PACS."), _("The archive's log says why.")),
}


def item_notice(item: TransferItem) -> Notice | None:
    """What became of an object and what to do; nothing for one that simply arrived or waits."""
    if not item.reason:
        return None
    return Notice(*object_words(item.reason))


def object_words(reason: str) -> tuple[str, str]:
    """What happened to an object, and what to do."""
    what, todo = OBJECTS.get(reason, OBJECTS["refused"])
    return str(what), str(todo)


def transfer_notice(transfer: Transfer) -> Notice | None:
    """Why a transfer does not go on, and what to do; nothing when nothing is wrong with it."""
    if not transfer.error:
        return None
    return failure_notice(transfer.error, transfer_detail(transfer))


def failure_notice(error: str, detail: Mapping[str, Any]) -> Notice:
    if error in TRANSFERS:
        what, todo = TRANSFERS[error]
        return Notice(str(what) % detail, str(todo) % detail)
    return Notice(*failure_words(error, detail))


def transfer_detail(transfer: Transfer) -> dict[str, Any]:
    node = transfer.node
    return call_detail(
        called=transfer.destination,
        host=node.host if node else "",
        port=node.port if node else "",
        said=transfer.error_detail,
    )


def call_detail(*, called: str, host: str, port: int | str, said: str) -> dict[str, Any]:
    """What the sentences about an association are filled with."""
    return {
        "called": called,
        "calling": settings.PACS_AE_TITLE,
        "host": host,
        "port": port,
        "said": said,
        "seconds": 10,
    }


def syntax_words(transfer_syntax_uid: str) -> str:
    return syntax_label(transfer_syntax_uid)


def kind_words(sop_class_uid: str, transfer_syntax_uid: str) -> str:
    """``CT image, JPEG lossless``."""
    return f"{class_label(sop_class_uid)}, {syntax_label(transfer_syntax_uid)}"
