"""How long a page of the study list takes on the server, at 200,000 and 1,000,000 studies.

Fills a database of its own (SQLite; PostgreSQL too where it is installed), asks each kind of question in
many variations and prints the middle and the 95th percentile. Each database has a process of its own,
because Django serves one a process. The bar is not a ratio: 50 ms at a million.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests import postgresql

SIZES = (200_000, 1_000_000)
BAR_MS = 50.0
ROUNDS = 60
Question = tuple[dict[str, object], str, int]  # criteria, sort, page


def main() -> None:
    """Print one table: a row for each kind of question, two figures for each database and size."""
    columns: list[str] = []
    rows: dict[str, list[str]] = {}
    for name in ("SQLite", "PostgreSQL"):
        for size in SIZES:
            figures = _measured(name, size)
            if figures is None:
                continue
            columns.append(f"{name}, {size:,}")
            for kind, (middle, slow) in figures.items():
                rows.setdefault(kind, []).append(f"{middle:.1f} / {slow:.1f}")
    print(f"Milliseconds of server time for a page of 50 studies: p50 / p95. The bar is {BAR_MS:.0f}.\n")
    print("| question | " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for kind, cells in rows.items():
        print(f"| {kind} | " + " | ".join(cells) + " |")


def _measured(name: str, size: int) -> dict[str, tuple[float, float]] | None:
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
    return {kind: (middle, slow) for kind, middle, slow in json.loads(done.stdout.splitlines()[-1])}


# ---------------------------------------------------------------------- in the process of one database


def _fill_and_ask(size: int) -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "pacs_site.settings"
    django.setup()
    from django.core.management import call_command

    from tests.bench.archive_of import archive_fill

    call_command("migrate", verbosity=0)
    archive_fill(studies=size)
    print(json.dumps(ask()))


def ask() -> list[tuple[str, float, float]]:
    """Ask every kind of question of the default database; return (kind, p50, p95) in milliseconds."""
    from django.contrib.auth.models import User

    from archive.query import StudyCriteria
    from archive.selectors import study_page

    user = User(username="bench", is_superuser=True)
    found = []
    for kind, questions in kinds().items():
        times = []
        for criteria, sort, page in (questions(random.Random(round_)) for round_ in range(ROUNDS)):
            began = time.perf_counter()
            study_page(user=user, criteria=StudyCriteria(**criteria), sort=sort, page=page)
            times.append((time.perf_counter() - began) * 1000)
        times.sort()
        found.append((kind, times[len(times) // 2], times[int(len(times) * 0.95)]))
    return found


def kinds() -> dict[str, Callable[[random.Random], Question]]:
    """Kinds of question, each a function that draws a variation."""
    from archive.models import Study
    from archive.selectors import studies_total

    last = Study.objects.order_by("-id").values_list("id", flat=True)[0]
    pages = studies_total() // 50

    def somebody(draw: random.Random) -> Study:
        study = Study.objects.select_related("patient").filter(id__gte=draw.randrange(1, last)).order_by("id")
        return study[0]

    def pinyin(draw: random.Random) -> str:
        return somebody(draw).patient.name_alphabetic.replace("^", "").lower()

    def text(
        make: Callable[[random.Random], str], sort: str = "-date"
    ) -> Callable[[random.Random], Question]:
        return lambda draw: ({"text": make(draw)}, sort, 1)

    def days(draw: random.Random, length: int) -> dict[str, object]:
        first = draw.randrange(1, 28 - length)
        return {"date_from": f"202610{first:02d}", "date_to": f"202610{first + length:02d}"}

    exams = ("chest", "abdomen", "knee", "胸部", "平扫", "乳腺", "增强", "thyroid", "bone")
    surnames = ("wang", "li", "zhang", "liu", "chen", "zhao", "huang", "zhou", "王", "李", "欧阳")
    given = ("xm", "wei", "fang", "li", "伟", "ming", "x")
    found: dict[str, Callable[[random.Random], Question]] = {
        "one name, typed whole": text(pinyin),
        "one name, half typed": text(lambda draw: pinyin(draw)[:6]),
        "hanzi name": text(lambda draw: somebody(draw).patient.name_ideographic.replace("^", "") or "王小明"),
        "one letter": text(lambda draw: draw.choice("abcdefghjklmnpqrstwxyz")),
        "surname": text(lambda draw: draw.choice(surnames)),
        "initials": text(lambda draw: "".join(draw.choices("cdfghjlmqtwxyz", k=draw.choice((2, 3))))),
        "surname and given name": text(
            lambda draw: f"{draw.choice(surnames)} {draw.choice(given)}"
        ),
        "surname and examination": text(lambda draw: f"{draw.choice(surnames)} {draw.choice(exams)}"),
        "letter and examination": text(lambda draw: f"{draw.choice('wlzcxy')} {draw.choice(exams)}"),
        "three words": text(
            lambda draw: f"{draw.choice(surnames)} {draw.choice('xwmjy')} {draw.choice(exams)}"
        ),
        "nobody": text(lambda draw: f"qx{draw.randrange(999)}"),
        "patient ID": text(lambda draw: somebody(draw).patient.patient_id),
        "start of an ID": text(lambda draw: somebody(draw).patient.patient_id[:4]),
        "accession number": text(lambda draw: somebody(draw).accession_number),
        "surname, by name": text(lambda draw: draw.choice(surnames), "name"),
        "surname, page 20": lambda draw: ({"text": draw.choice(surnames)}, "-date", 20),
        "one day": lambda draw: (days(draw, 0), "-date", 1),
        "one day, by name": lambda draw: (days(draw, 0), "name", 1),
        "ten days and a modality": lambda draw: (
            days(draw, 10) | {"modalities": (draw.choice(("CT", "MR", "XA", "US")),)}, "-date", 1,
        ),
        "a modality": lambda draw: ({"modalities": (draw.choice(("CT", "XA", "NM", "OT")),)}, "-date", 1),
        "two modalities, by name": lambda draw: (
            {"modalities": ("CT", draw.choice(("DX", "NM")))}, "name", 1,
        ),
        "surname, a modality": lambda draw: (
            {"text": draw.choice(surnames), "modalities": (draw.choice(("CT", "MR", "XA")),)}, "-date", 1,
        ),
        "in conflict": lambda draw: ({"state": "conflict"}, "-date", draw.randrange(1, 4)),
        "complete": lambda draw: ({"state": "complete"}, "-date", draw.randrange(1, 4)),
        "everything, page 200": lambda draw: ({}, "-date", 200),
        "everything, last page": lambda draw: ({}, "-date", pages),
        "everything, middle page": lambda draw: ({}, "-date", pages // 2 - draw.randrange(9)),
    }  # fmt: skip
    for sort in ("date", "name", "id", "modality", "description", "images"):
        found[f"everything, by {sort}"] = lambda draw, sort=sort: (
            {}, draw.choice(("", "-")) + sort, draw.randrange(1, 20),
        )  # type: ignore[misc]  # fmt: skip
    return found


if __name__ == "__main__":
    _fill_and_ask(int(sys.argv[1]))
