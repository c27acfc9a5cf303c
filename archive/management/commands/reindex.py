"""``manage.py reindex``: drop the index and make it anew from the stored files."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from archive.management.progress import ProgressBar
from archive.reindexing import RebuildError, index_rebuild


class Command(BaseCommand):
    help = (
        "Drops patients, studies, series and instances and makes them again from the stored files, in one "
        "transaction: until it is through, everybody sees the old index. Best run while nothing arrives."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--skip-unreadable", action="store_true", help="leave out files that the disk will not give"
        )

    def handle(self, *, skip_unreadable: bool, **options: Any) -> None:
        with ProgressBar(self.stderr) as bar:
            try:
                rebuilt = index_rebuild(skip_unreadable=skip_unreadable, progress=bar.show)
            except RebuildError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{rebuilt.indexed} objects indexed.")
        if rebuilt.quarantined:
            self.stdout.write(f"{rebuilt.quarantined} files cannot be read as DICOM and are in quarantine.")
        if rebuilt.surplus:
            self.stdout.write(f"{rebuilt.surplus} second copies left out; fsck --repair removes them.")
        for key in rebuilt.unreadable:
            self.stdout.write(f"left out: {key}")
        if rebuilt.lost:
            raise CommandError(f"{rebuilt.lost} objects were in the index and their files are gone.")
