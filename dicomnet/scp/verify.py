"""C-ECHO (PS3.4 A): are you there?"""

from __future__ import annotations

from dicomnet.dimse.command import Command, response_encoded
from dicomnet.scp.tally import Tally
from dicomnet.status import Status


class EchoOperation:
    """Answers Success. A data set, which a C-ECHO must not have, is read and ignored."""

    def __init__(self, command: Command, tally: Tally) -> None:
        self._command = command
        self._tally = tally

    def write(self, fragment: memoryview) -> None:
        pass

    def finish(self) -> bytes | None:
        self._tally.echoed += 1
        return response_encoded(self._command, Status.SUCCESS)

    def abandon(self) -> None:
        pass
