"""What happened with a film, and what to do about it, in words. Codes come from everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dicomnet.film.advice import Advice
from dicomnet.film.layout import film_size_mm

Text = str | Promise

STEPS: Mapping[str, Text] = {
    "connected": _("Connected to %(printer)s"),
    "printer-normal": _("Asked how the printer is: ready"),
    "printer-warning": _("The printer works, but look at it: %(info)s"),
    "printer-failure": _("The printer has stopped: %(info)s"),
    "printer-silent": _("The printer does not tell how it is. Going on."),
    "session-opened": _("Opened the session. Copies: %(copies)s"),
    "sheet-opened": _("Sheet %(sheet)s: opened, %(film_size)s, %(orientation)s"),
    "picture-sent": _("Sheet %(sheet)s: picture sent, %(columns)s × %(rows)s at %(bits)s bit"),
    "sheet-printed": _("Sheet %(sheet)s: told to print, and the printer took it"),
    "sheet-closed": _("Sheet %(sheet)s: closed"),
    "session-closed": _("Closed the session"),
    "released": _("Hung up"),
    "not-closed": _("The printer did not give back what it kept for us. Nothing is lost by that."),
    "refused": _("The printer refused"),
    "no-answer": _("No answer for %(seconds)s s"),
    "connection-lost": _("The connection broke"),
    "unreachable": _("No connection to %(host)s, port %(port)s"),
    "no-tls": _("No TLS with %(host)s, port %(port)s (%(technical)s)"),
    "rejected": _("The printer turned us away"),
    "service-refused": _("The printer does not offer this kind of printing"),
    "no-image-box": _("Sheet %(sheet)s: the printer gave no place for the picture"),
    "picture-unavailable": _("Sheet %(sheet)s: an image cannot be drawn"),
    "cancelled": _("Cancelled"),
    "said-printed": _("Sheet %(sheet)s: a person saw that it came out"),
    "said-again": _("Sheet %(sheet)s: a person asked to print it again"),
    "retried": _("A person asked to go on"),
    "recovered": _("Taken up again after an interruption"),
    "internal": _("Something unexpected happened in Lightbox PACS"),
}

# What a status means (dicomnet.status.print_meaning): what it is, and what to do.
MEANINGS: Mapping[str, tuple[Text, Text]] = {
    "no-such-attribute": (
        _("The printer does not know a value we asked it to tell."),
        _("Nothing is lost by that."),
    ),
    "invalid-attribute-value": (
        _("The printer does not accept one of the values it was given."),
        _("Compare film size, medium and magnification with what the printer has, then retry."),
    ),
    "attribute-ignored": (_("The printer ignored a value it does not know."), ""),
    "processing-failure": (
        _("The printer could not process this."),
        _("Look at the printer's own display, then retry."),
    ),
    "duplicate-instance": (_("The printer already has an object under this number."), _("Retry.")),
    "no-such-instance": (_("The printer no longer knows the sheet."), _("Retry.")),
    "invalid-argument": (
        _("The printer does not accept one of the values it was given."),
        _("Compare film size, medium and magnification with what the printer has, then retry."),
    ),
    "value-out-of-range": (_("A value was out of the printer's range; it uses its nearest."), ""),
    "invalid-instance": (_("The printer does not accept the number of the object."), _("Retry.")),
    "no-such-class": (
        _("The printer does not know this part of the print service."),
        _("Ask the printer's service whether it prints in grey and in colour."),
    ),
    "class-instance-conflict": (_("The printer took the sheet for something else."), _("Retry.")),
    "missing-attribute": (
        _("The printer wants a value it was not given."),
        _("Choose film size and medium for this printer, then retry."),
    ),
    "missing-value": (
        _("The printer wants a value it was not given."),
        _("Choose film size and medium for this printer, then retry."),
    ),
    "class-not-supported": (
        _("The printer does not support this part of the print service."),
        _("Ask the printer's service whether it prints in grey and in colour."),
    ),
    "no-such-action": (
        _("The printer does not print single sheets."),
        _("Choose another printer."),
    ),
    "not-authorized": (
        _("The printer does not allow us to print."),
        _("Enter our AE title in the printer's list of senders, then retry."),
    ),
    "duplicate-invocation": (_("The printer took our message for one it had."), _("Retry.")),
    "unrecognized-operation": (
        _("The printer did not understand the operation."),
        _("Choose another printer."),
    ),
    "mistyped-argument": (
        _("The printer did not understand one of the values."),
        _("Compare film size, medium and magnification with what the printer has, then retry."),
    ),
    "resource-limitation": (
        _("The printer has no room for this now."),
        _("Wait until it has printed what it has, then retry."),
    ),
    "memory-not-reserved": (_("The printer reserves no memory. The film is not affected."), ""),
    "collation-not-supported": (_("The printer does not sort copies."), ""),
    "empty-session": (_("The printer found a sheet without a picture."), ""),
    "empty-sheet": (
        _("The printer found no picture on the sheet: it may come out empty."),
        _("Look at the film."),
    ),
    "shrunk": (_("The printer shrank the picture to its film. Sizes on it are not true."), ""),
    "density-out-of-range": (
        _("The densities asked for are beyond this printer; it uses its own limits."),
        "",
    ),
    "cropped": (
        _("The printer cut off the edges of the picture."),
        _("Look at the film. An administrator sets the pixel grid of this film size."),
    ),
    "decimated": (
        _("The printer left out rows or columns to make the picture fit."),
        _("Look at the film. An administrator sets the pixel grid of this film size."),
    ),
    "session-without-sheet": (_("The printer found no sheet in the session."), _("Retry.")),
    "queue-full": (
        _("The printer's queue is full."),
        _("Wait until it has printed what it has, then retry."),
    ),
    "image-too-large": (
        _("The picture is larger than the printer's film."),
        _("An administrator sets the pixel grid of this film size; then print again from the study."),
    ),
    "printer-out-of-memory": (
        _("The printer has not enough memory for the picture."),
        _("Wait until it has printed what it has, then retry; or choose a smaller film."),
    ),
    "earlier-sheet-not-printed": (
        _("The printer still holds a sheet that was not printed."),
        _("Look at the printer's own display, then retry."),
    ),
}

# Why a job stopped: what happened, what to do. Filled in with the detail of the job.
STOPS: Mapping[str, tuple[Text, Text]] = {
    "printer-failure": (
        _("The printer has stopped: %(info)s."),
        _("Put that right at the printer, then press Resume."),
    ),
    "in-doubt": (
        _("It is not known whether sheet %(sheet)s came out."),
        _("It was told to print and then no answer came. Look at the printer, then say what you see."),
    ),
    "interrupted": (
        _("The job was interrupted again and again."),
        _("Press Resume to go on. If it happens again, an administrator finds the cause in the log."),
    ),
    "refused": (_("The printer refused."), _("Look at the step below, then retry.")),
    "no-answer": (
        _("The printer did not answer for %(seconds)s s."),
        _("See that it is switched on and not busy, then retry."),
    ),
    "connection-lost": (
        _("The connection to the printer broke."),
        _("See that it is switched on and connected, then retry."),
    ),
    "unreachable": (
        _("The printer cannot be reached at %(host)s, port %(port)s."),
        _("See that it is switched on and that an administrator entered the right address, then retry."),
    ),
    "no-tls": (
        _("The printer is there, but a secured connection with it does not come about."),
        _("An administrator compares what both sides want: whether TLS, which authorities and certificate."),
    ),
    "rejected": (
        _("The printer turned us away."),
        _("Its service should look at why; an administrator can test the connection."),
    ),
    "service-refused": (
        _("The printer does not offer this kind of printing."),
        _("Print in grey instead of colour, or choose another printer."),
    ),
    "no-image-box": (
        _("The printer gave no place for the picture."),
        _("Choose another film size, or ask the printer's service."),
    ),
    "picture-unavailable": (
        _("An image of sheet %(sheet)s cannot be drawn: %(reason)s"),
        _("Print again from the study without it."),
    ),
    "internal": (
        _("Something unexpected happened in Lightbox PACS."),
        _("Retry. If it happens again, an administrator finds the cause in the log."),
    ),
}

# Why the printer turned us away (PS3.8 9.3.4), more exactly than STOPS["rejected"].
REJECTIONS: Mapping[str, tuple[Text, Text]] = {
    "calling-title": (
        _("The printer does not know our AE title."),
        _("Enter our AE title in the printer's list of senders, then retry."),
    ),
    "called-title": (
        _("The printer does not answer to the AE title %(printer)s."),
        _("An administrator corrects the AE title of the printer, then retry."),
    ),
    "busy": (_("The printer is busy with others."), _("Wait a little, then retry.")),
}

# Printer Status Info (2110,0020), the defined terms a person can do something about, PS3.3 C.13.9.1.
SUPPLIES: Mapping[str, Text] = {
    "BAD RECEIVE MGZ": _("receive magazine damaged"),
    "BAD SUPPLY MGZ": _("supply magazine damaged"),
    "CALIBRATING": _("calibrating"),
    "CHECK CHEMISTRY": _("check the chemistry"),
    "CHEMICALS EMPTY": _("chemicals empty"),
    "CHEMICALS LOW": _("chemicals low"),
    "COVER OPEN": _("cover open"),
    "ELEC CONFIG ERR": _("configuration error"),
    "ELEC DOWN": _("out of order"),
    "FILM JAM": _("film jam"),
    "FILM TRANSP ERR": _("film transport disturbed"),
    "FINISHER EMPTY": _("finisher empty"),
    "NO RECEIVE MGZ": _("no receive magazine"),
    "NO RIBBON": _("no ribbon"),
    "NO SUPPLY MGZ": _("no supply magazine"),
    "RECEIVER FULL": _("receiver full"),
    "SUPPLY EMPTY": _("film supply empty"),
    "SUPPLY LOW": _("film supply low"),
    "TONER EMPTY": _("toner empty"),
    "TONER LOW": _("toner low"),
    "QUEUED": _("job in its queue"),
}

ADVICE: Mapping[str, Text] = {
    "no-printer": _("No printer is set up yet. An administrator adds one under Admin, Printers."),
    "no-film-size": _(
        "This printer has no film sizes yet. An administrator adds them under Admin, Printers."
    ),
    "no-colour": _("This printer does not print in colour."),
    "unavailable": _("An image cannot be drawn: %(reason)s"),
    "layout": _("So many cells do not fit on this film."),
    "nothing": _("Nothing is on the film yet. Add images from the left."),
    "printer-unknown": _("%(printer)s has not been asked how it is yet. The job asks before it sends."),
    "printer-warning": _("%(printer)s wants a look: %(info)s"),
    "printer-failure": _("%(printer)s has stopped: %(info)s. The job will wait until it works again."),
    "shrunk": _("Shrunk to %(least)s to fit. Fine detail is lost."),
    "shrunk-range": _("Shrunk to between %(least)s and %(most)s to fit. Fine detail is lost."),
    "colour-lost": _("Colour images come out grey."),
    "enlarged": _("Enlarged %(most)s times: the pixels of the image show."),
    "lossy": _("Compressed with loss before it came here."),
    "empty-cells": _("Empty cells on the last sheet: %(count)s"),
    "one-picture": _("Each sheet is sent as one picture of %(columns)s × %(rows)s at %(bits)s bit."),
    "one-patient": _("One patient on every sheet."),
}

ORIENTATIONS: Mapping[str, Text] = {"PORTRAIT": _("portrait"), "LANDSCAPE": _("landscape")}

MEDIA: Mapping[str, Text] = {
    "PAPER": _("Paper"),
    "CLEAR FILM": _("Clear film"),
    "BLUE FILM": _("Blue film"),
    "MAMMO CLEAR FILM": _("Clear film, mammography"),
    "MAMMO BLUE FILM": _("Blue film, mammography"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened in one sentence, and what to do in another."""

    what: str
    todo: str


