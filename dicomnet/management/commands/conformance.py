"""`manage.py conformance`: write CONFORMANCE.md anew from what the code offers."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dicomnet.conformance.statement import statement

DOCUMENT = Path(__file__).resolve().parents[3] / "CONFORMANCE.md"


class Command(BaseCommand):
    help = "Writes CONFORMANCE.md from what the code offers."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether it is as it should be")

    def handle(self, *, check: bool, **options: Any) -> None:
        text = statement()
        if not check:
            DOCUMENT.write_text(text)
        elif DOCUMENT.read_text() != text:
            raise CommandError("CONFORMANCE.md is not what the code offers: run manage.py conformance.")
