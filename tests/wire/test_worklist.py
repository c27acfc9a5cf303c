"""The modality worklist over DIMSE: DCMTK's findscu and pynetdicom ask, DCMTK's wlmscpfs says the same."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import ModalityWorklistInformationFind

from tests.conftest import corpus_root
from tests.plans import worklist_file, worklist_item
from tests.wire.server import ROOT, Scp, environment, folder_copy

STEPS: list[dict[str, Any]] = [
    {"name_ideographic": "曾^嘉怡", "patient_id": "P1", "start_time": "09:00", "step_id": "S1"},
    {
        "name_ideographic": "单^雄",
        "patient_id": "P2",
        "start_date": "2026-11-26",
        "start_time": "14:00",
        "modality": "DX",
        "station_ae_titles": "DX1\\DX2",
        "step_id": "S2",
        "accession_number": "LB1002",
    },
    {
        "name_ideographic": "",
        "name_alphabetic": "Müller^Jürgen",
        "patient_id": "P3",
        "start_date": "2026-11-27",
        "start_time": "19:00",
        "modality": "MR",
        "station_ae_titles": "",
        "step_id": "S3",
        "step_description": "Kopf",
        "requested_procedure_description": "Schädel",
        "accession_number": "LB1003",
    },
]
STEP = "ScheduledProcedureStepSequence[0]"


@pytest.fixture(scope="module")
def server(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scp]:
    """The steps above, and nodes that differ in what their devices can read."""
    data_dir = folder_copy(prepared, tmp_path_factory.mktemp("worklist") / "data")
    plan(data_dir, STEPS)
    scp = Scp(data_dir)
    scp.node("CT1", allow_worklist=1)
    scp.node("FUZZY", allow_worklist=1, fuzzy_names=1)
    scp.node("LATIN", allow_worklist=1, worklist_name_form="latin")
    scp.node("LATIN1", allow_worklist=1, worklist_charset="ISO_IR 100")
    scp.node("HANZI", allow_worklist=1, worklist_name_form="ideographic", worklist_charset="GB18030")
    scp.node("DX2", allow_worklist=1, worklist_own_only=1)
    yield scp
    scp.stop()


def plan(data_dir: Path, entries: list[dict[str, Any]]) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.wire.plan"],
        cwd=ROOT,
        env=environment(data_dir),
        input=json.dumps(entries).encode(),
        check=True,
    )


def findscu(
    port: int, folder: Path, *keys: str, calling: str = "CT1", called: str = "LIGHTBOX"
) -> list[Dataset]:
    """The answers DCMTK's findscu gets, in order."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    asked = [part for key in keys for part in ("-k", key)]
    run = subprocess.run(
        [
            "findscu",
            "-W",
            "-X",
            "-od",
            folder,
            "-aet",
            calling,
            "-aec",
            called,
            *asked,
            "127.0.0.1",
            str(port),
        ],
        capture_output=True,
        check=False,
        timeout=30,
        env=os.environ | {"TCP_NODELAY": "1"},
    )
    assert run.returncode == 0, run.stderr
    return [dcmread(path, force=True) for path in sorted(folder.iterdir())]


def ids(answers: list[Dataset]) -> list[str]:
    return [answer.PatientID for answer in answers]


PERSON = ("PatientName", "PatientID")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((), ["P1", "P2", "P3"]),
        ((f"{STEP}.Modality=DX",), ["P2"]),
        ((f"{STEP}.ScheduledStationAETitle=DX2",), ["P2", "P3"]),
        ((f"{STEP}.ScheduledStationAETitle=CT1",), ["P1", "P3"]),
        ((f"{STEP}.ScheduledProcedureStepStartDate=20261125",), ["P1"]),
        ((f"{STEP}.ScheduledProcedureStepStartDate=20261126-",), ["P2", "P3"]),
        ((f"{STEP}.ScheduledProcedureStepStartTime=0800-1500",), ["P1", "P2"]),
        # From the 25th at 10 to the 27th at 18: not P1, which is at 9, and not P3, which is at 19.
        (
            (
                f"{STEP}.ScheduledProcedureStepStartDate=20261125-20261127",
                f"{STEP}.ScheduledProcedureStepStartTime=1000-1800",
            ),
            ["P2"],
        ),
        # From the 25th at 15 to the 27th at 20: P2 is at 14 of the day between.
        (
            (
                f"{STEP}.ScheduledProcedureStepStartDate=20261125-20261127",
                f"{STEP}.ScheduledProcedureStepStartTime=1500-2000",
            ),
            ["P2", "P3"],
        ),
        ((f"{STEP}.Modality=MR", f"{STEP}.ScheduledProcedureStepStartDate=20261125"), []),
        (("PatientName=ZENG*",), ["P1"]),
        (("PatientName=shan^x*",), ["P2"]),
        (("PatientName=MULLER^JURGEN",), ["P3"]),
        (("PatientID=P2",), ["P2"]),
        (("PatientID=P?",), ["P1", "P2", "P3"]),
        (("AccessionNumber=LB1003",), ["P3"]),
        (("AccessionNumber=lb1003",), []),
        ((f"{STEP}.ScheduledProcedureStepID=S1",), ["P1"]),
        ((f"{STEP}.ScheduledProcedureStepStatus=STARTED",), []),
    ],
)
def test_keys_find_what_agrees(
    server: Scp, tmp_path: Path, keys: tuple[str, ...], expected: list[str]
) -> None:
    named = {key.split("=")[0] for key in keys}
    returned = [key for key in PERSON if key not in named]
    assert ids(findscu(server.port, tmp_path / "got", *returned, *keys)) == expected


