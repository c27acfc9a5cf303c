"""The pages of other archives: ask, see what is here, fetch, follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client
from django_tasks_db.models import DBTaskResult

from archive.access import roles_ensure
from archive.models import AuditEvent, Study
from dicomnet.models import AENode, RemoteAnswer, RemoteQuery, Retrieval
from dicomnet.scu.query import FoundStudy

pytestmark = pytest.mark.django_db
Keep = Callable[..., Study]


@pytest.fixture
def west(db: None) -> AENode:
    return AENode.objects.create(ae_title="WEST", host="10.0.0.9", port=104)


@pytest.fixture
def as_omar(client: Client, omar: AbstractUser) -> Client:
    roles_ensure()
    client.force_login(omar, backend="django.contrib.auth.backends.ModelBackend")
    return client


def answered(user: AbstractUser, node: AENode, *studies: FoundStudy, **changes: object) -> RemoteAnswer:
    query = RemoteQuery.objects.create(requested_by=user, criteria={"name": "Doe"})
    values = {"state": "done", "milliseconds": 12.0, **changes}
    return RemoteAnswer.objects.create(
        query=query, node=node, studies=[asdict(study) for study in studies], **values
    )


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_readers_do_not_ask_other_archives(as_rita: Client, rita: AbstractUser, west: AENode) -> None:
    answer = answered(rita, west, FoundStudy("1.2.3"))
    for address in ("/remote/", f"/remote/queries/{answer.query_id}/", "/remote/retrievals/"):
        assert as_rita.get(address).status_code == 403
    assert as_rita.post("/remote/", {"node": west.pk, "name": "Doe"}).status_code == 403
    assert as_rita.post(f"/remote/answers/{answer.pk}/retrieve/", {"study": "1.2.3"}).status_code == 403
    assert not Retrieval.objects.exists()


def test_a_question_is_queued_where_a_person_waits_and_recorded(
    as_omar: Client, omar: AbstractUser, west: AENode
) -> None:
    form = {"node": west.pk, "name": "Doe", "since": "2026-11-01", "until": "2026-11-30", "m": ["CT", "MR"]}
    answer = as_omar.post("/remote/", form)
    query = RemoteQuery.objects.get()
    assert answer.headers["Location"] == f"/remote/?query={query.pk}"
    assert query.criteria == {
        "name": "Doe", "patient_id": "", "accession": "", "date_from": "20261101", "date_to": "20261130",
        "modalities": ["CT", "MR"],
    }  # fmt: skip
    task = DBTaskResult.objects.get()
    assert (task.queue_name, task.args_kwargs["args"]) == ("interactive", [query.pk])
    event = AuditEvent.objects.get(action="asked")
    assert (event.actor, event.object) == (omar, "WEST")
    text = text_of(as_omar, f"/remote/?query={query.pk}")
    assert "Asking" in text
    assert 'value="Doe"' in text
    assert 'value="2026-11-01"' in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"node": []}, "Choose whom to ask."),
        ({"name": ""}, "Say at least one thing to look for."),
        ({"since": "2026-11-30", "until": "2026-11-01"}, "The last day is before the first."),
        ({"name": "a\\b"}, "A backslash parts values in DICOM"),
    ],
)
def test_what_cannot_be_asked_is_said(
    as_omar: Client, west: AENode, changes: dict[str, object], sentence: str
) -> None:
    answer = as_omar.post("/remote/", {"node": west.pk, "name": "Doe", **changes})
    assert sentence in answer.content.decode()
    assert not RemoteQuery.objects.exists()


def test_what_is_here_is_marked(as_omar: Client, omar: AbstractUser, west: AENode, keep: Keep) -> None:
    whole = keep(StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1")
    keep(StudyInstanceUID="1.2.2", SeriesInstanceUID="1.2.2.1")
    answer = answered(
        omar,
        west,
        FoundStudy("1.2.1", patient_name="Doe^Jane", images=1),
        FoundStudy("1.2.2", patient_name="Doe^John", images=5),
        FoundStudy("1.2.3", patient_name="Wang^Xiaoming=王^小明", images=7),
    )
    text = text_of(as_omar, f"/remote/queries/{answer.query_id}/")
    assert f'<a href="/studies/{whole.pk}/"><span class="state done">Here</span></a>' in text
    assert "1 of 5 here" in text
    assert "<b>王小明</b>" in text
    assert text.count("remote/answers") == 2  # the whole one need not be fetched


def test_a_rejected_study_is_not_here(as_omar: Client, omar: AbstractUser, west: AENode, keep: Keep) -> None:
    study = keep(StudyInstanceUID="1.2.1")
    Study.objects.update(rejected_at=study.created_at)
    answer = answered(omar, west, FoundStudy("1.2.1", images=1))
    assert ">Here<" not in text_of(as_omar, f"/remote/queries/{answer.query_id}/")


def test_markup_in_an_answer_is_text(as_omar: Client, omar: AbstractUser, west: AENode) -> None:
    answer = answered(omar, west, FoundStudy("1.2.1", patient_name="<b>x</b>", description="<script>"))
    text = text_of(as_omar, f"/remote/queries/{answer.query_id}/")
    assert "&lt;script&gt;" in text
    assert "<script>" not in text


def test_fetching_queues_a_retrieval_once(as_omar: Client, omar: AbstractUser, west: AENode) -> None:
    answer = answered(omar, west, FoundStudy("1.2.3", patient_name="Doe^Jane", patient_id="P1", images=7))
    address = f"/remote/answers/{answer.pk}/retrieve/"
    as_omar.post(address, {"study": "1.2.3"})
    retrieval = Retrieval.objects.get()
    assert (retrieval.state, retrieval.source, retrieval.expected) == ("waiting", "WEST", 7)
    assert retrieval.patient_label == "Doe Jane · P1"
    again = as_omar.post(address, {"study": "1.2.3"}, follow=True)
    assert "This study is on its way already." in again.content.decode()
    assert Retrieval.objects.count() == 1
    assert "On its way" in again.content.decode()


def test_only_what_was_answered_can_be_fetched(as_omar: Client, omar: AbstractUser, west: AENode) -> None:
    answer = answered(omar, west, FoundStudy("1.2.3"))
    assert as_omar.post(f"/remote/answers/{answer.pk}/retrieve/", {"study": "9.9"}).status_code == 404


def test_answers_belong_to_who_asked(as_omar: Client, ada: AbstractUser, west: AENode) -> None:
    answer = answered(ada, west, FoundStudy("1.2.3"))
    assert as_omar.get(f"/remote/queries/{answer.query_id}/").status_code == 404
    assert as_omar.get(f"/remote/?query={answer.query_id}").status_code == 404
    assert as_omar.post(f"/remote/answers/{answer.pk}/retrieve/", {"study": "1.2.3"}).status_code == 404


def test_a_node_that_failed_says_why(as_omar: Client, omar: AbstractUser, west: AENode) -> None:
    answer = answered(omar, west, state="failed", error="refused-query", error_detail="A700 no room")
    text = text_of(as_omar, f"/remote/queries/{answer.query_id}/")
    assert "WEST refuses the question (A700 no room)." in text


def test_retrievals_are_listed_with_counts_and_what_to_do(
    as_omar: Client, omar: AbstractUser, west: AENode
) -> None:
    values = {"node": west, "source": "WEST", "study_instance_uid": "1.2.3", "requested_by": omar}
    Retrieval.objects.create(**values, state="running", completed=2, warned=1, failed=1, remaining=6)
    failed = Retrieval.objects.create(
        **values, state="failed", error="destination-unknown", error_detail="A801"
    )
    text = text_of(as_omar, "/remote/retrievals/?part=1")
    assert "3 / 10" in text
    assert "Arriving, 1 failed" in text
    assert "WEST does not know where to send to (A801)." in text
    as_omar.post(f"/remote/retrievals/{failed.pk}/retry/")
    failed.refresh_from_db()
    assert (failed.state, failed.error) == ("waiting", "")
    as_omar.post(f"/remote/retrievals/{failed.pk}/cancel/")
    failed.refresh_from_db()
    assert failed.state == "cancelled"