def step_sentence(code: str, *, sheet: int | None, detail: Mapping[str, Any]) -> str:
    """The step in words."""
    return _filled(STEPS.get(code, code), {**detail, "sheet": sheet})


def step_remark(detail: Mapping[str, Any]) -> str:
    """What the status of a step means, with the printer's own comment; empty when there is nothing to say."""
    what, todo = MEANINGS.get(str(detail.get("meaning", "")), ("", ""))
    parts = [str(what), str(todo)]
    if detail.get("comment"):
        parts.append(f"“{detail['comment']}”")
    if detail.get("attributes"):
        parts.append(str(detail["attributes"]))
    return " ".join(part for part in parts if part)


def stop_notice(error: str, detail: Mapping[str, Any]) -> Notice:
    """Why a job stopped and what to do, from its error code and detail."""
    what, todo = STOPS.get(error, STOPS["internal"])
    if error == "refused" and detail.get("meaning") in MEANINGS:
        what, todo = MEANINGS[str(detail["meaning"])]
    elif error == "rejected" and detail.get("reason") in REJECTIONS:
        what, todo = REJECTIONS[str(detail["reason"])]
    return Notice(_filled(what, detail), _filled(todo, detail))


def advice_sentence(advice: Advice) -> str:
    """The advice in words, without the numbers of its cells."""
    code, values = advice.code, dict(advice.values)
    if code == "shrunk":
        code = "shrunk" if values["least"] == values["most"] else "shrunk-range"
        values = {name: f"{value} %" for name, value in values.items()}
    return _filled(ADVICE.get(code, code), values)


