"""What the answer to one C-STORE means for the object, and when to try again.

A receiver's word is final unless it said that it has no room now (A7xx, PS3.4 Table B.2-1; 0213, PS3.7
C.5.20) or said nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from dicomnet.models import TransferItem
from dicomnet.scu.storing import LOST, Sent
from dicomnet.status import Category, Status, category

ItemState = TransferItem.State

# After the first attempt that brought nothing over, the second, ... and then always the last.
BACK_OFF: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 3600))
GIVE_UP_AFTER: Final = timedelta(days=7)
MOST_BREAKS: Final = 5  # an object at which the connection broke so often is left out

# Reasons for which an object was not sent, or has no answer, that another attempt may mend.
PASSING: Final = frozenset({LOST, "out-of-resources"})
ARRIVED: Final = frozenset({ItemState.SENT, ItemState.WARNING, ItemState.THERE})

_REASONS: Final = {
    Status.COERCION_OF_DATA_ELEMENTS: "coerced",
    Status.ELEMENTS_DISCARDED: "elements-discarded",
    Status.WARNING_DATA_SET_DOES_NOT_MATCH_SOP_CLASS: "class-mismatch-warned",
    Status.DUPLICATE_SOP_INSTANCE: "duplicate",
    Status.NOT_AUTHORIZED: "not-authorized",
    Status.SOP_CLASS_NOT_SUPPORTED: "class-not-supported",
    Status.PROCESSING_FAILURE: "processing-failure",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state an object is in after its answer, and why. ``WAITING``: it will be tried again."""

    state: TransferItem.State
    reason: str = ""


def verdict_of(sent: Sent) -> Verdict:
    """Say what became of an object. An unknown failure is final: it would come again and again."""
    if sent.status is None:
        reason = sent.reason or LOST
        return Verdict(ItemState.WAITING if reason in PASSING else ItemState.FAILED, reason)
    if sent.status == Status.DUPLICATE_SOP_INSTANCE:
        return Verdict(ItemState.THERE, "duplicate")
    if no_room(sent.status):
        return Verdict(ItemState.WAITING, "out-of-resources")
    kind = category(sent.status)
    if kind is Category.SUCCESS:
        return Verdict(ItemState.SENT)
    state = ItemState.WARNING if kind is Category.WARNING else ItemState.FAILED
    return Verdict(state, _reason(sent.status))


def no_room(status: int) -> bool:
    """Refused: Out of Resources (A7xx), or Resource Limitation."""
    return 0xA700 <= status <= 0xA7FF or status == 0x0213


def _reason(status: int) -> str:
    if status in _REASONS:
        return _REASONS[Status(status)]
    if 0xA900 <= status <= 0xA9FF:
        return "class-mismatch"
    if 0xC000 <= status <= 0xCFFF:
        return "cannot-understand"
    return "warned" if category(status) is Category.WARNING else "refused"


def back_off(attempts: int) -> timedelta:
    """How long to wait after so many attempts in a row that brought nothing over."""
    return BACK_OFF[min(max(attempts, 1), len(BACK_OFF)) - 1]
