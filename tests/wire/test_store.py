"""C-STORE: what was sent is kept, byte for byte, and the status tells what became of it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.objects import ct_slice, dataset_bytes, part10
from tests.wire.peer import CT, EXPLICIT, IMPLICIT, Peer, command, pdu, pdv, status_of
from tests.wire.server import Scp, dataset_of

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
PRIVATE = "1.3.12.2.1107.5.9.1"
SYNTAXES = [  # every family, also those nobody can decode here
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.107",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.5",
    "1.2.840.113619.5.2",
    "1.2.276.0.99.1",
]


def one(scp: Scp, sql: str, *parameters: object) -> object:
    [(value,)] = scp.query(sql, *parameters)
    return value


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_syntax_is_kept_as_sent(shared_scp: Scp, syntax: str) -> None:
    """Where the test cannot make such pixels there are others: nobody looks beyond the header."""
    ds = ct_slice()
    implicit, big = syntax in (IMPLICIT, "1.2.840.113619.5.2"), syntax == "1.2.840.10008.1.2.2"
    data = dataset_bytes(ds, implicit=implicit, big_endian=big)
    if syntax == "1.2.840.10008.1.2.1.99":
        data = (FILES / "image_dfl.dcm").read_bytes()[0x13A:]
    with Peer.associated(shared_scp.port, [(1, CT, [syntax])]) as peer:
        assert peer.accepted == {1: syntax}
        assert status_of(peer.store(data, uid=ds.SOPInstanceUID)) in (0x0000, 0xC000)
        peer.release()
    assert hashlib.sha256(data).hexdigest() in shared_scp.stored_digests()


def test_success_means_a_file_and_a_row(shared_scp: Scp) -> None:
    ds = ct_slice()
    with Peer.associated(shared_scp.port) as peer:
        response = peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)
    assert status_of(response) == 0x0000
    assert 0x0902 not in response
    assert response[0x1000].rstrip(b"\0").decode() == ds.SOPInstanceUID
    stored = shared_scp.stored_path(ds.SOPInstanceUID).read_bytes()
    assert dataset_of(stored) == dataset_bytes(ds)
    meta = pydicom.dcmread(shared_scp.stored_path(ds.SOPInstanceUID)).file_meta
    assert meta.MediaStorageSOPClassUID == CT
    assert meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert meta.TransferSyntaxUID == EXPLICIT
    assert meta.SourceApplicationEntityTitle == "STORESCU"
    assert one(
        shared_scp, "SELECT source FROM archive_instance WHERE sop_instance_uid = ?", ds.SOPInstanceUID
    )


def test_the_same_again_is_success_and_kept_once(shared_scp: Scp) -> None:
    ds = ct_slice()
    data = dataset_bytes(ds)
    with Peer.associated(shared_scp.port) as peer:
        assert [status_of(peer.store(data, uid=ds.SOPInstanceUID)) for _ in range(3)] == [0, 0, 0]
    digest = hashlib.sha256(data).hexdigest()
    assert one(shared_scp, "SELECT count(*) FROM archive_instance WHERE dataset_digest = ?", digest) == 1
    assert (
        one(shared_scp, "SELECT count(*) FROM archive_instancevariant WHERE dataset_digest = ?", digest) == 0
    )


def test_other_bytes_under_the_same_uid_are_kept_as_well(shared_scp: Scp) -> None:
    ds = ct_slice()
    other = dataset_bytes(ct_slice(SOPInstanceUID=ds.SOPInstanceUID, PatientName="Doe^John"))
    with Peer.associated(shared_scp.port) as peer:
        assert status_of(peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)) == 0x0000
        assert status_of(peer.store(other, uid=ds.SOPInstanceUID)) == 0x0000
    assert hashlib.sha256(other).hexdigest() in shared_scp.stored_digests()


def test_what_cannot_be_understood_is_quarantined_and_said_so(shared_scp: Scp) -> None:
    junk, uid = b"this is no data set" * 5, generate_uid()
    with Peer.associated(shared_scp.port) as peer:
        response = peer.store(junk, uid=uid)
        assert status_of(response) == 0xC000
        assert response[0x0902].startswith(b"Kept in quarantine: ")
        assert status_of(peer.store(dataset_bytes(ct_slice()), uid=generate_uid())) == 0x0000
    assert (
        one(shared_scp, "SELECT state FROM archive_quarantinedobject WHERE sop_instance_uid = ?", uid)
        == "held"
    )
    assert hashlib.sha256(junk).hexdigest() in shared_scp.stored_digests()


@pytest.mark.parametrize(
    ("changes", "status", "comment"),
    [
        ({"x1000": None}, 0x0106, b"The command has no Affected SOP Instance UID"),
        ({"x1000": ""}, 0x0106, b"The command has no Affected SOP Instance UID"),
        ({"x1000": "1." * 40}, 0x0106, b"The command has no valid Affected SOP Instance UID"),
        ({"x1000": "1.2\n3"}, 0x0106, b"The command has no valid Affected SOP Instance UID"),
        ({"x0002": "1.2.840.10008.1.1"}, 0x0122, b"Not a storage SOP class this peer may send"),
        ({"x0002": PRIVATE}, 0x0122, b"Not a storage SOP class this peer may send"),
    ],
)
def test_a_command_that_cannot_stand(
    shared_scp: Scp, changes: dict[str, str | None], status: int, comment: bytes
) -> None:
    """The data set is read to its end, nothing is kept, and the association goes on."""
    data = dataset_bytes(ct_slice())
    with Peer.associated(shared_scp.port) as peer:
        peer.send(pdu(4, pdv(1, 3, command(**changes))))
        peer.send_data(data, size=50)
        response = peer.read_response()
        assert status_of(response) == status
        assert response[0x0902].rstrip() == comment
        assert (response.get(0x0901) == b"\0\0\0\x10") == (status == 0x0106)
        ds = ct_slice()
        assert status_of(peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)) == 0x0000
    assert hashlib.sha256(data).hexdigest() not in shared_scp.stored_digests()


def test_no_data_set_at_all(shared_scp: Scp) -> None:
    with Peer.associated(shared_scp.port) as peer:
        peer.send(pdu(4, pdv(1, 3, command(x0800=0x0101))))
        response = peer.read_response()
        assert status_of(response) == 0xC000
        assert response[0x0902].rstrip() == b"A C-STORE without a data set"


def test_an_empty_data_set(shared_scp: Scp) -> None:
    with Peer.associated(shared_scp.port) as peer:
        assert status_of(peer.store(b"", uid=generate_uid())) == 0xC000


def test_the_class_missing_in_the_command_is_the_context_s(shared_scp: Scp) -> None:
    ds = ct_slice()
    with Peer.associated(shared_scp.port) as peer:
        peer.send(pdu(4, pdv(1, 3, command(x0002=None, x1000=ds.SOPInstanceUID))))
        peer.send_data(dataset_bytes(ds))
        assert peer.read_status() == 0x0000


def test_private_classes_when_the_node_may(shared_scp: Scp) -> None:
    shared_scp.node("SIEMENS", accept_private_classes=1)
    contexts = [(1, PRIVATE, [EXPLICIT])]
    with Peer.associated(shared_scp.port, contexts) as peer:
        assert peer.results == {1: 3}
    ds = ct_slice(SOPClassUID=PRIVATE)
    with Peer.associated(shared_scp.port, contexts, calling=b"SIEMENS") as peer:
        assert status_of(peer.store(dataset_bytes(ds), sop_class=PRIVATE, uid=ds.SOPInstanceUID)) == 0x0000
    assert dataset_of(shared_scp.stored_path(ds.SOPInstanceUID).read_bytes()) == dataset_bytes(ds)


def test_a_store_that_cannot_be_written_is_out_of_resources(scp: Scp) -> None:
    """A700 while the disk refuses, success when it no longer does; nothing is left of the first."""
    ds = ct_slice()
    store = scp.data_dir / "store"
    with Peer.associated(scp.port) as peer:
        assert status_of(peer.store(dataset_bytes(ct_slice()), uid=generate_uid())) == 0x0000
        shutil.move(store / "staging", store / "staging.away")
        (store / "staging").write_text("a file where a folder should be")
        response = peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)
        assert status_of(response) == 0xA700
        assert response[0x0902].rstrip() == b"The archive has no room for it now"
        (store / "staging").unlink()
        shutil.move(store / "staging.away", store / "staging")
        assert status_of(peer.store(dataset_bytes(ds), uid=ds.SOPInstanceUID)) == 0x0000


def test_who_sent_which_study_is_audited(shared_scp: Scp) -> None:
    """One row for each study of an association, with the patient and how many images came."""
    shared_scp.node("SENDER")
    studies = {generate_uid(): 3, generate_uid(): 2}
    with Peer.associated(shared_scp.port, calling=b"SENDER") as peer:
        for study, images in studies.items():
            for _ in range(images):
                ds = ct_slice(StudyInstanceUID=study, PatientID="P7")
                data = dataset_bytes(ds)
                assert status_of(peer.store(data, uid=ds.SOPInstanceUID)) == 0x0000
        assert status_of(peer.store(data, uid=ds.SOPInstanceUID)) == 0x0000  # again: nothing new
        peer.release()
    shared_scp.wait_query("SELECT 1 FROM archive_auditevent WHERE actor_name = 'SENDER'")
    rows = shared_scp.query(
        "SELECT study_instance_uid, json_extract(detail, '$.images'), patient_id, source"
        " FROM archive_auditevent WHERE actor_name = 'SENDER' AND action = 'received'"
    )
    assert sorted(rows) == sorted((study, images, "P7", "127.0.0.1") for study, images in studies.items())


# ---- other people's senders

STORESCU = {  # option of DCMTK's storescu -> a file of that syntax in the pydicom package
    "-xi": "rtplan.dcm",
    "-xe": "CT_small.dcm",
    "-xb": "MR_small_bigendian.dcm",
    "-xd": "image_dfl.dcm",
    "-xs": "SC_rgb_jpeg_gdcm.dcm",
    "-xy": "SC_rgb_jpeg_dcmtk.dcm",
    "-xx": "JPGExtended.dcm",
    "-xt": "MR_small_jpeg_ls_lossless.dcm",
    "-xu": "JPEGLSNearLossless_16.dcm",
    "-xv": "MR_small_jp2klossless.dcm",
    "-xw": "JPEG2000.dcm",
    "-xr": "MR_small_RLE.dcm",
}


@pytest.mark.parametrize("option", STORESCU)
def test_dcmtk_s_storescu(shared_scp: Scp, option: str) -> None:
    path = FILES / STORESCU[option]
    address = ["-aec", "LIGHTBOX", "127.0.0.1", str(shared_scp.port)]
    run = subprocess.run(
        ["storescu", "-v", "-R", option, *address, str(path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "Received Store Response (Success)" in run.stdout + run.stderr
    sent = pydicom.dcmread(path)
    kept = shared_scp.stored_paths(sent.SOPInstanceUID, sent.file_meta.TransferSyntaxUID)
    assert [pydicom.dcmread(path).get("PixelData") for path in kept] == [sent.get("PixelData")]


def test_dcmtk_s_dcmsend(shared_scp: Scp, tmp_path: Path) -> None:
    """Many objects, many syntaxes, on associations as dcmsend likes them."""
    sent = {}
    for number in range(40):
        ds = ct_slice(InstanceNumber=number)
        (tmp_path / f"{number}.dcm").write_bytes(part10(ds))
        sent[ds.SOPInstanceUID] = dataset_bytes(ds)
    run = subprocess.run(
        [
            "dcmsend",
            "-v",
            "-aet",
            "DCMSEND",
            "-aec",
            "LIGHTBOX",
            "127.0.0.1",
            str(shared_scp.port),
            "+sd",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for uid, data in sent.items():
        assert dataset_of(shared_scp.stored_path(uid).read_bytes()) == data
