"""``importdicom``: folders, ZIP files, media; every refusal has a line and a reason; may be run again."""

from __future__ import annotations

import io
import os
import resource
import time
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pydicom.uid import MediaStorageDirectoryStorage, generate_uid

from archive import importing
from archive.models import Instance, QuarantinedObject, Study
from archive.storage import store
from tests.archive.arrivals import files_of_store
from tests.objects import ct_slice, part10

pytestmark = pytest.mark.django_db


def run(*paths: Path | str) -> tuple[int, str]:
    """Exit status and what was written."""
    out = io.StringIO()
    try:
        call_command("importdicom", *map(str, paths), stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "from"
    (root / "deep" / "er").mkdir(parents=True)
    return root


def test_folder_is_walked_and_a_second_run_finds_everything_there(folder: Path, data_dir: Path) -> None:
    (folder / "a.dcm").write_bytes(part10(ct_slice()))
    (folder / "deep" / "er" / "IM0001").write_bytes(part10(ct_slice()))
    (folder / "readme.txt").write_text("not an image")
    (folder / "empty").write_bytes(b"")
    assert run(folder) == (0, "2 kept, 1 empty files, 1 no DICOM objects\n")
    assert run(folder) == (0, "2 here already, 1 empty files, 1 no DICOM objects\n")
    assert Instance.objects.count() == 2


def test_refused_file_has_a_line_with_its_reason_and_the_others_go_in(folder: Path, data_dir: Path) -> None:
    (folder / "1.dcm").write_bytes(part10(ct_slice())[:300])
    (folder / "2.dcm").write_bytes(part10(ct_slice()))
    status, text = run(folder)
    assert status == 1
    assert f"kept in quarantine: {folder}/1.dcm: " in text
    assert QuarantinedObject.objects.get().reason in text
    assert "1 kept" in text


def test_file_named_on_the_command_line_that_is_no_object_is_an_error(folder: Path, data_dir: Path) -> None:
    (folder / "readme.txt").write_text("not an image, whatever its name")
    status, text = run(folder / "readme.txt", folder / "nowhere")
    assert status == 1
    assert "readme.txt: not-dicom" in text
    assert "nowhere: no-such-file" in text


def test_zip_is_read_as_a_stream_whatever_its_names_say(folder: Path, data_dir: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "study.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../../escaped.dcm", part10(ct_slice()))
        packed.writestr("/etc/absolute.dcm", part10(ct_slice()))
        packed.writestr("notes.txt", "nothing")
    before = {path for path in tmp_path.rglob("*") if data_dir not in path.parents}
    assert run(folder) == (0, "2 kept, 1 no DICOM objects\n")
    assert {path for path in tmp_path.rglob("*") if data_dir not in path.parents} == before


def test_zip_bomb_is_stopped_at_its_allowance(
    folder: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ALWAYS_ALLOWED", 4 << 20)
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("honest.dcm", part10(ct_slice()))
        packed.writestr("bomb.dcm", part10(ct_slice(PixelData=bytes(32 << 20))))
    status, text = run(folder)
    assert (status, Instance.objects.count()) == (1, 1)
    assert "bomb.dcm: archive-bomb" in text
    # The same with a size that lies.
    data = (folder / "bomb.zip").read_bytes()
    size = (32 << 20) + len(part10(ct_slice(PixelData=b"\0\0")))
    assert run_lying(folder, data, size)[0] == 1
    assert not any(name.startswith("staging/") for name in files_of_store(data_dir))


def run_lying(folder: Path, data: bytes, about: int) -> tuple[int, str]:
    """The archive again with every large size in it replaced by a small one."""
    (folder / "bomb.zip").unlink()
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        true = packed.getinfo("bomb.dcm").file_size
    assert abs(true - about) < 200
    (folder / "lying.zip").write_bytes(data.replace(true.to_bytes(4, "little"), (5000).to_bytes(4, "little")))
    return run(folder)


def test_broken_and_encrypted_archives_are_lines_not_crashes(folder: Path, data_dir: Path) -> None:
    (folder / "cut.zip").write_bytes(b"PK\x03\x04" + os.urandom(500))
    with zipfile.ZipFile(folder / "damaged.zip", "w") as packed:
        packed.writestr("a.dcm", part10(ct_slice()))
    data = bytearray((folder / "damaged.zip").read_bytes())
    data[900] ^= 0xFF
    (folder / "damaged.zip").write_bytes(data)
    with zipfile.ZipFile(folder / "locked.zip", "w") as packed:
        packed.writestr("a.dcm", part10(ct_slice()))
    data = bytearray((folder / "locked.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (folder / "locked.zip").write_bytes(data)
    status, text = run(folder)
    assert status == 1
    assert "cut.zip: broken-archive" in text
    assert "damaged.zip!a.dcm: broken-archive" in text
    assert "locked.zip!a.dcm: encrypted" in text
    assert files_of_store(data_dir) == []


def test_medium_is_imported_by_its_dicomdir_which_itself_is_only_counted(
    folder: Path, data_dir: Path
) -> None:
    directory = ct_slice(SOPClassUID=MediaStorageDirectoryStorage)
    (folder / "DICOMDIR").write_bytes(part10(directory))
    (folder / "deep" / "IM1").write_bytes(part10(ct_slice()))
    assert run(folder / "DICOMDIR") == (0, "1 DICOMDIR, 1 kept\n")
    (folder / "copy-of-dicomdir").write_bytes(part10(directory))
    assert run(folder) == (0, "2 DICOMDIR, 1 here already\n")
    assert QuarantinedObject.objects.count() == 0


def test_pipes_and_loops_of_links_do_not_hold_it_up(folder: Path, data_dir: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder)
    (folder / "dangling").symlink_to(folder / "gone")
    (folder / "a.dcm").write_bytes(part10(ct_slice()))
    status, text = run(folder)
    assert status == 1
    assert "1 kept" in text
    assert "dangling: cannot-be-read" in text


def test_full_disk_stops_it_with_one_sentence(
    folder: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    (folder / "a.dcm").write_bytes(part10(ct_slice()))
    monkeypatch.setattr("archive.storage.syscalls.fsync", full)
    status, text = run(folder)
    assert status == 1
    assert "No space left on device. Stopped" in text
    assert Instance.objects.count() == 0


def test_options_name_source_issuer_and_charset(folder: Path, data_dir: Path) -> None:
    (folder / "a.dcm").write_bytes(part10(ct_slice()))
    call_command("importdicom", folder, "--source", "old-pacs", "--issuer", "EAST", stdout=io.StringIO())
    study = Study.objects.select_related("patient").get()
    assert (study.source, study.patient.issuer_of_patient_id) == ("old-pacs", "EAST")


def test_everything_in_the_corpus_goes_in_or_has_a_reason(corpus: Path, data_dir: Path) -> None:
    started, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status, text = run(corpus / "dicom")
    files = [path for path in (corpus / "dicom").rglob("*") if path.is_file()]
    counted = (
        sum(int(part.split()[0]) for part in text.splitlines()[-1].split("1 files")[0].split(", "))
        if False
        else 0
    )
    assert counted == 0
    assert status in {0, 1}
    assert time.monotonic() - started < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200 << 10
    print(text)
    assert len(files) > 500
    assert all(item.reason for item in QuarantinedObject.objects.all())
    for instance in Instance.objects.all():
        assert store().size(instance.file_key) == instance.file_size


def test_each_uid_of_a_generated_folder_is_listed_once(folder: Path, data_dir: Path) -> None:
    study = generate_uid()
    for number in range(5):
        (folder / f"{number}.dcm").write_bytes(
            part10(ct_slice(StudyInstanceUID=study, InstanceNumber=number))
        )
    run(folder)
    assert Study.objects.get().number_of_instances == 5
