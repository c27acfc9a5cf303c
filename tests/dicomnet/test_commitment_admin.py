"""Storage commitments in the admin: why one came to nothing, and the click that tries it now."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone, translation
from django_tasks_db.models import DBTaskResult

from archive.custody import ObjectName
from dicomnet.commitment import commitment_receive, commitment_request
from dicomnet.commitment_run import put_off
from dicomnet.commitment_words import _WORDS, error_words, reason_words
from dicomnet.models import AENode, Commitment
from tests import people

pytestmark = pytest.mark.django_db

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def ada() -> Client:
    client = Client()
    client.force_login(people.ada_administrator(), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def node() -> AENode:
    return AENode.objects.create(ae_title="CT1", host="ct1.example", port=104, allow_commit=True)


@pytest.fixture
def row(node: AENode) -> Commitment:
    return commitment_receive(
        node=node, transaction_uid="2.25.7", names=[ObjectName(CT, "1.1"), ObjectName(CT, "1.2")]
    )


def test_the_list_says_what_is_wrong_and_when_it_is_tried_again(ada: Client, row: Commitment) -> None:
    row.objects_named.filter(sop_instance_uid="1.1").update(failure_reason=0)
    put_off([row], "timeout", {"host": "ct1.example", "port": 104})
    page = ada.get("/admin/dicomnet/commitment/").content.decode()
    assert "1 / 2" in page
    assert "ct1.example:104 does not answer." in page
    row.refresh_from_db()
    assert f"{timezone.localtime(row.due_at):%Y-%m-%d %H:%M:%S}" in page


def test_the_page_names_each_object_the_failed_ones_first(ada: Client, row: Commitment) -> None:
    row.objects_named.filter(sop_instance_uid="1.1").update(failure_reason=0)
    row.objects_named.filter(sop_instance_uid="1.2").update(failure_reason=0x0112)
    page = ada.get(f"/admin/dicomnet/commitment/{row.pk}/change/").content.decode()
    assert page.index("no such object") < page.index(">1.1<")


def test_try_now_makes_it_due_and_queues_it(ada: Client, node: AENode, row: Commitment) -> None:
    put_off([row], "timeout", {})
    DBTaskResult.objects.all().delete()
    answer = ada.post(f"/admin/dicomnet/commitment/{row.pk}/try/", follow=True)
    assert "1 is tried now." in answer.content.decode()
    row.refresh_from_db()
    assert row.due_at <= timezone.now()
    assert [job.args_kwargs["args"] for job in DBTaskResult.objects.all()] == [[node.pk]]


def test_what_is_done_is_not_tried_again(ada: Client, row: Commitment) -> None:
    Commitment.objects.update(state="done")
    answer = ada.post(
        "/admin/dicomnet/commitment/", {"action": "try_now", "_selected_action": [row.pk]}, follow=True
    )
    assert "There is nothing left to say to the node." in answer.content.decode()


def test_only_administrators_try(row: Commitment) -> None:
    client = Client()
    client.force_login(people.omar_operator(), backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(f"/admin/dicomnet/commitment/{row.pk}/try/").status_code in (302, 403)
    assert DBTaskResult.objects.count() == 1


def test_the_index_says_that_one_was_given_up(ada: Client, node: AENode) -> None:
    commitment_request(node=node, names=[ObjectName(CT, "1.1")])
    Commitment.objects.update(state="gave-up", error="no-result")
    assert "1 storage commitment came to nothing." in ada.get("/admin/").content.decode()


@pytest.mark.parametrize("code", [*_WORDS, "timeout", "rejected-calling", "closed", "role-refused"])
def test_every_error_has_a_sentence(code: str) -> None:
    detail = {"host": "h", "port": 1, "called": "CT1", "calling": "US", "seconds": "10", "said": "x"}
    with translation.override("en"):
        sentence, _ = error_words(Commitment(error=code, error_detail=detail | {"status": "0110"}))
        assert sentence not in ("", code)
        assert "%(" not in sentence
    assert reason_words(0xC000).endswith("C000")
