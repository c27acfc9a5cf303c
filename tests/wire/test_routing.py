"""Two archives that pass everything on to each other, with kills in between: each image is in both, once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from tests.objects import ct_slice, part10
from tests.wire.server import ROOT, Scp, environment

RULE = """
import django; django.setup()
from dicomnet.models import AENode, RoutingRule
node = AENode.objects.create(ae_title={title!r}, host="127.0.0.1", port={port})
rule = RoutingRule.objects.create(name="everything")
rule.destinations.add(node)
"""
Lane = Callable[[Scp, str], subprocess.Popen[bytes]]


@pytest.fixture
def lane() -> Iterator[Lane]:
    """Start the process that routes and sends for an archive."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(scp: Scp, title: str) -> subprocess.Popen[bytes]:
        running.append(
            subprocess.Popen(
                [sys.executable, "manage.py", "runjobs", "--queue", "send"],
                cwd=ROOT,
                env=environment(scp.data_dir, PACS_AE_TITLE=title),
            )
        )
        return running[-1]

    yield begin
    for process in running:
        if process.poll() is None:
            process.terminate()
            process.wait(20)


def rule_make(scp: Scp, title: str, port: int) -> None:
    subprocess.run(
        [sys.executable, "-c", RULE.format(title=title, port=port)],
        cwd=ROOT,
        env=environment(scp.data_dir),
        check=True,
    )


def store(scp: Scp, called: str, folder: Path, images: int) -> None:
    """Send new images as a scanner does."""
    folder.mkdir()
    same = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    for number in range(images):
        (folder / f"{number}.dcm").write_bytes(part10(ct_slice(InstanceNumber=number, **same)))
    command = ["storescu", "-aet", "STORESCU", "-aec", called, "+sd", "127.0.0.1", str(scp.port), str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def wait_for(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def images_in(scp: Scp) -> list[str]:
    return [uid for (uid,) in scp.query("SELECT sop_instance_uid FROM archive_instance ORDER BY 1")]


def one(scp: Scp, sql: str) -> int:
    [(value,)] = scp.query(sql)
    return int(value)


@pytest.mark.timeout(180)
def test_nothing_is_lost_doubled_or_sent_in_circles(
    start: Callable[..., Scp], lane: Lane, tmp_path: Path
) -> None:
    here, there = start(PACS_AE_TITLE="HERE"), start(PACS_AE_TITLE="THERE")
    rule_make(here, "THERE", there.port)
    rule_make(there, "HERE", here.port)
    lane(there, "THERE")
    process = lane(here, "HERE")
    store(here, "HERE", tmp_path / "first", 30)
    wait_for(lambda: len(images_in(there)) >= 5)
    process.kill()
    process.wait()
    store(here, "HERE", tmp_path / "second", 10)  # while nothing routes
    lane(here, "HERE")
    wait_for(
        lambda: (
            here.query("SELECT state, total, sent FROM dicomnet_transfer ORDER BY id")
            == [("done", 30, 30), ("done", 10, 10)]
        )
    )
    assert images_in(there) == images_in(here)
    assert len(images_in(here)) == 40
    # The other archive has looked at all of them and sent none back.
    last = one(there, "SELECT MAX(id) FROM archive_event WHERE topic = 'study'")
    wait_for(lambda: one(there, "SELECT COALESCE(MAX(last), 0) FROM dicomnet_routingposition") >= last)
    wait_for(lambda: one(there, "SELECT COUNT(*) FROM dicomnet_routingdue") == 0)
    assert one(there, "SELECT COUNT(*) FROM dicomnet_transfer") == 0
    assert one(here, "SELECT COUNT(*) FROM archive_instancevariant") == 0
