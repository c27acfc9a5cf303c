"""C-MOVE to us and C-GET as SCU (PS3.4 C.4.2, C.4.3): a study of another archive, with its counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, Protocol

from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from dicomnet.contexts import STORAGE_CLASSES, Answered
from dicomnet.dimse.command import Command, Field, Tag, cancel_encoded, request_encoded
from dicomnet.dimse.messages import Messages
from dicomnet.dimse.negotiation import AbortReason, Malformed
from dicomnet.dimse.proposing import MOST_CONTEXTS, contexts_numbered
from dicomnet.familiar import STORAGE_ASKED
from dicomnet.scu.client import Failure, NotAssociated, Patience, Peer
from dicomnet.scu.query import ENDED
from dicomnet.scu.wired import wired_association
from dicomnet.scu.wired_noting import Noted
from dicomnet.status import Category, category

_NATIVE: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
_COMPRESSED: Final = (
    JPEGLosslessSV1, JPEG2000Lossless, JPEGLSLossless, RLELossless, JPEGLossless, JPEGBaseline8Bit,
    JPEGExtended12Bit, JPEG2000, JPEGLSNearLossless,
)  # fmt: skip
_SLOW: Final = Patience(network=300.0)  # a node may have to fetch from a tape first


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a retrieval is. ``status`` is that of the response; None while only objects came."""

    completed: int
    failed: int
    warning: int
    remaining: int | None
    status: int | None = None
    comment: str = ""

    @property
    def final(self) -> bool:
        return self.status is not None and category(self.status) is not Category.PENDING


class Arriving(Protocol):
    """An object that comes by C-STORE; see ``dicomnet.scp.store``."""

    def write(self, fragment: memoryview) -> None: ...

    def finish(self) -> bytes | None: ...

    def abandon(self) -> None: ...


Store = Callable[[Command, Answered], Arriving]


def study_move(
    *, peer: Peer, study_instance_uid: str, calling: str, stopping: Callable[[], bool],
    patience: Patience = _SLOW, noted: Noted = nullcontext,
) -> Iterator[Progress]:  # fmt: skip
    """Have a node send a study to us, under the title we call ourselves; yield how far it is.

    Raises ``NotAssociated``, also when the node breaks off in between.
    """
    contexts = contexts_numbered([(StudyRootQueryRetrieveInformationModelMove, list(_NATIVE))])
    with (
        noted() as entry,
        wired_association(peer, contexts, calling=calling, patience=patience, entry=entry) as wired,
    ):
        context = next(iter(wired.acceptance.accepted.values()), None)
        if context is None:
            raise NotAssociated(Failure.NOTHING_ACCEPTED)
        more: dict[Tag, int | str] = {Tag.PRIORITY: 0, Tag.MOVE_DESTINATION: calling}
        _ask(wired.messages, context, Field.C_MOVE_RQ, study_instance_uid, more)
        yield from _followed(wired.messages, context, None, stopping)


def study_get(
    *, peer: Peer, study_instance_uid: str, sop_classes: Sequence[str], calling: str, store: Store,
    stopping: Callable[[], bool], patience: Patience = _SLOW, noted: Noted = nullcontext,
) -> Iterator[Progress]:  # fmt: skip
    """Fetch a study over our own association; every object passes through ``store`` as it comes.

    Raises ``NotAssociated``, also when the node breaks off in between.
    """
    wanted = storage_contexts(sop_classes)
    pairs: list[tuple[str, Sequence[str]]] = [
        (str(StudyRootQueryRetrieveInformationModelGet), list(_NATIVE)),
        *wanted,
    ]
    # PS3.7 D.3.3.4: we ask, and take objects in.
    roles = {uid: (False, True) for uid, _syntaxes in wanted}
    with (
        noted() as entry,
        wired_association(
            peer, contexts_numbered(pairs), calling=calling, patience=patience, roles=roles, entry=entry
        ) as wired,
    ):
        accepted = wired.acceptance.accepted.values()
        model = StudyRootQueryRetrieveInformationModelGet
        context = next((one for one in accepted if one.abstract_syntax == model), None)
        if context is None:
            raise NotAssociated(Failure.NOTHING_ACCEPTED)
        _ask(wired.messages, context, Field.C_GET_RQ, study_instance_uid, {Tag.PRIORITY: 0})
        yield from _followed(wired.messages, context, store, stopping)


def storage_contexts(sop_classes: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Contexts for what may come. Classes that are known have one for each syntax, so that everything comes
    as it is kept there; else as many classes as there is room for have one native and one compressed each."""
    room = MOST_CONTEXTS - 1
    known = [uid for uid in dict.fromkeys(sop_classes) if uid in STORAGE_CLASSES]
    each = [[syntax] for syntax in (*_NATIVE, *_COMPRESSED)]
    if not known or len(known) * len(each) > room:
        known = list(dict.fromkeys([*known, *map(str, STORAGE_ASKED), *sorted(STORAGE_CLASSES)]))
        each = [list(_NATIVE), list(_COMPRESSED)]
    pairs = [(uid, list(map(str, syntaxes))) for uid in known for syntaxes in each]
    return pairs[:room]


def _ask(messages: Messages, context: Answered, field: Field, uid: str, more: dict[Tag, int | str]) -> None:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = uid
    data = encode(identifier, context.transfer_syntax == ImplicitVRLittleEndian, True)
    assert data is not None
    command = request_encoded(field, 1, sop_class_uid=context.abstract_syntax, data_set=True, more=more)
    messages.send(context.context_id, command, [data])


def _followed(
    messages: Messages, context: Answered, store: Store | None, stopping: Callable[[], bool]
) -> Iterator[Progress]:
    cancelled = False
    came = 0
    try:
        while True:
            on, command = messages.message()
            if command.field == Field.C_STORE_RQ and store is not None:
                _take(messages, on, command, store)
                came += 1
                progress = Progress(came, 0, 0, None)
            elif command.is_response and on is context:
                progress = _progress(messages, context, command, came)
            else:
                raise Malformed(AbortReason.UNEXPECTED_PARAMETER, "a message nobody asked for")
            yield progress
            if progress.final:
                return
            if not cancelled and stopping():
                cancelled = True
                messages.send(context.context_id, cancel_encoded(1))
    except ENDED as error:
        raise NotAssociated(Failure.CLOSED, f"{type(error).__name__}: {error}") from error


def _take(messages: Messages, context: Answered, command: Command, store: Store) -> None:
    """One object in, exactly as by a C-STORE to our SCP."""
    arriving = store(command, context)
    try:
        if command.has_data_set:
            messages.data(context, arriving.write)
        response = arriving.finish()
    except BaseException:
        arriving.abandon()
        raise
    if response is not None:
        messages.send(context.context_id, response)


def _progress(messages: Messages, context: Answered, command: Command, came: int) -> Progress:
    if command.has_data_set:  # the list of what failed (PS3.4 C.4.2.1.4.2); the counts say enough
        messages.data(context, lambda fragment: None)
    counts = command.sub_operations
    if counts is None:
        return Progress(came, 0, 0, None, command.status, command.error_comment)
    return Progress(
        counts.completed, counts.failed, counts.warning, counts.remaining, command.status,
        command.error_comment,
    )  # fmt: skip
