"""``fsck``: missing, altered, orphaned; and what ``--repair`` can put right."""

from __future__ import annotations

import io
import os
from pathlib import Path
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from archive.ingest import OutcomeUnknown
from archive.models import FileRemoval, Instance, InstanceVariant, QuarantinedObject, Study
from tests.archive.arrivals import files_of_store, receive
from tests.objects import ct_slice, encoded

pytestmark = pytest.mark.django_db(transaction=True)


def fsck(*options: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("fsck", "--grace", "0", *options, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def orphaned(data_dir: Path, ds=None) -> str:
    """A file whose commit was never answered and did not come through."""
    before = set(files_of_store(data_dir))
    failing = mock.patch.object(
        BaseDatabaseWrapper, "_commit", side_effect=OperationalError("disk I/O error")
    )
    with failing, pytest.raises(OutcomeUnknown):
        receive(ds or ct_slice())
    (orphan,) = set(files_of_store(data_dir)) - before
    return orphan


def everything() -> None:
    """An instance, a variant and something in quarantine."""
    ds = ct_slice()
    receive(ds)
    other = ct_slice(SOPInstanceUID=ds.SOPInstanceUID)
    receive(other)
    broken = ct_slice()
    receive(broken, data=encoded(broken)[:60])


def test_all_is_well(data_dir: Path) -> None:
    everything()
    assert fsck() == (0, "3 rows and 3 files checked.\n")
    assert fsck("--quick") == (0, "3 rows and 3 files checked.\n")


@pytest.mark.parametrize("model", [Instance, InstanceVariant, QuarantinedObject])
def test_missing_file_is_told(data_dir: Path, model) -> None:
    everything()
    key = model.objects.get().file_key
    (data_dir / "store" / key).unlink()
    status, text = fsck("--quick")
    assert status == 1
    assert f"missing {key}" in text
    assert "1 problems." in text


@pytest.mark.parametrize("model", [Instance, InstanceVariant, QuarantinedObject])
def test_altered_bytes_are_told_unless_it_is_to_be_quick(data_dir: Path, model) -> None:
    everything()
    key = model.objects.get().file_key
    path = data_dir / "store" / key
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert fsck("--quick")[0] == 0
    status, text = fsck()
    assert status == 1
    assert f"altered {key}" in text


def test_altered_size_is_told_even_when_it_is_to_be_quick(data_dir: Path) -> None:
    receive(ct_slice())
    path = data_dir / "store" / Instance.objects.get().file_key
    path.write_bytes(path.read_bytes()[:-10])
    status, text = fsck("--quick")
    assert (status, "altered" in text, "instead of" in text) == (1, True, True)


def test_orphan_is_told_and_repair_indexes_it(data_dir: Path) -> None:
    ds = ct_slice()
    orphan = orphaned(data_dir, ds)
    status, text = fsck()
    assert (status, f"orphan {orphan}" in text) == (1, True)
    status, text = fsck("--repair")
    assert (status, f"orphan {orphan} kept (repaired)" in text) == (0, True)
    instance = Instance.objects.get()
    assert (instance.sop_instance_uid, instance.file_key) == (ds.SOPInstanceUID, orphan)
    assert (instance.source, Study.objects.get().number_of_instances) == ("CT1", 1)
    assert fsck() == (0, "1 rows and 1 files checked.\n")


def test_orphan_whose_object_was_sent_again_is_removed_by_repair(data_dir: Path) -> None:
    ds = ct_slice()
    orphan = orphaned(data_dir, ds)
    receive(ds)
    status, text = fsck("--repair")
    assert (status, f"orphan {orphan} duplicate (repaired)" in text) == (0, True)
    assert files_of_store(data_dir) == [Instance.objects.get().file_key]


def test_orphan_that_is_no_object_goes_to_quarantine_on_repair(data_dir: Path) -> None:
    orphan = orphaned(data_dir)
    (data_dir / "store" / orphan).write_bytes(b"rubbish")
    assert fsck("--repair")[0] == 0
    assert QuarantinedObject.objects.get().file_key == orphan
    assert fsck()[0] == 0


def test_stranger_in_the_store_is_told_whatever_its_name(data_dir: Path) -> None:
    receive(ct_slice())
    bucket = (data_dir / "store" / Instance.objects.get().file_key).parent
    (bucket / "notes.txt").write_text("who put this here?")
    status, text = fsck()
    assert (status, "notes.txt" in text) == (1, True)


def test_young_files_may_be_arriving_and_are_left_alone(data_dir: Path) -> None:
    orphan = orphaned(data_dir)
    assert fsck("--grace", "60")[0] == 0
    os.utime(data_dir / "store" / orphan, (1, 1))
    assert fsck("--grace", "60")[0] == 1


def test_noted_removal_is_no_orphan_and_repair_finishes_it(data_dir: Path) -> None:
    orphan = orphaned(data_dir)
    FileRemoval.objects.create(file_key=orphan)
    assert fsck()[0] == 0
    status, text = fsck("--repair")
    assert (status, "1 files removed" in text) == (0, True)
    assert (files_of_store(data_dir), FileRemoval.objects.count(), Instance.objects.count()) == ([], 0, 0)
