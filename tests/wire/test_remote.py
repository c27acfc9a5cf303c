"""Another archive (DCMTK's) is asked, and studies are fetched from it by C-GET and C-MOVE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from archive.access import roles_ensure
from archive.models import AuditEvent, Instance, Study
from dicomnet.asking import remote_query_execute
from dicomnet.models import AENode, RemoteQuery, Retrieval
from dicomnet.remote import RemoteRefused, remote_query_start, retrieval_retry, retrieval_submit
from dicomnet.retrieve_run import retrieval_execute
from dicomnet.scu.query import Criteria, FoundStudy
from tests import people
from tests.archive.arrivals import stored_bytes
from tests.objects import ct_slice, dataset_bytes
from tests.wire.destinations import dcmqrscp
from tests.wire.printers import free_port
from tests.wire.server import Scp

pytestmark = pytest.mark.django_db(transaction=True)
JANE, WANG = "1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.2"


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> Path:
    roles_ensure()
    settings.DATA_DIR = tmp_path / "own"
    settings.DATA_DIR.mkdir()
    return settings.DATA_DIR


@pytest.fixture
def omar(transactional_db: None) -> Any:
    return people.omar_operator()


def objects() -> list[Dataset]:
    jane = {"StudyInstanceUID": JANE, "SeriesInstanceUID": generate_uid(), "PatientName": "Doe^Jane"}
    wang = {
        "StudyInstanceUID": WANG, "SeriesInstanceUID": generate_uid(), "PatientID": "P2",
        "SpecificCharacterSet": "ISO_IR 192", "PatientName": "Wang^Xiaoming=王^小明",
        "StudyDescription": "胸部", "StudyDate": "20261120",
    }  # fmt: skip
    found = [ct_slice(InstanceNumber=number, **jane) for number in range(3)]
    return [*found, ct_slice(**wang)]


def west(port: int, **changes: Any) -> AENode:
    return AENode.objects.create(ae_title="WEST", host="127.0.0.1", port=port, **changes)


def ask(user: Any, *nodes: AENode, **criteria: Any) -> RemoteQuery:
    query = remote_query_start(user=user, nodes=nodes, criteria=Criteria(**criteria))
    remote_query_execute(query_id=query.pk)
    return query


def names(query: RemoteQuery) -> list[str]:
    return [study["patient_name"] for study in query.answers.get().studies]


def fetched(user: Any, node: AENode, uid: str = JANE) -> Retrieval:
    retrieval = retrieval_submit(user=user, node=node, study=FoundStudy(uid, images=3), label="Doe Jane")
    retrieval_execute(retrieval_id=retrieval.pk)
    retrieval.refresh_from_db()
    return retrieval


def test_studies_are_found_by_every_criterion(omar: Any, tmp_path: Path) -> None:
    with dcmqrscp(tmp_path / "west", objects()) as port:
        node = west(port)
        assert sorted(names(ask(omar, node, date_from="20261101"))) == ["Doe^Jane", "Wang^Xiaoming=王^小明"]
        assert names(ask(omar, node, name="Doe J")) == ["Doe^Jane"]
        assert names(ask(omar, node, name="Doe")) == ["Doe^Jane"]
        assert names(ask(omar, node, patient_id="P2")) == ["Wang^Xiaoming=王^小明"]
        assert names(ask(omar, node, accession="A1", date_to="20261121")) == ["Wang^Xiaoming=王^小明"]
        assert names(ask(omar, node, patient_id="P9")) == []
        found = ask(omar, node, patient_id="P2").answers.get().studies[0]
    assert (found["study_instance_uid"], found["description"], found["study_date"]) == (
        WANG,
        "胸部",
        "20261120",
    )


def test_several_nodes_are_asked_at_once_and_a_dead_one_says_so(omar: Any, tmp_path: Path) -> None:
    dead = AENode.objects.create(ae_title="DEAD", host="127.0.0.1", port=free_port())
    with dcmqrscp(tmp_path / "west", objects()) as port:
        query = ask(omar, west(port), dead, patient_id="P1")
    by_title = {answer.node.ae_title: answer for answer in query.answers.all()}
    assert (by_title["WEST"].state, len(by_title["WEST"].studies)) == ("done", 1)
    assert (by_title["DEAD"].state, by_title["DEAD"].error) == ("failed", "refused")
    assert AuditEvent.objects.get(action="asked").detail == {"patient_id": "P1"}


def test_c_get_brings_the_very_data_sets(omar: Any, tmp_path: Path) -> None:
    kept = objects()
    with dcmqrscp(tmp_path / "west", kept) as port:
        retrieval = fetched(omar, west(port, retrieve_by="get"))
    assert (retrieval.state, retrieval.completed, retrieval.failed, retrieval.error) == ("done", 3, 0, "")
    study = Study.objects.get()
    assert (study.study_instance_uid, study.number_of_instances, study.source) == (JANE, 3, "WEST")
    sent = {str(ds.SOPInstanceUID): dataset_bytes(ds) for ds in kept[:3]}
    for instance in Instance.objects.all():
        assert stored_bytes(instance.file_key).endswith(sent[instance.sop_instance_uid])
    assert AuditEvent.objects.filter(action="received", actor_name="WEST", detail={"images": 3}).exists()
    assert AuditEvent.objects.filter(action="retrieved", study_instance_uid=JANE).exists()


def test_c_get_again_changes_nothing(omar: Any, tmp_path: Path) -> None:
    with dcmqrscp(tmp_path / "west", objects()) as port:
        node = west(port, retrieve_by="get")
        fetched(omar, node)
        again = fetched(omar, node)
    assert (again.state, again.completed) == ("done", 3)
    assert Study.objects.get().number_of_instances == 3


def test_c_move_has_the_node_send_to_our_scp(omar: Any, tmp_path: Path, shared_scp: Scp) -> None:
    scp = shared_scp
    node_of(scp, allow_store=1)
    with dcmqrscp(tmp_path / "west", objects(), known=scp.port) as port:
        retrieval = fetched(omar, west(port))
    assert (retrieval.state, retrieval.completed, retrieval.remaining) == ("done", 3, 0)
    assert scp.query("SELECT study_instance_uid, number_of_instances, source FROM archive_study") == [
        (JANE, 3, "WEST")
    ]


def node_of(scp: Scp, *, allow_store: int) -> None:
    scp.execute("DELETE FROM dicomnet_aenode WHERE ae_title = 'WEST'")
    scp.node("WEST", allow_store=allow_store)


def test_a_node_that_may_not_store_here_is_said(omar: Any, tmp_path: Path, shared_scp: Scp) -> None:
    node_of(shared_scp, allow_store=0)
    with dcmqrscp(tmp_path / "west", objects(), known=shared_scp.port) as port:
        retrieval = fetched(omar, west(port))
    print(retrieval.state, retrieval.error, retrieval.error_detail, retrieval.failed)
    assert (retrieval.state, retrieval.error) == ("failed", "some-failed")


def test_a_node_that_does_not_know_us_is_said_and_can_be_tried_again(omar: Any, tmp_path: Path) -> None:
    with dcmqrscp(tmp_path / "west", objects()) as port:
        node = west(port, retrieve_by="move")
        with override_settings(PACS_AE_TITLE="NOBODY"):
            retrieval = fetched(omar, node)
        assert (retrieval.state, retrieval.error) == ("failed", "destination-unknown")
        AENode.objects.update(retrieve_by="get")
        retrieval_retry(user=omar, retrieval=retrieval)
        call_command("runjobs", "--queue", "send", "--batch")
    retrieval.refresh_from_db()
    assert (retrieval.state, retrieval.completed) == ("done", 3)


def test_a_study_that_is_gone_and_a_dead_node_are_said(omar: Any, tmp_path: Path) -> None:
    with dcmqrscp(tmp_path / "west", objects()) as port:
        node = west(port, retrieve_by="get")
        assert fetched(omar, node, "1.2.3.4").error == "nothing-came"
    gone = fetched(omar, node)
    assert (gone.state, gone.error) == ("failed", "refused")


def test_a_study_is_fetched_once_at_a_time(omar: Any) -> None:
    node = west(free_port())
    retrieval_submit(user=omar, node=node, study=FoundStudy(JANE))
    with pytest.raises(RemoteRefused, match="on-its-way"):
        retrieval_submit(user=omar, node=node, study=FoundStudy(JANE))
