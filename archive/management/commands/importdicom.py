"""``manage.py importdicom PATH...``: take objects in from folders, ZIP files and DICOM media."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from archive.importing import Found, Source, SourceRefused, sources_find
from archive.ingest import Origin, OutcomeUnknown, OutOfResources, Result, stream_ingest
from archive.management.progress import ProgressBar

# What lies about in folders and is no object: counted, not complained about.
PASSED_OVER: Final = {"not-dicom": "no DICOM objects", "empty": "empty files", "dicomdir": "DICOMDIR"}
WORDS: Final = {
    Result.KEPT: "kept",
    Result.DUPLICATE: "here already",
    Result.VARIANT_KEPT: "kept in another transfer syntax as well",
    Result.CONFLICT_KEPT: "kept, in conflict with what is here",
    Result.QUARANTINED: "kept in quarantine",
    Result.REFUSED: "refused",
}


class Command(BaseCommand):
    help = (
        "Takes in every DICOM object below the given folders, files, ZIP files and DICOMDIR media. "
        "May be run again: what is here already is counted, not stored twice. Exit status 0: all was kept; "
        "1: something was refused or quarantined, a line says which and why; 130: interrupted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument(
            "--source", default="import", help="where the objects come from, for the study list"
        )
        parser.add_argument("--issuer", default="", help="issuer of patient IDs for objects that name none")
        parser.add_argument(
            "--charset", default="", help="character set for objects that name none, or a wrong one"
        )

    def handle(self, *, paths: list[Path], source: str, issuer: str, charset: str, **options: Any) -> None:
        origin = Origin(source=source, default_issuer=issuer, default_charset=charset)
        self.counts: Counter[str] = Counter()
        self.bad = 0
        with _interruptible() as interrupted, ProgressBar(self.stderr) as self.bar:
            total = sum(1 for _ in sources_find(paths))
            for done, found in enumerate(sources_find(paths)):
                self.bar.show(done, total)
                if interrupted:
                    break
                self._take(found, origin)
            self.bar.show(total, total)
        self.stdout.write(
            ", ".join(f"{number} {words}" for words, number in self.counts.items()) or "nothing found"
        )
        if interrupted:
            raise CommandError("interrupted; run it again to go on", returncode=130)
        if self.bad:
            raise CommandError(f"{self.bad} files were not indexed, see above", returncode=1)

    def _take(self, found: Found, origin: Origin) -> None:
        if not isinstance(found, Source):
            label, refusal = found
            self._complain(label, refusal.reason, refusal.detail)
            return
        if found.is_dicomdir:
            self.counts[PASSED_OVER["dicomdir"]] += 1
            return
        try:
            with found.open() as file:
                outcome = stream_ingest(source=file, origin=origin)
        except SourceRefused as refusal:
            self._complain(found.label, refusal.reason, refusal.detail)
        except OutcomeUnknown as error:
            self._complain(found.label, "outcome-unknown", f"{error}; run the import again, then fsck")
        except OutOfResources as error:
            raise CommandError(
                f"{found.label}: {error}. Stopped: run it again when there is room."
            ) from error
        except OSError as error:
            self._complain(found.label, "cannot-be-read", error.strerror or str(error))
        else:
            passed_over = outcome.kind is Result.REFUSED and outcome.reason in PASSED_OVER
            if passed_over and not found.named:
                self.counts[PASSED_OVER[outcome.reason]] += 1
            elif outcome.kind in {Result.QUARANTINED, Result.REFUSED}:
                self._complain(found.label, outcome.reason, outcome.detail, WORDS[outcome.kind])
            else:
                self.counts[WORDS[outcome.kind]] += 1

    def _complain(self, label: str, reason: str, detail: str = "", what: str = "refused") -> None:
        self.bad += 1
        self.counts[what] += 1
        self.bar.clear()
        self.stdout.write(f"{what}: {label}: {reason}" + (f" ({detail})" if detail else ""))


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Between two objects an interrupt ends the import; within one it waits, so none is left half done.

    The second interrupt ends the process as usual.
    """
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.default_int_handler)

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # not in the main thread: whoever runs us there handles signals
        yield received
        return
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)
