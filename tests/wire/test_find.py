"""C-FIND, by peers of three makes: DCMTK, pynetdicom, and one made by hand."""

from __future__ import annotations

import json
import sqlite3
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    PatientStudyOnlyQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)

from tests.objects import ct_slice, dataset_bytes
from tests.wire.peer import EXPLICIT, Peer, command, pdu, pdv, status_of
from tests.wire.server import Scp, folder_copy

STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"
MANY = 60_000


@pytest.fixture(scope="module")
def archive(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scp]:
    """A server that holds a Chinese patient with two studies, and a Western one."""
    scp = Scp(folder_copy(prepared, tmp_path_factory.mktemp("find") / "data"))
    scp.node("FINDSCU")
    scp.node("FUZZY", fuzzy_names=1)
    scp.node("NOBODY", allow_find=0)
    zhang = {"SpecificCharacterSet": "GB18030", "PatientName": "Zhang^XiaoDong=张^小东", "PatientID": "Z1"}
    chest = zhang | {"StudyInstanceUID": "1.2.3.1", "SeriesInstanceUID": "1.2.4.1"}
    knee = zhang | {"StudyInstanceUID": "1.2.3.2", "Modality": "MR", "StudyDescription": "膝关节"}
    knee |= {"StudyDate": "20260105", "StudyTime": "180000"}
    hanzi = {"SpecificCharacterSet": "GB18030", "PatientName": "=李^娜", "PatientID": "L1"}
    with Peer.associated(scp.port) as peer:
        for ds in (
            ct_slice(**chest, SOPInstanceUID="1.2.5.1"),
            ct_slice(**chest, SOPInstanceUID="1.2.5.2", InstanceNumber=2),
            ct_slice(**knee, SOPInstanceUID="1.2.5.3"),
            ct_slice(**hanzi, SOPInstanceUID="1.2.5.4"),
            ct_slice(PatientID="D1", SOPInstanceUID="1.2.5.5", AccessionNumber="X1"),
        ):
            assert status_of(peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)) == 0
    yield scp
    scp.stop()


def findscu(
    scp: Scp, folder: Path, *arguments: str | bytes, model: str = "-S", title: str = "FINDSCU"
) -> list[Dataset]:
    """What DCMTK's findscu wrote down. Its exit status says nothing."""
    folder.mkdir(exist_ok=True)
    called = ["findscu", "-v", "-X", "-od", str(folder), model, "-aet", title, "-aec", "LIGHTBOX"]
    run = subprocess.run(
        [*called, *arguments, "127.0.0.1", str(scp.port)], capture_output=True, check=False, timeout=60
    )
    output = (run.stdout + run.stderr).decode(errors="replace")
    answers = [dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]
    assert "Received Final Find Response (Success)" in output, output
    assert output.count("Received Find Response") == len(answers), output
    return answers


def keys(*pairs: str | bytes) -> list[str | bytes]:
    return [part for pair in pairs for part in ("-k", pair)]


def test_dcmtk_finds_patients(archive: Scp, tmp_path: Path) -> None:
    asked = keys(
        "QueryRetrieveLevel=PATIENT", "PatientName=zhang*", "PatientID", "NumberOfPatientRelatedStudies"
    )
    [answer] = findscu(archive, tmp_path, *asked, model="-P")
    assert (answer.PatientID, answer.NumberOfPatientRelatedStudies) == ("Z1", 2)
    assert str(answer.PatientName) == "Zhang^XiaoDong=张^小东"
    assert (answer.SpecificCharacterSet, answer.RetrieveAETitle) == ("ISO_IR 192", "LIGHTBOX")


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("GB18030", "gb18030"), ("GBK", "gbk"), ("ISO_IR 192", "utf-8"), ("GB2312", "gb2312")],
)
def test_dcmtk_finds_hanzi(archive: Scp, tmp_path: Path, charset: str, codec: str) -> None:
    name = b"PatientName=" + "张*".encode(codec)
    asked = keys(
        "QueryRetrieveLevel=STUDY",
        f"SpecificCharacterSet={charset}",
        name,
        "StudyInstanceUID",
        "StudyDescription",
    )
    answers = findscu(archive, tmp_path, *asked)
    assert {answer.StudyInstanceUID: answer.StudyDescription for answer in answers} == {
        "1.2.3.1": "Chest", "1.2.3.2": "膝关节",
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["-xe", "-xb", "-xi", "-xd"])
def test_dcmtk_s_encodings(archive: Scp, tmp_path: Path, encoding: str) -> None:
    asked = keys(
        "QueryRetrieveLevel=STUDY", "StudyDate=20260101-20260131", "StudyInstanceUID", "ModalitiesInStudy"
    )
    [answer] = findscu(archive, tmp_path, encoding, *asked)
    assert (answer.StudyInstanceUID, answer.ModalitiesInStudy) == ("1.2.3.2", "MR")


