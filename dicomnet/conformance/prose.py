"""The words of the statement: one entry a service, and what no table of the code can say.

An entry is written into the statement only when its service is offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from archive.dicom.attributes import ATTRIBUTES, KeyType
from dicomnet.contexts import Service

Statuses = tuple[tuple[str, str, str], ...]
"""(code, its name in the standard, when we give it)"""


@dataclass(frozen=True, slots=True)
class Prose:
    """``clause`` is that of PS3.4; ``text`` are paragraphs, ``statuses`` what we answer, ``extended`` what
    the bytes of the application information mean, by their position."""

    name: str
    clause: str
    text: tuple[str, ...]
    statuses: Statuses
    extended: tuple[str, ...] = ()


_SUCCESS: Final = ("0000", "Success", "done")
_NOT_SUPPORTED: Final = (
    "0211",
    "Unrecognized operation",
    "the operation does not belong to the SOP class of its context",
)
_RESOURCES: Final = (
    "A700",
    "Out of resources",
    "the identifier is longer than 4 MiB, or the database is out of reach",
)
_CANCEL: Final = ("FE00", "Cancel", "a C-CANCEL came in time")
_PENDING: Final = ("FF00", "Pending", "a match; all keys that were asked are supported")
_PENDING_PART: Final = ("FF01", "Pending", "a match; one or more optional keys are not supported")
_MODEL: Final = (
    "A900",
    "Identifier does not match SOP class",
    "level or unique keys do not fit the information model",
)
_UNABLE: Final = ("C000", "Unable to process", "anything else; the Error Comment (0000,0902) says what")

_OPTIONAL: Final = ", ".join(
    sorted(attribute.keyword for attribute in ATTRIBUTES if attribute.key is KeyType.OPTIONAL)
)

SERVICES: Final[Mapping[Service, Prose]] = {
    Service.ECHO: Prose(
        "Verification",
        "A",
        ("Answered while the association lasts, whatever else it is for.",),
        (_SUCCESS, _NOT_SUPPORTED),
    ),
    Service.STORE: Prose(
        "Storage",
        "B",
        (
            "Level 2 (full): every attribute, also private ones, is kept as it was sent; data sets are "
            "never decoded and encoded again, nothing is coerced. Success is answered when the object is on "
            "disk, synced, and indexed in a committed transaction. An object is kept until an administrator "
            "deletes it.",
            "What happens to duplicates, conflicting identities and missing UIDs is one table in "
            "[ARCHITECTURE.md](ARCHITECTURE.md).",
            "Private SOP classes, and classes of the standard's storage arc that are newer than the tables "
            "below, are accepted from nodes for which an administrator has switched them on.",
        ),
        (
            (
                "0000",
                "Success",
                "kept, or kept before with the same bytes; also beside another version under its UID",
            ),
            ("0106", "Invalid attribute value", "the command has no usable Affected SOP Instance UID"),
            ("0110", "Processing failure", "an error of the archive; its log says which"),
            ("0122", "SOP class not supported", "the command names a class that this node may not send"),
            _NOT_SUPPORTED,
            (
                "A700",
                "Out of resources",
                "disk full, database out of reach; send again later. Nothing was kept, unless the Error "
                "Comment says that the outcome is not known",
            ),
            (
                "C000",
                "Cannot understand",
                "it cannot be indexed; kept in quarantine, the Error Comment (0000,0902) says why",
            ),
        ),
        ("level of storage", "unused", "level of digital signatures", "unused", "coercion", "unused"),
    ),
    Service.FIND: Prose(
        "Query",
        "C.4.1",
        (
            "Patient Root and Study Root at all their levels; all required and unique keys of PS3.4 C.6 and "
            "these optional ones: "
            + _OPTIONAL
            + ". Others are answered empty. Answers come newest first, as many "
            "as there are.",
            "Names match without case, accent and width, in all three groups; a star inside a component "
            "stays in it. Hanzi are found by pinyin and initials only when fuzzy matching was negotiated or "
            "is set for the node. Other text is matched with its case; CS keys are taken in capitals. A list "
            "of values is matched for UI, CS and IS; elsewhere a backslash is a character.",
            "Date and time are matched apart unless their combination was negotiated. Time zones are not "
            "converted. Keys of a level below the query's are answered empty unless relational queries "
            "were negotiated.",
            "Answers name a Specific Character Set when they are not plain ASCII: the one the query came in "
            "if it holds every value, else the node's, else ISO_IR 192. A query without one is read in the "
            "node's.",
        ),
        (_SUCCESS, _NOT_SUPPORTED, _RESOURCES, _MODEL, _UNABLE, _CANCEL, _PENDING, _PENDING_PART),
        ("relational queries", "combined date and time", "fuzzy semantic matching of names"),
    ),
    Service.MOVE: Prose(
        "Retrieval by C-MOVE",
        "C.4.2",
        (
            "Objects go to the AE node that the Move Destination names, on associations of our own: each in "
            "its own transfer syntax, or decoded without loss where the destination takes native syntaxes "
            "only. Its own syntax, Explicit and Implicit VR Little Endian are proposed in contexts of their "
            "own. What cannot be decoded (video, unknown syntaxes, damaged pixels) counts as failed.",
            "A destination that breaks off is called again, twice at most; the object under way counts as "
            "failed.",
            "UID lists are taken at the level of the retrieval. An object that came several times under one "
            "UID is sent as it came first. Priority is passed on and changes nothing here.",
        ),
        (
            ("0000", "Success", "all sub-operations were done"),
            _NOT_SUPPORTED,
            (
                "A701",
                "Out of resources: unable to calculate number of matches",
                "the database is out of reach",
            ),
            ("A702", "Out of resources: unable to perform sub-operations", "every sub-operation failed"),
            ("A801", "Move destination unknown", "no active AE node has this title"),
            _MODEL,
            (
                "B000",
                "Sub-operations complete, one or more failures",
                "with the Failed SOP Instance UID List",
            ),
            _UNABLE,
            _CANCEL,
            ("FF00", "Pending", "sub-operations go on; with their counts"),
        ),
        ("relational retrieval",),
    ),
    Service.GET: Prose(
        "Retrieval by C-GET",
        "C.4.3",
        (
            "Objects come back on the same association, on the contexts for which the requester took the "
            "SCP role.",
        ),
        (
            ("0000", "Success", "all sub-operations were done"),
            _NOT_SUPPORTED,
            (
                "A701",
                "Out of resources: unable to calculate number of matches",
                "the database is out of reach",
            ),
            ("A702", "Out of resources: unable to perform sub-operations", "every sub-operation failed"),
            _MODEL,
            (
                "B000",
                "Sub-operations complete, one or more failures",
                "with the Failed SOP Instance UID List",
            ),
            _UNABLE,
            _CANCEL,
            ("FF00", "Pending", "sub-operations go on; with their counts"),
        ),
        ("relational retrieval",),
    ),
    Service.WORKLIST: Prose(
        "Modality worklist",
        "K",
        (
            "Scheduled procedure steps that are still to be done; Scheduled Procedure Step Start Date and "
            "Time are always matched together. A node can be limited to its own items.",
            "Per node: the character set of the answers, and whether names come as they are kept, in Latin "
            "letters only, or with hanzi in the first group.",
        ),
        (_SUCCESS, _NOT_SUPPORTED, _RESOURCES, _MODEL, _UNABLE, _CANCEL, _PENDING, _PENDING_PART),
        ("reserved", "reserved", "fuzzy semantic matching of names"),
    ),
    Service.MPPS: Prose(
        "Modality performed procedure step",
        "F.7",
        (
            "Steps that no worklist item asked for are accepted as well. A step that is completed or "
            "discontinued is final. Every message is kept as it came; a report with gaps is kept with a "
            "warning rather than lost.",
        ),
        (
            _SUCCESS,
            ("0106", "Invalid attribute value", "a step is created with another status than IN PROGRESS"),
            ("0107", "Attribute list error", "kept; attributes with wrong values are listed"),
            ("0110", "Processing failure", "the step is final: with Error ID (0000,0903) A710"),
            ("0111", "Duplicate SOP instance", "a step with this UID is there already"),
            ("0112", "No such SOP instance", "no step has this UID"),
            ("0116", "Attribute value out of range", "kept; attributes with missing values are listed"),
            ("0120", "Missing attribute", "the step has no Performed Procedure Step Status"),
            ("0121", "Missing attribute value", "Performed Procedure Step Status is empty"),
            _NOT_SUPPORTED,
        ),
    ),
    Service.COMMIT: Prose(
        "Storage commitment",
        "J",
        (
            "An object is committed when its file is there and has the digest that it had on arrival. The "
            "result is reported on an association of our own, on which we propose to be the SCP, or on the "
            "same one where that is set for the node. It is tried at once, then for seven days. Retrieve AE "
            "Title is sent with what is committed; File-Set attributes are ignored.",
            "The same request again is answered again. Failure Reasons in the result: 0112 not here, 0119 "
            "another SOP class, 0110 its file is not what it was, 0131 other objects under a known "
            "Transaction UID.",
        ),
        (
            _SUCCESS,
            ("0110", "Processing failure", "the request cannot be read or kept"),
            ("0112", "No such SOP instance", "another instance than 1.2.840.10008.1.20.1.1 is asked"),
            ("0113", "No such event type", "an N-EVENT-REPORT of a type other than 1 and 2"),
            ("0115", "Invalid argument value", "it names no objects, or a transaction of nobody's"),
            ("0118", "No such SOP class", "another class than the context's is asked"),
            ("0123", "No such action type", "an N-ACTION of a type other than 1"),
            _NOT_SUPPORTED,
        ),
    ),
    Service.PRINT: Prose(
        "Print management, as a printer",
        "H",
        ("Films that others print to us are kept as studies.",),
        (_SUCCESS, ("0106", "Invalid attribute value", "a value cannot be printed"), _NOT_SUPPORTED),
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A service we use (SCU): its classes, the syntaxes we propose and what we ask when."""

    name: str
    classes: tuple[str, ...]
    syntaxes: tuple[str, ...]
    text: str


