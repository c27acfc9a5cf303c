"""Store SCPs for tests: DCMTK's ``storescp``, and one of pynetdicom that answers what a test wants."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, evt

from tests.objects import part10
from tests.wire.printers import free_port, wait_listening


@dataclass
class Whims:
    """How the receiver behaves, and what it saw."""

    statuses: dict[str, int] = field(default_factory=dict)  # SOP Instance UID -> status
    status: int = 0x0000  # of all others
    comment: str = ""
    abort_at: int = 0  # break the connection at this request, counted over all associations
    abort_on: str = ""  # ... or at this object, each time
    seconds: float = 0.0  # to think over each object
    got: list[str] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)


@contextmanager
def receiver(
    whims: Whims | None = None,
    *,
    port: int = 0,
    classes: Sequence[str] = (CTImageStorage,),
    syntaxes: Sequence[str] = (ExplicitVRLittleEndian,),
) -> Iterator[tuple[int, Whims]]:
    """A receiver on loopback that is called WEST; gives its port and what it sees."""
    whims = whims or Whims()
    lock = threading.Lock()

    def on_store(event: Any) -> Any:
        uid = str(event.request.AffectedSOPInstanceUID)
        with lock:
            whims.got.append(uid)
            count = len(whims.got)
        if whims.seconds:
            time.sleep(whims.seconds)
        if (whims.abort_at and count == whims.abort_at) or uid == whims.abort_on:
            event.assoc.abort()
            return 0x0000
        answer = Dataset()
        answer.Status = whims.statuses.get(uid, whims.status)
        if whims.comment and answer.Status:
            answer.ErrorComment = whims.comment
        return answer

    def on_accept(event: Any) -> None:
        whims.callers.append(str(event.assoc.requestor.ae_title).strip())

    ae = AE("WEST")
    for uid in classes:
        ae.add_supported_context(uid, list(syntaxes))
    server = ae.start_server(
        ("127.0.0.1", port),
        block=False,
        evt_handlers=[(evt.EVT_C_STORE, on_store), (evt.EVT_ACCEPTED, on_accept)],
    )
    try:
        yield server.server_address[1], whims
    finally:
        server.shutdown()


@contextmanager
def storescp(folder: Path, *options: str, port: int = 0) -> Iterator[int]:
    """DCMTK's receiver: what it takes lies in ``folder``."""
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    process = subprocess.Popen(
        ["storescp", "-aet", "WEST", "-od", str(folder), *options, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_listening(port, process)
        yield port
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        if process.poll() is None:
            process.kill()
            process.wait()


def received(folder: Path) -> dict[str, Dataset]:
    """SOP Instance UID -> what lies in the folder of a ``storescp``."""
    found = {}
    for path in folder.iterdir():
        ds = dcmread(path)
        found[str(ds.SOPInstanceUID)] = ds
    return found


_CONFIG = """\
NetworkTCPPort  = {port}
MaxPDUSize      = 16384
MaxAssociations = 16
HostTable BEGIN
lightbox = (LIGHTBOX, 127.0.0.1, {known})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
WEST  {folder}  RW (200, 1024mb)  ANY
AETable END
"""


@contextmanager
def dcmqrscp(folder: Path, objects: Sequence[Dataset], *, known: int = 1) -> Iterator[int]:
    """DCMTK's archive, called WEST, with these objects; it sends to LIGHTBOX at port ``known``."""
    kept, files, port = folder / "kept", folder / "files", free_port()
    kept.mkdir(parents=True)
    files.mkdir()
    config = folder / "dcmqrscp.cfg"
    config.write_text(_CONFIG.format(port=port, known=known, folder=kept), "ascii")
    process = subprocess.Popen(
        ["dcmqrscp", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_listening(port, process)
        for number, ds in enumerate(objects):
            (files / f"{number}.dcm").write_bytes(part10(ds))
        if objects:
            command = ["storescu", "-aec", "WEST", "+sd", "127.0.0.1", str(port), str(files)]
            subprocess.run(command, check=True, capture_output=True)
        yield port
    finally:
        process.terminate()
        process.wait(10)
