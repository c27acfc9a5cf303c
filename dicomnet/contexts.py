"""Presentation contexts: which service a class belongs to, and what we answer to a proposal. PURE.

The rules are those of PS3.8 9.3.3.2 (results) and PS3.7 D.3.3.4 (roles).

Which syntax of a context: what arrives is kept as it was sent, so the requester's own order counts and
its first known syntax is taken. Two exceptions keep the most of an object: Explicit VR Little Endian, when
it is offered, beats Implicit VR Little Endian and Explicit VR Big Endian before it, because only there do
private elements keep their VR; and an unknown syntax is taken only when no known one is offered. A context
on which we are to send (the requester is its SCP) takes a native syntax before any other, because everything
that can be decoded can be sent there, and only what is compressed in that very way on any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)
from pynetdicom import sop_class
from pynetdicom.sop_class import (
    CompositeInstanceRootRetrieveGet,
    CompositeInstanceRootRetrieveMove,
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    ModalityWorklistInformationFind,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    PatientStudyOnlyQueryRetrieveInformationModelFind,
    PatientStudyOnlyQueryRetrieveInformationModelGet,
    PatientStudyOnlyQueryRetrieveInformationModelMove,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)


class Service(StrEnum):
    """What an AE node can be allowed; the names are those of ``addnode --allow`` and ``AENode.allow_*``."""

    ECHO = "echo"
    STORE = "store"
    FIND = "find"
    MOVE = "move"
    GET = "get"
    WORKLIST = "worklist"
    MPPS = "mpps"
    COMMIT = "commit"
    PRINT = "print"


class Result(IntEnum):
    """Result/Reason of a presentation context (PS3.8 Table 9-18)."""

    ACCEPTANCE = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


@dataclass(frozen=True, slots=True)
class Proposed:
    """A presentation context as the requester proposes it."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of it.

    ``transfer_syntax`` means something only when it was accepted. ``roles`` (requester as SCU, as SCP) and
    ``extended`` (service class application information) are what was agreed, None where it was not asked.
    """

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    result: Result
    service: Service | None = None
    roles: tuple[bool, bool] | None = None
    extended: bytes | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """What the requester may do here."""

    services: frozenset[Service]
    private_classes: bool = False


Roles = Mapping[str, tuple[bool, bool]]
"""SOP Class UID -> (requester as SCU, requester as SCP), PS3.7 D.3.3.4."""

_UID = re.compile(r"[0-9.]{1,64}")
_STORAGE_NAME = re.compile(r"Storage( SOP Class)?( - [^()]+)?( \([^()]*\))?$")
_STANDARD_ROOT = "1.2.840.10008."
_STORAGE_ARC = "1.2.840.10008.5.1.4.1.1."


def _storage_classes() -> frozenset[str]:
    """Every storage class of the standard: pydicom knows the retired ones, pynetdicom some newer ones."""
    known = {
        uid
        for uid, (name, kind, *_) in UID_dictionary.items()
        if kind == "SOP Class" and _STORAGE_NAME.search(name)
    }
    newer = {str(uid) for uid in sop_class._STORAGE_CLASSES.values()}
    # The directory of a medium (PS3.10) is never sent.
    return frozenset((known | newer) - {str(MediaStorageDirectoryStorage)})


STORAGE_CLASSES = _storage_classes()
TRANSFER_SYNTAXES = frozenset(
    uid for uid, (_, kind, *_) in UID_dictionary.items() if kind == "Transfer Syntax"
)


def _is_private_or_unknown_storage(abstract_syntax: str) -> bool:
    """A class outside the standard's root, or one of its storage arc that is newer than our tables."""
    if not _UID.fullmatch(abstract_syntax) or abstract_syntax in UID_dictionary:
        return False
    return abstract_syntax.startswith(_STORAGE_ARC) or not abstract_syntax.startswith(_STANDARD_ROOT)


# The classes of services that are no storage. One is offered when the operation behind it is there.
_SERVICE_CLASSES: Mapping[str, Service] = {
    str(Verification): Service.ECHO,
    str(ModalityWorklistInformationFind): Service.WORKLIST,
    str(ModalityPerformedProcedureStep): Service.MPPS,
    str(ModalityPerformedProcedureStepRetrieve): Service.MPPS,
    str(PatientRootQueryRetrieveInformationModelFind): Service.FIND,
    str(StudyRootQueryRetrieveInformationModelFind): Service.FIND,
    str(PatientStudyOnlyQueryRetrieveInformationModelFind): Service.FIND,
    str(PatientRootQueryRetrieveInformationModelMove): Service.MOVE,
    str(StudyRootQueryRetrieveInformationModelMove): Service.MOVE,
    str(PatientStudyOnlyQueryRetrieveInformationModelMove): Service.MOVE,
    str(CompositeInstanceRootRetrieveMove): Service.MOVE,
    str(PatientRootQueryRetrieveInformationModelGet): Service.GET,
    str(StudyRootQueryRetrieveInformationModelGet): Service.GET,
    str(PatientStudyOnlyQueryRetrieveInformationModelGet): Service.GET,
    str(CompositeInstanceRootRetrieveGet): Service.GET,
    str(StorageCommitmentPushModel): Service.COMMIT,
}


def service_of(abstract_syntax: str, *, private_classes: bool = False) -> Service | None:
    """The service we provide for this class, or None: abstract syntax not supported."""
    if abstract_syntax in _SERVICE_CLASSES:
        return _SERVICE_CLASSES[abstract_syntax]
    if abstract_syntax in STORAGE_CLASSES:
        return Service.STORE
    if private_classes and _is_private_or_unknown_storage(abstract_syntax):
        return Service.STORE
    return None


