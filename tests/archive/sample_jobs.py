"""Jobs for the tests of the lanes."""

from __future__ import annotations

import time
from pathlib import Path

from django_tasks import task


@task()
def note(path: str, text: str) -> str:
    """Write a line; takes no time."""
    with Path(path).open("a") as file:
        file.write(text + "\n")
    return text


@task()
def hang_the_first_time(path: str) -> str:
    """Hangs when it runs first, and is quick when it runs again."""
    first = not Path(path).exists()
    with Path(path).open("a") as file:
        file.write("ran\n")
    if first:
        time.sleep(300)
    return "done"
