"""Orthanc as a full peer: what it stores, finds, moves, plans and commits with us, and we with it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless
from pynetdicom import AE
from pynetdicom.sop_class import ModalityWorklistInformationFind

from dicomnet.contexts import Answered
from dicomnet.dimse.command import Command, response_encoded
from dicomnet.scu.client import Peer as Called
from dicomnet.scu.query import Criteria, studies_find
from dicomnet.scu.retrieve import study_get, study_move
from dicomnet.status import Status
from tests.objects import ct_slice, encoded, part10
from tests.plans import worklist_file, worklist_item
from tests.wire.orthanc import ORTHANC, WORKLISTS, Orthanc
from tests.wire.peer import CT, EXPLICIT, Peer, status_of
from tests.wire.server import Scp, dataset_of, folder_copy
from tests.wire.test_commitment import RESULTS, Jobs, asked_by_us, wait
from tests.wire.test_retrieve import as_j2k
from tests.wire.test_worklist import plan

OURS, THEIRS = "1.2.3.700", "1.2.3.800"


@dataclass
class Site:
    """Our server and Orthanc, each a node of the other's. OURS and THEIRS are where their names say."""

    scp: Scp
    orthanc: Orthanc

    @property
    def called(self) -> Called:
        return Called("ORTHANC", "127.0.0.1", self.orthanc.port)


