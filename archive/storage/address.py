"""``PACS_STORE_URL``: where the objects are kept."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit


class StoreAddressError(Exception):
    """The URL names no store. The message says what it should look like."""


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """An S3 bucket, and the endpoint where it is not Amazon's own."""

    bucket: str
    prefix: str
    endpoint: str
    region: str


def bucket_address(url: str) -> BucketAddress | None:
    """Read ``s3://bucket/prefix?endpoint=...&region=...``; None for the empty URL: files in the data folder.

    Raises ``StoreAddressError`` for anything else.
    """
    if not url:
        return None
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    if parts.scheme != "s3" or not parts.hostname or not set(options) <= {"endpoint", "region"}:
        raise StoreAddressError(
            "PACS_STORE_URL: give s3://bucket/prefix?endpoint=https://host&region=name, or nothing for files."
        )
    prefix = parts.path.strip("/")
    return BucketAddress(
        bucket=parts.netloc.rpartition("@")[2],
        prefix=f"{prefix}/" if prefix else "",
        endpoint=options.get("endpoint", [""])[-1],
        region=options.get("region", [""])[-1],
    )
