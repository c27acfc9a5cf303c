"""``manage.py fsck``: are the files and the index of one mind?"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from archive.maintenance import GRACE_SECONDS, Finding, archive_check


class Command(BaseCommand):
    help = (
        "Compares the index with the stored files: missing, altered and orphaned ones. "
        "Exit status 0: all is well; 1: something was found that is not repaired."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="compare sizes only, do not read the bytes")
        parser.add_argument("--repair", action="store_true", help="index orphans, finish pending removals")
        parser.add_argument(
            "--grace",
            type=float,
            default=GRACE_SECONDS,
            metavar="SECONDS",
            help="leave files alone that are younger: they may be arriving (default: %(default)s)",
        )

    def handle(self, *, quick: bool, repair: bool, grace: float, **options: Any) -> None:
        findings = archive_check(digests=not quick, repair=repair, grace=grace, report=self._report)
        self.stdout.write(f"{findings.rows} rows and {findings.files} files checked.")
        if findings.removed:
            self.stdout.write(f"{findings.removed} files removed whose study was deleted.")
        if not findings.clean:
            left = sum(not finding.repaired for finding in findings.problems)
            raise CommandError(f"{left} problems.", returncode=1)

    def _report(self, finding: Finding) -> None:
        words = [finding.problem.value, finding.key, finding.subject, finding.detail]
        if finding.repaired:
            words.append("(repaired)")
        self.stdout.write(" ".join(word for word in words if word))
