"""Print SCPs for tests: DCMTK's ``dcmprscp``, and a strict one of pynetdicom that can misbehave."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    Printer,
    PrinterInstance,
)

_CONFIG = """\
[[GENERAL]]
[APPLICATION]
LogDirectory = {folder}/log
LogFile = general.log
LogLevel = WARN
MessagePort = 0
[PRINT]
Spooler = dcmprscu
Server = dcmprscp
Directory = {folder}/spool
DetailedLog = false
BinaryLog = false
Sleep = 1
DeletePrintJobs = false
AlwaysDeleteTerminateJobs = false
[DATABASE]
Directory = {folder}/database
[NETWORK]
aetitle = LIGHTBOX
[LUT]
Directory = {folder}/lut
[[COMMUNICATION]]
[FILM]
Aetitle = FILM
Description = printer of the tests
Hostname = 127.0.0.1
Port = {port}
Type = LOCALPRINTER
BorderDensity = 150\\20\\BLACK\\WHITE
EmptyImageDensity = 20\\BLACK\\WHITE
DisableNewVRs = false
ImplicitOnly = {implicit}
MaxPDU = 32768
DisplayFormat = 1,1\\2,2
FilmDestination = MAGAZINE\\PROCESSOR
FilmSizeID = 8INX10IN\\14INX17IN\\A4
MagnificationType = REPLICATE\\BILINEAR\\CUBIC\\NONE
MediumType = PAPER\\CLEAR FILM\\BLUE FILM
MaxDensity = 320\\300
MinDensity = 20\\25
Supports12Bit = true
SupportsPresentationLUT = true
SupportsTrim = true
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def dcmprscp(folder: Path, *, implicit: bool = False) -> Iterator[int]:
    """DCMTK's print SCP with AE title FILM; yields its port. Films land in ``folder/database``."""
    for name in ("log", "spool", "database", "lut"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "print.cfg"
    config.write_text(
        _CONFIG.format(folder=folder, port=port, implicit="true" if implicit else "false"), "ascii"
    )
    with (folder / "dcmprscp.log").open("wb") as log:
        server = subprocess.Popen(
            ["dcmprscp", "-c", str(config), "-p", "FILM"], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_listening(port, server)
            yield port
        finally:
            server.terminate()
            server.wait(10)


def wait_listening(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"dcmprscp ended with {server.returncode}")


def films_of(folder: Path) -> list[np.ndarray]:
    """The hardcopy images dcmprscp kept, in the order they came."""
    files = [path for path in (folder / "database").glob("*.dcm") if path.name.startswith("HG")]
    ordered = sorted(files, key=lambda path: path.stat().st_mtime_ns)
    return [dcmread(path).pixel_array for path in ordered]


def print_objects_of(folder: Path) -> list[Dataset]:
    """The Stored Print objects dcmprscp wrote at each N-ACTION: what the film would have been."""
    files = sorted((folder / "database").glob("SP*.dcm"), key=lambda path: path.stat().st_mtime_ns)
    return [dcmread(path) for path in files]


@dataclass
class Whims:
    """How the strict printer misbehaves; by default not at all."""

    status: str = "NORMAL"
    status_info: str = "NORMAL"
    refuse_film_box: int = 0  # status to answer
    refuse_image: int = 0
    refuse_action: int = 0
    no_image_boxes: bool = False
    drop_at: str = ""  # operation at which the connection breaks: "N-SET", "N-ACTION" ...
    silent_at: str = ""  # operation that is never answered
    pause_at: tuple[str, int] = ("", 0)  # the n-th such operation waits for ``hold``
    say_failure_after: int = 0  # send N-EVENT-REPORT FAILURE with the n-th N-ACTION
    own_uids: bool = False  # the SCP names film session and film box itself


@dataclass
class StrictPrinter:
    """A print SCP that refuses what is out of order and remembers everything."""

    whims: Whims = field(default_factory=Whims)
    said: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    films: list[np.ndarray] = field(default_factory=list)
    images: list[Dataset] = field(default_factory=list)
    film_boxes: list[Dataset] = field(default_factory=list)
    sessions: list[Dataset] = field(default_factory=list)
    port: int = 0
    _session: str = ""
    _box: str = ""
    _box_printed: bool = False
    _image_box: str = ""
    _image: np.ndarray | None = None
    released: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    hold: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    @property
    def operations(self) -> list[str]:
        return [said.split(" ")[0] for said in self.said]

    def on_get(self, event: evt.Event) -> tuple[int, Dataset | None]:
        if not self._note(event, "N-GET"):
            return 0x0110, None
        request = event.request
        if request.RequestedSOPClassUID != Printer or request.RequestedSOPInstanceUID != PrinterInstance:
            return self._fault("N-GET of something else than the printer"), None
        answer = Dataset()
        answer.PrinterStatus, answer.PrinterStatusInfo = self.whims.status, self.whims.status_info
        answer.PrinterName = "strict"
        return 0x0000, answer

    def on_create(self, event: evt.Event) -> tuple[int, Dataset | None]:
        request, ask = event.request, event.attribute_list
        kind = str(request.AffectedSOPClassUID)
        if not self._note(event, "N-CREATE"):
            return 0x0110, None
        if kind == BasicFilmSession:
            return self._session_create(event, ask)
        if kind == BasicFilmBox:
            return self._film_box_create(event, ask)
        return self._fault(f"N-CREATE of {kind}"), None

    def _session_create(self, event: evt.Event, ask: Dataset) -> tuple[int, Dataset | None]:
        if self._session:
            return self._fault("a second film session"), None
        self._session = self._named(event)
        self.sessions.append(ask)
        return 0x0000, _copy(ask)

    def _film_box_create(self, event: evt.Event, ask: Dataset) -> tuple[int, Dataset | None]:
        if self.whims.refuse_film_box:
            return self.whims.refuse_film_box, None
        reference = ask.ReferencedFilmSessionSequence[0]
        if reference.ReferencedSOPClassUID != BasicFilmSession:
            return self._fault("film box under no session class"), None
        if reference.ReferencedSOPInstanceUID != self._session:
            return self._fault("film box under another session"), None
        if self._box and not self._box_printed:
            return 0xC616, None
        if ask.ImageDisplayFormat != "STANDARD\\1,1":
            return self._fault(f"display format {ask.ImageDisplayFormat}"), None
        self._box, self._box_printed = self._named(event), False
        self._image_box, self._image = generate_uid(), None
        self.film_boxes.append(ask)
        answer = _copy(ask)
        if not self.whims.no_image_boxes:
            item = Dataset()
            item.ReferencedSOPClassUID = self._image_class
            item.ReferencedSOPInstanceUID = self._image_box
            answer.ReferencedImageBoxSequence = [item]
        return 0x0000, answer

    def on_set(self, event: evt.Event) -> tuple[int, Dataset | None]:
        request, ask = event.request, event.modification_list
        if not self._note(event, "N-SET"):
            return 0x0110, None
        if self.whims.refuse_image:
            return self.whims.refuse_image, None
        if request.RequestedSOPInstanceUID != self._image_box:
            return self._fault("N-SET of an image box that is not ours"), None
        if request.RequestedSOPClassUID != self._image_class:
            return self._fault("N-SET of the other kind of image box"), None
        if ask.ImageBoxPosition != 1:
            return self._fault("image box position"), None
        sequence = "BasicColorImageSequence" if self._colour else "BasicGrayscaleImageSequence"
        item = ask[sequence].value[0]
        self.images.append(item)
        self._image = _pixels(item)
        return 0x0000, Dataset()

    def on_action(self, event: evt.Event) -> tuple[int, Dataset | None]:
        if not self._note(event, "N-ACTION"):
            return 0x0110, None
        if event.request.RequestedSOPInstanceUID != self._box or event.action_type != 1:
            return self._fault("N-ACTION of something else"), None
        if self._image is None:
            return self._fault("N-ACTION of an empty film"), None
        if self.whims.refuse_action:
            return self.whims.refuse_action, None
        self.films.append(self._image)
        self._box_printed = True
        if self.whims.say_failure_after == len(self.films):
            report = Dataset()
            report.PrinterStatusInfo = "SUPPLY EMPTY"
            event.assoc.send_n_event_report(
                report, 3, Printer, PrinterInstance, msg_id=77, meta_uid=self._meta
            )
        return 0x0000, None

    def on_delete(self, event: evt.Event) -> int:
        if not self._note(event, "N-DELETE"):
            return 0x0110
        target = event.request.RequestedSOPInstanceUID
        if target == self._box:
            self._box = ""
        elif target == self._session:
            self._session = self._box = ""  # its film boxes go with it, PS3.4 H.4.1.2.3
        else:
            return self._fault("N-DELETE of something unknown")
        return 0x0000

    def _note(self, event: evt.Event, operation: str) -> bool:
        """Remember the operation; False when the whim is to break off here."""
        request = event.request
        kind = getattr(request, "AffectedSOPClassUID", None) or request.RequestedSOPClassUID
        self.said.append(f"{operation} {kind.name.removesuffix(' SOP Class')}")
        self._colour = event.context.abstract_syntax == BasicColorPrintManagementMeta
        self._meta = event.context.abstract_syntax
        if self.whims.silent_at == operation:
            self.hold.wait(30)
        if self.whims.pause_at == (operation, self.operations.count(operation)):
            self.reached.set()
            self.hold.wait(30)
        if self.whims.drop_at == operation:
            event.assoc.dul.socket.socket.shutdown(socket.SHUT_RDWR)
            return False
        return True

    def _named(self, event: evt.Event) -> str:
        """The UID of what is created: the one asked for, or one of our own (PS3.7 10.1.5.1.4)."""
        if not self.whims.own_uids:
            return str(event.request.AffectedSOPInstanceUID)
        uid, dimse = generate_uid(), event.assoc.dimse
        send = dimse.send_msg

        def renamed(response: Any, context_id: int) -> None:
            dimse.send_msg = send
            response.AffectedSOPInstanceUID = uid
            send(response, context_id)

        dimse.send_msg = renamed
        return uid

    def _fault(self, what: str) -> int:
        self.faults.append(what)
        return 0x0110

    @property
    def _image_class(self) -> str:
        return BasicColorImageBox if self._colour else BasicGrayscaleImageBox


def _copy(ask: Dataset) -> Dataset:
    answer = Dataset()
    answer.update(ask)
    return answer


def _pixels(item: Dataset) -> np.ndarray:
    shape = (item.Rows, item.Columns)
    count = item.Rows * item.Columns * item.SamplesPerPixel
    data = np.frombuffer(item.PixelData, "u1" if item.BitsAllocated == 8 else "<u2")[:count]
    if item.SamplesPerPixel == 1:
        assert item.PhotometricInterpretation == "MONOCHROME2"
        return data.reshape(shape)
    assert (item.PhotometricInterpretation, item.PlanarConfiguration) == ("RGB", 1)
    return np.moveaxis(data.reshape(3, *shape), 0, 2)


@contextmanager
def strict_printer(
    whims: Whims | None = None,
    *,
    colour: bool = True,
    implicit_only: bool = False,
    title: str = "FILM",
    tls: ssl.SSLContext | None = None,
) -> Iterator[StrictPrinter]:
    """The strict printer on a free port of this machine."""
    printer = StrictPrinter(whims or Whims())
    entity = AE(ae_title=title)
    entity.require_called_aet = True
    syntaxes = [ImplicitVRLittleEndian] if implicit_only else [ImplicitVRLittleEndian, ExplicitVRLittleEndian]
    entity.add_supported_context(BasicGrayscalePrintManagementMeta, syntaxes)
    if colour:
        entity.add_supported_context(BasicColorPrintManagementMeta, syntaxes)
    server = entity.start_server(
        ("127.0.0.1", 0),
        block=False,
        ssl_context=tls,
        evt_handlers=[
            (evt.EVT_N_GET, printer.on_get),
            (evt.EVT_N_CREATE, printer.on_create),
            (evt.EVT_N_SET, printer.on_set),
            (evt.EVT_N_ACTION, printer.on_action),
            (evt.EVT_N_DELETE, printer.on_delete),
            (evt.EVT_RELEASED, lambda _: printer.released.set()),
            (evt.EVT_CONN_CLOSE, lambda _: printer.gone.set()),
        ],
    )
    printer.port = server.socket.getsockname()[1]
    try:
        yield printer
    finally:
        printer.hold.set()
        server.shutdown()


@contextmanager
def stalling(port: int, after: int) -> Iterator[int]:
    """A way to the printer that takes so many bytes and then no more, with the connection left open."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    ended = threading.Event()
    ends = [listener]

    def carry(source: socket.socket, target: socket.socket, most: int) -> None:
        carried = 0
        with suppress(OSError):
            while carried < most and (data := source.recv(min(16384, most - carried))):
                target.sendall(data)
                carried += len(data)
        ended.wait(60)

    def serve() -> None:
        with suppress(OSError):
            while not ended.is_set():
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", port))
                ends.extend((client, server))
                threading.Thread(target=carry, args=(client, server, after), daemon=True).start()
                threading.Thread(target=carry, args=(server, client, 1 << 40), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        for end in ends:  # whoever still waits at one of them would keep the tests from ending
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