def test_what_is_asked_for_is_answered_and_nothing_else(server: Scp, tmp_path: Path) -> None:
    keys = (*PERSON, "PatientWeight", "RequestedProcedureID", "ReferringPhysicianName", "PatientID=P1")
    [answer] = findscu(
        server.port, tmp_path / "got", *keys, f"{STEP}.ScheduledStationAETitle", f"{STEP}.PreMedication"
    )
    asked = {"PatientName", "PatientID", "PatientWeight", "RequestedProcedureID", "ReferringPhysicianName"}
    given = {element.keyword for element in answer}
    assert given == asked | {"ScheduledProcedureStepSequence", "SpecificCharacterSet"}
    [step] = answer.ScheduledProcedureStepSequence
    assert {element.keyword for element in step} == {"ScheduledStationAETitle", "PreMedication"}
    assert step.ScheduledStationAETitle == "CT1"
    assert step["PreMedication"].is_empty
    assert answer["PatientWeight"].is_empty


def test_an_empty_sequence_asks_for_the_whole_item(server: Scp, tmp_path: Path) -> None:
    [answer] = findscu(server.port, tmp_path / "got", "PatientID=P2", "ScheduledProcedureStepSequence")
    [step] = answer.ScheduledProcedureStepSequence
    assert (step.Modality, step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime) == (
        "DX",
        "20261126",
        "140000",
    )
    assert list(step.ScheduledStationAETitle) == ["DX1", "DX2"]
    assert step.ScheduledProcedureStepStatus == "SCHEDULED"


def test_a_step_for_any_station_names_the_one_that_asks(server: Scp, tmp_path: Path) -> None:
    [answer] = findscu(server.port, tmp_path / "got", "PatientID=P3", f"{STEP}.ScheduledStationAETitle")
    assert answer.ScheduledProcedureStepSequence[0].ScheduledStationAETitle == "CT1"


@pytest.mark.parametrize(
    ("calling", "patient", "charset", "name", "procedure"),
    [
        ("CT1", "P1", b"ISO_IR 192", "Zeng^Jiayi=曾^嘉怡", "胸部 CT"),
        ("CT1", "P3", b"ISO_IR 192", "Müller^Jürgen", "Schädel"),
        ("LATIN", "P1", None, "Zeng^Jiayi", "xiong bu CT"),
        ("LATIN", "P2", None, "Shan^Xiong", "xiong bu CT"),
        ("LATIN", "P3", None, "Muller^Jurgen", "Schadel"),
        ("LATIN1", "P1", None, "Zeng^Jiayi", "xiong bu CT"),
        ("LATIN1", "P3", b"ISO_IR 100", "Müller^Jürgen", "Schädel"),
        ("HANZI", "P1", b"GB18030", "曾^嘉怡", "胸部 CT"),
        ("HANZI", "P3", b"GB18030", "Müller^Jürgen", "Schädel"),
    ],
)
def test_each_device_reads_names_its_own_way(
    server: Scp,
    tmp_path: Path,
    calling: str,
    patient: str,
    charset: bytes | None,
    name: str,
    procedure: str,
) -> None:
    keys = ("PatientName", f"PatientID={patient}", "RequestedProcedureDescription")
    [answer] = findscu(server.port, tmp_path / "got", *keys, calling=calling)
    said = answer["SpecificCharacterSet"].value if "SpecificCharacterSet" in answer else None
    assert said == (charset.decode() if charset else None)
    assert str(answer.PatientName) == name
    assert answer.RequestedProcedureDescription == procedure


def test_a_latin_device_finds_the_name_it_was_shown(server: Scp, tmp_path: Path) -> None:
    found = findscu(server.port, tmp_path / "got", "PatientName=Muller*", "PatientID", calling="LATIN")
    assert ids(found) == ["P3"]


