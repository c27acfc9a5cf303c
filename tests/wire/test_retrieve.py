"""C-MOVE and C-GET against DCMTK, pynetdicom, and peers made by hand."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pynetdicom import AE, build_role, evt
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import (
    CompositeInstanceRootRetrieveGet,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from tests.objects import ct_slice, encoded
from tests.wire.peer import CT, EXPLICIT, IMPLICIT, Peer, echo_seconds, role_item
from tests.wire.receivers import free_port, receiver, running, storescp
from tests.wire.server import Scp, dataset_of, folder_copy

J2K, RLE, MPEG4 = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.102"
BOTH = [EXPLICIT, IMPLICIT]
STUDY, OTHER = "1.2.3.100", "1.2.3.200"
SERIES = (f"{STUDY}.1", f"{STUDY}.2")


def pixels(number: int) -> np.ndarray:
    return (np.arange(256, dtype="<u2") + number).reshape(16, 16)


def image(number: int, series: str, study: str = STUDY, patient: str = "P1", **changes: Any) -> Dataset:
    return ct_slice(
        StudyInstanceUID=study,
        SeriesInstanceUID=series,
        SOPInstanceUID=f"{series}.{number}",
        PatientID=patient,
        PatientName=f"Retrieve^{patient}",
        SeriesNumber=int(series.rpartition(".")[2]),
        InstanceNumber=number,
        PixelRepresentation=0,
        PixelData=pixels(number).tobytes(),
        **changes,
    )


def as_j2k(ds: Dataset) -> Dataset:
    stream = imagecodecs.jpeg2k_encode(np.frombuffer(ds.PixelData, "<u2").reshape(16, 16), level=0,
                                       codecformat="j2k")  # fmt: skip
    ds.PixelData = encapsulate([stream])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def as_video(ds: Dataset) -> Dataset:
    ds.PixelData = encapsulate([b"\0\0\1\xb3" + bytes(60)])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


@dataclass
class Archive:
    """A server, and the data sets it was sent: UID -> (syntax, bytes)."""

    scp: Scp
    objects: dict[str, tuple[str, bytes]]

    @property
    def port(self) -> int:
        return self.scp.port

    def fill(self, *things: tuple[Dataset, str]) -> None:
        syntaxes = list(dict.fromkeys(syntax for _, syntax in things))
        contexts = [(2 * n + 1, CT, [syntax]) for n, syntax in enumerate(syntaxes)]
        with Peer.associated(self.port, contexts) as peer:
            for ds, syntax in things:
                data = encoded(ds, EXPLICIT if syntax not in BOTH else syntax)
                number = 2 * syntaxes.index(syntax) + 1
                response = peer.store(data, uid=ds.SOPInstanceUID, context_id=number, size=16000)
                assert response[0x0900] == b"\0\0"
                self.objects[ds.SOPInstanceUID] = (syntax, data)
            peer.release()


@pytest.fixture(scope="module")
def archive(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """P1 with a study of two series of three images, one of them in JPEG 2000; P2 with one of one."""
    scp = Scp(folder_copy(prepared, tmp_path_factory.mktemp("retrieve") / "data"))
    for title in ("MOVESCU", "GETSCU", "PYMOVE"):
        scp.node(title, allow_move=1, allow_get=1)
    found = Archive(scp, {})
    found.fill(
        *((image(n, SERIES[0]), EXPLICIT) for n in (1, 2, 3)),
        *((image(n, SERIES[1]), IMPLICIT) for n in (1, 2)),
        (as_j2k(image(3, SERIES[1])), J2K),
        (image(1, f"{OTHER}.1", OTHER, "P2"), EXPLICIT),
    )
    yield found
    scp.stop()


@pytest.fixture
def destination(archive: Archive) -> Iterator[Any]:
    """Register a node ``DEST`` at a port; it is gone afterwards."""

    def register(port: int, **changes: Any) -> None:
        archive.scp.node("DEST", port=port, **changes)

    yield register
    archive.scp.execute("DELETE FROM dicomnet_aenode WHERE ae_title = 'DEST'")


def identifier(level: str, **keys: Any) -> Dataset:
    ds = Dataset()
    ds.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(ds, keyword, value)
    return ds


MOVE = StudyRootQueryRetrieveInformationModelMove


def move(
    archive: Archive, query: Dataset, *, model: str = MOVE, to: str = "DEST", relational: bool = False
) -> list[tuple[Dataset, Dataset | None]]:
    """Every response of a C-MOVE: (command set, identifier)."""
    ae = AE("PYMOVE")
    ae.add_requested_context(model, [EXPLICIT])
    items = []
    if relational:
        wish = SOPClassExtendedNegotiation()
        wish.sop_class_uid, wish.service_class_application_information = model, b"\x01"
        items.append(wish)
    association = ae.associate("127.0.0.1", archive.port, ae_title="LIGHTBOX", ext_neg=items)
    assert association.is_established
    try:
        return list(association.send_c_move(query, to, model, msg_id=77, priority=1))
    finally:
        association.release()


def counts(status: Dataset) -> tuple[int, int, int]:
    return (
        status.NumberOfCompletedSuboperations,
        status.NumberOfFailedSuboperations,
        status.NumberOfWarningSuboperations,
    )


def dcmtk(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60,
                          env={"PATH": "/usr/local/bin:/usr/bin:/bin", "TCP_NODELAY": "1"})  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout + done.stderr


def files_in(folder: Path) -> dict[str, tuple[str, bytes]]:
    """UID -> (syntax, data set) of the files that a receiver wrote."""
    found = {}
    for path in folder.iterdir():
        meta = pydicom.filereader.read_file_meta_info(path)
        content = path.read_bytes()
        found[str(meta.MediaStorageSOPInstanceUID)] = (str(meta.TransferSyntaxUID), dataset_of(content))
    return found


def only(archive: Archive, *prefixes: str) -> dict[str, tuple[str, bytes]]:
    return {uid: kept for uid, kept in archive.objects.items() if uid.startswith(prefixes)}


# ---- C-MOVE


def test_a_study_is_moved_as_it_was_stored(archive: Archive, destination: Any, tmp_path: Path) -> None:
    with storescp(tmp_path / "in", "+xv", "-ll", "fatal") as port:  # prefers JPEG 2000 lossless
        destination(port)
        dcmtk("movescu", "-S", "-aet", "MOVESCU", "-aec", "LIGHTBOX", "-aem", "DEST", "-k",
              "0008,0052=STUDY", "-k", f"0020,000D={STUDY}", "127.0.0.1", str(archive.port))  # fmt: skip
    received = files_in(tmp_path / "in")
    sent = only(archive, STUDY)
    assert received == sent
    assert len(sent) == 6


def test_movescu_moves_to_itself(archive: Archive, tmp_path: Path) -> None:
    port = free_port()
    archive.scp.execute("UPDATE dicomnet_aenode SET port = ? WHERE ae_title = 'MOVESCU'", port)
    (tmp_path / "in").mkdir()
    dcmtk("movescu", "-P", "-aet", "MOVESCU", "-aec", "LIGHTBOX", "--port", str(port), "-B",
          "-od", str(tmp_path / "in"), "-k", "0008,0052=SERIES", "-k", "0010,0020=P1",
          "-k", f"0020,000D={STUDY}", "-k", f"0020,000E={SERIES[0]}",
          "127.0.0.1", str(archive.port))  # fmt: skip
    assert files_in(tmp_path / "in") == only(archive, f"{SERIES[0]}.")


def test_dcmqrscp_takes_what_is_moved(archive: Archive, destination: Any, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "db").mkdir()
    config = tmp_path / "dcmqrscp.cfg"
    config.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 8\nHostTable BEGIN\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nDEST {tmp_path / 'db'} RW (9, 1024mb) ANY\nAETable END\n"
    )
    with running(["dcmqrscp", "-c", str(config)], port):
        destination(port)
        responses = move(archive, identifier("STUDY", StudyInstanceUID=STUDY))
    assert (responses[-1][0].Status, counts(responses[-1][0])) == (0x0000, (6, 0, 0))
    assert len(list((tmp_path / "db").glob("*.dcm"))) == 6


@pytest.mark.parametrize(
    ("model", "level", "keys", "expected"),
    [
        (PatientRootQueryRetrieveInformationModelMove, "PATIENT", {"PatientID": "P1"}, 6),
        (PatientRootQueryRetrieveInformationModelMove, "STUDY", {"PatientID": "P1",
         "StudyInstanceUID": [STUDY, OTHER]}, 6),
        (MOVE, "STUDY", {"StudyInstanceUID": [STUDY, OTHER]}, 7),
        (MOVE, "SERIES", {"StudyInstanceUID": STUDY, "SeriesInstanceUID": list(SERIES)}, 6),
        (MOVE, "IMAGE", {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES[0],
         "SOPInstanceUID": [f"{SERIES[0]}.1", f"{SERIES[0]}.3"]}, 2),
        (MOVE, "IMAGE", {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES[0],
         "SOPInstanceUID": [f"{SERIES[1]}.1"]}, 0),
        (MOVE, "STUDY", {"StudyInstanceUID": "1.2.3.999"}, 0),
    ],
)  # fmt: skip
def test_levels_and_lists(
    archive: Archive, destination: Any, model: str, level: str, keys: dict[str, Any], expected: int
) -> None:
    with receiver([(CT, [*BOTH, J2K])]) as (port, received):
        destination(port)
        responses = move(archive, identifier(level, **keys), model=model)
    last = responses[-1][0]
    assert (last.Status, counts(last)) == (0x0000, (expected, 0, 0))
    assert "NumberOfRemainingSuboperations" not in last
    assert len(received.uids) == expected == len(set(received.uids))


def test_pending_responses_count_down(archive: Archive, destination: Any) -> None:
    with receiver([(CT, BOTH)]) as (port, _):
        destination(port)
        responses = move(archive, identifier("STUDY", StudyInstanceUID=STUDY))
    pending = [status for status, _ in responses if status.Status == 0xFF00]
    assert [(p.NumberOfRemainingSuboperations, *counts(p)) for p in pending] == [
        (5, 1, 0, 0), (4, 2, 0, 0), (3, 3, 0, 0), (2, 4, 0, 0), (1, 5, 0, 0)]  # fmt: skip


def test_sub_operations_name_their_originator(archive: Archive, destination: Any) -> None:
    with receiver([(CT, BOTH)]) as (port, received):
        destination(port)
        move(archive, identifier("STUDY", StudyInstanceUID=OTHER))
    assert received.originators == [("PYMOVE", 77)]
    assert received.priorities == [1]


@pytest.mark.parametrize("native", [EXPLICIT, IMPLICIT])
def test_a_receiver_that_takes_native_only_gets_the_decoded_pixels(
    archive: Archive, destination: Any, native: str
) -> None:
    with receiver([(CT, [native])]) as (port, received):
        destination(port)
        responses = move(archive, identifier("SERIES", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES[1]))
    assert (responses[-1][0].Status, counts(responses[-1][0])) == (0x0000, (3, 0, 0))
    for uid, syntax, data in received.objects:
        assert syntax == native
        ds = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data), force=True)
        ds = pydicom.filereader.read_dataset(pydicom.filebase.DicomBytesIO(data), native == IMPLICIT, True)
        assert (ds.SOPInstanceUID, ds.PatientName) == (uid, "Retrieve^P1")
        assert ds.PixelData == pixels(int(uid.rpartition(".")[2])).tobytes()


def test_what_cannot_be_decoded_is_named_as_failed(archive: Archive, destination: Any) -> None:
    study = "1.2.3.300"
    archive.fill((image(1, f"{study}.1", study, "P3"), EXPLICIT),
                 (as_video(image(2, f"{study}.1", study, "P3")), MPEG4))  # fmt: skip
    with receiver([(CT, BOTH)]) as (port, received):
        destination(port)
        responses = move(archive, identifier("STUDY", StudyInstanceUID=study))
    last, failed = responses[-1]
    assert (last.Status, counts(last)) == (0xB000, (1, 1, 0))
    assert last.ErrorComment == "First failure: cannot-transcode"
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == f"{study}.1.2"
    assert received.uids == [f"{study}.1.1"]


def test_a_file_that_is_gone_is_named_as_failed(archive: Archive, destination: Any) -> None:
    study = "1.2.3.400"
    archive.fill(*((image(n, f"{study}.1", study, "P4"), EXPLICIT) for n in (1, 2)))
    archive.scp.stored_path(f"{study}.1.1").unlink()
    with receiver([(CT, BOTH)]) as (port, received):
        destination(port)
        last, failed = move(archive, identifier("STUDY", StudyInstanceUID=study))[-1]
    assert (last.Status, counts(last)) == (0xB000, (1, 1, 0))
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == f"{study}.1.1"
    assert received.uids == [f"{study}.1.2"]


@pytest.mark.parametrize("status", [0xB000, 0xB006, 0xB007])
def test_warnings_of_the_receiver_count_as_warnings(archive: Archive, destination: Any, status: int) -> None:
    with receiver([(CT, BOTH)], lambda event: status) as (port, _):
        destination(port)
        last, failed = move(archive, identifier("STUDY", StudyInstanceUID=OTHER))[-1]
    assert (last.Status, counts(last)) == (0xB000, (0, 0, 1))
    assert not failed


def test_when_every_sub_operation_fails_the_move_does(archive: Archive, destination: Any) -> None:
    with receiver([(CT, BOTH)], lambda event: 0xA700) as (port, _):
        destination(port)
        last, failed = move(archive, identifier("STUDY", StudyInstanceUID=STUDY))[-1]
    assert (last.Status, counts(last)) == (0xA702, (0, 6, 0))
    assert failed is not None
    assert len(failed.FailedSOPInstanceUIDList) == 6


def test_a_destination_that_is_down_fails_the_move(archive: Archive, destination: Any) -> None:
    destination(free_port())
    responses = move(archive, identifier("STUDY", StudyInstanceUID=OTHER))
    last, failed = responses[-1]
    assert len(responses) == 1
    assert (last.Status, counts(last)) == (0xA702, (0, 1, 0))
    assert last.ErrorComment == "No association with the destination: refused"
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == f"{OTHER}.1.1"


def test_a_destination_that_chokes_on_one_object_is_called_again_for_the_others(
    archive: Archive, destination: Any
) -> None:
    def abort_second(event: Any) -> int:
        if str(event.request.AffectedSOPInstanceUID) == f"{SERIES[0]}.2":
            event.assoc.abort()
        return 0x0000

    with receiver([(CT, BOTH)], abort_second) as (port, received):
        destination(port)
        last, failed = move(archive, identifier("STUDY", StudyInstanceUID=STUDY))[-1]
    assert (last.Status, counts(last)) == (0xB000, (5, 1, 0))
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == f"{SERIES[0]}.2"
    assert (received.associations, sorted(received.uids)) == (2, sorted(only(archive, STUDY)))


def test_a_destination_that_always_aborts_is_called_three_times(archive: Archive, destination: Any) -> None:
    with receiver([(CT, BOTH)], lambda event: event.assoc.abort() or 0x0000) as (port, received):
        destination(port)
        last, failed = move(archive, identifier("STUDY", StudyInstanceUID=STUDY))[-1]
    assert (last.Status, counts(last)) == (0xA702, (0, 6, 0))
    assert failed is not None
    assert sorted(failed.FailedSOPInstanceUIDList) == sorted(only(archive, STUDY))
    assert (received.associations, len(received.uids)) == (3, 3)
    assert echo_seconds(archive.port) < 5


@pytest.mark.parametrize(
    ("level", "keys", "status"),
    [
        ("IMAGE", {"StudyInstanceUID": STUDY, "SOPInstanceUID": f"{SERIES[0]}.1"}, 0xA900),
        ("SERIES", {"SeriesInstanceUID": SERIES[0]}, 0xA900),
        ("SERIES", {"StudyInstanceUID": [STUDY, OTHER], "SeriesInstanceUID": SERIES[0]}, 0xA900),
        ("STUDY", {}, 0xA900),
        ("STUDY", {"StudyInstanceUID": "1.2.*"}, 0xA900),
        ("PATIENT", {"PatientID": "P1"}, 0xA900),  # no level of Study Root
        ("FRAME", {"StudyInstanceUID": STUDY}, 0xA900),
    ],
)
def test_what_does_not_fit_the_model_is_refused(
    archive: Archive, destination: Any, level: str, keys: dict[str, Any], status: int
) -> None:
    destination(free_port())
    [(last, _)] = move(archive, identifier(level, **keys))
    assert last.Status == status


def test_relational_retrieval_needs_no_levels_above(archive: Archive, destination: Any) -> None:
    with receiver([(CT, BOTH)]) as (port, received):
        destination(port)
        query = identifier("IMAGE", SOPInstanceUID=[f"{SERIES[0]}.1", f"{OTHER}.1.1"])
        last, _ = move(archive, query, relational=True)[-1]
    assert (last.Status, counts(last)) == (0x0000, (2, 0, 0))
    assert set(received.uids) == {f"{SERIES[0]}.1", f"{OTHER}.1.1"}


def test_an_unknown_destination_is_refused(archive: Archive, destination: Any) -> None:
    [(last, _)] = move(archive, identifier("STUDY", StudyInstanceUID=STUDY), to="NOBODY")
    assert last.Status == 0xA801
    destination(free_port(), active=0)
    [(last, _)] = move(archive, identifier("STUDY", StudyInstanceUID=STUDY))
    assert last.Status == 0xA801


def test_a_node_without_the_right_gets_no_context(archive: Archive) -> None:
    contexts = [(1, MOVE, [IMPLICIT]), (3, StudyRootQueryRetrieveInformationModelGet, [IMPLICIT])]
    with Peer.associated(archive.port, contexts) as peer:  # STORESCU may not retrieve
        assert peer.results == {1: 1, 3: 1}


def test_rejected_images_are_not_there(archive: Archive, destination: Any) -> None:
    study = "1.2.3.500"
    archive.fill(*((image(n, f"{study}.1", study, "P5"), EXPLICIT) for n in (1, 2)))
    archive.scp.execute(
        "UPDATE archive_instance SET rejected_at = '2026-01-01' WHERE sop_instance_uid = ?", f"{study}.1.1"
    )
    with receiver([(CT, BOTH)]) as (port, received):
        destination(port)
        move(archive, identifier("STUDY", StudyInstanceUID=study))
    assert received.uids == [f"{study}.1.2"]


def test_who_got_which_study_is_in_the_audit_trail(archive: Archive, destination: Any) -> None:
    study = "1.2.3.600"
    archive.fill((image(1, f"{study}.1", study, "P6"), EXPLICIT))
    with receiver([(CT, BOTH)]) as (port, _):
        destination(port)
        move(archive, identifier("STUDY", StudyInstanceUID=study))
    rows = archive.scp.query(
        "SELECT actor_name, source, object, patient_id, success, detail FROM archive_auditevent "
        "WHERE action = 'sent' AND study_instance_uid = ?", study
    )  # fmt: skip
    assert rows == [
        ("PYMOVE", "127.0.0.1", "DEST", "P6", 1, '{"images": 1, "failed": 0, "operation": "C-MOVE"}')
    ]


def test_more_contexts_than_one_association_holds(archive: Archive, destination: Any) -> None:
    """Fifty classes, each with its own syntax and two native ones: 150 contexts."""
    classes = [f"1.2.840.10008.5.1.4.1.1.{number}" for number in (
        "1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "2", "2.1", "2.2", "3.1", "4", "4.1", "4.2",
        "4.3", "4.4", "6.1", "6.2", "7", "7.1", "7.2", "7.3", "7.4", "11.1", "11.2", "11.3", "11.4",
        "12.1", "12.1.1", "12.2", "12.2.1", "13.1.1", "13.1.2", "13.1.3", "20", "30", "66", "66.1",
        "66.2", "66.4", "77.1.1", "77.1.2", "77.1.4", "77.1.6", "88.11", "88.22", "88.33", "104.1", "128",
        "130")]  # fmt: skip
    study = "1.2.3.700"
    contexts = [(2 * n + 1, uid, [J2K]) for n, uid in enumerate(classes)]
    with Peer.associated(archive.port, contexts) as peer:
        for number, uid in enumerate(classes):
            ds = as_j2k(image(number + 1, f"{study}.1", study, "P7", SOPClassUID=uid))
            response = peer.store(
                encoded(ds), sop_class=uid, uid=ds.SOPInstanceUID, context_id=2 * number + 1
            )
            assert response[0x0900] == b"\0\0"
        peer.release()
    with receiver([(uid, [J2K]) for uid in classes]) as (port, received):
        destination(port)
        last, _ = move(archive, identifier("STUDY", StudyInstanceUID=study))[-1]
    assert (last.Status, counts(last)) == (0x0000, (50, 0, 0))
    assert len(set(received.uids)) == 50
    assert received.associations == 2


# ---- C-GET


def test_getscu_gets_a_study(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    dcmtk("getscu", "-S", "-aet", "GETSCU", "-aec", "LIGHTBOX", "-B", "-od", str(tmp_path / "in"),
          "-k", "0008,0052=SERIES", "-k", f"0020,000D={STUDY}", "-k", f"0020,000E={SERIES[0]}",
          "127.0.0.1", str(archive.port))  # fmt: skip
    assert files_in(tmp_path / "in") == only(archive, f"{SERIES[0]}.")


def get(
    archive: Archive,
    query: Dataset,
    *,
    model: str = StudyRootQueryRetrieveInformationModelGet,
    syntaxes: Any = ([EXPLICIT], [IMPLICIT], [J2K]),
    role: bool = True,
    answer: int = 0x0000,
) -> tuple[list[tuple[Dataset, Dataset | None]], dict[str, tuple[str, bytes]]]:
    """Every response of a C-GET, and what came by it."""
    received: dict[str, tuple[str, bytes]] = {}

    def on_store(event: Any) -> int:
        request = event.request
        data = request.DataSet.getvalue()
        received[str(request.AffectedSOPInstanceUID)] = (str(event.context.transfer_syntax), data)
        return answer

    ae = AE("PYMOVE")
    ae.add_requested_context(model, [EXPLICIT])
    ae.requested_contexts = [*ae.requested_contexts, *(pynetdicom_context(CT, one) for one in syntaxes)]
    association = ae.associate(
        "127.0.0.1",
        archive.port,
        ae_title="LIGHTBOX",
        ext_neg=[build_role(CT, scp_role=True)] if role else [],
        evt_handlers=[(evt.EVT_C_STORE, on_store)],
    )
    assert association.is_established
    try:
        return list(association.send_c_get(query, model)), received
    finally:
        association.release()


def pynetdicom_context(sop_class: str, syntaxes: list[str]) -> Any:
    from pynetdicom import build_context

    return build_context(sop_class, syntaxes)


def test_each_object_comes_in_its_own_syntax_where_that_was_proposed(archive: Archive) -> None:
    responses, received = get(archive, identifier("STUDY", StudyInstanceUID=STUDY))
    assert (responses[-1][0].Status, counts(responses[-1][0])) == (0x0000, (6, 0, 0))
    assert received == only(archive, STUDY)
    pending = [status for status, _ in responses[:-1]]
    assert [p.NumberOfRemainingSuboperations for p in pending] == [5, 4, 3, 2, 1]


def test_a_context_with_a_choice_is_answered_so_that_everything_can_go(archive: Archive) -> None:
    query = identifier("STUDY", StudyInstanceUID=STUDY)
    responses, received = get(archive, query, syntaxes=[[J2K, IMPLICIT, EXPLICIT]])
    assert (responses[-1][0].Status, counts(responses[-1][0])) == (0x0000, (6, 0, 0))
    assert {syntax for syntax, _ in received.values()} == {EXPLICIT}


@pytest.mark.parametrize(
    ("model", "level", "keys", "expected"),
    [
        (PatientRootQueryRetrieveInformationModelGet, "PATIENT", {"PatientID": "P2"}, 1),
        (CompositeInstanceRootRetrieveGet, "IMAGE",
         {"SOPInstanceUID": [f"{OTHER}.1.1", f"{SERIES[0]}.2"]}, 2),
    ],
)  # fmt: skip
def test_other_models_get(
    archive: Archive, model: str, level: str, keys: dict[str, Any], expected: int
) -> None:
    responses, received = get(archive, identifier(level, **keys), model=model)
    assert (responses[-1][0].Status, counts(responses[-1][0])) == (0x0000, (expected, 0, 0))
    assert len(received) == expected


def test_without_the_role_nothing_can_be_got(archive: Archive) -> None:
    responses, received = get(archive, identifier("STUDY", StudyInstanceUID=OTHER), role=False)
    last, failed = responses[-1]
    assert (last.Status, counts(last)) == (0xA702, (0, 1, 0))
    assert last.ErrorComment == "First failure: class-not-accepted"
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == f"{OTHER}.1.1"
    assert received == {}


def test_a_class_without_a_context_fails_alone(archive: Archive) -> None:
    study, mr = "1.2.3.800", "1.2.840.10008.5.1.4.1.1.4"
    with Peer.associated(archive.port, [(1, mr, [EXPLICIT])]) as peer:
        ds = image(2, f"{study}.1", study, "P8", SOPClassUID=mr)
        peer.store(encoded(ds), sop_class=mr, uid=ds.SOPInstanceUID)
        peer.release()
    archive.fill((image(1, f"{study}.1", study, "P8"), EXPLICIT))
    responses, received = get(archive, identifier("STUDY", StudyInstanceUID=study))
    last, failed = responses[-1]
    assert (last.Status, counts(last)) == (0xB000, (1, 1, 0))
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == f"{study}.1.2"
    assert list(received) == [f"{study}.1.1"]


def test_warnings_of_the_requester_count_as_warnings(archive: Archive) -> None:
    responses, _ = get(archive, identifier("STUDY", StudyInstanceUID=STUDY), answer=0xB007)
    assert (responses[-1][0].Status, counts(responses[-1][0])) == (0xB000, (0, 0, 6))


# ---- peers that change their mind

GET_CLASS = str(StudyRootQueryRetrieveInformationModelGet)


def asks(peer: Peer, sop_class: str, field: int, query: Dataset, **more: Any) -> None:
    peer.request(1, encoded(query, IMPLICIT), x0002=sop_class, x0100=field, x0110=5, x1000=None, **more)


def getter(archive: Archive) -> Peer:
    """A requester that may be sent CT images in explicit VR, context 3."""
    contexts = [(1, GET_CLASS, [IMPLICIT]), (3, CT, [EXPLICIT])]
    return Peer.associated(archive.port, contexts, calling=b"GETSCU", user=role_item(CT))


def number(command: dict[int, bytes], element: int) -> int:
    return int.from_bytes(command[element], "little")


def assert_usable(peer: Peer, archive: Archive) -> None:
    """The association still answers: a retrieval of nothing succeeds."""
    asks(peer, GET_CLASS, 0x0010, identifier("STUDY", StudyInstanceUID="1.2.3.999"))
    last, _ = peer.read_message()
    assert (last[0x0900], number(last, 0x1021)) == (b"\0\0", 0)
    peer.release()


def test_a_requester_that_aborts_in_the_middle_of_a_get(archive: Archive) -> None:
    with getter(archive) as peer:
        asks(peer, GET_CLASS, 0x0010, identifier("STUDY", StudyInstanceUID=STUDY))
        peer.read_message()
        peer.reset()
    rows = archive.scp.wait_query(
        "SELECT detail FROM archive_auditevent WHERE action = 'association' AND actor_name = 'GETSCU' "
        'AND detail LIKE \'%"end": "lost"%\''
    )
    assert rows
    assert echo_seconds(archive.port) < 5
    assert "Traceback" not in archive.scp.log


def test_a_requester_that_goes_ends_its_move(archive: Archive, destination: Any) -> None:
    def slow(event: Any) -> int:
        time.sleep(0.2)
        return 0x0000

    with receiver([(CT, BOTH)], slow) as (port, received):
        destination(port)
        with Peer.associated(archive.port, [(1, str(MOVE), [IMPLICIT])], calling=b"MOVESCU") as peer:
            asks(peer, str(MOVE), 0x0021, identifier("STUDY", StudyInstanceUID=STUDY), x0600="DEST")
            peer.read_message()
            peer.reset()
        rows = archive.scp.wait_query(
            "SELECT detail FROM archive_auditevent WHERE action = 'sent' AND actor_name = 'MOVESCU' "
            "AND object = 'DEST' AND id > (SELECT max(id) FROM archive_auditevent) - 3"
        )
    assert rows
    assert len(received.uids) < 6


def test_nonsense_in_answer_to_a_sub_operation_ends_the_association(archive: Archive) -> None:
    with getter(archive) as peer:
        asks(peer, GET_CLASS, 0x0010, identifier("STUDY", StudyInstanceUID=STUDY))
        request, _ = peer.read_message()
        request[0x0110] = b"\x63\0"  # a response to another message
        peer.respond(3, request, 0x0000)
        assert peer.end()[-10:-6] == b"\x07\0\0\0"  # A-ABORT
    assert echo_seconds(archive.port) < 5
