"""The store in an S3 bucket, for a site that has outgrown one disk.

An arriving object is staged to the local disk as ever. Its upload is the rename and the flush in one:
when the service says the object is there, it is there durably, and only then its row is written.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from archive.storage import keys
from archive.storage.address import BucketAddress
from archive.storage.base import StoredFile
from archive.storage.errors import NotStored, OutOfResources
from archive.storage.files import FileStore
from archive.storage.origin import Origin
from archive.storage.stage import Stage

READ_AHEAD: Final = 256 << 10  # a header, or several small frames, in one request
_FAILURES: Final = (BotoCoreError, ClientError, Boto3Error)
_CONFIG: Final = Config(
    connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4}
)


class BucketStore:
    """Objects in a bucket; temporary files below ``local``. See ``FileStore`` for what each call
    guarantees.
    """

    def __init__(self, address: BucketAddress, local: Path) -> None:
        self._bucket, self._prefix = address.bucket, address.prefix
        self._files = FileStore(local)
        self._origins: set[str] = set()
        config = _CONFIG
        if address.endpoint:  # a host of one's own rarely has a name for every bucket
            config = config.merge(Config(s3={"addressing_style": "path"}))
        self._client: Any = boto3.client(
            "s3", endpoint_url=address.endpoint or None, region_name=address.region or None, config=config
        )

    # ------------------------------------------------------------------ arriving

    def staging(self) -> str:
        return self._files.staging()

    def place(self, stage: Stage, key: str) -> None:
        """Upload a staged object. The service checks what it received against a checksum."""
        if stage.path is None:
            raise ValueError("the stage is closed")
        with stage:
            try:
                self._client.upload_file(
                    stage.path,
                    self._bucket,
                    self._prefix + key,
                    Config=TransferConfig(use_threads=False),
                )
                whole = self.size(key) == stage.size
            except (*_FAILURES, OSError) as error:
                self._remove_quietly(key)
                raise OutOfResources(f"the object cannot be uploaded: {error}") from error
            if not whole:
                self._remove_quietly(key)
                raise OutOfResources("the object cannot be uploaded: it arrived incomplete")

    def _remove_quietly(self, key: str) -> None:
        with contextlib.suppress(*_FAILURES):  # nothing names the object: fsck reports it
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def origin_keep(self, origin: Origin) -> str:
        token = origin.token
        if token not in self._origins:
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=f"{self._prefix}{keys.ORIGINS}/{token}.json",
                    Body=origin.to_bytes(),
                )
            except _FAILURES as error:
                raise OutOfResources(f"the store cannot be used: {error}") from error
            self._origins.add(token)
        return token

    def origin_read(self, token: str) -> Origin:
        try:
            with self.open(f"{keys.ORIGINS}/{token}.json") as file:
                return Origin.from_bytes(file.read())
        except (NotStored, OSError, ValueError):
            return Origin(source="")

    # ------------------------------------------------------------------ kept

    def path(self, key: str) -> Path | None:
        return None

    def open(self, key: str) -> BinaryIO:
        """A reader that fetches ranges as they are asked for. Raises as ``FileStore.open``."""
        size = self.size(key)
        if size is None:
            raise NotStored(key)
        raw = _Ranges(self._client, self._bucket, self._prefix + key, size)
        return cast(BinaryIO, io.BufferedReader(raw, READ_AHEAD))

    def size(self, key: str) -> int | None:
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                return None
            raise OSError(f"the store does not answer for {key}: {error}") from error
        except BotoCoreError as error:
            raise OSError(f"the store does not answer for {key}: {error}") from error
        return int(found["ContentLength"])

    def remove(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)
        except _FAILURES as error:
            raise OSError(f"{key} cannot be removed: {error}") from error

    def buckets(self, area: str) -> list[str]:
        """The folders of an area, as far as names with slashes make folders."""
        prefix = f"{self._prefix}{area}/"
        found = [
            common["Prefix"].removeprefix(self._prefix).rstrip("/")
            for page in self._pages(Prefix=prefix, Delimiter="/")
            for common in page.get("CommonPrefixes", [])
        ]
        return sorted(found)

    def files(self, bucket: str) -> Iterator[StoredFile]:
        for page in self._pages(Prefix=f"{self._prefix}{bucket}/"):
            for entry in page.get("Contents", []):
                modified: datetime = entry["LastModified"]
                yield StoredFile(entry["Key"].removeprefix(self._prefix), entry["Size"], modified.timestamp())

    def _pages(self, **query: str) -> Iterator[dict[str, Any]]:
        try:
            yield from self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **query)
        except _FAILURES as error:
            raise OSError(f"the store cannot be listed: {error}") from error


class _Ranges(io.RawIOBase):
    """A stored object as a file that can be read and sought, a request a read."""

    def __init__(self, client: Any, bucket: str, key: str, size: int) -> None:
        self._client, self._bucket, self._key, self._size = client, bucket, key, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        span = f"bytes={self._at}-{self._at + wanted - 1}"
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=span)
            data: bytes = answer["Body"].read()
        except _FAILURES as error:
            raise OSError(f"{self._key} cannot be read: {error}") from error
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
