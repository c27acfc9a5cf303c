"""Work that is done after the answer: tasks of the room, run by the worker."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django_tasks import task
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from dicomnet.asking import remote_query_execute
from dicomnet.commitment_run import commitments_deliver
from dicomnet.models import Commitment
from dicomnet.print_run import print_job_execute
from dicomnet.probing import node_probe_execute
from dicomnet.sending_plan import transfer_plan_execute


@task(queue_name="print")
def print_job_run(job_id: int) -> None:
    """Print what is left of a print job. Safe to run again for the same job."""
    print_job_execute(job_id=job_id)


@task(queue_name="interactive")
def node_probe_run(probe_id: int) -> None:
    """Take the steps of a connection test, each saved and told of as it is over."""
    node_probe_execute(probe_id=probe_id)


@task(queue_name="interactive")
def transfer_plan_run(plan_id: int) -> None:
    """Ask a node what it would take, and keep the answer with the plan."""
    transfer_plan_execute(plan_id=plan_id)


@task(queue_name="interactive")
def remote_query_run(query_id: int) -> None:
    """Ask the nodes of a query, all at once, and keep each answer as it comes."""
    remote_query_execute(query_id=query_id)


@task(queue_name="commit")
def commitments_run(node_id: int) -> None:
    """Say to a node what there is to say of storage commitments, and come back when the rest is due."""
    due = commitments_deliver(node_id=node_id)
    if due is not None:
        commitment_enqueue(node_id, after=due, once=True)


def commitment_enqueue(node_id: int, *, after: datetime | None = None, once: bool = False) -> None:
    """Queue a node's commitments, not before ``after``; with ``once`` only if nothing is queued as early.

    A node that could not be reached lately is tried on the common lane: those that answer are told at once.
    """
    if once:
        queued = DBTaskResult.objects.filter(
            status=TaskResultStatus.READY,
            task_path=commitments_run.module_path,
            args_kwargs__args=[node_id],
        )
        # A task without a time of its own has the end of all days for one (django-tasks-db).
        latest = after or timezone.now()
        if any(one.run_after.year == 9999 or one.run_after <= latest for one in queued):
            return
    waiting = Commitment.objects.filter(node_id=node_id, state=Commitment.State.WAITING)
    lane = "default" if waiting.filter(attempts__gt=0).exists() else "commit"
    commitments_run.using(run_after=after, queue_name=lane).enqueue(node_id)