NATIVE: Final = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
ASKED: Final = (
    Asked(
        "Verification",
        ("1.2.840.10008.1.1",),
        ("1.2.840.10008.1.2",),
        "C-ECHO, when an administrator tests the connection to a node or a printer. The same test proposes "
        "storage, query, retrieval, worklist and print classes to see what is accepted, and uses none of "
        "them.",
    ),
    Asked(
        "Storage",
        (),
        (),
        "C-STORE of the classes of annex A, when a person sends a study, a rule routes what arrives, or a "
        "C-MOVE asks for it. Each object's own transfer syntax, Explicit and Implicit VR Little Endian are "
        "proposed in contexts of their own; a receiver of native syntaxes gets it decoded. B000, B006 and "
        "B007 count as arrived, 0111 as there already. A7xx, 0213 and broken associations are tried again "
        "with growing pauses for seven days; what arrived is not sent again.",
    ),
    Asked(
        "Query",
        ("1.2.840.10008.5.1.4.1.2.2.1",),
        NATIVE,
        "C-FIND at the STUDY level, when a person asks other archives: PatientName, PatientID, "
        "AccessionNumber, StudyDate, ModalitiesInStudy. C-CANCEL after 500 answers.",
    ),
    Asked(
        "Retrieval",
        ("1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3"),
        NATIVE,
        "C-MOVE of a study to our own AE title, or C-GET with the SCP role for the classes of annex A, as "
        "is set for the node.",
    ),
    Asked(
        "Storage commitment",
        ("1.2.840.10008.1.20.1",),
        NATIVE,
        "N-ACTION for what was sent, where that is set for the node. The result is taken on the same "
        "association or on one of the peer's, for which its node needs the right `commit`.",
    ),
    Asked(
        "Basic Grayscale Print Management",
        ("1.2.840.10008.5.1.1.9",),
        NATIVE,
        "One association a job: N-GET Printer; N-CREATE Film Session; for each sheet N-CREATE Film Box "
        "(`STANDARD\\1,1`), N-SET of its Image Box with the composed sheet, N-ACTION, N-DELETE; N-DELETE "
        "Film Session; release. 8 or 12 bits as the printer's profile says.",
    ),
    Asked(
        "Basic Colour Print Management",
        ("1.2.840.10008.5.1.1.18",),
        NATIVE,
        "The same with colour image boxes, 8 bits.",
    ),
)
