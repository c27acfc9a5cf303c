"""Ask nodes for studies: all at once, each answer saved and told of as it comes."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from archive.events import event_record
from dicomnet.models import RemoteAnswer, RemoteQuery
from dicomnet.scu.client import NotAssociated, peer_of
from dicomnet.scu.noted import diary_outgoing
from dicomnet.scu.query import Criteria, Refused, studies_find

log = logging.getLogger(__name__)
KEPT: Final = timedelta(days=1)  # answers are other people's data
MOST_AT_ONCE: Final = 16


def remote_query_execute(*, query_id: int) -> None:
    """Ask every node that has not answered yet. To ask twice changes nothing."""
    RemoteQuery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    query = RemoteQuery.objects.filter(pk=query_id).first()
    if query is None:
        return
    waiting = list(query.answers.filter(state=RemoteAnswer.State.WAITING).select_related("node"))
    criteria = criteria_of(query)
    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="ask") as pool:
        for _done in pool.map(lambda answer: _ask(answer, criteria), waiting):
            pass


def criteria_of(query: RemoteQuery) -> Criteria:
    kept: dict[str, Any] = dict(query.criteria)
    return Criteria(**{**kept, "modalities": tuple(kept.get("modalities", ()))})


def _ask(answer: RemoteAnswer, criteria: Criteria) -> None:
    """In a thread of its own: a node that is slow to answer delays no other."""
    node, began = answer.node, time.monotonic()
    peer = peer_of(node)
    try:
        found = studies_find(
            peer=peer,
            criteria=criteria,
            calling=settings.PACS_AE_TITLE,
            charset=node.default_charset,
            noted=partial(diary_outgoing, peer=peer, calling=settings.PACS_AE_TITLE, node=node),
        )
        answer.state, answer.more = RemoteAnswer.State.DONE, found.more
        answer.studies = [asdict(study) for study in found.studies]
    except NotAssociated as error:
        answer.state, answer.error, answer.error_detail = _failed(error.failure.value, error.detail)
    except Refused as error:
        answer.state, answer.error, answer.error_detail = _failed("refused-query", str(error))
    except Exception:
        log.exception("the query of %s failed", node.ae_title)
        answer.state, answer.error, answer.error_detail = _failed("internal", "")
    answer.milliseconds = (time.monotonic() - began) * 1000
    try:
        with transaction.atomic():
            answer.save()
            event_record(topic="remote", key=str(answer.query_id))
    finally:
        connections.close_all()


def _failed(error: str, detail: str) -> tuple[RemoteAnswer.State, str, str]:
    return RemoteAnswer.State.FAILED, error, detail[:255]
