"""Other archives, for people: ask several at once, have studies sent here, let it be, try again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.access import Act, User, require
from archive.audit import audit_record
from archive.events import event_record
from archive.models import AuditEvent
from dicomnet.jobs import remote_query_run
from dicomnet.models import AENode, RemoteAnswer, RemoteQuery, Retrieval
from dicomnet.scu.query import Criteria, FoundStudy

REASONS = {
    "no-node": _("Choose whom to ask."),
    "node-off": _("This node is switched off. An administrator can switch it on."),
    "no-criteria": _("Say at least one thing to look for."),
    "on-its-way": _("This study is on its way already."),
    "wrong-state": _("The retrieval has gone on meanwhile. Look again."),
    "node-gone": _("The node is no longer there."),
}


class RemoteRefused(ValueError):
    """What was asked cannot be done so: a slug, and a sentence for the person."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def sentence(self) -> str:
        return str(REASONS[self.code])


def remote_query_start(
    *, user: User, nodes: Sequence[AENode], criteria: Criteria, source: str = ""
) -> RemoteQuery:
    """Queue a question to these nodes; follow the answers by the event topic ``remote``.

    Raises ``RemoteRefused``, ``PermissionDenied``.
    """
    require(user=user, act=Act.RETRIEVE)
    if not nodes:
        raise RemoteRefused("no-node")
    if not any(asdict(criteria).values()):
        raise RemoteRefused("no-criteria")
    assert user.pk is not None  # somebody without an account may do nothing
    with transaction.atomic():
        query = RemoteQuery.objects.create(requested_by_id=user.pk, criteria=asdict(criteria))
        RemoteAnswer.objects.bulk_create([RemoteAnswer(query=query, node=node) for node in nodes])
        audit_record(
            action=AuditEvent.Action.ASKED,
            actor=user,
            source=source,
            patient_id=criteria.patient_id,
            object=", ".join(node.ae_title for node in nodes),
            detail={name: value for name, value in asdict(criteria).items() if value},
        )
        remote_query_run.enqueue(query.pk)
    return query


def retrieval_submit(
    *, user: User, node: AENode, study: FoundStudy, label: str = "", source: str = ""
) -> Retrieval:
    """Queue the retrieval of a study from a node, by C-MOVE or C-GET as the node's setting says.

    Raises ``RemoteRefused``, also when it is on its way already.
    """
    require(user=user, act=Act.RETRIEVE)
    if not node.active:
        raise RemoteRefused("node-off")
    open_states = (Retrieval.State.WAITING, Retrieval.State.RUNNING)
    with transaction.atomic():
        AENode.objects.select_for_update().get(pk=node.pk)  # two presses at once make one retrieval
        same = Retrieval.objects.filter(node=node, study_instance_uid=study.study_instance_uid)
        if same.filter(state__in=open_states).exists():
            raise RemoteRefused("on-its-way")
        retrieval = Retrieval.objects.create(
            node=node,
            source=node.ae_title,
            study_instance_uid=study.study_instance_uid,
            sop_classes=list(study.sop_classes),
            patient_label=label[:512],
            requested_by_id=user.pk,
            expected=study.images,
        )
        _audit(user, retrieval, source, "retrieve", study.patient_id)
        event_record(topic="retrieval", key=str(retrieval.pk))
    return retrieval


def retrieval_cancel(*, user: User, retrieval: Retrieval, source: str = "") -> None:
    """Let a retrieval be. One under way is cancelled at the node; what came stays."""
    require(user=user, act=Act.RETRIEVE)
    with transaction.atomic():
        rows = Retrieval.objects.filter(pk=retrieval.pk)
        moved = rows.filter(state=Retrieval.State.WAITING).update(
            state=Retrieval.State.CANCELLED, finished_at=timezone.now()
        )
        if not moved and not rows.filter(state=Retrieval.State.RUNNING).update(cancel_requested=True):
            raise RemoteRefused("wrong-state")
        _audit(user, retrieval, source, "cancel", "")
        event_record(topic="retrieval", key=str(retrieval.pk))


def retrieval_retry(*, user: User, retrieval: Retrieval, source: str = "") -> None:
    """Fetch a study again that did not come whole. What is here already is recognised as it comes."""
    require(user=user, act=Act.RETRIEVE)
    if retrieval.node_id is None:
        raise RemoteRefused("node-gone")
    ended = (Retrieval.State.FAILED, Retrieval.State.CANCELLED)
    with transaction.atomic():
        moved = Retrieval.objects.filter(pk=retrieval.pk, state__in=ended).update(
            state=Retrieval.State.WAITING, cancel_requested=False, completed=0, failed=0, warned=0,
            remaining=None, status=None, error="", error_detail="", finished_at=None,
        )  # fmt: skip
        if not moved:
            raise RemoteRefused("wrong-state")
        _audit(user, retrieval, source, "retry", "")
        event_record(topic="retrieval", key=str(retrieval.pk))


def _audit(user: User, retrieval: Retrieval, source: str, what: str, patient_id: str) -> None:
    audit_record(
        action=AuditEvent.Action.RETRIEVED,
        actor=user,
        source=source,
        study_instance_uid=retrieval.study_instance_uid,
        patient_id=patient_id,
        object=f"{retrieval.source} {retrieval.pk}",
        detail={"what": what},
    )
