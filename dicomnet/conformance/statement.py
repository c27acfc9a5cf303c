"""The statement itself: ``statement()`` is the whole of CONFORMANCE.md.

Chapters are those of PS3.2. Tables come from ``claims``, ``dicomnet.dimse.wire.Limits`` and
``dicomnet.contexts``; words from ``prose``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Final

from archive.storage.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicomnet.conformance.claims import Claim, claims, name_of, uid_key
from dicomnet.conformance.prose import ASKED, SERVICES, Prose
from dicomnet.contexts import Service
from dicomnet.dimse.negotiation import Rejection
from dicomnet.dimse.wire import Limits

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
_MANY: Final = 12  # classes that still stand in the overview one by one

Row = Sequence[str]


def table(head: Row, rows: Iterable[Row]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def statement() -> str:
    """The document, with a line feed at its end."""
    offered = claims()
    parts = [
        "# DICOM conformance statement",
        "Lightbox PACS, an archive with a web viewer. The form follows PS3.2. Its tables are generated from "
        "the code (`manage.py conformance`); a test negotiates every claim against the running server, and "
        "is refused what is not claimed.",
        *_overview(offered),
        "## 2. Introduction",
        "For those who connect devices to this archive. A conformance statement promises that both sides "
        "speak the same language, not that they want the same: test before you rely on it. AE, SCU, SCP, "
        "UID and PDU mean what PS3.8 and PS3.4 say.",
        "## 3. Implementation model",
        "One application entity, `PACS_AE_TITLE`. Its server (`manage.py runscp`) takes associations in "
        "several processes that share one port; its background jobs (`manage.py runjobs`) open associations "
        "when a person or a rule asks for it. Neither waits for the other. Nothing is sent to anybody who "
        "is not an AE node or a printer that an administrator entered.",
        *_policies(offered),
        *_services(offered),
        *_asked(),
        *_rest(),
        *_annexes(offered),
    ]
    return "\n\n".join(parts) + "\n"


def _overview(offered: Sequence[Claim]) -> Iterator[str]:
    yield "## 1. Overview"
    yield "Network services provided:"
    rows = []
    for claim in offered:
        classes = (
            f"{len(claim.classes)} classes: annex A" if len(claim.classes) > _MANY else _listed(claim.classes)
        )
        rows.append((SERVICES[claim.service].name, "SCP", f"`{claim.service}`", classes))
    yield table(("service", "role", "right of the node", "SOP classes"), rows)
    yield "Network services used:"
    yield table(
        ("service", "role", "SOP classes"), ((a.name, "SCU", _listed(a.classes) or "annex A") for a in ASKED)
    )
    yield "Media storage services: none. Files of media are imported with `manage.py importdicom`."


def _listed(uids: Iterable[str]) -> str:
    return "<br>".join(f"{name_of(uid)} ({uid})" for uid in uids)


def _policies(offered: Sequence[Claim]) -> Iterator[str]:
    limits = Limits()
    yield "## 4. Association policies"
    yield "### 4.1 General"
    yield table(("item", "value"), _general(offered, limits))
    yield from _acceptance()
    yield "### 4.3 Limits"
    yield table(("what", "value"), _limits(limits))
    yield "### 4.4 End"
    yield (
        "Released by the requester. What breaks PS3.8 or PS3.7, and silence that lasts too long, end in an "
        "A-ABORT of the service provider with the reason of PS3.8 Table 9-26. Each association, and each "
        "attempt at one, has a page in the administration that says what happened and why."
    )


def _general(offered: Sequence[Claim], limits: Limits) -> list[tuple[str, str]]:
    asked = any(claim.extended is not None for claim in offered)
    return [
        ("application context", APPLICATION_CONTEXT),
        ("implementation class UID", IMPLEMENTATION_CLASS_UID),
        ("implementation version name", IMPLEMENTATION_VERSION_NAME),
        ("largest PDU received", f"{limits.max_pdu} bytes; a longer one aborts the association"),
        ("largest PDU sent", "what the peer says; 128 KiB where it sets no limit"),
        ("asynchronous operations", "1 invoked, 1 performed"),
        ("contexts of an association", "128, as PS3.8 has it"),
        (
            "role selection",
            "answered for accepted classes (5); nothing is answered where nothing is asked",
        ),
        ("extended negotiation", "see each service" if asked else "not used"),
        (
            "user identity",
            "kinds 1 and 2 are checked where a node has to bring them, and confirmed when asked to; "
            "other kinds are noted",
        ),
        (
            "TLS",
            "on a port of its own (`PACS_DICOM_TLS_PORT`): TLS 1.2 and 1.3, ECDHE with AES-GCM or "
            "ChaCha20 (PS3.15 B.12); client certificates off, optional or required; per node required, "
            "and a certificate expected",
        ),
    ]


def _acceptance() -> Iterator[str]:
    yield "### 4.2 Acceptance"
    yield (
        "Asked in this order, of the database, at each association: an edit of a node holds from its next "
        "one on, without a restart."
    )
    yield table(
        ("the request", "answer", "result, source, reason (PS3.8 Table 9-21)"),
        [_rejected(why, rejection) for why, rejection in _REJECTIONS],
    )
    yield (
        "A context is accepted when its SOP class is offered (annex A), the node has the right to its "
        "service, the requester takes a role it may have, and one of its transfer syntaxes can be taken:"
    )
    yield table(
        ("the context", "result (PS3.8 Table 9-18)"),
        [
            ("is accepted", "0 acceptance"),
            ("is of a service the node has no right to, or of a role it may not have", "1 user-rejection"),
            ("is of an SOP class that is not offered", "3 abstract-syntax-not-supported"),
            ("has no transfer syntax that can be taken", "4 transfer-syntaxes-not-supported"),
        ],
    )
    yield (
        "Of the syntaxes proposed for a context, the requester's first known one is taken. Explicit VR "
        "Little Endian, when it is offered, beats Implicit VR Little Endian and Explicit VR Big Endian. An "
        "unknown syntax is taken only when no known one is offered."
    )


_REJECTIONS: Final = (
    ("has no protocol version 1", Rejection.PROTOCOL_VERSION_NOT_SUPPORTED),
    ("names another application context", Rejection.APPLICATION_CONTEXT_NOT_SUPPORTED),
    ("calls another AE title than ours, letter by letter", Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED),
    (
        "comes from an AE title that is no active node, or from another host than the node's (unless that "
        "is not checked)",
        Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED,
    ),
    ("comes while too many associations are open (4.3)", Rejection.LOCAL_LIMIT_EXCEEDED),
)


def _rejected(why: str, rejection: Rejection) -> Row:
    result, source, reason = rejection.value.to_bytes(3, "big")
    kind = "permanent" if result == 1 else "transient"
    return (
        why,
        f"rejected, {kind}: {rejection.name.lower().replace('_', ' ')}",
        f"{result}, {source}, {reason}",
    )


_LIMITS: Final = {
    "artim": "seconds from the connection to the whole A-ASSOCIATE-RQ, and to the peer's closing at the end "
    "(ARTIM)",
    "idle": "seconds of silence between two messages",
    "pdu": "seconds a PDU may take, and an answer may be waited for in the middle of an operation",
    "send": "seconds an answer may wait for a peer that does not read",
    "max_pdu": "bytes of a PDU",
    "max_request": "bytes of an A-ASSOCIATE-RQ",
    "max_associations": "associations at once",
    "max_per_host": "associations at once from one host",
    "max_waiting": "connections that have not sent their A-ASSOCIATE-RQ; the oldest gives way",
}


def _limits(limits: Limits) -> Iterator[Row]:
    for field in fields(limits):
        value = getattr(limits, field.name)
        yield _LIMITS[field.name], f"{value:g}" if isinstance(value, float) else str(value)


def _services(offered: Sequence[Claim]) -> Iterator[str]:
    yield "## 5. Services provided"
    for number, claim in enumerate(offered, 1):
        prose = SERVICES[claim.service]
        yield f"### 5.{number} {prose.name} SCP (PS3.4 {prose.clause})"
        yield from prose.text
        roles = [role for role, may in (("SCU", claim.as_scu), ("SCP", claim.as_scp)) if may]
        rows = [
            ("operations", ", ".join(claim.operations)),
            ("SOP classes", "annex A"),
            (
                "transfer syntaxes",
                f"{len(claim.syntaxes)}: annex B" if len(claim.syntaxes) > _MANY else _listed(claim.syntaxes),
            ),
            ("roles a requester may take", " and ".join(roles) + _role_remark(claim)),
        ]
        if claim.extended is not None:
            rows.append(("extended negotiation, when all is asked", _extended(claim, prose)))
        yield table(("item", "value"), rows)
        yield table(("status", "name", "when"), prose.statuses)


def _role_remark(claim: Claim) -> str:
    return ": SCP with the right to get" if claim.service is Service.STORE and claim.as_scp else ""


def _extended(claim: Claim, prose: Prose) -> str:
    assert claim.extended is not None
    told = [
        f"{byte} ({name})"
        for byte, name in zip(claim.extended, prose.extended, strict=False)
        if name != "unused"
    ]
    return "; ".join(told)


def _asked() -> Iterator[str]:
    yield "## 6. Services used"
    for number, asked in enumerate(ASKED, 1):
        yield f"### 6.{number} {asked.name} SCU"
        yield asked.text
        syntaxes = ", ".join(name_of(uid) for uid in asked.syntaxes)
        yield table(
            ("SOP class", "transfer syntaxes proposed"),
            [(_listed((uid,)), syntaxes) for uid in asked.classes] or [("annex A", "as said")],
        )
    yield (
        "Called and calling AE title are those of the node and ours. A connection is waited for 5 s, an "
        "answer to the request for an association 10 s, anything else 30 s, for a printer as long as its "
        "page says. Roles are proposed only where this section says so; no extended negotiation, no "
        "asynchronous operations are."
    )


def _rest() -> Iterator[str]:
    yield "## 7. Network and configuration"
    yield (
        "TCP/IP, IPv4 and IPv6. Address and port are `PACS_DICOM_HOST` and `PACS_DICOM_PORT` (127.0.0.1, "
        "11112), the AE title is `PACS_AE_TITLE` (`LIGHTBOX`). Peers are AE nodes: title, host, port, "
        "rights, default character set, issuer of patient IDs, private SOP classes; entered in the "
        "administration or with `manage.py addnode`."
    )
    yield "## 8. Character sets"
    yield (
        "Received text is decoded by Specific Character Set (0008,0005) with code extensions of ISO 2022 "
        "(PS3.5 6.1.2.5), ISO_IR 192, GB18030 and GBK; misspelt terms are understood; a node can have a "
        "default for objects that name none. Objects keep their bytes."
    )
    yield "## 9. Security"
    yield (
        "Nobody is let in who is not an active node, calling from its host, and nobody does more than its "
        "rights say. What a peer sends is bounded in size, depth and time. The association diary holds no "
        "patient data. See [SECURITY.md](SECURITY.md)."
    )
    yield "## 10. Extensions"
    yield (
        "No attribute is added to a stored object, and no private attribute, SOP class or transfer syntax "
        "is defined here. Films are printed as one composed image a sheet."
    )
    yield (
        "Made here, on request of a person: Grayscale and Color Softcopy Presentation States and Key Object "
        "Selection Documents, in Explicit VR Little Endian and ISO_IR 192, with UIDs under 2.25. Applied to "
        "what is shown and printed: Grayscale and Color Softcopy Presentation States, overlay planes, "
        "display shutters, and the colours recommended for segments."
    )


def _annexes(offered: Sequence[Claim]) -> Iterator[str]:
    yield "## Annex A. SOP classes accepted"
    rows = [(name_of(uid), uid, SERVICES[claim.service].name) for claim in offered for uid in claim.classes]
    yield table(("SOP class", "UID", "service"), rows)
    yield "## Annex B. Transfer syntaxes accepted"
    services = {claim.service: claim.syntaxes for claim in offered}
    every = sorted({uid for syntaxes in services.values() for uid in syntaxes}, key=uid_key)
    rows = []
    for uid in every:
        by = [SERVICES[service].name for service, syntaxes in services.items() if uid in syntaxes]
        rows.append((name_of(uid), uid, ", ".join(by)))
    yield table(("transfer syntax", "UID", "services"), rows)
