"""Print SCU (PS3.4 Annex H): one association, one film session, sheets one after the other.

``film_print`` is the straight list of steps. It knows no database: what must be remembered goes to a
``Diary``, each thing at the moment it is known. The one promise that matters on film: the diary hears
``asked`` before a printer can, and ``printed`` or ``refused`` only after the printer answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid
from pynetdicom.sop_class import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
)

from dicomnet.diary.entry import Entry
from dicomnet.film.compose import bitmap_digest
from dicomnet.film.layout import Film
from dicomnet.scu.print_call import (
    Call,
    Diary,
    Outcome,
    PrinterAddress,
    Refused,
    Step,
    elapsed_ms,
    printer_association,
    printer_state_get,
)
from dicomnet.status import Category, category


@dataclass(frozen=True, slots=True)
class FilmRequest:
    """What is the same for every sheet of a job."""

    film: Film
    film_size: str
    orientation: str
    copies: int = 1
    medium: str = ""
    label: str = ""
    magnification: str = ""
    min_density: int | None = None
    max_density: int | None = None


@dataclass(frozen=True, slots=True)
class SheetPicture:
    """A sheet ready to be sent. ``bitmap`` is called once, before its film box is opened."""

    number: int
    bitmap: Callable[[], npt.NDArray[Any]]


def film_print(
    *,
    printer: PrinterAddress,
    request: FilmRequest,
    sheets: Sequence[SheetPicture],
    diary: Diary,
    entry: Entry | None = None,
) -> None:
    """Print the sheets in order. Returns when the last one is printed, raises PrintStopped otherwise.

    ``entry`` is that of the association diary, filled in when it is given.
    """
    with printer_association(printer, request.film.colour, diary, entry) as call:
        printer_ask(call)  # N-GET Printer, H.4.6.2.1
        session = _session_open(call, request)  # N-CREATE Film Session, H.4.1.2.1
        try:
            for sheet in sheets:
                call.go_on()
                bitmap = sheet.bitmap()
                box, image = _film_box_open(
                    call, request, session, sheet.number
                )  # N-CREATE Film Box, H.4.2.2.1
                _image_send(call, request, image, bitmap, sheet.number)  # N-SET Image Box, H.4.3.1.2.1
                call.go_on()
                _film_box_print(call, box, sheet.number)  # N-ACTION Film Box, H.4.2.2.4
                _close(call, "Film Box", BasicFilmBox, box, sheet.number)  # N-DELETE Film Box, H.4.2.2.3
        finally:
            # Also after a refusal: a session left open keeps memory in the printer. H.4.1.2.3
            _close(call, "Film Session", BasicFilmSession, session, None)


def printer_ask(call: Call) -> str:
    """Printer Status (2110,0010), PS3.4 H.4.6.2.1; a FAILURE holds the job before anything was sent.

    A printer that will not tell is printed to all the same: it can still refuse.
    """
    started = time.monotonic()
    number, word, info = printer_state_get(call.association, call.meta, call.message_id())
    if number is None:
        call.lost("N-GET Printer", None, started)
    elapsed = elapsed_ms(started)
    if word:
        call.printer_is(word, info, "N-GET Printer", f"{number:04X}", elapsed)
    else:
        silent = Step(
            "N-GET Printer", "printer-silent", Outcome.WARNING, f"{number:04X}", duration_ms=elapsed
        )
        call.diary.step(silent)
    call.go_on()
    return word


def _session_open(call: Call, request: FilmRequest) -> UID:
    ask = Dataset()
    ask.NumberOfCopies = request.copies
    ask.PrintPriority = "MED"
    if request.medium:
        ask.MediumType = request.medium
    if request.label:
        ask.FilmSessionLabel = request.label[:64]
    wanted = generate_uid()
    call.ask(
        "N-CREATE Film Session",
        "session-opened",
        None,
        lambda: call.association.send_n_create(
            ask, BasicFilmSession, wanted, msg_id=call.message_id(), meta_uid=call.meta
        ),
        detail={"copies": request.copies, "medium": request.medium},
    )
    return call.created(wanted)


def _film_box_open(call: Call, request: FilmRequest, session: UID, sheet: int) -> tuple[UID, UID]:
    """The film box and its one image box. The UID of the image box is the printer's to choose."""
    ask = Dataset()
    ask.ImageDisplayFormat = "STANDARD\\1,1"
    ask.FilmOrientation = request.orientation
    ask.FilmSizeID = request.film_size
    if request.magnification:
        ask.MagnificationType = request.magnification
    ask.BorderDensity = "BLACK"
    ask.EmptyImageDensity = "BLACK"
    if request.min_density is not None:
        ask.MinDensity = request.min_density
    if request.max_density is not None:
        ask.MaxDensity = request.max_density
    ask.Trim = "NO"
    reference = Dataset()
    reference.ReferencedSOPClassUID = BasicFilmSession
    reference.ReferencedSOPInstanceUID = session
    ask.ReferencedFilmSessionSequence = [reference]
    wanted = generate_uid()
    answer = call.ask(
        "N-CREATE Film Box",
        "sheet-opened",
        sheet,
        lambda: call.association.send_n_create(
            ask, BasicFilmBox, wanted, msg_id=call.message_id(), meta_uid=call.meta
        ),
        detail={"film_size": request.film_size, "orientation": request.orientation},
    )
    boxes = getattr(answer, "ReferencedImageBoxSequence", None) or []
    image = getattr(boxes[0], "ReferencedSOPInstanceUID", "") if boxes else ""
    if not image:
        call.diary.step(Step("N-CREATE Film Box", "no-image-box", Outcome.FAILED, sheet=sheet))
        raise Refused("no-image-box", sheet=sheet)
    return call.created(wanted), UID(image)


