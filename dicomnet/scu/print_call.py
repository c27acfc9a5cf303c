"""An association with a printer: what is asked on it, what is answered, and who is told (PS3.4 Annex H)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn, Protocol

from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    Printer,
    PrinterInstance,
)

from dicomnet.diary.entry import End, Entry
from dicomnet.scu.client import Failure, NotAssociated, Patience, Peer, association
from dicomnet.status import Category, category, print_meaning

LONGEST_CONNECT_S = 10.0
SLOWEST_LINE = 500_000  # bytes a second
# The two a printer must tell (PS3.4 H.4.6.2.1.2); asked for more, some refuse all of it.
_STATE = [Tag("PrinterStatus"), Tag("PrinterStatusInfo")]
PRINTER_WORDS = {1: "NORMAL", 2: "WARNING", 3: "FAILURE"}  # PS3.4 H.4.6.2.2


class Outcome(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing said between us and the printer. ``code`` and ``detail`` are put into words elsewhere."""

    operation: str
    code: str
    outcome: Outcome = Outcome.OK
    status: str = ""
    sheet: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class PrinterAddress:
    ae_title: str
    host: str
    port: int
    calling_ae_title: str
    timeout_s: float = 60.0
    tls: bool = False
    certificate: str = ""  # see ``dicomnet.tls.client_context``

    @property
    def peer(self) -> Peer:
        return Peer(self.ae_title, self.host, self.port, self.tls, self.certificate)


class Diary(Protocol):
    """Where a run is written down. Every call has been committed when it returns."""

    def step(self, step: Step) -> None: ...
    def printer(self, status: str, info: str) -> None: ...
    def sending(self, sheet: int, digest: str) -> None: ...
    def asked(self, sheet: int) -> None: ...
    def printed(self, sheet: int) -> None: ...
    def refused(self, sheet: int) -> None: ...
    def check(self) -> None:
        """Raises PrintStopped when the job is not to go on (cancelled, taken over)."""


