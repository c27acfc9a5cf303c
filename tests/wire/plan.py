"""Plans steps for the server under test: ``python -m tests.wire.plan`` with JSON on its input.

Each entry holds changes to ``tests.plans.planned``, or ``{"file": path}`` for a worklist file.
"""

from __future__ import annotations

import json
import sys
from datetime import date, time
from pathlib import Path

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402

from dicomnet.worklist import step_schedule  # noqa: E402
from dicomnet.worklist_import import steps_import  # noqa: E402
from tests.plans import planned  # noqa: E402


def main() -> None:
    by = get_user_model().objects.filter(is_superuser=True).first()
    by = by or get_user_model().objects.create_superuser("planner")
    for entry in json.load(sys.stdin):
        if "file" in entry:
            done = steps_import(name="file", data=Path(entry["file"]).read_bytes(), by=by)
            assert not done.problems, done.problems
            continue
        for name, read in (("start_date", date), ("start_time", time)):
            if name in entry:
                entry[name] = read.fromisoformat(entry[name])
        step_schedule(planned=planned(**entry), by_name="test")


if __name__ == "__main__":
    main()