def image(study: str, number: int) -> Dataset:
    return ct_slice(
        StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", SOPInstanceUID=f"{study}.1.{number}",
        InstanceNumber=number, PixelRepresentation=0, PatientName="Wang^Ming", PatientID=study[-3:],
        AccessionNumber=f"ACC{study[-3:]}",
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if ORTHANC is None or not WORKLISTS.exists():
        lacking = "Orthanc is not installed (on Debian: apt install orthanc)"
        (pytest.fail if os.environ.get("PACS_TEST_STRICT") == "1" else pytest.skip)(lacking)
    folder = tmp_path_factory.mktemp("orthanc")
    (folder / "worklists").mkdir()
    (folder / "worklists" / "lockfile").touch()
    planned = worklist_file(item())
    (folder / "worklists" / "one.wl").write_bytes(planned)
    scp = Scp(folder_copy(prepared, folder / "data"))
    orthanc = Orthanc(
        folder / "peer",
        DicomModalities={"LIGHTBOX": ["LIGHTBOX", "127.0.0.1", scp.port]},
        DicomAlwaysAllowGet=True,
        DicomAlwaysAllowMove=True,
        DicomAlwaysAllowFindWorklist=True,
        Plugins=[str(WORKLISTS)],
        Worklists={"Enable": True, "Database": str(folder / "worklists")},
    )
    try:
        rights = dict.fromkeys(("allow_move", "allow_get", "allow_worklist", "allow_commit"), 1)
        scp.node("ORTHANC", port=orthanc.port, **rights)
        plan(scp.data_dir, [{"file": str(folder / "worklists" / "one.wl")}])
        with Peer.associated(scp.port, [(1, CT, [EXPLICIT]), (3, CT, [JPEG2000Lossless])]) as peer:
            for number in (1, 2, 3):
                ds = image(OURS, number)
                if number == 3:
                    as_j2k(ds)
                data, context = encoded(ds), 3 if number == 3 else 1
                assert status_of(peer.store(data, uid=ds.SOPInstanceUID, context_id=context)) == 0x0000
            peer.release()
        for number in (1, 2):
            orthanc.rest("/instances", part10(image(THEIRS, number)))
        yield Site(scp, orthanc)
    finally:
        orthanc.stop()
        scp.stop()


def item() -> Dataset:
    return worklist_item(
        SpecificCharacterSet="ISO_IR 100", PatientName="Li^Na", PatientID="W1", AccessionNumber="WACC1",
        RequestedProcedureDescription="Head", step_ScheduledStationAETitle="ORTHANC",
    )  # fmt: skip


def theirs(site: Site, uid: str) -> str:
    """Orthanc's own name for a study or an instance."""
    [found] = site.orthanc.rest("/tools/lookup", uid.encode())
    return str(found["ID"])


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def kept_by_us(site: Site, study: str) -> list[str]:
    rows = site.scp.query(
        "SELECT sop_instance_uid FROM archive_instance WHERE sop_instance_uid LIKE ? || '.%' ORDER BY 1",
        study,
    )
    return [uid for (uid,) in rows]


# ---- Orthanc asks


def test_orthanc_finds_our_study(site: Site) -> None:
    query = {"Level": "Study", "Query": {"PatientName": "wang*", "ModalitiesInStudy": "CT"}}
    asked = site.orthanc.rest("/modalities/LIGHTBOX/query", query)
    found = site.orthanc.rest(f"/queries/{asked['ID']}/answers?expand&simplify")
    assert [one["StudyInstanceUID"] for one in found] == [OURS]
    assert (found[0]["PatientID"], found[0]["AccessionNumber"]) == ("700", "ACC700")


def test_orthanc_has_our_study_moved_to_it(site: Site) -> None:
    """Over the association that we open, each image in the syntax it is kept in, byte for byte."""
    asked = site.orthanc.rest(
        "/modalities/LIGHTBOX/query", {"Level": "Study", "Query": {"StudyInstanceUID": OURS}}
    )
    site.orthanc.rest(f"/queries/{asked['ID']}/retrieve", {"TargetAet": "ORTHANC", "Synchronous": True})
    for number in (1, 2, 3):
        uid = f"{OURS}.1.{number}"
        [found] = until(lambda uid=uid: site.orthanc.rest("/tools/lookup", uid.encode()))
        file = site.orthanc.rest(f"/instances/{found['ID']}/file")
        assert _without_group_2(file) == dataset_of(site.scp.stored_path(uid).read_bytes())


def _without_group_2(file: bytes) -> bytes:
    return file[144 + int.from_bytes(file[140:144], "little") :]


def test_orthanc_stores_its_study_here(site: Site) -> None:
    done = site.orthanc.rest(
        "/modalities/LIGHTBOX/store", {"Resources": [theirs(site, THEIRS)], "Synchronous": True}
    )
    assert (done["InstancesCount"], done["FailedInstancesCount"]) == (2, 0)
    assert kept_by_us(site, THEIRS) == [f"{THEIRS}.1.1", f"{THEIRS}.1.2"]


def test_orthanc_finds_our_worklist(site: Site) -> None:
    step = {"Modality": "MR", "ScheduledProcedureStepStartDate": "20261125", "ScheduledStationAETitle": ""}
    asked = {
        "PatientName": "",
        "PatientID": "",
        "AccessionNumber": "",
        "ScheduledProcedureStepSequence": [step],
    }
    [found] = site.orthanc.rest("/modalities/LIGHTBOX/find-worklist", {"Query": asked, "Full": False})
    assert (found["PatientID"], found["AccessionNumber"], found["PatientName"]) == ("W1", "WACC1", "Li^Na")
    [told] = found["ScheduledProcedureStepSequence"]
    assert told["ScheduledStationAETitle"] == "ORTHANC"


@pytest.fixture
def jobs(site: Site) -> Iterator[None]:
    lane = Jobs(site.scp.data_dir)
    yield
    lane.end()


def test_commitments_both_ways(site: Site, jobs: None) -> None:
    """Orthanc asks us about an image we have and one we have not, and we ask Orthanc the same."""
    names = [[CT, f"{OURS}.1.1"], [CT, "1.2.3.999"]]
    asked = site.orthanc.rest(
        "/modalities/LIGHTBOX/storage-commitment", {"DicomInstances": names, "Synchronous": True}
    )

    def report() -> Any:
        found = site.orthanc.rest(f"/storage-commitment/{asked['ID']}")
        return found if found["Status"] != "Pending" else None

    found = until(report)
    assert found["Status"] == "Failure"
    assert [one["SOPInstanceUID"] for one in found["Success"]] == [f"{OURS}.1.1"]
    assert [one["SOPInstanceUID"] for one in found["Failures"]] == ["1.2.3.999"]
    assert found["Failures"][0]["FailureReason"] == 0x0112

    uid = asked_by_us(site.scp, "ORTHANC", f"{THEIRS}.1.1", "1.2.3.999")
    assert wait(site.scp, RESULTS, uid) == [(f"{THEIRS}.1.1", 0), ("1.2.3.999", 0x0112)]


# ---- we ask


def test_we_find_its_study(site: Site) -> None:
    found = studies_find(peer=site.called, criteria=Criteria(patient_id="800"), calling="LIGHTBOX")
    [study] = found.studies
    assert (study.study_instance_uid, study.patient_name, study.accession) == (THEIRS, "Wang^Ming", "ACC800")
    assert (study.images, study.modalities) == (2, ("CT",))


def test_we_have_its_study_moved_here(site: Site) -> None:
    extra = "1.2.3.801"
    site.orthanc.rest("/instances", part10(image(extra, 1)))
    progress = list(
        study_move(peer=site.called, study_instance_uid=extra, calling="LIGHTBOX", stopping=lambda: False)
    )
    assert (progress[-1].status, progress[-1].completed) == (0x0000, 1)
    assert kept_by_us(site, extra) == [f"{extra}.1.1"]


def test_we_get_its_study(site: Site) -> None:
    extra, came = "1.2.3.802", {}
    sent = image(extra, 1)
    site.orthanc.rest("/instances", part10(sent))

    class Arriving:
        def __init__(self, command: Command) -> None:
            self.command, self.data = command, bytearray()

        def write(self, fragment: memoryview) -> None:
            self.data += fragment

        def finish(self) -> bytes:
            came[self.command.sop_instance_uid] = bytes(self.data)
            return response_encoded(self.command, Status.SUCCESS)

        def abandon(self) -> None:
            pass

    def store(command: Command, context: Answered) -> Arriving:
        return Arriving(command)

    progress = list(
        study_get(
            peer=site.called, study_instance_uid=extra, sop_classes=[CT], calling="LIGHTBOX", store=store,
            stopping=lambda: False,
        )
    )  # fmt: skip
    assert progress[-1].status == 0x0000
    assert came == {f"{extra}.1.1": encoded(sent)}


def test_its_worklist_and_ours_say_the_same(site: Site) -> None:
    """One item, kept by both: a modality cannot tell who answers."""
    said = [worklist_of(site.orthanc.port, "ORTHANC"), worklist_of(site.scp.port, "LIGHTBOX")]
    assert said[0] == said[1]
    assert [json.loads(one)["PatientID"] for one in said[0]] == ["W1"]


def worklist_of(port: int, title: str) -> list[str]:
    ae = AE("ORTHANC")
    ae.add_requested_context(ModalityWorklistInformationFind, EXPLICIT)
    query, step = Dataset(), Dataset()
    query.PatientID, query.PatientName, query.AccessionNumber = "", "Li*", ""
    query.StudyInstanceUID = query.RequestedProcedureID = ""
    step.Modality, step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepID = "MR", "20261125", ""
    query.ScheduledProcedureStepSequence = [step]
    opened = ae.associate("127.0.0.1", port, ae_title=title)
    assert opened.is_established
    answers = [ds for status, ds in opened.send_c_find(query, ModalityWorklistInformationFind) if ds]
    opened.release()
    return [json.dumps(_values(ds), sort_keys=True) for ds in answers]


def _values(ds: Dataset) -> dict[str, Any]:
    """What was asked for; a server may say more."""
    names = ("PatientID", "PatientName", "AccessionNumber", "StudyInstanceUID", "RequestedProcedureID")
    step = ds.ScheduledProcedureStepSequence[0]
    steps = ("Modality", "ScheduledProcedureStepStartDate", "ScheduledProcedureStepID")
    return {name: str(ds.get(name, "")) for name in names} | {name: str(step.get(name, "")) for name in steps}


def test_movescu_has_our_study_sent_to_orthanc(site: Site) -> None:
    """Asked by a third party: DCMTK's movescu."""
    site.scp.node("MOVESCU", allow_move=1)
    before = site.orthanc.images()
    ds = image("1.2.3.803", 1)
    with Peer.associated(site.scp.port) as peer:
        assert status_of(peer.store(encoded(ds), uid=ds.SOPInstanceUID)) == 0x0000
        peer.release()
    keys = ["-k", "0008,0052=STUDY", "-k", "0020,000D=1.2.3.803"]
    call = ["movescu", "-S", "-aet", "MOVESCU", "-aec", "LIGHTBOX", "-aem", "ORTHANC", *keys]
    subprocess.run([*call, "127.0.0.1", str(site.scp.port)], check=True, capture_output=True, timeout=60)
    assert site.orthanc.images() == before + 1
