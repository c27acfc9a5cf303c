"""What an operation may know of its association."""

from __future__ import annotations

from dataclasses import dataclass

from dicomnet.dimse.messages import Messages
from dicomnet.scp.guard import Caller
from dicomnet.scp.tally import Tally


@dataclass(frozen=True, slots=True)
class Served:
    """The peer, what was counted of it so far, and the messages to answer with."""

    caller: Caller
    tally: Tally
    messages: Messages