def test_dcmtk_goes_down_to_images(archive: Scp, tmp_path: Path) -> None:
    above = ("PatientID=Z1", "StudyInstanceUID=1.2.3.1")
    asked = keys("QueryRetrieveLevel=SERIES", *above, "SeriesInstanceUID", "NumberOfSeriesRelatedInstances")
    [series] = findscu(archive, tmp_path / "series", *asked, model="-P")
    assert (series.SeriesInstanceUID, series.NumberOfSeriesRelatedInstances) == ("1.2.4.1", 2)
    asked = keys("QueryRetrieveLevel=IMAGE", *above, "SeriesInstanceUID=1.2.4.1", "SOPInstanceUID", "Rows")
    images = findscu(archive, tmp_path / "images", *asked, model="-P")
    assert [(image.SOPInstanceUID, image.Rows) for image in images] == [("1.2.5.1", 16), ("1.2.5.2", 16)]


def test_nobody_without_the_right_may_ask(archive: Scp) -> None:
    with Peer.associated(archive.port, [(1, STUDY_ROOT, [EXPLICIT])], calling=b"NOBODY") as peer:
        assert peer.accepted == {}


# ---------------------------------------------------------------------- negotiation


def asked_of(
    scp: Scp, model: str, agreed: bytes | None, title: str = "PYNETDICOM", **attributes: str
) -> tuple[list[Dataset], Dataset, bytes | None]:
    """The answers, the last response, and what was accepted of the extended negotiation."""
    ae = AE(title)
    ae.add_requested_context(model)
    extended = []
    if agreed is not None:
        item = SOPClassExtendedNegotiation()
        item.sop_class_uid, item.service_class_application_information = model, agreed
        extended.append(item)
    association = ae.associate("127.0.0.1", scp.port, ae_title="LIGHTBOX", ext_neg=extended)
    assert association.is_established
    identifier = Dataset()
    for keyword, value in attributes.items():
        setattr(identifier, keyword, value)
    responses = list(association.send_c_find(identifier, model))
    accepted = association.acceptor.sop_class_extended.get(model)
    association.release()
    return [data for _, data in responses if data is not None], responses[-1][0], accepted


def test_relational_queries_when_agreed(archive: Scp) -> None:
    asked = {
        "QueryRetrieveLevel": "SERIES",
        "Modality": "MR",
        "PatientName": "zhang*",
        "StudyInstanceUID": "",
    }
    model = PatientRootQueryRetrieveInformationModelFind
    answers, last, accepted = asked_of(archive, model, b"\1\1\1", **asked)
    assert accepted == b"\1\1\1"
    assert (last.Status, [answer.StudyInstanceUID for answer in answers]) == (0, ["1.2.3.2"])
    answers, last, accepted = asked_of(archive, model, None, **asked)
    assert accepted is None
    assert (last.Status, answers) == (0xA900, [])
    assert last.ErrorComment == "PatientID is missing: queries here are hierarchical"


def test_what_is_not_offered_is_not_agreed_to(archive: Scp) -> None:
    model = StudyRootQueryRetrieveInformationModelFind
    answers, last, accepted = asked_of(
        archive, model, b"\0\1\0\1\1\1\1", QueryRetrieveLevel="STUDY", PatientID="D1"
    )
    assert accepted == b"\0\1\0\0\0\0\0"
    assert (last.Status, len(answers)) == (0, 1)


def test_date_and_time_together_when_agreed(archive: Scp) -> None:
    asked = {"QueryRetrieveLevel": "STUDY", "StudyDate": "20260104-20260106", "StudyTime": "2000-0800"}
    model = StudyRootQueryRetrieveInformationModelFind
    assert len(asked_of(archive, model, b"\0\1", **asked)[0]) == 1
    assert len(asked_of(archive, model, None, **asked)[0]) == 0


