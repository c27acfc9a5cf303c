"""Why an association ended as it did, in a sentence, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Step = tuple[Promise, Promise]
"""What to do in a few words, and what there is to know about it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """``sentence`` and ``steps`` may name %(peer)s, %(own)s, %(ours)s, %(address)s and %(port)s; ``told``
    is the same in a few words, for a line of the timeline."""

    sentence: Promise
    told: Promise
    steps: tuple[Step, ...] = ()


_SEND_AGAIN: Final = (
    _("Send again from %(peer)s."),
    _("What we already have is recognised, nothing doubles."),
)
_NETWORK: Final = (
    _("Look at the network."),
    _("Cuts at the same hour point to a backup, a switch or a firewall that drops quiet lines."),
)
_THEIR_LOG: Final = (_("Look at the log of %(peer)s."), _("It says why the device broke off."))
_VENDOR: Final = (
    _("Give this page to the vendor of %(peer)s."),
    _("The rule it broke stands under “Detail”. No setting here can help."),
)
_NOTHING: Final = (
    _("Nothing to do."),
    _("Nothing was under way, and whatever came before was answered."),
)
_KEEPS_HAPPENING: Final = (
    _("If it keeps happening,"),
    _("let the device send in smaller groups, or raise its time limits."),
)
_ADDRESS: Final = (
    _("Compare host and port"),
    _("of the AE node with the device's own settings: %(address)s, port %(port)s."),
)

