"""A connection test in plain words: what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from pynetdicom.sop_class import Verification

from dicomnet.familiar import MATRIX_SYNTAXES
from dicomnet.labels import class_label, syntax_label
from dicomnet.models import NodeProbe
from dicomnet.print_sentences import supply_words

NAMES: dict[str, Promise] = {
    "tcp": _("Connection"),
    "association": _("Association"),
    "echo": _("Echo"),
    "contexts": _("It accepts"),
    "printer": _("Printer"),
}

# (what happened, what to do). The words in %(…)s come from the step's detail.
_WORDS: dict[tuple[str, str], tuple[Promise | str, Promise | str]] = {
    ("tcp", "connected"): (_("%(host)s:%(port)s answers."), ""),
    ("tcp", "name-not-resolved"): (
        _("The name “%(host)s” is not known."),
        _("Correct the host, or give its IP address."),
    ),
    ("tcp", "refused"): (
        _("%(host)s is there, but nothing listens on port %(port)s."),
        _("Start the device's DICOM service, or correct the port."),
    ),
    ("tcp", "timeout"): (
        _("%(host)s:%(port)s does not answer."),
        _("The device is off, the address is wrong, or a firewall drops the connection."),
    ),
    ("tcp", "unreachable"): (
        _("There is no way to %(host)s."),
        _("Correct the host, or ask the network's people for a route."),
    ),
    ("association", "accepted"): (_("It accepts %(accepted)s of %(proposed)s proposals."), ""),
    ("association", "rejected-calling"): (
        _("It does not know us as “%(calling)s”."),
        _("Add our AE title, address and port to the device's list of partners."),
    ),
    ("association", "rejected-called"): (
        _("It is not called “%(called)s”."),
        _("Correct the AE title: capitals count."),
    ),
    ("association", "rejected-limit"): (
        _("It has too many associations now."),
        _("Try again in a moment. If it stays so, raise the device's limit."),
    ),
    ("association", "rejected"): (
        _("It rejects the association (%(said)s)."),
        _("The device's log says why."),
    ),
    ("association", "aborted"): (
        _("It aborts the association."),
        _("Often our AE title is missing in the device's list of partners. Its log says why."),
    ),
    ("association", "closed"): (
        _("It closes the connection without a word."),
        _("Often it wants TLS, lets only certain addresses in, or is no DICOM device."),
    ),
    ("association", "no-answer"): (
        _("It connects, but does not answer within %(seconds)s s."),
        _("The port may belong to something else, or the device is overloaded. Restart its DICOM service."),
    ),
    ("association", "nothing-accepted"): (
        _("It accepts the association, but none of the services."),
        _("Allow this archive more on the device."),
    ),
    ("tcp", "no-tls"): (
        _("%(host)s:%(port)s is there, but TLS with it does not come about (%(said)s)."),
        _("Compare what both sides want: whether TLS, which authorities, which certificate of the node."),
    ),
    ("association", "role-refused"): (
        _("It does not let us report results (it refuses the role)."),
        _("Allow this archive on the device as a provider of storage commitment."),
    ),
    ("association", "unexpected"): (_("The test itself failed."), _("The archive's log says why.")),
    ("echo", "echoed"): (_("It answers."), ""),
    ("echo", "echo-not-accepted"): (
        _("It does not support echo."),
        _("Nothing to do: other services can work all the same."),
    ),
    ("echo", "echo-status"): (_("It answers with a failure."), _("The device's log says why.")),
    ("echo", "no-answer"): (
        _("It does not answer within %(seconds)s s."),
        _("The device is overloaded. Restart its DICOM service."),
    ),
    ("echo", "aborted"): (_("It aborts the association."), _("The device's log says why.")),
    ("contexts", "takes"): (_("It takes %(accepted)s of %(asked)s kinds of objects and services."), ""),
    ("contexts", "nothing-but-echo"): (
        _("It takes nothing but echo."),
        _("Images cannot be sent to it. Allow this archive more on the device if they should be."),
    ),
    ("contexts", "no-greyscale-print"): (
        _("It does not print greyscale film."),
        _("Ask for its conformance statement: Basic Grayscale Print Management is needed."),
    ),
    ("printer", "normal"): (_("It is ready."), ""),
    ("printer", "warning"): (_("It works, but wants a look: %(info)s."), ""),
    ("printer", "failure"): (
        _("It has stopped: %(info)s."),
        _("Put that right at the printer. Jobs wait until it works again."),
    ),
    ("printer", "silent"): (
        _("It does not tell how it is."),
        _("Nothing to do: jobs are sent all the same."),
    ),
    ("printer", "no-answer"): (
        _("It does not answer within %(seconds)s s."),
        _("The device is overloaded. Restart its DICOM service."),
    ),
    ("printer", "aborted"): (_("It aborts the association."), _("The device's log says why.")),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A step as it is shown."""

    name: str
    outcome: str
    sentence: str
    advice: str
    status: str
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Row:
    """A class of the matrix: a cell for each column, None where the pair was not asked."""

    label: str
    cells: tuple[bool | None, ...]


def line_of(step: Mapping[str, Any]) -> Line:
    """Put a step of ``NodeProbe.steps`` into the current language."""
    sentence, advice = _WORDS.get((step["name"], step["code"]), (step["code"], ""))
    detail = {"host": "", "port": "", "said": "", **step.get("detail", {})}
    if "info" in detail:
        detail["info"] = supply_words(detail["info"])
    return Line(
        name=str(NAMES.get(step["name"], step["name"])),
        outcome=step["outcome"],
        sentence=str(sentence) % detail,
        advice=str(advice) % detail,
        status=step.get("status", ""),
        duration_ms=step.get("duration_ms", 0.0),
    )


def failure_words(failure: str, detail: Mapping[str, Any]) -> tuple[str, str]:
    """Why there was no association, what to do. ``detail``: host, port, called, calling, said, seconds."""
    name = "tcp" if ("tcp", failure) in _WORDS else "association"
    if (name, failure) not in _WORDS:
        failure = "unexpected"
    line = line_of({"name": name, "code": failure, "outcome": "failed", "detail": detail})
    return line.sentence, line.advice


def lines_of(probe: NodeProbe) -> list[Line]:
    """The steps taken so far."""
    return [line_of(step) for step in probe.steps]


def matrix_of(probe: NodeProbe) -> tuple[list[str], list[Row]]:
    """(column labels, rows) of what the peer accepts; both empty before the step that finds out."""
    asked: Mapping[str, Mapping[str, bool]] = {
        uid: row for uid, row in probe.accepted.items() if uid != Verification
    }
    columns = [uid for uid in map(str, MATRIX_SYNTAXES) if any(uid in row for row in asked.values())]
    rows = [Row(class_label(uid), tuple(row.get(column) for column in columns)) for uid, row in asked.items()]
    return [syntax_label(uid) for uid in columns], rows


def summary_of(probe: NodeProbe) -> str:
    """The test in one line: running, well, or the first thing that is wrong."""
    if probe.state != NodeProbe.State.DONE:
        return translate("Testing …")
    for line in lines_of(probe):
        if line.outcome == "failed":
            return line.sentence
    return translate("It works.") if probe.ok else translate("The test was cut short. Test again.")
