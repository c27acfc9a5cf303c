"""One, 20 and 300 connections that are silent, slow, idle or stuck delay nobody."""

from __future__ import annotations

import pytest

from tests.torture.crowds import KINDS, echo_among
from tests.wire.server import Scp


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_echo_is_answered_at_once(scp: Scp, kind: str) -> None:
    for count in (1, 20, 300):
        echo = echo_among(scp.port, kind, count)
        print(echo)
        assert echo.ok, str(echo)
