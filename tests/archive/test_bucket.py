"""The store in a bucket: the same promise over another medium, tested against a server on this machine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.management import CommandError, call_command
from django.db import OperationalError
from moto.server import ThreadedMotoServer

from archive.ingest import OutOfResources, Result
from archive.models import Instance, QuarantinedObject, Study
from archive.storage import Origin, file_open, file_path, store
from archive.storage.address import BucketAddress, StoreAddressError, bucket_address
from archive.storage.bucket import BucketStore
from tests.archive.arrivals import receive, stored_bytes
from tests.objects import ct_slice, encoded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(service: str, settings: Any, monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    name = f"images-{data_dir.parent.name.lower().replace('_', '-')}"[:60].strip("-")
    client = boto3.client("s3", endpoint_url=service, region_name="us-east-1")
    client.create_bucket(Bucket=name)
    settings.PACS_STORE_URL = f"s3://{name}/site-a?endpoint={service}&region=us-east-1"
    return boto3.resource("s3", endpoint_url=service, region_name="us-east-1").Bucket(name)


def names(bucket: Any) -> list[str]:
    return sorted(entry.key for entry in bucket.objects.all() if "/origins/" not in entry.key)


def test_object_is_uploaded_as_sent_and_nothing_stays_on_the_disk(bucket: Any, data_dir: Path) -> None:
    ds = ct_slice()
    assert receive(ds).kind is Result.KEPT
    key = Instance.objects.get().file_key
    assert names(bucket) == [f"site-a/{key}"]
    assert stored_bytes(key).endswith(encoded(ds))
    assert file_path(key) is None
    assert list((data_dir / "store" / "staging").iterdir()) == []
    assert receive(ds).kind is Result.DUPLICATE


def test_stored_object_is_read_by_ranges(bucket: Any, data_dir: Path) -> None:
    receive(ct_slice(PixelData=bytes(range(256)) * 8000))
    instance = Instance.objects.get()
    data = stored_bytes(instance.file_key)
    assert len(data) == instance.file_size
    with file_open(instance.file_key) as file:
        assert file.seek(-256, io.SEEK_END) == instance.file_size - 256
        assert file.read() == bytes(range(256))
        file.seek(128)
        assert file.read(4) == b"DICM"
        assert file.read(0) == b""


def test_service_that_does_not_answer_refuses_and_leaves_nothing(bucket: Any, data_dir: Path) -> None:
    receive(ct_slice())
    real = store()
    assert isinstance(real, BucketStore)
    down = EndpointConnectionError(endpoint_url="http://127.0.0.1")
    with mock.patch.object(real._client, "upload_file", side_effect=down), pytest.raises(OutOfResources):
        receive(ct_slice())
    assert (Instance.objects.count(), len(names(bucket))) == (1, 1)
    assert list((data_dir / "store" / "staging").iterdir()) == []
    assert receive(ct_slice()).kind is Result.KEPT


def test_upload_that_arrives_incomplete_is_no_upload(bucket: Any, data_dir: Path) -> None:
    receive(ct_slice())
    with mock.patch.object(store(), "size", return_value=5), pytest.raises(OutOfResources):
        receive(ct_slice())
    assert (Instance.objects.count(), len(names(bucket))) == (1, 1)


def test_service_down_when_a_duplicate_is_to_be_told_keeps_nothing_half(bucket: Any, data_dir: Path) -> None:
    ds = ct_slice()
    receive(ds)
    with mock.patch.object(store(), "size", side_effect=OSError("no answer")), pytest.raises(OutOfResources):
        receive(ds)
    assert (Instance.objects.count(), len(names(bucket))) == (1, 1)


def test_rolled_back_rows_take_the_object_with_them(bucket: Any, data_dir: Path) -> None:
    full = mock.patch("archive.indexing.event_record", side_effect=OperationalError("disk is full"))
    with full, pytest.raises(OutOfResources):
        receive(ct_slice())
    assert names(bucket) == []


def test_fsck_and_reindex_work_on_it_too(bucket: Any, data_dir: Path) -> None:
    receive(ct_slice(), origin=Origin("CT-EAST", default_issuer="EAST"))
    broken = ct_slice()
    receive(broken, data=encoded(broken)[:60])
    before = list(Study.objects.values())
    call_command("fsck", "--grace", "0", stdout=io.StringIO())
    call_command("reindex", stdout=io.StringIO(), stderr=io.StringIO())
    assert list(Study.objects.values()) == before
    assert QuarantinedObject.objects.count() == 1
    bucket.put_object(Key="site-a/objects/abc/stranger", Body=b"x")
    bucket.Object(f"site-a/{Instance.objects.get().file_key}").delete()
    out = io.StringIO()
    with pytest.raises(CommandError, match="2 problems"):
        call_command("fsck", "--grace", "0", stdout=out)
    assert "missing objects/" in out.getvalue()
    assert "orphan objects/abc/stranger" in out.getvalue()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("", None),
        ("s3://images", BucketAddress("images", "", "", "")),
        (
            "s3://images/a/b/?endpoint=https://s3.example.org:9000&region=eu",
            BucketAddress("images", "a/b/", "https://s3.example.org:9000", "eu"),
        ),
    ],
)
def test_address_is_read(url: str, address: BucketAddress | None) -> None:
    assert bucket_address(url) == address


@pytest.mark.parametrize("url", ["/srv/images", "http://host/x", "s3://", "s3://b?endpont=x"])
def test_address_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(StoreAddressError):
        bucket_address(url)