def test_a_station_may_be_shown_its_own_items_only(server: Scp, tmp_path: Path) -> None:
    assert ids(findscu(server.port, tmp_path / "got", "PatientID", calling="DX2")) == ["P2", "P3"]


def test_a_node_without_the_right_is_not_served(server: Scp) -> None:
    ae = AE("PYNETDICOM")
    ae.add_requested_context(ModalityWorklistInformationFind)
    association = ae.associate("127.0.0.1", server.port, ae_title="LIGHTBOX")
    assert not association.is_established or not association.accepted_contexts
    association.abort()


def asked(
    server: Scp, query: Dataset, *, calling: str = "CT1", fuzzy: bool | None = None
) -> list[tuple[Any, Any]]:
    """(status, identifier) of each response pynetdicom gets."""
    ae = AE(calling)
    ae.add_requested_context(
        ModalityWorklistInformationFind, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
    )
    extended = []
    if fuzzy is not None:
        item = SOPClassExtendedNegotiation()
        item.sop_class_uid = ModalityWorklistInformationFind
        item.service_class_application_information = bytes([1, 1, int(fuzzy)])
        extended = [item]
    association = ae.associate("127.0.0.1", server.port, ae_title="LIGHTBOX", ext_neg=extended)
    assert association.is_established
    if fuzzy is not None:
        [agreed] = association.acceptor.sop_class_extended.values()
        assert agreed == bytes([1, 1, int(fuzzy)])
    found = list(association.send_c_find(query, ModalityWorklistInformationFind))
    association.release()
    return found


def query(**keys: str) -> Dataset:
    ds, step = Dataset(), Dataset()
    ds.PatientID = ""
    for keyword, value in keys.items():
        setattr(ds, keyword, value)
    step.Modality = ""
    ds.ScheduledProcedureStepSequence = [step]
    return ds


def test_pinyin_and_initials_find_hanzi_only_when_it_was_agreed(server: Scp) -> None:
    initials = query(PatientName="ZJY")
    assert [status.Status for status, _ in asked(server, initials)] == [0x0000]
    assert [status.Status for status, _ in asked(server, initials, fuzzy=False)] == [0x0000]
    assert [status.Status for status, _ in asked(server, initials, fuzzy=True)] == [0xFF00, 0x0000]
    assert [status.Status for status, _ in asked(server, initials, calling="FUZZY")] == [0xFF00, 0x0000]


def test_a_key_that_is_not_supported_is_said_so_and_narrows_nothing(server: Scp) -> None:
    found = asked(server, query(PatientTelephoneNumbers="123", PatientID="P1"))
    assert [status.Status for status, _ in found] == [0xFF01, 0x0000]
    assert found[0][1].PatientTelephoneNumbers is None or found[0][1].PatientTelephoneNumbers == ""


def test_a_query_in_gb18030_is_answered_in_it(server: Scp) -> None:
    ds = query(SpecificCharacterSet="GB18030", PatientName="曾*")
    [(_, answer), _] = asked(server, ds)
    assert answer.SpecificCharacterSet == "GB18030"
    assert str(answer.PatientName) == "Zeng^Jiayi=曾^嘉怡"


def test_a_value_that_means_nothing_fails_and_names_the_element(server: Scp) -> None:
    ds = query()
    ds.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate = "tomorrow"
    [(status, _)] = asked(server, ds)
    assert status.Status == 0xC000
    assert status.OffendingElement == 0x00400002


def test_what_begins_and_ends_leaves_the_list(server: Scp, tmp_path: Path) -> None:
    try:
        server.execute("UPDATE dicomnet_scheduledstep SET state = 'in-progress' WHERE patient_id = 'P1'")
        server.execute("UPDATE dicomnet_scheduledstep SET state = 'no-show' WHERE patient_id = 'P2'")
        server.execute("UPDATE dicomnet_scheduledstep SET state = 'completed' WHERE patient_id = 'P3'")
        found = findscu(server.port, tmp_path / "got", "PatientID", f"{STEP}.ScheduledProcedureStepStatus")
        assert ids(found) == ["P1"]
        assert found[0].ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "STARTED"
    finally:
        server.execute("UPDATE dicomnet_scheduledstep SET state = 'scheduled'")


