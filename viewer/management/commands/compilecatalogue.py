"""`manage.py compilecatalogue`: make .mo files of the translations, without gettext on the machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polib  # type: ignore[import-untyped]
from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Compile the translations that changed. Needs no gettext; set-up runs it."

    def handle(self, *args: Any, **options: Any) -> None:
        for path in catalogue_compile():
            if options["verbosity"]:
                self.stdout.write(f"compiled {path}")


def catalogue_compile() -> list[Path]:
    """Compile each .po that is newer than its .mo; return what was written.

    Safe beside running processes: a catalogue is replaced whole or not at all.
    """
    written = []
    for root in settings.LOCALE_PATHS:
        for source in sorted(Path(root).glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
                continue
            draft = target.with_suffix(f".{os.getpid()}.tmp")
            polib.pofile(str(source)).save_as_mofile(str(draft))
            draft.replace(target)
            written.append(target)
    return written