REASONS: Final[Mapping[str, Reason]] = {
    # ---- let in, and ended
    "released": Reason(_("%(peer)s and we said goodbye in order."), _("Released")),
    "stopped": Reason(
        _("This server was being stopped, so it hung up on %(peer)s."),
        _("We were stopping, so we hung up"),
        (_SEND_AGAIN,),
    ),
    "killed": Reason(
        _("The server was killed while it spoke with %(peer)s."),
        _("The server was killed"),
        (
            _SEND_AGAIN,
            (
                _("Find out why it was killed:"),
                _("too little memory is the commonest reason. The archive's log says when."),
            ),
        ),
    ),
    "silent": Reason(
        _("%(peer)s said nothing more for a long time, so we hung up."),
        _("Nothing more came, so we hung up"),
        (
            _NOTHING,
            (
                _("If the device complains,"),
                _("let it release associations it does not use, or ask again at once."),
            ),
        ),
    ),
    "silent-midway": Reason(
        _("The line to %(peer)s went dead in the middle of an operation, so we hung up."),
        _("Nothing more came, so we hung up"),
        (_SEND_AGAIN, _NETWORK, _KEEPS_HAPPENING),
    ),
    "aborted": Reason(
        _("%(peer)s hung up without saying goodbye. Nothing was under way."), _("It hung up"), (_NOTHING,)
    ),
    "aborted-midway": Reason(
        _("%(peer)s broke off in the middle of an operation."),
        _("It broke off"),
        (_SEND_AGAIN, _THEIR_LOG, _KEEPS_HAPPENING),
    ),
    "lost": Reason(
        _("The connection with %(peer)s was closed without a goodbye. Nothing was under way."),
        _("The connection was closed"),
        (_NOTHING,),
    ),
    "lost-midway": Reason(
        _("The connection with %(peer)s broke in the middle of an operation."),
        _("The connection broke"),
        (_SEND_AGAIN, _NETWORK, _THEIR_LOG),
    ),
    "broken-off": Reason(
        _("We hung up on %(peer)s, because something went wrong here."),
        _("We broke off"),
        ((_("Look at the archive's log."), _("It says what went wrong.")),),
    ),
    "broken-off-midway": Reason(
        _("%(peer)s did not answer in time, so we hung up."),
        _("No answer came, so we hung up"),
        (
            (
                _("Test the connection"),
                _("on the page of its AE node. Overloaded, it often needs a restart of its DICOM service."),
            ),
            _NETWORK,
        ),
    ),
    "malformed": Reason(
        _("%(peer)s broke the rules of DICOM, so we broke off."),
        _("What came breaks the rules of DICOM, so we broke off"),
        (_SEND_AGAIN, _VENDOR),
    ),
    "pdu-too-long": Reason(
        _("%(peer)s sent a longer PDU than we said we take, so we broke off."),
        _("A PDU was too long, so we broke off"),
        (
            (
                _("Lower the largest PDU in the settings of %(peer)s"),
                _("to the one that stands under “Facts”. A device has to keep to it by itself."),
            ),
            _VENDOR,
        ),
    ),
    # ---- turned away
    "unknown-title": Reason(
        _("%(peer)s is none of our AE nodes, so it was turned away."),
        _("Turned away: unknown AE title"),
        (
            (_("Add it as an AE node,"), _("if you expect this device: one click under “Unknown callers”.")),
            (_("Check the spelling."), _("AE titles are compared letter by letter, and capitals count.")),
        ),
    ),
    "called-title": Reason(
        _("%(peer)s called us “%(own)s”, which is not our AE title."),
        _("Turned away: that is not our AE title"),
        ((_("Correct the called AE title in %(peer)s."), _("Ours is %(ours)s, and capitals count.")),),
    ),
    "other-host": Reason(
        _("%(peer)s called from %(address)s, which is not the host of its AE node."),
        _("Turned away: another host"),
        (
            (
                _("Correct the host of the AE node,"),
                _("if the device has a new address: one click under “Unknown callers”."),
            ),
            (_("Or switch off “only from this host”,"), _("if the device has no address of its own.")),
        ),
    ),
    "inactive": Reason(
        _("The AE node %(peer)s is switched off, so it was turned away."),
        _("Turned away: switched off"),
        ((_("Switch the AE node on"), _("to let it in from its next association on.")),),
    ),
    "no-tls": Reason(
        _("%(peer)s called without TLS, which its AE node demands."),
        _("Turned away: no TLS"),
        ((_("Switch TLS on in %(peer)s,"), _("and let it call the TLS port.")),),
    ),
    "other-certificate": Reason(
        _("%(peer)s showed another certificate than its AE node names, or none."),
        _("Turned away: another certificate"),
        ((_("Correct the AE node,"), _("if the device has a new certificate; else correct the device.")),),
    ),
    "no-user": Reason(
        _("%(peer)s brought no user identity, or not the kind its AE node demands."),
        _("Turned away: no user"),
        ((_("Set a user in %(peer)s."), _("The AE node says whether a password is needed.")),),
    ),
    "user-refused": Reason(
        _("%(peer)s named a user who may not log in."),
        _("Turned away: the user was refused"),
        (
            (_("Look whether the user is known,"), _("active and not locked out.")),
            (_("Correct the password"), _("in the device's settings.")),
        ),
    ),
    "protocol-version-not-supported": Reason(
        _("%(peer)s speaks another version of the DICOM protocol."),
        _("Turned away: another protocol version"),
        (_VENDOR,),
    ),
    "application-context-not-supported": Reason(
        _("%(peer)s asked for another application context than DICOM's."),
        _("Turned away: another application context"),
        (_VENDOR,),
    ),
    "local-limit": Reason(
        _("There were too many associations at once, so %(address)s was turned away."),
        _("Turned away: too many at once"),
        (
            (_("Wait a moment."), _("Most devices try again by themselves.")),
            (
                _("If it keeps happening,"),
                _("let the device close idle ones, or start the server with a higher --max-per-host."),
            ),
        ),
    ),
    "silent-request": Reason(
        _("%(address)s connected and never said who it is."),
        _("No whole request came in time"),
        (
            (_("Nothing to do,"), _("if it is a port check or a monitoring system.")),
            (
                _("If it is a device,"),
                _("look at the firewall between us: it lets connections through and drops what follows."),
            ),
        ),
    ),
    "malformed-request": Reason(
        _("%(address)s sent a request that breaks the rules of DICOM."),
        _("The request breaks the rules of DICOM"),
        (
            (_("If it is a scanner of the security people,"), _("nothing is to do.")),
            (_("If it is a device,"), _("give this page to its vendor.")),
        ),
    ),
    "tls-not-offered": Reason(
        _("%(address)s wants to speak TLS, which this port does not."),
        _("It began with TLS"),
        ((_("Compare the port and the TLS setting of the device"), _("with those of this server.")),),
    ),
    "tls-handshake": Reason(
        _("The TLS handshake with %(address)s failed."),
        _("The TLS handshake failed"),
        (
            (
                _("Compare the certificates:"),
                _("each side must trust the other's issuer, and neither may have expired."),
            ),
            (
                _("Compare the TLS versions:"),
                _("old devices know nothing newer than TLS 1.0, which is refused."),
            ),
        ),
    ),
    "http": Reason(
        _("A web browser, or another web client, called the DICOM port from %(address)s."),
        _("It began with HTTP"),
        ((_("Use the address of the web server."), _("This port speaks DICOM only.")),),
    ),
    "not-dicom": Reason(
        _("What %(address)s sent is not DICOM."),
        _("It did not begin with a request"),
        ((_("Nothing to do,"), _("if it is a port check or a scanner of the security people.")),),
    ),
    # ---- we called, and nothing came of it
    "failed/no-tls": Reason(
        _("No secure line to %(peer)s came about."),
        _("TLS did not come about"),
        (
            (_("Compare the certificates:"), _("ours, theirs, and the authority that signed both.")),
            (_("Is TLS on at %(peer)s,"), _("and is its TLS port the one of the AE node?")),
        ),
    ),
    "failed/role-refused": Reason(
        _("%(peer)s does not let us tell it what is committed."),
        _("It refused our role"),
        (
            (
                _("Switch on “commitment on the same association”"),
                _("on its AE node, if the device waits for the result there."),
            ),
            _VENDOR,
        ),
    ),
    "failed/name-not-resolved": Reason(
        _("The host name of %(peer)s, “%(address)s”, is not known."),
        _("The name is not known"),
        ((_("Correct the host of the AE node,"), _("or give its IP address.")),),
    ),
    "failed/refused": Reason(
        _("%(address)s is there, but nothing listens on port %(port)s."),
        _("Refused"),
        ((_("Start the DICOM service of %(peer)s."), _("It may be off, or restarting.")), _ADDRESS),
    ),
    "failed/unreachable": Reason(
        _("There is no way to %(address)s."),
        _("No way there"),
        (_ADDRESS, (_("Ask the network's people"), _("for a route to this address."))),
    ),
    "failed/timeout": Reason(
        _("%(address)s, port %(port)s, does not answer."),
        _("No answer"),
        (
            (_("Is %(peer)s switched on?"), _("If it is, a firewall may drop the connection.")),
            _ADDRESS,
        ),
    ),
    "failed/rejected-calling": Reason(
        _("%(peer)s does not know us as “%(own)s”."),
        _("It turned us away: it does not know our AE title"),
        ((_("Add us to the partners of %(peer)s:"), _("AE title %(own)s, our address, our port.")),),
    ),
    "failed/rejected-called": Reason(
        _("The device at %(address)s is not called “%(peer)s”."),
        _("It turned us away: that is not its AE title"),
        ((_("Correct the AE title of the node."), _("Capitals count.")),),
    ),
    "failed/rejected-limit": Reason(
        _("%(peer)s had too many associations."),
        _("It turned us away: too many at once"),
        (
            (_("Wait a moment."), _("What we send is tried again.")),
            (_("If it keeps happening,"), _("raise the device's limit.")),
        ),
    ),
    "failed/rejected": Reason(
        _("%(peer)s turned us away."),
        _("It turned us away"),
        ((_("Look at the log of %(peer)s."), _("The numbers of its answer stand under “Detail”.")),),
    ),
    "failed/aborted": Reason(
        _("%(peer)s broke off before the association was there."),
        _("It broke off"),
        (
            (_("Add us to the partners of %(peer)s:"), _("AE title %(own)s, our address, our port.")),
            _THEIR_LOG,
        ),
    ),
    "failed/closed": Reason(
        _("%(peer)s closed the connection without a word."),
        _("It closed the connection"),
        (
            (_("Does %(peer)s want TLS,"), _("or let only certain addresses in? Its settings say so.")),
            _ADDRESS,
        ),
    ),
    "failed/no-answer": Reason(
        _("%(peer)s takes the connection, but does not answer."),
        _("No answer came"),
        (
            (
                _("Restart the DICOM service of %(peer)s."),
                _("It may be overloaded, or the port belongs to something else."),
            ),
            _ADDRESS,
        ),
    ),
    "failed/nothing-accepted": Reason(
        _("%(peer)s let us in, but takes none of what we proposed."),
        _("It takes nothing of it"),
        (
            (
                _("Allow this archive more on %(peer)s."),
                _("What was proposed stands under “Proposed and accepted”."),
            ),
        ),
    ),
}

UNKNOWN: Final = Reason(_("The association ended in a way that has no name here."), _("Ended"))
RUNNING: Final = Reason(_("%(peer)s is connected now."), _("Still there"))


def reason_of(*, end: str, reason: str) -> Reason:
    """The words for how an association ended; it is running when it has no end."""
    if not end:
        return RUNNING
    return REASONS.get(f"{end}/{reason}") or REASONS.get(reason) or UNKNOWN
