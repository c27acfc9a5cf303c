"""Load the demonstration: studies made by our own code, and what ships inside pydicom."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from archive.demonstration.loading import demonstration_load, people_ensure

_WIDTH = 40


class Command(BaseCommand):
    help = "Load the demonstration studies and people. Repeatable: what is there stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--workers", type=int, help="processes that make images (default: one a core, 4 at most)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        people_ensure()
        shown = -1
        terminal = self.stdout.isatty()

        def report(done: int, total: int) -> None:
            nonlocal shown
            step = done * 100 // total if terminal else done * 4 // total
            if step == shown:
                return
            shown = step
            if terminal:
                bar = "#" * (done * _WIDTH // total)
                self.stdout.write(f"\rDemonstration [{bar:<{_WIDTH}}] {done}/{total}", ending="")
                self.stdout.flush()
            else:
                self.stdout.write(f"Demonstration: {done} of {total} objects")

        loaded = demonstration_load(report=report, workers=options["workers"])
        if terminal and shown >= 0:
            self.stdout.write("")
        refused = sum(loaded.refused.values())
        words = f"Demonstration ready: {loaded.added} objects added, {loaded.present} there before"
        self.stdout.write(words + (f", {refused} left out." if refused else "."))
