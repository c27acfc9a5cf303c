"""Quarantine: what cannot be indexed is kept, shown with its reason, tried again or given up."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied

from archive import ingest
from archive.dicom.reader import Unreadable
from archive.ingest import Outcome, Result
from archive.models import AuditEvent, Event, FileRemoval, Instance, QuarantinedObject
from archive.quarantine import QuarantineError, quarantine_discard, quarantine_retry
from tests.archive.arrivals import files_of_store, receive, stored_bytes
from tests.objects import ct_slice, encoded
from tests.people import ada_administrator, rita_reader

pytestmark = pytest.mark.django_db(transaction=True)


def hold(ds=None) -> tuple[Outcome, bytes]:
    ds = ds or ct_slice()
    data = encoded(ds)[:60]
    return receive(ds, data=data), data


def hold_readable(ds=None) -> Outcome:
    """Something an older version could not read."""
    with mock.patch.object(ingest, "read_header", side_effect=Unreadable("broken-header", "too new for me")):
        return receive(ds or ct_slice())


def test_unreadable_object_is_kept_with_its_reason(data_dir: Path) -> None:
    outcome, data = hold()
    item = QuarantinedObject.objects.get()
    assert (outcome.kind, outcome.quarantine_id) == (Result.QUARANTINED, item.pk)
    assert (item.state, item.reason, item.source) == ("held", outcome.reason, "CT1")
    assert item.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert item.file_key.startswith("quarantine/")
    assert stored_bytes(item.file_key).endswith(data)
    assert Instance.objects.count() == 0
    assert list(Event.objects.values_list("topic", "key")) == [("quarantine", str(item.pk))]


def test_equal_file_again_is_counted_and_not_kept_twice(data_dir: Path) -> None:
    ds = ct_slice()
    hold(ds)
    hold(ds)
    assert QuarantinedObject.objects.get().attempts == 2
    assert len(files_of_store(data_dir)) == 1


def test_equal_file_again_after_its_file_was_lost_is_kept_again(data_dir: Path) -> None:
    ds = ct_slice()
    hold(ds)
    (data_dir / "store" / QuarantinedObject.objects.get().file_key).unlink()
    hold(ds)
    item = QuarantinedObject.objects.get()
    assert files_of_store(data_dir) == [item.file_key]


def test_retry_that_reads_it_now_admits_it_and_the_audit_trail_says_who(data_dir: Path) -> None:
    ds = ct_slice()
    held = hold_readable(ds)
    item = QuarantinedObject.objects.get(pk=held.quarantine_id)
    ada = ada_administrator()
    outcome = quarantine_retry(item=item, by=ada)
    instance = Instance.objects.get()
    assert (outcome.kind, item.state, instance.sop_instance_uid) == (
        Result.KEPT,
        "admitted",
        ds.SOPInstanceUID,
    )
    assert (instance.source, files_of_store(data_dir)) == ("CT1", [instance.file_key])
    audit = AuditEvent.objects.get(action="quarantine")
    assert (audit.actor_name, audit.success, audit.detail["what"]) == ("ada", True, "retried")
    assert FileRemoval.objects.count() == 0
    assert receive(ds).kind is Result.DUPLICATE


def test_retry_that_still_cannot_read_it_keeps_it_with_the_newest_reason(data_dir: Path) -> None:
    hold()
    item = QuarantinedObject.objects.get()
    with mock.patch.object(ingest, "read_header", side_effect=Unreadable("too-deep", "deeper than ever")):
        again = quarantine_retry(item=item, by=ada_administrator())
    assert (again.kind, item.state, item.reason, item.attempts) == (
        Result.QUARANTINED,
        "held",
        "too-deep",
        2,
    )
    assert files_of_store(data_dir) == [item.file_key]
    assert AuditEvent.objects.get(action="quarantine").success is False


def test_discard_says_who_and_why_and_removes_the_file(data_dir: Path) -> None:
    ds = ct_slice()
    hold(ds)
    item = QuarantinedObject.objects.get()
    quarantine_discard(item=item, by=ada_administrator(), reason="a phantom")
    assert (item.state, files_of_store(data_dir)) == ("discarded", [])
    assert AuditEvent.objects.get(action="quarantine").detail["reason"] == "a phantom"
    with pytest.raises(QuarantineError):
        quarantine_discard(item=item, by=ada_administrator_again(), reason="twice")
    hold(ds)
    item.refresh_from_db()
    assert (item.state, len(files_of_store(data_dir))) == ("held", 1)


def ada_administrator_again():
    return get_user_model().objects.get(username="ada")


def test_discard_wants_a_reason(data_dir: Path) -> None:
    hold()
    with pytest.raises(QuarantineError):
        quarantine_discard(item=QuarantinedObject.objects.get(), by=ada_administrator(), reason="  ")


def test_only_administrators_deal_with_it(data_dir: Path) -> None:
    hold()
    item = QuarantinedObject.objects.get()
    rita = rita_reader()
    with pytest.raises(PermissionDenied):
        quarantine_retry(item=item, by=rita)
    with pytest.raises(PermissionDenied):
        quarantine_discard(item=item, by=rita, reason="no")
    assert files_of_store(data_dir) == [item.file_key]


def test_retry_of_a_lost_file_says_so(data_dir: Path) -> None:
    hold()
    item = QuarantinedObject.objects.get()
    (data_dir / "store" / item.file_key).unlink()
    with pytest.raises(QuarantineError, match="not in the store"):
        quarantine_retry(item=item, by=ada_administrator())
