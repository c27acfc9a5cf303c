"""Ingest against Orthanc: both durable, the same senders, TCP_NODELAY on both ends, the order alternating.

``python -m tests.bench.ingest [--rounds N] [--loads ct,tiny,large] [--associations 1,4,8]``. Each run has a
fresh server on an empty folder, and counts when the sender had its last Success and the server lists every
image that was sent.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import MultiFrameGrayscaleWordSecondaryCaptureImageStorage, generate_uid

from tests.objects import ct_slice, part10
from tests.wire.orthanc import ORTHANC
from tests.wire.orthanc import Orthanc as OrthancProcess
from tests.wire.server import Scp, folder_copy, folder_prepare

BARS = {("ct", 4): 0.7}


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: ``count`` images in ``series`` series of one study each."""

    name: str
    title: str
    count: int
    series: int
    rows: int
    frames: int = 1


LOADS = (
    Load("ct", "CT 512 x 512, 0.53 MB", 480, 24, 512),
    Load("tiny", "CT 64 x 64, 9 KB", 1680, 24, 64),
    Load("large", "multi-frame, 40 MB", 16, 16, 512, 80),
)


def load_write(load: Load, folder: Path) -> None:
    """The files, a folder for each series, so that a series stays on one association."""
    noise = np.random.default_rng(1).normal(0, 12, (load.rows, load.rows))
    ramp = np.hypot(*np.mgrid[0 : load.rows, 0 : load.rows]) + 1024 + noise
    pixels = ramp.astype("<i2").tobytes() * load.frames
    for series in range(load.series):
        into = folder / f"{series:03d}"
        into.mkdir(parents=True)
        same = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
        for number in range(load.count // load.series):
            ds: Dataset = ct_slice(
                **same,
                PatientID=f"B{series}",
                PatientName=f"Bench^{series}",
                InstanceNumber=number + 1,
                Rows=load.rows,
                Columns=load.rows,
                PixelData=pixels,
            )
            if load.frames > 1:
                ds.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
                ds.NumberOfFrames = load.frames
            (into / f"{number:04d}.dcm").write_bytes(part10(ds))


class Server(ABC):
    """A durable archive on an empty folder."""

    name: str
    title: str
    port: int

    @abstractmethod
    def images(self) -> int:
        """How many images it lists."""

    @abstractmethod
    def stop(self) -> None: ...


class Lightbox(Server):
    name, title = "Lightbox", "LIGHTBOX"

    def __init__(self, folder: Path, prepared: Path) -> None:
        self.scp = Scp(folder_copy(prepared, folder / "data"), PACS_UNKNOWN_AE="accept")
        self.port = self.scp.port

    def images(self) -> int:
        [(count,)] = self.scp.query("SELECT count(*) FROM archive_instance")
        return int(count)

    def stop(self) -> None:
        self.scp.stop()


class Orthanc(OrthancProcess, Server):
    name = "Orthanc"


def send(server: Server, files: Path, associations: int) -> float:
    """Send a load on several associations at once; the seconds until the last of them is done."""
    series = sorted(files.iterdir())
    began = time.perf_counter()
    senders = [
        subprocess.Popen(
            ["storescu", "-aet", "BENCH", "-aec", server.title, "+sd", "127.0.0.1", str(server.port)]
            + [str(folder) for folder in series[number::associations]],
            env={**os.environ, "TCP_NODELAY": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for number in range(associations)
    ]
    for sender in senders:
        _, said = sender.communicate(timeout=900)
        if sender.returncode or b"E: " in said:
            raise RuntimeError(f"{server.name}: {said[-500:].decode(errors='replace')}")
    return time.perf_counter() - began


def run(name: str, work: Path, prepared: Path, load: Load, files: Path, associations: int) -> float:
    """Images a second of one server, once."""
    folder = Path(tempfile.mkdtemp(dir=work))
    os.sync()
    server: Server = Lightbox(folder, prepared) if name == "Lightbox" else Orthanc(folder)
    try:
        seconds = send(server, files, associations)
        listed = server.images()
        if listed != load.count:
            raise RuntimeError(f"{name} lists {listed} of {load.count} images")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return load.count / seconds


def _row(load: Load, associations: int, rates: dict[str, list[float]]) -> str:
    ours = statistics.median(rates["Lightbox"])
    if "Orthanc" not in rates:
        return f"| {load.title} | {associations} | {ours:.0f} | not installed | | |"
    ratios = sorted(a / b for a, b in zip(rates["Lightbox"], rates["Orthanc"], strict=True))
    bar = BARS.get((load.name, associations))
    met = "" if bar is None else f"{bar:.1f}: {'met' if statistics.median(ratios) >= bar else 'MISSED'}"
    return (
        f"| {load.title} | {associations} | {ours:.0f} | {statistics.median(rates['Orthanc']):.0f} "
        f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) | {met} |"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loads", default=",".join(load.name for load in LOADS))
    parser.add_argument("--associations", default="1,4,8")
    options = parser.parse_args(arguments or [])
    names = ["Lightbox", "Orthanc"] if ORTHANC else ["Lightbox"]
    print("| load | associations | Lightbox, images/s | Orthanc, images/s | ratio | bar |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="lightbox-bench-") as temporary:
        work = Path(temporary)
        folder_prepare(work / "prepared")
        for load in LOADS:
            if load.name not in options.loads.split(","):
                continue
            load_write(load, work / load.name)
            for associations in map(int, options.associations.split(",")):
                rates: dict[str, list[float]] = {name: [] for name in names}
                for number in range(options.rounds):
                    for name in names if number % 2 == 0 else reversed(names):
                        rates[name].append(
                            run(name, work, work / "prepared", load, work / load.name, associations)
                        )
                print(_row(load, associations, rates), flush=True)
            shutil.rmtree(work / load.name)


if __name__ == "__main__":
    main(sys.argv[1:])
