"""C-STORE as SCU: objects to a peer over associations of our own, one object after the other.

No object is sent twice here: who sends decides.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from archive.imaging.transcode import NATIVE
from dicomnet.contexts import Answered
from dicomnet.dimse.command import Command
from dicomnet.dimse.messages import AbortedByPeer, Messages, Released
from dicomnet.dimse.negotiation import Malformed
from dicomnet.dimse.proposing import MOST_CONTEXTS, contexts_numbered
from dicomnet.dimse.wire import PeerGone, Silence
from dicomnet.scu.client import NotAssociated, Patience, Peer
from dicomnet.scu.outgoing import Interrupted, Outgoing, Plan, Sent, Sub, Way, object_store, plan_of
from dicomnet.scu.wired import wired_association
from dicomnet.scu.wired_noting import Noted

__all__ = ["LOST", "Outgoing", "Plan", "Sent", "Way", "objects_plan", "objects_send", "plan_of"]

_PATIENCE: Final = Patience(network=60.0)  # an archive may take its time over a large object
LOST: Final = "lost"
_UID: Final = re.compile(r"[0-9.]{1,64}")


@dataclass(slots=True)
class _Batch:
    """What goes over one association: objects, and the contexts they need."""

    objects: deque[Outgoing] = field(default_factory=deque)  # those nothing was told of yet
    contexts: dict[tuple[str, str], None] = field(default_factory=dict)  # (class, syntax), in order

    def take(self, object: Outgoing) -> bool:
        """Take an object in, if its contexts have room."""
        syntaxes = dict.fromkeys((object.transfer_syntax_uid, *NATIVE))
        wanted = [(object.sop_class_uid, syntax) for syntax in syntaxes if _UID.fullmatch(syntax)]
        if not _UID.fullmatch(object.sop_class_uid):
            wanted = []  # nobody can accept it
        new = [pair for pair in wanted if pair not in self.contexts]
        if len(self.contexts) + len(new) > MOST_CONTEXTS:
            return False
        self.contexts.update(dict.fromkeys(new))
        self.objects.append(object)
        return True


def _batches(objects: Iterable[Outgoing]) -> list[_Batch]:
    """As few associations as their order allows; each object in the first that has room for it."""
    batches: list[_Batch] = []
    for object in objects:
        if not any(batch.take(object) for batch in batches):
            batch = _Batch()
            batch.take(object)
            batches.append(batch)
    return batches


def objects_send(
    *,
    peer: Peer,
    objects: Iterable[Outgoing],
    calling: str,
    originator: tuple[str, int] | None = None,
    patience: Patience = _PATIENCE,
    stopping: Callable[[], bool] = lambda: False,
    priority: int = 0,
    noted: Noted = nullcontext,
    reopen: int = 0,
) -> Iterator[Sent]:
    """Send objects to a peer; yield what became of each as soon as it is known.

    Each object's own syntax and the native ones are proposed in contexts of their own; where more than 128
    are needed, in several associations, one after the other. When the peer is lost, the objects without an
    answer come as ``lost``; one that breaks off, and does not just keep silent, is called again for those
    it was not sent yet, ``reopen`` times in all. ``stopping`` is asked before each object: once it says so,
    the association is released, and nothing is said of the objects that are left. Raises ``NotAssociated``
    when there never was an association.
    """
    call = _Call(peer, calling, originator, patience, stopping, priority, noted)
    batches = deque(_batches(objects))
    called = False
    while batches:
        batch = batches[0]
        broken = yield from _attempt(call, batch, called=called)
        called = True
        if broken is None:
            if stopping():
                return
            batches.popleft()
            continue
        if not reopen or isinstance(broken, NotAssociated | Silence):
            for object in chain.from_iterable(batch.objects for batch in batches):
                yield _lost(object, broken)
            return
        reopen -= 1
        if batch.objects and not isinstance(broken, Interrupted):
            yield _lost(batch.objects.popleft(), broken)  # it was under way; the others may still be taken
        if stopping():
            return
        if not batch.objects:
            batches.popleft()


def _lost(object: Outgoing, broken: Exception) -> Sent:
    ended = str(broken) if isinstance(broken, NotAssociated) else f"{type(broken).__name__}: {broken}"
    return Sent(object.sop_instance_uid, None, LOST, comment=ended)


def _attempt(call: _Call, batch: _Batch, *, called: bool) -> Generator[Sent, None, Exception | None]:
    """Send what is left of a batch, and return what broke the association off, if anything did."""
    try:
        with closing(_batch_send(call, batch)) as sending:
            for sent in sending:
                batch.objects.popleft()
                yield sent
    except NotAssociated as error:
        if not called:
            raise
        return error
    except _ENDED as error:
        return error
    return None


@dataclass(frozen=True, slots=True)
class _Call:
    """Whom to call, and how."""

    peer: Peer
    calling: str
    originator: tuple[str, int] | None
    patience: Patience
    stopping: Callable[[], bool]
    priority: int
    noted: Noted


_ENDED: Final = (PeerGone, Silence, AbortedByPeer, Released, Malformed, Interrupted)


def _batch_send(call: _Call, batch: _Batch) -> Generator[Sent]:
    contexts = contexts_numbered((uid, [syntax]) for uid, syntax in batch.contexts)
    with (
        call.noted() as entry,
        wired_association(
            call.peer, contexts, calling=call.calling, patience=call.patience, entry=entry
        ) as wired,
    ):
        messages = wired.messages
        for number, object in enumerate(list(batch.objects)):
            if call.stopping():
                return
            plan = plan_of(wired.acceptance.accepted.values(), object)
            sub = Sub(number % 0xFFFF + 1, call.originator, call.priority)
            try:
                sent = object_store(messages, plan, object, sub, lambda to: _response(messages, to))
            except Interrupted as interrupted:
                yield interrupted.sent
                raise
            yield sent


def _response(messages: Messages, to: int) -> Command:
    answer = messages.response(to=to)
    assert answer is not None  # nobody can cancel here
    return answer


def objects_plan(
    *, peer: Peer, objects: Iterable[Outgoing], calling: str, patience: Patience = _PATIENCE
) -> Iterator[tuple[Outgoing, Plan]]:
    """How each object would go, asked of the peer itself, without sending any. Raises ``NotAssociated``."""
    for batch in _batches(objects):
        contexts = contexts_numbered((uid, [syntax]) for uid, syntax in batch.contexts)
        with wired_association(peer, contexts, calling=calling, patience=patience) as wired:
            accepted: Mapping[int, Answered] = wired.acceptance.accepted
        for object in batch.objects:
            yield object, plan_of(accepted.values(), object)
