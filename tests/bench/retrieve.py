"""Retrieval against Orthanc: a CT of 200 slices by C-GET and by C-MOVE, with the same DCMTK peers.

``python -m tests.bench.retrieve [--rounds N] [--slices N]``. Both archives hold the same study and keep
running; the order alternates from round to round; TCP_NODELAY is set on both ends. The peers receive and
do not store.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pydicom

from tests.bench.ingest import ORTHANC, Lightbox, Load, Orthanc, Server, load_write, send
from tests.wire.receivers import free_port, running
from tests.wire.server import folder_prepare

BAR = 1.0
_ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}


def ask(*command: str) -> float:
    """Run a DCMTK client to its end; the seconds it took."""
    began = time.perf_counter()
    done = subprocess.run(command, env=_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=600)
    seconds = time.perf_counter() - began
    if done.returncode or "E: " in done.stderr:
        raise RuntimeError(f"{command[0]}: {done.stderr[-500:]}{done.stdout[-500:]}")
    return seconds


def keys(study: str) -> list[str]:
    return ["-k", "0008,0052=STUDY", "-k", f"0020,000D={study}"]


def get(server: Server, study: str) -> float:
    call = ["getscu", "-S", "-aet", "BENCH", "-aec", server.title, "--ignore", "-pdu", "131072"]
    return ask(*call, *keys(study), "127.0.0.1", str(server.port))


def move(server: Server, study: str) -> float:
    call = ["movescu", "-S", "-aet", "BENCH", "-aec", server.title, "-aem", "DEST"]
    return ask(*call, *keys(study), "127.0.0.1", str(server.port))


def servers_start(files: ExitStack, work: Path, destination: int) -> list[Server]:
    """The archives, empty, that know who asks and where to send to."""
    folder_prepare(work / "prepared")
    (work / "ours").mkdir()
    ours = Lightbox(work / "ours", work / "prepared")
    files.callback(ours.stop)
    ours.scp.node("BENCH", allow_get=1, allow_move=1)
    ours.scp.node("DEST", port=destination)
    servers: list[Server] = [ours]
    if ORTHANC:
        (work / "theirs").mkdir()
        theirs = Orthanc(
            work / "theirs",
            DicomModalities={"DEST": ["DEST", "127.0.0.1", destination]},
            DicomAlwaysAllowGet=True,
            DicomAlwaysAllowMove=True,
        )
        files.callback(theirs.stop)
        servers.append(theirs)
    return servers


def _row(name: str, slices: int, seconds: dict[str, list[float]]) -> str:
    ours = statistics.median(seconds["Lightbox"])
    if "Orthanc" not in seconds:
        return f"| {name} | {slices / ours:.0f} | not installed | | |"
    ratios = sorted(b / a for a, b in zip(seconds["Lightbox"], seconds["Orthanc"], strict=True))
    ratio = statistics.median(ratios)
    return (
        f"| {name} | {slices / ours:.0f} | {slices / statistics.median(seconds['Orthanc']):.0f} "
        f"| {ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) "
        f"| {BAR:.1f}: {'met' if ratio >= BAR else 'MISSED'} |"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slices", type=int, default=200)
    options = parser.parse_args(arguments or [])
    print("| service | Lightbox, images/s | Orthanc, images/s | ratio | bar |")
    print("|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="lightbox-bench-") as temporary, ExitStack() as files:
        work, destination = Path(temporary), free_port()
        load_write(Load("ct", "CT 512 x 512", options.slices, 1, 512), work / "ct")
        first = next((work / "ct").rglob("*.dcm"))
        study = str(pydicom.dcmread(first, stop_before_pixels=True).StudyInstanceUID)
        receiver = ["storescp", "--ignore", "-pdu", "131072", str(destination)]
        files.enter_context(running(receiver, destination, env=_ENVIRONMENT))
        servers = servers_start(files, work, destination)
        for server in servers:
            send(server, work / "ct", 1)
        services: dict[str, Callable[[Server, str], float]] = {"C-GET": get, "C-MOVE": move}
        for name, service in services.items():
            seconds: dict[str, list[float]] = {server.name: [] for server in servers}
            for number in range(options.rounds + 1):
                for server in servers if number % 2 else reversed(servers):
                    took = service(server, study)
                    if number:  # the first round fills the caches of both
                        seconds[server.name].append(took)
            print(_row(name, options.slices, seconds), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
