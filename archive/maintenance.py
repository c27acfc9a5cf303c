"""Do the files and the index tell the same? Looks, says so, and puts right what can be put right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final

from archive.adoption import digests_read, file_adopt
from archive.committing import CommitUnknown, NotCommitted
from archive.models import FileRemoval, Instance, InstanceVariant, QuarantinedObject
from archive.removal import keys_named, removals_finish
from archive.storage import NotStored, StoredFile, store
from archive.storage.keys import OBJECTS, QUARANTINE

GRACE_SECONDS: Final = 120.0  # an arrival is between rename and commit for less than this
_AT_ONCE: Final = 500


class Problem(StrEnum):
    MISSING = "missing"  # a row names a file that is not there
    ALTERED = "altered"  # the file's size or bytes are not what they were
    UNREADABLE = "unreadable"  # the disk will not give the file
    ORPHAN = "orphan"  # a file that no row names


@dataclass(frozen=True, slots=True)
class Finding:
    """``key`` is the file; ``subject`` the SOP Instance UID, where a row says it."""

    problem: Problem
    key: str
    subject: str = ""
    detail: str = ""
    repaired: bool = False


@dataclass(slots=True)
class Findings:
    """What a check saw. ``clean`` when nothing is left that somebody should look at."""

    rows: int = 0
    files: int = 0
    removed: int = 0
    problems: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return all(finding.repaired for finding in self.problems)


def archive_check(
    *,
    digests: bool = True,
    repair: bool = False,
    grace: float = GRACE_SECONDS,
    report: Callable[[Finding], None] = lambda finding: None,
) -> Findings:
    """Compare every row with its file and every file with the rows, while the archive is at work.

    ``digests`` reads every byte; without it presence and size are compared. ``repair`` indexes files that
    no row names (such as those of an arrival whose commit was never answered) and finishes removals. Lost
    and altered files cannot be repaired here: the sender, or a backup, has them.
    """
    findings = Findings()
    if repair:
        findings.removed = removals_finish()
    for finding in (*_rows_check(findings, digests), *_files_check(findings, repair, grace)):
        findings.problems.append(finding)
        report(finding)
    return findings


# ---------------------------------------------------------------------- rows


@dataclass(frozen=True, slots=True)
class _Row:
    key: str
    size: int
    digest: str
    subject: str


def _rows() -> Iterator[_Row]:
    """Every row that names a file, a few at a time: no transaction stays open over a long check."""
    held = QuarantinedObject.objects.filter(state=QuarantinedObject.State.HELD)
    for rows, subject in (
        (Instance.objects.all(), "sop_instance_uid"),
        (InstanceVariant.objects.all(), "instance__sop_instance_uid"),
        (held, "sop_instance_uid"),
    ):
        last = 0
        while True:
            some = rows.filter(pk__gt=last).order_by("pk")
            found = list(some.values_list("pk", "file_key", "file_size", "file_digest", subject)[:_AT_ONCE])
            if not found:
                break
            last = found[-1][0]
            yield from (_Row(*row[1:]) for row in found)


def _rows_check(findings: Findings, digests: bool) -> Iterator[Finding]:
    for row in _rows():
        findings.rows += 1
        wrong = _row_check(row, digests)
        # The row may have been deleted since it was read, and its file with it.
        if wrong is not None and keys_named([row.key]):
            yield wrong


def _row_check(row: _Row, digests: bool) -> Finding | None:
    try:
        size = store().size(row.key)
        if size is None:
            return Finding(Problem.MISSING, row.key, row.subject)
        if size != row.size:
            return Finding(Problem.ALTERED, row.key, row.subject, f"{size} bytes instead of {row.size}")
        if digests and digests_read(row.key, 0)[1] != row.digest:
            return Finding(Problem.ALTERED, row.key, row.subject, "other bytes than arrived")
    except NotStored:
        return Finding(Problem.MISSING, row.key, row.subject)
    except OSError as error:
        return Finding(Problem.UNREADABLE, row.key, row.subject, error.strerror or str(error))
    return None


# ---------------------------------------------------------------------- files


def _files_check(findings: Findings, repair: bool, grace: float) -> Iterator[Finding]:
    for area in (OBJECTS, QUARANTINE):
        for bucket in store().buckets(area):
            files = store().files(bucket)
            while some := list(islice(files, _AT_ONCE)):
                findings.files += len(some)
                for key in _orphans(some, grace):
                    yield _orphan(key, repair)


def _orphans(files: list[StoredFile], grace: float) -> list[str]:
    """Files that no row names, that are not about to be removed, and whose arrival must be over."""
    keys = [file.key for file in files if file.modified <= time.time() - grace]
    named = keys_named(keys)
    named.update(FileRemoval.objects.filter(file_key__in=keys).values_list("file_key", flat=True))
    return [key for key in keys if key not in named and store().size(key) is not None]


def _orphan(key: str, repair: bool) -> Finding:
    if not repair:
        return Finding(Problem.ORPHAN, key)
    try:
        outcome = file_adopt(key)
    except (OSError, NotStored, NotCommitted, CommitUnknown) as error:
        return Finding(Problem.ORPHAN, key, detail=str(error))
    return Finding(Problem.ORPHAN, key, detail=outcome.kind.value, repaired=True)
