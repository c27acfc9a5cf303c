"""What we offer, found out by asking the code that negotiates: nothing here is typed twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID
from pynetdicom import sop_class

from dicomnet.contexts import (
    TRANSFER_SYNTAXES,
    Answered,
    Proposed,
    Result,
    Rights,
    Service,
    classes_offered,
    negotiate,
)
from dicomnet.diary.entry import kind_of
from dicomnet.scp.operations import operations_offered

_EVERYTHING: Final = Rights(frozenset(Service))
_SEVERAL: Final = 6  # bytes of application information: more than any class has


@dataclass(frozen=True, slots=True)
class Claim:
    """A service: its classes, the syntaxes each is taken in, what a requester may be on its contexts, and the
    application information we agree to when everything is asked."""

    service: Service
    classes: tuple[str, ...]
    syntaxes: tuple[str, ...]
    as_scu: bool
    as_scp: bool
    extended: bytes | None
    operations: tuple[str, ...]


def claims() -> tuple[Claim, ...]:
    """Every service that has classes and operations, in the order of ``Service``."""
    offered = classes_offered()
    found = []
    for service in Service:
        classes = tuple(sorted((uid for uid, of in offered.items() if of is service), key=uid_key))
        operations = tuple(sorted(kind_of(field) for field, of in operations_offered() if of is service))
        if classes and operations:
            found.append(_claim(service, classes, operations))
    return tuple(found)


def _claim(service: Service, classes: tuple[str, ...], operations: tuple[str, ...]) -> Claim:
    (uid, *_) = classes
    syntaxes = tuple(
        s for s in sorted(TRANSFER_SYNTAXES, key=uid_key) if _answer(uid, s).result == Result.ACCEPTANCE
    )
    everything = _answer(uid, syntaxes[0], everything=True)
    as_scu, as_scp = everything.roles or (True, False)
    return Claim(service, classes, syntaxes, as_scu, as_scp, everything.extended, operations)


def _answer(uid: str, syntax: str, *, everything: bool = False) -> Answered:
    """What becomes of one context; ``everything``: with both roles and all application information asked."""
    roles = {uid: (True, True)} if everything else {}
    extended = {uid: b"\1" * _SEVERAL} if everything else {}
    (answer,) = negotiate([Proposed(1, uid, (syntax,))], roles, _EVERYTHING, extended)
    return answer


def uid_key(uid: str) -> tuple[int, ...]:
    """UIDs in the order of their numbers."""
    return tuple(int(part) for part in uid.split("."))


_NEWER: Final = {
    str(uid): name
    for name, uid in vars(sop_class).items()
    if isinstance(uid, UID) and str(uid) not in UID_dictionary
}


def name_of(uid: str) -> str:
    """The standard's name of a class or syntax, without its remark on use, and whether it is retired."""
    if uid in UID_dictionary:
        name, _, _, retired, _ = UID_dictionary[uid]
        return f"{name.partition(':')[0]}{' (retired)' if retired and 'etired' not in name else ''}"
    return str(_NEWER.get(uid, uid))