def test_pinyin_when_agreed_or_set_for_the_node(archive: Scp) -> None:
    asked = {"QueryRetrieveLevel": "STUDY", "PatientName": "li^na"}
    model = StudyRootQueryRetrieveInformationModelFind
    assert len(asked_of(archive, model, None, **asked)[0]) == 0
    assert len(asked_of(archive, model, b"\0\0\1", **asked)[0]) == 1
    assert len(asked_of(archive, model, None, title="FUZZY", **asked)[0]) == 1


def test_patient_study_only(archive: Scp) -> None:
    model = PatientStudyOnlyQueryRetrieveInformationModelFind
    answers, last, _ = asked_of(
        archive, model, None, QueryRetrieveLevel="STUDY", PatientID="Z1", StudyDate=""
    )
    assert (last.Status, len(answers)) == (0, 2)
    _, last, _ = asked_of(
        archive, model, None, QueryRetrieveLevel="SERIES", PatientID="Z1", StudyInstanceUID="1.2.3.1"
    )
    assert last.Status == 0xA900


# ---------------------------------------------------------------------- by hand


def find_rq(message_id: int = 1) -> bytes:
    return command(x0002=STUDY_ROOT, x0100=0x0020, x0110=message_id, x0800=1, x1000=None)


def cancel_rq(message_id: int) -> bytes:
    return command(
        x0002=None, x0100=0x0FFF, x0110=None, x0120=message_id, x0700=None, x0800=0x0101, x1000=None
    )


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


LEVEL = element(0x00080052, b"CS", b"STUDY ")
DATE = element(0x00080020, b"DA", b"")


def asker(port: int) -> Peer:
    return Peer.associated(port, [(1, STUDY_ROOT, [EXPLICIT])], calling=b"FINDSCU", max_length=65536)  # type: ignore[arg-type]


def ask(
    peer: Peer, identifier: bytes, message_id: int = 1
) -> tuple[list[tuple[int, bytes]], dict[int, bytes]]:
    """(status, data set) of each pending response, and the last one's command set."""
    peer.send(pdu(4, pdv(1, 3, find_rq(message_id))) + pdu(4, pdv(1, 2, identifier)))
    return answers_of(peer, message_id)


def answers_of(peer: Peer, message_id: int = 1) -> tuple[list[tuple[int, bytes]], dict[int, bytes]]:
    pending = []
    while True:
        values, data = peer.read_message()
        assert values[0x0100] == b"\x20\x80"
        assert values[0x0120] == struct.pack("<H", message_id)
        if not data:
            return pending, values
        pending.append((status_of(values), data))


def test_unsupported_optional_keys_are_answered_empty_and_said_so(archive: Scp) -> None:
    """FF01 instead of FF00 (PS3.4 Table C.4-1)."""
    accession = element(0x00080050, b"SH", b"X1")
    with asker(archive.port) as peer:
        [(status, _)], last = ask(peer, LEVEL + accession)
        assert (status, status_of(last)) == (0xFF00, 0)
        comments = element(0x00104000, b"LT", b"x ")
        [(status, data)], last = ask(peer, accession + LEVEL + comments, message_id=2)
        assert (status, status_of(last)) == (0xFF01, 0)
        assert element(0x00104000, b"LT", b"") in data
        peer.release()


