"""How long a page of the study list takes on the server, at 200,000 and 1,000,000 studies.

Fills a database of its own (SQLite; PostgreSQL too where it is installed), asks each kind of question
(``search_kinds``) in many variations and prints the middle and the 95th percentile. What is timed is the
whole page as a person gets it: the view with its queries, on a connection to the database opened for this
request, and the page drawn. The processor's time of the page is printed as well: what else the machine does
disturbs it less (of PostgreSQL it is our side only). Each database has a process of its own, because Django
serves one a process.
The bar is not a ratio: 50 ms at a million.
"""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests import postgresql

SIZES = (200_000, 1_000_000)
BAR_MS = 50.0
ROUNDS = 15
Figures = dict[str, tuple[float, float, float]]
"""p50, p95 and p50 of the processor's time, in milliseconds, by kind of question."""


def main() -> None:
    """Print one table: a row for each kind of question, two figures for each database and size."""
    columns: list[str] = []
    rows: dict[str, list[str]] = {}
    over: list[str] = []
    for name in ("SQLite", "PostgreSQL"):
        for size in SIZES:
            figures = _measured(name, size)
            if figures is None:
                continue
            columns.append(f"{name}, {size:,}")
            for kind, (middle, slow, processor) in figures.items():
                rows.setdefault(kind, []).append(f"{middle:.1f} / {slow:.1f} / {processor:.1f}")
                if middle > BAR_MS and size == SIZES[-1]:
                    over.append(f"{kind} ({name})")
    print("Milliseconds of server time for a page of 50 studies: p50 / p95 / processor p50. ", end="")
    print(f"The bar is {BAR_MS:.0f} at {SIZES[-1]:,}.\n")
    print("| question | " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for kind, cells in rows.items():
        print(f"| {kind} | " + " | ".join(cells) + " |")
    print(f"\nOver the bar: {', '.join(over) or 'none'}.")


def _measured(name: str, size: int) -> Figures | None:
    """Fill and ask in a process of its own; None where there is no such database."""
    program = [sys.executable, "-m", "tests.bench.search", str(size)]
    with tempfile.TemporaryDirectory(prefix="lightbox-bench-") as folder:
        environment = os.environ | {"PACS_DATA_DIR": folder, "PACS_DEMO": "0", "DATABASE_URL": ""}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        with ExitStack() as stack:
            if name == "PostgreSQL":
                if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
                    print("PostgreSQL is not installed: its columns are missing.", file=sys.stderr)
                    return None
                environment["DATABASE_URL"] = stack.enter_context(postgresql.server())
            print(f"{name}, {size:,} studies ...", file=sys.stderr, flush=True)
            done = subprocess.run(program, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return {kind: tuple(figures) for kind, *figures in json.loads(done.stdout.splitlines()[-1])}


# ---------------------------------------------------------------------- in the process of one database


def _fill_and_ask(size: int) -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "pacs_site.settings"
    django.setup()
    from django.core.management import call_command

    from tests.bench.archive_of import archive_fill

    call_command("migrate", verbosity=0)
    archive_fill(studies=size)
    print(json.dumps(list(ask())))


def ask() -> Iterator[tuple[str, float, float, float]]:
    """Ask every kind of question of the default database; yield its kind and ``Figures``."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from tests.bench.search_kinds import kinds

    logging.disable()
    (settings.DATA_DIR / "static").mkdir(exist_ok=True)  # WhiteNoise warns about a missing folder
    client = Client(SERVER_NAME="127.0.0.1")
    user = User.objects.create(username="bench", is_superuser=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/")  # templates are read once
    for kind, question in kinds().items():
        times, processor = [], []
        for asked in (question(random.Random(round_)) for round_ in range(ROUNDS)):
            connection.close()
            began, worked = time.perf_counter(), time.thread_time()
            response = client.get("/", asked)
            times.append((time.perf_counter() - began) * 1000)
            processor.append((time.thread_time() - worked) * 1000)
            assert response.status_code == 200, (kind, response.status_code)
        times.sort()
        middle = len(times) // 2
        yield kind, times[middle], times[int(len(times) * 0.95)], sorted(processor)[middle]


if __name__ == "__main__":
    _fill_and_ask(int(sys.argv[1]))