def supply_words(info: str) -> str:
    """Printer Status Info in words; a term of the maker's own stays as it is."""
    return str(SUPPLIES.get(info.strip().upper(), info.strip().lower()))


def film_size_name(film_size_id: str) -> str:
    """``14INX17IN`` as a person writes it: 14 × 17 in."""
    if film_size_mm(film_size_id) is None or film_size_id.startswith("A"):
        return film_size_id
    unit = "in" if film_size_id.endswith("IN") else "cm"
    sides = film_size_id.removesuffix("IN").removesuffix("CM")
    numbers = [side.removesuffix("IN").removesuffix("CM").replace("_", ".") for side in sides.split("X")]
    return f"{' × '.join(numbers)} {unit}"


def medium_name(medium: str) -> str:
    return str(MEDIA.get(medium, medium.capitalize()))


def _filled(sentence: Text, detail: Mapping[str, Any]) -> str:
    """The sentence with its values put in. A per cent sign stands for itself; what is missing stays empty."""
    values = {name: str(value) for name, value in detail.items() if value is not None}
    if "info" in values:
        values["info"] = supply_words(values["info"])
    if "film_size" in values:
        values["film_size"] = film_size_name(values["film_size"])
    if "orientation" in values:
        values["orientation"] = str(ORIENTATIONS.get(values["orientation"], values["orientation"]))
    text = str(sentence)
    for name, value in values.items():
        text = text.replace(f"%({name})s", value)
    return text