def test_cancel_stops_the_answers(prepared: Path, tmp_path: Path) -> None:
    data_dir = folder_copy(prepared, tmp_path / "data")
    plan(data_dir, [{"patient_id": f"P{number}", "step_id": f"S{number}"} for number in range(300)])
    scp = Scp(data_dir)
    try:
        scp.node("CT1", allow_worklist=1)
        ae = AE("CT1")
        ae.add_requested_context(ModalityWorklistInformationFind)
        association = ae.associate("127.0.0.1", scp.port, ae_title="LIGHTBOX")
        statuses = []
        for status, _identifier in association.send_c_find(query(), ModalityWorklistInformationFind):
            statuses.append(status.Status)
            if len(statuses) == 5:
                association.send_c_cancel(1, query_model=ModalityWorklistInformationFind)
                time.sleep(0.05)
        association.release()
        assert statuses[-1] in (0xFE00, 0x0000)
        assert statuses.count(0xFF00) <= 300
        assert statuses[-1] == 0xFE00 or len(statuses) == 301
    finally:
        scp.stop()


# ---- the same files in DCMTK's worklist server


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("wl")
    own = [
        worklist_item(
            SpecificCharacterSet="ISO_IR 100", PatientName="LI^NA", RequestedProcedureDescription="HEAD"
        ),
        worklist_item(
            SpecificCharacterSet="ISO_IR 100",
            PatientName="BACH^JOHANN",
            PatientID="JSB",
            StudyInstanceUID="1.2.826.78",
            RequestedProcedureDescription="HAND",
            step_Modality="CR",
            step_ScheduledStationAETitle="AA32",
            step_ScheduledProcedureStepStartDate="19950701",
        ),
    ]
    paths = [folder / f"own{number}.wl" for number in range(len(own))]
    for path, ds in zip(paths, own, strict=True):
        path.write_bytes(worklist_file(ds))
    root = corpus_root()
    for path in sorted((root / "dicom" / "worklist").iterdir()) if root else ():
        paths.append(folder / f"{path.stem.removesuffix('.wl')}.wl")
        shutil.copy(path, paths[-1])
    return paths


@pytest.fixture(scope="module")
def reference(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a wlmscpfs that serves the files."""
    folder = tmp_path_factory.mktemp("wlmscpfs")
    (folder / "LIGHTBOX").mkdir()
    (folder / "LIGHTBOX" / "lockfile").touch()
    for path in files:
        shutil.copy(path, folder / "LIGHTBOX" / path.name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(["wlmscpfs", "-dfr", "-dfp", folder, str(port)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def ours(prepared: Path, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    data_dir = folder_copy(prepared, tmp_path_factory.mktemp("ours") / "data")
    plan(data_dir, [{"file": str(path)} for path in files])
    scp = Scp(data_dir)
    scp.node("CT1", allow_worklist=1)
    yield scp.port
    scp.stop()


RETURNED = (
    "AccessionNumber",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "MedicalAlerts",
    "Allergies",
    "StudyInstanceUID",
    "RequestingPhysician",
    "RequestedProcedureDescription",
    "RequestedProcedureID",
    "RequestedProcedurePriority",
)
RETURNED_STEP = (
    "Modality",
    "RequestedContrastAgent",
    "ScheduledStationAETitle",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "ScheduledPerformingPhysicianName",
    "ScheduledProcedureStepDescription",
    "ScheduledProcedureStepID",
    "ScheduledStationName",
    "ScheduledProcedureStepLocation",
    "PreMedication",
)


@pytest.mark.parametrize(
    "keys",
    [
        (),
        (f"{STEP}.Modality=CR",),
        (f"{STEP}.ScheduledStationAETitle=AA32",),
        (f"{STEP}.ScheduledProcedureStepStartDate=19950101-19951231",),
        (f"{STEP}.ScheduledProcedureStepStartDate=19951015",),
        (f"{STEP}.ScheduledPerformingPhysicianName=JOHNSON",),
        ("PatientName=VIVALDI*",),
        ("PatientName=*^FRANZ*",),
        ("PatientID=HF",),
        ("PatientID=NOBODY",),
    ],
)
def test_dcmtks_worklist_server_says_the_same(
    ours: int, reference: int, tmp_path: Path, keys: tuple[str, ...]
) -> None:
    named = {key.split("=")[0] for key in keys}
    wanted = [key for key in (*RETURNED, *(f"{STEP}.{key}" for key in RETURNED_STEP)) if key not in named]
    said = [comparable(findscu(port, tmp_path / str(port), *wanted, *keys)) for port in (ours, reference)]
    assert said[0] == said[1]
    assert said[0] or "NOBODY" in keys[0]


def comparable(answers: list[Dataset]) -> list[str]:
    """Answers in an order of their own; whose character set has no use is not compared."""
    for answer in answers:
        for element in ("SpecificCharacterSet",):
            if element in answer:
                delattr(answer, element)
    return sorted(json.dumps(answer.to_json_dict(), sort_keys=True) for answer in answers)
