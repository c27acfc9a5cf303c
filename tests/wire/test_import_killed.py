"""An import killed at any moment: nothing half there, and the next run finishes it."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.objects import ct_slice, part10
from tests.wire.server import ROOT, environment, folder_copy, manage

ROUNDS, FILES = 2, 80


def counts(data_dir: Path) -> tuple[int, int, int]:
    """Instances, what the study's counter says, and what lies in the staging folder."""
    with sqlite3.connect(data_dir / "pacs.sqlite3", timeout=30) as database:
        (instances,) = database.execute("SELECT count(*) FROM archive_instance").fetchone()
        (counted,) = database.execute(
            "SELECT coalesce(sum(number_of_instances), 0) FROM archive_study"
        ).fetchone()
    staged = data_dir / "store" / "staging"
    return instances, counted, len(list(staged.iterdir())) if staged.is_dir() else 0


@pytest.mark.timeout(300)  # starts a dozen processes
def test_killed_import_leaves_every_row_with_its_file_and_is_finished_by_the_next(
    prepared: Path, tmp_path: Path
) -> None:
    data_dir, source = folder_copy(prepared, tmp_path / "data"), tmp_path / "source"
    source.mkdir()
    first = ct_slice()
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    for number in range(FILES):
        (source / f"{number:03}.dcm").write_bytes(part10(ct_slice(**same, InstanceNumber=number)))
    chance = random.Random(8)
    command = [sys.executable, "manage.py", "importdicom", str(source)]
    for _ in range(ROUNDS):
        before = counts(data_dir)[0]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(data_dir), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and counts(data_dir)[0] == before:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        process.wait()
        instances, counted, _staged = counts(data_dir)
        assert before < instances == counted
        found = manage(data_dir, "fsck", "--grace", "0", check=False)
        assert "missing" not in found.stdout
        assert "altered" not in found.stdout
    assert manage(data_dir, "fsck", "--grace", "0", "--repair").returncode == 0
    finished = manage(data_dir, "importdicom", str(source))
    assert "refused" not in finished.stdout
    assert counts(data_dir) == (FILES, FILES, 0)
    assert manage(data_dir, "fsck", "--grace", "0").stdout == f"{FILES} rows and {FILES} files checked.\n"
