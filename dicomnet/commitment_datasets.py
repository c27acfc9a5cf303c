"""The two data sets of storage commitment: Action and Event Information (PS3.4 Tables J.3-1 and J.3-2).

They stop here: inside there are ``Request`` and ``Report``. Nothing that arrives is believed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.dsutils import decode, encode
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

from archive.custody import ObjectName
from dicomnet.status import Status

PUSH_MODEL = str(StorageCommitmentPushModel)
WELL_KNOWN = str(StorageCommitmentPushModelInstance)
ACTION_REQUEST = 1
EVENT_ALL, EVENT_FAILURES = 1, 2

_UID = re.compile(r"[0-9.]{1,64}")
# What a sender calls a UID need not be one; what was stored under such a name can be asked about.
_NAME = re.compile(r"[\x21-\x7e]{1,64}")


class NotReadable(Exception):
    """The bytes are no data set."""


class NotValid(Exception):
    """The data set lacks what it has to have; the message says what."""


@dataclass(frozen=True, slots=True)
class Request:
    """Whoever asks wants to know whether these objects are committed."""

    transaction_uid: str
    names: tuple[ObjectName, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The result: each object asked about is in one of the two, the failed ones with their Failure Reason."""

    transaction_uid: str
    committed: tuple[ObjectName, ...]
    failed: tuple[tuple[ObjectName, int], ...]

    @property
    def event_type(self) -> int:
        return EVENT_FAILURES if self.failed else EVENT_ALL


def dataset_decoded(data: bytes, transfer_syntax_uid: str) -> Dataset:
    """A data set of a message, its elements read. Raises ``NotReadable``, nothing else, for any bytes."""
    syntax = UID(transfer_syntax_uid)
    try:
        ds = decode(io.BytesIO(data), syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
        for element in ds:  # read now what would else fail later
            _ = element.value
    except Exception as error:  # noqa: BLE001  whatever the bytes did to the reader
        raise NotReadable(str(error)) from None
    return ds


def dataset_encoded(ds: Dataset, transfer_syntax_uid: str) -> bytes:
    syntax = UID(transfer_syntax_uid)
    data = encode(ds, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
    assert data is not None
    return data


def _text(ds: Dataset, keyword: str) -> str:
    value = ds.get(keyword)
    return "" if value is None else str(value).strip(" \0")


def _items(ds: Dataset, keyword: str) -> Sequence[Dataset]:
    value: Any = ds.get(keyword) or ()
    if isinstance(value, str | bytes) or not all(isinstance(item, Dataset) for item in value):
        raise NotValid(f"{keyword} is no sequence")
    return list(value)


def _name(item: Dataset) -> ObjectName:
    name = ObjectName(_text(item, "ReferencedSOPClassUID"), _text(item, "ReferencedSOPInstanceUID"))
    if not _NAME.fullmatch(name.sop_class_uid) or not _NAME.fullmatch(name.sop_instance_uid):
        raise NotValid("A reference lacks its class or instance UID")
    return name


def _transaction(ds: Dataset) -> str:
    uid = _text(ds, "TransactionUID")
    if not _UID.fullmatch(uid):
        raise NotValid("No valid Transaction UID")
    return uid


def request_read(ds: Dataset) -> Request:
    """Action Information. Raises ``NotValid``."""
    names = tuple(_name(item) for item in _items(ds, "ReferencedSOPSequence"))
    if not names:
        raise NotValid("No object is referenced")
    return Request(_transaction(ds), names)


def report_read(ds: Dataset) -> Report:
    """Event Information. A failed object without a reason failed all the same. Raises ``NotValid``."""
    failed = []
    for item in _items(ds, "FailedSOPSequence"):
        reason = item.get("FailureReason")
        known = isinstance(reason, int) and 0 < reason <= 0xFFFF
        failed.append((_name(item), int(reason) if known else int(Status.PROCESSING_FAILURE)))
    committed = tuple(_name(item) for item in _items(ds, "ReferencedSOPSequence"))
    return Report(_transaction(ds), committed, tuple(failed))


def _reference(name: ObjectName) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = name.sop_class_uid
    item.ReferencedSOPInstanceUID = name.sop_instance_uid
    return item


def request_dataset(transaction_uid: str, names: Iterable[ObjectName]) -> Dataset:
    ds = Dataset()
    ds.TransactionUID = transaction_uid
    ds.ReferencedSOPSequence = [_reference(name) for name in names]
    return ds


def report_dataset(report: Report) -> Dataset:
    """Each sequence is there only when something is in it (PS3.4 J.3.3.1.1); what is committed can be
    retrieved from us."""
    ds = Dataset()
    ds.TransactionUID = report.transaction_uid
    if report.committed:
        ds.RetrieveAETitle = settings.PACS_AE_TITLE
        ds.ReferencedSOPSequence = [_reference(name) for name in report.committed]
    if report.failed:
        ds.FailedSOPSequence = [_reference(name) for name, _ in report.failed]
        for item, (_, reason) in zip(ds.FailedSOPSequence, report.failed, strict=True):
            item.FailureReason = reason
    return ds
