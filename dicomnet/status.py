"""DIMSE status codes (PS3.7 Annex C, PS3.4 B.2.3) under the names the standard gives them. PURE."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Status(IntEnum):
    """What we answer, and what we tell apart when others answer."""

    SUCCESS = 0x0000
    INVALID_ATTRIBUTE_VALUE = 0x0106
    ATTRIBUTE_LIST_ERROR = 0x0107
    PROCESSING_FAILURE = 0x0110
    DUPLICATE_SOP_INSTANCE = 0x0111
    NO_SUCH_SOP_INSTANCE = 0x0112
    NO_SUCH_EVENT_TYPE = 0x0113
    INVALID_ARGUMENT_VALUE = 0x0115
    ATTRIBUTE_VALUE_OUT_OF_RANGE = 0x0116
    NO_SUCH_SOP_CLASS = 0x0118
    CLASS_INSTANCE_CONFLICT = 0x0119
    MISSING_ATTRIBUTE = 0x0120
    MISSING_ATTRIBUTE_VALUE = 0x0121
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NO_SUCH_ACTION_TYPE = 0x0123
    NOT_AUTHORIZED = 0x0124
    DUPLICATE_TRANSACTION_UID = 0x0131
    DUPLICATE_INVOCATION = 0x0210
    UNRECOGNIZED_OPERATION = 0x0211
    MISTYPED_ARGUMENT = 0x0212
    RESOURCE_LIMITATION = 0x0213  # what A700 is called by the normalized services
    OUT_OF_RESOURCES = 0xA700
    UNABLE_TO_CALCULATE_MATCHES = 0xA701
    UNABLE_TO_PERFORM_SUBOPERATIONS = 0xA702
    MOVE_DESTINATION_UNKNOWN = 0xA801
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS = 0xA900
    COERCION_OF_DATA_ELEMENTS = 0xB000  # of a C-STORE
    SUBOPERATIONS_WITH_FAILURES = 0xB000
    ELEMENTS_DISCARDED = 0xB006
    WARNING_DATA_SET_DOES_NOT_MATCH_SOP_CLASS = 0xB007
    CANNOT_UNDERSTAND = 0xC000
    CANCEL = 0xFE00
    PENDING = 0xFF00
    PENDING_OPTIONAL_KEYS_UNSUPPORTED = 0xFF01


class Category(StrEnum):
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"
    CANCEL = "cancel"
    PENDING = "pending"


_WARNINGS = frozenset({0x0001, 0x0107, 0x0116})


def category(status: int) -> Category:
    """The class of a status (PS3.7 C.1 to C.5): a code nobody defined is a failure."""
    if status == Status.SUCCESS:
        return Category.SUCCESS
    if status in (Status.PENDING, Status.PENDING_OPTIONAL_KEYS_UNSUPPORTED):
        return Category.PENDING
    if status == Status.CANCEL:
        return Category.CANCEL
    if status in _WARNINGS or 0xB000 <= status <= 0xBFFF:
        return Category.WARNING
    return Category.FAILURE


# What a printer means by a number: PS3.4 H.4.1.2.1.2, H.4.1.2.4.2 (session), H.4.2.2.1.2, H.4.2.2.4.2
# (film box), H.4.3.1.2.1.2 (image box), and the general ones of PS3.7 Annex C.
_PRINT_MEANINGS = {
    0x0105: "no-such-attribute",
    0x0106: "invalid-attribute-value",
    0x0107: "attribute-ignored",
    0x0110: "processing-failure",
    0x0111: "duplicate-instance",
    0x0112: "no-such-instance",
    0x0115: "invalid-argument",
    0x0116: "value-out-of-range",
    0x0117: "invalid-instance",
    0x0118: "no-such-class",
    0x0119: "class-instance-conflict",
    0x0120: "missing-attribute",
    0x0121: "missing-value",
    0x0122: "class-not-supported",
    0x0123: "no-such-action",
    0x0124: "not-authorized",
    0x0210: "duplicate-invocation",
    0x0211: "unrecognized-operation",
    0x0212: "mistyped-argument",
    0x0213: "resource-limitation",
    0xB600: "memory-not-reserved",
    0xB601: "collation-not-supported",
    0xB602: "empty-session",
    0xB603: "empty-sheet",
    0xB604: "shrunk",
    0xB605: "density-out-of-range",
    0xB609: "cropped",
    0xB60A: "decimated",
    0xC600: "session-without-sheet",
    0xC601: "queue-full",
    0xC602: "queue-full",
    0xC603: "image-too-large",
    0xC605: "printer-out-of-memory",
    0xC613: "image-too-large",
    0xC616: "earlier-sheet-not-printed",
}


def print_meaning(status: int) -> str:
    """The slug for what a printer means by this status; empty when the number says nothing more."""
    return _PRINT_MEANINGS.get(status, "")