class PrintStopped(Exception):
    """The run ended before its last sheet: a slug for why, and what goes into its sentence."""

    held = False

    def __init__(self, code: str, **detail: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class PrintHeld(PrintStopped):
    """Nothing is wrong with the job: the printer cannot, or a person has to look first."""

    held = True


class ConnectionLost(PrintStopped):
    """No answer will come on this association: what was asked last is unknown."""


class Refused(PrintStopped):
    """The printer answered, and the answer was no."""


def printer_state_get(opened: Association, meta: UID, message_id: int = 1) -> tuple[int | None, str, str]:
    """Ask a printer how it is (N-GET Printer, PS3.4 H.4.6.2.1).

    Status of the answer, None when none came; Printer Status, empty when the printer does not tell; its Info.
    """
    status, answer = opened.send_n_get(_STATE, Printer, PrinterInstance, msg_id=message_id, meta_uid=meta)
    number = getattr(status, "Status", None)
    word = str(getattr(answer, "PrinterStatus", "") or "").strip().upper()
    info = str(getattr(answer, "PrinterStatusInfo", "") or "").strip()
    return number, word if word in PRINTER_WORDS.values() else "", info


class Call:
    """An open association with a printer, and the diary of what is said on it."""

    def __init__(self, opened: Association, meta: UID, diary: Diary, timeout_s: float) -> None:
        self.association = opened
        self.meta = meta
        self.diary = diary
        self._timeout_s = timeout_s
        self._messages = 0
        self._affected: str = ""
        self._reports: deque[tuple[int, str]] = deque()
        self._stopped = ""
        # Composing a sheet may take its time; every answer has a limit of its own.
        opened.network_timeout = None
        _sending_limit(opened, timeout_s)
        opened.bind(evt.EVT_DIMSE_RECV, self._received)
        opened.bind(evt.EVT_N_EVENT_REPORT, self._reported)

    def message_id(self) -> int:
        self._messages = self._messages % 65535 + 1
        return self._messages

    def created(self, wanted: UID) -> UID:
        """The UID the printer gave to what it just made (PS3.7 10.1.5.1.4); ours when it kept it."""
        return UID(self._affected) if self._affected else wanted

    def ask(
        self,
        operation: str,
        code: str,
        sheet: int | None,
        send: Callable[[], tuple[Dataset, Dataset | None]],
        *,
        detail: dict[str, Any] | None = None,
        data_bytes: int = 0,
    ) -> Dataset:
        """One operation and its answer, written down. Raises Refused or ConnectionLost.

        ``data_bytes`` on a slow line give the answer more time: the wait begins before they are sent.
        """
        started = time.monotonic()
        self.association.dimse_timeout = self._timeout_s + data_bytes / SLOWEST_LINE
        self._affected = ""
        status, answer = self._sent(send, operation, sheet, started)
        number = self.status_of(status, operation, sheet, started)
        outcome = {Category.SUCCESS: Outcome.OK, Category.WARNING: Outcome.WARNING}.get(category(number))
        said = _told(number, status)
        told = dict(detail or {}) | said
        elapsed = elapsed_ms(started)
        if outcome is None:
            self.diary.step(Step(operation, "refused", Outcome.FAILED, f"{number:04X}", sheet, told, elapsed))
            raise Refused("refused", operation=operation, status=f"{number:04X}", sheet=sheet, **said)
        self.diary.step(Step(operation, code, outcome, f"{number:04X}", sheet, told, elapsed))
        self._reports_write()
        return answer if answer is not None else Dataset()

    def status_of(self, status: Dataset, operation: str, sheet: int | None, started: float) -> int:
        """The status answered; without one the connection is over, and why goes into the diary."""
        number = getattr(status, "Status", None)
        return int(number) if number is not None else self.lost(operation, sheet, started)

    def lost(self, operation: str, sheet: int | None, started: float) -> NoReturn:
        """No answer came: write down why, and raise ConnectionLost."""
        elapsed = elapsed_ms(started)
        silent = elapsed >= self._timeout_s * 950
        code = "no-answer" if silent else "connection-lost"
        self.diary.step(
            Step(operation, code, Outcome.FAILED, "", sheet, {"seconds": round(elapsed / 1000)}, elapsed)
        )
        raise ConnectionLost(code, operation=operation, sheet=sheet, seconds=round(elapsed / 1000))

    def go_on(self) -> None:
        """Raises PrintStopped when the printer has stopped, or nobody wants the job any more."""
        self._reports_write()
        if self._stopped:
            raise PrintHeld("printer-failure", info=self._stopped)
        self.diary.check()

    def printer_is(
        self, word: str, info: str, operation: str, status: str, elapsed: float | None = None
    ) -> None:
        """Printer Status (2110,0010) as asked or reported."""
        outcome = {"NORMAL": Outcome.OK, "WARNING": Outcome.WARNING}.get(word, Outcome.FAILED)
        self._stopped = (info or word) if word == "FAILURE" else ""
        self.diary.printer(word, info)
        self.diary.step(
            Step(operation, f"printer-{word.lower()}", outcome, status, None, {"info": info}, elapsed)
        )

    def _reported(self, event: evt.Event) -> tuple[int, None]:
        """N-EVENT-REPORT of the Printer, H.4.6.2.2. Arrives in a thread of its own: only noted here."""
        information = event.event_information
        info = str(getattr(information, "PrinterStatusInfo", "") or "").strip()
        self._reports.append((event.event_type or 0, info))
        return 0x0000, None

    def _reports_write(self) -> None:
        while self._reports:
            number, info = self._reports.popleft()
            word = PRINTER_WORDS.get(number)
            if word is not None:
                self.printer_is(word, info, "N-EVENT-REPORT Printer", word)

    def _sent(
        self,
        send: Callable[[], tuple[Dataset, Dataset | None]],
        operation: str,
        sheet: int | None,
        started: float,
    ) -> tuple[Dataset, Dataset | None]:
        if not self.association.is_established:
            self.lost(operation, sheet, started)
        return send()

    def _received(self, event: evt.Event) -> None:
        command = event.message.command_set
        if command.get("CommandField") == 0x8140:  # N-CREATE-RSP, PS3.7 E.1
            self._affected = str(command.get("AffectedSOPInstanceUID") or "")


@contextmanager
def printer_association(
    printer: PrinterAddress, colour: bool, diary: Diary, entry: Entry | None = None
) -> Iterator[Call]:
    """An open association with the printer, released at the end, or aborted when something broke."""
    meta = BasicColorPrintManagementMeta if colour else BasicGrayscalePrintManagementMeta
    context = build_context(meta, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    patience = Patience(
        connect=min(LONGEST_CONNECT_S, printer.timeout_s), answer=printer.timeout_s, network=printer.timeout_s
    )
    calling = printer.calling_ae_title
    started = time.monotonic()
    try:
        with association(printer.peer, [context], calling=calling, patience=patience, entry=entry) as opened:
            detail = {"printer": printer.ae_title}
            diary.step(Step("A-ASSOCIATE", "connected", detail=detail, duration_ms=elapsed_ms(started)))
            call = Call(opened, meta, diary, printer.timeout_s)
            try:
                yield call
            except PrintStopped:
                _hang_up(call)
                raise
            _hang_up(call)
    except NotAssociated as error:
        if entry is not None:
            entry.over(End.FAILED, reason=error.failure.value, detail=error.detail)
        _not_associated(error, printer, diary, elapsed_ms(started))


_NOT_ASSOCIATED = {
    Failure.NAME_NOT_RESOLVED: ("unreachable", "name"),
    Failure.REFUSED: ("unreachable", ""),
    Failure.UNREACHABLE: ("unreachable", ""),
    Failure.TIMEOUT: ("unreachable", ""),
    Failure.REJECTED_CALLING: ("rejected", "calling-title"),
    Failure.REJECTED_CALLED: ("rejected", "called-title"),
    Failure.REJECTED_LIMIT: ("rejected", "busy"),
    Failure.REJECTED: ("rejected", ""),
    Failure.ABORTED: ("connection-lost", ""),
    Failure.CLOSED: ("connection-lost", ""),
    Failure.NO_ANSWER: ("no-answer", ""),
    Failure.NOTHING_ACCEPTED: ("service-refused", ""),
    Failure.NO_TLS: ("no-tls", ""),
}


def _hang_up(call: Call) -> None:
    if call.association.is_established:
        started = time.monotonic()
        call.association.release()
        call.diary.step(Step("A-RELEASE", "released", duration_ms=elapsed_ms(started)))


def _not_associated(error: NotAssociated, printer: PrinterAddress, diary: Diary, elapsed: float) -> NoReturn:
    code, reason = _NOT_ASSOCIATED[error.failure]
    detail = {
        "printer": printer.ae_title,
        "host": printer.host,
        "port": printer.port,
        "seconds": round(elapsed / 1000),
        "reason": reason,
        "technical": error.detail[:200],
    }
    diary.step(Step("A-ASSOCIATE", code, Outcome.FAILED, detail=detail, duration_ms=elapsed))
    raise ConnectionLost(code, operation="A-ASSOCIATE", **detail)


def _sending_limit(opened: Association, timeout_s: float) -> None:
    """A printer that stops reading must not hold us: without a limit, sending (and aborting) never ends."""
    transport = opened.dul.socket
    if transport is not None and transport.socket is not None:
        transport.socket.settimeout(timeout_s)


def _told(number: int, status: Dataset) -> dict[str, str]:
    """What the number means, and what the printer says beside it: comment and attributes (PS3.7 C)."""
    told = {}
    if meaning := print_meaning(number):
        told["meaning"] = meaning
    if comment := str(getattr(status, "ErrorComment", "") or "").strip():
        told["comment"] = comment[:64]
    attributes = getattr(status, "AttributeIdentifierList", None)
    if attributes:
        tags = attributes if isinstance(attributes, list | tuple) else [attributes]
        told["attributes"] = ", ".join(str(tag) for tag in tags[:8])
    return told


def elapsed_ms(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)
