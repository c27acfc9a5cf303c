"""The servers of the wire tests, for longer."""

from tests.wire.conftest import prepared, scp, start

__all__ = ["prepared", "scp", "start"]