@pytest.mark.parametrize(
    ("identifier", "status", "offending", "comment"),
    [
        (element(0x00080052, b"CS", b"PATIENT "), 0xA900, 0x00080052, b"Query/Retrieve Level"),
        (DATE, 0xA900, 0x00080052, b"Query/Retrieve Level is missing"),
        (element(0x00080052, b"CS", b"SERIES"), 0xA900, 0x0020000D, b"StudyInstanceUID is missing"),
        (element(0x00080020, b"DA", b"2026-x") + LEVEL, 0xC000, 0x00080020, b"StudyDate is neither a date"),
        (b"no data set at all", 0xC000, None, b"Identifier unreadable"),
        (b"", 0xC000, None, b"Identifier unreadable: empty"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(
    archive: Scp, identifier: bytes, status: int, offending: int | None, comment: bytes
) -> None:
    with asker(archive.port) as peer:
        pending, last = ask(peer, identifier)
        assert pending == []
        assert status_of(last) == status
        assert last[0x0902].startswith(comment)
        assert last[0x0902].isascii()
        found = last.get(0x0901)
        assert found == (struct.pack("<HH", offending >> 16, offending & 0xFFFF) if offending else None)
        assert status_of(ask(peer, LEVEL + DATE, message_id=2)[1]) == 0  # the association goes on
        peer.release()


def test_without_a_database_the_peer_hears_so_and_may_ask_again(archive: Scp) -> None:
    with asker(archive.port) as peer:
        archive.execute("ALTER TABLE archive_study RENAME TO away")
        try:
            pending, last = ask(peer, DATE + LEVEL)
        finally:
            archive.execute("ALTER TABLE away RENAME TO archive_study")
        assert (pending, status_of(last)) == ([], 0xA700)
        assert last[0x0902].rstrip() == b"The archive's database does not answer"
        pending, last = ask(peer, DATE + LEVEL, message_id=2)
        assert (len(pending), status_of(last)) == (4, 0)


@pytest.fixture(scope="module")
def crowded(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scp]:
    """A server with very many studies, of one image all together."""
    scp = Scp(folder_copy(prepared, tmp_path_factory.mktemp("crowded") / "data"))
    scp.node("FINDSCU")
    ds = ct_slice()
    with Peer.associated(scp.port) as peer:
        assert status_of(peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)) == 0
    with sqlite3.connect(scp.data_dir / "pacs.sqlite3", timeout=30) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(archive_study)") if row[1] != "id"]
        values = ["'1.9.' || n" if column == "study_instance_uid" else column for column in columns]
        database.execute(
            f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {MANY}) "
            f"INSERT INTO archive_study ({', '.join(columns)}) "
            f"SELECT {', '.join(values)} FROM archive_study, many"
        )
    yield scp
    scp.stop()


def test_a_cancel_ends_a_query_soon(crowded: Scp) -> None:
    with asker(crowded.port) as peer:
        peer.send(pdu(4, pdv(1, 3, find_rq(7))) + pdu(4, pdv(1, 2, DATE + LEVEL)))
        for _ in range(5):
            values, _data = peer.read_message()
            assert status_of(values) == 0xFF00
        peer.send(pdu(4, pdv(1, 3, cancel_rq(7))))
        pending, last = answers_of(peer, 7)
        assert status_of(last) == 0xFE00
        assert len(pending) < MANY
        pending, last = ask(peer, element(0x00080020, b"DA", b"19990101") + LEVEL, 8)
        assert (pending, status_of(last)) == ([], 0)
        peer.release()


def test_a_cancel_sent_with_the_query_counts(crowded: Scp) -> None:
    with asker(crowded.port) as peer:
        peer.send(
            pdu(4, pdv(1, 3, find_rq(3))) + pdu(4, pdv(1, 2, DATE + LEVEL)) + pdu(4, pdv(1, 3, cancel_rq(3)))
        )
        pending, last = answers_of(peer, 3)
        assert status_of(last) == 0xFE00
        assert len(pending) <= 1


def test_very_many_answers_come_one_by_one_and_take_no_memory(crowded: Scp) -> None:
    with asker(crowded.port) as peer:
        peer.send(pdu(4, pdv(1, 3, find_rq())) + pdu(4, pdv(1, 2, DATE + LEVEL)))
        peer.read_message()
        time.sleep(1.0)  # nobody reads: what is found waits in the socket, not in the server
        before = crowded.memory()
        pending, last = answers_of(peer)
        assert (len(pending), status_of(last)) == (MANY, 0)
        assert crowded.memory() - before < 30 << 20


def test_a_peer_that_goes_away_in_the_middle_leaves_the_server_as_it_was(crowded: Scp) -> None:
    for _ in range(3):
        peer = asker(crowded.port)
        peer.send(pdu(4, pdv(1, 3, find_rq())) + pdu(4, pdv(1, 2, DATE + LEVEL)))
        peer.read_message()
        peer.reset()
    with asker(crowded.port) as peer:
        pending, last = ask(peer, LEVEL + element(0x0020000D, b"UI", b"1.9.77"))
        assert (len(pending), status_of(last)) == (1, 0)
        peer.release()


def test_queries_are_counted_in_the_audit_trail(archive: Scp) -> None:
    archive.node("COUNTED")
    with Peer.associated(archive.port, [(1, STUDY_ROOT, [EXPLICIT])], calling=b"COUNTED") as peer:
        assert status_of(ask(peer, DATE + LEVEL)[1]) == 0
        assert status_of(ask(peer, DATE, message_id=2)[1]) == 0xA900
        peer.release()
    [(detail,)] = archive.wait_query("SELECT detail FROM archive_auditevent WHERE actor_name = 'COUNTED'")
    counts = json.loads(detail)
    assert (counts["queries"], counts["answers"], counts["failed"]) == (2, 4, 1)