def _image_send(call: Call, request: FilmRequest, image: UID, bitmap: npt.NDArray[Any], sheet: int) -> None:
    ask = Dataset()
    ask.ImageBoxPosition = 1
    ask.Polarity = "NORMAL"
    item = image_item(bitmap, request.film)
    if request.film.colour:
        ask.BasicColorImageSequence = [item]
    else:
        ask.BasicGrayscaleImageSequence = [item]
    call.diary.sending(sheet, bitmap_digest(bitmap))
    call.ask(
        "N-SET Image Box",
        "picture-sent",
        sheet,
        lambda: call.association.send_n_set(
            ask,
            BasicColorImageBox if request.film.colour else BasicGrayscaleImageBox,
            image,
            msg_id=call.message_id(),
            meta_uid=call.meta,
        ),
        detail={"columns": request.film.columns, "rows": request.film.rows, "bits": request.film.bits},
        data_bytes=bitmap.nbytes,
    )


def _film_box_print(call: Call, box: UID, sheet: int) -> None:
    """Ask for the film. From here until the answer nobody but the printer knows whether it comes out."""
    call.diary.asked(sheet)
    try:
        call.ask(
            "N-ACTION Film Box",
            "sheet-printed",
            sheet,
            lambda: call.association.send_n_action(
                None, 1, BasicFilmBox, box, msg_id=call.message_id(), meta_uid=call.meta
            ),
        )
    except Refused:
        call.diary.refused(sheet)
        raise
    call.diary.printed(sheet)


def _close(call: Call, name: str, sop_class: UID, instance: UID, sheet: int | None) -> None:
    """Give back what the printer keeps for us. What is printed is printed: a refusal is only noted."""
    if not call.association.is_established:
        return
    started = time.monotonic()
    operation = f"N-DELETE {name}"
    status = call.association.send_n_delete(sop_class, instance, msg_id=call.message_id(), meta_uid=call.meta)
    number = getattr(status, "Status", None)
    ok = number is not None and category(number) is not Category.FAILURE
    code = "sheet-closed" if sheet else "session-closed"
    call.diary.step(
        Step(
            operation,
            code if ok else "not-closed",
            Outcome.OK if ok else Outcome.WARNING,
            "" if number is None else f"{number:04X}",
            sheet,
            {},
            elapsed_ms(started),
        )
    )


def image_item(bitmap: npt.NDArray[Any], film: Film) -> Dataset:
    """The item of Basic Grayscale or Color Image Sequence (PS3.3 C.13.5)."""
    item = Dataset()
    item.SamplesPerPixel = 3 if film.colour else 1
    item.PhotometricInterpretation = "RGB" if film.colour else "MONOCHROME2"
    if film.colour:
        item.PlanarConfiguration = 1  # the only value allowed: plane by plane
        bitmap = np.moveaxis(bitmap, 2, 0)
    item.Rows, item.Columns = film.rows, film.columns
    item.PixelAspectRatio = [1, 1]
    item.BitsAllocated = 8 if film.bits == 8 else 16
    item.BitsStored = film.bits
    item.HighBit = film.bits - 1
    item.PixelRepresentation = 0
    data = np.ascontiguousarray(bitmap, "u1" if film.bits == 8 else "<u2").tobytes()
    item.add_new("PixelData", "OB" if film.bits == 8 else "OW", data + b"\0" * (len(data) % 2))
    return item