def classes_offered() -> dict[str, Service]:
    """Every class we provide a service for, to a node that has the right; private ones aside."""
    return {**dict.fromkeys(sorted(STORAGE_CLASSES), Service.STORE), **_SERVICE_CLASSES}


_UNCOMPRESSED = frozenset(
    map(
        str,
        (
            ImplicitVRLittleEndian,
            ExplicitVRLittleEndian,
            ExplicitVRBigEndian,
            DeflatedExplicitVRLittleEndian,
        ),
    )
)


def syntax_chosen(proposed: Sequence[str]) -> str | None:
    """The transfer syntax to accept of those proposed, in the requester's order; see the module."""
    plausible = [uid for uid in proposed if _UID.fullmatch(uid)]
    if not plausible:
        return None
    chosen = next((uid for uid in plausible if uid in TRANSFER_SYNTAXES), plausible[0])
    if chosen in (ImplicitVRLittleEndian, ExplicitVRBigEndian) and ExplicitVRLittleEndian in plausible:
        return str(ExplicitVRLittleEndian)
    return chosen


def syntax_for_sending(proposed: Sequence[str]) -> str | None:
    """The transfer syntax to accept where we send; see the module."""
    natives = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
    return next((uid for uid in natives if uid in proposed), None) or syntax_chosen(proposed)


def syntax_for_message(proposed: Sequence[str]) -> str | None:
    """The transfer syntax to accept for identifiers and attribute lists: none that compresses pixels."""
    return syntax_chosen([uid for uid in proposed if uid in _UNCOMPRESSED])


def _chooser(service: Service | None, *, sending: bool) -> Callable[[Sequence[str]], str | None]:
    if service is Service.STORE:
        return syntax_for_sending if sending else syntax_chosen
    return syntax_chosen if service in (None, Service.ECHO) else syntax_for_message


def _answer(context: Proposed, roles: Roles, rights: Rights, extended: Mapping[str, bytes]) -> Answered:
    service = service_of(context.abstract_syntax, private_classes=rights.private_classes)
    granted = _roles(context.abstract_syntax, service, roles, rights) if service else (False, False)
    syntax = _chooser(service, sending=granted[1])(context.transfer_syntaxes)
    if service is None:
        result = Result.ABSTRACT_SYNTAX_NOT_SUPPORTED
    elif not any(granted):
        result = Result.USER_REJECTION
    elif syntax is None:
        result = Result.TRANSFER_SYNTAXES_NOT_SUPPORTED
    else:
        uid = context.abstract_syntax
        return Answered(
            context.context_id,
            uid,
            syntax,
            Result.ACCEPTANCE,
            service,
            granted if uid in roles else None,
            _agreed(service, extended[uid]) if uid in extended else None,
        )
    # PS3.8 9.3.3.2: one transfer syntax is there in any case, and not to be tested.
    return Answered(context.context_id, context.abstract_syntax, ImplicitVRLittleEndian, result, service)


def _roles(abstract_syntax: str, service: Service, roles: Roles, rights: Rights) -> tuple[bool, bool]:
    """What the requester may be on a context: SCU of what it has a right to, and SCP of what we may send it
    (PS3.7 D.3.3.4): objects it gets, and the result of a storage commitment."""
    as_scu, as_scp = roles.get(abstract_syntax, (True, False))
    sent = {Service.STORE: Service.GET, Service.COMMIT: Service.COMMIT}.get(service)
    return as_scu and service in rights.services, as_scp and sent in rights.services


# Service class application information, the most we offer: level 2 storage, no signature level, nothing
# coerced (PS3.4 B.3.1); relational queries, combined date and time, fuzzy names (C.5.1.1); of a worklist
# fuzzy names, behind two bytes that are always 1 (K.5.1); relational retrieval (C.5.2.1, C.5.3.1).
_STORAGE_LEVEL = bytes([2, 0, 0, 0, 0, 0])
_OFFERED: Mapping[Service, bytes] = {
    Service.FIND: bytes([1, 1, 1]),
    Service.WORKLIST: bytes([1, 1, 1]),
    Service.MOVE: bytes([1]),
    Service.GET: bytes([1]),
}


def _agreed(service: Service, asked: bytes) -> bytes | None:
    """What of an extended negotiation we agree to: each byte that was asked and is offered."""
    if service is Service.STORE:
        return _STORAGE_LEVEL
    if service not in _OFFERED:
        return None
    offered = _OFFERED[service].ljust(len(asked), b"\0")
    return bytes(int(wanted == 1 and may == 1) for wanted, may in zip(asked, offered, strict=False))


def negotiate(
    proposed: Iterable[Proposed], roles: Roles, rights: Rights, extended: Mapping[str, bytes] | None = None
) -> list[Answered]:
    """Answer each proposed context, in the order proposed.

    ``extended`` is the application information that was proposed, by SOP class.
    """
    return [_answer(context, roles, rights, extended or {}) for context in proposed]


def roles_answered(answers: Iterable[Answered]) -> dict[str, tuple[bool, bool]]:
    """The role selections to return: those asked for classes we accepted (PS3.7 D.3.3.4.2)."""
    return {answer.abstract_syntax: answer.roles for answer in answers if answer.roles is not None}


def extended_answered(answers: Iterable[Answered]) -> dict[str, bytes]:
    """The application information to return, by SOP class (PS3.7 D.3.3.5)."""
    return {answer.abstract_syntax: answer.extended for answer in answers if answer.extended is not None}
